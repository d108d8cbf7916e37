//! What hangs on the wall, and the log that shows it hung.

use std::sync::LazyLock;

use app::posting::ProofFile;
use domain::calendar::{DayKind, Month};
use domain::posting::body::{Category, Header, PostedOutcome, PostedRow, hex};
use domain::posting::log::{
    self, Checkpoint, Entry, Frontier, Kind, Proof, Salt, Sign, Tile, VerifierKey, What, open,
};
use domain::posting::{Body, Contact, MaskedName, PublicText, Serial, merkle};
use domain::{Id, parse_day};
use jiff::ToSpan;
use store::posting::log::Curves;

use crate::bytes::Bytes;

/// Bytes as a posting: read in one way only, and nothing long to be counted off in it.
pub fn posting(bytes: &[u8]) {
    match Body::read(bytes) {
        Ok(body) => {
            assert_eq!(body.written(), bytes, "a posting is written in one way");
            assert_eq!(Body::read(&body.written()).as_ref(), Ok(&body));
            assert_eq!(body.root(), naive_root(bytes));
            for row in &body.rows {
                is_masked(row.name.as_str());
                assert_eq!(row.sums.len(), body.header.categories.len());
            }
        }
        Err(no) => {
            let lines = bytes.iter().filter(|b| **b == b'\n').count();
            assert!((1..=lines + 1).contains(&no.line), "line {} of {lines}", no.line);
        }
    }
}

/// RFC 6962, 2.1, as it is written there.
fn naive_root(text: &[u8]) -> [u8; 32] {
    fn tree(lines: &[&[u8]]) -> [u8; 32] {
        match lines {
            [] => merkle::root([]),
            [one] => merkle::leaf(one),
            lines => {
                let half = lines.len().next_power_of_two() / 2;
                merkle::node(&tree(&lines[..half]), &tree(&lines[half..]))
            }
        }
    }
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    tree(&lines[..lines.len() - 1])
}

fn is_masked(name: &str) {
    let shown = name.strip_suffix("**").expect("a masked name ends with two stars");
    assert!(shown.chars().count() <= 2 && !shown.contains(char::is_numeric), "{name}");
}

/// A posting made of any texts: what is let on the wall reads back, and holds no long number.
pub fn wall(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let text = |choices: &mut Bytes<'_>| {
        let typed = choices.text();
        let public = PublicText::new(&typed).ok()?;
        let digits = public.as_str().chars().filter(char::is_ascii_digit);
        let runs = public.as_str().split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(runs <= Some(5) && digits.count() <= 60, "{public} is public");
        Some(public)
    };
    let drawn = (|| {
        let categories = (0..choices.below(4)).map(|_| {
            let (code, name) = (text(&mut choices)?, text(&mut choices)?);
            Some(Category { code, name, points_max: choices.word() as u16 })
        });
        let categories: Vec<Category> = categories.collect::<Option<_>>()?;
        let from = parse_day("2026-10-24")?.saturating_add(i64::from(choices.byte()).days());
        let contact = choices.text();
        let contact = Contact::new(&contact).or_else(|_| Contact::new("0635-8511234")).ok()?;
        let header = Header {
            zone: text(&mut choices)?,
            village: text(&mut choices)?,
            month: Month::of(from),
            scheme: text(&mut choices)?,
            scheme_version: choices.word() as u16,
            place: text(&mut choices)?,
            from,
            to: from.saturating_add(i64::from(choices.byte()).days()),
            days: choices.word() as u16,
            day_kind: *choices.pick(&[DayKind::Calendar, DayKind::Working]),
            contact,
            corrects: choices.truth().then(|| naive_root(b"x\n")),
            categories,
        };
        let mut rows = Vec::new();
        while !choices.is_empty() && rows.len() < 30 {
            let sum = |_| choices.truth().then(|| choices.byte().into());
            let sums = header.categories.iter().map(sum).collect();
            let name = MaskedName::of(&choices.text());
            is_masked(name.as_str());
            assert_eq!(MaskedName::of(name.as_str()), name);
            rows.push(PostedRow {
                serial: Serial::new(rows.len() as u32 + 1)?,
                name,
                village: text(&mut choices)?,
                hamlet: text(&mut choices),
                sums,
                total: choices.byte().into(),
                outcome: *choices.pick(&PostedOutcome::ALL),
            });
        }
        Some(Body { header, rows })
    })();
    let Some(body) = drawn else { return };
    let written = body.written();
    assert_eq!(Body::read(&written).as_ref(), Ok(&body), "{}", String::from_utf8_lossy(&written));
    posting(&written);
}

