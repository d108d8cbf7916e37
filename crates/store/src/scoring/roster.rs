//! The roster of a batch, with what was handed in and settled.

use domain::Id;
use domain::scheme::Scheme;
use domain::scoring::{KeptSheet, PastScore, Scorer, SheetLook, Tally};

use super::batches::Batch;
use super::settlements::{SETTLED, Settled, find_settlement, settled};
use super::sheets::{SHEET, Sheet, sheet, sheets_of};
use super::{scorer, scores};
use crate::{Result, Row, Tx, args};

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

/// Names of people, as a page shows who did what; an id may be there twice.
pub fn names(
    tx: &mut Tx,
    people: impl IntoIterator<Item = Id>,
) -> Result<std::collections::HashMap<Id, String>> {
    let mut people: Vec<Id> = people.into_iter().collect();
    people.sort_unstable();
    people.dedup();
    let mut names = std::collections::HashMap::with_capacity(people.len());
    tx.each_of("SELECT p.id, p.name FROM person p", &[], "p.id", &people, |r| {
        names.insert(r.id(0)?, r.text(1)?);
        Ok(())
    })?;
    Ok(names)
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
