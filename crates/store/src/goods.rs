//! The SQL of the goods room: the catalogue, places, and what stands where.

mod donation;
mod market_day;

use std::collections::HashMap;

use domain::Id;
use domain::goods::{CatalogueFacts, Edition, Good, Shelf};

use crate::{Listing, Result, Row, Tx, Val, args};

pub use donation::{
    DonationFilter, DonationPage, DonationRow, LotRow, donation_page, donations, each_donation,
    find_donation, record_donation,
};
pub use market_day::{
    MarketDayFilter, MarketDayRow, each_market_day, find_market_day, is_announced, market_day_row,
    market_days, record_market_day,
};

// Places -------------------------------------------------------------------------------------------

/// A warehouse or a travelling store, and the area that it serves.
#[derive(Clone, Debug)]
pub struct Place {
    pub id: Id,
    /// `warehouse` or `store`.
    pub kind: String,
    pub name: String,
    pub area: Id,
    pub path: String,
}

fn place(r: &Row) -> Result<Place> {
    Ok(Place { id: r.id(0)?, kind: r.text(1)?, name: r.text(2)?, area: r.id(3)?, path: r.text(4)? })
}

const PLACE: &str = "SELECT id, kind, name, area, path FROM place";

pub fn places(tx: &mut Tx) -> Result<Vec<Place>> {
    tx.all(&format!("{PLACE} ORDER BY kind DESC, name, id"), &args![], place)
}

pub fn find_place(tx: &mut Tx, id: Id) -> Result<Option<Place>> {
    tx.opt(&format!("{PLACE} WHERE id = $1"), &args![id], place)
}

pub fn record_place(tx: &mut Tx, p: &Place) -> Result<()> {
    tx.exec(
        "INSERT INTO place (id, kind, name, area, path) VALUES ($1, $2, $3, $4, $5)",
        &args![p.id, &p.kind, &p.name, p.area, &p.path],
    )?;
    Ok(())
}

/// Where an area stands in the management tree.
pub fn area_path(tx: &mut Tx, area: Id) -> Result<Option<String>> {
    tx.opt("SELECT path FROM area WHERE id = $1", &args![area], |r| r.text(0))
}

pub fn village_path(tx: &mut Tx, village: Id) -> Result<Option<String>> {
    let sql = "SELECT path FROM area WHERE id = $1 AND kind = 'village'";
    tx.opt(sql, &args![village], |r| r.text(0))
}

/// Zone and townships within a scope.
pub fn areas(tx: &mut Tx, scope: &domain::access::Scope) -> Result<Vec<(Id, String)>> {
    let within = crate::Within::of(scope, "a.path", None, 1);
    let sql = format!(
        "SELECT a.id, a.name FROM area a WHERE a.kind IN ('zone', 'township') AND {} ORDER BY a.path",
        within.sql
    );
    tx.all(&sql, &within.args, |r| Ok((r.id(0)?, r.text(1)?)))
}

/// Villages within a scope, with the township before the name.
pub fn villages(tx: &mut Tx, scope: &domain::access::Scope) -> Result<Vec<(Id, String)>> {
    let within = crate::Within::of(scope, "v.path", None, 1);
    let sql = format!(
        "SELECT v.id, v.name, t.name FROM area v LEFT JOIN area t ON t.id = v.parent \
         WHERE v.kind = 'village' AND {} ORDER BY v.path",
        within.sql
    );
    tx.all(&sql, &within.args, |r| {
        let township = r.opt_text(2)?.map(|t| format!("{t} · ")).unwrap_or_default();
        Ok((r.id(0)?, format!("{township}{}", r.text(1)?)))
    })
}

// Catalogue ----------------------------------------------------------------------------------------

const GOOD: &str = "g.goods, g.sku, g.name_zh, g.name_en, g.category, g.measure, g.price_fen, \
                    g.points, g.limit_month, g.active";

