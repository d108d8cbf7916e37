//! Declared kinship.

use domain::audit::Digest;
use domain::{Id, Millis};

use crate::{Result, Tx, args};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinship {
    pub id: Id,
    pub person: Id,
    pub household: Id,
    pub relation: String,
    pub declared_at: Millis,
    pub declared_by: Id,
}

impl Kinship {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("kinship")
            .id(self.id)
            .id(self.person)
            .id(self.household)
            .text(&self.relation)
            .number(self.declared_at)
            .id(self.declared_by)
            .finish()
    }
}

pub fn record_kinship(tx: &mut Tx, k: &Kinship) -> Result<()> {
    tx.exec(
        "INSERT INTO kinship (id, person, household, relation, declared_at, declared_by, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &args![k.id, k.person, k.household, &k.relation, k.declared_at, k.declared_by, k.digest()],
    )?;
    Ok(())
}

/// The relation declared between a person and a household.
pub fn declared(tx: &mut Tx, person: Id, household: Id) -> Result<Option<String>> {
    tx.opt(
        "SELECT relation FROM kinship WHERE household = $1 AND person = $2",
        &args![household, person],
        |r| r.text(0),
    )
}

/// Every declaration with the fingerprint written down.
pub fn each_kinship(
    tx: &mut Tx,
    mut see: impl FnMut(Kinship, [u8; 32]) -> Result<()>,
) -> Result<()> {
    tx.each(
        "SELECT id, person, household, relation, declared_at, declared_by, digest FROM kinship",
        &args![],
        |r| {
            let kinship = Kinship {
                id: r.id(0)?,
                person: r.id(1)?,
                household: r.id(2)?,
                relation: r.text(3)?,
                declared_at: r.int(4)?,
                declared_by: r.id(5)?,
            };
            see(kinship, r.digest(6)?)
        },
    )
}

/// (name, relation, declared when) of a household's declared relatives.
pub fn kin(tx: &mut Tx, household: Id) -> Result<Vec<(String, String, Millis)>> {
    tx.all(
        "SELECT p.name, k.relation, k.declared_at FROM kinship k JOIN person p ON p.id = k.person \
         WHERE k.household = $1 ORDER BY k.declared_at, k.id",
        &args![household],
        |r| Ok((r.text(0)?, r.text(1)?, r.int(2)?)),
    )
}

/// (id, name, unit) of those who can act for a household at this path: posts at its areas, and the
/// cadres it is assigned to.
pub fn relatives_to_choose(
    tx: &mut Tx,
    household: Id,
    path: &str,
) -> Result<Vec<(Id, String, Option<String>)>> {
    tx.all(
        "SELECT DISTINCT p.id, p.name, p.unit FROM person p \
         LEFT JOIN post t ON t.person = p.id AND t.to_date IS NULL \
         LEFT JOIN area a ON a.id = t.area \
         LEFT JOIN assignment s ON s.person = p.id AND s.household = $1 AND s.to_date IS NULL \
         WHERE p.disabled_at IS NULL AND (s.id IS NOT NULL OR a.path = $2 \
            OR substr($2, 1, length(a.path) + 1) = a.path || '.') \
         ORDER BY p.name, p.id LIMIT 200",
        &args![household, path],
        |r| Ok((r.id(0)?, r.text(1)?, r.opt_text(2)?)),
    )
}
