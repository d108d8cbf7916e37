//! A scheme version tried against the last month.

use std::sync::Arc;

use domain::Id;
use domain::access::Permission;
use domain::calendar::Month;
use domain::scheme::Scheme;
use domain::scoring::{DryRun, dry_run};
use store::Tx;
use store::scheme::Kept;

use crate::{Failure, Never, Who};

/// A dry run and what it was held against.
pub struct Trial {
    pub month: Month,
    pub old: Arc<Scheme>,
    pub new: Kept,
    pub run: DryRun,
}

/// What the last month with settled scores would have been under another version. `fund_fen`:
/// what the programme has for a year; without it, the money given in the last twelve months.
/// None: no month has been settled yet.
pub fn trial(
    tx: &mut Tx,
    who: &Who,
    scheme: Id,
    fund_fen: Option<i64>,
) -> Result<Option<Trial>, Failure<Never>> {
    who.must(Permission::ManageScheme)?;
    let new = store::scheme::find(tx, scheme)?.ok_or(Failure::NotFound)?;
    let fund_fen = match fund_fen {
        Some(fen) => fen,
        None => {
            let mut since = Month::of(who.today());
            (0..12).for_each(|_| since = since.previous());
            store::scheme::fund_fen(tx, since.first())?
        }
    };
    for round in store::calendar::list(tx)? {
        let past = store::scoring::past(tx, round.id)?;
        if !past.is_empty() {
            let old = store::scheme::load(tx, round.scheme)?;
            let run = dry_run(&old, &new.scheme, &past, fund_fen);
            return Ok(Some(Trial { month: round.month, old, new, run }));
        }
    }
    Ok(None)
}
