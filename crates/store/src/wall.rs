//! The second wall: what a transaction sees and touches is decided once more in the database, by the
//! reach it was opened with. One table says which tables lie in areas; PostgreSQL's row policies and
//! SQLite's views and triggers are made from it. Knows nothing of permissions.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use domain::Id;

use crate::tx::Engine;
use crate::{Result, Tx, Val};

/// Where a row of a table lies, and so who reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    /// The household itself: at its path, and with its cadre.
    Household,
    /// With its `household`.
    WithHousehold,
    /// With its `household`, and with the person it names.
    WithHouseholdOrPerson,
    /// The village's month itself.
    Batch,
    /// With its `batch`, at whose path it is too; a cadre reaches the rows of the own households.
    InBatch,
    /// With its batch; on the wall for everybody.
    Posting,
    /// At its `path`.
    AtPath,
    /// A household's account with the household, at whose path it is too; the others with whoever is
    /// signed in.
    Account,
    /// Where both of its accounts are.
    Transfer,
    /// With its household, at whose path it is too, and with the village of its market day.
    Redemption,
    /// With its `redemption`.
    InRedemption,
    /// Of all areas at once.
    Zone,
}

/// Every table whose rows lie in an area.
const WALLED: &[(&str, Lies)] = &[
    ("household", Lies::Household),
    ("member", Lies::WithHousehold),
    ("assignment", Lies::WithHouseholdOrPerson),
    ("kinship", Lies::WithHouseholdOrPerson),
    ("import", Lies::Zone),
    ("batch", Lies::Batch),
    ("roster", Lies::InBatch),
    ("sheet", Lies::InBatch),
    ("settlement", Lies::InBatch),
    ("posting", Lies::Posting),
    ("posting_salt", Lies::Posting),
    ("objection", Lies::AtPath),
    ("takeout", Lies::AtPath),
    ("account", Lies::Account),
    ("transfer", Lies::Transfer),
    ("bonus", Lies::WithHousehold),
    ("card", Lies::WithHousehold),
    ("redemption", Lies::Redemption),
    ("redemption_line", Lies::InRedemption),
];

/// Every other table, and why the second wall leaves it open. A table that stands in neither list
/// fails a test.
pub const OPEN: &[(&str, &str)] = &[
    ("migration", "how far the tables are"),
    ("person", "officers, not villagers; the rights of administrators guard them"),
    ("post", "officers, not villagers"),
    ("session", "read before anybody is known"),
    ("login_failure", "read before anybody is known"),
    ("known_browser", "read before anybody is known"),
    ("one_time_code", "read before anybody is known"),
    ("recovery_code", "read before anybody is known"),
    ("former_password", "officers, not villagers"),
    ("setting", "the same for the whole zone"),
    ("audit_log", "a key is looked up whoever sends it; the auditor's right guards the rest"),
    ("audit_open", "numbers alone"),
    ("audit_seal", "fingerprints alone"),
    ("key_proof", "what the keys are known by, never a key"),
    ("posting_log", "commitments alone; anybody may read the log"),
    ("posting_log_node", "hashes alone"),
    ("posting_checkpoint", "told to everybody"),
    ("area", "names of places stand on every poster"),
    ("holiday_year", "the same for the whole zone"),
    ("scheme", "the same for the whole zone"),
    ("adoption", "the same for the whole zone"),
    ("round", "the same for the whole zone"),
    ("goods", "the same for the whole zone"),
    ("place", "stores serve everybody below them"),
    ("donation", "donors are thanked in public"),
    ("lot", "goods, not villagers"),
    ("market_day", "announced to everybody"),
];

/// Tables whose rows lie in an area.
pub fn walled() -> impl Iterator<Item = &'static str> {
    WALLED.iter().map(|(table, _)| *table)
}

/// The few words that the two engines say differently.
trait Words {
    /// A row that is read is asked for its own copy of a path; one that is written, for what it is a
    /// copy of.
    fn is_written(&self) -> bool;
    /// The row of this table with this id is within reach.
    fn found(&self, table: &str, id: &str) -> String;
    /// Everything is within reach.
    fn all(&self) -> String;
    /// Where everything is within reach, `covers` says so by itself.
    fn all_is_covered(&self) -> bool;
    /// Anybody asks.
    fn public(&self) -> String;
    /// This column's path is within reach.
    fn covers(&self, path: &str) -> String;
    /// This column's batch has its path within reach.
    fn covers_batch(&self, batch: &str) -> String;
    /// A batch that has its path within reach names this column's household.
    fn named(&self, household: &str) -> String;
    /// This column's household is the asker's own: assigned, or on their list of this month.
    fn own_household(&self, household: &str) -> String;
    /// A batch with one of those.
    fn own_batch(&self, batch: &str) -> String;
    /// The asker.
    fn person(&self) -> String;
    /// Everything is within reach; or somebody known asks, and this holds.
    fn all_or_known(&self, condition: &str) -> String;
}

