//! The pages of the goods room: the catalogue, goods in, goods moved, market days.

use std::collections::BTreeMap;

use app::Never;
use app::goods::{Announce, EditGood, Move, OpenPlace, Receive, WriteOff};
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::goods::{Edition, Good, MoveLine, WriteOffReason};
use domain::{Date, Id, parse_day};
use serde::Deserialize;
use sheets::write::Value;
use store::access::Resource;
use store::goods::{
    DonationFilter, DonationPage, DonationRow, GoodsFilter, GoodsRow, GoodsSort, MarketDayFilter,
    MarketDayRow, Place, StockFilter, StockRow,
};

use crate::export::{self, ExportForm, Sheet, day};
use crate::{Ask, Needs, Page, Paging, Problem, Route, Season, Subject};

pub fn routes() -> Vec<Route> {
    let read = Needs::May(Permission::ReadGoods);
    let receive = Needs::May(Permission::ReceiveGoods);
    let announce = Needs::May(Permission::AnnounceMarketDay);
    let export = Needs::May(Permission::Export);
    let places = Subject::Within(Resource::Place);
    let days = Subject::Within(Resource::MarketDay);
    vec![
        Route::get("/goods", row!("goods.catalogue"), read, places, catalogue)
            .takes(&["q", "category", "sort", "way", "all", "page"]),
        Route::post("/goods/export", row!("goods.export"), export, places, export_catalogue)
            .takes(&["key", "kind", "why", "q", "category", "sort", "way", "all"]),
        Route::get("/goods/new", row!("goods.new"), receive, Subject::Zone, new_good),
        Route::post("/goods", row!("goods.edit"), receive, Subject::Zone, edit).takes(&[
            "key",
            "goods",
            "replaces",
            "sku",
            "name_zh",
            "name_en",
            "category",
            "measure",
            "price_yuan",
            "points",
            "limit_month",
            "active",
        ]),
        Route::get("/goods/move", row!("goods.move_form"), receive, places, move_form)
            .takes(&["from", "to", "q"]),
        Route::post("/goods/move", row!("goods.move_goods"), receive, places, move_goods)
            .takes(&["key", "from", "to", "lot-{id}"]),
        Route::get("/goods/expiring", row!("goods.expiring"), read, places, expiring)
            .takes(&["by", "q", "page"]),
        Route::post(
            "/goods/expiring/export",
            row!("goods.export_expiring"),
            export,
            places,
            export_expiring,
        )
        .takes(&["key", "kind", "why", "by", "q"]),
        Route::post("/goods/write-off", row!("goods.write_off"), receive, places, write_off)
            .takes(&["key", "place", "reason", "lot", "quantity"]),
        Route::get("/goods/{id}", row!("goods.good"), read, Subject::Zone, good),
        Route::post(
            "/places",
            row!("goods.open_place"),
            receive,
            Subject::Within(Resource::Area),
            open,
        )
        .takes(&["key", "kind", "name", "area"]),
        Route::get("/donations", row!("goods.donations"), read, places, donations)
            .takes(&["q", "from", "to", "way", "page"]),
        Route::post(
            "/donations/export",
            row!("goods.export_donations"),
            export,
            places,
            export_donations,
        )
        .takes(&["key", "kind", "why", "q", "from", "to", "way"]),
        Route::get("/donations/new", row!("goods.receive_form"), receive, places, receive_form),
        Route::post("/donations", row!("goods.receive"), receive, places, receive_goods).takes(&[
            "key",
            "donor",
            "donor_public",
            "place",
            "received_on",
            "money_yuan",
            "note",
            "goods-{n}",
            "quantity-{n}",
            "expires-{n}",
        ]),
        Route::get("/donations/{id}", row!("goods.donation"), read, places, donation),
        Route::get("/market-days", row!("goods.market_days"), read, days, market_days)
            .takes(&["q", "when", "page"]),
        Route::post(
            "/market-days/export",
            row!("goods.export_market_days"),
            export,
            days,
            export_market_days,
        )
        .takes(&["key", "kind", "why", "q", "when"]),
        Route::post("/market-days", row!("goods.announce"), announce, places, announce_day)
            .takes(&["key", "place", "village", "on_date", "spot"]),
    ]
}

