use super::*;
use crate::posting::merkle::{self, leaf};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Signs with a hash of a secret: the laws here are about bytes, not about curves.
struct Toy {
    key: VerifierKey,
}

impl Toy {
    fn new(seed: u8) -> Toy {
        let public = [seed; 32];
        Toy { key: VerifierKey::new(&origin(&public), Algorithm::Ed25519, &public).unwrap() }
    }
}

fn toy_signature(key: &VerifierKey, text: &[u8]) -> Vec<u8> {
    leaf(&[key.public(), text].concat()).to_vec()
}

impl Sign for Toy {
    fn key(&self) -> &VerifierKey {
        &self.key
    }
    fn sign(&self, text: &[u8]) -> Vec<u8> {
        toy_signature(&self.key, text)
    }
}

struct ToyCheck;

impl Check for ToyCheck {
    fn holds(&self, key: &VerifierKey, text: &[u8], signature: &[u8]) -> bool {
        toy_signature(key, text) == signature
    }
}

fn entry(n: u64) -> Entry {
    let day = jiff::civil::date(2026, 10, 24);
    Entry {
        posting: crate::id::derive(crate::Id::nil(), "posting", n),
        area: format!("001.{:03}", n % 80 + 1),
        kind: if n % 7 == 6 { Kind::Correction(n - 1) } else { Kind::List },
        from: day,
        to: day,
        commitment: commitment(&[n as u8; SALT], &n.to_be_bytes()),
    }
}

/// A log as files.
struct Files {
    files: BTreeMap<String, Vec<u8>>,
    roots: Vec<Hash>,
}

impl Files {
    fn of(entries: &[Vec<u8>], signer: &Toy) -> Files {
        let mut rows: Vec<Vec<Hash>> = vec![Vec::new()];
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root()];
        for bytes in entries {
            rows[0].push(leaf(bytes));
            frontier.add(leaf(bytes), |level, index, hash| {
                let level = usize::from(level);
                rows.resize(rows.len().max(level + 1), Vec::new());
                assert_eq!(rows[level].len() as u64, index);
                rows[level].push(hash);
            });
            roots.push(frontier.root());
        }
        let size = entries.len() as u64;
        let mut files = BTreeMap::new();
        for tile in Tile::all(size) {
            let range = tile.first() as usize..tile.first() as usize + usize::from(tile.width);
            let bytes = match tile.what {
                What::Entries => bundle(entries[range].iter().map(Vec::as_slice)).unwrap(),
                What::Hashes(level) => rows[usize::from(level) * 8][range].concat(),
            };
            files.insert(tile.path(), bytes);
        }
        let checkpoint =
            Checkpoint { origin: signer.key.name().into(), size, root: frontier.root() };
        files.insert("checkpoint".into(), signed(&checkpoint.text(), &[signer]).into_bytes());
        Files { files, roots }
    }

    fn tiles(&self, size: u64) -> impl Hashes<Error = Misfit> + '_ {
        Tiles::new(size, move |tile: Tile| self.fetch(tile))
    }

    fn fetch(&self, tile: Tile) -> Result<Vec<u8>, Misfit> {
        // A wider tile begins with the narrower one.
        let size = self.roots.len() as u64 - 1;
        let now = Tile::at(tile.what, tile.index, size).unwrap();
        let bytes = &self.files[&now.path()];
        Ok(bytes[..usize::from(tile.width) * 32].to_vec())
    }

    fn audit(&self, signer: &Toy) -> Result<Audited, Misfit> {
        let read = |path: &str| self.files.get(path).cloned();
        audit(read, std::slice::from_ref(&signer.key), &ToyCheck, |_, _| {})
    }
}

fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|n| entry(n).written()).collect()
}

#[test]
fn an_entry_as_a_picture() {
    let text = String::from_utf8(entry(6).written()).unwrap();
    insta::assert_snapshot!(text);
    assert_eq!(Entry::read(text.as_bytes()), Ok(entry(6)));
    for (from, to) in [
        ("entry 1", "entry 2"),
        ("kind correction", "kind list"),
        ("corrects 5", "corrects 05"),
        ("area 001.007", "area 001.x07"),
        ("2026-10-24\nto", "2026-10-24\n\nto"),
        ("commitment ", "commitment  "),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(Entry::read(text.replace(from, to).as_bytes()), Err(NotAnEntry), "{to}");
    }
}

