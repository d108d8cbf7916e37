//! The key file, sealed values, and the container of a backup.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateEncoder;
use seal::{Keys, Spot};

use crate::bytes::Bytes;

#[expect(dead_code, reason = "the program's own file, of which only the reader is tried")]
#[path = "../../../siji/src/backup/file.rs"]
mod file;

/// Text as a key file.
pub fn key_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Keys::of_text(text) {
        Ok(keys) => {
            let listed = keys.list();
            assert_eq!(listed.iter().filter(|key| key.is_active).count(), 1);
            assert_eq!(keys.proofs().len(), listed.len() + 2 + keys.log_keys().len());
            let spot = Spot { table: "member", field: "name", row: &[1; 16] };
            let sealed = keys.seal(spot, bytes).expect("the active key seals");
            assert_eq!(*keys.open(spot, &sealed).expect("and opens"), bytes);
            assert!(!keys.is_stale(&sealed));
            for (curve, public) in keys.log_keys() {
                let signature = keys.sign_log(curve, bytes).expect("a log key signs");
                assert!(seal::verify(curve, &public, bytes, &signature));
                assert!(!seal::verify(curve, &public, &[bytes, b"x"].concat(), &signature));
            }
        }
        Err(fault) => {
            // Its sentence names a line or a key, and gives nothing of a key away.
            let said = fault.to_string();
            let long = said.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
            assert!(long < Some(32), "{said}");
        }
    }
}

/// Bytes as a sealed value: nothing opens but what was sealed for this very place.
pub fn sealed(bytes: &[u8]) {
    let keys = testkit::keys();
    let spot = |field| Spot { table: "member", field, row: &[1; 16] };
    assert!(keys.open(spot("name"), bytes).is_err(), "bytes out of nowhere open");
    let _ = keys.is_stale(bytes);
    let mut choices = Bytes::new(bytes);
    let (place, with) = (choices.word() as usize, choices.byte());
    let plain = choices.rest();
    let mut value = keys.seal(spot("name"), plain).expect("the keys of tests seal");
    assert_eq!(value.len() % 16, (1 + 2 + 12 + 16) % 16);
    assert_eq!(*keys.open(spot("name"), &value).expect("and open"), plain);
    assert!(keys.open(spot("phone"), &value).is_err(), "it opens elsewhere");
    let place = place % value.len();
    if value[place] != with {
        value[place] = with;
        assert!(keys.open(spot("name"), &value).is_err(), "changed at {place} it opens");
    }
}

/// Bytes as a backup, and pieces of any kind in a container that is whole.
pub fn backup(bytes: &[u8]) {
    let keys = testkit::keys();
    let folder = tempfile::tempdir().expect("a folder for a backup");
    let path = folder.path().join("b");
    std::fs::write(&path, bytes).expect("a backup");
    assert!(file::Reader::open(&path, &keys).is_err(), "bytes out of nowhere are a backup");

    let mut choices = Bytes::new(bytes);
    let salt = [3; 16];
    let (_, proof) = keys.proofs().into_iter().find(|(name, _)| name == "fingerprint").expect("it");
    let mut whole = [b"SIJIBAK1".as_slice(), &salt, &proof].concat();
    let manifest = serde_json::json!({
        "engine": "sqlite", "program": "1", "tables": 1, "at": 0, "log_seal": 0, "log_head": "",
        "after": null, "size": 0,
    });
    let mut pieces = vec![(1, manifest.to_string().into_bytes())];
    while !choices.is_empty() && pieces.len() < 12 {
        let kind = choices.byte() % 8;
        pieces.push((kind, choices.text().into_bytes()));
    }
    for (number, (kind, body)) in pieces.iter().enumerate() {
        let mut packed = vec![*kind];
        let mut deflate = DeflateEncoder::new(body.as_slice(), Compression::fast());
        deflate.read_to_end(&mut packed).expect("in memory");
        let field = number.to_string();
        let spot = Spot { table: "backup", field: &field, row: &salt };
        let sealed = keys.seal(spot, &packed).expect("the keys of tests seal");
        whole.write_all(&(sealed.len() as u32).to_be_bytes()).expect("in memory");
        whole.write_all(&sealed).expect("in memory");
    }
    std::fs::write(&path, &whole).expect("a backup");
    let (mut reader, _) = file::Reader::open(&path, &keys).expect("its head is whole");
    for (number, (kind, body)) in pieces.iter().enumerate().skip(1) {
        let is_last = number + 1 == pieces.len();
        match reader.piece() {
            Ok(file::Piece::End) => return assert!(*kind == 6 && is_last, "it ends too early"),
            Ok(file::Piece::Lines(read)) => assert_eq!((*kind, &read), (5, body)),
            Ok(file::Piece::Chunk(at, read)) => {
                assert_eq!(*body, [&at.to_be_bytes(), read.as_slice()].concat());
            }
            Ok(file::Piece::Index(hashes)) => assert_eq!(hashes.concat(), *body),
            Ok(file::Piece::Manifest(_)) => assert_eq!(*kind, 1),
            Ok(file::Piece::Table(..)) => assert_eq!(*kind, 4),
            Err(why) => {
                assert!(why.to_string().contains(&format!("piece {number}")), "{why:#}");
                assert_ne!(*kind, 5, "{why:#}");
                return;
            }
        }
    }
    assert!(reader.piece().is_err(), "more is read than stands there");
}
