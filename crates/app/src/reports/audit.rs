//! Reading the log: the auditor's search, and who has seen or changed a household.

use domain::Id;
use domain::access::Permission;
use store::reports::{LogFilter, LogLine, LogReader};
use store::{Broken, Tx};

use crate::{Failure, Never, Who};

/// The lines before `before`, newest first, and how many there are.
pub fn log(
    tx: &mut Tx,
    who: &Who,
    filter: &LogFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<LogLine>, i64), Failure<Never>> {
    let reader = reader(who)?;
    Ok(store::reports::log(tx, filter, &reader, before, limit)?)
}

/// The whole list to take out, one line after another.
pub fn each_log_line(
    tx: &mut Tx,
    who: &Who,
    filter: &LogFilter,
    see: impl FnMut(LogLine) -> Result<(), Broken>,
) -> Result<(), Failure<Never>> {
    who.must_export()?;
    let reader = reader(who)?;
    Ok(store::reports::each_log_line(tx, filter, &reader, see)?)
}

/// Who may not see households sees the lines that are about none.
fn reader(who: &Who) -> Result<LogReader, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadAudit)?;
    Ok(LogReader { scope, households: who.may(Permission::ReadHouseholds) })
}

/// Lines on one print-out at most.
const SEEN_MAX: i64 = 1_000;

pub struct SeenPage {
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub lines: Vec<LogLine>,
    /// There are older lines still.
    pub is_cut: bool,
}

/// Who has seen or changed this household.
pub fn seen(tx: &mut Tx, who: &Who, household: Id) -> Result<SeenPage, Failure<Never>> {
    who.must(Permission::ReadSeen)?;
    let row = store::registry::find(tx, household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReadSeen, &row.household.path)?;
    let mut lines = store::reports::seen(tx, household, &row.household.path, SEEN_MAX + 1)?;
    let is_cut = lines.len() as i64 > SEEN_MAX;
    lines.truncate(SEEN_MAX as usize);
    Ok(SeenPage {
        household,
        number: row.household.number,
        head_name: row.household.head_name,
        lines,
        is_cut,
    })
}
