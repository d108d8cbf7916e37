//! Where the points of one line of a statement came from, and where they went.

use domain::{Date, Id};

use crate::{Result, Tx, args};

/// The month behind a credit: batch, both sheets, settlement, posting, scheme version.
#[derive(Clone, Debug)]
pub struct CreditSource {
    pub batch: Id,
    pub month: String,
    pub scheme: Id,
    pub scheme_version: i64,
    pub scheme_zh: String,
    pub scheme_en: String,
    pub settlement: Option<Id>,
    pub basis: Option<String>,
    pub total: Option<i64>,
    /// (sheet, scorer's kind, scorer's name, day of the visit)
    pub sheets: Vec<(Id, String, String, Option<Date>)>,
    /// (posting, from, to)
    pub postings: Vec<(Id, Date, Date)>,
    pub certified_at: Option<i64>,
}

pub fn credit_source(tx: &mut Tx, batch: Id, household: Id) -> Result<Option<CreditSource>> {
    let sheets = tx.all(
        "SELECT s.id, s.scorer, p.name, s.visited_on FROM sheet s JOIN person p ON p.id = s.person \
         WHERE s.batch = $1 AND s.household = $2 AND s.current ORDER BY s.scorer DESC",
        &args![batch, household],
        |r| Ok((r.id(0)?, r.text(1)?, r.text(2)?, r.opt_date(3)?)),
    )?;
    let postings = tx.all(
        "SELECT id, from_date, to_date FROM posting WHERE batch = $1 ORDER BY at, id",
        &args![batch],
        |r| Ok((r.id(0)?, r.date(1)?, r.date(2)?)),
    )?;
    tx.opt(
        "SELECT r.month, s.id, s.version, s.title_zh, s.title_en, t.id, t.basis, t.total, \
         b.certified_at FROM batch b JOIN round r ON r.id = b.round JOIN scheme s ON s.id = r.scheme \
         LEFT JOIN settlement t ON t.batch = b.id AND t.household = $2 AND t.current \
         WHERE b.id = $1",
        &args![batch, household],
        |r| {
            Ok(CreditSource {
                batch,
                month: r.text(0)?,
                scheme: r.id(1)?,
                scheme_version: r.int(2)?,
                scheme_zh: r.text(3)?,
                scheme_en: r.text(4)?,
                settlement: r.opt_id(5)?,
                basis: r.opt_text(6)?,
                total: r.opt_int(7)?,
                certified_at: r.opt_int(8)?,
                sheets: sheets.clone(),
                postings: postings.clone(),
            })
        },
    )
}

/// An award's event and document.
pub fn bonus_source(tx: &mut Tx, bonus: Id) -> Result<Option<(String, String)>> {
    let sql = "SELECT event, document FROM bonus WHERE id = $1";
    tx.opt(sql, &args![bonus], |r| Ok((r.text(0)?, r.text(1)?)))
}

/// The receipt behind a debit, or behind a reversal.
#[derive(Clone, Debug)]
pub struct DebitSource {
    pub redemption: Id,
    pub receipt: String,
    pub place: String,
    pub reason: Option<String>,
}

pub fn debit_source(tx: &mut Tx, redemption: Id) -> Result<Option<DebitSource>> {
    tx.opt(
        "SELECT r.receipt, p.name, r.reason FROM redemption r JOIN place p ON p.id = r.place \
         WHERE r.id = $1",
        &args![redemption],
        |r| {
            Ok(DebitSource {
                redemption,
                receipt: r.text(0)?,
                place: r.text(1)?,
                reason: r.opt_text(2)?,
            })
        },
    )
}