/// An id in a form field; an empty one is none.
fn opt_id(text: &str, field: &str) -> Result<Option<Id>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Problem::field(field)),
    }
}

fn opt_date(text: &str, field: &str) -> Result<Option<Date>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => parse_day(text).map(Some).ok_or_else(|| Problem::field(field)),
    }
}

/// Yuan with at most two digits behind the point, as fen; nothing counts as zero.
fn fen(text: &str, field: &str) -> Result<i64, Problem> {
    let text = text.trim();
    let (yuan, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if part.len() > 2 || !digits(yuan) || !digits(part) || yuan.len() > 12 {
        return Err(Problem::field(field));
    }
    let number = |s: &str| s.parse::<i64>().unwrap_or(0);
    Ok(number(yuan) * 100 + number(&format!("{part:0<2}")))
}

/// The fields `<prefix><id>` that hold a number other than zero.
pub(crate) fn counted(
    fields: &BTreeMap<String, String>,
    prefix: &str,
) -> Result<Vec<(Id, i64)>, Problem> {
    let mut counted = Vec::new();
    for (name, value) in fields {
        let Some(id) = name.strip_prefix(prefix) else { continue };
        let id = id.parse().map_err(|_| Problem::field(name))?;
        match value.trim() {
            "" | "0" => {}
            text => counted.push((id, text.parse().map_err(|_| Problem::field(prefix))?)),
        }
    }
    Ok(counted)
}

// Catalogue ----------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "goods/catalogue.html")]
struct CataloguePage {
    p: Page,
    q: String,
    all: bool,
    places: Vec<Place>,
    /// The asker's own, to be counted.
    counted: Vec<Place>,
    rows: Vec<GoodsRow>,
    may_change: bool,
    may_edit: bool,
    areas: Vec<(Id, String)>,
    by_sku: String,
    by_points: String,
    by_left: String,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

impl CataloguePage {
    fn left_at(&self, row: &GoodsRow, place: &Id) -> i64 {
        row.left_by_place.get(place).copied().unwrap_or(0)
    }
}

fn catalogue_filter(ask: &Ask) -> GoodsFilter {
    GoodsFilter {
        search: ask.query("q").unwrap_or("").to_owned(),
        category: ask.query("category").map(str::to_owned),
        active: ask.query("all").is_none().then_some(true),
        sort: match ask.query("sort") {
            Some("points") => GoodsSort::Points,
            Some("left") => GoodsSort::Left,
            _ => GoodsSort::Sku,
        },
        descending: ask.query("way") == Some("down"),
        ..Default::default()
    }
}

async fn catalogue(ask: Ask) -> Result<Response, Problem> {
    let paging = Paging::asked(&ask);
    let filter =
        GoodsFilter { offset: paging.offset(), limit: paging.size, ..catalogue_filter(&ask) };
    let (q, all) = (filter.search.clone(), filter.active.is_none());
    let may_change = ask.who()?.may(Permission::ReceiveGoods);
    let (found, areas, counted) = ask
        .read::<_, Never>(move |tx, who| {
            let areas = if may_change { app::goods::areas_served(tx, who)? } else { Vec::new() };
            let own = if may_change { app::goods::own_places(tx, who)? } else { Vec::new() };
            Ok((app::goods::catalogue(tx, who, &filter)?, areas, own))
        })
        .await?;
    if ask.wants_json {
        let rows = found.rows.iter().map(|row| {
            serde_json::json!({
                "id": row.good.goods, "sku": row.good.sku, "name_zh": row.good.name_zh,
                "name_en": row.good.name_en, "points": row.good.points,
                "limit_month": row.good.limit_month, "left": row.left,
            })
        });
        let rows: Vec<_> = rows.collect();
        return ask.json(&serde_json::json!({ "total": found.total, "rows": rows }));
    }
    // A second click on a column turns the order round.
    let turned = |column: &str| {
        let is_up = ask.query("sort").unwrap_or("sku") == column && ask.query("way").is_none();
        ask.link(&[("sort", column), ("way", if is_up { "down" } else { "" }), ("page", "")])
    };
    let page = CataloguePage {
        q,
        all,
        places: found.places,
        counted,
        rows: found.rows,
        may_change,
        may_edit: app::goods::may_edit(&ask.who()?),
        areas,
        by_sku: turned("sku"),
        by_points: turned("points"),
        by_left: turned("left"),
        export: ExportForm::of(&ask, found.total),
        paging: paging.of(found.total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
        p: Page::new(&ask, "goods-title", Season::Autumn),
    };
    ask.page(&page)
}

async fn export_catalogue(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = catalogue_filter(&ask);
    let places = ask.read(app::goods::places_taken_out).await?;
    let header = [
        "good-sku",
        "good-name",
        "good-category",
        "good-measure",
        "good-price",
        "good-points",
        "good-limit",
        "good-active",
        "goods-left-all",
    ];
    let mut sheet = Sheet::new(&ask, "goods", "goods-title", &header);
    sheet.header.extend(places.iter().map(|place| place.name.clone()));
    let p = Page::new(&ask, "goods-title", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::goods::each_good(tx, who, &filter, |row| {
            let good = &row.good;
            let active = if good.active { "good-active" } else { "good-withdrawn" };
            let mut values = vec![
                good.sku.as_str().into(),
                p.either(&good.name_zh, &good.name_en).into(),
                good.category.as_str().into(),
                good.measure.as_str().into(),
                Value::Hundredths(good.price_fen),
                good.points.into(),
                Some(good.limit_month).filter(|limit| *limit > 0).into(),
                p.t(active).into(),
                row.left.into(),
            ];
            let left_at = |place: &Place| row.left_by_place.get(&place.id).copied().unwrap_or(0);
            values.extend(places.iter().map(|place| Value::Number(left_at(place))));
            write(&values)
        })
    })
    .await
}

#[derive(Template)]
#[template(path = "goods/good.html")]
struct GoodPage {
    p: Page,
    key: String,
    good: Good,
    replaces: Option<Id>,
    editions: Vec<Edition>,
    may_change: bool,
}

async fn new_good(ask: Ask) -> Result<Response, Problem> {
    if !app::goods::may_edit(&ask.who()?) {
        return Err(Problem::not_allowed());
    }
    let key = ask.new_key();
    let good = Good {
        goods: key,
        sku: String::new(),
        name_zh: String::new(),
        name_en: String::new(),
        category: String::new(),
        measure: String::new(),
        price_fen: 0,
        points: 0,
        limit_month: 0,
        active: true,
    };
    let p = Page::new(&ask, "good-new", Season::Autumn);
    let (key, editions) = (key.to_string(), Vec::new());
    ask.page(&GoodPage { p, key, good, replaces: None, editions, may_change: true })
}

async fn good(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let editions = ask.read::<_, Never>(move |tx, who| app::goods::editions(tx, who, id)).await?;
    let current = editions.first().cloned().ok_or_else(Problem::not_found)?;
    let p = Page::new(&ask, "goods-title", Season::Autumn);
    let title = p.either(&current.good.name_zh, &current.good.name_en).to_owned();
    let page = GoodPage {
        p: p.titled(title),
        key: ask.new_key().to_string(),
        good: current.good,
        replaces: Some(current.id),
        editions,
        may_change: app::goods::may_edit(&ask.who()?),
    };
    ask.page(&page)
}

#[derive(Deserialize)]
struct GoodForm {
    key: Id,
    #[serde(default)]
    goods: String,
    #[serde(default)]
    replaces: String,
    sku: String,
    name_zh: String,
    name_en: String,
    #[serde(default)]
    category: String,
    measure: String,
    price_yuan: String,
    points: String,
    limit_month: String,
    #[serde(default)]
    active: String,
}

async fn edit(ask: Ask) -> Result<Response, Problem> {
    let form: GoodForm = ask.form()?;
    let number = |text: &str, field| text.trim().parse().map_err(|_| Problem::field(field));
    let edit = EditGood {
        key: form.key,
        replaces: opt_id(&form.replaces, "replaces")?,
        good: Good {
            goods: opt_id(&form.goods, "goods")?.unwrap_or(form.key),
            sku: form.sku.trim().to_owned(),
            name_zh: form.name_zh.trim().to_owned(),
            name_en: form.name_en.trim().to_owned(),
            category: form.category.trim().to_owned(),
            measure: form.measure.trim().to_owned(),
            price_fen: fen(&form.price_yuan, "price_yuan")?,
            points: number(&form.points, "points")?,
            limit_month: number(&form.limit_month, "limit_month")?,
            active: form.active == "yes",
        },
    };
    let goods = ask.write(move |tx, who| app::goods::edit(tx, who, &edit)).await?;
    ask.done(&format!("/goods/{goods}"), "good-saved", &serde_json::json!({ "id": goods }))
}

#[derive(Deserialize)]
struct PlaceForm {
    key: Id,
    kind: String,
    name: String,
    area: Id,
}

async fn open(ask: Ask) -> Result<Response, Problem> {
    let form: PlaceForm = ask.form()?;
    let open = OpenPlace { key: form.key, kind: form.kind, name: form.name, area: form.area };
    let id = ask.write(move |tx, who| app::goods::open_place(tx, who, &open)).await?;
    ask.done("/goods", "place-opened", &serde_json::json!({ "id": id }))
}

// Moving -------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "goods/move.html")]
struct MovePage {
    p: Page,
    key: String,
    places: Vec<Place>,
    from: Option<Id>,
    to: Option<Id>,
    q: String,
    rows: Vec<StockRow>,
}

impl MovePage {
    fn is_from(&self, place: &Place) -> bool {
        self.from == Some(place.id)
    }
    fn is_to(&self, place: &Place) -> bool {
        self.to == Some(place.id)
    }
}

async fn move_form(ask: Ask) -> Result<Response, Problem> {
    let from = opt_id(ask.query("from").unwrap_or(""), "from")?;
    let to = opt_id(ask.query("to").unwrap_or(""), "to")?;
    let q = ask.query("q").unwrap_or("").to_owned();
    let search = q.clone();
    let (places, rows) = ask
        .read::<_, Never>(move |tx, who| {
            let places = app::goods::own_places(tx, who)?;
            let rows = match from {
                Some(from) => {
                    let filter =
                        StockFilter { search: search.clone(), limit: 300, ..Default::default() };
                    app::goods::stock(tx, who, Some(from), &filter)?.0
                }
                None => Vec::new(),
            };
            Ok((places, rows))
        })
        .await?;
    let p = Page::new(&ask, "move-title", Season::Autumn);
    ask.page(&MovePage { p, key: ask.new_key().to_string(), places, from, to, q, rows })
}

fn form_id(fields: &BTreeMap<String, String>, name: &str) -> Result<Id, Problem> {
    fields.get(name).and_then(|s| s.trim().parse().ok()).ok_or_else(|| Problem::field(name))
}

async fn move_goods(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let lines = counted(&fields, "lot-")?;
    let moved = Move {
        key: form_id(&fields, "key")?,
        from: form_id(&fields, "from")?,
        to: form_id(&fields, "to")?,
        lines: lines.into_iter().map(|(lot, quantity)| MoveLine { lot, quantity }).collect(),
    };
    let back = format!("/goods/move?from={}&to={}", moved.from, moved.to);
    ask.write(move |tx, who| app::goods::move_goods(tx, who, &moved)).await?;
    ask.done(&back, "goods-moved", &serde_json::json!({}))
}

#[derive(Template)]
#[template(path = "goods/expiring.html")]
struct ExpiringPage {
    p: Page,
    by: Date,
    q: String,
    today: Date,
    rows: Vec<StockRow>,
    /// Places where the asker may write off.
    own: Vec<Id>,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

impl ExpiringPage {
    fn may_write_off(&self, row: &StockRow) -> bool {
        self.own.contains(&row.shelf.place)
    }
}

/// Days that count as soon.
const SOON: i32 = 60;

fn expiring_filter(ask: &Ask) -> Result<(Date, StockFilter), Problem> {
    let soon = ask.today().saturating_add(jiff::Span::new().days(SOON));
    let by = opt_date(ask.query("by").unwrap_or(""), "by")?.unwrap_or(soon);
    let search = ask.query("q").unwrap_or("").to_owned();
    Ok((by, StockFilter { search, expires_by: Some(by), ..Default::default() }))
}

async fn expiring(ask: Ask) -> Result<Response, Problem> {
    let (by, filter) = expiring_filter(&ask)?;
    let (paging, q) = (Paging::asked(&ask), filter.search.clone());
    let filter = StockFilter { offset: paging.offset(), limit: paging.size, ..filter };
    let ((rows, total), own) = ask
        .read::<_, Never>(move |tx, who| {
            let own = app::goods::own_places(tx, who)?.into_iter().map(|place| place.id);
            Ok((app::goods::stock(tx, who, None, &filter)?, own.collect()))
        })
        .await?;
    let page = ExpiringPage {
        p: Page::new(&ask, "expiring-title", Season::Autumn),
        by,
        q,
        today: ask.today(),
        rows,
        own,
        export: ExportForm::of(&ask, total),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    };
    ask.page(&page)
}

async fn export_expiring(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let (_, filter) = expiring_filter(&ask)?;
    let header = [
        "good-sku",
        "good-name",
        "lot-expires",
        "lot-place",
        "donation-donor",
        "donation-received-on",
        "goods-left",
        "good-measure",
    ];
    let sheet = Sheet::new(&ask, "expiring", "expiring-title", &header);
    let p = Page::new(&ask, "expiring-title", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::goods::each_stock(tx, who, &filter, |row| {
            write(&[
                row.sku.as_str().into(),
                p.either(&row.name_zh, &row.name_en).into(),
                row.shelf.expires_on.map(day).into(),
                row.place.as_str().into(),
                row.donor.as_str().into(),
                day(row.received_on),
                row.shelf.left.into(),
                row.measure.as_str().into(),
            ])
        })
    })
    .await
}

#[derive(Deserialize)]
struct WriteOffForm {
    key: Id,
    place: Id,
    reason: String,
    lot: Id,
    quantity: String,
}

async fn write_off(ask: Ask) -> Result<Response, Problem> {
    let form: WriteOffForm = ask.form()?;
    let quantity = form.quantity.trim().parse().map_err(|_| Problem::field("quantity"))?;
    let write_off = WriteOff {
        key: form.key,
        place: form.place,
        reason: WriteOffReason::from_code(&form.reason).ok_or_else(|| Problem::field("reason"))?,
        lines: vec![MoveLine { lot: form.lot, quantity }],
    };
    ask.write(move |tx, who| app::goods::write_off(tx, who, &write_off)).await?;
    ask.done("/goods/expiring", "goods-written-off", &serde_json::json!({}))
}

// Donations ----------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "goods/donations.html")]
struct DonationsPage {
    p: Page,
    q: String,
    from: String,
    to: String,
    rows: Vec<DonationRow>,
    may_receive: bool,
    turned: String,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

fn donation_filter(ask: &Ask) -> Result<DonationFilter, Problem> {
    Ok(DonationFilter {
        search: ask.query("q").unwrap_or("").to_owned(),
        from: opt_date(ask.query("from").unwrap_or(""), "from")?,
        to: opt_date(ask.query("to").unwrap_or(""), "to")?,
        oldest_first: ask.query("way") == Some("up"),
        ..Default::default()
    })
}

async fn donations(ask: Ask) -> Result<Response, Problem> {
    let (paging, filter) = (Paging::asked(&ask), donation_filter(&ask)?);
    let (q, oldest_first) = (filter.search.clone(), filter.oldest_first);
    let filter = DonationFilter { offset: paging.offset(), limit: paging.size, ..filter };
    let (rows, total) =
        ask.read::<_, Never>(move |tx, who| app::goods::donations(tx, who, &filter)).await?;
    let page = DonationsPage {
        p: Page::new(&ask, "donations-title", Season::Autumn),
        q,
        from: ask.query("from").unwrap_or("").to_owned(),
        to: ask.query("to").unwrap_or("").to_owned(),
        rows,
        export: ExportForm::of(&ask, total),
        may_receive: ask.who()?.may(Permission::ReceiveGoods),
        turned: ask.link(&[("way", if oldest_first { "" } else { "up" }), ("page", "")]),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    };
    ask.page(&page)
}

async fn export_donations(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = donation_filter(&ask)?;
    let header = [
        "donation-received-on",
        "donation-donor",
        "lot-place",
        "donation-lots",
        "donation-quantity",
        "donation-money",
        "donation-note",
    ];
    let sheet = Sheet::new(&ask, "donations", "donations-title", &header);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::goods::each_donation(tx, who, &filter, |row| {
            write(&[
                day(row.donation.received_on),
                row.donation.donor.as_str().into(),
                row.place.as_str().into(),
                row.lots.into(),
                row.quantity.into(),
                Value::Hundredths(row.donation.money_fen),
                row.donation.note.as_str().into(),
            ])
        })
    })
    .await
}

/// Rows of an empty donation form.
const DONATION_ROWS: usize = 10;

#[derive(Template)]
#[template(path = "goods/donation_new.html")]
struct NewDonationPage {
    p: Page,
    key: String,
    today: Date,
    places: Vec<Place>,
    goods: Vec<Good>,
    rows: Vec<usize>,
}

async fn receive_form(ask: Ask) -> Result<Response, Problem> {
    let (places, goods) = ask
        .read::<_, Never>(|tx, who| {
            Ok((app::goods::own_places(tx, who)?, app::goods::active(tx, who)?))
        })
        .await?;
    let page = NewDonationPage {
        p: Page::new(&ask, "donation-new", Season::Autumn),
        key: ask.new_key().to_string(),
        today: ask.today(),
        places,
        goods,
        rows: (1..=DONATION_ROWS).collect(),
    };
    ask.page(&page)
}

async fn receive_goods(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let text = |name: &str| fields.get(name).map_or("", |s| s.trim());
    let mut lines = Vec::new();
    for n in 1..=100 {
        let Some(goods) = opt_id(text(&format!("goods-{n}")), "goods")? else { continue };
        let quantity = text(&format!("quantity-{n}"));
        let quantity = quantity.parse().map_err(|_| Problem::field("quantity"))?;
        lines.push((goods, quantity, opt_date(text(&format!("expires-{n}")), "expires")?));
    }
    let receive = Receive {
        key: form_id(&fields, "key")?,
        donor: text("donor").to_owned(),
        donor_public: text("donor_public") == "yes",
        place: form_id(&fields, "place")?,
        received_on: opt_date(text("received_on"), "received_on")?.unwrap_or(ask.today()),
        money_fen: fen(text("money_yuan"), "money_yuan")?,
        note: text("note").to_owned(),
        lines,
    };
    let id = ask.write(move |tx, who| app::goods::receive(tx, who, &receive)).await?;
    ask.done(&format!("/donations/{id}"), "donation-saved", &serde_json::json!({ "id": id }))
}

#[derive(Template)]
#[template(path = "goods/donation.html")]
struct OneDonationPage {
    p: Page,
    page: DonationPage,
}

async fn donation(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| app::goods::donation(tx, who, id)).await?;
    let p = Page::new(&ask, "donations-title", Season::Autumn);
    ask.page(&OneDonationPage { p: p.titled(page.donation.donor.clone()), page })
}