#[test]
fn every_root_and_proof_up_to_256() {
    let (all, signer) = (entries(256), Toy::new(1));
    let log = Files::of(&all, &signer);
    for new in 0..=256_u64 {
        let lines = all[..new as usize].iter().map(Vec::as_slice);
        assert_eq!(log.roots[new as usize], merkle::root(lines), "{new} leaves");
        let mut tiles = log.tiles(256);
        assert_eq!(root_of(&mut tiles, new).unwrap(), log.roots[new as usize]);
        for index in 0..new {
            let path = inclusion(&mut tiles, index, new).unwrap();
            let made = root_by_inclusion(leaf(&all[index as usize]), index, new, &path);
            assert_eq!(made, Some(log.roots[new as usize]), "{index} of {new}");
            let other = root_by_inclusion(leaf(b"other"), index, new, &path);
            assert_ne!(other, Some(log.roots[new as usize]));
        }
        for old in 0..=new {
            let proof = consistency(&mut tiles, old, new).unwrap();
            let (before, after) = (log.roots[old as usize], log.roots[new as usize]);
            assert!(verify_consistency(old, before, new, after, &proof), "{old} to {new}");
            if old > 0 && old < new {
                assert!(!verify_consistency(old, after, new, after, &proof), "{old} to {new}");
                assert!(!verify_consistency(old, before, new, before, &proof), "{old} to {new}");
                assert!(!verify_consistency(old, before, new, after, &proof[1..]));
            }
        }
    }
    assert_eq!(root_by_inclusion(leaf(b""), 0, 0, &[]), None);
    assert_eq!(root_by_inclusion(leaf(b""), 0, u64::MAX, &[[0; 32]; 70]), None);
}

#[test]
fn ten_thousand_random_pairs_of_a_large_log() {
    let signer = Toy::new(1);
    let log = Files::of(&entries(100_000), &signer);
    let mut tiles = log.tiles(100_000);
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |n: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % n
    };
    for _ in 0..if cfg!(debug_assertions) { 1_000 } else { 10_000 } {
        let new = 1 + roll(100_000);
        let old = 1 + roll(new);
        let proof = consistency(&mut tiles, old, new).unwrap();
        let (before, after) = (log.roots[old as usize], log.roots[new as usize]);
        assert!(verify_consistency(old, before, new, after, &proof), "{old} to {new}");
        let index = roll(new);
        let path = inclusion(&mut tiles, index, new).unwrap();
        let hash = leaf(&entry(index).written());
        assert_eq!(root_by_inclusion(hash, index, new, &path), Some(after), "{index} of {new}");
    }
    assert_eq!(log.audit(&signer).unwrap().checkpoint.size, 100_000);
}

#[test]
fn ten_thousand_changed_bits_are_all_found() {
    let signer = Toy::new(1);
    let mut log = Files::of(&entries(600), &signer);
    assert!(log.audit(&signer).is_ok());
    let paths: Vec<String> = log.files.keys().cloned().collect();
    let mut dice = 0xd1b5_4a32_d192_ed03_u64;
    let mut roll = |n: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % n as u64) as usize
    };
    let flips = if cfg!(debug_assertions) { 500 } else { 10_000 };
    for _ in 0..flips {
        let path = &paths[roll(paths.len())];
        let bytes = log.files.get_mut(path).unwrap();
        let (at, bit) = (roll(bytes.len()), 1 << roll(8));
        bytes[at] ^= bit;
        assert!(log.audit(&signer).is_err(), "byte {at} of {path}");
        log.files.get_mut(path).unwrap()[at] ^= bit;
    }
    let gone = log.files.remove(&paths[1]).unwrap();
    assert!(log.audit(&signer).is_err(), "{} is gone", paths[1]);
    log.files.insert(paths[1].clone(), gone);
    assert!(log.audit(&Toy::new(2)).is_err(), "another zone's key");
}

