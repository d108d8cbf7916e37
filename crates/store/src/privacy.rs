//! Everything that is held about one household, for its own file; and what is erased when its time
//! is over.

mod takeout;

use domain::posting::Objection;
use domain::privacy::retention::Cutoff;
use domain::registry::{Household, Member};
use domain::{Id, Millis};

use crate::{Result, Tx, args};

pub use takeout::{
    Decided, NewTakeout, Taken, Takeout, decide_takeout, each_taken, find_takeout, record_takeout,
    takeouts,
};

/// One sheet, as its scorer filled it in.
pub struct Scored {
    pub month: String,
    pub scorer: String,
    pub by: String,
    pub visited_on: Option<String>,
    pub scores: String,
    pub remark: String,
    pub is_current: bool,
}

pub fn sheets(tx: &mut Tx, household: Id) -> Result<Vec<Scored>> {
    tx.all(
        "SELECT r.month, s.scorer, p.name, s.visited_on, s.scores, s.remark, s.current \
         FROM sheet s JOIN batch b ON b.id = s.batch JOIN round r ON r.id = b.round \
         JOIN person p ON p.id = s.person WHERE s.household = $1 ORDER BY s.at, s.id",
        &args![household],
        |r| {
            Ok(Scored {
                month: r.text(0)?,
                scorer: r.text(1)?,
                by: r.text(2)?,
                visited_on: r.opt_text(3)?,
                scores: r.text(4)?,
                remark: r.text(5)?,
                is_current: r.bool(6)?,
            })
        },
    )
}

pub struct Settled {
    pub month: String,
    pub outcome: String,
    pub total: i64,
    pub scores: String,
    pub note: String,
    pub by: String,
    pub at: Millis,
}

pub fn settlements(tx: &mut Tx, household: Id) -> Result<Vec<Settled>> {
    tx.all(
        "SELECT r.month, s.outcome, s.total, s.scores, s.note, p.name, s.at \
         FROM settlement s JOIN batch b ON b.id = s.batch JOIN round r ON r.id = b.round \
         JOIN person p ON p.id = s.person WHERE s.household = $1 ORDER BY s.at, s.id",
        &args![household],
        |r| {
            Ok(Settled {
                month: r.text(0)?,
                outcome: r.text(1)?,
                total: r.int(2)?,
                scores: r.text(3)?,
                note: r.text(4)?,
                by: r.text(5)?,
                at: r.int(6)?,
            })
        },
    )
}

/// A list on the wall that had a row about the household.
pub struct Hung {
    pub id: Id,
    pub month: String,
    pub place: String,
    pub from: String,
    pub to: String,
    pub serial: i64,
}

pub fn hung(tx: &mut Tx, household: Id) -> Result<Vec<Hung>> {
    tx.all(
        "SELECT p.id, r.month, p.place, p.from_date, p.to_date, x.position \
         FROM roster x JOIN posting p ON p.batch = x.batch JOIN batch b ON b.id = x.batch \
         JOIN round r ON r.id = b.round WHERE x.household = $1 ORDER BY p.at, p.id",
        &args![household],
        |r| {
            Ok(Hung {
                id: r.id(0)?,
                month: r.text(1)?,
                place: r.text(2)?,
                from: r.text(3)?,
                to: r.text(4)?,
                serial: r.int(5)?,
            })
        },
    )
}

/// Points that came in (positive) or went out.
pub struct Moved {
    pub on_date: String,
    pub cause: String,
    pub points: i64,
}

pub fn moved(tx: &mut Tx, household: Id) -> Result<Vec<Moved>> {
    let sql = format!(
        "{} SELECT t.on_date, t.cause_kind, \
         CASE WHEN t.credit = m.account THEN t.amount ELSE -t.amount END \
         FROM movement m CROSS JOIN transfer t WHERE t.seq = m.seq ORDER BY +t.seq",
        crate::points::movements("a.owner = $1 AND a.kind = 'household'")
    );
    tx.all(&sql, &args![household], |r| {
        Ok(Moved { on_date: r.text(0)?, cause: r.text(1)?, points: r.int(2)? })
    })
}

