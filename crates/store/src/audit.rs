//! The log: what stands in it is never changed, and is linked to all that stood before.

use std::collections::HashMap;

use domain::audit::Entry;
use domain::audit::chain::{Head, Seal, beginning, write_links};
use domain::{Id, Millis};

use crate::{Result, Tx, Type, Val, args};

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Never,
    /// The same command was done already: its first answer stands.
    Same,
    /// The key was used for something else.
    Other,
}

pub fn seen(tx: &mut Tx, key: Id, asked: [u8; 32]) -> Result<Seen> {
    let sql = "SELECT asked FROM audit_log WHERE key = $1";
    let known = tx.opt(sql, &args![key], |r| r.digest(0))?;
    Ok(match known {
        None => Seen::Never,
        Some(d) if d == asked => Seen::Same,
        Some(_) => Seen::Other,
    })
}

/// What was asked under each of these keys; of a key that is new, nothing.
pub fn asked_under(tx: &mut Tx, keys: &[Id]) -> Result<HashMap<Id, [u8; 32]>> {
    let mut asked = HashMap::new();
    tx.each_of("SELECT a.key, a.asked FROM audit_log a", &[], "a.key", keys, |r| {
        asked.insert(r.id(0)?, r.digest(1)?);
        Ok(())
    })?;
    Ok(asked)
}

/// Many lines at once, in their order.
pub fn record_all(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let columns = [
        ("key", Type::Id),
        ("at", Type::Int),
        ("person", Type::Id),
        ("kind", Type::Text),
        ("verb", Type::Text),
        ("subject", Type::Id),
        ("household", Type::Id),
        ("path", Type::Text),
        ("code", Type::Text),
        ("rows", Type::Int),
        ("note", Type::Text),
        ("asked", Type::Bytes),
        ("digest", Type::Bytes),
    ];
    tx.insert_all("audit_log", &columns, "", entries.iter().map(values))?;
    Ok(())
}

fn values(e: &Entry) -> [Val; 13] {
    args![
        e.key,
        e.at,
        e.person,
        e.kind.code(),
        e.verb,
        e.subject,
        e.household,
        e.path,
        e.code,
        e.rows,
        e.note,
        e.asked,
        e.digest()
    ]
}

pub fn record(tx: &mut Tx, e: &Entry) -> Result<()> {
    tx.exec(
        "INSERT INTO audit_log (key, at, person, kind, verb, subject, household, path, code, rows, \
         note, asked, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &values(e),
    )?;
    Ok(())
}

/// Where a household stands in the management tree.
pub fn household_path(tx: &mut Tx, household: Id) -> Result<Option<String>> {
    tx.opt("SELECT path FROM household WHERE id = $1", &args![household], |r| r.text(0))
}

// The chain -----------------------------------------------------------------------------------------

/// Lines under one seal at most.
const SEALED_AT_ONCE: i64 = 10_000;

/// The end of the chain at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Of the seal; nought where there is none yet.
    pub number: i64,
    pub at: Millis,
    /// The last line's number.
    pub last_seq: i64,
    pub head: Head,
}

const SEAL: &str = "SELECT number, at, last_seq, head FROM audit_seal";

fn sealed(r: &crate::Row) -> Result<Sealed> {
    Ok(Sealed { number: r.int(0)?, at: r.int(1)?, last_seq: r.int(2)?, head: r.digest(3)? })
}

/// The end of the chain; its beginning where nothing is sealed yet.
pub fn head(tx: &mut Tx) -> Result<Sealed> {
    let last = tx.opt(&format!("{SEAL} ORDER BY number DESC LIMIT 1"), &args![], sealed)?;
    Ok(last.unwrap_or(Sealed { number: 0, at: 0, last_seq: 0, head: beginning() }))
}

/// The end of the chain as it was just before this moment.
pub fn head_before(tx: &mut Tx, at: Millis) -> Result<Option<Sealed>> {
    let sql = format!("{SEAL} WHERE at < $1 ORDER BY at DESC, number DESC LIMIT 1");
    tx.opt(&sql, &args![at], sealed)
}

/// Does any line wait for its seal?
pub fn is_open(tx: &mut Tx) -> Result<bool> {
    Ok(tx.opt("SELECT seq FROM audit_open LIMIT 1", &args![], |r| r.int(0))?.is_some())
}

/// Links the lines that wait, in the order of their numbers; `None` where none does. A transaction
/// of its own: on PostgreSQL it reads what others are just writing, and need not be serializable
/// with them, since whatever it does not see yet waits for the next seal.
pub fn seal(tx: &mut Tx, at: Millis) -> Result<Option<Seal>> {
    if !tx.is_sqlite() {
        tx.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", &args![])?;
    }
    // A line that was taken away before its seal leaves its number, and so is missed.
    let links = tx.all(
        "SELECT o.seq, a.digest FROM audit_open o LEFT JOIN audit_log a ON a.seq = o.seq \
         ORDER BY o.seq LIMIT $1",
        &args![SEALED_AT_ONCE],
        |r| {
            let digest = r.opt_bytes(1)?.and_then(|d| d.try_into().ok()).unwrap_or_default();
            Ok((r.int(0)?, digest))
        },
    )?;
    let before = head(tx)?;
    // Time does not run backwards on the chain, whatever the clock does.
    let seal = Seal::over(before.number + 1, before.head, at.max(before.at), links);
    let Some(last) = seal.last() else { return Ok(None) };
    tx.exec(
        "INSERT INTO audit_seal (number, at, last_seq, links, head) VALUES ($1, $2, $3, $4, $5)",
        &args![seal.number, seal.at, last, write_links(&seal.links), seal.head],
    )?;
    tx.exec("DELETE FROM audit_open WHERE seq <= $1", &args![last])?;
    Ok(Some(seal))
}
