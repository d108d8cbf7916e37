//! What the pages of visits, batches and review show. They only read.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Id;
use domain::access::Permission;
use domain::calendar::Month;
use domain::scheme::Scheme;
use domain::scoring::{
    BatchState, Mark, Note, Scorer, Scores, compute, notes, other_sheet_visible,
};
use store::Tx;
use store::calendar::Round;
use store::scoring::{Batch, BatchFilter, Line, Progress, Sheet, ToVisit, Visit, VisitFilter};

use crate::{Failure, Never, Who};

type Answer<T> = Result<T, Failure<Never>>;

// Visits ------------------------------------------------------------------------------------------

/// Somebody's own households in one round.
pub struct VisitsPage {
    pub round: Option<Round>,
    pub rounds: Vec<Month>,
    pub villages: Vec<Progress>,
    pub visits: Vec<Visit>,
    pub total: i64,
}

/// Without a month: the newest round.
pub fn visits(
    tx: &mut Tx,
    who: &Who,
    month: Option<Month>,
    filter: &VisitFilter,
    offset: i64,
    limit: i64,
) -> Answer<VisitsPage> {
    who.must(Permission::Score)?;
    let rounds = store::calendar::list(tx)?;
    let months = rounds.iter().map(|r| r.month).collect();
    let round = rounds.into_iter().find(|r| month.is_none_or(|m| m == r.month));
    let Some(round) = round else {
        let (villages, visits) = (Vec::new(), Vec::new());
        return Ok(VisitsPage { round: None, rounds: months, villages, visits, total: 0 });
    };
    let villages = store::scoring::progress(tx, who.person, round.id)?;
    let (visits, total) = store::scoring::visits(tx, who.person, round.id, filter, offset, limit)?;
    Ok(VisitsPage { round: Some(round), rounds: months, villages, visits, total })
}

/// The form for one household.
pub struct ScorePage {
    pub batch: Batch,
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub able_to_work: bool,
    pub scheme: Arc<Scheme>,
    pub scorer: Scorer,
    /// The own sheet, if one was saved.
    pub own: Option<(Sheet, Scores)>,
    /// The other one's, once both are in.
    pub other: Option<(Sheet, Scores)>,
    pub other_is_in: bool,
    pub progress: Option<Progress>,
    /// The next household that waits for a visit.
    pub next: Option<Id>,
    pub is_open: bool,
}

pub fn score_page(tx: &mut Tx, who: &Who, batch: Id, household: Id) -> Answer<ScorePage> {
    who.must(Permission::Score)?;
    let facts = store::scoring::sheet_facts(tx, batch, household)?.ok_or(Failure::NotFound)?;
    let place = facts.place.ok_or(Failure::NotFound)?;
    // Only the household's own two scorers have this page.
    let scorer = place.scorer(who.person).ok_or(Failure::NotFound)?;
    let batch = store::scoring::find(tx, batch)?.ok_or(Failure::NotFound)?;
    let line = store::scoring::line(tx, batch.id, household)?.ok_or(Failure::NotFound)?;
    let (own, other) = match scorer {
        Scorer::AssistanceOfficer => (line.officer_sheet, line.cadre_sheet),
        Scorer::AssignedCadre => (line.cadre_sheet, line.officer_sheet),
    };
    let visible = other_sheet_visible(batch.state, own.is_some(), other.is_some());
    let other_is_in = other.is_some();
    let progress = store::scoring::progress(tx, who.person, batch.round)?;
    let with_marks = |sheet: Option<Sheet>| -> Result<_, store::Broken> {
        sheet.map(|s| s.marks().map(|marks| (s, marks))).transpose()
    };
    Ok(ScorePage {
        household,
        number: line.number,
        head_name: line.head_name,
        able_to_work: place.able_to_work,
        scheme: facts.scheme,
        scorer,
        own: with_marks(own)?,
        other: with_marks(other.filter(|_| visible))?,
        other_is_in,
        progress: progress.into_iter().find(|p| p.batch == batch.id),
        next: store::scoring::next_to_visit(tx, who.person, batch.id, household)?,
        is_open: batch.state == BatchState::Draft,
        batch,
    })
}

// Rounds and batches ------------------------------------------------------------------------------

/// A round's coverage by village.
pub struct RoundPage {
    pub round: Round,
    pub batches: Vec<Batch>,
}

