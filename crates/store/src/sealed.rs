//! The columns whose values are sealed, and how a value goes into a row and comes out of it. What
//! is sealed stands in one list; rotation, `siji verify` and the register of fields go by it.

use std::collections::BTreeMap;

use domain::Id;
use seal::{Keys, Spot};

use crate::{Broken, Result, Row, Tx, Type, Val, args};

/// One table's sealed columns, with what is inside. Every such table has a column `id`.
pub struct Columns {
    pub table: &'static str,
    pub fields: &'static [(&'static str, Type)],
    /// Rows sealed anew in one transaction.
    rows_at_once: i64,
}

pub static SEALED: [Columns; 6] = [
    Columns {
        table: "person",
        fields: &[("phone", Type::Text), ("totp", Type::Text)],
        rows_at_once: 500,
    },
    Columns {
        table: "household",
        fields: &[
            ("phone", Type::Text),
            ("bank_name", Type::Text),
            ("bank_account", Type::Text),
            ("income_fen", Type::Int),
            ("poverty_cause", Type::Text),
        ],
        rows_at_once: 500,
    },
    Columns {
        table: "member",
        fields: &[("citizen_number", Type::Text), ("health", Type::Text)],
        rows_at_once: 500,
    },
    Columns {
        table: "import",
        fields: &[("file", Type::Bytes), ("report", Type::Text)],
        rows_at_once: 2,
    },
    Columns {
        table: "objection",
        fields: &[("by_name", Type::Text), ("contact", Type::Text)],
        rows_at_once: 500,
    },
    Columns { table: "redemption", fields: &[("proxy_name", Type::Text)], rows_at_once: 500 },
];

/// Does this column hold sealed values?
pub(crate) fn is_sealed(table: &str, field: &str) -> bool {
    SEALED.iter().any(|c| c.table == table && c.fields.iter().any(|f| f.0 == field))
}

/// Does any column of this table? Then its fingerprints are keyed too: a bare hash beside the row
/// would tell a guessed value from a wrong one.
pub(crate) fn has_sealed(table: &str) -> bool {
    SEALED.iter().any(|c| c.table == table)
}

/// One row's sealed values.
pub(crate) struct In<'k> {
    keys: &'k Keys,
    table: &'static str,
    row: Id,
}

impl<'k> In<'k> {
    pub fn new(keys: &'k Keys, table: &'static str, row: Id) -> In<'k> {
        In { keys, table, row }
    }

    fn spot<'a>(&'a self, field: &'a str) -> Spot<'a> {
        debug_assert!(is_sealed(self.table, field), "{}.{field} is not listed", self.table);
        Spot { table: self.table, field, row: self.row.as_bytes() }
    }

    pub fn put(&self, field: &str, value: Option<&str>) -> Result<Val> {
        self.put_bytes(field, value.map(str::as_bytes))
    }
    pub fn put_int(&self, field: &str, value: Option<i64>) -> Result<Val> {
        self.put(field, value.map(|n| n.to_string()).as_deref())
    }
    pub fn put_bytes(&self, field: &str, value: Option<&[u8]>) -> Result<Val> {
        Ok(match value {
            Some(plain) => Val::Bytes(self.keys.seal(self.spot(field), plain)?),
            None => Val::Null,
        })
    }

    pub fn text(&self, field: &str, r: &Row, i: usize) -> Result<Option<String>> {
        self.bytes(field, r, i)?
            .map(|plain| {
                String::from_utf8(plain)
                    .map_err(|_| Broken::data(format!("{}.{field}: not text", self.table)))
            })
            .transpose()
    }
    pub fn int(&self, field: &str, r: &Row, i: usize) -> Result<Option<i64>> {
        self.text(field, r, i)?
            .map(|plain| {
                plain
                    .parse()
                    .map_err(|_| Broken::data(format!("{}.{field}: not a number", self.table)))
            })
            .transpose()
    }
    pub fn bytes(&self, field: &str, r: &Row, i: usize) -> Result<Option<Vec<u8>>> {
        r.opt_bytes(i)?.map(|sealed| self.open(field, &sealed)).transpose()
    }

    pub fn open(&self, field: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut plain = self.keys.open(self.spot(field), sealed)?;
        Ok(std::mem::take(&mut *plain))
    }
}

/// Rows up to the first that cannot be made, which is kept for afterwards: bulk statements take
/// rows, not results.
pub(crate) fn until_broken(
    rows: impl Iterator<Item = Result<Vec<Val>>>,
    broken: &mut Option<Broken>,
) -> impl Iterator<Item = Vec<Val>> {
    rows.map_while(move |row| row.map_err(|e| *broken = Some(e)).ok())
}