#[test]
fn a_fork_is_no_growth() {
    let signer = Toy::new(1);
    let honest = entries(300);
    let old = Files::of(&honest[..200], &signer);
    let grown = Files::of(&honest, &signer);
    let mut rewritten = honest.clone();
    rewritten[100] = entry(4_711).written();
    let forked = Files::of(&rewritten, &signer);
    let same_size = Files::of(&rewritten[..200], &signer);
    let keys = std::slice::from_ref(&signer.key);
    let between = |old: &Files, new: &Files| {
        let (a, b) = (&old.files["checkpoint"], &new.files["checkpoint"]);
        consistent(a, b, keys, &ToyCheck, |tile| new.fetch(tile)).map(|(a, b)| (a.size, b.size))
    };
    assert_eq!(between(&old, &grown), Ok((200, 300)));
    assert_eq!(between(&old, &old), Ok((200, 200)));
    assert!(between(&old, &forked).unwrap_err().what.contains("rewritten"));
    assert!(between(&old, &same_size).unwrap_err().what.contains("rewritten"));
    assert!(between(&grown, &old).unwrap_err().what.contains("went back"));
    let other = Files::of(&honest, &Toy::new(2));
    assert!(between(&old, &other).is_err());
    // Tiles that were changed on their way accuse nobody.
    let (a, b) = (&old.files["checkpoint"], &grown.files["checkpoint"]);
    let misled = consistent(a, b, keys, &ToyCheck, |tile| forked.fetch(tile)).unwrap_err();
    assert_eq!(misled.to_string(), "the tiles are not those of the newer checkpoint");
}

#[test]
fn a_log_that_is_signed_and_breaks_its_own_rules() {
    let signer = Toy::new(1);
    let spoilt = |changed: Entry| {
        let mut all = entries(300);
        all[20] = changed.written();
        Files::of(&all, &signer).audit(&signer).map(drop).map_err(|misfit| misfit.what)
    };
    assert_eq!(spoilt(entry(20)), Ok(()));
    assert_eq!(spoilt(Entry { kind: Kind::Correction(19), ..entry(20) }), Ok(()));
    let none = "entry 20 corrects none that was before it";
    assert_eq!(spoilt(Entry { kind: Kind::Correction(20), ..entry(20) }), Err(none.to_owned()));
    let twice = format!("posting {} stands twice", entry(7).posting);
    assert_eq!(spoilt(entry(7)), Err(twice));
}

#[test]
fn tiles_are_named_as_their_format_says() {
    let path = |what, index, size| Tile::at(what, index, size).map(Tile::path);
    let hashes = What::Hashes;
    assert_eq!(path(hashes(0), 273, 70_000).as_deref(), Some("tile/0/273.p/112"));
    assert_eq!(path(hashes(1), 0, 70_000).as_deref(), Some("tile/1/000"));
    assert_eq!(path(hashes(1), 1, 70_000).as_deref(), Some("tile/1/001.p/17"));
    assert_eq!(path(hashes(2), 0, 70_000).as_deref(), Some("tile/2/000.p/1"));
    assert_eq!(path(hashes(3), 0, 70_000), None);
    assert_eq!(path(hashes(0), 274, 70_000), None);
    assert_eq!(
        path(What::Entries, 1_234_067, u64::MAX).as_deref(),
        Some("tile/entries/x001/x234/067")
    );
    assert_eq!(Tile::all(256).count(), 3);
    assert_eq!(Tile::all(0).count(), 0);
    for wrong in [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/8/001",
        "tile/0/001/",
        "tile/0/x001",
        "tile/data/001",
        "tile/0/+01",
        "tile/0",
        "",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Tile::parse(wrong), None, "{wrong}");
    }
    for size in [1, 255, 256, 257, 70_000, 300_000] {
        for tile in Tile::all(size) {
            assert_eq!(Tile::parse(&tile.path()), Some(tile));
            assert!(tile.is_of(size) && !tile.is_of(tile.first()));
        }
    }
}

