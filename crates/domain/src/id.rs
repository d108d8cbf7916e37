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
    let mut bytes = *of.as_bytes();
    bytes[6..].copy_from_slice(&hash(of, what, n)[..10]);
    stamped(bytes)
}

/// The same, beside all others derived so from the same record: many at once are written to one
/// stretch of an index, not all over it.
pub fn derive_beside(of: Id, what: &str, n: u64) -> Id {
    let mut bytes = *of.as_bytes();
    bytes[6..8].copy_from_slice(&Sha256::digest(of.as_bytes())[..2]);
    bytes[8..].copy_from_slice(&hash(of, what, n)[..8]);
    stamped(bytes)
}

/// The same, in the order of `n`: what is counted through together stands together in every index.
pub fn derive_in_order(of: Id, what: &str, n: u32) -> Id {
    let mut bytes = *of.as_bytes();
    bytes[6..].copy_from_slice(&hash(of, what, n.into())[..10]);
    // Four bits less for the version and two for the variant: the number goes around them.
    bytes[6] = (n >> 28) as u8;
    bytes[7] = (n >> 20) as u8;
    bytes[8] = (n >> 14) as u8 & 0x3f;
    bytes[9] = (n >> 6) as u8;
    bytes[10] = (n << 2) as u8 | (bytes[10] & 0x03);
    stamped(bytes)
}

fn hash(of: Id, what: &str, n: u64) -> [u8; 32] {
    Sha256::new()
        .chain_update(of.as_bytes())
        .chain_update(what.as_bytes())
        .chain_update(n.to_be_bytes())
        .finalize()
        .into()
}

/// Says that it is of version 7.
fn stamped(mut bytes: [u8; 16]) -> Id {
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Id::from_bytes(bytes)
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
    }

    #[test]
    fn what_is_made_together_stands_together() {
        let key = |n| new(1_800_000_000_000, [n; 10]);
        let (ours, theirs) = (key(7), key(8));
        let beside = |of| -> Vec<Id> { (0..100).map(|n| derive_beside(of, "x", n)).collect() };
        let (a, b) = (beside(ours), beside(theirs));
        assert!(a.iter().max() < b.iter().min() || b.iter().max() < a.iter().min());
        let numbers = [0, 1, 63, 64, 16_383, 16_384, 1 << 20, (1 << 28) + 5, u32::MAX];
        let ids = numbers.map(|n| derive_in_order(ours, "x", n));
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7), "{ids:?}");
        assert_ne!(ids[0], derive_in_order(theirs, "x", 0));
        assert_ne!(ids[0], derive_in_order(ours, "y", 0));
    }
}
