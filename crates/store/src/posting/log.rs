//! The posting log: an entry and a signed checkpoint in the transaction of each posting. An append
//! reads the last checkpoint and writes a few rows, a tile reads its own 256.

use domain::posting::Posting;
use domain::posting::log::{
    Algorithm, Check, Checkpoint, Entry, Frontier, Hash, Kind, NoTile, Proof, SALT, Salt, Sign,
    Tile, Tiles, VerifierKey, What, bundle, commitment, inclusion, origin, signed,
};
use domain::posting::merkle::leaf;
use domain::{Id, Millis};
use seal::Curve;

use crate::{Broken, Keys, Result, Tx, args};

// Keys ----------------------------------------------------------------------------------------------

fn algorithm(curve: Curve) -> Algorithm {
    match curve {
        Curve::Ed25519 => Algorithm::Ed25519,
        Curve::Sm2 => Algorithm::Sm2,
    }
}

/// The public keys of the zone's log. Empty: the key file is from before there was a log.
pub fn verifier_keys(keys: &Keys) -> Vec<VerifierKey> {
    let all = keys.log_keys();
    let Some((_, first)) = all.iter().find(|(curve, _)| *curve == Curve::Ed25519) else {
        return Vec::new();
    };
    let name = origin(first);
    all.iter()
        .filter_map(|(curve, public)| VerifierKey::new(&name, algorithm(*curve), public))
        .collect()
}

/// Checks signatures by the curves there are.
pub struct Curves;

impl Check for Curves {
    fn holds(&self, key: &VerifierKey, text: &[u8], signature: &[u8]) -> bool {
        let curve = match key.algorithm() {
            Algorithm::Ed25519 => Curve::Ed25519,
            Algorithm::Sm2 => Curve::Sm2,
        };
        seal::verify(curve, key.public(), text, signature)
    }
}

/// A signature that is there already, made where it could fail.
struct Made {
    key: VerifierKey,
    signature: Vec<u8>,
}

impl Sign for Made {
    fn key(&self) -> &VerifierKey {
        &self.key
    }
    fn sign(&self, _: &[u8]) -> Vec<u8> {
        self.signature.clone()
    }
}

fn sign(keys: &Keys, size: u64, root: Hash) -> Result<String> {
    let all = verifier_keys(keys);
    let name = all.first().ok_or(seal::Fault::Lacks("the key `log ed25519`"))?.name();
    let text = Checkpoint { origin: name.to_owned(), size, root }.text();
    let mut made = Vec::new();
    for (key, (curve, _)) in all.iter().zip(keys.log_keys()) {
        let signature = keys.sign_log(curve, text.as_bytes())?;
        made.push(Made { key: key.clone(), signature });
    }
    let signers: Vec<&dyn Sign> = made.iter().map(|made| made as &dyn Sign).collect();
    Ok(signed(&text, &signers))
}

// Writing -------------------------------------------------------------------------------------------

fn record_checkpoint(tx: &mut Tx, frontier: &Frontier, at: Millis) -> Result<()> {
    let (size, root) = (frontier.size(), frontier.root());
    let note = sign(&tx.keys(), size, root)?;
    tx.exec(
        "INSERT INTO posting_checkpoint (size, root, frontier, note, at) VALUES ($1, $2, $3, $4, $5)",
        &args![signed_number(size), root, frontier.bytes(), note, at],
    )?;
    Ok(())
}

/// The checkpoint of the empty log, where there is none yet; then every posting that is not in the
/// log, as those from before there was one. How many those were.
pub fn begin(tx: &mut Tx) -> Result<usize> {
    if newest(tx)?.is_none() {
        record_checkpoint(tx, &Frontier::default(), 0)?;
    }
    let missing = tx.all(
        "SELECT p.id FROM posting p LEFT JOIN posting_log l ON l.posting = p.id \
         WHERE l.posting IS NULL ORDER BY p.at, p.id",
        &args![],
        |r| r.id(0),
    )?;
    for id in &missing {
        if let Some(posting) = super::find(tx, *id)? {
            append(tx, &posting)?;
        }
    }
    Ok(missing.len())
}

/// Adds a posting's entry, its salt and the checkpoint that holds it.
pub(super) fn append(tx: &mut Tx, posting: &Posting) -> Result<()> {
    let area =
        tx.one("SELECT path FROM batch WHERE id = $1", &args![posting.batch], |r| r.text(0))?;
    let kind = match posting.corrects {
        None => Kind::List,
        Some(amended) => match place_of(tx, amended)? {
            Some((number, _)) => Kind::Correction(number),
            None => return Err(Broken::data(format!("{amended} is not in the posting log"))),
        },
    };
    let mut salt: Salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(seal::Fault::Random)?;
    let entry = Entry {
        posting: posting.id,
        area,
        kind,
        from: posting.from,
        to: posting.to,
        commitment: commitment(&salt, &posting.body),
    };
    append_entry(tx, posting.id, &entry.written(), posting.at)?;
    tx.exec(
        "INSERT INTO posting_salt (posting, batch, salt) VALUES ($1, $2, $3)",
        &args![posting.id, posting.batch, salt.as_slice()],
    )?;
    Ok(())
}

