//! Recomputes everything from the first record on, and names the first that does not fit.
//!
//! Rests on the rows alone: fingerprints from the columns, balances from the transfers, scores from
//! the sheets and the scheme's version, credits from the scores, roots from the bytes, seals from
//! all of it.

mod counter;
mod ledger;
mod log;
mod months;
mod posting_log;
mod wall;

use domain::audit::chain::Head;
use store::verify::TABLES;
use store::{Broken, Tx};

/// The first record that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub table: &'static str,
    pub id: String,
    pub what: String,
}

impl Finding {
    fn new(table: &'static str, id: impl ToString, what: impl Into<String>) -> Finding {
        Finding { table, id: id.to_string(), what: what.into() }
    }
}

/// What was looked at, in order, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records by table.
    pub counts: Vec<(&'static str, u64)>,
    pub finding: Option<Finding>,
}

/// How a check ends early.
enum Stop {
    Found(Finding),
    Broken(Broken),
}

impl From<Broken> for Stop {
    fn from(b: Broken) -> Stop {
        Stop::Broken(b)
    }
}
impl From<Finding> for Stop {
    fn from(f: Finding) -> Stop {
        Stop::Found(f)
    }
}

type Check = Result<(), Stop>;

/// Keeps the first finding of a stream that cannot be left half way.
#[derive(Default)]
struct First(Option<Finding>);

impl First {
    fn note(&mut self, finding: impl FnOnce() -> Finding) {
        if self.0.is_none() {
            self.0 = Some(finding());
        }
    }
    fn end(self) -> Check {
        self.0.map_or(Ok(()), |f| Err(Stop::Found(f)))
    }
}

/// Checks the whole zone. `see` is told what is looked at next.
pub fn verify(tx: &mut Tx, see: impl FnMut(&'static str)) -> Result<Report, Broken> {
    verify_against(tx, &[], see)
}

/// The same, and that every one of these heads of the log, kept outside, still lies on its chain.
pub fn verify_against(
    tx: &mut Tx,
    published: &[Head],
    mut see: impl FnMut(&'static str),
) -> Result<Report, Broken> {
    let mut report = Report::default();
    let mut looking_at = "zone";
    let outcome = all(tx, published, &mut report, &mut |what| {
        looking_at = what;
        see(what);
    });
    settle(outcome, looking_at, report)
}

/// Checks the log alone.
pub fn verify_log(tx: &mut Tx, published: &[Head]) -> Result<Report, Broken> {
    let mut report = Report::default();
    let outcome = log::check(tx, published, &mut report);
    settle(outcome, "audit_log", report)
}

fn settle(outcome: Check, looking_at: &'static str, mut report: Report) -> Result<Report, Broken> {
    match outcome {
        Ok(()) => {}
        Err(Stop::Found(finding)) => report.finding = Some(finding),
        // A database that answers and holds what it cannot hold is a finding, not a breakdown.
        Err(Stop::Broken(b @ (Broken::Data(_) | Broken::Sqlite(_) | Broken::Keys(_)))) => {
            report.finding = Some(Finding::new(looking_at, "", b.to_string()));
        }
        Err(Stop::Broken(b)) => return Err(b),
    }
    Ok(report)
}

fn all(
    tx: &mut Tx,
    published: &[Head],
    report: &mut Report,
    see: &mut dyn FnMut(&'static str),
) -> Check {
    for table in &TABLES {
        see(table.name);
        let (mut count, mut first) = (0, First::default());
        store::verify::each(tx, table, |row| {
            count += 1;
            if !row.fits {
                first.note(|| changed(table.name, &row.key));
            }
            Ok(())
        })?;
        report.counts.push((table.name, count));
        first.end()?;
    }
    see("redemption");
    let (mut count, mut first) = (0, First::default());
    store::verify::redemptions(tx, |row| {
        count += 1;
        if !row.fits {
            first.note(|| changed("redemption", &row.key));
        }
        Ok(())
    })?;
    report.counts.push(("redemption", count));
    first.end()?;

    see("database");
    if let Some(found) = store::verify::engine(tx)? {
        return Err(Finding::new("database", "", found).into());
    }
    for table in ["sheet", "settlement", "goods"] {
        see(table);
        one_counts(tx, table)?;
    }
    see("member");
    if let Some(member) = store::verify::misfiled(tx)? {
        return Err(Finding::new("member", member, "is not found by its citizen number").into());
    }
    see("transfer");
    let accounts = ledger::check(tx)?;
    report.counts.push(("account", accounts));
    if let Some((table, id)) = store::wall::strayed(tx)? {
        return Err(Finding::new(table, id, "lies elsewhere than what it belongs to").into());
    }
    if let Some(area) = store::registry::miscounted(tx)? {
        return Err(Finding::new("area", area, "says another number of households").into());
    }
    if let Some(day) = store::redemption::miscounted(tx)? {
        return Err(Finding::new("market_day", day, "says another sum than its redemptions").into());
    }
    see("settlement");
    months::settlements(tx)?;
    see("posting");
    wall::check(tx)?;
    see("batch");
    let batches = months::batches(tx)?;
    report.counts.push(("batch", batches));
    see("redemption");
    counter::check(tx)?;
    see("posting_log");
    posting_log::check(tx, report)?;
    see("audit_log");
    log::check(tx, published, report)
}

fn changed(table: &'static str, key: &str) -> Finding {
    Finding::new(table, key, "is not what its fingerprint was taken of")
}

/// Of a row and those that took its place, only the last counts.
fn one_counts(tx: &mut Tx, table: &'static str) -> Check {
    let mut replaced = std::collections::HashSet::new();
    let mut set_aside = std::collections::HashSet::new();
    store::verify::successions(tx, table, |row| {
        replaced.extend(row.replaces);
        if !row.current {
            set_aside.insert(row.id);
        }
        Ok(())
    })?;
    match replaced.symmetric_difference(&set_aside).min() {
        Some(id) if set_aside.contains(id) => {
            Err(Finding::new(table, id, "does not count, and nothing took its place").into())
        }
        Some(id) => Err(Finding::new(table, id, "counts, and another took its place").into()),
        None => Ok(()),
    }
}
