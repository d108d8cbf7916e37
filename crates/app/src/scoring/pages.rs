//! What the pages of visits, batches and review show. They only read.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Id;
use domain::access::Permission;
use domain::calendar::Month;
use domain::scheme::{Item, Scheme};
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

/// The whole list to take out, one household after another: own visits, in villages whose lists
/// this person may take out.
pub fn each_visit(
    tx: &mut Tx,
    who: &Who,
    month: Option<Month>,
    filter: &VisitFilter,
    see: impl FnMut(Visit) -> Result<(), store::Broken>,
) -> Answer<()> {
    who.must(Permission::Score)?;
    let within = Some(who.must_scope(Permission::Export)?);
    let rounds = store::calendar::list(tx)?;
    let Some(round) = rounds.into_iter().find(|r| month.is_none_or(|m| m == r.month)) else {
        return Ok(());
    };
    let filter = VisitFilter { within, ..filter.clone() };
    Ok(store::scoring::each_visit(tx, who.person, round.id, &filter, see)?)
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

/// The whole list to take out, one batch after another.
pub fn each_batch(
    tx: &mut Tx,
    who: &Who,
    filter: &BatchFilter,
    see: impl FnMut(Batch) -> Result<(), store::Broken>,
) -> Answer<()> {
    let scope = who.must_take_out(Permission::ReadHouseholds)?;
    Ok(store::scoring::each_batch(tx, &scope, filter, see)?)
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
    let looks = store::scoring::looks(tx, &batch, &scheme)?;
    let notes = notes(scheme.monthly_max, &looks);
    let names = store::scoring::names(tx, notes.iter().map(|note| note.person))?;
    let next = NextStep::of(who, &batch);
    let to_visit = match batch.state {
        BatchState::Draft => store::scoring::to_visit(tx, id, TO_VISIT_SHOWN)?,
        _ => Vec::new(),
    };
    Ok(BatchPage { notes, batch, scheme, names, next, to_visit })
}

// Review ------------------------------------------------------------------------------------------

/// Both sheets of every household side by side, the biggest differences first.
pub struct Review {
    pub batch: Batch,
    pub scheme: Arc<Scheme>,
    pub lines: Vec<ReviewLine>,
    /// Households that the list has in all.
    pub total: usize,
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

/// Which households the review shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    #[default]
    All,
    /// Not settled yet.
    Open,
    /// Two sheets that differ.
    Differing,
    /// One sheet only.
    One,
}

impl Show {
    fn shows(self, line: &Line) -> bool {
        match (self, &line.officer_sheet, &line.cadre_sheet) {
            (Show::All, ..) => true,
            (Show::Open, ..) => line.settlement.is_none(),
            (Show::Differing, Some(officer), Some(cadre)) => officer.scores != cadre.scores,
            (Show::Differing, ..) => false,
            (Show::One, officer, cadre) => officer.is_some() != cadre.is_some(),
        }
    }
}

/// `limit` households from `offset`; all are looked at for the order, only those shown are read
/// in full.
pub fn review(
    tx: &mut Tx,
    who: &Who,
    id: Id,
    show: Show,
    offset: usize,
    limit: usize,
) -> Answer<Review> {
    let batch = to_read(tx, who, id)?;
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let relations = store::scoring::relatives(tx, id, who.person)?;
    let mut lines = store::scoring::lines(tx, id)?;
    let mut equal = 0;
    for line in &mut lines {
        hide(&batch, line);
        equal += usize::from(line.settlement.is_none() && is_equal(line));
    }
    lines.retain(|line| show.shows(line));
    let mut order = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let distance = distance(&scheme, line)?;
        order.push((line.settlement.is_some(), std::cmp::Reverse(distance), line.position, n));
    }
    order.sort_unstable();
    let mut shown = Vec::with_capacity(limit.min(order.len()));
    for (.., n) in order.iter().skip(offset).take(limit) {
        shown.push(review_line(who, &scheme, lines[*n].clone(), &relations)?);
    }
    let may_settle =
        batch.state == BatchState::Scored && who.scope(Permission::Review).covers(&batch.path);
    let total = lines.len();
    Ok(Review { batch, scheme, lines: shown, total, equal, may_settle })
}

