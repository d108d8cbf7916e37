//! Workbooks that were sent in. The file itself is kept only until it is applied; it and the report,
//! which quotes cells, are sealed.

use domain::{Id, Millis};

use crate::sealed::In;
use crate::{Listing, Result, Row, Tx, args};

pub struct Import {
    pub id: Id,
    pub kind: String,
    pub file_name: String,
    pub file_digest: [u8; 32],
    pub has_file: bool,
    /// reading, checked, refused, applied, failed
    pub state: String,
    pub person: Option<Id>,
    pub person_name: Option<String>,
    pub at: Millis,
    pub applied_at: Option<Millis>,
    /// JSON; empty while reading.
    pub report: String,
}

const COLUMNS: &str = "i.id, i.kind, i.file_name, i.file_digest, i.state, i.person, p.name, i.at, \
                       i.applied_at, CASE WHEN i.file IS NULL THEN '0' ELSE '1' END";

fn read(r: &Row, report: String) -> Result<Import> {
    Ok(Import {
        id: r.id(0)?,
        kind: r.text(1)?,
        file_name: r.text(2)?,
        file_digest: r.digest(3)?,
        state: r.text(4)?,
        person: r.opt_id(5)?,
        person_name: r.opt_text(6)?,
        at: r.int(7)?,
        applied_at: r.opt_int(8)?,
        has_file: r.text(9)? == "1",
        report,
    })
}

pub fn find_import(tx: &mut Tx, id: Id) -> Result<Option<Import>> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "import", id);
    tx.opt(
        &format!(
            "SELECT {COLUMNS}, i.report FROM import i LEFT JOIN person p ON p.id = i.person \
             WHERE i.id = $1"
        ),
        &args![id],
        |r| read(r, sealed.text("report", r, 10)?.unwrap_or_default()),
    )
}

pub fn find_import_file(tx: &mut Tx, id: Id) -> Result<Option<Vec<u8>>> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "import", id);
    let file = tx
        .opt("SELECT file FROM import WHERE id = $1", &args![id], |r| sealed.bytes("file", r, 0))?;
    Ok(file.flatten())
}

/// Newest first; the reports stay where they are.
fn listing() -> Listing {
    Listing {
        select: COLUMNS.to_owned(),
        from: "FROM import i LEFT JOIN person p ON p.id = i.person".to_owned(),
        order: "i.at DESC, i.id DESC".to_owned(),
        args: Vec::new(),
        more: Vec::new(),
    }
}

/// One page, and how many there are.
pub fn list_imports(tx: &mut Tx, offset: i64, limit: i64) -> Result<(Vec<Import>, i64)> {
    let total = listing().total(tx)?;
    Ok((listing().page(tx, offset, limit, |r| read(r, String::new()))?, total))
}

/// The whole list, one import after another.
pub fn each_import(tx: &mut Tx, see: impl FnMut(Import) -> Result<()>) -> Result<()> {
    listing().each(tx, |r| read(r, String::new()), see)
}

pub struct NewImport<'a> {
    pub id: Id,
    pub file_name: &'a str,
    pub file_digest: [u8; 32],
    pub file: Option<&'a [u8]>,
    pub state: &'a str,
    pub person: Option<Id>,
    pub at: Millis,
    pub report: &'a str,
}

pub fn record_import(tx: &mut Tx, i: &NewImport) -> Result<()> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "import", i.id);
    let (file, report) = (sealed.put_bytes("file", i.file)?, sealed.put("report", Some(i.report))?);
    tx.exec(
        "INSERT INTO import (id, kind, file_name, file_digest, file, state, person, at, report) \
         VALUES ($1, 'register', $2, $3, $4, $5, $6, $7, $8)",
        &args![i.id, i.file_name, i.file_digest, file, i.state, i.person, i.at, report],
    )?;
    Ok(())
}

pub fn set_import(tx: &mut Tx, id: Id, state: &str, report: &str) -> Result<()> {
    let keys = tx.keys();
    let report = In::new(&keys, "import", id).put("report", Some(report))?;
    tx.exec("UPDATE import SET state = $2, report = $3 WHERE id = $1", &args![id, state, report])?;
    Ok(())
}

/// Applied: the file has done its work and is let go.
pub fn mark_applied(tx: &mut Tx, id: Id, at: Millis, report: &str) -> Result<()> {
    let keys = tx.keys();
    let report = In::new(&keys, "import", id).put("report", Some(report))?;
    tx.exec(
        "UPDATE import SET state = 'applied', applied_at = $2, file = NULL, report = $3 \
         WHERE id = $1",
        &args![id, at, report],
    )?;
    Ok(())
}
