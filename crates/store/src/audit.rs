//! Every command once, under its key.

use domain::{Id, Millis};

use crate::{Result, Tx, args};

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Never,
    /// The same command was done already: its first answer stands.
    Same,
    /// The key was used for something else.
    Other,
}

pub fn seen(tx: &mut Tx, key: Id, digest: [u8; 32]) -> Result<Seen> {
    let known = tx.opt("SELECT digest FROM command WHERE id = $1", &args![key], |r| r.digest(0))?;
    Ok(match known {
        None => Seen::Never,
        Some(d) if d == digest => Seen::Same,
        Some(_) => Seen::Other,
    })
}

pub struct Command<'a> {
    pub key: Id,
    pub verb: &'a str,
    pub person: Option<Id>,
    pub subject: Option<Id>,
    pub path: Option<&'a str>,
    pub at: Millis,
    pub note: Option<&'a str>,
    pub digest: [u8; 32],
}

pub fn record(tx: &mut Tx, c: &Command) -> Result<()> {
    tx.exec(
        "INSERT INTO command (id, verb, person, subject, path, at, note, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &args![c.key, c.verb, c.person, c.subject, c.path, c.at, c.note, c.digest],
    )?;
    Ok(())
}