/// Adds an entry and the checkpoint that holds it; the new size.
pub fn append_entry(tx: &mut Tx, posting: Id, entry: &[u8], at: Millis) -> Result<u64> {
    let mut frontier = match newest(tx)? {
        Some(newest) => newest.frontier,
        None => {
            record_checkpoint(tx, &Frontier::default(), 0)?;
            Frontier::default()
        }
    };
    let (number, hash) = (frontier.size(), leaf(entry));
    tx.exec(
        "INSERT INTO posting_log (number, posting, entry, leaf, at) VALUES ($1, $2, $3, $4, $5)",
        &args![signed_number(number), posting, entry, hash, at],
    )?;
    let mut grown = Vec::new();
    frontier.add(hash, |level, index, hash| {
        if level % 8 == 0 {
            grown.push((level / 8, index, hash));
        }
    });
    for (level, index, hash) in grown {
        tx.exec(
            "INSERT INTO posting_log_node (level, number, hash) VALUES ($1, $2, $3)",
            &args![i64::from(level), signed_number(index), hash],
        )?;
    }
    record_checkpoint(tx, &frontier, at)?;
    Ok(frontier.size())
}

fn signed_number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

// Reading -------------------------------------------------------------------------------------------

/// A checkpoint as it is kept.
#[derive(Clone, Debug)]
pub struct KeptCheckpoint {
    pub size: u64,
    pub root: Hash,
    pub frontier: Frontier,
    pub note: String,
}

const CHECKPOINT: &str = "SELECT size, root, frontier, note FROM posting_checkpoint";

fn kept(r: &crate::Row) -> Result<KeptCheckpoint> {
    let size = r.int(0)?.unsigned_abs();
    let frontier = Frontier::of(size, &r.bytes(2)?)
        .ok_or_else(|| Broken::data(format!("checkpoint {size} ends in other subtrees")))?;
    Ok(KeptCheckpoint { size, root: r.digest(1)?, frontier, note: r.text(3)? })
}

pub fn newest(tx: &mut Tx) -> Result<Option<KeptCheckpoint>> {
    tx.opt(&format!("{CHECKPOINT} ORDER BY size DESC LIMIT 1"), &args![], kept)
}

pub fn checkpoint(tx: &mut Tx, size: u64) -> Result<Option<KeptCheckpoint>> {
    tx.opt(&format!("{CHECKPOINT} WHERE size = $1"), &args![signed_number(size)], kept)
}

/// Every checkpoint, oldest first.
pub fn each_checkpoint(
    tx: &mut Tx,
    mut see: impl FnMut(KeptCheckpoint) -> Result<()>,
) -> Result<()> {
    tx.each(&format!("{CHECKPOINT} ORDER BY size"), &args![], |r| see(kept(r)?))
}

/// A posting's number in the log and its entry; `None` where it is not in the log.
pub fn place_of(tx: &mut Tx, posting: Id) -> Result<Option<(u64, Vec<u8>)>> {
    tx.opt("SELECT number, entry FROM posting_log WHERE posting = $1", &args![posting], |r| {
        Ok((r.int(0)?.unsigned_abs(), r.bytes(1)?))
    })
}

/// Postings of this batch that are not in the log.
pub fn missing_of(tx: &mut Tx, batch: Id) -> Result<i64> {
    tx.one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM posting p LEFT JOIN posting_log l \
         ON l.posting = p.id WHERE p.batch = $1 AND l.posting IS NULL",
        &args![batch],
        |r| r.int(0),
    )
}

/// `None`: erased with the content, or never there.
pub fn salt(tx: &mut Tx, posting: Id) -> Result<Option<Salt>> {
    let sql = "SELECT salt FROM posting_salt WHERE posting = $1";
    let kept = tx.opt(sql, &args![posting], |r| r.bytes(0))?;
    kept.map(|salt| salt.try_into().map_err(|_| Broken::data(format!("salt of {posting}"))))
        .transpose()
}

impl From<NoTile> for Broken {
    fn from(_: NoTile) -> Broken {
        Broken::data("the posting log lacks a hash")
    }
}

/// A file of the log; `None` where the log is not that large.
pub fn tile(tx: &mut Tx, tile: Tile) -> Result<Option<Vec<u8>>> {
    let size = newest(tx)?.map_or(0, |newest| newest.size);
    if !tile.is_of(size) {
        return Ok(None);
    }
    Ok(Some(read_tile(tx, tile)?))
}

