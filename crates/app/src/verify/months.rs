//! Months: every total from its scores and the scheme's version, every credit from its total.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Id;
use domain::points::Account;
use domain::posting::post::hangs_as;
use domain::posting::seal::Seal;
use domain::posting::{Posting, Serial};
use domain::scheme::Scheme;
use domain::scoring::{BatchState, Scores, compute, creditable};
use store::Tx;
use store::posting::Batch;
use store::verify::StoredSettlement;

use super::{Check, Finding, First, Stop};
use crate::posting::verifying::{Read, household_of, latest_rows, read_sums};

/// Every settlement that was ever made.
pub(super) fn settlements(tx: &mut Tx) -> Check {
    let mut schemes: HashMap<Id, Arc<Scheme>> = HashMap::new();
    for listed in store::verify::schemes(tx)? {
        let (id, scheme) = (listed.id, store::scheme::load(tx, listed.id)?);
        if scheme.code != listed.code || scheme.version != listed.version {
            return Err(Finding::new("scheme", id, "is not the version its file says").into());
        }
        if (&scheme.title.zh, &scheme.title.en) != (&listed.title_zh, &listed.title_en) {
            return Err(Finding::new("scheme", id, "is not called what its file says").into());
        }
        schemes.insert(id, scheme);
    }
    let mut first = First::default();
    store::verify::settlements(tx, |s| {
        if first.0.is_none()
            && let Err(what) = settlement(schemes.get(&s.scheme).map(Arc::as_ref), &s)
        {
            first.note(|| Finding::new("settlement", s.id, what));
        }
        Ok(())
    })?;
    first.end()
}

fn settlement(scheme: Option<&Scheme>, s: &StoredSettlement) -> Result<(), String> {
    let scheme = scheme.ok_or("has no scheme")?;
    let able_to_work = s.able_to_work.ok_or("is of a household that is not on the roster")?;
    let sheet = match s.basis.as_str() {
        "equal" | "officer" => Some(s.officer.as_ref()),
        "cadre" => Some(s.cadre.as_ref()),
        _ => None,
    };
    if let Some(sheet) = sheet
        && sheet != Some(&s.scores)
    {
        return Err("does not say what the sheet it rests on says".into());
    }
    if s.outcome != "assessed" {
        let nought = s.total == 0 && s.sums.is_empty() && s.scores.is_empty();
        return if nought { Ok(()) } else { Err("has points without being assessed".into()) };
    }
    let scores = Scores::parse(&s.scores).map_err(|e| format!("scores: {e}"))?;
    let month = compute(scheme, &scores, able_to_work).map_err(|e| format!("scores: {e}"))?;
    if month.total != s.total {
        return Err(format!("has a total of {}, its scores make {}", s.total, month.total));
    }
    if month.sums.to_string() != s.sums {
        return Err("has other sums than its scores make".into());
    }
    Ok(())
}

/// Every batch: what was posted is what was settled, what was settled is what was credited, and the
/// seal is over all of it. How many there are.
pub(super) fn batches(tx: &mut Tx) -> Result<u64, Stop> {
    let ids = store::verify::batches(tx)?;
    // Points of monthly scores by household and year, as the cap counts them.
    let mut credited: HashMap<(Id, i16), i64> = HashMap::new();
    let count = ids.len() as u64;
    for id in ids {
        let batch = store::posting::batch(tx, id)?;
        let batch = batch.ok_or_else(|| Finding::new("batch", id, "has no round or village"))?;
        batch_fits(tx, &batch, &mut credited)?;
    }
    Ok(count)
}

