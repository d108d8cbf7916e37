//! Rosters, sheets, settlements and where each batch stands. A correction is a new row; of an old
//! one only `current` changes.

mod hand_over;

pub use hand_over::{Visitor, assigned_to, hand_over_sheets, is_visitor, visitors};

use std::sync::Arc;

use domain::access::Scope;
use domain::audit::Digest;
use domain::calendar::Month;
use domain::scheme::Scheme;
use domain::scoring::{
    BatchState, KeptSheet, Missing, PastScore, RosterPlace, Scorer, Scores, Settlement, SheetLook,
    Tally,
};
use domain::{Date, Id, Millis};

use crate::{Broken, Listing, Result, Row, Tx, Type, Val, Within, args};

fn state(r: &Row, i: usize) -> Result<BatchState> {
    let code = r.text(i)?;
    BatchState::from_code(&code).ok_or_else(|| Broken::data(format!("unknown state {code}")))
}

fn month(r: &Row, i: usize) -> Result<Month> {
    let text = r.text(i)?;
    Month::parse(&text).ok_or_else(|| Broken::data(format!("not a month: {text}")))
}

fn scores(text: &str) -> Result<Scores> {
    Scores::parse(text).map_err(|e| Broken::data(format!("scores {text:?}: {e}")))
}

fn scorer(r: &Row, i: usize) -> Result<Scorer> {
    let code = r.text(i)?;
    Scorer::from_code(&code).ok_or_else(|| Broken::data(format!("unknown scorer {code}")))
}

// One sheet ---------------------------------------------------------------------------------------

/// What saving one sheet depends on, read in one statement.
pub struct SheetFacts {
    pub path: String,
    pub state: BatchState,
    pub visits_from: Date,
    pub visits_to: Date,
    pub scheme: Arc<Scheme>,
    pub place: Option<RosterPlace>,
}

/// None: there is no such batch.
pub fn sheet_facts(tx: &mut Tx, batch: Id, household: Id) -> Result<Option<SheetFacts>> {
    let row = tx.opt(
        "SELECT b.path, b.state, r.visits_from, r.visits_to, s.id, s.digest, o.able_to_work, \
         o.officer, o.cadre FROM batch b JOIN round r ON r.id = b.round \
         JOIN scheme s ON s.id = r.scheme \
         LEFT JOIN roster o ON o.batch = b.id AND o.household = $2 WHERE b.id = $1",
        &args![batch, household],
        |r| {
            let able_to_work = r.opt_bool(6)?;
            let (officer, cadre) = (r.opt_id(7)?, r.opt_id(8)?);
            let place = able_to_work.map(|able| RosterPlace { able_to_work: able, officer, cadre });
            let scheme = (r.id(4)?, r.digest(5)?);
            Ok((r.text(0)?, state(r, 1)?, r.date(2)?, r.date(3)?, scheme, place))
        },
    )?;
    let Some((path, state, visits_from, visits_to, (scheme, digest), place)) = row else {
        return Ok(None);
    };
    let scheme = crate::scheme::load_known(tx, scheme, digest)?;
    Ok(Some(SheetFacts { path, state, visits_from, visits_to, scheme, place }))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub id: Id,
    pub batch: Id,
    pub household: Id,
    pub scorer: Scorer,
    pub person: Id,
    pub visited_on: Option<Date>,
    /// The canonical text of the marks.
    pub scores: String,
    pub remark: String,
    pub opened_at: Option<Millis>,
    pub at: Millis,
    /// The sheet this one takes the place of.
    pub replaces: Option<Id>,
}

impl Sheet {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("sheet")
            .id(self.id)
            .id(self.batch)
            .id(self.household)
            .text(self.scorer.code())
            .id(self.person)
            .opt(self.visited_on, Digest::date)
            .text(&self.scores)
            .text(&self.remark)
            .opt_number(self.opened_at)
            .number(self.at)
            .opt_id(self.replaces)
            .finish()
    }
    pub fn marks(&self) -> Result<Scores> {
        scores(&self.scores)
    }
}

const SHEET: &str = "s.id, s.batch, s.household, s.scorer, s.person, s.visited_on, s.scores, \
                     s.remark, s.opened_at, s.at, s.replaces";