/// Are these the keys this zone was sealed with? Those that are new to it are written down, by what
/// they are known by.
pub(crate) fn know_keys(tx: &mut Tx) -> Result<()> {
    let known: BTreeMap<String, [u8; 32]> = tx
        .all("SELECT name, proof FROM key_proof", &args![], |r| Ok((r.text(0)?, r.digest(1)?)))?
        .into_iter()
        .collect();
    let proofs: BTreeMap<String, [u8; 32]> = tx.keys().proofs().into_iter().collect();
    for (name, proof) in &known {
        match proofs.get(name) {
            None => return Err(seal::Fault::Missing(name.clone()).into()),
            Some(ours) if ours != proof => return Err(seal::Fault::Other(name.clone()).into()),
            Some(_) => {}
        }
    }
    for (name, proof) in proofs.iter().filter(|(name, _)| !known.contains_key(*name)) {
        tx.exec(
            "INSERT INTO key_proof (name, proof) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            &args![name, *proof],
        )?;
    }
    Ok(())
}

/// No value is sealed with this key any more; the zone opens without it from now on.
pub fn forget_key(tx: &mut Tx, id: u16) -> Result<()> {
    tx.exec("DELETE FROM key_proof WHERE name = $1", &args![format!("seal {id}")])?;
    Ok(())
}

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// The last row that was looked at; none when the table is done.
    pub last: Option<Id>,
    pub rows: u64,
    /// Rows that were sealed anew.
    pub renewed: u64,
}

/// The next rows of a table after `after`: what is not sealed with the active key is sealed anew.
pub fn renew(tx: &mut Tx, columns: &Columns, after: Option<Id>) -> Result<Turn> {
    let keys = tx.keys();
    let names: Vec<&str> = columns.fields.iter().map(|f| f.0).collect();
    let sql = format!(
        "SELECT id, {} FROM {} WHERE id > $1 ORDER BY id LIMIT $2",
        names.join(", "),
        columns.table
    );
    let mut turn = Turn::default();
    let mut rows = Vec::new();
    tx.each(&sql, &args![after.unwrap_or(Id::nil()), columns.rows_at_once], |r| {
        let id = r.id(0)?;
        turn.rows += 1;
        turn.last = Some(id);
        let sealed = In::new(&keys, columns.table, id);
        let mut row = vec![Val::Id(id)];
        let mut is_stale = false;
        for (i, field) in names.iter().enumerate() {
            row.push(match r.opt_bytes(i + 1)? {
                Some(kept) if keys.is_stale(&kept) => {
                    is_stale = true;
                    sealed.put_bytes(field, Some(&sealed.open(field, &kept)?))?
                }
                kept => kept.into(),
            });
        }
        if is_stale {
            rows.push(row);
        }
        Ok(())
    })?;
    if turn.rows < columns.rows_at_once.unsigned_abs() {
        turn.last = None;
    }
    let set: Vec<_> = names.iter().map(|name| (*name, Type::Bytes)).collect();
    turn.renewed = tx.update_all(columns.table, ("id", Type::Id), &set, rows)?;
    Ok(turn)
}

/// How many values are sealed with each key.
pub type InUse = BTreeMap<u16, u64>;

pub fn keys_in_use(tx: &mut Tx) -> Result<InUse> {
    let mut in_use = InUse::new();
    for columns in &SEALED {
        for (field, _) in columns.fields {
            let sql = format!(
                "SELECT substr({field}, 2, 2), CAST(COUNT(*) AS BIGINT) FROM {} \
                 WHERE {field} IS NOT NULL GROUP BY 1",
                columns.table
            );
            for (key, count) in tx.all(&sql, &args![], |r| Ok((r.bytes(0)?, r.int(1)?)))? {
                let key = key.try_into().map_err(|_| seal::Fault::Closed)?;
                *in_use.entry(u16::from_be_bytes(key)).or_default() += count.unsigned_abs();
            }
        }
    }
    Ok(in_use)
}

/// Rows that a rotation goes through.
pub fn sealed_rows(tx: &mut Tx) -> Result<u64> {
    let mut rows = 0;
    for columns in &SEALED {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {}", columns.table);
        rows += tx.one(&sql, &args![], |r| r.int(0))?.unsigned_abs();
    }
    Ok(rows)
}
