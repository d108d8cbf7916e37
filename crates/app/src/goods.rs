//! The use cases of the goods room: the catalogue, goods in, goods moved, market days.

use domain::access::{Permission, Scope, is_within};
use domain::audit::Digest;
use domain::goods::{
    CatalogueRefusal, DonationDecision, DonationFacts, DonationLine, DonationRefusal,
    DonationRequest, Edition, Good, MarketDay, MarketDayFacts, MarketDayRefusal, MoveLine,
    MoveRequest, MovingFacts, MovingRefusal, WriteOffReason, WriteOffRequest,
};
use domain::points::Transfer;
use domain::{Date, Id, Refusal};
use store::Tx;
use store::goods::Place;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who, points};

/// What the rules let through, the ledger takes.
pub(crate) fn move_all<R>(tx: &mut Tx, transfers: &[Transfer]) -> Result<(), Failure<R>> {
    match points::transfer(tx, transfers) {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refusal)) => {
            Err(Failure::Broken(store::Broken::data(format!("the ledger: {refusal:?}"))))
        }
        Err(Failure::Broken(broken)) => Err(Failure::Broken(broken)),
        Err(_) => Err(Failure::NotFound),
    }
}

// Places -------------------------------------------------------------------------------------------

/// The places whose goods this person may see: those in the scope, and those that serve it.
pub fn places(tx: &mut Tx, who: &Who) -> Result<Vec<Place>, store::Broken> {
    places_of(tx, &who.scope(Permission::ReadGoods))
}

/// The places whose stock and donations this person may take out as lists.
pub fn places_taken_out(tx: &mut Tx, who: &Who) -> Result<Vec<Place>, Failure<Never>> {
    let scope = who.must_take_out(Permission::ReadGoods)?;
    Ok(places_of(tx, &scope)?)
}

fn places_of(tx: &mut Tx, scope: &Scope) -> Result<Vec<Place>, store::Broken> {
    let mut places = store::goods::places(tx)?;
    places.retain(|place| is_seen(scope, place));
    Ok(places)
}

fn is_seen(scope: &Scope, place: &Place) -> bool {
    scope.covers(&place.path) || scope.paths.iter().any(|path| is_within(path, &place.path))
}

/// The places whose goods this person may receive and move.
pub fn own_places(tx: &mut Tx, who: &Who) -> Result<Vec<Place>, store::Broken> {
    let scope = who.scope(Permission::ReceiveGoods);
    let mut places = store::goods::places(tx)?;
    places.retain(|place| scope.covers(&place.path));
    Ok(places)
}

fn own_place<R>(tx: &mut Tx, who: &Who, id: Id) -> Result<Place, Failure<R>> {
    let place = store::goods::find_place(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReceiveGoods, &place.path)?;
    Ok(place)
}

#[derive(Debug, PartialEq, Eq)]
pub enum PlaceRefusal {
    NameMissing,
    KindUnknown,
}

impl Refusal for PlaceRefusal {
    fn code(&self) -> &'static str {
        match self {
            PlaceRefusal::NameMissing => "place-name-missing",
            PlaceRefusal::KindUnknown => "place-kind-unknown",
        }
    }
}

pub struct OpenPlace {
    pub key: Id,
    /// `warehouse` or `store`.
    pub kind: String,
    pub name: String,
    pub area: Id,
}

/// A new warehouse or travelling store.
pub fn open_place(tx: &mut Tx, who: &Who, r: &OpenPlace) -> Result<Id, Failure<PlaceRefusal>> {
    let path = store::goods::area_path(tx, r.area)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReceiveGoods, &path)?;
    let asked = Digest::of("open_place").text(&r.kind).text(&r.name).id(r.area);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    if !["warehouse", "store"].contains(&r.kind.as_str()) {
        return Err(Failure::Refused(PlaceRefusal::KindUnknown));
    }
    let name = r.name.trim().to_owned();
    if name.is_empty() {
        return Err(Failure::Refused(PlaceRefusal::NameMissing));
    }
    let place = Place { id: r.key, kind: r.kind.clone(), name, area: r.area, path: path.clone() };
    store::goods::record_place(tx, &place)?;
    let c =
        Command { key: r.key, verb: "open_place", subject: Some(r.key), path: Some(&path), asked };
    audit::record(tx, who, c)?;
    Ok(r.key)
}

// Catalogue ----------------------------------------------------------------------------------------

pub struct EditGood {
    /// Also the new edition's id.
    pub key: Id,
    /// The edition that was on the page; `None` for a new good, whose id is then the key.
    pub replaces: Option<Id>,
    pub good: Good,
}