/// The log's small texts: checkpoints, signed notes, keys, entries, proofs.
pub fn log_texts(bytes: &[u8]) {
    if let Ok(entry) = Entry::read(bytes) {
        assert_eq!(entry.written(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = Checkpoint::read(text) {
        // Lines of others may stand below; ours are the first three.
        assert!(text.starts_with(&checkpoint.text()), "{text:?} reads as {checkpoint:?}");
        assert_eq!(Checkpoint::read(&checkpoint.text()).as_ref(), Ok(&checkpoint));
        assert!(checkpoint.short().starts_with(&checkpoint.size.to_string()));
    }
    if let Some(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Some(proof) = Proof::read(text) {
        assert_eq!(proof.written(), text);
    }
    // Nobody has signed it with the key of tests but us.
    let (keys, signed) = &*SIGNED;
    if let Ok(opened) = open(text, keys, &Curves) {
        assert!(signed.starts_with(opened.text), "{text:?} is taken for a signed note");
    }
}

type Signed = (Vec<VerifierKey>, String);

/// The keys of tests, and the one note that they have signed.
static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let (_, file) = &*PROVEN;
    (keys(), Proof::read(&file.proof).expect("a proof of ours").checkpoint)
});

fn keys() -> Vec<VerifierKey> {
    app::posting::log_keys(&testkit::keys())
}

struct Signer(VerifierKey);

impl Sign for Signer {
    fn key(&self) -> &VerifierKey {
        &self.0
    }
    fn sign(&self, text: &[u8]) -> Vec<u8> {
        testkit::keys().sign_log(seal::Curve::Ed25519, text).expect("the keys of tests can sign")
    }
}

/// A proof file that holds, in a log of five entries, and its salt.
static PROVEN: LazyLock<(Salt, ProofFile)> = LazyLock::new(|| {
    let day = |text| parse_day(text).expect("a day");
    let content = "format\tsiji-posting\t1\nzone\tZ\nvillage\tV\nmonth\t2026-10\nscheme\tS\t1\n\
                   place\tP\nfrom\t2026-10-24\nto\t2026-10-29\ndays\t5\tcalendar\n\
                   contact\t0635-8511234\ncorrects\t-\ncategory\tA\tN\t20\nrows\t1\n\
                   1\tA**\tV\t\t20\t20\tassessed\n";
    let salt: Salt = [7; 16];
    let entry = Entry {
        posting: Id::from_u128(1),
        area: "001.001".into(),
        kind: Kind::List,
        from: day("2026-10-24"),
        to: day("2026-10-29"),
        commitment: log::commitment(&salt, content.as_bytes()),
    };
    let leaves: Vec<[u8; 32]> =
        (0_u8..4).map(|n| merkle::leaf(&[n])).chain([merkle::leaf(&entry.written())]).collect();
    let left =
        merkle::node(&merkle::node(&leaves[0], &leaves[1]), &merkle::node(&leaves[2], &leaves[3]));
    let key = keys().remove(0);
    let root = merkle::node(&left, &leaves[4]);
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: 5, root };
    let note = log::signed(&checkpoint.text(), &[&Signer(key.clone())]);
    let proof = Proof { index: 4, path: vec![left], checkpoint: note };
    let file = ProofFile {
        format: ProofFile::FORMAT.into(),
        keys: vec![key.to_string()],
        content: content.into(),
        salt: hex(&salt),
        entry: String::from_utf8(entry.written()).expect("an entry is text"),
        proof: proof.written(),
    };
    (salt, file)
});

/// A proof file as anybody may send it, and our own with something changed in it.
pub fn proof(bytes: &[u8]) {
    let (salt, good) = &*PROVEN;
    let keys = keys();
    let holds = |file: &ProofFile, salt: &Salt| {
        let (content, entry) = (file.content.as_bytes(), file.entry.as_bytes());
        log::check(content, salt, entry, &file.proof, &keys, &Curves).is_ok()
    };
    assert!(holds(good, salt), "our own proof holds");
    if let Ok(file) = serde_json::from_slice::<ProofFile>(bytes) {
        let is_ours =
            (&file.content, &file.entry, &file.proof) == (&good.content, &good.entry, &good.proof);
        assert!(!holds(&file, salt) || is_ours, "{file:?} is taken for proven");
        return;
    }
    // One byte of one part is another one.
    let mut choices = Bytes::new(bytes);
    let (mut file, mut other) = (good.clone(), *salt);
    let part = choices.below(4);
    let place = choices.word() as usize;
    let with = choices.byte();
    if part == 3 {
        other[place % 16] = with;
    } else {
        let text = [&mut file.content, &mut file.entry, &mut file.proof].into_iter().nth(part);
        let text = text.expect("three parts");
        let mut changed = std::mem::take(text).into_bytes();
        let place = place % changed.len();
        changed[place] = with;
        *text = String::from_utf8(changed).unwrap_or_default();
    }
    let is_same = other == *salt
        && (&file.content, &file.entry, &file.proof) == (&good.content, &good.entry, &good.proof);
    assert_eq!(holds(&file, &other), is_same, "changed at {place} of part {part}: {file:?}");
}

/// Tiles: their paths, their bytes, and the tree that grows out of leaves.
pub fn tiles(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let path = String::from_utf8_lossy(bytes);
    if let Some(tile) = Tile::parse(&path) {
        assert_eq!(tile.path(), path, "a tile has one path");
        assert!((1..=256).contains(&tile.width));
        let _ = (tile.first(), tile.is_of(u64::MAX), tile.is_full());
    }
    let what = [What::Entries, What::Hashes(choices.byte())][choices.below(2)];
    let (index, size) = (choices.word(), choices.word());
    if let Some(tile) = Tile::at(what, index, size) {
        assert!(tile.is_of(size));
        assert_eq!(Tile::parse(&tile.path()), Some(tile));
        let rest = choices.rest();
        if let Ok(hashes) = log::hashes_of(tile, rest) {
            assert_eq!(hashes.concat(), rest);
        }
        if let Ok(entries) = log::unbundle(tile, rest) {
            assert_eq!(log::bundle(entries).as_deref(), Some(rest));
        }
    }
    let mut frontier = Frontier::default();
    let leaves: Vec<&[u8]> = bytes.chunks(3).take(70).collect();
    leaves.iter().for_each(|leaf| frontier.add(merkle::leaf(leaf), |_, _, _| {}));
    assert_eq!(frontier.root(), merkle::root(leaves.iter().copied()));
    assert_eq!(Frontier::of(frontier.size(), &frontier.bytes()), Some(frontier));
}

/// The chain of the log of everything done: links as they are kept.
pub fn links(bytes: &[u8]) {
    use domain::audit::chain::{Seal, beginning, read_links, write_links};
    let Some(links) = read_links(bytes) else {
        return assert_ne!(bytes.len() % 40, 0);
    };
    assert_eq!(write_links(&links), bytes);
    let seal = Seal::over(1, beginning(), 0, links);
    for place in 0..seal.links.len().min(4) {
        let mut other = seal.links.clone();
        other[place].1[0] ^= 1;
        assert_ne!(Seal::over(1, beginning(), 0, other).head, seal.head);
    }
}
