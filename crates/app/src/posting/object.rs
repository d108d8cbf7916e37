//! Objections: taken from anybody, answered by somebody who had no hand in the score.

use std::sync::Arc;

use domain::access::Permission;
use domain::audit::Digest;
use domain::calendar::Month;
use domain::posting::object::{Channel, Standing, lookup_code};
use domain::posting::{Objection, PostedRow, Posting, Serial, answer, object, post};
use domain::registry::citizen::HIDDEN;
use domain::scheme::Scheme;
use domain::scoring::{self, Occasion, Outcome};
use domain::{Arg, Date, Id, Millis, Refusal};
use store::posting::{Batch, ObjectionFilter, ObjectionLine};
use store::scoring::{Settled, Sheet};
use store::{Broken, Tx};

use super::post::{read_body, with_facts};
use crate::audit::{self, Command};
use crate::scoring::Settle;
use crate::{Failure, Never, Who};

pub struct Object {
    /// The id of the objection.
    pub key: Id,
    pub posting: Id,
    pub channel: Channel,
    /// The row it is about, as it is numbered on the wall.
    pub serial: Option<i64>,
    pub text: String,
    pub by_name: Option<String>,
    pub contact: Option<String>,
}

/// What the person who objects takes home.
#[derive(Debug, PartialEq, Eq)]
pub struct Filed {
    pub id: Id,
    pub code: String,
    pub due_on: Date,
}

/// An objection by somebody who is not signed in, on the public page.
pub fn object(tx: &mut Tx, now: Millis, r: &Object) -> Result<Filed, Failure<object::Refusal>> {
    let posting = store::posting::find(tx, r.posting)?.ok_or(Failure::NotFound)?;
    let batch = store::posting::batch(tx, posting.batch)?.ok_or(Failure::NotFound)?;
    file(tx, None, now, &batch, &posting, r)
}

/// An objection that came by telephone or on paper, written down by the office.
pub fn record_objection(
    tx: &mut Tx,
    who: &Who,
    r: &Object,
) -> Result<Filed, Failure<object::Refusal>> {
    who.must(Permission::RecordObjection)?;
    let posting = store::posting::find(tx, r.posting)?.ok_or(Failure::NotFound)?;
    let batch = store::posting::batch(tx, posting.batch)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::RecordObjection, &batch.path)?;
    file(tx, Some(who.person), who.now, &batch, &posting, r)
}

fn file(
    tx: &mut Tx,
    recorded_by: Option<Id>,
    now: Millis,
    batch: &Batch,
    posting: &Posting,
    r: &Object,
) -> Result<Filed, Failure<object::Refusal>> {
    let asked = Digest::of("object")
        .id(r.posting)
        .text(r.channel.code())
        .opt_number(r.serial)
        .text(&r.text)
        .opt_text(r.by_name.as_deref())
        .opt_text(r.contact.as_deref());
    if audit::is_repeat(tx, r.key, &asked)? {
        let first = store::posting::find_objection(tx, r.key)?.ok_or(Failure::NotFound)?;
        return Ok(Filed { id: first.id, code: first.code, due_on: first.due_on });
    }
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let calendar = store::calendar::load(tx)?;
    let facts = object::Facts {
        state: batch.state,
        from: posting.from,
        to: posting.to,
        today: domain::local_date(now),
        serials: read_body(posting)?.rows.iter().map(|row| row.serial).collect(),
        calendar: &calendar,
        answer_within: scheme.objection,
    };
    let request = object::Request {
        channel: r.channel,
        serial: r.serial,
        text: r.text.clone(),
        by_name: r.by_name.clone(),
        contact: r.contact.clone(),
    };
    let decision = object::decide(&facts, &request).map_err(Failure::Refused)?;
    let household = match decision.serial {
        Some(serial) => store::posting::household_at(tx, batch.id, serial.get().into())?,
        None => None,
    };
    let objection = Objection {
        id: r.key,
        code: lookup_code(r.key),
        posting: posting.id,
        batch: batch.id,
        path: batch.path.clone(),
        household,
        channel: r.channel,
        by_name: decision.by_name,
        contact: decision.contact,
        text: decision.text,
        filed_at: now,
        due_on: decision.due_on,
        recorded_by,
        standing: Standing::Open,
        answer: None,
        answered_by: None,
        answered_at: None,
        settlement: None,
    };
    store::posting::record_objection(tx, &objection)?;
    let c = Command {
        key: r.key,
        verb: "object",
        subject: Some(batch.id),
        path: Some(&batch.path),
        asked,
    };
    audit::record_for(tx, (recorded_by, now), household, None, c)?;
    Ok(Filed { id: objection.id, code: objection.code, due_on: objection.due_on })
}

