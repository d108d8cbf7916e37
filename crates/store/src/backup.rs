//! A zone copied as one moment saw it, while others write, and put back into an empty place.
//!
//! SQLite copies its file page by page within one reading transaction; PostgreSQL hands out each
//! table by COPY within one snapshot, over our own connection.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

use crate::tx::{Client, Engine};
use crate::{Broken, Result, Row, Tx, args};

/// A table as PostgreSQL hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
}

/// A piece of a backup in the order in which it is put back.
pub enum Part<'a> {
    Table(&'a Table),
    /// Lines of the table before, as COPY writes them.
    Lines(&'a [u8]),
}

/// The newest tables this program knows.
pub fn tables_version() -> i64 {
    crate::MIGRATIONS.last().map_or(0, |file| file.0)
}

/// The newest seal of the log: its number and head, where there is one.
pub fn log_head(tx: &mut Tx) -> Result<Option<(i64, Vec<u8>)>> {
    let sql = "SELECT number, head FROM audit_seal ORDER BY number DESC LIMIT 1";
    tx.opt(sql, &args![], |r| Ok((r.int(0)?, r.bytes(1)?)))
}

/// SQLite: the whole file as this transaction sees it, into a file that is not there yet.
pub fn copy_file(tx: &mut Tx, to: &Path) -> Result<()> {
    let Engine::Sqlite(from) = &tx.engine else {
        return Err(Broken::data("this zone is no file"));
    };
    let mut copy = rusqlite::Connection::open(to)?;
    {
        let copying = rusqlite::backup::Backup::new(from, &mut copy)?;
        // All pages in one step: one moment, whatever is written meanwhile.
        if copying.step(-1)? != rusqlite::backup::StepResult::Done {
            return Err(Broken::Busy("the file could not be copied whole"));
        }
    }
    // One file, with no log beside it.
    copy.execute_batch("PRAGMA journal_mode = DELETE")?;
    Ok(())
}

/// PostgreSQL: every table of the zone, those first that others refer to. The number of rows of each.
pub fn copy_tables(
    tx: &mut Tx,
    mut see: impl FnMut(Part<'_>) -> Result<()>,
) -> Result<Vec<(String, u64)>> {
    let tables = tables(tx)?;
    let Engine::Postgres(client) = &mut tx.engine else {
        return Err(Broken::data("this zone is a file"));
    };
    let mut counts = Vec::with_capacity(tables.len());
    let mut chunk = vec![0; 1 << 18];
    for table in &tables {
        see(Part::Table(table))?;
        let (name, columns) = (&table.name, table.columns.join("\", \""));
        let sql = format!("COPY (SELECT \"{columns}\" FROM \"{name}\") TO STDOUT");
        let mut reader = client.client.copy_out(sql.as_str())?;
        let mut rows = 0;
        loop {
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            // A line's end within a value is written as two letters.
            rows += chunk[..read].iter().filter(|b| **b == b'\n').count() as u64;
            see(Part::Lines(&chunk[..read]))?;
        }
        counts.push((table.name.clone(), rows));
    }
    Ok(counts)
}

/// The zone's tables and their columns, in an order in which they can be filled.
fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let rows = tx.all(
        "SELECT c.relname::text, a.attname::text FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace \
           AND c.relname <> 'migration' ORDER BY c.relname, a.attnum",
        &args![],
        |r| Ok((r.text(0)?, r.text(1)?)),
    )?;
    let mut waiting: Vec<Table> = Vec::new();
    for (name, column) in rows {
        match waiting.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => waiting.push(Table { name, columns: vec![column] }),
        }
    }
    let refers = tx.all(
        "SELECT f.relname::text, t.relname::text FROM pg_constraint x \
         JOIN pg_class f ON f.oid = x.conrelid JOIN pg_class t ON t.oid = x.confrelid \
         WHERE x.contype = 'f' AND f.relnamespace = current_schema()::regnamespace \
           AND f.oid <> t.oid",
        &args![],
        |r| Ok((r.text(0)?, r.text(1)?)),
    )?;
    let (mut ordered, mut placed) = (Vec::new(), BTreeSet::new());
    while !waiting.is_empty() {
        let is_free = |table: &Table| {
            refers.iter().all(|(from, to)| *from != table.name || placed.contains(to))
        };
        let at = waiting.iter().position(is_free);
        let at = at.ok_or_else(|| Broken::data("the tables refer to each other in a ring"))?;
        let table = waiting.remove(at);
        placed.insert(table.name.clone());
        ordered.push(table);
    }
    Ok(ordered)
}

/// A table of a zone in PostgreSQL, with its columns' types.
#[derive(Clone, Debug)]
pub struct Shape {
    pub table: Table,
    types: Vec<String>,
}

/// PostgreSQL: how the tables are made that a zone from SQLite is carried into.
pub fn shapes(tx: &mut Tx) -> Result<Vec<Shape>> {
    let tables = tables(tx)?;
    let mut types = BTreeMap::new();
    tx.each(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL) FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
        &args![],
        |r| {
            types.insert((r.text(0)?, r.text(1)?), r.text(2)?);
            Ok(())
        },
    )?;
    let shape = |table: Table| {
        let of = |column: &String| types.get(&(table.name.clone(), column.clone())).cloned();
        let types = table.columns.iter().map(|c| of(c).unwrap_or_default()).collect();
        Shape { table, types }
    };
    Ok(tables.into_iter().map(shape).collect())
}

