//! The tree itself: roots, proofs and their checks (RFC 6962 §2.1; RFC 9162 §2.1.3 and §2.1.4).

use super::super::merkle::node;
use super::Hash;

/// Where hashes of full subtrees are read.
pub trait Hashes {
    type Error;
    /// Of the 2^level leaves from `index << level` on.
    fn hash(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Leaves below one full subtree at most: no log comes near.
const LEVELS: u32 = 63;

/// Of no leaf at all, SHA-256 of nothing.
fn empty() -> Hash {
    super::super::merkle::root([])
}

/// The root over leaves `begin..end`, where `begin` is a multiple of the smallest power of two that
/// is not less than their count, as it is in every proof.
fn span<H: Hashes>(from: &mut H, begin: u64, end: u64) -> Result<Hash, H::Error> {
    let mut parts = Vec::new();
    let mut at = begin;
    while at < end {
        let level = (end - at).ilog2();
        parts.push(from.hash(level as u8, at >> level)?);
        at += 1 << level;
    }
    Ok(parts.into_iter().rev().reduce(|right, left| node(&left, &right)).unwrap_or_else(empty))
}

/// The root of the first `size` leaves.
pub fn root_of<H: Hashes>(from: &mut H, size: u64) -> Result<Hash, H::Error> {
    span(from, 0, size)
}

/// The largest power of two below `n`, which is two or more.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The way from leaf `index` to the root of `size` leaves, from the leaf's sibling up; nothing where
/// there is no such leaf.
pub fn inclusion<H: Hashes>(from: &mut H, index: u64, size: u64) -> Result<Vec<Hash>, H::Error> {
    let (mut begin, mut end) = (0, size);
    let mut beside = Vec::new();
    if index >= size {
        return Ok(Vec::new());
    }
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            beside.push((middle, end));
            end = middle;
        } else {
            beside.push((begin, middle));
            begin = middle;
        }
    }
    beside.into_iter().rev().map(|(begin, end)| span(from, begin, end)).collect()
}

/// What shows that the tree of `new` leaves begins with the tree of `old` leaves. Empty where one of
/// them is empty or they are of one size.
pub fn consistency<H: Hashes>(from: &mut H, old: u64, new: u64) -> Result<Vec<Hash>, H::Error> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let (mut begin, mut end) = (0, new);
    let mut beside = Vec::new();
    let mut whole = true;
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            beside.push((middle, end));
            end = middle;
        } else {
            beside.push((begin, middle));
            begin = middle;
            whole = false;
        }
    }
    if !whole {
        beside.push((begin, end));
    }
    beside.into_iter().rev().map(|(begin, end)| span(from, begin, end)).collect()
}

/// The root that a leaf and its way up make; `None` where no way has this many steps.
pub fn root_by_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    for beside in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node(beside, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, beside);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Does the tree of `new` leaves begin with the tree of `old` leaves?
pub fn verify_consistency(
    old: u64,
    old_root: Hash,
    new: u64,
    new_root: Hash,
    proof: &[Hash],
) -> bool {
    if old == 0 {
        return proof.is_empty() && old_root == empty() && (new != 0 || new_root == empty());
    }
    if old >= new {
        return old == new && old_root == new_root && proof.is_empty();
    }
    // A full tree is its own first step.
    let first = if old.is_power_of_two() { Some(&old_root) } else { None };
    let mut steps = first.into_iter().chain(proof);
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let Some(begin) = steps.next() else { return false };
    let (mut before, mut after) = (*begin, *begin);
    for step in steps {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            before = node(step, &before);
            after = node(step, &after);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = node(&after, step);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && before == old_root && after == new_root
}

/// The full subtrees that a tree of some size ends in: all that is needed to let it grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Largest first, one for each bit of the size.
    full: Vec<Hash>,
}

impl Frontier {
    /// From what [`Frontier::bytes`] wrote; `None` where that is of another size.
    pub fn of(size: u64, bytes: &[u8]) -> Option<Frontier> {
        let (full, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && full.len() == size.count_ones() as usize;
        fits.then(|| Frontier { size, full: full.to_vec() })
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.full.concat()
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `grown` is told of every subtree that it makes full, above the leaf: (level,
    /// index, hash).
    pub fn add(&mut self, leaf: Hash, mut grown: impl FnMut(u8, u64, Hash)) {
        let mut hash = leaf;
        for level in 0..self.size.trailing_ones().min(LEVELS) {
            let left = self.full.pop().expect("a bit of the size is a subtree");
            hash = node(&left, &hash);
            grown(level as u8 + 1, self.size >> (level + 1), hash);
        }
        self.full.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let up = self.full.iter().rev().copied().reduce(|right, left| node(&left, &right));
        up.unwrap_or_else(empty)
    }
}
