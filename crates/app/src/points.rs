//! The use cases of the points room: the ledger for the rooms below it, and what a household sees
//! of it.

use std::collections::HashMap;
use std::io::Write;

use domain::Id;
use domain::access::Permission;
use domain::points::{Book, Format, POINTS, Refusal, Transfer};
use store::Tx;

use crate::{Failure, Never, Who};

/// Moves points or goods, all of the transfers or none, by the rules of the ledger. What the
/// ledger already has is left as it is. Who may ask is the caller's matter. Answers how many are new.
pub fn transfer(tx: &mut Tx, transfers: &[Transfer]) -> Result<usize, Failure<Refusal>> {
    let facts = store::points::facts(tx, transfers)?;
    let decision = domain::points::decide(facts, transfers)
        .map_err(|refused| Failure::Refused(refused[0].refusal))?;
    store::points::record(tx, &decision)?;
    Ok(decision.transfers.len())
}

/// Points of the households that this person may see.
pub fn totals(tx: &mut Tx, who: &Who) -> Result<store::points::Totals, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::points::totals(tx, &scope)?)
}

/// Writes the whole ledger as a book for another program, row by row. Asked from the command line
/// by whoever has the database.
pub fn write_book(
    tx: &mut Tx,
    format: Format,
    skus: HashMap<Id, String>,
    out: &mut dyn Write,
) -> Result<(), Failure<Never>> {
    let numbers = store::points::household_numbers(tx)?;
    let units: Vec<Id> = std::iter::once(POINTS).chain(skus.keys().copied()).collect();
    let mut book = Book::new(format, numbers, skus);
    out.write_all(book.head(units).as_bytes()).map_err(store::Broken::from)?;
    store::points::each_balance(tx, |b| Ok(out.write_all(book.opening(&b).as_bytes())?))?;
    store::points::each(tx, |entry| Ok(out.write_all(book.entry(&entry).as_bytes())?))?;
    store::points::each_balance(tx, |b| Ok(out.write_all(book.closing(&b).as_bytes())?))?;
    Ok(out.flush().map_err(store::Broken::from)?)
}