/// What anybody who holds the code may read. Nothing of the person who objected.
pub struct FoundAnswer {
    pub code: String,
    pub village: String,
    pub month: Month,
    pub posting: Id,
    pub filed_at: Millis,
    pub due_on: Date,
    pub standing: Standing,
    pub answer: Option<String>,
    pub answered_at: Option<Millis>,
}

/// The objection of a code as somebody typed it.
pub fn look_up(tx: &mut Tx, typed: &str) -> Result<FoundAnswer, Failure<Never>> {
    let code = object::typed_code(typed);
    let found = store::posting::find_objection_by_code(tx, &code)?.ok_or(Failure::NotFound)?;
    let batch = store::posting::batch(tx, found.batch)?.ok_or(Failure::NotFound)?;
    Ok(FoundAnswer {
        code: found.code,
        village: batch.village,
        month: batch.month,
        posting: found.posting,
        filed_at: found.filed_at,
        due_on: found.due_on,
        standing: found.standing,
        answer: found.answer,
        answered_at: found.answered_at,
    })
}

/// Objections of the person's areas.
pub fn objections(
    tx: &mut Tx,
    who: &Who,
    filter: &ObjectionFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<ObjectionLine>, i64), Failure<Never>> {
    let scope = who.must_scope(Permission::RecordObjection)?;
    Ok(store::posting::objections(tx, &scope, filter, offset, limit)?)
}

/// The whole list to take out, one objection after another.
pub fn each_objection(
    tx: &mut Tx,
    who: &Who,
    filter: &ObjectionFilter,
    see: impl FnMut(ObjectionLine) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let scope = who.must_take_out(Permission::RecordObjection)?;
    Ok(store::posting::each_objection(tx, &scope, filter, see)?)
}

/// An objection with everything its answer rests on.
pub struct ObjectionPage {
    pub objection: Objection,
    pub batch: Batch,
    pub scheme: Arc<Scheme>,
    pub household: Option<ObjectedHousehold>,
    /// The one who asks may answer it: why not, if not.
    pub answer_refused: Option<answer::Refusal>,
    pub may_answer: bool,
    /// May see who made it, with a reason.
    pub may_reveal: bool,
    pub answered_by: Option<String>,
}

/// The household an objection is about.
pub struct ObjectedHousehold {
    pub id: Id,
    pub serial: i64,
    pub head_name: String,
    pub able_to_work: bool,
    pub sheets: Vec<Sheet>,
    pub settlement: Option<Settled>,
    /// Its latest row on the wall.
    pub row: Option<PostedRow>,
}

pub fn objection(tx: &mut Tx, who: &Who, id: Id) -> Result<ObjectionPage, Failure<Never>> {
    who.must(Permission::RecordObjection)?;
    let mut objection = store::posting::find_objection(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::RecordObjection, &objection.path)?;
    let batch = store::posting::batch(tx, objection.batch)?.ok_or(Failure::NotFound)?;
    let may_answer = who.scope(Permission::AnswerObjection).covers(&objection.path);
    let may_reveal = may_answer && who.scope(Permission::Reveal).covers(&objection.path);
    for secret in [&mut objection.by_name, &mut objection.contact] {
        // Who may have been objected to need not know by whom, nor that a name was left.
        *secret = secret.take().filter(|_| may_answer).map(|_| HIDDEN.to_owned());
    }
    let facts = answer_facts(tx, who, &batch, &objection, true)?;
    let rejected = answer::Request { verdict: answer::Verdict::Rejected, text: "-".into() };
    let answered_by = match objection.answered_by {
        Some(person) => store::access::find(tx, person)?.map(|p| p.name),
        None => None,
    };
    Ok(ObjectionPage {
        scheme: store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?,
        household: match objection.household {
            Some(household) => objected(tx, &batch, household)?,
            None => None,
        },
        answer_refused: answer::decide(&facts, &rejected).err(),
        may_answer,
        may_reveal,
        answered_by,
        objection,
        batch,
    })
}

