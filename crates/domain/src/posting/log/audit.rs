//! The whole log out of its files: every entry against its leaf, every leaf against its tile, every
//! tile against the one above, all of it against the signed checkpoint.

use std::collections::HashSet;

use super::super::merkle::leaf;
use super::{
    Check, Checkpoint, Entry, Frontier, Hash, Kind, NoTile, Tile, Tiles, VerifierKey, What,
    consistency, hashes_of, open, root_of, unbundle, verify_consistency,
};

/// The first file that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {what}")]
pub struct Misfit {
    pub path: String,
    pub what: String,
}

impl Misfit {
    fn new(path: impl Into<String>, what: impl ToString) -> Misfit {
        Misfit { path: path.into(), what: what.to_string() }
    }
}

/// A log that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    pub checkpoint: Checkpoint,
    pub files: u64,
}

fn opened(
    path: &str,
    note: &[u8],
    keys: &[VerifierKey],
    check: &dyn Check,
) -> Result<Checkpoint, Misfit> {
    let note = std::str::from_utf8(note).map_err(|_| Misfit::new(path, "is no text"))?;
    let opened = open(note, keys, check).map_err(|fault| Misfit::new(path, fault))?;
    let checkpoint = Checkpoint::read(opened.text).map_err(|fault| Misfit::new(path, fault))?;
    if keys.iter().all(|key| key.name() != checkpoint.origin) {
        return Err(Misfit::new(path, "is of another log"));
    }
    Ok(checkpoint)
}

/// Checks all files of a log. `read` has a file by its path, `see` is told each entry.
pub fn audit(
    mut read: impl FnMut(&str) -> Option<Vec<u8>>,
    keys: &[VerifierKey],
    check: &dyn Check,
    mut see: impl FnMut(u64, Entry),
) -> Result<Audited, Misfit> {
    let mut file = |path: &str| read(path).ok_or_else(|| Misfit::new(path, "is not there"));
    let checkpoint = opened("checkpoint", &file("checkpoint")?, keys, check)?;
    let mut files = 1;
    // Hashes that the tiles must have, by level of tiles.
    let mut levels: Vec<Vec<Hash>> = vec![Vec::new()];
    let mut frontier = Frontier::default();
    let mut postings = HashSet::new();
    for tile in Tile::all(checkpoint.size) {
        let path = tile.path();
        let bytes = file(&path)?;
        files += 1;
        match tile.what {
            What::Entries => {
                let entries = unbundle(tile, &bytes).map_err(|fault| Misfit::new(&path, fault))?;
                for (place, bytes) in entries.into_iter().enumerate() {
                    let entry = Entry::read(bytes).map_err(|fault| Misfit::new(&path, fault))?;
                    let number = tile.first() + place as u64;
                    let is_second = !postings.insert(entry.posting);
                    if is_second {
                        let what = format!("posting {} stands twice", entry.posting);
                        return Err(Misfit::new(path, what));
                    }
                    if matches!(entry.kind, Kind::Correction(amended) if amended >= number) {
                        let what = format!("entry {number} corrects none that was before it");
                        return Err(Misfit::new(path, what));
                    }
                    see(number, entry);
                    levels[0].push(leaf(bytes));
                    frontier.add(leaf(bytes), |level, _, hash| {
                        if level.is_multiple_of(8) {
                            let above = usize::from(level / 8);
                            levels.resize(levels.len().max(above + 1), Vec::new());
                            levels[above].push(hash);
                        }
                    });
                }
            }
            What::Hashes(level) => {
                let hashes = hashes_of(tile, &bytes).map_err(|fault| Misfit::new(&path, fault))?;
                let first = tile.first() as usize;
                let made = levels
                    .get(usize::from(level))
                    .and_then(|all| all.get(first..first + usize::from(tile.width)));
                if made != Some(&hashes[..]) {
                    return Err(Misfit::new(path, "is not what the entries make"));
                }
            }
        }
    }
    if frontier.root() != checkpoint.root {
        return Err(Misfit::new("checkpoint", "has another root than the entries make"));
    }
    Ok(Audited { checkpoint, files })
}

/// Did the log grow honestly from the older checkpoint to the newer? `fetch` has the tiles of the
/// newer log; nothing they say is believed that does not lead to the newer root.
pub fn consistent(
    older: &[u8],
    newer: &[u8],
    keys: &[VerifierKey],
    check: &dyn Check,
    fetch: impl FnMut(Tile) -> Result<Vec<u8>, Misfit>,
) -> Result<(Checkpoint, Checkpoint), Misfit> {
    let old = opened("the older checkpoint", older, keys, check)?;
    let new = opened("the newer checkpoint", newer, keys, check)?;
    if old.origin != new.origin {
        return Err(Misfit::new("the newer checkpoint", "is of another log"));
    }
    if old.size > new.size {
        return Err(Misfit::new("the newer checkpoint", "has fewer entries: the log went back"));
    }
    let mut tiles = Tiles::new(new.size, fetch);
    if (1..new.size).contains(&old.size) && root_of(&mut tiles, new.size)? != new.root {
        return Err(Misfit::new("the tiles", "are not those of the newer checkpoint"));
    }
    let proof = consistency(&mut tiles, old.size, new.size)?;
    if !verify_consistency(old.size, old.root, new.size, new.root, &proof) {
        let what = "does not grow out of the older one: the log was rewritten";
        return Err(Misfit::new("the newer checkpoint", what));
    }
    Ok((old, new))
}

impl From<NoTile> for Misfit {
    fn from(fault: NoTile) -> Misfit {
        Misfit::new("a tile", fault)
    }
}
