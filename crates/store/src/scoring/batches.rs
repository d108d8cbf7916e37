//! Batches and where each stands; who is still to be seen, by village.

use domain::access::Scope;
use domain::calendar::Month;
use domain::scoring::{BatchState, Missing, Scorer};
use domain::{Date, Id, Millis};

use super::{month, state};
use crate::{Broken, Listing, Result, Row, Tx, Val, Within, args};

/// A batch and where it stands, as lists and its own page show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: Id,
    pub round: Id,
    pub month: Month,
    pub scheme: Id,
    pub visits_from: Date,
    pub visits_to: Date,
    pub village: Id,
    pub village_name: String,
    pub township_name: String,
    pub path: String,
    pub state: BatchState,
    pub households: i64,
    pub officer_sheets: i64,
    pub cadre_sheets: i64,
    pub settled: i64,
}

impl Batch {
    pub fn missing(&self) -> Missing {
        Missing {
            officer: self.households - self.officer_sheets,
            cadre: self.households - self.cadre_sheets,
        }
    }
    pub fn sheets_due(&self) -> i64 {
        2 * self.households
    }
    pub fn sheets_in(&self) -> i64 {
        self.officer_sheets + self.cadre_sheets
    }
}

/// Sheets of the officer, of the cadre, and settlements of batch `b`. Counted, along an index, only
/// while they are on the move: sheets while a month is scored, settlements while it is reviewed.
/// Before, there are none; afterwards their number stands.
pub(crate) const HOW_FAR: &str = "\
     CASE WHEN b.state <> 'draft' THEN b.officer_sheets ELSE (SELECT COUNT(*) FROM sheet s \
      WHERE s.batch = b.id AND s.scorer = 'assistance_officer' AND s.current) END, \
     CASE WHEN b.state <> 'draft' THEN b.cadre_sheets ELSE (SELECT COUNT(*) FROM sheet s \
      WHERE s.batch = b.id AND s.scorer = 'assigned_cadre' AND s.current) END, \
     CASE b.state WHEN 'draft' THEN 0 WHEN 'scored' THEN (SELECT COUNT(*) FROM settlement m \
      WHERE m.batch = b.id AND m.current) ELSE b.households END";
const BATCH: &str = "b.id, b.round, r.month, r.scheme, r.visits_from, r.visits_to, b.village, a.name, \
     COALESCE(t.name, ''), b.path, b.state, b.households";
const BATCH_TABLES: &str = "batch b JOIN round r ON r.id = b.round JOIN area a ON a.id = b.village \
                            LEFT JOIN area t ON t.id = a.parent";