impl EditGood {
    fn asked(&self) -> Digest {
        let g = &self.good;
        Digest::of("edit_good")
            .opt_id(self.replaces)
            .id(g.goods)
            .text(&g.sku)
            .text(&g.name_zh)
            .text(&g.name_en)
            .text(&g.category)
            .text(&g.measure)
            .number(g.price_fen)
            .number(g.points)
            .number(g.limit_month)
            .truth(g.active)
    }
}

/// May this person change the catalogue? It is a matter of the whole zone.
pub fn may_edit(who: &Who) -> bool {
    who.scope(Permission::ReceiveGoods).paths.iter().any(|path| !path.contains('.'))
}

/// A new good, or a new edition of one.
pub fn edit(tx: &mut Tx, who: &Who, r: &EditGood) -> Result<Id, Failure<CatalogueRefusal>> {
    if !may_edit(who) {
        return Err(Failure::NotAllowed);
    }
    let asked = r.asked();
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.good.goods);
    }
    let edition = Edition {
        id: r.key,
        good: r.good.clone(),
        replaces: r.replaces,
        person: Some(who.person),
        at: who.now,
    };
    let facts = store::goods::catalogue_facts(tx, &edition)?;
    domain::goods::decide_edition(&facts, &edition).map_err(Failure::Refused)?;
    store::goods::record_edition(tx, &edition)?;
    let subject = Some(r.good.goods);
    audit::record(tx, who, Command { key: r.key, verb: "edit_good", subject, path: None, asked })?;
    Ok(r.good.goods)
}

/// The goods that a zone begins with.
const DEFAULT_CATALOGUE: &str = include_str!("../../../data/scheme/goods_catalog_default.csv");

/// Fills an empty catalogue with the shipped one; a catalogue that has goods stays as it is.
pub fn ship(tx: &mut Tx) -> Result<(), Failure<Never>> {
    if !store::goods::all(tx)?.is_empty() {
        return Ok(());
    }
    for good in default_catalogue()? {
        let id = domain::id::derive(good.goods, "edition", 1);
        let edition = Edition { id, good, replaces: None, person: None, at: 0 };
        store::goods::record_edition(tx, &edition)?;
    }
    Ok(())
}

/// The shipped catalogue. A good's id follows from its sku: it is the same in every zone.
fn default_catalogue() -> Result<Vec<Good>, store::Broken> {
    let bad = |line: &str| store::Broken::data(format!("the shipped catalogue: {line}"));
    DEFAULT_CATALOGUE
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.splitn(9, ',').collect();
            let [sku, name_zh, name_en, category, measure, yuan, points, limit, _] = fields[..]
            else {
                return Err(bad(line));
            };
            let number = |text: &str| text.parse::<i64>().map_err(|_| bad(line));
            Ok(Good {
                goods: domain::id::derive(domain::points::POINTS, sku, 0),
                sku: sku.to_owned(),
                name_zh: name_zh.to_owned(),
                name_en: name_en.to_owned(),
                category: category.to_owned(),
                measure: measure.to_owned(),
                price_fen: number(yuan)? * 100,
                points: number(points)?,
                limit_month: number(limit)?,
                active: true,
            })
        })
        .collect()
}

// Goods in -----------------------------------------------------------------------------------------

pub struct Receive {
    pub key: Id,
    pub donor: String,
    pub donor_public: bool,
    pub place: Id,
    pub received_on: Date,
    pub money_fen: i64,
    pub note: String,
    /// Good, how many, good until.
    pub lines: Vec<(Id, i64, Option<Date>)>,
}

/// A donation comes in; its goods stand at the place from then on.
pub fn receive(tx: &mut Tx, who: &Who, r: &Receive) -> Result<Id, Failure<DonationRefusal>> {
    let place = own_place(tx, who, r.place)?;
    let head = Digest::of("receive")
        .text(&r.donor)
        .truth(r.donor_public)
        .id(r.place)
        .date(r.received_on)
        .number(r.money_fen)
        .text(&r.note);
    let asked = r.lines.iter().fold(head, |digest, (goods, quantity, expires_on)| {
        digest.id(*goods).number(*quantity).opt(*expires_on, Digest::date)
    });
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    let lines = (1..).zip(&r.lines).map(|(n, &(goods, quantity, expires_on))| DonationLine {
        lot: domain::id::derive(r.key, "lot", n),
        goods,
        quantity,
        expires_on,
    });
    let request = DonationRequest {
        id: r.key,
        donor: r.donor.clone(),
        donor_public: r.donor_public,
        place: r.place,
        received_on: r.received_on,
        money_fen: r.money_fen,
        note: r.note.clone(),
        lines: lines.collect(),
        person: who.person,
        at: who.now,
    };
    let goods = store::goods::all(tx)?.into_iter().filter(|g| g.active).map(|g| g.goods);
    let facts = DonationFacts { goods: goods.collect(), today: who.today() };
    let decision = domain::goods::decide_donation(&facts, &request).map_err(Failure::Refused)?;
    record_donation(tx, &decision)?;
    let c = Command {
        key: r.key,
        verb: "receive",
        subject: Some(r.key),
        path: Some(&place.path),
        asked,
    };
    audit::record(tx, who, c)?;
    Ok(r.key)
}

