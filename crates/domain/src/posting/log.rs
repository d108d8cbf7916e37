//! The posting log: an append-only Merkle tree (RFC 6962 hashing) over one entry for each posting,
//! kept as tiles of 256 hashes and told by signed checkpoints. An entry commits to a posting by a
//! salted hash: without the salt it says nothing of what hung, so the content can be erased and the
//! log still verifies. `docs/posting-log.md` is the whole format. Knows no curve: who signs and who
//! checks a signature comes in as a trait.

mod audit;
mod checkpoint;
mod entry;
mod note;
mod proof;
#[cfg(test)]
mod tests;
mod tile;
mod tree;

pub use audit::{Audited, Misfit, audit, consistent};
pub use checkpoint::{Checkpoint, NotACheckpoint};
pub use entry::{Entry, Kind, NotAnEntry, SALT, Salt, commitment};
pub use note::{Algorithm, Check, NoteFault, Opened, Sign, VerifierKey, open, origin, signed};
pub use proof::{Checked, NotProven, Proof, check};
pub use tile::{NoTile, Tile, Tiles, What, bundle, hashes_of, unbundle};
pub use tree::{
    Frontier, Hashes, consistency, inclusion, root_by_inclusion, root_of, verify_consistency,
};

/// A hash of the tree.
pub type Hash = super::merkle::Root;
