//! The posting log: every entry as its posting has it, the tree made anew from the entries, every
//! checkpoint against it. A checkpoint whose root is the tree's at its size has grown honestly out
//! of every older one.

use std::collections::{BTreeMap, HashMap};

use domain::Id;
use domain::posting::Posting;
use domain::posting::log::{Checkpoint, Entry, Frontier, Hash, Kind, commitment, open};
use domain::posting::merkle::leaf;
use store::Tx;
use store::posting::log as kept;

use super::{Check, Finding, First, Report};

pub(super) fn check(tx: &mut Tx, report: &mut Report) -> Check {
    let tree = entries(tx, report)?;
    nodes(tx, &tree)?;
    checkpoints(tx, &tree, report)?;
    postings(tx, &tree)
}

/// The tree as the entries make it.
struct Tree {
    /// The root before the first entry, and after each.
    roots: Vec<Hash>,
    /// Above the leaves, by level of tiles and number.
    nodes: BTreeMap<(u8, u64), Hash>,
    numbers: HashMap<Id, u64>,
    entries: Vec<Entry>,
}

fn entries(tx: &mut Tx, report: &mut Report) -> Result<Tree, super::Stop> {
    let mut frontier = Frontier::default();
    let mut tree = Tree {
        roots: vec![frontier.root()],
        nodes: BTreeMap::new(),
        numbers: HashMap::new(),
        entries: Vec::new(),
    };
    let mut first = First::default();
    kept::each_entry(tx, |row| {
        let no = |what: &str| Finding::new("posting_log", row.number, what);
        let hash = leaf(&row.entry);
        if row.number != frontier.size() {
            first.note(|| Finding::new("posting_log", frontier.size(), "is missing from the log"));
        } else if row.leaf != hash {
            first.note(|| no("is not what its leaf was made of"));
        }
        match Entry::read(&row.entry) {
            Ok(entry) => tree.entries.push(entry),
            Err(_) => {
                first.note(|| no("does not read as an entry"));
                return Ok(());
            }
        }
        frontier.add(hash, |level, index, hash| {
            if level % 8 == 0 {
                tree.nodes.insert((level / 8, index), hash);
            }
        });
        tree.roots.push(frontier.root());
        tree.numbers.insert(row.posting, row.number);
        Ok(())
    })?;
    report.counts.push(("posting_log", frontier.size()));
    match first.0 {
        Some(found) => Err(found.into()),
        None => Ok(tree),
    }
}

fn nodes(tx: &mut Tx, tree: &Tree) -> Check {
    let stored = kept::nodes(tx)?;
    let name = |level: u8, number: u64| format!("{level}/{number}");
    for (level, number, hash) in &stored {
        if tree.nodes.get(&(*level, *number)).map(Hash::as_slice) != Some(hash.as_slice()) {
            let what = "is not what the entries below it make";
            return Err(Finding::new("posting_log_node", name(*level, *number), what).into());
        }
    }
    let known: Vec<(u8, u64)> = stored.iter().map(|(level, number, _)| (*level, *number)).collect();
    match tree.nodes.keys().find(|key| known.binary_search(key).is_err()) {
        Some((level, number)) => {
            Err(Finding::new("posting_log_node", name(*level, *number), "is missing").into())
        }
        None => Ok(()),
    }
}

fn checkpoints(tx: &mut Tx, tree: &Tree, report: &mut Report) -> Check {
    let keys = kept::verifier_keys(&tx.keys());
    let (mut count, mut first) = (0_u64, First::default());
    kept::each_checkpoint(tx, |row| {
        let no = |what: String| Finding::new("posting_checkpoint", row.size, what);
        if row.size != count {
            first.note(|| Finding::new("posting_checkpoint", count, "is missing"));
        }
        count = row.size + 1;
        let Some(root) = usize::try_from(row.size).ok().and_then(|n| tree.roots.get(n)) else {
            first.note(|| no("tells of entries that the log does not have".into()));
            return Ok(());
        };
        if row.root != *root {
            first.note(|| {
                no("has another root than the entries make: the log was rewritten".into())
            });
        }
        // Two frontiers of one size with one root would be a collision.
        if row.frontier.root() != row.root {
            first.note(|| no("ends in other subtrees than the entries make".into()));
        }
        let told = open(&row.note, &keys, &kept::Curves).map_err(|fault| fault.to_string());
        let told =
            told.and_then(|note| Checkpoint::read(note.text).map_err(|fault| fault.to_string()));
        match told {
            Err(fault) => first.note(|| no(fault)),
            Ok(told) if (told.size, told.root) != (row.size, row.root) => {
                first.note(|| no("says another size or root than was signed".into()));
            }
            Ok(_) => {}
        }
        Ok(())
    })?;
    if first.0.is_none() && count != tree.roots.len() as u64 {
        first.note(|| Finding::new("posting_checkpoint", count, "is missing"));
    }
    report.counts.push(("posting_checkpoint", count));
    first.end()
}

/// Each posting stands in the log as it hangs, and each entry has its posting.
fn postings(tx: &mut Tx, tree: &Tree) -> Check {
    let last_retention = kept::last_retention(tx)?;
    let mut met = 0;
    for batch in store::verify::batches(tx)? {
        let Some(batch) = store::posting::batch(tx, batch)? else { continue };
        for posting in store::posting::of_batch(tx, batch.id)? {
            met += 1;
            let salt = kept::salt(tx, posting.id)?;
            posting_fits(&posting, &batch.path, tree, salt, last_retention)
                .map_err(|what| Finding::new("posting", posting.id, what))?;
        }
    }
    if met == tree.entries.len() {
        return Ok(());
    }
    for (number, entry) in tree.entries.iter().enumerate() {
        if store::posting::find(tx, entry.posting)?.is_none() {
            let what = "tells of a posting that is not there any more";
            return Err(Finding::new("posting_log", number, what).into());
        }
    }
    Ok(())
}

fn posting_fits(
    posting: &Posting,
    path: &str,
    tree: &Tree,
    salt: Option<domain::posting::log::Salt>,
    last_retention: domain::Millis,
) -> Result<(), &'static str> {
    let number = tree.numbers.get(&posting.id).ok_or("is not in the posting log")?;
    let entry = tree.entries.get(*number as usize).ok_or("is not in the posting log")?;
    let kind = match posting.corrects.map(|amended| tree.numbers.get(&amended)) {
        None => Kind::List,
        Some(Some(number)) => Kind::Correction(*number),
        Some(None) => return Err("amends a list that is not in the posting log"),
    };
    let says = (entry.posting, entry.area.as_str(), entry.kind, entry.from, entry.to);
    if says != (posting.id, path, kind, posting.from, posting.to) {
        return Err("says other things than its entry in the posting log");
    }
    match (posting.is_erased(), salt) {
        (false, Some(salt)) if commitment(&salt, &posting.body) == entry.commitment => Ok(()),
        (false, Some(_)) => Err("is not what its entry in the posting log commits to"),
        (false, None) => Err("has lost the salt of its entry in the posting log"),
        (true, Some(_)) => Err("was erased, and its salt was not"),
        (true, None) if last_retention <= posting.at => Err("was erased, and no retention did it"),
        (true, None) => Ok(()),
    }
}