fn sheet(r: &Row) -> Result<Sheet> {
    Ok(Sheet {
        id: r.id(0)?,
        batch: r.id(1)?,
        household: r.id(2)?,
        scorer: scorer(r, 3)?,
        person: r.id(4)?,
        visited_on: r.opt_date(5)?,
        scores: r.text(6)?,
        remark: r.text(7)?,
        opened_at: r.opt_int(8)?,
        at: r.int(9)?,
        replaces: r.opt_id(10)?,
    })
}

/// Keeps a sheet; the one it takes the place of is named in it. `sheet.replaces` is filled in here.
pub fn record_sheet(tx: &mut Tx, mut sheet: Sheet) -> Result<Sheet> {
    sheet.replaces = tx.opt(
        "UPDATE sheet SET current = FALSE WHERE batch = $1 AND household = $2 AND scorer = $3 \
         AND current RETURNING id",
        &args![sheet.batch, sheet.household, sheet.scorer.code()],
        |r| r.id(0),
    )?;
    tx.exec(
        "INSERT INTO sheet (id, batch, household, scorer, person, visited_on, scores, remark, \
         opened_at, at, replaces, current, digest, path) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, TRUE, $12, \
         (SELECT b.path FROM batch b WHERE b.id = $2))",
        &args![
            sheet.id,
            sheet.batch,
            sheet.household,
            sheet.scorer.code(),
            sheet.person,
            sheet.visited_on,
            &sheet.scores,
            &sheet.remark,
            sheet.opened_at,
            sheet.at,
            sheet.replaces,
            sheet.digest(),
        ],
    )?;
    Ok(sheet)
}

pub fn find_sheet(tx: &mut Tx, id: Id) -> Result<Option<Sheet>> {
    tx.opt(&format!("SELECT {SHEET} FROM sheet s WHERE s.id = $1"), &args![id], sheet)
}

/// The sheets of one household in one batch that count: at most the officer's and the cadre's.
pub fn sheets_of(tx: &mut Tx, batch: Id, household: Id) -> Result<Vec<Sheet>> {
    tx.all(
        &format!(
            "SELECT {SHEET} FROM sheet s WHERE s.batch = $1 AND s.household = $2 AND s.current \
             ORDER BY s.scorer"
        ),
        &args![batch, household],
        sheet,
    )
}

/// Every sheet ever handed in, with its stored fingerprint, for `siji verify`.
pub fn each_sheet(tx: &mut Tx, mut see: impl FnMut(Sheet, [u8; 32]) -> Result<()>) -> Result<()> {
    tx.each(&format!("SELECT {SHEET}, s.digest FROM sheet s ORDER BY s.id"), &[], |r| {
        see(sheet(r)?, r.digest(11)?)
    })
}

// Batches -----------------------------------------------------------------------------------------

/// A batch and where it stands, as lists and its own page show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: Id,
    pub round: Id,
    pub month: Month,
    pub scheme: Id,
    pub visits_from: Date,
    pub visits_to: Date,
    pub village: Id,
    pub village_name: String,
    pub township_name: String,
    pub path: String,
    pub state: BatchState,
    pub households: i64,
    pub officer_sheets: i64,
    pub cadre_sheets: i64,
    pub settled: i64,
}

impl Batch {
    pub fn missing(&self) -> Missing {
        Missing {
            officer: self.households - self.officer_sheets,
            cadre: self.households - self.cadre_sheets,
        }
    }
    pub fn sheets_due(&self) -> i64 {
        2 * self.households
    }
    pub fn sheets_in(&self) -> i64 {
        self.officer_sheets + self.cadre_sheets
    }
}

/// Sheets of the officer, of the cadre, and settlements of batch `b`. Counted, along an index, only
/// while they are on the move: sheets while a month is scored, settlements while it is reviewed.
/// Before, there are none; afterwards their number stands.
pub(crate) const HOW_FAR: &str = "\
     CASE WHEN b.state <> 'draft' THEN b.officer_sheets ELSE (SELECT COUNT(*) FROM sheet s \
      WHERE s.batch = b.id AND s.scorer = 'assistance_officer' AND s.current) END, \
     CASE WHEN b.state <> 'draft' THEN b.cadre_sheets ELSE (SELECT COUNT(*) FROM sheet s \
      WHERE s.batch = b.id AND s.scorer = 'assigned_cadre' AND s.current) END, \
     CASE b.state WHEN 'draft' THEN 0 WHEN 'scored' THEN (SELECT COUNT(*) FROM settlement m \
      WHERE m.batch = b.id AND m.current) ELSE b.households END";
