//! The tree as files (C2SP tlog-tiles): 256 hashes to a tile, its entries beside it, the last ones
//! partial.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::super::merkle::node;
use super::{Hash, Hashes};

/// Hashes in a full tile, entries in a full bundle.
const FULL: u64 = 256;
const HEIGHT: u8 = 8;
/// Levels of tiles that a tree of 2^63 leaves has.
const LEVELS: u8 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Of this level: each hash over 256^level leaves.
    Hashes(u8),
    Entries,
}

/// One file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    pub what: What,
    pub index: u64,
    /// 1 to 256.
    pub width: u16,
}

/// These bytes are no such tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a tile of its width")]
pub struct NoTile;

impl Tile {
    fn level(self) -> u8 {
        match self.what {
            What::Hashes(level) => level,
            What::Entries => 0,
        }
    }

    /// The tile of this level and index as a tree of `size` leaves has it.
    pub fn at(what: What, index: u64, size: u64) -> Option<Tile> {
        let level = match what {
            What::Hashes(level) if level < LEVELS => level,
            What::Hashes(_) => return None,
            What::Entries => 0,
        };
        let all = size >> (HEIGHT * level);
        let width = all.saturating_sub(index.checked_mul(FULL)?).min(FULL);
        let width = u16::try_from(width).ok().filter(|w| *w > 0)?;
        Some(Tile { what, index, width })
    }

    /// Has a tree of this size this tile, whole or as it once was?
    pub fn is_of(self, size: u64) -> bool {
        Tile::at(self.what, self.index, size).is_some_and(|now| self.width <= now.width)
    }

    pub fn is_full(self) -> bool {
        u64::from(self.width) == FULL
    }

    /// The first of its hashes, counted on its level.
    pub fn first(self) -> u64 {
        self.index * FULL
    }

    /// `tile/0/x001/234.p/17`.
    pub fn path(self) -> String {
        let level = match self.what {
            What::Hashes(level) => level.to_string(),
            What::Entries => "entries".to_owned(),
        };
        let mut parts = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            parts.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        parts.reverse();
        let partial = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{level}/{}{partial}", parts.join("/"))
    }

    /// Reads a path, and no other way to write the same.
    pub fn parse(path: &str) -> Option<Tile> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let what = match level {
            "entries" => What::Entries,
            level => What::Hashes(level.parse().ok()?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, 256),
        };
        let mut index = 0_u64;
        for part in number.split('/') {
            let part: u64 = part.strip_prefix('x').unwrap_or(part).parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(part)?;
        }
        index.checked_mul(FULL)?;
        let tile = Tile { what, index, width };
        let known = width > 0 && width <= 256 && tile.level() < LEVELS;
        (known && tile.path() == path).then_some(tile)
    }

    /// Every file of a tree of this size but its checkpoint.
    pub fn all(size: u64) -> impl Iterator<Item = Tile> {
        let whats = std::iter::once(What::Entries).chain((0..LEVELS).map(What::Hashes));
        whats.flat_map(move |what| (0..).map_while(move |index| Tile::at(what, index, size)))
    }
}

/// The hashes of a tile, as many as its width.
pub fn hashes_of(tile: Tile, bytes: &[u8]) -> Result<Vec<Hash>, NoTile> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let fits = rest.is_empty() && hashes.len() == usize::from(tile.width);
    fits.then(|| hashes.to_vec()).ok_or(NoTile)
}

/// Entries one after another, each behind its length in two bytes, the higher first. `None`: one is
/// longer than two bytes can say.
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Some(out)
}

pub fn unbundle(tile: Tile, bytes: &[u8]) -> Result<Vec<&[u8]>, NoTile> {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(NoTile)?;
        entries.push(entry);
        rest = after;
    }
    let fits = rest.is_empty() && entries.len() == usize::from(tile.width);
    fits.then_some(entries).ok_or(NoTile)
}

/// Reads hashes of a tree of some size out of its tiles, each fetched once.
pub struct Tiles<F> {
    size: u64,
    fetch: F,
    /// Every row of each tile's own small tree, the tile's hashes first.
    kept: BTreeMap<Tile, Vec<Vec<Hash>>>,
}

impl<E, F> Tiles<F>
where
    E: From<NoTile>,
    F: FnMut(Tile) -> Result<Vec<u8>, E>,
{
    pub fn new(size: u64, fetch: F) -> Tiles<F> {
        Tiles { size, fetch, kept: BTreeMap::new() }
    }
}

impl<E, F> Hashes for Tiles<F>
where
    E: From<NoTile>,
    F: FnMut(Tile) -> Result<Vec<u8>, E>,
{
    type Error = E;

    fn hash(&mut self, level: u8, index: u64) -> Result<Hash, E> {
        let (tile_level, above) = (level / HEIGHT, level % HEIGHT);
        let first = index << above;
        let tile = Tile::at(What::Hashes(tile_level), first / FULL, self.size).ok_or(NoTile)?;
        let rows = match self.kept.entry(tile) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(free) => free.insert(rows_over(hashes_of(tile, &(self.fetch)(tile)?)?)),
        };
        let place = ((first % FULL) >> above) as usize;
        let hash = rows.get(usize::from(above)).and_then(|row| row.get(place));
        Ok(*hash.ok_or(NoTile)?)
    }
}

/// A row of hashes, and each row of full pairs above it.
fn rows_over(hashes: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut rows = vec![hashes];
    while let Some(last) = rows.last().filter(|row| row.len() > 1) {
        let (pairs, _) = last.as_chunks::<2>();
        rows.push(pairs.iter().map(|[left, right]| node(left, right)).collect());
    }
    rows
}
