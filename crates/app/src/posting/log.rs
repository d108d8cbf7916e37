//! The posting log for everybody: its checkpoint, its tiles, and for a list that hangs one file that
//! shows it to be in the log.

use domain::Date;
use domain::Id;
use domain::access::Scope;
use domain::posting::log::{Tile, VerifierKey};
use serde::{Deserialize, Serialize};
use store::{Keys, Tx};

use super::post::posting_text;
use crate::{Failure, Never};

/// A new zone's log, and the postings from before there was one.
pub fn begin_log(tx: &mut Tx) -> Result<(), Failure<Never>> {
    store::posting::log::begin(tx)?;
    Ok(())
}

/// The newest checkpoint, signed. It was durable before it could be read.
pub fn checkpoint(tx: &mut Tx) -> Result<String, Failure<Never>> {
    Ok(store::posting::log::newest(tx)?.ok_or(Failure::NotFound)?.note)
}

/// A tile by its path, which begins with `tile/`: what it is, and its bytes.
pub fn tile(tx: &mut Tx, path: &str) -> Result<(Tile, Vec<u8>), Failure<Never>> {
    let tile = Tile::parse(path).ok_or(Failure::NotFound)?;
    let bytes = store::posting::log::tile(tx, tile)?.ok_or(Failure::NotFound)?;
    Ok((tile, bytes))
}

/// The keys the log is checked with, as they are published.
pub fn log_keys(keys: &Keys) -> Vec<VerifierKey> {
    store::posting::log::verifier_keys(keys)
}

/// A posting and all that shows it to be in the log; `docs/posting-log.md` has the format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProofFile {
    /// `siji-posting-proof/1`.
    pub format: String,
    /// The log's keys as the server says them; whoever checks has them from elsewhere.
    pub keys: Vec<String>,
    /// The exact text that hangs.
    pub content: String,
    /// 32 hexadecimal digits.
    pub salt: String,
    pub entry: String,
    /// A tlog-proof: index, hashes, signed checkpoint.
    pub proof: String,
}

impl ProofFile {
    pub const FORMAT: &str = "siji-posting-proof/1";
}

/// For everybody while the list hangs; later for those who may see the village.
pub fn proof_file(
    tx: &mut Tx,
    scope: Option<&Scope>,
    id: Id,
    today: Date,
) -> Result<ProofFile, Failure<Never>> {
    let posting = posting_text(tx, scope, id, today)?;
    let logged = store::posting::log::proof(tx, id)?.ok_or(Failure::NotFound)?;
    let salt = store::posting::log::salt(tx, id)?.ok_or(Failure::NotFound)?;
    let text = |bytes: Vec<u8>| {
        let broken = |_| store::Broken::data(format!("posting {id} is no text"));
        String::from_utf8(bytes).map_err(broken)
    };
    Ok(ProofFile {
        format: ProofFile::FORMAT.to_owned(),
        keys: log_keys(&tx.keys()).iter().map(VerifierKey::to_string).collect(),
        content: text(posting.body)?,
        salt: domain::posting::body::hex(&salt),
        entry: text(logged.entry)?,
        proof: logged.proof.written(),
    })
}
