//! Visits scored, villages reviewed: one sheet after another, then the review of the batch.

mod hand_over;
mod pages;
mod sheets;
mod trial;

pub use hand_over::{HandOver, hand_over, visitor_name, visitors};

pub use pages::{
    BatchPage, NextStep, Review, ReviewLine, ReviewOne, RoundPage, ScorePage, Show, VisitsPage,
    batch, batches, each_batch, each_visit, next_visit, review, review_one, review_taken_out,
    round, score_page, visits,
};
pub use sheets::{SHEETS_MAX, SaveSheet, Saved, save_sheet, save_sheets};
pub use trial::{Trial, trial};

use domain::Id;
use domain::access::Permission;
use domain::audit::Digest;
use domain::scoring::{
    BatchState, Missing, Occasion, Outcome, Refusal, SettleFacts, SettleRequest, agrees,
    decide_close, decide_finish,
};
use store::Tx;
use store::scoring::{Batch, Settled, Sheet, Standing};
pub use store::scoring::{BatchFilter, BatchOrder, ToVisit, VisitFilter};

use crate::audit::{self, Command};
use crate::{Failure, Who};

type Answer<T> = Result<T, Failure<Refusal>>;

// Review ------------------------------------------------------------------------------------------

/// The batch, if this person reviews its village.
fn to_review(tx: &mut Tx, who: &Who, batch: Id) -> Answer<Batch> {
    who.must(Permission::Review)?;
    let batch = store::scoring::find(tx, batch)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::Review, &batch.path)?;
    Ok(batch)
}

fn done(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    verb: &str,
    batch: &Batch,
    asked: Digest,
) -> Result<(), store::Broken> {
    let c = Command { key, verb, subject: Some(batch.id), path: Some(&batch.path), asked };
    audit::record(tx, who, c)
}

#[derive(Clone, Copy, Debug)]
pub struct CloseScoring {
    pub key: Id,
    pub batch: Id,
    /// Sheets are missing and that was seen.
    pub accept_missing: bool,
}

/// Ends the visits of a village (draft to scored). Answers how many sheets are missing for good.
pub fn close_scoring(tx: &mut Tx, who: &Who, r: &CloseScoring) -> Answer<Missing> {
    let batch = to_review(tx, who, r.batch)?;
    let asked = Digest::of("close_scoring").id(who.person).id(r.batch).truth(r.accept_missing);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(batch.missing());
    }
    let to =
        decide_close(batch.state, batch.missing(), r.accept_missing).map_err(Failure::Refused)?;
    move_on(tx, who, &batch, to)?;
    done(tx, who, r.key, "close_scoring", &batch, asked)?;
    Ok(batch.missing())
}

fn move_on(tx: &mut Tx, who: &Who, batch: &Batch, to: BatchState) -> Answer<()> {
    if store::scoring::move_batch(tx, batch.id, batch.state, to, who.now)? {
        Ok(())
    } else {
        let needed = batch.state;
        let is = store::scoring::find(tx, batch.id)?.map_or(needed, |b| b.state);
        Err(Failure::Refused(Refusal::WrongState { is, needed }))
    }
}

#[derive(Clone, Debug)]
pub struct Settle {
    /// Also the settlement's id.
    pub key: Id,
    pub batch: Id,
    pub household: Id,
    pub outcome: Outcome,
    /// See `domain::scoring::SettleRequest::note`.
    pub note: String,
}

/// Settles one household in review; settling it again takes the place of the first.
pub fn settle(tx: &mut Tx, who: &Who, r: &Settle) -> Answer<Settled> {
    who.must(Permission::Review)?;
    let batch = store::scoring::standing(tx, r.batch)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::Review, &batch.path)?;
    let scores = match &r.outcome {
        Outcome::Assessed(scores) => scores.to_string(),
        _ => String::new(),
    };
    let asked = Digest::of("settle")
        .id(who.person)
        .id(r.batch)
        .id(r.household)
        .text(r.outcome.word())
        .text(&scores)
        .text(&r.note);
    if audit::is_repeat(tx, r.key, &asked)? {
        return store::scoring::find_settlement(tx, r.batch, r.household)?.ok_or(Failure::NotFound);
    }
    let settled = settle_on(tx, who, &batch, r, Occasion::Review)?;
    let c = Command {
        key: r.key,
        verb: "settle",
        subject: Some(r.household),
        path: Some(&batch.path),
        asked,
    };
    audit::record_on(tx, who, c.subject, c)?;
    Ok(settled)
}

