//! Tables moved forward, one numbered file after another, the same numbers on both engines.

use domain::access::Reach;

use crate::{Broken, Result, wall};

/// (number, name, SQLite, PostgreSQL)
pub const FILES: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "month",
        include_str!("../migrations/sqlite/0001_month.sql"),
        include_str!("../migrations/postgres/0001_month.sql"),
    ),
    (
        2,
        "accounts",
        include_str!("../migrations/sqlite/0002_accounts.sql"),
        include_str!("../migrations/postgres/0002_accounts.sql"),
    ),
    (
        3,
        "posting_log",
        include_str!("../migrations/sqlite/0003_posting_log.sql"),
        include_str!("../migrations/postgres/0003_posting_log.sql"),
    ),
    (
        4,
        "paths",
        include_str!("../migrations/sqlite/0004_paths.sql"),
        include_str!("../migrations/postgres/0004_paths.sql"),
    ),
    (
        5,
        "movements",
        include_str!("../migrations/sqlite/0005_movements.sql"),
        include_str!("../migrations/postgres/0005_movements.sql"),
    ),
    (
        6,
        "provider",
        include_str!("../migrations/sqlite/0006_provider.sql"),
        include_str!("../migrations/postgres/0006_provider.sql"),
    ),
    (
        7,
        "keys",
        include_str!("../migrations/sqlite/0007_keys.sql"),
        include_str!("../migrations/postgres/0007_keys.sql"),
    ),
    (
        8,
        "counts",
        include_str!("../migrations/sqlite/0008_counts.sql"),
        include_str!("../migrations/postgres/0008_counts.sql"),
    ),
];

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migration (version bigint PRIMARY KEY, name text NOT NULL)";

pub(crate) fn sqlite(connection: &mut rusqlite::Connection) -> Result<()> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute_batch(&TABLE.replace("bigint", "INTEGER").replace("text", "TEXT"))?;
    let at: i64 =
        tx.query_row("SELECT COALESCE(MAX(version), 0) FROM migration", [], |r| r.get(0))?;
    for (version, name, sql, _) in pending(at)? {
        tx.execute_batch(sql)?;
        tx.execute("INSERT INTO migration (version, name) VALUES (?1, ?2)", (version, name))?;
    }
    tx.commit()?;
    Ok(())
}

/// True: something was moved.
pub(crate) fn postgres(client: &mut postgres::Client) -> Result<bool> {
    let mut tx = client.transaction()?;
    // Two servers starting at once wait for each other here.
    tx.batch_execute("SELECT pg_advisory_xact_lock(1936288105)")?;
    tx.batch_execute(TABLE)?;
    let at: i64 = tx.query_one("SELECT COALESCE(MAX(version), 0) FROM migration", &[])?.get(0);
    // The owner is walled in too.
    for set in wall::postgres::settings(&Reach::System)? {
        tx.batch_execute(&set)?;
    }
    // The wall of zones made before 0004 asks this.
    tx.batch_execute("SET LOCAL siji.scope = 'system'")?;
    let mut moved = false;
    for (version, name, _, sql) in pending(at)? {
        moved = true;
        tx.batch_execute(sql)?;
        tx.execute("INSERT INTO migration (version, name) VALUES ($1, $2)", &[version, name])?;
    }
    tx.commit()?;
    Ok(moved)
}

/// An empty schema, moved to `version` and no further, in somebody's transaction.
pub(crate) fn postgres_up_to(tx: &mut postgres::Transaction, version: i64) -> Result<()> {
    tx.batch_execute(TABLE)?;
    for (number, name, _, sql) in FILES.iter().filter(|file| file.0 <= version) {
        tx.batch_execute(sql)?;
        tx.execute("INSERT INTO migration (version, name) VALUES ($1, $2)", &[number, name])?;
    }
    // What a move to new tables writes by itself, the backup brings along.
    Ok(())
}

fn pending(
    at: i64,
) -> Result<impl Iterator<Item = &'static (i64, &'static str, &'static str, &'static str)>> {
    let newest = FILES.last().map_or(0, |f| f.0);
    if at > newest {
        return Err(Broken::data(format!(
            "this database was made by a newer Siji (tables {at}, this program knows {newest}): start the newer program"
        )));
    }
    Ok(FILES.iter().filter(move |f| f.0 > at))
}
