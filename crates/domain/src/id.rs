//! Ids. A record's id is a UUIDv7 made where it was born; what follows from a record has an id
//! that follows from its id, so that doing the same thing again makes the same records.

use sha2::{Digest as _, Sha256};

use crate::{Id, Millis};

/// A UUIDv7 of this moment and ten random bytes, both from the edge.
pub fn new(now: Millis, random: [u8; 10]) -> Id {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or(0), &random).into_uuid()
}

/// The id of the `n`th `what` that follows from the record `of`. Keeps the parent's time, and so
/// its place in an index.
pub fn derive(of: Id, what: &str, n: u64) -> Id {
    let hash = Sha256::new()
        .chain_update(of.as_bytes())
        .chain_update(what.as_bytes())
        .chain_update(n.to_be_bytes())
        .finalize();
    let mut bytes = *of.as_bytes();
    bytes[6..].copy_from_slice(&hash[..10]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Id::from_bytes(bytes)
}

/// The lowest and the highest id drawn in the millisecond of this one; what [`derive`] makes of it
/// lies between them.
pub fn same_moment(id: Id) -> (Id, Id) {
    let (mut first, mut last) = (*id.as_bytes(), *id.as_bytes());
    first[6..].fill(0);
    last[6..].fill(0xff);
    (Id::from_bytes(first), Id::from_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_always_the_same() {
        let key = new(1_800_000_000_000, [7; 10]);
        assert_eq!(key.get_version_num(), 7);
        assert_eq!(derive(key, "transfer", 1), derive(key, "transfer", 1));
        assert_ne!(derive(key, "transfer", 1), derive(key, "transfer", 2));
        assert_ne!(derive(key, "transfer", 1), derive(key, "account", 1));
        assert_eq!(derive(key, "x", 0).as_bytes()[..6], key.as_bytes()[..6]);
        assert_eq!(derive(key, "x", 0).get_version_num(), 7);
        let (first, last) = same_moment(key);
        assert!(first < key && key < last && (first..=last).contains(&derive(key, "x", 0)));
        let after = new(1_800_000_000_001, [0; 10]);
        assert!(last < after && first > new(1_799_999_999_999, [255; 10]));
    }
}