/// May this row be written, and so seen? `x` is how the row's columns are addressed: a name or `NEW`.
fn reached(words: &impl Words, lies: Lies, x: &str) -> String {
    let found = |table: &str, column: &str| words.found(table, &format!("{x}.{column}"));
    let at_its_path = || words.covers(&format!("{x}.path"));
    let by_copy = |copy: String, original: String| if words.is_written() { original } else { copy };
    let with_household = |column: &str| {
        let household = format!("{x}.{column}");
        let (own, named) = (words.own_household(&household), words.named(&household));
        by_copy(format!("{} OR {own} OR {named}", at_its_path()), found("household", column))
    };
    let also = match lies {
        // SQLite asks leave for a table of which nothing is read, and knows no view to ask it for.
        Lies::Zone => return format!("({x}.kind <> '' AND {})", words.all()),
        Lies::AtPath => at_its_path(),
        Lies::Household => {
            format!("{} OR {}", at_its_path(), words.own_household(&format!("{x}.id")))
        }
        Lies::WithHousehold => found("household", "household"),
        Lies::WithHouseholdOrPerson => {
            format!("{x}.person = {} OR {}", words.person(), found("household", "household"))
        }
        Lies::Batch => format!("{} OR {}", at_its_path(), words.own_batch(&format!("{x}.id"))),
        Lies::InBatch => {
            let covered = by_copy(at_its_path(), words.covers_batch(&format!("{x}.batch")));
            format!("{covered} OR {}", words.own_household(&format!("{x}.household")))
        }
        Lies::Posting => found("batch", "batch"),
        Lies::Account => {
            let others = words.all_or_known(&format!("{x}.kind <> 'household'"));
            return format!("({others} OR {})", with_household("owner"));
        }
        Lies::Transfer => {
            format!("({} AND {})", found("account", "debit"), found("account", "credit"))
        }
        Lies::Redemption => {
            format!(
                "{} OR \
                 (SELECT TRUE FROM market_day wm WHERE wm.id = {x}.market_day AND {})",
                with_household("household"),
                words.covers("wm.path"),
            )
        }
        Lies::InRedemption => found("redemption", "redemption"),
    };
    let has_path = match lies {
        Lies::AtPath | Lies::Household | Lies::Batch => true,
        Lies::InBatch | Lies::Redemption => !words.is_written(),
        _ => false,
    };
    if has_path && words.all_is_covered() { also } else { format!("{} OR {also}", words.all()) }
}

/// What may be seen besides, and not written: what hangs on the wall; a household that has moved away
/// from a village whose month names it.
fn shown(words: &impl Words, lies: Lies, x: &str) -> Option<String> {
    match lies {
        Lies::Posting => Some(words.public()),
        Lies::Batch => Some(format!("({} AND {x}.posted_at IS NOT NULL)", words.public())),
        Lies::Household => Some(words.named(&format!("{x}.id"))),
        _ => None,
    }
}

/// The copies of paths follow households that have moved.
pub(crate) fn follow_households(tx: &mut Tx) -> Result<u64> {
    let accounts = tx.exec(
        "UPDATE account SET path = h.path FROM household h WHERE h.id = account.owner \
         AND account.kind = 'household' AND account.path <> h.path",
        &[],
    )?;
    let redemptions = tx.exec(
        "UPDATE redemption SET path = h.path FROM household h WHERE h.id = redemption.household \
         AND redemption.path <> h.path",
        &[],
    )?;
    Ok(accounts + redemptions)
}

/// The first row that does not lie where what it belongs to lies: (table, id).
pub fn strayed(tx: &mut Tx) -> Result<Option<(&'static str, Id)>> {
    for (table, id, of, by) in [
        ("household", "id", "area", "t.village"),
        ("roster", "household", "batch", "t.batch"),
        ("sheet", "id", "batch", "t.batch"),
        ("settlement", "id", "batch", "t.batch"),
        ("account", "id", "household", "t.owner"),
        ("redemption", "id", "household", "t.household"),
    ] {
        let sql = format!(
            "SELECT t.{id} FROM {table} t LEFT JOIN {of} o ON o.id = {by} \
             WHERE t.path <> COALESCE(o.path, '') ORDER BY 1 LIMIT 1"
        );
        if let Some(id) = tx.opt(&sql, &[], |r| r.id(0))? {
            return Ok(Some((table, id)));
        }
    }
    Ok(None)
}

// Numbers count on through the whole zone, whoever draws the next one. Nothing but the number comes
// through the wall.

/// The number of the last transfer.
pub(crate) fn last_transfer(tx: &mut Tx) -> Result<i64> {
    let sql = match tx.engine {
        Engine::Sqlite(_) => "SELECT COALESCE(MAX(seq), 0) FROM main.transfer",
        Engine::Postgres(_) => "SELECT last_transfer()",
    };
    tx.one(sql, &[], |r| r.int(0))
}

/// The greatest id of a transfer.
pub(crate) fn newest_transfer(tx: &mut Tx) -> Result<Option<Id>> {
    let sql = match tx.engine {
        Engine::Sqlite(_) => "SELECT MAX(id) FROM main.transfer",
        Engine::Postgres(_) => "SELECT newest_transfer()",
    };
    tx.one(sql, &[], |r| r.opt_id(0))
}

/// The highest receipt number from `first` up to and without `end`.
pub(crate) fn last_receipt(tx: &mut Tx, first: &str, end: &str) -> Result<Option<String>> {
    let sql = match tx.engine {
        Engine::Sqlite(_) => {
            "SELECT MAX(receipt) FROM main.redemption WHERE receipt >= $1 AND receipt < $2"
        }
        Engine::Postgres(_) => "SELECT last_receipt($1, $2)",
    };
    tx.one(sql, &[Val::from(first), Val::from(end)], |r| r.opt_text(0))
}

/// Do a table's rows lie in areas?
pub(crate) fn is_walled(table: &str) -> bool {
    WALLED.iter().any(|(name, _)| *name == table)
}
