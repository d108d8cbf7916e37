//! What was done, and the fingerprints that show it was not changed afterwards.

pub mod chain;
mod entry;
mod note;
#[cfg(test)]
mod tests;

pub use entry::{DONE, Entry, Kind};
pub use note::{NOTE_MAX, note};

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::Id;

/// SHA-256 over the contents of one record: every field tagged and length-prefixed, so that no two
/// different records have the same bytes. Kept beside the record and recomputed by `siji verify`.
#[derive(Clone)]
pub struct Digest(Sha256);

impl Digest {
    /// `kind` is the table's name.
    pub fn of(kind: &str) -> Self {
        Digest(Sha256::new()).text(kind)
    }
    fn field(mut self, tag: u8, bytes: &[u8]) -> Self {
        self.0.update([tag]);
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }
    pub fn text(self, s: &str) -> Self {
        self.field(b't', s.as_bytes())
    }
    pub fn bytes(self, b: &[u8]) -> Self {
        self.field(b'b', b)
    }
    pub fn id(self, id: Id) -> Self {
        self.field(b'i', id.as_bytes())
    }
    pub fn number(self, n: i64) -> Self {
        self.field(b'n', &n.to_be_bytes())
    }
    pub fn truth(self, b: bool) -> Self {
        self.field(b'o', &[u8::from(b)])
    }
    pub fn date(self, d: Date) -> Self {
        self.text(&d.to_string())
    }
    /// An absent value, distinct from every present one.
    pub fn none(self) -> Self {
        self.field(b'0', &[])
    }
    pub fn opt<T>(self, value: Option<T>, present: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(v) => present(self, v),
            None => self.none(),
        }
    }
    pub fn opt_text(self, value: Option<&str>) -> Self {
        self.opt(value, Self::text)
    }
    pub fn opt_id(self, value: Option<Id>) -> Self {
        self.opt(value, Self::id)
    }
    pub fn opt_number(self, value: Option<i64>) -> Self {
        self.opt(value, Self::number)
    }
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