/// One line of a receipt.
pub struct Goods {
    pub receipt: String,
    pub on_date: String,
    pub place: String,
    pub name_zh: String,
    pub name_en: String,
    pub quantity: i64,
    pub points: i64,
    pub is_return: bool,
}

pub fn goods(tx: &mut Tx, household: Id) -> Result<Vec<Goods>> {
    tx.all(
        "SELECT r.receipt, r.on_date, pl.name, g.name_zh, g.name_en, l.quantity, \
         l.quantity * l.points_each, r.reverses FROM redemption r \
         JOIN redemption_line l ON l.redemption = r.id JOIN place pl ON pl.id = r.place \
         JOIN goods g ON g.goods = l.goods AND g.current \
         WHERE r.household = $1 ORDER BY r.at, r.id, l.line",
        &args![household],
        |r| {
            Ok(Goods {
                receipt: r.text(0)?,
                on_date: r.text(1)?,
                place: r.text(2)?,
                name_zh: r.text(3)?,
                name_en: r.text(4)?,
                quantity: r.int(5)?,
                points: r.int(6)?,
                is_return: r.opt_id(7)?.is_some(),
            })
        },
    )
}

pub struct Bonus {
    pub on_date: String,
    pub event: String,
    pub document: String,
    pub points: i64,
}

pub fn bonuses(tx: &mut Tx, household: Id) -> Result<Vec<Bonus>> {
    tx.all(
        "SELECT on_date, event, document, points FROM bonus WHERE household = $1 ORDER BY at, id",
        &args![household],
        |r| {
            Ok(Bonus {
                on_date: r.text(0)?,
                event: r.text(1)?,
                document: r.text(2)?,
                points: r.int(3)?,
            })
        },
    )
}

/// An objection about the household. Who made it stays out: it is another person's secret.
pub struct Objected {
    pub code: String,
    pub filed_at: Millis,
    pub state: String,
    pub text: String,
    pub answer: Option<String>,
}

pub fn objections(tx: &mut Tx, household: Id) -> Result<Vec<Objected>> {
    tx.all(
        "SELECT code, filed_at, state, text, answer FROM objection WHERE household = $1 \
         ORDER BY filed_at, id",
        &args![household],
        |r| {
            Ok(Objected {
                code: r.text(0)?,
                filed_at: r.int(1)?,
                state: r.text(2)?,
                text: r.text(3)?,
                answer: r.opt_text(4)?,
            })
        },
    )
}

/// Who stood for the household, from when to when.
pub struct Stood {
    pub name: String,
    pub from: String,
    pub to: Option<String>,
}

pub fn stood(tx: &mut Tx, household: Id) -> Result<Vec<Stood>> {
    tx.all(
        "SELECT p.name, a.from_date, a.to_date FROM assignment a JOIN person p ON p.id = a.person \
         WHERE a.household = $1 ORDER BY a.from_date, a.id",
        &args![household],
        |r| Ok(Stood { name: r.text(0)?, from: r.text(1)?, to: r.opt_text(2)? }),
    )
}

// Erasure -------------------------------------------------------------------------------------------

/// What a retention run found, or erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub households: usize,
    pub members: usize,
    pub objections: usize,
    /// Uploaded workbooks and what was found in them.
    pub imports: usize,
    /// Contents of what hung on the wall.
    pub postings: usize,
}

