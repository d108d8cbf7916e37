//! Who visits, and what passes from one officer to another when they change.

use domain::access::Scope;
use domain::scoring::Scorer;
use domain::{Date, Id};

use crate::{Result, Tx, Within, args};

/// Somebody who visits and scores, as the page of handing over lists them.
pub struct Visitor {
    pub id: Id,
    pub name: String,
    pub unit: Option<String>,
    /// Households assigned to them within the asker's areas.
    pub households: i64,
}

/// Everybody with a cadre's post today, or an assistance officer's within `scope`, by name or unit.
pub fn visitors(
    tx: &mut Tx,
    scope: &Scope,
    search: &str,
    today: Date,
    (offset, limit): (i64, i64),
) -> Result<(Vec<Visitor>, i64)> {
    let officers = Within::of(scope, "o.path", None, 3);
    let households = Within::of(scope, "h.path", None, 3 + officers.args.len());
    let from = format!(
        "FROM person p WHERE p.disabled_at IS NULL \
         AND (lower(p.name) LIKE $1 OR lower(COALESCE(p.unit, '')) LIKE $1) \
         AND EXISTS (SELECT 1 FROM post t LEFT JOIN area o ON o.id = t.area \
         WHERE t.person = p.id AND t.from_date <= $2 AND (t.to_date IS NULL OR t.to_date >= $2) \
         AND (t.role = 'assigned_cadre' OR (t.role = 'assistance_officer' AND {})))",
        officers.sql
    );
    let like = format!("%{}%", search.trim().to_lowercase());
    let mut args = args![like, today].to_vec();
    args.extend(officers.args);
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total = tx.one(&count, &args, |r| r.int(0))?;
    args.extend(households.args);
    let n = args.len() + 1;
    let sql = format!(
        "SELECT p.id, p.name, p.unit, (SELECT CAST(COUNT(*) AS BIGINT) FROM assignment s \
         JOIN household h ON h.id = s.household \
         WHERE s.person = p.id AND s.to_date IS NULL AND {}) \
         {from} ORDER BY p.name, p.id LIMIT ${n} OFFSET ${}",
        households.sql,
        n + 1
    );
    args.extend(args![limit, offset].to_vec());
    let rows = tx.all(&sql, &args, |r| {
        Ok(Visitor { id: r.id(0)?, name: r.text(1)?, unit: r.opt_text(2)?, households: r.int(3)? })
    })?;
    Ok((rows, total))
}

/// (assignment, household) of one person within `scope`.
pub fn assigned_to(tx: &mut Tx, person: Id, scope: &Scope) -> Result<Vec<(Id, Id)>> {
    let within = Within::of(scope, "h.path", None, 2);
    let sql = format!(
        "SELECT s.id, s.household FROM assignment s JOIN household h ON h.id = s.household \
         WHERE s.person = $1 AND s.to_date IS NULL AND {} ORDER BY s.id",
        within.sql
    );
    let mut args = args![person].to_vec();
    args.extend(within.args);
    tx.all(&sql, &args, |r| Ok((r.id(0)?, r.id(1)?)))
}

/// In months whose scoring is still open, the sheets that `from` has not given are for `to` to give.
/// Nobody gives both sheets of a household: there the place falls empty. How many places changed.
pub fn hand_over_sheets(
    tx: &mut Tx,
    scorer: Scorer,
    (from, to): (Id, Id),
    scope: &Scope,
) -> Result<u64> {
    let (mine, other) = match scorer {
        Scorer::AssistanceOfficer => ("officer", "cadre"),
        Scorer::AssignedCadre => ("cadre", "officer"),
    };
    let within = Within::of(scope, "b.path", None, 4);
    let sql = format!(
        "UPDATE roster SET {mine} = CASE WHEN {other} = $2 THEN NULL ELSE $2 END \
         WHERE {mine} = $1 AND EXISTS (SELECT 1 FROM batch b \
         WHERE b.id = roster.batch AND b.state = 'draft' AND {}) \
         AND NOT EXISTS (SELECT 1 FROM sheet s WHERE s.batch = roster.batch \
         AND s.household = roster.household AND s.scorer = $3 AND s.current)",
        within.sql
    );
    let mut args = args![from, to, scorer.code()].to_vec();
    args.extend(within.args);
    tx.exec(&sql, &args)
}
