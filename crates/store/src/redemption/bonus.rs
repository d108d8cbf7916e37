//! One-off awards.

use domain::Id;
use domain::redemption::Bonus;

use crate::{Result, Row, Tx, args};

pub fn is_bonus_given(tx: &mut Tx, household: Id, event: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM bonus WHERE household = $1 AND event = $2";
    Ok(tx.opt(sql, &args![household, event], |_| Ok(()))?.is_some())
}

pub fn record_bonus(tx: &mut Tx, b: &Bonus) -> Result<()> {
    tx.exec(
        "INSERT INTO bonus (id, household, event, points, document, person, on_date, at, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            b.id,
            b.household,
            &b.event,
            b.points,
            &b.document,
            b.person,
            b.on_date,
            b.at,
            b.digest()
        ],
    )?;
    Ok(())
}

fn bonus(r: &Row) -> Result<Bonus> {
    Ok(Bonus {
        id: r.id(0)?,
        household: r.id(1)?,
        event: r.text(2)?,
        points: r.int(3)?,
        document: r.text(4)?,
        person: r.id(5)?,
        on_date: r.date(6)?,
        at: r.int(7)?,
    })
}

/// What a household was awarded, newest first.
pub fn bonuses(tx: &mut Tx, household: Id) -> Result<Vec<Bonus>> {
    tx.all(
        "SELECT id, household, event, points, document, person, on_date, at FROM bonus \
         WHERE household = $1 ORDER BY at DESC, id DESC",
        &args![household],
        bonus,
    )
}