const BATCH: &str = "b.id, b.round, r.month, r.scheme, r.visits_from, r.visits_to, b.village, a.name, \
     COALESCE(t.name, ''), b.path, b.state, b.households";
const BATCH_TABLES: &str = "batch b JOIN round r ON r.id = b.round JOIN area a ON a.id = b.village \
                            LEFT JOIN area t ON t.id = a.parent";

fn batch(r: &Row) -> Result<Batch> {
    Ok(Batch {
        id: r.id(0)?,
        round: r.id(1)?,
        month: month(r, 2)?,
        scheme: r.id(3)?,
        visits_from: r.date(4)?,
        visits_to: r.date(5)?,
        village: r.id(6)?,
        village_name: r.text(7)?,
        township_name: r.text(8)?,
        path: r.text(9)?,
        state: state(r, 10)?,
        households: r.int(11)?,
        officer_sheets: r.int(12)?,
        cadre_sheets: r.int(13)?,
        settled: r.int(14)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Batch>> {
    let sql = format!("SELECT {BATCH}, {HOW_FAR} FROM {BATCH_TABLES} WHERE b.id = $1");
    tx.opt(&sql, &args![id], batch)
}

/// Where a batch stands, without how far its households are: what settling one of them asks.
pub struct Standing {
    pub id: Id,
    pub path: String,
    pub state: BatchState,
    pub scheme: Id,
}

pub fn standing(tx: &mut Tx, id: Id) -> Result<Option<Standing>> {
    let sql = "SELECT b.id, b.path, b.state, r.scheme FROM batch b JOIN round r ON r.id = b.round \
               WHERE b.id = $1";
    tx.opt(sql, &args![id], |r| {
        Ok(Standing { id: r.id(0)?, path: r.text(1)?, state: state(r, 2)?, scheme: r.id(3)? })
    })
}

/// Which batches a list shows.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    pub month: Option<Month>,
    pub state: Option<BatchState>,
    /// Everything at or below this area.
    pub area: Option<String>,
    pub search: String,
    pub order: BatchOrder,
}

/// How a list of batches may be ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchOrder {
    /// Newest month first, then by place.
    #[default]
    Month,
    /// By place, then newest month first.
    Village,
    /// Those least far first.
    State,
}

fn batch_listing(scope: &Scope, filter: &BatchFilter) -> Listing {
    let within = Within::of(scope, "b.path", None, 1);
    let mut sql = within.sql;
    let mut args = within.args;
    let mut and = |term: &str, vals: Vec<Val>| {
        let mut term = term.to_owned();
        for (i, val) in vals.into_iter().enumerate() {
            args.push(val);
            term = term.replace(&format!("#{}", i + 1), &format!("${}", args.len()));
        }
        sql.push_str(" AND ");
        sql.push_str(&term);
    };
    if let Some(month) = filter.month {
        and("r.month = #1", vec![month.to_string().into()]);
    }
    if let Some(state) = filter.state {
        and("b.state = #1", vec![state.code().into()]);
    }
    if let Some(area) = &filter.area {
        and("(b.path >= #1 AND b.path < #2)", vec![area.into(), format!("{area}/").into()]);
    }
    if !filter.search.trim().is_empty() {
        let like = format!("%{}%", filter.search.trim());
        and("(a.name LIKE #1 OR t.name LIKE #1)", vec![like.into()]);
    }
    let order = match filter.order {
        BatchOrder::Month => "r.month DESC, b.path".to_owned(),
        BatchOrder::Village => "b.path, r.month DESC".to_owned(),
        BatchOrder::State => {
            let step = |(n, s): (usize, &BatchState)| format!("WHEN '{}' THEN {n}", s.code());
            let steps: Vec<String> = BatchState::ALL.iter().enumerate().map(step).collect();
            format!("CASE b.state {} END, r.month DESC, b.path", steps.join(" "))
        }
    };
    let from = format!("FROM {BATCH_TABLES} WHERE {sql}");
    Listing { select: format!("{BATCH}, {HOW_FAR}"), from, order, args, more: Vec::new() }
}

/// `limit` rows from `offset`, and how many there are in all.
pub fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &BatchFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Batch>, i64)> {
    let listing = batch_listing(scope, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, batch)?, total))
}

