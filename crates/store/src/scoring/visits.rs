//! Whose households are still to be visited.

use domain::access::Scope;
use domain::scoring::BatchState;
use domain::{Date, Id, Millis};

use super::state;
use crate::{Listing, Result, Row, Tx, Within, args};

/// A household on somebody's own list of visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    pub batch: Id,
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub hamlet: Option<String>,
    pub village_name: String,
    pub state: BatchState,
    pub visited_on: Option<Date>,
    /// When the own sheet was saved; none: still to visit.
    pub saved_at: Option<Millis>,
}

/// How far one village is, over the households of this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub batch: Id,
    pub village_name: String,
    pub state: BatchState,
    pub mine: i64,
    pub done: i64,
}

const MINE: &str = "roster o JOIN batch b ON b.id = o.batch JOIN area a ON a.id = b.village \
     LEFT JOIN sheet s ON s.batch = o.batch AND s.household = o.household AND s.current \
     AND s.scorer = CASE WHEN o.officer = $1 THEN 'assistance_officer' ELSE 'assigned_cadre' END";
const IS_MINE: &str = "b.round = $2 AND (o.officer = $1 OR o.cadre = $1)";

#[derive(Clone, Debug, Default)]
pub struct VisitFilter {
    /// Of name or number.
    pub search: String,
    pub batch: Option<Id>,
    /// Only those still to visit.
    pub to_do: bool,
    /// Only in the villages of this scope.
    pub within: Option<Scope>,
}

/// Still to visit first, then by village and list.
fn visit_listing(person: Id, round: Id, filter: &VisitFilter) -> Listing {
    let mut sql = IS_MINE.to_owned();
    let mut args = args![person, round].to_vec();
    let mut searched = "";
    if !filter.search.trim().is_empty() {
        searched = "JOIN household h ON h.id = o.household";
        args.push(format!("%{}%", filter.search.trim()).into());
        sql.push_str(&format!(" AND (h.head_name LIKE ${0} OR h.number LIKE ${0})", args.len()));
    }
    if let Some(batch) = filter.batch {
        args.push(batch.into());
        sql.push_str(&format!(" AND o.batch = ${}", args.len()));
    }
    if filter.to_do {
        sql.push_str(" AND s.id IS NULL");
    }
    if let Some(scope) = &filter.within {
        let within = Within::of(scope, "b.path", None, args.len() + 1);
        sql.push_str(&format!(" AND {}", within.sql));
        args.extend(within.args);
    }
    Listing {
        select: "o.batch, o.household, \
                 (SELECT n.number FROM household n WHERE n.id = o.household), o.head_name, \
                 (SELECT n.hamlet FROM household n WHERE n.id = o.household), a.name, b.state, \
                 s.visited_on, s.at"
            .to_owned(),
        from: format!("FROM {MINE} {searched} WHERE {sql}"),
        order: "CASE WHEN s.id IS NULL THEN 0 ELSE 1 END, b.path, o.position".to_owned(),
        args,
        more: Vec::new(),
    }
}

fn visit(r: &Row) -> Result<Visit> {
    Ok(Visit {
        batch: r.id(0)?,
        household: r.id(1)?,
        number: r.text(2)?,
        head_name: r.text(3)?,
        hamlet: r.opt_text(4)?,
        village_name: r.text(5)?,
        state: state(r, 6)?,
        visited_on: r.opt_date(7)?,
        saved_at: r.opt_int(8)?,
    })
}

pub fn visits(
    tx: &mut Tx,
    person: Id,
    round: Id,
    filter: &VisitFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Visit>, i64)> {
    let listing = visit_listing(person, round, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, visit)?, total))
}

/// The whole list, one household after another.
pub fn each_visit(
    tx: &mut Tx,
    person: Id,
    round: Id,
    filter: &VisitFilter,
    see: impl FnMut(Visit) -> Result<()>,
) -> Result<()> {
    visit_listing(person, round, filter).each(tx, visit, see)
}

pub fn progress(tx: &mut Tx, person: Id, round: Id) -> Result<Vec<Progress>> {
    tx.all(
        &format!(
            "SELECT o.batch, a.name, b.state, COUNT(*), COUNT(s.id) FROM {MINE} WHERE {IS_MINE} \
             GROUP BY o.batch, a.name, b.state, b.path ORDER BY b.path"
        ),
        &args![person, round],
        |r| {
            Ok(Progress {
                batch: r.id(0)?,
                village_name: r.text(1)?,
                state: state(r, 2)?,
                mine: r.int(3)?,
                done: r.int(4)?,
            })
        },
    )
}

/// The next household of this person in the batch that still waits for a visit, in the order of
/// the list and around its end.
pub fn next_to_visit(tx: &mut Tx, person: Id, batch: Id, after: Id) -> Result<Option<Id>> {
    tx.opt(
        "SELECT o.household FROM roster o \
         LEFT JOIN sheet s ON s.batch = o.batch AND s.household = o.household AND s.current \
         AND s.scorer = CASE WHEN o.officer = $1 THEN 'assistance_officer' ELSE 'assigned_cadre' END \
         WHERE o.batch = $2 AND (o.officer = $1 OR o.cadre = $1) AND o.household <> $3 \
         AND s.id IS NULL \
         ORDER BY CASE WHEN o.position > (SELECT position FROM roster WHERE batch = $2 \
          AND household = $3) THEN 0 ELSE 1 END, o.position LIMIT 1",
        &args![person, batch, after],
        |r| r.id(0),
    )
}

/// A household of a batch that lacks a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToVisit {
    pub number: String,
    pub head_name: String,
    pub officer_missing: bool,
    pub cadre_missing: bool,
}

pub fn to_visit(tx: &mut Tx, batch: Id, limit: i64) -> Result<Vec<ToVisit>> {
    tx.all(
        "SELECT h.number, o.head_name, f.id, c.id FROM roster o \
         JOIN household h ON h.id = o.household \
         LEFT JOIN sheet f ON f.batch = o.batch AND f.household = o.household AND f.current \
         AND f.scorer = 'assistance_officer' \
         LEFT JOIN sheet c ON c.batch = o.batch AND c.household = o.household AND c.current \
         AND c.scorer = 'assigned_cadre' \
         WHERE o.batch = $1 AND (f.id IS NULL OR c.id IS NULL) ORDER BY o.position LIMIT $2",
        &args![batch, limit],
        |r| {
            Ok(ToVisit {
                number: r.text(0)?,
                head_name: r.text(1)?,
                officer_missing: r.opt_id(2)?.is_none(),
                cadre_missing: r.opt_id(3)?.is_none(),
            })
        },
    )
}
