//! "Explain this balance": every line of a household's statement, and where it came from.

use domain::Id;
use domain::access::{Permission, Scope};
use domain::points::{Account, Cause, CauseKind, Line};
use store::Tx;
use store::access::Resource;
use store::redemption::{CreditSource, Customer, DebitSource};

use crate::{Failure, Never, Who};

#[derive(Clone, Debug)]
pub enum Source {
    Month(CreditSource),
    Bonus {
        event: String,
        document: String,
    },
    Receipt(DebitSource),
    /// A record that is not known any more, or goods, which have no page of their own.
    Other,
}

#[derive(Clone, Debug)]
pub struct ExplainedLine {
    pub line: Line,
    pub source: Source,
}

pub struct Explained {
    pub customer: Customer,
    /// Newest first.
    pub lines: Vec<ExplainedLine>,
    /// Before the oldest line shown.
    pub opening: i64,
    /// Where the next page begins.
    pub before: Option<i64>,
}

pub fn explain(
    tx: &mut Tx,
    who: &Who,
    household: Id,
    before: Option<i64>,
    limit: i64,
) -> Result<Explained, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    explain_within(tx, &scope, household, before, limit)
}

/// The same of a household within a scope that was asked for already.
pub(crate) fn explain_within(
    tx: &mut Tx,
    scope: &Scope,
    household: Id,
    before: Option<i64>,
    limit: i64,
) -> Result<Explained, Failure<Never>> {
    if !store::access::covers(tx, scope, Resource::Household, household)? {
        return Err(Failure::NotFound);
    }
    let customer = store::redemption::find_customer(tx, household)?.ok_or(Failure::NotFound)?;
    let account = Account::household(household);
    let statement = store::points::statement(tx, &account, before, limit)?;
    let is_full = i64::try_from(statement.lines.len()).is_ok_and(|shown| shown == limit);
    let before = statement.lines.last().filter(|_| is_full).map(|line| line.seq);
    let opening = statement.opening;
    let lines = explained(tx, household, statement.lines)?;
    Ok(Explained { customer, lines, opening, before })
}

/// Each line with what it came from, whatever their number: each kind of record is asked for once.
fn explained(tx: &mut Tx, household: Id, lines: Vec<Line>) -> store::Result<Vec<ExplainedLine>> {
    let of = |kinds: &[CauseKind]| -> Vec<Id> {
        let caused = lines.iter().filter(|line| kinds.contains(&line.cause.kind));
        let mut ids: Vec<Id> = caused.map(|line| line.cause.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    use CauseKind::{Bonus, Certification, Redemption, Reversal};
    let months = store::redemption::credit_sources(tx, &of(&[Certification]), household)?;
    let bonuses = store::redemption::bonus_sources(tx, &of(&[Bonus]))?;
    let receipts = store::redemption::debit_sources(tx, &of(&[Redemption, Reversal]))?;
    let source = |cause: &Cause| {
        let month = || months.get(&cause.id).cloned().map(Source::Month);
        let bonus = || {
            let (event, document) = bonuses.get(&cause.id).cloned()?;
            Some(Source::Bonus { event, document })
        };
        let receipt = || receipts.get(&cause.id).cloned().map(Source::Receipt);
        month().or_else(bonus).or_else(receipt).unwrap_or(Source::Other)
    };
    let explain = |line: Line| ExplainedLine { source: source(&line.cause), line };
    Ok(lines.into_iter().map(explain).collect())
}
