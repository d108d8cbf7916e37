//! The seal of a certified batch: one fingerprint over everything it was made from.

use crate::Id;
use crate::audit::Digest;

use super::merkle::Root;

/// Gathers the seal in its fixed order: the batch and its scheme, then every current sheet by
/// (household, scorer), every current settlement by household, every posting in the order it hung.
#[derive(Clone)]
pub struct Seal {
    gathered: Digest,
}

impl Seal {
    pub fn of(batch: Id, scheme_digest: &[u8]) -> Seal {
        Seal { gathered: Digest::of("seal").id(batch).bytes(scheme_digest) }
    }
    pub fn sheet(&mut self, digest: &[u8]) {
        self.add("sheet", digest);
    }
    pub fn settlement(&mut self, digest: &[u8]) {
        self.add("settlement", digest);
    }
    pub fn posting(&mut self, root: &Root) {
        self.add("posting", root);
    }
    fn add(&mut self, kind: &str, bytes: &[u8]) {
        self.gathered = self.gathered.clone().text(kind).bytes(bytes);
    }
    pub fn finish(self) -> [u8; 32] {
        self.gathered.finish()
    }
}