fn good(r: &Row) -> Result<Good> {
    Ok(Good {
        goods: r.id(0)?,
        sku: r.text(1)?,
        name_zh: r.text(2)?,
        name_en: r.text(3)?,
        category: r.text(4)?,
        measure: r.text(5)?,
        price_fen: r.int(6)?,
        points: r.int(7)?,
        limit_month: r.int(8)?,
        active: r.bool(9)?,
    })
}

const EDITION: &str = "g.id, g.replaces, g.person, g.at";

fn edition(r: &Row) -> Result<Edition> {
    Ok(Edition {
        good: good(r)?,
        id: r.id(10)?,
        replaces: r.opt_id(11)?,
        person: r.opt_id(12)?,
        at: r.int(13)?,
    })
}

/// The edition in force.
pub fn find(tx: &mut Tx, goods: Id) -> Result<Option<Edition>> {
    let sql = format!("SELECT {GOOD}, {EDITION} FROM goods g WHERE g.goods = $1 AND g.current");
    tx.opt(&sql, &args![goods], edition)
}

/// Every edition of a good, newest first.
pub fn editions(tx: &mut Tx, goods: Id) -> Result<Vec<Edition>> {
    let sql = format!(
        "SELECT {GOOD}, {EDITION} FROM goods g WHERE g.goods = $1 ORDER BY g.at DESC, g.id DESC"
    );
    tx.all(&sql, &args![goods], edition)
}

/// All goods as they are now, by sku.
pub fn all(tx: &mut Tx) -> Result<Vec<Good>> {
    tx.all(&format!("SELECT {GOOD} FROM goods g WHERE g.current ORDER BY g.sku"), &args![], good)
}

/// Those of the goods that are in the catalogue now.
pub fn find_many(tx: &mut Tx, goods: &[Id]) -> Result<Vec<Good>> {
    let mut found = Vec::new();
    for id in goods {
        let sql = format!("SELECT {GOOD} FROM goods g WHERE g.goods = $1 AND g.current");
        found.extend(tx.opt(&sql, &args![*id], good)?);
    }
    Ok(found)
}

pub fn catalogue_facts(tx: &mut Tx, edition: &Edition) -> Result<CatalogueFacts> {
    Ok(CatalogueFacts {
        bearer_of_sku: tx.opt(
            "SELECT goods FROM goods WHERE sku = $1 AND current",
            &args![&edition.good.sku],
            |r| r.id(0),
        )?,
        current: tx.opt(
            "SELECT id FROM goods WHERE goods = $1 AND current",
            &args![edition.good.goods],
            |r| r.id(0),
        )?,
    })
}

/// The new edition takes the place of the one before it.
pub fn record_edition(tx: &mut Tx, e: &Edition) -> Result<()> {
    tx.exec(
        "UPDATE goods SET current = $2 WHERE goods = $1 AND current",
        &args![e.good.goods, false],
    )?;
    let g = &e.good;
    tx.exec(
        "INSERT INTO goods (id, goods, sku, name_zh, name_en, category, measure, price_fen, \
         points, limit_month, active, replaces, current, person, at, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &args![
            e.id,
            g.goods,
            &g.sku,
            &g.name_zh,
            &g.name_en,
            &g.category,
            &g.measure,
            g.price_fen,
            g.points,
            g.limit_month,
            g.active,
            e.replaces,
            true,
            e.person,
            e.at,
            e.digest()
        ],
    )?;
    Ok(())
}

/// How a list of goods may be ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GoodsSort {
    #[default]
    Sku,
    Points,
    Left,
}