/// Counts what has outlived its purpose, and where `erase` is asked for, takes the sealed values
/// out. The rows themselves stay: the ledger rests on them. Their fingerprints are taken anew.
pub fn expired(tx: &mut Tx, cut: Cutoff, erase: bool) -> Result<Expired> {
    const HOUSEHOLDS: &str = "SELECT id FROM household WHERE NOT active AND changed_at < $1 AND \
         (phone IS NOT NULL OR bank_name IS NOT NULL OR bank_account IS NOT NULL \
          OR income_fen IS NOT NULL OR poverty_cause IS NOT NULL)";
    const MEMBERS: &str = "SELECT m.household, m.id FROM member m \
         JOIN household h ON h.id = m.household \
         WHERE (NOT h.active OR NOT m.active) AND h.changed_at < $1 \
         AND (m.citizen_number IS NOT NULL OR m.health IS NOT NULL)";
    const OBJECTIONS: &str = "SELECT id FROM objection WHERE filed_at < $1 AND state <> 'open' \
         AND (by_name IS NOT NULL OR contact IS NOT NULL)";
    const IMPORTS: &str = "SELECT id FROM import WHERE (file IS NOT NULL AND at < $1) OR at < $2";
    let households = tx.all(HOUSEHOLDS, &args![cut.records], |r| r.id(0))?;
    let members = tx.all(MEMBERS, &args![cut.records], |r| Ok((r.id(0)?, r.id(1)?)))?;
    let objections = tx.all(OBJECTIONS, &args![cut.records], |r| r.id(0))?;
    let imports = tx.all(IMPORTS, &args![cut.uploads, cut.records], |r| r.id(0))?;
    let postings = crate::posting::log::erase_before(tx, cut.records, erase)?;
    if erase {
        households.iter().try_for_each(|id| erase_household(tx, *id))?;
        members.iter().try_for_each(|(household, id)| erase_member(tx, *household, *id))?;
        objections.iter().try_for_each(|id| erase_objection(tx, *id))?;
        // What remains of an upload is that there was one.
        imports.iter().try_for_each(|id| {
            tx.exec("UPDATE import SET file = NULL WHERE id = $1", &args![*id])?;
            let old = "SELECT at < $2 FROM import WHERE id = $1";
            if tx.one(old, &args![*id, cut.records], |r| r.bool(0))? {
                tx.exec("DELETE FROM import WHERE id = $1", &args![*id])?;
            }
            Ok::<_, crate::Broken>(())
        })?;
    }
    Ok(Expired {
        households: households.len(),
        members: members.len(),
        objections: objections.len(),
        imports: imports.len(),
        postings: usize::try_from(postings).unwrap_or(usize::MAX),
    })
}

fn erase_household(tx: &mut Tx, id: Id) -> Result<()> {
    let Some(row) = crate::registry::find(tx, id)? else { return Ok(()) };
    let erased = Household {
        phone: None,
        bank_name: None,
        bank_account: None,
        income_fen: None,
        poverty_cause: None,
        ..row.household
    };
    let digest = tx.keys().fingerprint(&erased.digest(id));
    tx.exec(
        "UPDATE household SET phone = NULL, bank_name = NULL, bank_account = NULL, \
         income_fen = NULL, poverty_cause = NULL, digest = $2 WHERE id = $1",
        &args![id, digest],
    )?;
    Ok(())
}

fn erase_member(tx: &mut Tx, household: Id, id: Id) -> Result<()> {
    let members = crate::registry::members(tx, household)?;
    let Some((_, member)) = members.into_iter().find(|(m, _)| *m == id) else { return Ok(()) };
    let erased = Member { citizen_number: None, health: None, ..member };
    let digest = tx.keys().fingerprint(&erased.digest(id));
    tx.exec(
        "UPDATE member SET citizen_number = NULL, citizen_hash = NULL, health = NULL, \
         digest = $2 WHERE id = $1",
        &args![id, digest],
    )?;
    Ok(())
}

fn erase_objection(tx: &mut Tx, id: Id) -> Result<()> {
    let Some(objection) = crate::posting::find_objection(tx, id)? else { return Ok(()) };
    let erased = Objection { by_name: None, contact: None, ..objection };
    let digest = tx.keys().fingerprint(&erased.digest());
    tx.exec(
        "UPDATE objection SET by_name = NULL, contact = NULL, digest = $2 WHERE id = $1",
        &args![id, digest],
    )?;
    Ok(())
}