/// The whole list, one batch after another.
pub fn each_batch(
    tx: &mut Tx,
    scope: &Scope,
    filter: &BatchFilter,
    see: impl FnMut(Batch) -> Result<()>,
) -> Result<()> {
    batch_listing(scope, filter).each(tx, batch, see)
}

/// Moves a batch one state on and keeps the moment, and with the end of scoring the number of
/// sheets that are in. False: it was not in `from` any more.
pub fn move_batch(
    tx: &mut Tx,
    id: Id,
    from: BatchState,
    to: BatchState,
    at: Millis,
) -> Result<bool> {
    let column = match to {
        BatchState::Draft => return Err(Broken::data("a batch never goes back to draft")),
        BatchState::Scored => "scored_at",
        BatchState::Reviewed => "reviewed_at",
        BatchState::InPublicity => "posted_at",
        BatchState::Certified => "certified_at",
        BatchState::Credited => "credited_at",
    };
    let moved = tx.exec(
        &format!("UPDATE batch SET state = $3, {column} = $4 WHERE id = $1 AND state = $2"),
        &args![id, from.code(), to.code(), at],
    )?;
    if moved == 1 && to == BatchState::Scored {
        let sheets = "(SELECT COUNT(*) FROM sheet s WHERE s.batch = batch.id AND s.current \
                      AND s.scorer = ";
        tx.exec(
            &format!(
                "UPDATE batch SET officer_sheets = {sheets}$2), cadre_sheets = {sheets}$3) \
                 WHERE id = $1"
            ),
            &args![id, Scorer::AssistanceOfficer.code(), Scorer::AssignedCadre.code()],
        )?;
    }
    Ok(moved == 1)
}

// The roster of a batch, with what was handed in and settled ----------------------------------------

/// One household of a batch with both sheets and its settlement.
#[derive(Clone, Debug)]
pub struct Line {
    pub household: Id,
    pub number: String,
    pub position: i64,
    pub head_name: String,
    pub able_to_work: bool,
    pub officer: Option<Id>,
    pub cadre: Option<Id>,
    pub officer_sheet: Option<Sheet>,
    pub cadre_sheet: Option<Sheet>,
    pub settlement: Option<Settled>,
}

/// A settlement as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub id: Id,
    pub batch: Id,
    pub household: Id,
    /// `assessed`, `not_assessed`, `suspended`.
    pub outcome: String,
    pub basis: String,
    pub scores: String,
    pub sums: String,
    pub total: i64,
    pub note: String,
    pub person: Id,
    pub at: Millis,
    pub replaces: Option<Id>,
}

impl Settled {
    pub fn of(id: Id, batch: Id, household: Id, s: &Settlement, person: Id, at: Millis) -> Settled {
        Settled {
            id,
            batch,
            household,
            outcome: s.outcome.word().to_owned(),
            basis: s.basis.code().to_owned(),
            scores: s.scores().to_string(),
            sums: s.sums.to_string(),
            total: s.total,
            note: s.note.clone(),
            person,
            at,
            replaces: None,
        }
    }
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("settlement")
            .id(self.id)
            .id(self.batch)
            .id(self.household)
            .text(&self.outcome)
            .text(&self.basis)
            .text(&self.scores)
            .text(&self.sums)
            .number(self.total)
            .text(&self.note)
            .id(self.person)
            .number(self.at)
            .opt_id(self.replaces)
            .finish()
    }
    pub fn marks(&self) -> Result<Scores> {
        scores(&self.scores)
    }
    fn values(&self, path: &str) -> Vec<Val> {
        vec![
            self.id.into(),
            self.batch.into(),
            self.household.into(),
            (&self.outcome).into(),
            (&self.basis).into(),
            (&self.scores).into(),
            (&self.sums).into(),
            self.total.into(),
            (&self.note).into(),
            self.person.into(),
            self.at.into(),
            self.replaces.into(),
            true.into(),
            self.digest().into(),
            path.into(),
        ]
    }
}

const SETTLED: &str = "m.id, m.batch, m.household, m.outcome, m.basis, m.scores, m.sums, m.total, \
                       m.note, m.person, m.at, m.replaces";

fn settled(r: &Row) -> Result<Settled> {
    Ok(Settled {
        id: r.id(0)?,
        batch: r.id(1)?,
        household: r.id(2)?,
        outcome: r.text(3)?,
        basis: r.text(4)?,
        scores: r.text(5)?,
        sums: r.text(6)?,
        total: r.int(7)?,
        note: r.text(8)?,
        person: r.id(9)?,
        at: r.int(10)?,
        replaces: r.opt_id(11)?,
    })
}

