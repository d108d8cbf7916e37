//! One entry of the log: which posting, where, from when to when, and a salted commitment to its
//! bytes. No name, no number of anybody stands in it.
//!
//! ```text
//! siji-posting-entry 1
//! posting 019abf5e-7c00-7a00-8000-000000000001
//! area 001.002.003
//! kind list                        (or: correction)
//! corrects -                       (or: the number of the entry it amends)
//! from 2026-10-24
//! to 2026-10-29
//! commitment <64 hex digits>
//! ```

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::super::body::{from_hex, hex};
use super::Hash;
use crate::Id;

/// Bytes of a salt.
pub const SALT: usize = 16;
pub type Salt = [u8; SALT];

/// SHA-256 over the salt, then the posting's exact bytes.
pub fn commitment(salt: &Salt, content: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(content).finalize().into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    List,
    /// Amends the entry of this number, counted from nought.
    Correction(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub posting: Id,
    /// The village's place in the management tree: digits and dots.
    pub area: String,
    pub kind: Kind,
    pub from: Date,
    /// The last full day.
    pub to: Date,
    pub commitment: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not read as an entry of the posting log")]
pub struct NotAnEntry;

impl Entry {
    /// The exact bytes; their hash with 0x00 before them is the leaf.
    pub fn written(&self) -> Vec<u8> {
        let (kind, corrects) = match self.kind {
            Kind::List => ("list", "-".to_owned()),
            Kind::Correction(index) => ("correction", index.to_string()),
        };
        format!(
            "siji-posting-entry 1\nposting {}\narea {}\nkind {kind}\ncorrects {corrects}\n\
             from {}\nto {}\ncommitment {}\n",
            self.posting,
            self.area,
            self.from,
            self.to,
            hex(&self.commitment)
        )
        .into_bytes()
    }

    /// Reads bytes back; refuses everything that [`Entry::written`] would have written otherwise.
    pub fn read(bytes: &[u8]) -> Result<Entry, NotAnEntry> {
        let entry = read(bytes).ok_or(NotAnEntry)?;
        if entry.written() == bytes { Ok(entry) } else { Err(NotAnEntry) }
    }
}

fn read(bytes: &[u8]) -> Option<Entry> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    (lines.next()? == "siji-posting-entry 1").then_some(())?;
    let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let posting = value("posting")?.parse().ok()?;
    let area = value("area")?;
    let is_area = !area.is_empty() && area.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let kind = match (value("kind")?, value("corrects")?) {
        ("list", "-") => Kind::List,
        ("correction", index) => Kind::Correction(index.parse().ok()?),
        _ => return None,
    };
    is_area.then_some(())?;
    Some(Entry {
        posting,
        area: area.to_owned(),
        kind,
        from: value("from")?.parse().ok()?,
        to: value("to")?.parse().ok()?,
        commitment: from_hex(value("commitment")?)?,
    })
}
