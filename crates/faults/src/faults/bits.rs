//! One flipped bit anywhere in what is protected: `siji verify` finds it, or refuses to go on; it
//! never says that everything fits, and never ends in a panic.

use std::collections::HashMap;

use anyhow::Context;
use rusqlite::types::Value;

use super::Fault;
use crate::check;
use crate::dice::Dice;
use crate::kit::{Kit, Tier};
use crate::server::Place;
use crate::table::Row;

pub struct Flips;

/// Tables that `siji verify` answers for, and columns in them that it does not: what may be changed
/// by plain work and is no record (`docs/OPERATING.md`).
const PROTECTED: [&str; 16] = [
    "sheet",
    "settlement",
    "posting",
    "objection",
    "transfer",
    "account",
    "redemption",
    "bonus",
    "donation",
    "lot",
    "household",
    "member",
    "audit_log",
    "scheme",
    "card",
    "market_day",
];
const FREE: [(&str, &str); 2] = [("household", "search"), ("household", "changed_at")];

impl Fault for Flips {
    fn name(&self) -> &'static str {
        "one bit flipped in a record"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(60, 1_000, 20_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("bits", &kit.start, zone)?;
        // A seal over every line of the log, so that no line is too young to be protected.
        rig.row.wrong.extend(check::verify(&rig.start, &rig.place)?);
        let Place::Folder(folder) = rig.place.clone() else { anyhow::bail!("a folder") };
        let file = folder.join("siji.db");
        let whole = std::fs::read(&file)?;
        let mut missed: HashMap<String, usize> = HashMap::new();
        for _ in 0..self.times(kit.tier) {
            std::fs::write(&file, &whole)?;
            let Some(spot) = flip(&file, &mut rig.dice)? else { continue };
            rig.row.fired += 1;
            let (status, said) = rig.start.run(&["verify"], &rig.place)?;
            rig.row.wrong.extend(check::panicked(&said));
            if status.success() {
                *missed.entry(spot).or_default() += 1;
            }
        }
        rig.row.wrong.extend(missed.iter().map(|(spot, n)| format!("not found in {spot}: {n}")));
        Ok(rig.end())
    }
}

/// Flips one bit of one value of one record, below all guards; where it was.
fn flip(file: &std::path::Path, dice: &mut Dice) -> anyhow::Result<Option<String>> {
    let base = rusqlite::Connection::open(file)?;
    let triggers: Vec<String> = base
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for trigger in triggers {
        base.execute_batch(&format!("DROP TRIGGER \"{trigger}\""))?;
    }
    base.execute_batch("PRAGMA foreign_keys = OFF")?;
    let table = dice.pick(&PROTECTED).context("a table")?;
    let columns: Vec<String> = base
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    let column = dice.pick(&columns).context("a column")?.clone();
    if FREE.contains(&(table, column.as_str())) {
        return Ok(None);
    }
    let rows: i64 = base.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |r| r.get(0))?;
    let nth = dice.below(usize::try_from(rows)?);
    let found = base.query_row(
        &format!("SELECT rowid, \"{column}\" FROM {table} LIMIT 1 OFFSET {nth}"),
        [],
        |r| Ok((r.get::<_, i64>(0)?, r.get::<_, Value>(1)?)),
    );
    let Ok((rowid, value)) = found else { return Ok(None) };
    let value = match value {
        Value::Integer(n) => Value::Integer(n ^ (1 << dice.below(40))),
        Value::Text(text) if !text.is_empty() => {
            let mut bytes = text.into_bytes();
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(7);
            match String::from_utf8(bytes) {
                Ok(text) => Value::Text(text),
                Err(_) => return Ok(None),
            }
        }
        Value::Blob(mut bytes) if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            Value::Blob(bytes)
        }
        _ => return Ok(None),
    };
    let changed = base.execute(
        &format!("UPDATE {table} SET \"{column}\" = ?1 WHERE rowid = ?2"),
        (&value, rowid),
    );
    // What a constraint keeps out cannot be there.
    Ok(changed.is_ok().then(|| format!("{table}.{column}")))
}