fn objected(
    tx: &mut Tx,
    batch: &Batch,
    household: Id,
) -> Result<Option<ObjectedHousehold>, Broken> {
    let Some((serial, head_name, able_to_work)) =
        store::posting::on_roster(tx, batch.id, household)?
    else {
        return Ok(None);
    };
    let row = hanging_row(tx, batch.id, serial)?.map(|(_, row)| row);
    Ok(Some(ObjectedHousehold {
        id: household,
        serial,
        head_name,
        able_to_work,
        sheets: store::scoring::sheets_of(tx, batch.id, household)?,
        settlement: store::scoring::find_settlement(tx, batch.id, household)?,
        row,
    }))
}

/// The latest row of this number, and the posting it hangs in.
fn hanging_row(
    tx: &mut Tx,
    batch: Id,
    serial: i64,
) -> Result<Option<(Posting, PostedRow)>, Broken> {
    let serial = u32::try_from(serial).ok().and_then(Serial::new);
    for posting in store::posting::of_batch(tx, batch)?.into_iter().rev() {
        let rows = read_body(&posting)?.rows;
        if let Some(row) = rows.into_iter().find(|row| Some(row.serial) == serial) {
            return Ok(Some((posting, row)));
        }
    }
    Ok(None)
}

fn answer_facts(
    tx: &mut Tx,
    who: &Who,
    batch: &Batch,
    objection: &Objection,
    row_changes: bool,
) -> Result<answer::Facts, Broken> {
    let household = objection.household;
    Ok(answer::Facts {
        state: batch.state,
        standing: objection.standing,
        scored: store::posting::has_scored(tx, who.person, batch.id, household)?,
        kin: match household {
            Some(household) => store::scoring::relation(tx, who.person, household)?.is_some(),
            None => false,
        },
        names_household: household.is_some(),
        row_changes,
    })
}

pub struct Answer {
    pub key: Id,
    pub objection: Id,
    pub verdict: answer::Verdict,
    /// What the person who objected will read.
    pub text: String,
    /// Needed where it is upheld.
    pub new_scores: Option<Outcome>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    pub objection: Id,
    pub standing: Standing,
    /// The posting that hangs the changed row.
    pub correction: Option<Id>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AnswerRefusal {
    Rules(answer::Refusal),
    Scores(scoring::Refusal),
    Wall(post::Refusal),
}

impl Refusal for AnswerRefusal {
    fn code(&self) -> &'static str {
        match self {
            AnswerRefusal::Rules(r) => r.code(),
            AnswerRefusal::Scores(r) => r.code(),
            AnswerRefusal::Wall(r) => r.code(),
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            AnswerRefusal::Rules(r) => r.args(),
            AnswerRefusal::Scores(r) => r.args(),
            AnswerRefusal::Wall(r) => r.args(),
        }
    }
}