#[test]
fn a_note_is_opened_by_its_keys_alone() {
    let (one, other) = (Toy::new(1), Toy::new(2));
    let text = "siji-posting-log/x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    let note = signed(text, &[&one, &other]);
    let keys = |toys: &[&Toy]| toys.iter().map(|t| t.key.clone()).collect::<Vec<_>>();
    let by = |note: &str, toys: &[&Toy]| {
        open(note, &keys(toys), &ToyCheck).map(|opened| opened.signed_by)
    };
    assert_eq!(by(&note, &[&one]), Ok(1));
    assert_eq!(by(&note, &[&one, &other]), Ok(2));
    assert_eq!(by(&note, &[&Toy::new(3)]), Err(NoteFault::Unsigned));
    assert_eq!(by(&note.replace("\n0\n", "\n1\n"), &[&one]), Err(NoteFault::Signature));
    assert_eq!(by(&note[..note.len() - 1], &[&one]), Err(NoteFault::Form));
    assert_eq!(by(text, &[&one]), Err(NoteFault::Form));
    assert_eq!(by(&note.replace("\u{2014} ", "- "), &[&one]), Err(NoteFault::Form));
    let key = one.key.to_string();
    assert_eq!(VerifierKey::parse(&key), Some(one.key.clone()));
    assert_eq!(VerifierKey::parse(&key.replace("log/", "log/0")), None);
    assert_eq!(VerifierKey::new("a b", Algorithm::Ed25519, &[0; 32]), None);
    assert_eq!(VerifierKey::new("a", Algorithm::Ed25519, &[0; 31]), None);
    let checkpoint = Checkpoint::read(text).unwrap();
    assert_eq!(checkpoint.text(), text);
    assert_eq!(checkpoint.short(), "0 e3b0 c442 98fc 1c14 9afb f4c8 996f b924 27ae 41e4");
    for wrong in ["a\n00\n", "\n0\n", "a\n0\nAA==\n", "a\n-1\n"] {
        let root = text.rsplit_once("0\n").unwrap().1;
        let text = if wrong.contains('A') { wrong.to_owned() } else { format!("{wrong}{root}") };
        assert_eq!(Checkpoint::read(&text), Err(NotACheckpoint), "{wrong}");
    }
}

/// The example of the format's own description.
#[test]
fn a_verifier_key_as_others_write_it() {
    let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let key = VerifierKey::parse(public).expect("a key");
    assert_eq!(key.name(), "PeterNeumann");
    assert_eq!(key.to_string(), public);
}

proptest! {
    #[test]
    fn a_frontier_is_kept_and_found_again(count in 0_u64..2_000) {
        let mut frontier = Frontier::default();
        for n in 0..count {
            frontier.add(leaf(&n.to_be_bytes()), |_, _, _| {});
        }
        let kept = Frontier::of(count, &frontier.bytes());
        prop_assert_eq!(kept.as_ref(), Some(&frontier));
        prop_assert_eq!(Frontier::of(count + 1, &frontier.bytes()).is_none(), (count + 1).count_ones() != count.count_ones());
    }

    #[test]
    fn a_proof_reads_back(index: u64, path in proptest::collection::vec(any::<[u8; 32]>(), 0..20), size: u64) {
        let signer = Toy::new(1);
        let checkpoint = Checkpoint { origin: "x".into(), size, root: [7; 32] };
        let proof = Proof { index, path, checkpoint: signed(&checkpoint.text(), &[&signer]) };
        prop_assert_eq!(Proof::read(&proof.written()), Some(proof));
    }

    #[test]
    fn entries_come_out_of_a_bundle_as_they_went_in(all in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..256)) {
        let bytes = bundle(all.iter().map(Vec::as_slice)).unwrap();
        let tile = Tile { what: What::Entries, index: 0, width: all.len() as u16 };
        let out: Vec<Vec<u8>> = unbundle(tile, &bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(out, all);
        prop_assert!(unbundle(tile, &bytes[..bytes.len() - 1]).is_err());
    }
}