fn batch_fits(tx: &mut Tx, batch: &Batch, credited: &mut HashMap<(Id, i16), i64>) -> Check {
    let no = |what: String| Stop::from(Finding::new("batch", batch.id, what));
    let stored = store::verify::batch(tx, batch.id)?;
    if stored.on_roster != stored.households {
        return Err(no(format!("has {} on its roster", stored.on_roster)));
    }
    let closed = batch.state > BatchState::Draft;
    let (officer, cadre) = stored.sheets;
    let said = if closed { (Some(officer), Some(cadre)) } else { (None, None) };
    if stored.sheets_said != said {
        return Err(no(format!("has other than {officer} and {cadre} sheets, as it says")));
    }
    if batch.state < BatchState::Reviewed {
        return Ok(());
    }
    if stored.settled != stored.households {
        return Err(no(format!("is {}, and {} are settled", batch.state.code(), stored.settled)));
    }
    let postings = store::posting::of_batch(tx, batch.id)?;
    if (batch.state > BatchState::Reviewed) == postings.is_empty() {
        return Err(no(format!("is {} with {} lists", batch.state.code(), postings.len())));
    }
    if batch.state <= BatchState::InPublicity {
        return Ok(());
    }

    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let settled = read_sums(store::posting::settled(tx, batch.id, None)?)?;
    let (Some(certified_at), Some(_)) = (stored.certified_at, stored.credited_at) else {
        return Err(no("is credited without a day".into()));
    };
    let to = postings.iter().map(|p| p.to).max();
    if to.is_none_or(|to| domain::local_date(certified_at) <= to) {
        return Err(no("was certified before its lists had hung their time".into()));
    }
    if stored.objections_unanswered_at_certification > 0 {
        return Err(no("was certified with objections open".into()));
    }
    // What was erased in its time cannot be compared any more.
    let is_erased = postings.iter().any(Posting::is_erased);
    let rows = if is_erased { HashMap::new() } else { latest_rows(&postings)? };
    for read in settled.iter().filter(|_| !is_erased) {
        let household = household_of(read)?;
        let serial = u32::try_from(household.serial).ok().and_then(Serial::new);
        let row = serial.and_then(|serial| rows.get(&serial));
        if !row.is_some_and(|row| hangs_as(row, &household, &scheme)) {
            return Err(no(format!("row {} did not hang as it is settled", household.serial)));
        }
    }
    credits(tx, batch, &scheme, &settled, credited)?;
    let mut seal = Seal::of(batch.id, &batch.scheme_digest);
    store::posting::each_sheet_digest(tx, batch.id, |digest| seal.sheet(&digest))?;
    store::posting::each_settlement_digest(tx, batch.id, |digest| seal.settlement(&digest))?;
    for posting in &postings {
        seal.posting(&posting.root);
    }
    if batch.seal.as_deref() != Some(seal.finish().as_slice()) {
        return Err(no("is not what was sealed".into()));
    }
    Ok(())
}

fn credits(
    tx: &mut Tx,
    batch: &Batch,
    scheme: &Scheme,
    settled: &[Read],
    credited: &mut HashMap<(Id, i16), i64>,
) -> Check {
    let issued = Account::issued().id();
    let year = batch.month.year();
    let mut expected = Vec::with_capacity(settled.len());
    for read in settled {
        let household = read.settled.household;
        let so_far = credited.entry((household, year)).or_default();
        let points = creditable(scheme, read.settled.total, *so_far);
        *so_far += points;
        if points > 0 {
            expected.push((issued, Account::household(household).id(), points));
        }
    }
    expected.sort_unstable();
    let caused = store::verify::caused(tx, "certification", batch.id)?;
    let total: i64 = expected.iter().map(|t| t.2).sum();
    if caused != expected {
        let at = expected.iter().zip(&caused).find(|(e, c)| e != c);
        let which = at.map_or_else(|| "one household".to_owned(), |(e, _)| e.1.to_string());
        let what = format!("credited other points than were settled: account {which}");
        return Err(Finding::new("batch", batch.id, what).into());
    }
    if batch.credited_points != Some(total) {
        let what = format!("says {:?} points, its credits are {total}", batch.credited_points);
        return Err(Finding::new("batch", batch.id, what).into());
    }
    Ok(())
}
