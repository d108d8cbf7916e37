//! Where the points of one line of a statement came from, and where they went.

use std::collections::HashMap;

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

/// What became of a household in these batches, by batch.
pub fn credit_sources(
    tx: &mut Tx,
    batches: &[Id],
    household: Id,
) -> Result<HashMap<Id, CreditSource>> {
    let mut sources = HashMap::new();
    tx.each_of(
        "SELECT b.id, r.month, s.id, s.version, s.title_zh, s.title_en, t.id, t.basis, t.total, \
         b.certified_at FROM batch b JOIN round r ON r.id = b.round JOIN scheme s ON s.id = r.scheme \
         LEFT JOIN settlement t ON t.batch = b.id AND t.household = $1 AND t.current",
        &args![household],
        "b.id",
        batches,
        |r| {
            let source = CreditSource {
                batch: r.id(0)?,
                month: r.text(1)?,
                scheme: r.id(2)?,
                scheme_version: r.int(3)?,
                scheme_zh: r.text(4)?,
                scheme_en: r.text(5)?,
                settlement: r.opt_id(6)?,
                basis: r.opt_text(7)?,
                total: r.opt_int(8)?,
                certified_at: r.opt_int(9)?,
                sheets: Vec::new(),
                postings: Vec::new(),
            };
            sources.insert(source.batch, source);
            Ok(())
        },
    )?;
    tx.each_of(
        "SELECT s.batch, s.id, s.scorer, p.name, s.visited_on FROM sheet s \
         JOIN person p ON p.id = s.person AND s.household = $1 AND s.current",
        &args![household],
        "s.batch",
        batches,
        |r| {
            if let Some(source) = sources.get_mut(&r.id(0)?) {
                source.sheets.push((r.id(1)?, r.text(2)?, r.text(3)?, r.opt_date(4)?));
            }
            Ok(())
        },
    )?;
    let (sql, mut postings) =
        ("SELECT p.at, p.id, p.batch, p.from_date, p.to_date FROM posting p", vec![]);
    tx.each_of(sql, &[], "p.batch", batches, |r| {
        postings.push((r.int(0)?, r.id(1)?, r.id(2)?, r.date(3)?, r.date(4)?));
        Ok(())
    })?;
    postings.sort_unstable();
    for (_, id, batch, from, to) in postings {
        sources.entry(batch).and_modify(|source| source.postings.push((id, from, to)));
    }
    // The officer's sheet before the cadre's.
    sources.values_mut().for_each(|source| source.sheets.sort_by(|a, b| b.1.cmp(&a.1)));
    Ok(sources)
}

/// Events and documents of awards, by award.
pub fn bonus_sources(tx: &mut Tx, bonuses: &[Id]) -> Result<HashMap<Id, (String, String)>> {
    let mut sources = HashMap::new();
    let sql = "SELECT b.id, b.event, b.document FROM bonus b";
    tx.each_of(sql, &[], "b.id", bonuses, |r| {
        sources.insert(r.id(0)?, (r.text(1)?, r.text(2)?));
        Ok(())
    })?;
    Ok(sources)
}

/// The receipt behind a debit, or behind a reversal.
#[derive(Clone, Debug)]
pub struct DebitSource {
    pub redemption: Id,
    pub receipt: String,
    pub place: String,
    pub reason: Option<String>,
}

/// Receipts by redemption.
pub fn debit_sources(tx: &mut Tx, redemptions: &[Id]) -> Result<HashMap<Id, DebitSource>> {
    let mut sources = HashMap::new();
    tx.each_of(
        "SELECT r.id, r.receipt, p.name, r.reason FROM redemption r JOIN place p ON p.id = r.place",
        &[],
        "r.id",
        redemptions,
        |r| {
            let source = DebitSource {
                redemption: r.id(0)?,
                receipt: r.text(1)?,
                place: r.text(2)?,
                reason: r.opt_text(3)?,
            };
            sources.insert(source.redemption, source);
            Ok(())
        },
    )?;
    Ok(sources)
}