/// Decides and keeps a settlement, at the review or after an upheld objection. Rights, repeats and
/// the command are the caller's.
pub fn settle_on(
    tx: &mut Tx,
    who: &Who,
    batch: &Standing,
    r: &Settle,
    occasion: Occasion,
) -> Answer<Settled> {
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let known = store::scoring::settle_facts(tx, batch.id, r.household, who.person)?;
    let facts = SettleFacts {
        scheme: &scheme,
        state: batch.state,
        able_to_work: known.able_to_work,
        officer: known.officer,
        cadre: known.cadre,
        relation: known.relation,
    };
    let request = SettleRequest {
        person: who.person,
        occasion,
        outcome: r.outcome.clone(),
        note: r.note.clone(),
    };
    let settlement = domain::scoring::settle(&facts, &request).map_err(Failure::Refused)?;
    let kept = Settled::of(r.key, batch.id, r.household, &settlement, who.person, who.now);
    Ok(store::scoring::record_settlement(tx, kept)?)
}

#[derive(Clone, Copy, Debug)]
pub struct AgreeWhereEqual {
    pub key: Id,
    pub batch: Id,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub settled: i64,
    /// Households that still wait to be settled one by one.
    pub left: i64,
}

/// Settles every household whose two sheets are equal and that is not settled yet. Relatives'
/// households and those with too few items assessed are left.
pub fn agree_where_equal(tx: &mut Tx, who: &Who, r: &AgreeWhereEqual) -> Answer<Agreed> {
    let batch = to_review(tx, who, r.batch)?;
    let asked = Digest::of("agree_where_equal").id(who.person).id(r.batch);
    if audit::is_repeat(tx, r.key, &asked)? {
        let settled = store::scoring::settled_under(tx, batch.id, r.key)?;
        return Ok(Agreed { settled, left: batch.households - batch.settled });
    }
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let relations = store::scoring::relatives(tx, batch.id, who.person)?;
    let mut agreed = Vec::new();
    for line in store::scoring::lines(tx, batch.id)? {
        let (Some(officer), Some(cadre), None) =
            (&line.officer_sheet, &line.cadre_sheet, &line.settlement)
        else {
            continue;
        };
        let keep = |sheet: &Sheet| -> Result<_, store::Broken> {
            Ok(domain::scoring::KeptSheet { person: sheet.person, scores: sheet.marks()? })
        };
        let (officer, cadre) = (keep(officer)?, keep(cadre)?);
        let Some(scores) = agrees(Some(&officer.scores), Some(&cadre.scores)).cloned() else {
            continue;
        };
        let facts = SettleFacts {
            scheme: &scheme,
            state: batch.state,
            able_to_work: Some(line.able_to_work),
            officer: Some(officer),
            cadre: Some(cadre),
            relation: relations.iter().find(|(h, _)| *h == line.household).map(|(_, r)| r.clone()),
        };
        let request = SettleRequest {
            person: who.person,
            occasion: Occasion::Review,
            outcome: Outcome::Assessed(scores),
            note: String::new(),
        };
        match domain::scoring::settle(&facts, &request) {
            Ok(s) => {
                let id = domain::id::derive_beside(r.key, "settlement", agreed.len() as u64);
                agreed.push(Settled::of(id, batch.id, line.household, &s, who.person, who.now));
            }
            Err(no @ Refusal::WrongState { .. }) => return Err(Failure::Refused(no)),
            // Left for somebody else, or for a closer look.
            Err(_) => {}
        }
    }
    // With nothing to settle the state still has to be the right one.
    if agreed.is_empty() && batch.state != BatchState::Scored {
        let no = Refusal::WrongState { is: batch.state, needed: BatchState::Scored };
        return Err(Failure::Refused(no));
    }
    store::scoring::record_settlements(tx, r.batch, &agreed)?;
    done(tx, who, r.key, "agree_where_equal", &batch, asked)?;
    let settled = agreed.len() as i64;
    Ok(Agreed { settled, left: batch.households - batch.settled - settled })
}

#[derive(Clone, Copy, Debug)]
pub struct FinishReview {
    pub key: Id,
    pub batch: Id,
}

/// Ends the review (scored to reviewed): every household is settled.
pub fn finish_review(tx: &mut Tx, who: &Who, r: &FinishReview) -> Answer<()> {
    let batch = to_review(tx, who, r.batch)?;
    let asked = Digest::of("finish_review").id(who.person).id(r.batch);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    let to =
        decide_finish(batch.state, batch.households, batch.settled).map_err(Failure::Refused)?;
    move_on(tx, who, &batch, to)?;
    done(tx, who, r.key, "finish_review", &batch, asked)?;
    Ok(())
}
