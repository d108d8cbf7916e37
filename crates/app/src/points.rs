//! The use cases of the points room: the ledger for the rooms below it, and what a household sees
//! of it.

use domain::Date;
use domain::access::Permission;
use domain::points::{Refusal, Transfer};
use store::Tx;

use crate::{Failure, Never, Who};

/// Moves points or goods, all of the transfers or none, by the rules of the ledger. What the
/// ledger already has is left as it is. Who may ask is the caller's matter. Answers how many are new.
pub fn transfer(tx: &mut Tx, transfers: &[Transfer]) -> Result<usize, Failure<Refusal>> {
    let facts = store::points::facts(tx, transfers)?;
    let decision = domain::points::decide(&facts, transfers)
        .map_err(|refused| Failure::Refused(refused[0].refusal))?;
    store::points::record(tx, &decision)?;
    Ok(decision.transfers.len())
}

/// Points of the households that this person may see.
pub fn totals(tx: &mut Tx, who: &Who) -> Result<store::points::Totals, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::points::totals(tx, &scope)?)
}

/// Points credited and redeemed month by month, from the month of `from` on.
pub fn totals_by_month(
    tx: &mut Tx,
    who: &Who,
    from: Date,
) -> Result<Vec<(String, i64, i64)>, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::points::totals_by_month(tx, &scope, from)?)
}