const SETTLEMENT_COLUMNS: [(&str, Type); 15] = [
    ("id", Type::Id),
    ("batch", Type::Id),
    ("household", Type::Id),
    ("outcome", Type::Text),
    ("basis", Type::Text),
    ("scores", Type::Text),
    ("sums", Type::Text),
    ("total", Type::Int),
    ("note", Type::Text),
    ("person", Type::Id),
    ("at", Type::Int),
    ("replaces", Type::Id),
    ("current", Type::Bool),
    ("digest", Type::Bytes),
    ("path", Type::Text),
];

/// Keeps a settlement in place of the household's former one. `replaces` is filled in here.
pub fn record_settlement(tx: &mut Tx, mut settled: Settled) -> Result<Settled> {
    settled.replaces = tx.opt(
        "UPDATE settlement SET current = FALSE WHERE batch = $1 AND household = $2 AND current \
         RETURNING id",
        &args![settled.batch, settled.household],
        |r| r.id(0),
    )?;
    let path = batch_path(tx, settled.batch)?;
    tx.insert_all("settlement", &SETTLEMENT_COLUMNS, "", [settled.values(&path)])?;
    Ok(settled)
}

/// Keeps the first settlements of many households of one batch at once.
pub fn record_settlements(tx: &mut Tx, batch: Id, settled: &[Settled]) -> Result<u64> {
    let path = batch_path(tx, batch)?;
    let rows = settled.iter().map(|s| s.values(&path));
    tx.insert_all("settlement", &SETTLEMENT_COLUMNS, "", rows)
}

fn batch_path(tx: &mut Tx, batch: Id) -> Result<String> {
    tx.one("SELECT path FROM batch WHERE id = $1", &args![batch], |r| r.text(0))
}

pub fn find_settlement(tx: &mut Tx, batch: Id, household: Id) -> Result<Option<Settled>> {
    tx.opt(
        &format!(
            "SELECT {SETTLED} FROM settlement m \
             WHERE m.batch = $1 AND m.household = $2 AND m.current"
        ),
        &args![batch, household],
        settled,
    )
}

/// How many households one "agree where equal" settled: all at one moment, on equal sheets.
pub fn settled_under(tx: &mut Tx, batch: Id, key: Id) -> Result<i64> {
    tx.one(
        "SELECT COUNT(*) FROM settlement m JOIN audit_log c ON c.key = $2 \
         WHERE m.batch = $1 AND m.basis = 'equal' AND m.at = c.at AND m.person = c.person",
        &args![batch, key],
        |r| r.int(0),
    )
}

/// Every settlement ever made, with its stored fingerprint, for `siji verify`.
pub fn each_settlement(
    tx: &mut Tx,
    mut see: impl FnMut(Settled, [u8; 32]) -> Result<()>,
) -> Result<()> {
    tx.each(&format!("SELECT {SETTLED}, m.digest FROM settlement m ORDER BY m.id"), &[], |r| {
        see(settled(r)?, r.digest(12)?)
    })
}

const ROSTER: &str = "SELECT o.household, h.number, o.position, o.head_name, o.able_to_work, \
                      o.officer, o.cadre FROM roster o JOIN household h ON h.id = o.household";

fn bare_line(r: &Row) -> Result<Line> {
    Ok(Line {
        household: r.id(0)?,
        number: r.text(1)?,
        position: r.int(2)?,
        head_name: r.text(3)?,
        able_to_work: r.bool(4)?,
        officer: r.opt_id(5)?,
        cadre: r.opt_id(6)?,
        officer_sheet: None,
        cadre_sheet: None,
        settlement: None,
    })
}

/// One household of a batch.
pub fn line(tx: &mut Tx, batch: Id, household: Id) -> Result<Option<Line>> {
    let sql = format!("{ROSTER} WHERE o.batch = $1 AND o.household = $2");
    let Some(mut line) = tx.opt(&sql, &args![batch, household], bare_line)? else {
        return Ok(None);
    };
    for sheet in sheets_of(tx, batch, household)? {
        match sheet.scorer {
            Scorer::AssistanceOfficer => line.officer_sheet = Some(sheet),
            Scorer::AssignedCadre => line.cadre_sheet = Some(sheet),
        }
    }
    line.settlement = find_settlement(tx, batch, household)?;
    Ok(Some(line))
}

