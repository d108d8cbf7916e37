//! Sheets, one of one household or many that came in together: what saving them depends on, and how
//! they are kept.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::audit::Digest;
use domain::scheme::Scheme;
use domain::scoring::{BatchState, RosterPlace, Scorer, Scores};
use domain::{Date, Id, Millis};

use super::{scorer, scores, state};
use crate::{Result, Row, Tx, Type, Val, args};

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

/// The same for many pairs of a batch and a household; what is not in it has no such batch.
pub fn facts_of_sheets(tx: &mut Tx, pairs: &[(Id, Id)]) -> Result<HashMap<(Id, Id), SheetFacts>> {
    let mut batches = Vec::new();
    let of_round = "SELECT b.id, b.path, b.state, r.visits_from, r.visits_to, s.id, s.digest \
                    FROM batch b JOIN round r ON r.id = b.round JOIN scheme s ON s.id = r.scheme";
    tx.each_of(of_round, &[], "b.id", &batches_of(pairs), |r| {
        let scheme = (r.id(5)?, r.digest(6)?);
        batches.push((r.id(0)?, r.text(1)?, state(r, 2)?, r.date(3)?, r.date(4)?, scheme));
        Ok(())
    })?;
    let mut facts = HashMap::new();
    for (batch, path, state, visits_from, visits_to, (scheme, digest)) in batches {
        let scheme = crate::scheme::load_known(tx, scheme, digest)?;
        let households = households_in(batch, pairs);
        let mut places = HashMap::new();
        let on_roster = "SELECT o.household, o.able_to_work, o.officer, o.cadre \
                         FROM (SELECT * FROM roster WHERE batch = $1) o";
        tx.each_of(on_roster, &args![batch], "o.household", &households, |r| {
            let (officer, cadre) = (r.opt_id(2)?, r.opt_id(3)?);
            let place = RosterPlace { able_to_work: r.bool(1)?, officer, cadre };
            places.insert(r.id(0)?, place);
            Ok(())
        })?;
        facts.extend(households.into_iter().map(|household| {
            let (path, scheme) = (path.clone(), scheme.clone());
            let place = places.remove(&household);
            let known = SheetFacts { path, state, visits_from, visits_to, scheme, place };
            ((batch, household), known)
        }));
    }
    Ok(facts)
}

/// Each of them once.
fn batches_of(pairs: &[(Id, Id)]) -> Vec<Id> {
    let batches: BTreeSet<Id> = pairs.iter().map(|pair| pair.0).collect();
    batches.into_iter().collect()
}

fn households_in(batch: Id, pairs: &[(Id, Id)]) -> Vec<Id> {
    let of_batch = pairs.iter().filter(|pair| pair.0 == batch);
    let households: BTreeSet<Id> = of_batch.map(|pair| pair.1).collect();
    households.into_iter().collect()
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

fn values(sheet: &Sheet, counts: bool, path: &str) -> [Val; 14] {
    args![
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
        counts,
        sheet.digest(),
        path,
    ]
}

/// Keeps a sheet with the path of its batch; the one it takes the place of is named in it.
/// `sheet.replaces` is filled in here.
pub fn record_sheet(tx: &mut Tx, mut sheet: Sheet, path: &str) -> Result<Sheet> {
    sheet.replaces = tx.opt(
        "UPDATE sheet SET current = FALSE WHERE batch = $1 AND household = $2 AND scorer = $3 \
         AND current RETURNING id",
        &args![sheet.batch, sheet.household, sheet.scorer.code()],
        |r| r.id(0),
    )?;
    tx.exec(
        "INSERT INTO sheet (id, batch, household, scorer, person, visited_on, scores, remark, \
         opened_at, at, replaces, current, digest, path) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &values(&sheet, true, path),
    )?;
    Ok(sheet)
}

/// Keeps many sheets, each with the path of its batch, one after the other: the last of a household
/// counts. `sheet.replaces` is filled in here.
pub fn record_sheets(tx: &mut Tx, sheets: &mut [(Sheet, &str)]) -> Result<()> {
    let pairs: Vec<_> = sheets.iter().map(|(sheet, _)| (sheet.batch, sheet.household)).collect();
    let mut current = HashMap::new();
    for batch in batches_of(&pairs) {
        let standing = "SELECT s.household, s.scorer, s.id \
                        FROM (SELECT * FROM sheet WHERE batch = $1 AND current) s";
        let households = households_in(batch, &pairs);
        tx.each_of(standing, &args![batch], "s.household", &households, |r| {
            current.insert((batch, r.id(0)?, scorer(r, 1)?), r.id(2)?);
            Ok(())
        })?;
    }
    let known: BTreeSet<Id> = current.values().copied().collect();
    for (sheet, _) in sheets.iter_mut() {
        sheet.replaces = current.insert((sheet.batch, sheet.household, sheet.scorer), sheet.id);
    }
    let replaced = sheets.iter().filter_map(|(sheet, _)| sheet.replaces);
    let replaced = replaced.filter(|id| known.contains(id)).map(|id| args![id, false]);
    tx.update_all("sheet", ("id", Type::Id), &[("current", Type::Bool)], replaced)?;
    let columns = [
        ("id", Type::Id),
        ("batch", Type::Id),
        ("household", Type::Id),
        ("scorer", Type::Text),
        ("person", Type::Id),
        ("visited_on", Type::Text),
        ("scores", Type::Text),
        ("remark", Type::Text),
        ("opened_at", Type::Int),
        ("at", Type::Int),
        ("replaces", Type::Id),
        ("current", Type::Bool),
        ("digest", Type::Bytes),
        ("path", Type::Text),
    ];
    let rows = sheets.iter().map(|(sheet, path)| {
        let counts = current[&(sheet.batch, sheet.household, sheet.scorer)] == sheet.id;
        values(sheet, counts, path)
    });
    tx.insert_all("sheet", &columns, "", rows)?;
    Ok(())
}

/// Those of these sheets that there are.
pub fn find_sheets(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Sheet>> {
    let mut found = HashMap::new();
    tx.each_of(&format!("SELECT {SHEET} FROM sheet s"), &[], "s.id", ids, |r| {
        let sheet = sheet(r)?;
        found.insert(sheet.id, sheet);
        Ok(())
    })?;
    Ok(found)
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
