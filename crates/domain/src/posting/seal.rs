//! The seal of a certified batch: one fingerprint over everything it was made from.

use crate::Id;
use crate::audit::Digest;

use super::merkle::Root;

/// Gathers the seal in its fixed order: the batch and its scheme, then every current sheet by
/// (household, scorer), every current settlement by household, every posting in the order it hung.
#[derive(Clone)]
pub struct Seal(Digest);

impl Seal {
    pub fn of(batch: Id, scheme_digest: &[u8]) -> Seal {
        Seal(Digest::of("seal").id(batch).bytes(scheme_digest))
    }
    pub fn sheet(self, digest: &[u8]) -> Seal {
        Seal(self.0.text("sheet").bytes(digest))
    }
    pub fn settlement(self, digest: &[u8]) -> Seal {
        Seal(self.0.text("settlement").bytes(digest))
    }
    pub fn posting(self, root: &Root) -> Seal {
        Seal(self.0.text("posting").bytes(root))
    }
    pub fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}