pub fn round(tx: &mut Tx, who: &Who, id: Id) -> Answer<RoundPage> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    let round = store::calendar::find(tx, id)?.ok_or(Failure::NotFound)?;
    let batches = store::scoring::coverage(tx, &scope, round.id)?;
    Ok(RoundPage { round, batches })
}

pub fn batches(
    tx: &mut Tx,
    who: &Who,
    filter: &BatchFilter,
    offset: i64,
    limit: i64,
) -> Answer<(Vec<Batch>, i64)> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::scoring::list(tx, &scope, filter, offset, limit)?)
}

/// What this person can do next with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Own households to visit.
    Visit,
    CloseScoring,
    Review,
    FinishReview,
    /// It is for the posting and certifying to go on.
    Post,
    Certify,
    /// Somebody else's turn.
    Wait,
    Done,
}

impl NextStep {
    pub fn code(self) -> &'static str {
        match self {
            NextStep::Visit => "visit",
            NextStep::CloseScoring => "close-scoring",
            NextStep::Review => "review",
            NextStep::FinishReview => "finish-review",
            NextStep::Post => "post",
            NextStep::Certify => "certify",
            NextStep::Wait => "wait",
            NextStep::Done => "done",
        }
    }

    fn of(who: &Who, batch: &Batch) -> NextStep {
        let may = |permission| who.scope(permission).covers(&batch.path);
        match batch.state {
            BatchState::Draft if may(Permission::Review) => NextStep::CloseScoring,
            BatchState::Draft if who.may(Permission::Score) => NextStep::Visit,
            BatchState::Scored if may(Permission::Review) => {
                if batch.settled < batch.households {
                    NextStep::Review
                } else {
                    NextStep::FinishReview
                }
            }
            BatchState::Reviewed if may(Permission::Post) => NextStep::Post,
            BatchState::InPublicity if may(Permission::Certify) => NextStep::Certify,
            BatchState::Certified | BatchState::Credited => NextStep::Done,
            _ => NextStep::Wait,
        }
    }
}

/// A batch's own page.
pub struct BatchPage {
    pub batch: Batch,
    pub scheme: Arc<Scheme>,
    pub notes: Vec<Note>,
    /// Names of the people in the notes.
    pub names: HashMap<Id, String>,
    pub next: NextStep,
    /// The first of the households that lack a sheet.
    pub to_visit: Vec<ToVisit>,
}

const TO_VISIT_SHOWN: i64 = 30;

/// The batch, if this person may see the households of its village.
fn to_read(tx: &mut Tx, who: &Who, id: Id) -> Answer<Batch> {
    who.must(Permission::ReadHouseholds)?;
    let batch = store::scoring::find(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReadHouseholds, &batch.path)?;
    Ok(batch)
}

pub fn batch(tx: &mut Tx, who: &Who, id: Id) -> Answer<BatchPage> {
    let batch = to_read(tx, who, id)?;
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let looks = store::scoring::looks(tx, id)?;
    let names = store::scoring::names(tx, id)?;
    let next = NextStep::of(who, &batch);
    let to_visit = match batch.state {
        BatchState::Draft => store::scoring::to_visit(tx, id, TO_VISIT_SHOWN)?,
        _ => Vec::new(),
    };
    Ok(BatchPage { notes: notes(&scheme, &looks), batch, scheme, names, next, to_visit })
}

// Review ------------------------------------------------------------------------------------------

/// Both sheets of every household side by side, the biggest differences first.
pub struct Review {
    pub batch: Batch,
    pub scheme: Arc<Scheme>,
    pub lines: Vec<ReviewLine>,
    pub names: HashMap<Id, String>,
    /// Unsettled households whose two sheets are equal.
    pub equal: usize,
    pub may_settle: bool,
}

pub struct ReviewLine {
    pub line: Line,
    pub officer: Option<Scores>,
    pub cadre: Option<Scores>,
    pub officer_total: Option<i64>,
    pub cadre_total: Option<i64>,
    /// Items on which the two differ.
    pub differing: Vec<String>,
    /// Points between the two sheets, item by item; the order of the page.
    pub distance: i64,
    /// The viewer's declared kinship with the household.
    pub relation: Option<String>,
    /// The viewer gave one of the sheets.
    pub own: bool,
}

impl ReviewLine {
    pub fn is_equal(&self) -> bool {
        self.officer.is_some() && self.officer == self.cadre
    }
}