/// The whole review of one village to take out, in the order of its page.
pub fn review_taken_out(tx: &mut Tx, who: &Who, id: Id, show: Show) -> Answer<Review> {
    let batch = to_read(tx, who, id)?;
    who.must_cover(Permission::Export, &batch.path)?;
    review(tx, who, id, show, 0, usize::MAX)
}

/// Nobody compares before both sheets are in.
fn hide(batch: &Batch, line: &mut Line) {
    let (officer, cadre) = (line.officer_sheet.is_some(), line.cadre_sheet.is_some());
    if !other_sheet_visible(batch.state, officer, cadre) {
        (line.officer_sheet, line.cadre_sheet) = (None, None);
    }
}

fn is_equal(line: &Line) -> bool {
    match (&line.officer_sheet, &line.cadre_sheet) {
        (Some(officer), Some(cadre)) => officer.scores == cadre.scores,
        _ => false,
    }
}

/// Points between the two sheets, item by item; a missing one is as far as can be.
fn distance(scheme: &Scheme, line: &Line) -> Result<i64, store::Broken> {
    let (officer, cadre) = match (&line.officer_sheet, &line.cadre_sheet) {
        (Some(officer), Some(cadre)) if officer.scores == cadre.scores => return Ok(0),
        (None, None) => return Ok(0),
        (Some(officer), Some(cadre)) => (officer.marks()?, cadre.marks()?),
        _ => return Ok(i64::MAX),
    };
    let between = |item: &&Item| match (officer.get(&item.code), cadre.get(&item.code)) {
        (Some(Mark::Points(a)), Some(Mark::Points(b))) => (a - b).abs(),
        (a, b) if a == b => 0,
        _ => item.max,
    };
    Ok(scheme.items_for(line.able_to_work).iter().map(between).sum())
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
    let mut line = store::scoring::line(tx, id, household)?.ok_or(Failure::NotFound)?;
    hide(&batch, &mut line);
    let relation = store::scoring::relation(tx, who.person, household)?;
    let relations: Vec<_> = relation.into_iter().map(|r| (household, r)).collect();
    let line = review_line(who, &scheme, line, &relations)?;
    let of = &line.line;
    let people = [of.officer, of.cadre, of.settlement.as_ref().map(|settled| settled.person)];
    let names = store::scoring::names(tx, people.into_iter().flatten())?;
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
    scheme: &Scheme,
    line: Line,
    relations: &[(Id, String)],
) -> Result<ReviewLine, store::Broken> {
    let sheets = [&line.officer_sheet, &line.cadre_sheet];
    let own = sheets.into_iter().flatten().any(|sheet| sheet.person == who.person);
    let marks = |sheet: &Option<Sheet>| sheet.as_ref().map(Sheet::marks).transpose();
    let (officer, cadre) = (marks(&line.officer_sheet)?, marks(&line.cadre_sheet)?);
    let total = |scores: &Option<Scores>| {
        let scores = scores.as_ref()?;
        compute(scheme, scores, line.able_to_work).ok().map(|m| m.total)
    };
    let mark = |scores: &Option<Scores>, item: &str| scores.as_ref()?.get(item).cloned();
    let items = scheme.items_for(line.able_to_work);
    let codes = items.iter().map(|item| item.code.clone());
    let differing = codes.filter(|code| mark(&officer, code) != mark(&cadre, code)).collect();
    let relation = relations.iter().find(|(h, _)| *h == line.household).map(|(_, r)| r.clone());
    Ok(ReviewLine {
        officer_total: total(&officer),
        cadre_total: total(&cadre),
        line,
        officer,
        cadre,
        differing,
        relation,
        own,
    })
}