fn record_donation<R>(tx: &mut Tx, decision: &DonationDecision) -> Result<(), Failure<R>> {
    store::goods::record_donation(tx, decision)?;
    move_all(tx, &decision.transfers)
}

// Goods moved --------------------------------------------------------------------------------------

pub struct Move {
    pub key: Id,
    pub from: Id,
    pub to: Id,
    pub lines: Vec<MoveLine>,
}

/// Loads the truck, or unloads it.
pub fn move_goods(tx: &mut Tx, who: &Who, r: &Move) -> Result<(), Failure<MovingRefusal>> {
    let from = own_place(tx, who, r.from)?;
    own_place(tx, who, r.to)?;
    let asked = with_lines(Digest::of("move_goods").id(r.from).id(r.to), &r.lines);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    let request = MoveRequest {
        id: r.key,
        from: r.from,
        to: r.to,
        lines: r.lines.clone(),
        on_date: who.today(),
        at: who.now,
    };
    let facts = MovingFacts { shelves: store::goods::shelves(tx, r.from)? };
    let transfers = domain::goods::decide_move(&facts, &request).map_err(Failure::Refused)?;
    move_all(tx, &transfers)?;
    let c = Command {
        key: r.key,
        verb: "move_goods",
        subject: Some(r.to),
        path: Some(&from.path),
        asked,
    };
    Ok(audit::record(tx, who, c)?)
}

pub struct WriteOff {
    pub key: Id,
    pub place: Id,
    pub reason: WriteOffReason,
    pub lines: Vec<MoveLine>,
}

pub fn write_off(tx: &mut Tx, who: &Who, r: &WriteOff) -> Result<(), Failure<MovingRefusal>> {
    let place = own_place(tx, who, r.place)?;
    let asked = with_lines(Digest::of("write_off").id(r.place).text(r.reason.code()), &r.lines);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    let request = WriteOffRequest {
        id: r.key,
        place: r.place,
        reason: r.reason,
        lines: r.lines.clone(),
        on_date: who.today(),
        at: who.now,
    };
    let facts = MovingFacts { shelves: store::goods::shelves(tx, r.place)? };
    let transfers = domain::goods::decide_write_off(&facts, &request).map_err(Failure::Refused)?;
    move_all(tx, &transfers)?;
    let c = Command {
        key: r.key,
        verb: "write_off",
        subject: Some(r.place),
        path: Some(&place.path),
        asked,
    };
    audit::record_by(tx, Some(who.person), who.now, c, Some(r.reason.code()))?;
    Ok(())
}

fn with_lines(head: Digest, lines: &[MoveLine]) -> Digest {
    lines.iter().fold(head, |digest, line| digest.id(line.lot).number(line.quantity))
}

// Market days --------------------------------------------------------------------------------------

pub struct Announce {
    pub key: Id,
    pub place: Id,
    pub village: Id,
    pub on_date: Date,
    pub spot: String,
}

/// Announces a market day; answers the days of notice where they are too few.
pub fn announce(
    tx: &mut Tx,
    who: &Who,
    r: &Announce,
) -> Result<Option<i32>, Failure<MarketDayRefusal>> {
    let place = store::goods::find_place(tx, r.place)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::AnnounceMarketDay, &place.path)?;
    let path = store::goods::village_path(tx, r.village)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::AnnounceMarketDay, &path)?;
    let asked = Digest::of("announce").id(r.place).id(r.village).date(r.on_date).text(&r.spot);
    if audit::is_repeat(tx, r.key, &asked)? {
        let notice = (r.on_date - who.today()).get_days();
        return Ok((notice < domain::goods::NOTICE_DAYS).then_some(notice));
    }
    let facts = MarketDayFacts {
        today: who.today(),
        announced: store::goods::is_announced(tx, r.place, r.village, r.on_date)?,
        village_served: is_within(&path, &place.path),
    };
    let request = MarketDay {
        id: r.key,
        place: r.place,
        village: r.village,
        path: path.clone(),
        on_date: r.on_date,
        spot: r.spot.trim().to_owned(),
        person: who.person,
        announced_at: who.now,
    };
    let announcement =
        domain::goods::decide_market_day(&facts, request).map_err(Failure::Refused)?;
    store::goods::record_market_day(tx, &announcement.market_day)?;
    let c =
        Command { key: r.key, verb: "announce", subject: Some(r.key), path: Some(&path), asked };
    audit::record(tx, who, c)?;
    Ok(announcement.short_notice)
}

// Reading ------------------------------------------------------------------------------------------