/// The whole roster of a batch in its order.
pub fn lines(tx: &mut Tx, batch: Id) -> Result<Vec<Line>> {
    let sql = format!("{ROSTER} WHERE o.batch = $1 ORDER BY o.position");
    let mut lines = tx.all(&sql, &args![batch], bare_line)?;
    let at: std::collections::HashMap<Id, usize> =
        lines.iter().enumerate().map(|(i, line)| (line.household, i)).collect();
    let sheets = tx.all(
        &format!("SELECT {SHEET} FROM sheet s WHERE s.batch = $1 AND s.current"),
        &args![batch],
        sheet,
    )?;
    for sheet in sheets {
        let Some(line) = at.get(&sheet.household).and_then(|i| lines.get_mut(*i)) else { continue };
        match sheet.scorer {
            Scorer::AssistanceOfficer => line.officer_sheet = Some(sheet),
            Scorer::AssignedCadre => line.cadre_sheet = Some(sheet),
        }
    }
    let settlements = tx.all(
        &format!("SELECT {SETTLED} FROM settlement m WHERE m.batch = $1 AND m.current"),
        &args![batch],
        settled,
    )?;
    for settlement in settlements {
        if let Some(line) = at.get(&settlement.household).and_then(|i| lines.get_mut(*i)) {
            line.settlement = Some(settlement);
        }
    }
    Ok(lines)
}

/// One household of a batch, as its settlement depends on it.
pub struct SettleFacts {
    pub able_to_work: Option<bool>,
    pub officer: Option<KeptSheet>,
    pub cadre: Option<KeptSheet>,
    pub relation: Option<String>,
}

pub fn settle_facts(tx: &mut Tx, batch: Id, household: Id, person: Id) -> Result<SettleFacts> {
    let able_to_work = tx.opt(
        "SELECT able_to_work FROM roster WHERE batch = $1 AND household = $2",
        &args![batch, household],
        |r| r.bool(0),
    )?;
    let mut facts = SettleFacts {
        able_to_work,
        officer: None,
        cadre: None,
        relation: relation(tx, person, household)?,
    };
    for sheet in sheets_of(tx, batch, household)? {
        let kept = KeptSheet { person: sheet.person, scores: sheet.marks()? };
        match sheet.scorer {
            Scorer::AssistanceOfficer => facts.officer = Some(kept),
            Scorer::AssignedCadre => facts.cadre = Some(kept),
        }
    }
    Ok(facts)
}

/// The declared kinship of a person with a household.
pub fn relation(tx: &mut Tx, person: Id, household: Id) -> Result<Option<String>> {
    tx.opt(
        "SELECT relation FROM kinship WHERE household = $1 AND person = $2",
        &args![household, person],
        |r| r.text(0),
    )
}

/// The households of a batch this person is related to, and how.
pub fn relatives(tx: &mut Tx, batch: Id, person: Id) -> Result<Vec<(Id, String)>> {
    tx.all(
        "SELECT k.household, k.relation FROM kinship k \
         JOIN roster o ON o.household = k.household AND o.batch = $1 WHERE k.person = $2",
        &args![batch, person],
        |r| Ok((r.id(0)?, r.text(1)?)),
    )
}

