//! What the store prints: the list of a market day, thanks to a donor, the sheet to count by.

use domain::access::{Scope, is_within};
use domain::{Date, Id};
use store::Tx;

use super::{Read, covered, rows, zone_name};
use crate::Failure;

/// A good that can be had.
#[derive(Clone, Debug)]
pub struct Offered {
    pub name: String,
    pub measure: String,
    pub points: i64,
    pub left: i64,
    /// Pieces for a household in a month; nought: no limit.
    pub limit_month: i64,
}

#[derive(Clone, Debug)]
pub struct ListLine {
    pub number: String,
    pub name: String,
    pub balance: i64,
}

/// Who can have what on a market day: for the counter, and for when the network is gone.
#[derive(Clone, Debug)]
pub struct MarketList {
    pub zone: String,
    pub village: String,
    pub place: String,
    pub spot: String,
    pub on_date: Date,
    pub goods: Vec<Offered>,
    pub households: Vec<ListLine>,
}

pub fn market_list(tx: &mut Tx, scope: &Scope, id: Id) -> Read<MarketList> {
    let row = store::goods::market_day_row(tx, id)?.ok_or(Failure::NotFound)?;
    let day = row.market_day;
    covered(scope.covers(&day.path), ())?;
    let shelves = store::goods::shelves(tx, day.place)?;
    let left = |goods: Id| {
        let fresh = shelves.iter().filter(|s| s.goods == goods && !s.is_expired(day.on_date));
        fresh.map(|shelf| shelf.left).sum::<i64>()
    };
    let goods = store::goods::all(tx)?.into_iter().filter(|good| good.active);
    let offered = goods.map(|good| Offered {
        left: left(good.goods),
        name: good.name_zh,
        measure: good.measure,
        points: good.points,
        limit_month: good.limit_month,
    });
    let line = |(number, name, _, balance)| ListLine { number, name, balance };
    Ok(MarketList {
        zone: zone_name(tx)?,
        village: row.village,
        place: row.place,
        spot: day.spot,
        on_date: day.on_date,
        goods: offered.filter(|good| good.left > 0).collect(),
        households: rows::balances(tx, day.village)?.into_iter().map(line).collect(),
    })
}

#[derive(Clone, Debug)]
pub struct GivenLine {
    pub name: String,
    pub measure: String,
    pub quantity: i64,
    pub handed_out: i64,
}

/// A donation as the donor is thanked for it.
#[derive(Clone, Debug)]
pub struct Donated {
    pub zone: String,
    pub donor: String,
    pub place: String,
    pub received_on: Date,
    pub money_fen: i64,
    pub lines: Vec<GivenLine>,
}

pub fn acknowledgement(tx: &mut Tx, scope: &Scope, id: Id) -> Read<Donated> {
    let page = store::goods::donation_page(tx, id)?.ok_or(Failure::NotFound)?;
    place_seen(tx, scope, page.donation.place)?;
    let line = |lot: store::goods::LotRow| GivenLine {
        name: lot.name_zh,
        measure: lot.measure,
        quantity: lot.lot.quantity,
        handed_out: lot.handed_out,
    };
    Ok(Donated {
        zone: zone_name(tx)?,
        donor: page.donation.donor,
        place: page.place,
        received_on: page.donation.received_on,
        money_fen: page.donation.money_fen,
        lines: page.lots.into_iter().map(line).collect(),
    })
}

#[derive(Clone, Debug)]
pub struct CountLine {
    pub sku: String,
    pub name: String,
    pub measure: String,
    pub expires_on: Option<Date>,
    pub donor: String,
    pub left: i64,
}

/// What the books say stands at a place; what stands there is written in by hand.
#[derive(Clone, Debug)]
pub struct StockCount {
    pub zone: String,
    pub place: String,
    pub lines: Vec<CountLine>,
}

const LOTS_MAX: i64 = 5_000;

pub fn stock_count(tx: &mut Tx, scope: &Scope, place: Id) -> Read<StockCount> {
    let name = place_seen(tx, scope, place)?;
    let filter = store::goods::StockFilter { limit: LOTS_MAX, ..Default::default() };
    let (mut lots, _) = store::goods::stock(tx, &[place], &filter)?;
    lots.sort_by(|a, b| a.sku.cmp(&b.sku));
    let line = |row: store::goods::StockRow| CountLine {
        sku: row.sku,
        name: row.name_zh,
        measure: row.measure,
        expires_on: row.shelf.expires_on,
        donor: row.donor,
        left: row.shelf.left,
    };
    let lines = lots.into_iter().map(line).collect();
    Ok(StockCount { zone: zone_name(tx)?, place: name, lines })
}

/// The name of a place in the scope, or that serves it.
fn place_seen(tx: &mut Tx, scope: &Scope, id: Id) -> Read<String> {
    let place = store::goods::find_place(tx, id)?.ok_or(Failure::NotFound)?;
    let serves = scope.paths.iter().any(|path| is_within(path, &place.path));
    covered(serves || scope.covers(&place.path), place.name)
}
