//! One sheet of one household: what saving it depends on, and how it is kept.

use std::sync::Arc;

use domain::audit::Digest;
use domain::scheme::Scheme;
use domain::scoring::{BatchState, RosterPlace, Scorer, Scores};
use domain::{Date, Id, Millis};

use super::{scorer, scores, state};
use crate::{Result, Row, Tx, args};

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

pub(super) const SHEET: &str = "s.id, s.batch, s.household, s.scorer, s.person, s.visited_on, s.scores, \
                     s.remark, s.opened_at, s.at, s.replaces";

pub(super) fn sheet(r: &Row) -> Result<Sheet> {
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