#[derive(Clone, Debug, Default)]
pub struct GoodsFilter {
    /// In sku and both names.
    pub search: String,
    pub category: Option<String>,
    pub active: Option<bool>,
    pub sort: GoodsSort,
    pub descending: bool,
    pub offset: i64,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct GoodsRow {
    pub good: Good,
    /// In all of the places asked for.
    pub left: i64,
    pub left_by_place: HashMap<Id, i64>,
}

fn goods_listing(places: &[Id], filter: &GoodsFilter) -> Listing {
    let mut args: Vec<Val> = vec![format!("%{}%", filter.search.trim().to_lowercase()).into()];
    let mut matches = "g.current AND (lower(g.sku) LIKE $1 OR lower(g.name_zh) LIKE $1 \
                       OR lower(g.name_en) LIKE $1)"
        .to_owned();
    if let Some(category) = &filter.category {
        args.push(category.into());
        matches.push_str(&format!(" AND g.category = ${}", args.len()));
    }
    if let Some(active) = filter.active {
        args.push(active.into());
        matches.push_str(&format!(" AND g.active = ${}", args.len()));
    }
    let (inside, more) = one_of(places, args.len() + 1);
    let order = match filter.sort {
        GoodsSort::Sku => "g.sku",
        GoodsSort::Points => "g.points",
        GoodsSort::Left => "remaining",
    };
    let way = if filter.descending { "DESC" } else { "ASC" };
    Listing {
        select: format!(
            "{GOOD}, CAST(COALESCE((SELECT SUM(a.credits_posted - a.debits_posted \
             - a.debits_pending) FROM account a WHERE a.kind = 'stock' AND a.unit = g.goods \
             AND a.place IN ({inside})), 0) AS BIGINT) AS remaining"
        ),
        from: format!("FROM goods g WHERE {matches}"),
        order: format!("{order} {way}, g.sku"),
        args,
        more,
    }
}

/// What is left of each good, place by place.
type LeftByPlace = HashMap<(Id, Id), i64>;

fn goods_row(r: &Row, by_place: &LeftByPlace) -> Result<GoodsRow> {
    let good = good(r)?;
    let of_good = by_place.iter().filter(|((goods, _), _)| *goods == good.goods);
    let left_by_place = of_good.map(|((_, place), left)| (*place, *left)).collect();
    Ok(GoodsRow { good, left: r.int(10)?, left_by_place })
}

/// The catalogue with what is left in `places`, and how many goods match.
pub fn list(tx: &mut Tx, places: &[Id], filter: &GoodsFilter) -> Result<(Vec<GoodsRow>, i64)> {
    let listing = goods_listing(places, filter);
    let (total, by_place) = (listing.total(tx)?, left_by_place(tx, places)?);
    let rows = listing.page(tx, filter.offset, filter.limit, |r| goods_row(r, &by_place))?;
    Ok((rows, total))
}

/// The whole catalogue, one good after another.
pub fn each_good(
    tx: &mut Tx,
    places: &[Id],
    filter: &GoodsFilter,
    see: impl FnMut(GoodsRow) -> Result<()>,
) -> Result<()> {
    let by_place = left_by_place(tx, places)?;
    goods_listing(places, filter).each(tx, |r| goods_row(r, &by_place), see)
}

/// Placeholders for a list of ids from `first` on, and the ids; never an empty list.
pub(crate) fn one_of(ids: &[Id], first: usize) -> (String, Vec<Val>) {
    let mut args: Vec<Val> = ids.iter().map(|id| Val::Id(*id)).collect();
    if args.is_empty() {
        args.push(Val::Id(Id::nil()));
    }
    let places = (first..first + args.len()).map(|n| format!("${n}"));
    (places.collect::<Vec<_>>().join(", "), args)
}

// Stock --------------------------------------------------------------------------------------------

const LEFT: &str = "(a.credits_posted - a.debits_posted - a.debits_pending)";

/// What is left of each good at each place.
fn left_by_place(tx: &mut Tx, places: &[Id]) -> Result<LeftByPlace> {
    let (inside, args) = one_of(places, 1);
    let sql = format!(
        "SELECT a.unit, a.place, CAST(SUM({LEFT}) AS BIGINT) FROM account a \
         WHERE a.kind = 'stock' AND a.place IN ({inside}) GROUP BY a.unit, a.place"
    );
    Ok(tx.all(&sql, &args, |r| Ok(((r.id(0)?, r.id(1)?), r.int(2)?)))?.into_iter().collect())
}

const SHELF: &str = "a.unit, a.owner, a.place, l.expires_on";

fn shelf(r: &Row) -> Result<Shelf> {
    Ok(Shelf {
        goods: r.id(0)?,
        lot: r.id(1)?,
        place: r.id(2)?,
        expires_on: r.opt_date(3)?,
        left: r.int(4)?,
    })
}

/// What stands at a place.
pub fn shelves(tx: &mut Tx, place: Id) -> Result<Vec<Shelf>> {
    let sql = format!(
        "SELECT {SHELF}, {LEFT} FROM account a JOIN lot l ON l.id = a.owner \
         WHERE a.kind = 'stock' AND a.place = $1 AND {LEFT} > 0"
    );
    tx.all(&sql, &args![place], shelf)
}

/// What stands there of one good.
pub fn shelves_of(tx: &mut Tx, place: Id, goods: Id) -> Result<Vec<Shelf>> {
    let sql = format!(
        "SELECT {SHELF}, {LEFT} FROM account a JOIN lot l ON l.id = a.owner \
         WHERE a.kind = 'stock' AND a.place = $1 AND a.unit = $2 AND {LEFT} > 0"
    );
    tx.all(&sql, &args![place, goods], shelf)
}

#[derive(Clone, Debug, Default)]
pub struct StockFilter {
    pub search: String,
    /// Only what expires on or before this day.
    pub expires_by: Option<domain::Date>,
    pub offset: i64,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct StockRow {
    pub shelf: Shelf,
    pub sku: String,
    pub name_zh: String,
    pub name_en: String,
    pub measure: String,
    pub place: String,
    pub donor: String,
    pub received_on: domain::Date,
}

fn stock_listing(places: &[Id], filter: &StockFilter) -> Listing {
    let mut args: Vec<Val> = vec![format!("%{}%", filter.search.trim().to_lowercase()).into()];
    let (inside, ids) = one_of(places, 2);
    args.extend(ids);
    let mut from = format!(
        "FROM account a JOIN lot l ON l.id = a.owner JOIN donation d ON d.id = l.donation \
         JOIN goods g ON g.goods = a.unit AND g.current JOIN place p ON p.id = a.place \
         WHERE a.kind = 'stock' AND a.place IN ({inside}) AND {LEFT} > 0 \
         AND (lower(g.sku) LIKE $1 OR lower(g.name_zh) LIKE $1 OR lower(g.name_en) LIKE $1 \
         OR lower(d.donor) LIKE $1)"
    );
    if let Some(day) = filter.expires_by {
        args.push(day.into());
        from.push_str(&format!(
            " AND l.expires_on IS NOT NULL AND l.expires_on <= ${}",
            args.len()
        ));
    }
    Listing {
        select: format!(
            "{SHELF}, {LEFT}, g.sku, g.name_zh, g.name_en, g.measure, p.name, d.donor, \
             d.received_on"
        ),
        from,
        order: "CASE WHEN l.expires_on IS NULL THEN 1 ELSE 0 END, l.expires_on, g.sku, l.id"
            .to_owned(),
        args,
        more: Vec::new(),
    }
}

fn stock_row(r: &Row) -> Result<StockRow> {
    Ok(StockRow {
        shelf: shelf(r)?,
        sku: r.text(5)?,
        name_zh: r.text(6)?,
        name_en: r.text(7)?,
        measure: r.text(8)?,
        place: r.text(9)?,
        donor: r.text(10)?,
        received_on: r.date(11)?,
    })
}

/// Lots with something left, first to expire first, and how many match.
pub fn stock(tx: &mut Tx, places: &[Id], filter: &StockFilter) -> Result<(Vec<StockRow>, i64)> {
    let listing = stock_listing(places, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, filter.offset, filter.limit, stock_row)?, total))
}

/// All of that stock, one lot after another.
pub fn each_stock(
    tx: &mut Tx,
    places: &[Id],
    filter: &StockFilter,
    see: impl FnMut(StockRow) -> Result<()>,
) -> Result<()> {
    stock_listing(places, filter).each(tx, stock_row, see)
}