// Market days --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "goods/market_days.html")]
struct MarketDaysPage {
    p: Page,
    q: String,
    past: bool,
    today: Date,
    rows: Vec<MarketDayRow>,
    may_announce: bool,
    key: String,
    stores: Vec<Place>,
    villages: Vec<(Id, String)>,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

fn market_day_filter(ask: &Ask) -> MarketDayFilter {
    let past = ask.query("when") == Some("past");
    MarketDayFilter {
        search: ask.query("q").unwrap_or("").to_owned(),
        from: (!past).then_some(ask.today()),
        to: past.then_some(ask.today()),
        newest_first: past,
        ..Default::default()
    }
}

async fn market_days(ask: Ask) -> Result<Response, Problem> {
    let (paging, filter) = (Paging::asked(&ask), market_day_filter(&ask));
    let (q, past, today) = (filter.search.clone(), filter.newest_first, ask.today());
    let filter = MarketDayFilter { offset: paging.offset(), limit: paging.size, ..filter };
    let may_announce = ask.who()?.may(Permission::AnnounceMarketDay);
    let ((rows, total), (stores, villages)) = ask
        .read::<_, Never>(move |tx, who| {
            let days = app::goods::market_days(tx, who, &filter)?;
            if !may_announce {
                return Ok((days, (Vec::new(), Vec::new())));
            }
            let mut stores = app::goods::own_places(tx, who)?;
            stores.retain(|place| place.kind == "store");
            Ok((days, (stores, app::goods::villages_served(tx, who)?)))
        })
        .await?;
    let page = MarketDaysPage {
        p: Page::new(&ask, "market-days-title", Season::Autumn),
        q,
        past,
        today,
        rows,
        may_announce,
        key: ask.new_key().to_string(),
        stores,
        villages,
        export: ExportForm::of(&ask, total),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    };
    ask.page(&page)
}

async fn export_market_days(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = market_day_filter(&ask);
    let header = [
        "market-day-on",
        "market-day-village",
        "market-day-spot",
        "market-day-store",
        "market-day-redemptions",
        "market-day-points",
    ];
    let sheet = Sheet::new(&ask, "market-days", "market-days-title", &header);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::goods::each_market_day(tx, who, &filter, |row| {
            write(&[
                day(row.market_day.on_date),
                row.village.as_str().into(),
                row.market_day.spot.as_str().into(),
                row.place.as_str().into(),
                row.redemptions.into(),
                row.points.into(),
            ])
        })
    })
    .await
}

#[derive(Deserialize)]
struct AnnounceForm {
    key: Id,
    place: Id,
    village: Id,
    on_date: String,
    spot: String,
}

async fn announce_day(ask: Ask) -> Result<Response, Problem> {
    let form: AnnounceForm = ask.form()?;
    let announce = Announce {
        key: form.key,
        place: form.place,
        village: form.village,
        on_date: opt_date(&form.on_date, "on_date")?.ok_or_else(|| Problem::field("on_date"))?,
        spot: form.spot,
    };
    let key = announce.key;
    let short = ask.write(move |tx, who| app::goods::announce(tx, who, &announce)).await?;
    let done = if short.is_some() { "market-day-short-notice" } else { "market-day-announced" };
    ask.done("/market-days", done, &serde_json::json!({ "id": key, "days_of_notice": short }))
}