/// SQLite: every row of these tables as a line that PostgreSQL's COPY reads, for `restore_tables`.
/// Ids, fingerprints and sealed values stay as they are: it is the same zone, under the same keys.
pub fn carry(
    tx: &mut Tx,
    shapes: &[Shape],
    mut see: impl FnMut(Given) -> Result<()>,
) -> Result<()> {
    for Shape { table, types } in shapes {
        see(Given::Table(table.clone()))?;
        let sql = format!("SELECT \"{}\" FROM \"{}\"", table.columns.join("\", \""), table.name);
        let mut lines = Vec::new();
        tx.each(&sql, &args![], |row| {
            for (i, kind) in types.iter().enumerate() {
                write_value(&mut lines, row, i, kind)?;
                lines.push(if i + 1 < types.len() { b'\t' } else { b'\n' });
            }
            if lines.len() > CARRIED_AT_ONCE {
                see(Given::Lines(std::mem::take(&mut lines)))?;
            }
            Ok(())
        })?;
        see(Given::Lines(lines))?;
    }
    see(Given::End)
}

const CARRIED_AT_ONCE: usize = 1 << 18;

/// A value as COPY's text format has it.
fn write_value(out: &mut Vec<u8>, row: &Row, i: usize, kind: &str) -> Result<()> {
    let text = match kind {
        "uuid" => row.opt_id(i)?.map(|id| id.to_string()),
        "boolean" => row.opt_bool(i)?.map(|is| if is { "t" } else { "f" }.to_owned()),
        "bigint" | "integer" => row.opt_int(i)?.map(|n| n.to_string()),
        "bytea" => row.opt_bytes(i)?.map(|bytes| {
            let mut text = String::with_capacity(3 + bytes.len() * 2);
            text.push_str("\\\\x");
            bytes.iter().for_each(|b| {
                text.extend(
                    [b >> 4, b & 15].map(|n| char::from_digit(n.into(), 16).unwrap_or('0')),
                );
            });
            text
        }),
        "text" => row.opt_text(i)?.map(|text| {
            let plain = text.replace('\\', "\\\\").replace('\t', "\\t");
            plain.replace('\n', "\\n").replace('\r', "\\r")
        }),
        other => return Err(Broken::data(format!("no column is known to be {other}"))),
    };
    out.extend_from_slice(text.as_deref().unwrap_or("\\N").as_bytes());
    Ok(())
}

/// What is put back, piece by piece.
pub enum Given {
    Table(Table),
    Lines(Vec<u8>),
    End,
}

/// PostgreSQL: makes the tables as they were at `version` in an empty schema and fills them with
/// what `next` gives; all of it, or nothing.
pub fn restore_tables(
    url: &str,
    version: i64,
    mut next: impl FnMut() -> Result<Given>,
) -> Result<()> {
    let mut made = crate::postgres_pool::connect_as_owner(url)?;
    let Client { client, .. } = &mut made;
    let mut tx = client.transaction()?;
    let standing = "SELECT COUNT(*) FROM pg_class WHERE relkind = 'r' \
                    AND relnamespace = to_regnamespace(current_schema())";
    let standing: i64 = tx.query_one(standing, &[])?.get(0);
    if standing > 0 {
        return Err(Broken::data(
            "there are tables in this schema: a zone is restored into an empty one",
        ));
    }
    crate::migrate::postgres_up_to(&mut tx, version)?;
    let mut given = next()?;
    while let Given::Table(table) = given {
        let (name, columns) = (&table.name, table.columns.join("\", \""));
        // What a row sets off when it is written anew, it did set off when it was written first.
        tx.batch_execute(&format!("ALTER TABLE \"{name}\" DISABLE TRIGGER USER"))?;
        let sql = format!("COPY \"{name}\" (\"{columns}\") FROM STDIN");
        let mut writer = tx.copy_in(sql.as_str())?;
        loop {
            given = next()?;
            match &given {
                Given::Lines(lines) => writer.write_all(lines)?,
                _ => break,
            }
        }
        writer.finish()?;
        tx.batch_execute(&format!("ALTER TABLE \"{name}\" ENABLE TRIGGER USER"))?;
    }
    if !matches!(given, Given::End) {
        return Err(Broken::data("the backup ends in the midst of a table"));
    }
    tx.batch_execute(
        "SELECT setval(pg_get_serial_sequence('audit_log', 'seq'), \
         (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_log), false)",
    )?;
    tx.commit()?;
    // Statistics: without them the first questions are answered slowly.
    client.batch_execute(KNOW_THE_TABLES)?;
    Ok(())
}

/// PostgreSQL looks at every table that holds something. One that was looked at while it was empty it
/// takes for empty: whatever is planned before its next look goes through the whole of it, and, being
/// serializable, stands in the way of all who write to it.
pub const KNOW_THE_TABLES: &str = "DO $$ DECLARE t text; BEGIN \
     FOR t IN SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' \
       AND c.relnamespace = current_schema()::regnamespace AND pg_relation_size(c.oid) > 0 \
     LOOP EXECUTE format('ANALYZE %I', t); END LOOP; END $$";