/// Names of people, as a page shows who did what.
pub fn names(tx: &mut Tx, batch: Id) -> Result<std::collections::HashMap<Id, String>> {
    let rows = tx.all(
        "SELECT p.id, p.name FROM person p WHERE p.id IN \
         (SELECT officer FROM roster WHERE batch = $1 UNION SELECT cadre FROM roster \
          WHERE batch = $1 UNION SELECT person FROM settlement WHERE batch = $1)",
        &args![batch],
        |r| Ok((r.id(0)?, r.text(1)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// A batch's sheets as the patterns look at them, held against the month before.
pub fn looks(tx: &mut Tx, batch: &Batch, scheme: &Scheme) -> Result<Vec<SheetLook>> {
    let mut before = std::collections::HashMap::new();
    tx.each(
        "SELECT m.household, m.total FROM settlement m JOIN batch b ON b.id = m.batch \
         JOIN round r ON r.id = b.round \
         WHERE r.kind = 'scoring' AND r.month = $1 AND b.village = $2 AND m.current \
         AND m.outcome = 'assessed'",
        &args![batch.month.previous().to_string(), batch.village],
        |r| {
            before.insert(r.id(0)?, r.int(1)?);
            Ok(())
        },
    )?;
    let (able, unable) = (Tally::new(scheme, true), Tally::new(scheme, false));
    tx.all(
        "SELECT s.household, o.able_to_work, s.scorer, s.person, s.scores, s.visited_on, \
         s.opened_at, s.at FROM roster o \
         JOIN sheet s ON s.batch = o.batch AND s.household = o.household AND s.current \
         WHERE o.batch = $1 ORDER BY o.position",
        &args![batch.id],
        |r| {
            let household = r.id(0)?;
            let tally = if r.bool(1)? { &able } else { &unable };
            Ok(SheetLook {
                household,
                scorer: scorer(r, 2)?,
                person: r.id(3)?,
                total: tally.total(&r.text(4)?),
                visited_on: r.opt_date(5)?,
                opened_at: r.opt_int(6)?,
                at: r.int(7)?,
                last_month: before.get(&household).copied(),
            })
        },
    )
}

/// The settled months of a round, for a dry run.
pub fn past(tx: &mut Tx, round: Id) -> Result<Vec<PastScore>> {
    tx.all(
        "SELECT m.household, o.able_to_work, m.scores, m.total FROM batch b \
         JOIN settlement m ON m.batch = b.id AND m.current AND m.outcome = 'assessed' \
         JOIN roster o ON o.batch = m.batch AND o.household = m.household \
         WHERE b.round = $1 ORDER BY b.path, o.position",
        &args![round],
        |r| {
            Ok(PastScore {
                household: r.id(0)?,
                able_to_work: r.bool(1)?,
                scores: scores(&r.text(2)?)?,
                total: r.int(3)?,
            })
        },
    )
}

// My households -----------------------------------------------------------------------------------

/// A household on somebody's own list of visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    pub batch: Id,
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub hamlet: Option<String>,
    pub village_name: String,
    pub state: BatchState,
    pub visited_on: Option<Date>,
    /// When the own sheet was saved; none: still to visit.
    pub saved_at: Option<Millis>,
}

/// How far one village is, over the households of this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub batch: Id,
    pub village_name: String,
    pub state: BatchState,
    pub mine: i64,
    pub done: i64,
}

const MINE: &str = "roster o JOIN batch b ON b.id = o.batch JOIN area a ON a.id = b.village \
     LEFT JOIN sheet s ON s.batch = o.batch AND s.household = o.household AND s.current \
     AND s.scorer = CASE WHEN o.officer = $1 THEN 'assistance_officer' ELSE 'assigned_cadre' END";
const IS_MINE: &str = "b.round = $2 AND (o.officer = $1 OR o.cadre = $1)";

#[derive(Clone, Debug, Default)]
pub struct VisitFilter {
    /// Of name or number.
    pub search: String,
    pub batch: Option<Id>,
    /// Only those still to visit.
    pub to_do: bool,
    /// Only in the villages of this scope.
    pub within: Option<Scope>,
}

/// Still to visit first, then by village and list.
fn visit_listing(person: Id, round: Id, filter: &VisitFilter) -> Listing {
    let mut sql = IS_MINE.to_owned();
    let mut args = args![person, round].to_vec();
    let mut searched = "";
    if !filter.search.trim().is_empty() {
        searched = "JOIN household h ON h.id = o.household";
        args.push(format!("%{}%", filter.search.trim()).into());
        sql.push_str(&format!(" AND (h.head_name LIKE ${0} OR h.number LIKE ${0})", args.len()));
    }
    if let Some(batch) = filter.batch {
        args.push(batch.into());
        sql.push_str(&format!(" AND o.batch = ${}", args.len()));
    }
    if filter.to_do {
        sql.push_str(" AND s.id IS NULL");
    }
    if let Some(scope) = &filter.within {
        let within = Within::of(scope, "b.path", None, args.len() + 1);
        sql.push_str(&format!(" AND {}", within.sql));
        args.extend(within.args);
    }
    Listing {
        select: "o.batch, o.household, \
                 (SELECT n.number FROM household n WHERE n.id = o.household), o.head_name, \
                 (SELECT n.hamlet FROM household n WHERE n.id = o.household), a.name, b.state, \
                 s.visited_on, s.at"
            .to_owned(),
        from: format!("FROM {MINE} {searched} WHERE {sql}"),
        order: "CASE WHEN s.id IS NULL THEN 0 ELSE 1 END, b.path, o.position".to_owned(),
        args,
        more: Vec::new(),
    }
}

fn visit(r: &Row) -> Result<Visit> {
    Ok(Visit {
        batch: r.id(0)?,
        household: r.id(1)?,
        number: r.text(2)?,
        head_name: r.text(3)?,
        hamlet: r.opt_text(4)?,
        village_name: r.text(5)?,
        state: state(r, 6)?,
        visited_on: r.opt_date(7)?,
        saved_at: r.opt_int(8)?,
    })
}

pub fn visits(
    tx: &mut Tx,
    person: Id,
    round: Id,
    filter: &VisitFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Visit>, i64)> {
    let listing = visit_listing(person, round, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, visit)?, total))
}

