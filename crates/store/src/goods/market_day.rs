//! When the travelling store comes where.

use domain::access::Scope;
use domain::goods::MarketDay;
use domain::{Date, Id};

use crate::{Listing, Result, Row, Tx, Val, Within, args};

const MARKET_DAY: &str = "m.id, m.place, m.village, m.path, m.on_date, m.spot, m.person, \
                          m.announced_at";

fn market_day(r: &Row) -> Result<MarketDay> {
    Ok(MarketDay {
        id: r.id(0)?,
        place: r.id(1)?,
        village: r.id(2)?,
        path: r.text(3)?,
        on_date: r.date(4)?,
        spot: r.text(5)?,
        person: r.id(6)?,
        announced_at: r.int(7)?,
    })
}

pub fn find_market_day(tx: &mut Tx, id: Id) -> Result<Option<MarketDay>> {
    let sql = format!("SELECT {MARKET_DAY} FROM market_day m WHERE m.id = $1");
    tx.opt(&sql, &args![id], market_day)
}

/// Is this store already announced for this village and day?
pub fn is_announced(tx: &mut Tx, place: Id, village: Id, on: Date) -> Result<bool> {
    let known = tx.opt(
        "SELECT 1 FROM market_day WHERE place = $1 AND village = $2 AND on_date = $3",
        &args![place, village, on],
        |_| Ok(()),
    )?;
    Ok(known.is_some())
}

pub fn record_market_day(tx: &mut Tx, m: &MarketDay) -> Result<()> {
    tx.exec(
        "INSERT INTO market_day (id, place, village, path, on_date, spot, person, announced_at, \
         digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            m.id,
            m.place,
            m.village,
            &m.path,
            m.on_date,
            &m.spot,
            m.person,
            m.announced_at,
            m.digest()
        ],
    )?;
    Ok(())
}

#[derive(Clone, Debug, Default)]
pub struct MarketDayFilter {
    /// In village and spot.
    pub search: String,
    pub place: Option<Id>,
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub newest_first: bool,
    pub offset: i64,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct MarketDayRow {
    pub market_day: MarketDay,
    pub place: String,
    pub village: String,
    /// Redemptions that stand.
    pub redemptions: i64,
    /// Points spent, less what was reversed.
    pub points: i64,
}

const ROW: &str = "p.name, v.name, m.redemptions, m.points";

const FROM: &str =
    "FROM market_day m JOIN place p ON p.id = m.place JOIN area v ON v.id = m.village";

fn row(r: &Row) -> Result<MarketDayRow> {
    Ok(MarketDayRow {
        market_day: market_day(r)?,
        place: r.text(8)?,
        village: r.text(9)?,
        redemptions: r.int(10)?,
        points: r.int(11)?,
    })
}

pub fn market_day_row(tx: &mut Tx, id: Id) -> Result<Option<MarketDayRow>> {
    tx.opt(&format!("SELECT {MARKET_DAY}, {ROW} {FROM} WHERE m.id = $1"), &args![id], row)
}

/// Soonest first unless asked otherwise.
fn listing(scope: &Scope, filter: &MarketDayFilter) -> Listing {
    let mut args: Vec<Val> = vec![format!("%{}%", filter.search.trim().to_lowercase()).into()];
    let within = Within::of(scope, "m.path", None, 2);
    args.extend(within.args);
    let mut matches =
        format!("{} AND (lower(v.name) LIKE $1 OR lower(m.spot) LIKE $1)", within.sql);
    if let Some(place) = filter.place {
        args.push(place.into());
        matches.push_str(&format!(" AND m.place = ${}", args.len()));
    }
    for (day, compared) in [(filter.from, ">="), (filter.to, "<=")] {
        if let Some(day) = day {
            args.push(day.into());
            matches.push_str(&format!(" AND m.on_date {compared} ${}", args.len()));
        }
    }
    let way = if filter.newest_first { "DESC" } else { "ASC" };
    Listing {
        select: format!("{MARKET_DAY}, {ROW}"),
        from: format!("{FROM} WHERE {matches}"),
        order: format!("m.on_date {way}, m.id {way}"),
        args,
        more: Vec::new(),
    }
}

/// Market days in the villages of a scope, and how many match.
pub fn market_days(
    tx: &mut Tx,
    scope: &Scope,
    filter: &MarketDayFilter,
) -> Result<(Vec<MarketDayRow>, i64)> {
    let listing = listing(scope, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, filter.offset, filter.limit, row)?, total))
}

/// The whole list, one market day after another.
pub fn each_market_day(
    tx: &mut Tx,
    scope: &Scope,
    filter: &MarketDayFilter,
    see: impl FnMut(MarketDayRow) -> Result<()>,
) -> Result<()> {
    listing(scope, filter).each(tx, row, see)
}