pub fn review(tx: &mut Tx, who: &Who, id: Id) -> Answer<Review> {
    let batch = to_read(tx, who, id)?;
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let relations = store::scoring::relatives(tx, id, who.person)?;
    let names = store::scoring::names(tx, id)?;
    let mut lines = Vec::with_capacity(batch.households as usize);
    for line in store::scoring::lines(tx, id)? {
        lines.push(review_line(who, &batch, &scheme, line, &relations)?);
    }
    lines.sort_by_key(|l| {
        (l.line.settlement.is_some(), std::cmp::Reverse(l.distance), l.line.position)
    });
    let equal = lines.iter().filter(|l| l.line.settlement.is_none() && l.is_equal()).count();
    let may_settle =
        batch.state == BatchState::Scored && who.scope(Permission::Review).covers(&batch.path);
    Ok(Review { batch, scheme, lines, names, equal, may_settle })
}

/// One household before the review group.
pub struct ReviewOne {
    pub batch: Batch,
    pub scheme: Arc<Scheme>,
    pub line: ReviewLine,
    pub names: HashMap<Id, String>,
    pub may_settle: bool,
}

pub fn review_one(tx: &mut Tx, who: &Who, id: Id, household: Id) -> Answer<ReviewOne> {
    let batch = to_read(tx, who, id)?;
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let line = store::scoring::line(tx, id, household)?.ok_or(Failure::NotFound)?;
    let relation = store::scoring::relation(tx, who.person, household)?;
    let relations: Vec<_> = relation.into_iter().map(|r| (household, r)).collect();
    let line = review_line(who, &batch, &scheme, line, &relations)?;
    let names = store::scoring::names(tx, id)?;
    let may_settle =
        batch.state == BatchState::Scored && who.scope(Permission::Review).covers(&batch.path);
    Ok(ReviewOne { batch, scheme, line, names, may_settle })
}

/// The household of this person in the batch that waits next for a visit.
pub fn next_visit(tx: &mut Tx, who: &Who, batch: Id, after: Id) -> Answer<Option<Id>> {
    who.must(Permission::Score)?;
    Ok(store::scoring::next_to_visit(tx, who.person, batch, after)?)
}

fn review_line(
    who: &Who,
    batch: &Batch,
    scheme: &Scheme,
    mut line: Line,
    relations: &[(Id, String)],
) -> Result<ReviewLine, store::Broken> {
    let own = [&line.officer_sheet, &line.cadre_sheet]
        .into_iter()
        .flatten()
        .any(|sheet| sheet.person == who.person);
    if !other_sheet_visible(batch.state, line.officer_sheet.is_some(), line.cadre_sheet.is_some()) {
        (line.officer_sheet, line.cadre_sheet) = (None, None);
    }
    let marks = |sheet: &Option<Sheet>| sheet.as_ref().map(Sheet::marks).transpose();
    let (officer, cadre) = (marks(&line.officer_sheet)?, marks(&line.cadre_sheet)?);
    let total = |scores: &Option<Scores>| {
        let scores = scores.as_ref()?;
        compute(scheme, scores, line.able_to_work).ok().map(|m| m.total)
    };
    let (officer_total, cadre_total) = (total(&officer), total(&cadre));
    let mut differing = Vec::new();
    let mut distance = 0;
    for item in scheme.items_for(line.able_to_work) {
        let mark = |scores: &Option<Scores>| scores.as_ref()?.get(&item.code).cloned();
        let (a, b) = (mark(&officer), mark(&cadre));
        if a != b {
            differing.push(item.code.clone());
            distance += match (a, b) {
                (Some(Mark::Points(a)), Some(Mark::Points(b))) => (a - b).abs(),
                _ => item.max,
            };
        }
    }
    let relation =
        relations.iter().find(|(h, _)| *h == line.household).map(|(_, relation)| relation.clone());
    Ok(ReviewLine {
        line,
        officer,
        cadre,
        officer_total,
        cadre_total,
        differing,
        distance,
        relation,
        own,
    })
}

/// The rows of the list for a download, written down as one command.
pub fn export_batches(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    filter: &BatchFilter,
    limit: i64,
) -> Answer<(Vec<Batch>, i64)> {
    who.must(Permission::Export)?;
    let rows = batches(tx, who, filter, 0, limit)?;
    let asked = domain::audit::Digest::of("export_batches")
        .id(who.person)
        .text(&format!("{filter:?}"))
        .number(rows.1);
    let c = crate::audit::Command { key, verb: "export_batches", subject: None, path: None, asked };
    crate::audit::record(tx, who, c)?;
    Ok(rows)
}