pub(crate) fn ids(places: &[Place]) -> Vec<Id> {
    places.iter().map(|place| place.id).collect()
}

/// The catalogue with stock by place.
pub struct Catalogue {
    pub places: Vec<Place>,
    pub rows: Vec<store::goods::GoodsRow>,
    pub total: i64,
}

pub fn catalogue(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::GoodsFilter,
) -> Result<Catalogue, Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let places = places(tx, who)?;
    let (rows, total) = store::goods::list(tx, &ids(&places), filter)?;
    Ok(Catalogue { places, rows, total })
}

/// The whole catalogue to take out, one good after another.
pub fn each_good(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::GoodsFilter,
    see: impl FnMut(store::goods::GoodsRow) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let places = ids(&places_taken_out(tx, who)?);
    Ok(store::goods::each_good(tx, &places, filter, see)?)
}

/// A good's editions, newest first.
pub fn editions(tx: &mut Tx, who: &Who, goods: Id) -> Result<Vec<Edition>, Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let editions = store::goods::editions(tx, goods)?;
    if editions.is_empty() { Err(Failure::NotFound) } else { Ok(editions) }
}

/// Lots with something left, in one place or in all that may be seen.
pub fn stock(
    tx: &mut Tx,
    who: &Who,
    place: Option<Id>,
    filter: &store::goods::StockFilter,
) -> Result<(Vec<store::goods::StockRow>, i64), Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let mut places = ids(&places(tx, who)?);
    if let Some(place) = place {
        places.retain(|id| *id == place);
    }
    Ok(store::goods::stock(tx, &places, filter)?)
}

/// All of that stock to take out, one lot after another.
pub fn each_stock(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::StockFilter,
    see: impl FnMut(store::goods::StockRow) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let places = ids(&places_taken_out(tx, who)?);
    Ok(store::goods::each_stock(tx, &places, filter, see)?)
}

pub fn donations(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::DonationFilter,
) -> Result<(Vec<store::goods::DonationRow>, i64), Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let places = ids(&places(tx, who)?);
    Ok(store::goods::donations(tx, &places, filter)?)
}

/// The whole list to take out, one donation after another.
pub fn each_donation(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::DonationFilter,
    see: impl FnMut(store::goods::DonationRow) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let places = ids(&places_taken_out(tx, who)?);
    Ok(store::goods::each_donation(tx, &places, filter, see)?)
}

pub fn donation(
    tx: &mut Tx,
    who: &Who,
    id: Id,
) -> Result<store::goods::DonationPage, Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let page = store::goods::donation_page(tx, id)?.ok_or(Failure::NotFound)?;
    let is_seen = places(tx, who)?.iter().any(|place| place.id == page.donation.place);
    if is_seen { Ok(page) } else { Err(Failure::NotFound) }
}

/// Market days in the villages of the asker.
pub fn market_days(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::MarketDayFilter,
) -> Result<(Vec<store::goods::MarketDayRow>, i64), Failure<Never>> {
    let scope = who.must_scope(Permission::ReadGoods)?;
    Ok(store::goods::market_days(tx, &scope, filter)?)
}

/// The whole list to take out, one market day after another.
pub fn each_market_day(
    tx: &mut Tx,
    who: &Who,
    filter: &store::goods::MarketDayFilter,
    see: impl FnMut(store::goods::MarketDayRow) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let scope = who.must_take_out(Permission::ReadGoods)?;
    Ok(store::goods::each_market_day(tx, &scope, filter, see)?)
}

/// The villages that a store of the asker may go to: (id, name).
pub fn villages_served(tx: &mut Tx, who: &Who) -> Result<Vec<(Id, String)>, Failure<Never>> {
    let scope = who.must_scope(Permission::AnnounceMarketDay)?;
    Ok(store::goods::villages(tx, &scope)?)
}

/// Goods that may be given and had now.
pub fn active(tx: &mut Tx, who: &Who) -> Result<Vec<Good>, Failure<Never>> {
    who.must(Permission::ReadGoods)?;
    let mut goods = store::goods::all(tx)?;
    goods.retain(|good| good.active);
    Ok(goods)
}

/// The areas that a new place may serve: (id, name).
pub fn areas_served(tx: &mut Tx, who: &Who) -> Result<Vec<(Id, String)>, Failure<Never>> {
    let scope = who.must_scope(Permission::ReceiveGoods)?;
    Ok(store::goods::areas(tx, &scope)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_goods_pass_the_rules() {
        let goods = default_catalogue().expect("readable");
        assert_eq!(goods.len(), 30);
        for good in goods {
            let edition = Edition { id: good.goods, good, replaces: None, person: None, at: 0 };
            let facts = domain::goods::CatalogueFacts::default();
            assert_eq!(domain::goods::decide_edition(&facts, &edition), Ok(()));
        }
    }
}