fn read_tile(tx: &mut Tx, tile: Tile) -> Result<Vec<u8>> {
    let (first, width) = (signed_number(tile.first()), i64::from(tile.width));
    let range = args![first, first + width].to_vec();
    let rows = match tile.what {
        What::Entries => {
            let sql = "SELECT entry FROM posting_log WHERE number >= $1 AND number < $2 \
                       ORDER BY number";
            tx.all(sql, &range, |r| r.bytes(0))?
        }
        What::Hashes(0) => {
            let sql = "SELECT leaf FROM posting_log WHERE number >= $1 AND number < $2 \
                       ORDER BY number";
            tx.all(sql, &range, |r| r.bytes(0))?
        }
        What::Hashes(level) => {
            let sql = "SELECT hash FROM posting_log_node WHERE number >= $1 AND number < $2 \
                       AND level = $3 ORDER BY number";
            let range = args![first, first + width, i64::from(level)];
            tx.all(sql, &range, |r| r.bytes(0))?
        }
    };
    if rows.len() != usize::from(tile.width) {
        return Err(NoTile.into());
    }
    match tile.what {
        What::Entries => bundle(rows.iter().map(Vec::as_slice)).ok_or_else(|| NoTile.into()),
        What::Hashes(_) => Ok(rows.concat()),
    }
}

/// How a posting stands in the log: its entry, and the proof up to the checkpoint it came in with.
pub struct Logged {
    pub entry: Vec<u8>,
    pub proof: Proof,
}

/// `None` where the posting is not in the log.
pub fn proof(tx: &mut Tx, posting: Id) -> Result<Option<Logged>> {
    let Some((index, entry)) = place_of(tx, posting)? else { return Ok(None) };
    let size = index + 1;
    let lacks = || Broken::data(format!("the posting log lacks checkpoint {size}"));
    let checkpoint = checkpoint(tx, size)?.ok_or_else(lacks)?.note;
    let mut tiles = Tiles::new(size, |tile| read_tile(tx, tile));
    let path = inclusion(&mut tiles, index, size)?;
    Ok(Some(Logged { entry, proof: Proof { index, path, checkpoint } }))
}

/// The checkpoint that a posting came in with, in short, behind the posting's number.
pub fn short_form(tx: &mut Tx, posting: Id) -> Result<Option<(u64, String)>> {
    let Some((index, _)) = place_of(tx, posting)? else { return Ok(None) };
    let Some(kept) = checkpoint(tx, index + 1)? else { return Ok(None) };
    let short = Checkpoint { origin: String::new(), size: kept.size, root: kept.root }.short();
    Ok(Some((index, short)))
}

// For `siji verify` ---------------------------------------------------------------------------------

/// An entry as it is kept.
pub struct KeptEntry {
    pub number: u64,
    pub posting: Id,
    pub entry: Vec<u8>,
    pub leaf: Vec<u8>,
}

/// Every entry in order.
pub fn each_entry(tx: &mut Tx, mut see: impl FnMut(KeptEntry) -> Result<()>) -> Result<()> {
    let sql = "SELECT number, posting, entry, leaf FROM posting_log ORDER BY number";
    tx.each(sql, &args![], |r| {
        see(KeptEntry {
            number: r.int(0)?.unsigned_abs(),
            posting: r.id(1)?,
            entry: r.bytes(2)?,
            leaf: r.bytes(3)?,
        })
    })
}

/// Every kept hash above the leaves: (level of tiles, number, hash).
pub fn nodes(tx: &mut Tx) -> Result<Vec<(u8, u64, Vec<u8>)>> {
    let sql = "SELECT level, number, hash FROM posting_log_node ORDER BY level, number";
    tx.all(sql, &args![], |r| {
        let level = u8::try_from(r.int(0)?).unwrap_or(u8::MAX);
        Ok((level, r.int(1)?.unsigned_abs(), r.bytes(2)?))
    })
}

/// When the last retention ran; nought where none did.
pub fn last_retention(tx: &mut Tx) -> Result<Millis> {
    let sql = "SELECT COALESCE(MAX(at), 0) FROM audit_log WHERE verb = 'retention'";
    tx.one(sql, &args![], |r| r.int(0))
}

// Erasing -------------------------------------------------------------------------------------------

/// Takes away the content and the salt of what was hung before this moment and is certified; how
/// many postings. The log stays as it is. Without `apply` they are only counted.
pub fn erase_before(tx: &mut Tx, at: Millis, apply: bool) -> Result<u64> {
    let due = tx.all(
        "SELECT p.id FROM posting p JOIN batch b ON b.id = p.batch WHERE p.at < $1 \
         AND b.certified_at IS NOT NULL AND length(p.body) > 0 ORDER BY p.id",
        &args![at],
        |r| r.id(0),
    )?;
    for id in due.iter().filter(|_| apply) {
        let Some(posting) = super::find(tx, *id)? else { continue };
        let erased = Posting { body: Vec::new(), ..posting };
        tx.exec(
            "UPDATE posting SET body = $2, digest = $3 WHERE id = $1",
            &args![*id, erased.body.as_slice(), erased.digest()],
        )?;
        tx.exec("DELETE FROM posting_salt WHERE posting = $1", &args![*id])?;
    }
    Ok(due.len() as u64)
}