/// Answers an objection. Where it is upheld, the household is settled anew and its row hangs again,
/// in the same transaction.
pub fn answer(tx: &mut Tx, who: &Who, r: &Answer) -> Result<Answered, Failure<AnswerRefusal>> {
    who.must(Permission::AnswerObjection)?;
    let objection = store::posting::find_objection(tx, r.objection)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::AnswerObjection, &objection.path)?;
    let correction_id = domain::id::derive(r.key, "posting", 0);
    let asked = asked(r);
    if audit::is_repeat(tx, r.key, &asked)? {
        let correction = objection.settlement.map(|_| correction_id);
        return Ok(Answered { objection: r.objection, standing: objection.standing, correction });
    }
    let batch = store::posting::batch(tx, objection.batch)?.ok_or(Failure::NotFound)?;
    let facts = answer_facts(tx, who, &batch, &objection, r.new_scores.is_some())?;
    let request = answer::Request { verdict: r.verdict, text: r.text.clone() };
    let decision = answer::decide(&facts, &request)
        .map_err(|refused| Failure::Refused(AnswerRefusal::Rules(refused)))?;

    let mut answered = Objection {
        standing: decision.standing,
        answer: Some(decision.answer),
        answered_by: Some(who.person),
        answered_at: Some(who.now),
        ..objection
    };
    let mut correction = None;
    if let (true, Some(household), Some(outcome)) =
        (decision.corrects, answered.household, &r.new_scores)
    {
        let id = domain::id::derive(r.key, "settlement", 0);
        settle(tx, who, &batch, household, id, outcome, &r.text)?;
        answered.settlement = Some(id);
        correct(tx, who, &batch, household, correction_id)?;
        correction = Some(correction_id);
    }
    store::posting::record_answer(tx, &answered)?;
    let c = Command {
        key: r.key,
        verb: "answer",
        subject: Some(answered.id),
        path: Some(&answered.path),
        asked,
    };
    audit::record_on(tx, who, answered.household, c)?;
    Ok(Answered { objection: answered.id, standing: answered.standing, correction })
}

fn asked(r: &Answer) -> Digest {
    let asked = Digest::of("answer")
        .id(r.objection)
        .text(r.verdict.standing().code())
        .text(&r.text)
        .opt_text(r.new_scores.as_ref().map(Outcome::word));
    match &r.new_scores {
        Some(Outcome::Assessed(scores)) => asked.text(&scores.to_string()),
        _ => asked.none(),
    }
}

/// Settles the household anew. The same row again is no correction, and undoes the settlement with
/// everything else.
fn settle(
    tx: &mut Tx,
    who: &Who,
    batch: &Batch,
    household: Id,
    id: Id,
    outcome: &Outcome,
    note: &str,
) -> Result<(), Failure<AnswerRefusal>> {
    let village = store::scoring::standing(tx, batch.id)?.ok_or(Failure::NotFound)?;
    let before = store::scoring::find_settlement(tx, batch.id, household)?;
    let request = Settle {
        key: id,
        batch: batch.id,
        household,
        outcome: outcome.clone(),
        note: note.to_owned(),
    };
    let settled = crate::scoring::settle_on(tx, who, &village, &request, Occasion::Objection)
        .map_err(|failure| failure.map(AnswerRefusal::Scores))?;
    if before.is_some_and(|before| !differs(&before, &settled)) {
        return Err(Failure::Refused(AnswerRefusal::Rules(answer::Refusal::NothingChanges)));
    }
    Ok(())
}

fn differs(before: &Settled, after: &Settled) -> bool {
    (&before.outcome, &before.sums, before.total) != (&after.outcome, &after.sums, after.total)
}

/// Hangs the household's row again, for a full period of its own.
fn correct(
    tx: &mut Tx,
    who: &Who,
    batch: &Batch,
    household: Id,
    id: Id,
) -> Result<(), Failure<AnswerRefusal>> {
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let (serial, ..) =
        store::posting::on_roster(tx, batch.id, household)?.ok_or(Failure::NotFound)?;
    let (amended, _) = hanging_row(tx, batch.id, serial)?.ok_or(Failure::NotFound)?;
    let header = read_body(&amended)?.header;
    let body = with_facts(tx, who, batch, &scheme, Some(household), |facts| {
        post::correct(facts, &header, amended.root)
    })?
    .map_err(|refused| Failure::Refused(AnswerRefusal::Wall(refused)))?;
    let (by, log) = ((who.person, who.now), audit::head(tx)?);
    let posting = Posting::new(id, batch.id, Some(amended.id), &body, by, log);
    Ok(store::posting::record(tx, &posting)?)
}
