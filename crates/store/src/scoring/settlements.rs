//! What was settled of a household's month, and when.

use domain::audit::Digest;
use domain::scoring::{Scores, Settlement};
use domain::{Id, Millis};

use super::scores;
use crate::{Result, Row, Tx, Type, Val, args};

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

pub(super) const SETTLED: &str = "m.id, m.batch, m.household, m.outcome, m.basis, m.scores, m.sums, m.total, \
                       m.note, m.person, m.at, m.replaces";

pub(super) fn settled(r: &Row) -> Result<Settled> {
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