fn batch(r: &Row) -> Result<Batch> {
    Ok(Batch {
        id: r.id(0)?,
        round: r.id(1)?,
        month: month(r, 2)?,
        scheme: r.id(3)?,
        visits_from: r.date(4)?,
        visits_to: r.date(5)?,
        village: r.id(6)?,
        village_name: r.text(7)?,
        township_name: r.text(8)?,
        path: r.text(9)?,
        state: state(r, 10)?,
        households: r.int(11)?,
        officer_sheets: r.int(12)?,
        cadre_sheets: r.int(13)?,
        settled: r.int(14)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Batch>> {
    let sql = format!("SELECT {BATCH}, {HOW_FAR} FROM {BATCH_TABLES} WHERE b.id = $1");
    tx.opt(&sql, &args![id], batch)
}

/// Where a batch stands, without how far its households are: what settling one of them asks.
pub struct Standing {
    pub id: Id,
    pub path: String,
    pub state: BatchState,
    pub scheme: Id,
}

pub fn standing(tx: &mut Tx, id: Id) -> Result<Option<Standing>> {
    let sql = "SELECT b.id, b.path, b.state, r.scheme FROM batch b JOIN round r ON r.id = b.round \
               WHERE b.id = $1";
    tx.opt(sql, &args![id], |r| {
        Ok(Standing { id: r.id(0)?, path: r.text(1)?, state: state(r, 2)?, scheme: r.id(3)? })
    })
}

/// Which batches a list shows.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    pub month: Option<Month>,
    pub state: Option<BatchState>,
    /// Everything at or below this area.
    pub area: Option<String>,
    pub search: String,
    pub order: BatchOrder,
}

/// How a list of batches may be ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchOrder {
    /// Newest month first, then by place.
    #[default]
    Month,
    /// By place, then newest month first.
    Village,
    /// Those least far first.
    State,
}

fn batch_listing(scope: &Scope, filter: &BatchFilter) -> Listing {
    let within = Within::of(scope, "b.path", None, 1);
    let mut sql = within.sql;
    let mut args = within.args;
    let mut and = |term: &str, vals: Vec<Val>| {
        let mut term = term.to_owned();
        for (i, val) in vals.into_iter().enumerate() {
            args.push(val);
            term = term.replace(&format!("#{}", i + 1), &format!("${}", args.len()));
        }
        sql.push_str(" AND ");
        sql.push_str(&term);
    };
    if let Some(month) = filter.month {
        and("r.month = #1", vec![month.to_string().into()]);
    }
    if let Some(state) = filter.state {
        and("b.state = #1", vec![state.code().into()]);
    }
    if let Some(area) = &filter.area {
        and("(b.path >= #1 AND b.path < #2)", vec![area.into(), format!("{area}/").into()]);
    }
    if !filter.search.trim().is_empty() {
        let like = format!("%{}%", filter.search.trim());
        and("(a.name LIKE #1 OR t.name LIKE #1)", vec![like.into()]);
    }
    let order = match filter.order {
        BatchOrder::Month => "r.month DESC, b.path".to_owned(),
        BatchOrder::Village => "b.path, r.month DESC".to_owned(),
        BatchOrder::State => {
            let step = |(n, s): (usize, &BatchState)| format!("WHEN '{}' THEN {n}", s.code());
            let steps: Vec<String> = BatchState::ALL.iter().enumerate().map(step).collect();
            format!("CASE b.state {} END, r.month DESC, b.path", steps.join(" "))
        }
    };
    let from = format!("FROM {BATCH_TABLES} WHERE {sql}");
    Listing { select: format!("{BATCH}, {HOW_FAR}"), from, order, args, more: Vec::new() }
}

/// `limit` rows from `offset`, and how many there are in all.
pub fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &BatchFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Batch>, i64)> {
    let listing = batch_listing(scope, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, batch)?, total))
}

/// The whole list, one batch after another.
pub fn each_batch(
    tx: &mut Tx,
    scope: &Scope,
    filter: &BatchFilter,
    see: impl FnMut(Batch) -> Result<()>,
) -> Result<()> {
    batch_listing(scope, filter).each(tx, batch, see)
}

/// Moves a batch one state on and keeps the moment, and with the end of scoring the number of
/// sheets that are in. False: it was not in `from` any more.
pub fn move_batch(
    tx: &mut Tx,
    id: Id,
    from: BatchState,
    to: BatchState,
    at: Millis,
) -> Result<bool> {
    let column = match to {
        BatchState::Draft => return Err(Broken::data("a batch never goes back to draft")),
        BatchState::Scored => "scored_at",
        BatchState::Reviewed => "reviewed_at",
        BatchState::InPublicity => "posted_at",
        BatchState::Certified => "certified_at",
        BatchState::Credited => "credited_at",
    };
    let moved = tx.exec(
        &format!("UPDATE batch SET state = $3, {column} = $4 WHERE id = $1 AND state = $2"),
        &args![id, from.code(), to.code(), at],
    )?;
    if moved == 1 && to == BatchState::Scored {
        let sheets = "(SELECT COUNT(*) FROM sheet s WHERE s.batch = batch.id AND s.current \
                      AND s.scorer = ";
        tx.exec(
            &format!(
                "UPDATE batch SET officer_sheets = {sheets}$2), cadre_sheets = {sheets}$3) \
                 WHERE id = $1"
            ),
            &args![id, Scorer::AssistanceOfficer.code(), Scorer::AssignedCadre.code()],
        )?;
    }
    Ok(moved == 1)
}

/// Coverage of a round by village: who is still to be seen.
pub fn coverage(tx: &mut Tx, scope: &Scope, round: Id) -> Result<Vec<Batch>> {
    let within = Within::of(scope, "b.path", None, 2);
    let mut args = vec![Val::from(round)];
    args.extend(within.args);
    let sql = format!(
        "SELECT {BATCH}, {HOW_FAR} FROM {BATCH_TABLES} WHERE b.round = $1 AND {} ORDER BY b.path",
        within.sql
    );
    tx.all(&sql, &args, batch)
}
