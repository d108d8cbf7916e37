//! Cards by code and by household.

use domain::redemption::{Card, IssueFacts};
use domain::{Id, Millis};

use crate::{Result, Row, Tx, args};

const CARD: &str = "SELECT id, household, code, issued_at, issued_by, frozen_at, frozen_reason \
                    FROM card";

fn card(r: &Row) -> Result<Card> {
    Ok(Card {
        id: r.id(0)?,
        household: r.id(1)?,
        code: r.text(2)?,
        issued_at: r.int(3)?,
        issued_by: r.id(4)?,
        frozen_at: r.opt_int(5)?,
        frozen_reason: r.opt_text(6)?,
    })
}

pub fn find_card(tx: &mut Tx, id: Id) -> Result<Option<Card>> {
    tx.opt(&format!("{CARD} WHERE id = $1"), &args![id], card)
}

pub fn card_by_code(tx: &mut Tx, code: &str) -> Result<Option<Card>> {
    tx.opt(&format!("{CARD} WHERE code = $1"), &args![code], card)
}

/// Every card a household ever had, newest first.
pub fn cards(tx: &mut Tx, household: Id) -> Result<Vec<Card>> {
    let sql = format!("{CARD} WHERE household = $1 ORDER BY issued_at DESC, id DESC");
    tx.all(&sql, &args![household], card)
}

pub fn issue_facts(tx: &mut Tx, household: Id) -> Result<Option<IssueFacts>> {
    tx.opt(
        "SELECT h.active, EXISTS (SELECT 1 FROM card c WHERE c.household = h.id \
         AND c.frozen_at IS NULL) FROM household h WHERE h.id = $1",
        &args![household],
        |r| Ok(IssueFacts { household_active: r.bool(0)?, has_card: r.bool(1)? }),
    )
}

/// Is its code new? Else nothing is recorded; a card that has it may lie out of reach.
pub fn record_card(tx: &mut Tx, c: &Card) -> Result<bool> {
    let recorded = tx.exec(
        "INSERT INTO card (id, household, code, issued_at, issued_by, frozen_at, frozen_reason, \
         digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (code) DO NOTHING",
        &args![
            c.id,
            c.household,
            &c.code,
            c.issued_at,
            c.issued_by,
            c.frozen_at,
            c.frozen_reason.as_deref(),
            c.digest()
        ],
    )?;
    Ok(recorded > 0)
}

/// A card's freezing: when and why.
pub fn record_frozen(tx: &mut Tx, c: &Card) -> Result<()> {
    let frozen_at: Option<Millis> = c.frozen_at;
    tx.exec(
        "UPDATE card SET frozen_at = $2, frozen_reason = $3, digest = $4 WHERE id = $1",
        &args![c.id, frozen_at, c.frozen_reason.as_deref(), c.digest()],
    )?;
    Ok(())
}