/// The whole list, one household after another.
pub fn each_visit(
    tx: &mut Tx,
    person: Id,
    round: Id,
    filter: &VisitFilter,
    see: impl FnMut(Visit) -> Result<()>,
) -> Result<()> {
    visit_listing(person, round, filter).each(tx, visit, see)
}

pub fn progress(tx: &mut Tx, person: Id, round: Id) -> Result<Vec<Progress>> {
    tx.all(
        &format!(
            "SELECT o.batch, a.name, b.state, COUNT(*), COUNT(s.id) FROM {MINE} WHERE {IS_MINE} \
             GROUP BY o.batch, a.name, b.state, b.path ORDER BY b.path"
        ),
        &args![person, round],
        |r| {
            Ok(Progress {
                batch: r.id(0)?,
                village_name: r.text(1)?,
                state: state(r, 2)?,
                mine: r.int(3)?,
                done: r.int(4)?,
            })
        },
    )
}

/// The next household of this person in the batch that still waits for a visit, in the order of
/// the list and around its end.
pub fn next_to_visit(tx: &mut Tx, person: Id, batch: Id, after: Id) -> Result<Option<Id>> {
    tx.opt(
        "SELECT o.household FROM roster o \
         LEFT JOIN sheet s ON s.batch = o.batch AND s.household = o.household AND s.current \
         AND s.scorer = CASE WHEN o.officer = $1 THEN 'assistance_officer' ELSE 'assigned_cadre' END \
         WHERE o.batch = $2 AND (o.officer = $1 OR o.cadre = $1) AND o.household <> $3 \
         AND s.id IS NULL \
         ORDER BY CASE WHEN o.position > (SELECT position FROM roster WHERE batch = $2 \
          AND household = $3) THEN 0 ELSE 1 END, o.position LIMIT 1",
        &args![person, batch, after],
        |r| r.id(0),
    )
}

/// A household of a batch that lacks a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToVisit {
    pub number: String,
    pub head_name: String,
    pub officer_missing: bool,
    pub cadre_missing: bool,
}

pub fn to_visit(tx: &mut Tx, batch: Id, limit: i64) -> Result<Vec<ToVisit>> {
    tx.all(
        "SELECT h.number, o.head_name, f.id, c.id FROM roster o \
         JOIN household h ON h.id = o.household \
         LEFT JOIN sheet f ON f.batch = o.batch AND f.household = o.household AND f.current \
         AND f.scorer = 'assistance_officer' \
         LEFT JOIN sheet c ON c.batch = o.batch AND c.household = o.household AND c.current \
         AND c.scorer = 'assigned_cadre' \
         WHERE o.batch = $1 AND (f.id IS NULL OR c.id IS NULL) ORDER BY o.position LIMIT $2",
        &args![batch, limit],
        |r| {
            Ok(ToVisit {
                number: r.text(0)?,
                head_name: r.text(1)?,
                officer_missing: r.opt_id(2)?.is_none(),
                cadre_missing: r.opt_id(3)?.is_none(),
            })
        },
    )
}

/// Coverage of a round by village: who is still to be seen.
pub fn coverage(tx: &mut Tx, scope: &Scope, round: Id) -> Result<Vec<Batch>> {
    let within = Within::of(scope, "b.path", None, 2);
    let mut args = vec![Val::from(round)];
    args.extend(within.args);
    let sql = format!(
        "SELECT {BATCH}, {HOW_FAR} FROM {BATCH_TABLES} WHERE b.round = $1 AND {} ORDER BY b.path",
        within.sql
    );
    tx.all(&sql, &args, batch)
}
