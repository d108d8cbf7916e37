//! The pages of the redemption room: the counter, receipts, cards, awards, "explain this balance".

use std::collections::BTreeMap;

use app::redemption::{
    Award, By, Counter, Explained, FreezeCard, IssueCard, MarketDayPage, Offer, Redeem, Reverse,
    Source,
};
use app::{Failure, Never};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::access::Permission;
use domain::redemption::{Bonus, Card, Code, Proxy, Wish};
use domain::scheme::BonusEvent;
use domain::{Date, Id, parse_day};
use print::qr;
use serde::Deserialize;
use store::access::Resource;
use store::goods::MarketDayRow;
use store::redemption::{Customer, Receipt, RedemptionFilter};

use crate::export::{self, ExportForm, Sheet, moment};
use crate::goods::counted;
use crate::{Ask, Needs, Page, Paging, Problem, Route, Season, Subject, random};

pub fn routes() -> Vec<Route> {
    let redeem = Needs::May(Permission::Redeem);
    let cards = Needs::May(Permission::ManageCards);
    let award = Needs::May(Permission::AwardBonus);
    let read = Needs::May(Permission::ReadHouseholds);
    let household = Subject::One(Resource::Household, "id");
    let one = Subject::One(Resource::Redemption, "id");
    let card = Subject::One(Resource::Card, "id");
    let export = Needs::May(Permission::Export);
    vec![
        Route::get(
            "/counter",
            row!("redemption.counter"),
            redeem,
            Subject::Within(Resource::Household),
            counter,
        )
        .takes(&["day", "card", "household", "q"]),
        Route::post(
            "/counter",
            row!("redemption.redeem"),
            redeem,
            Subject::Within(Resource::Household),
            hand_over,
        )
        .takes(&[
            "key",
            "day",
            "card",
            "household",
            "goods-{id}",
            "proxy_name",
            "proxy_relation",
        ]),
        Route::get(
            "/market-days/{id}",
            row!("redemption.market_day"),
            Needs::May(Permission::ReadGoods),
            Subject::One(Resource::MarketDay, "id"),
            market_day,
        )
        .takes(&["q", "page"]),
        Route::post(
            "/market-days/{id}/export",
            row!("redemption.export"),
            export,
            Subject::One(Resource::MarketDay, "id"),
            export_redemptions,
        )
        .takes(&["key", "kind", "why", "q"]),
        Route::get(
            "/receipts/{id}",
            row!("redemption.receipt"),
            Needs::SignedIn,
            Subject::Zone,
            receipt,
        ),
        Route::post("/receipts/{id}/reverse", row!("redemption.reverse"), redeem, one, reverse)
            .takes(&["key", "reason"]),
        Route::get(
            "/households/{id}/cards",
            row!("redemption.cards"),
            cards,
            household,
            cards_page,
        ),
        Route::post(
            "/households/{id}/cards",
            row!("redemption.issue_card"),
            cards,
            household,
            issue,
        )
        .takes(&["key"]),
        Route::post(
            "/households/{id}/cards/export",
            row!("redemption.export_cards"),
            Needs::TakeOut(Permission::ManageCards),
            household,
            export_cards,
        )
        .takes(&["key", "kind", "why"]),
        Route::get("/cards/{id}", row!("redemption.card"), cards, card, print_card),
        Route::post("/cards/{id}/freeze", row!("redemption.freeze_card"), cards, card, freeze)
            .takes(&["key", "reason"]),
        Route::get(
            "/households/{id}/explain",
            row!("redemption.explain"),
            read,
            household,
            explain,
        )
        .takes(&["before"]),
        Route::get(
            "/households/{id}/award",
            row!("redemption.award_form"),
            award,
            household,
            award_form,
        ),
        Route::post(
            "/households/{id}/award",
            row!("redemption.award"),
            award,
            household,
            give_award,
        )
        .takes(&["key", "event", "document", "on_date"]),
    ]
}

// The counter --------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "redemption/counter.html")]
struct CounterPage {
    p: Page,
    key: String,
    days: Vec<MarketDayRow>,
    day: Option<MarketDayRow>,
    card: String,
    q: String,
    found: Vec<Customer>,
    counter: Option<Counter>,
    /// What was typed before a refusal: quantities by good, and who collects.
    typed: BTreeMap<String, String>,
    problem: Option<String>,
}

impl CounterPage {
    fn typed(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }
    fn quantity(&self, offer: &Offer) -> String {
        self.typed(&format!("goods-{}", offer.good.goods)).to_owned()
    }
    fn most(&self, offer: &Offer) -> i64 {
        self.counter.as_ref().map_or(0, |counter| offer.most(counter.customer.balance))
    }
    /// The household as the next form names it: by its card if one was shown.
    fn household(&self) -> String {
        self.counter.as_ref().map_or(String::new(), |c| c.customer.household.to_string())
    }
}

fn by(card: &str, household: &str) -> Result<Option<By>, Problem> {
    if !card.trim().is_empty() {
        return Ok(Some(By::Card(card.trim().to_owned())));
    }
    match household.trim() {
        "" => Ok(None),
        id => Ok(Some(By::Household(id.parse().map_err(|_| Problem::field("household"))?))),
    }
}

/// What the counter is asked to show.
struct Shown {
    day: Option<Id>,
    by: Option<By>,
    q: String,
    key: String,
    typed: BTreeMap<String, String>,
    problem: Option<Problem>,
}

async fn counter(ask: Ask) -> Result<Response, Problem> {
    let day = ask.query("day").map(|day| day.parse().map_err(|_| Problem::field("day")));
    let shown = Shown {
        day: day.transpose()?,
        by: by(ask.query("card").unwrap_or(""), ask.query("household").unwrap_or(""))?,
        q: ask.query("q").unwrap_or("").to_owned(),
        key: ask.new_key().to_string(),
        typed: BTreeMap::new(),
        problem: None,
    };
    show_counter(&ask, shown).await
}

async fn show_counter(ask: &Ask, shown: Shown) -> Result<Response, Problem> {
    let days = ask.read::<_, Never>(app::redemption::days).await?;
    let day = match shown.day {
        Some(day) => days.iter().find(|row| row.market_day.id == day).cloned(),
        None if days.len() == 1 => days.first().cloned(),
        None => None,
    };
    let mut problem = shown.problem;
    let mut counter = None;
    if let (Some(day), Some(by)) = (&day, shown.by.clone()) {
        let day = day.market_day.id;
        let found = ask.read(move |tx, who| app::redemption::counter(tx, who, &by, day)).await;
        match found {
            Ok(found) => counter = Some(found),
            Err(refused) if refused.status == StatusCode::CONFLICT => {
                problem = problem.or(Some(refused));
            }
            Err(other) => return Err(other),
        }
    }
    let (q, search) = (shown.q.clone(), shown.q);
    let found = match counter.is_none() && !q.is_empty() {
        true => {
            ask.read::<_, Never>(move |tx, who| app::redemption::customers(tx, who, &search))
                .await?
        }
        false => Vec::new(),
    };
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    if ask.wants_json {
        return match problem {
            Some(problem) => Err(problem),
            None => ask.json(&counter_json(counter.as_ref(), &days)),
        };
    }
    let page = CounterPage {
        key: shown.key,
        days,
        day,
        card: match shown.by {
            Some(By::Card(code)) => code,
            _ => String::new(),
        },
        q,
        found,
        counter,
        typed: shown.typed,
        problem: problem.map(|problem| problem.sentence(ask.lang)),
        p: Page::new(ask, "counter-title", Season::Autumn),
    };
    ask.page_with(status, &page)
}

fn counter_json(counter: Option<&Counter>, days: &[MarketDayRow]) -> serde_json::Value {
    let days: Vec<_> = days
        .iter()
        .map(|day| serde_json::json!({ "id": day.market_day.id, "village": day.village }))
        .collect();
    let Some(counter) = counter else {
        return serde_json::json!({ "days": days });
    };
    let goods: Vec<_> = counter
        .offers
        .iter()
        .map(|offer| {
            serde_json::json!({
                "id": offer.good.goods, "sku": offer.good.sku, "points": offer.good.points,
                "left": offer.left, "limit_left": offer.limit_left,
            })
        })
        .collect();
    serde_json::json!({
        "days": days,
        "household": counter.customer.household,
        "balance": counter.customer.balance,
        "goods": goods,
    })
}

async fn hand_over(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let text = |name: &str| fields.get(name).map_or("", |s| s.trim());
    let id = |name: &str| text(name).parse::<Id>().map_err(|_| Problem::field(name));
    let by = by(text("card"), text("household"))?.ok_or_else(|| Problem::field("card"))?;
    let wishes = counted(&fields, "goods-")?;
    let proxy =
        Proxy { name: text("proxy_name").to_owned(), relation: text("proxy_relation").to_owned() };
    let is_proxy = !proxy.name.is_empty() || !proxy.relation.is_empty();
    let redeem = Redeem {
        key: id("key")?,
        by: by.clone(),
        market_day: id("day")?,
        wishes: wishes.into_iter().map(|(goods, quantity)| Wish { goods, quantity }).collect(),
        proxy: is_proxy.then_some(proxy),
    };
    let (day, key) = (Some(redeem.market_day), redeem.key.to_string());
    let recorded: Result<_, Problem> =
        ask.write(move |tx, who| app::redemption::redeem(tx, who, &redeem)).await;
    match recorded {
        Ok(recorded) => {
            let record = serde_json::json!({
                "id": recorded.id, "receipt": recorded.receipt, "points": recorded.points,
                "balance": recorded.balance_after,
            });
            ask.done(&format!("/receipts/{}", recorded.id), "", &record)
        }
        // What was chosen stays on the page; nothing was recorded under the key.
        Err(refused) if refused.status == StatusCode::CONFLICT && !ask.wants_json => {
            let key = if refused.code == "key-reused" { ask.new_key().to_string() } else { key };
            let (typed, problem) = (fields.clone(), Some(refused));
            let shown = Shown { day, by: Some(by), q: String::new(), key, typed, problem };
            show_counter(&ask, shown).await
        }
        Err(other) => Err(other),
    }
}

// Receipts -----------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "redemption/receipt.html")]
struct ReceiptPage {
    p: Page,
    r: Receipt,
    qr: String,
    key: String,
    may_reverse: bool,
    may_redeem: bool,
    sees_market_days: bool,
    printed_code: Option<String>,
}

async fn receipt(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let r = ask.read::<_, Never>(move |tx, who| app::redemption::receipt(tx, who, id)).await?;
    if ask.wants_json {
        return ask.json(&serde_json::json!({
            "id": id, "receipt": r.redemption.receipt, "points": r.redemption.points,
            "balance": r.balance_after, "reverses": r.redemption.reverses,
        }));
    }
    let who = ask.who()?;
    let p = Page::new(&ask, "receipt-title", Season::Autumn);
    let title = p.t1("receipt-of", "number", &r.redemption.receipt);
    let page = ReceiptPage {
        p: p.titled(title),
        qr: qr::svg(&r.redemption.receipt),
        key: ask.new_key().to_string(),
        may_reverse: app::redemption::may_reverse(&who, &r),
        may_redeem: who.may(Permission::Redeem),
        sees_market_days: who.may(Permission::ReadGoods),
        printed_code: r.card_code.as_deref().and_then(Code::parse).map(|code| code.printed()),
        r,
    };
    ask.page(&page)
}

#[derive(Deserialize)]
struct ReasonForm {
    key: Id,
    reason: String,
}

async fn reverse(ask: Ask) -> Result<Response, Problem> {
    let form: ReasonForm = ask.form()?;
    let reverse = Reverse { key: form.key, redemption: ask.id("id")?, reason: form.reason };
    let recorded = ask.write(move |tx, who| app::redemption::reverse(tx, who, &reverse)).await?;
    let record = serde_json::json!({
        "id": recorded.id, "receipt": recorded.receipt, "balance": recorded.balance_after,
    });
    ask.done(&format!("/receipts/{}", recorded.id), "redemption-reversed", &record)
}

#[derive(Template)]
#[template(path = "redemption/market_day.html")]
struct OneMarketDayPage {
    p: Page,
    q: String,
    page: MarketDayPage,
    at_counter: bool,
    may_redeem: bool,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

async fn market_day(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let q = ask.query("q").unwrap_or("").to_owned();
    let paging = Paging::asked(&ask);
    let filter = RedemptionFilter {
        search: q.clone(),
        offset: paging.offset(),
        limit: paging.size,
        ..Default::default()
    };
    let page = ask
        .read::<_, Never>(move |tx, who| app::redemption::market_day(tx, who, id, &filter))
        .await?;
    let p = Page::new(&ask, "market-days-title", Season::Autumn);
    let day = &page.day;
    let title =
        p.t2("market-day-of", "village", &day.village, "date", p.date(day.market_day.on_date));
    let shown = OneMarketDayPage {
        p: p.titled(title),
        q,
        may_redeem: ask.who()?.may(Permission::Redeem),
        at_counter: ask.who()?.may(Permission::Redeem)
            && page.day.market_day.on_date == ask.today(),
        export: ExportForm::of(&ask, page.sums.rows),
        paging: paging.of(page.sums.rows),
        page,
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    };
    ask.page(&shown)
}

async fn export_redemptions(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let ask = export::asked(ask)?;
    let search = ask.query("q").unwrap_or("").to_owned();
    let filter = RedemptionFilter { search, ..Default::default() };
    let header = [
        "receipt-number",
        "receipt-time",
        "market-day-village",
        "visits-number",
        "receipt-household",
        "receipt-quantity",
        "receipt-points",
        "receipt-standing",
    ];
    let sheet = Sheet::new(&ask, "redemptions", "market-day-list", &header);
    let p = Page::new(&ask, "market-day-list", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::redemption::each_redemption(tx, who, id, &filter, |row| {
            // What was given back counts against what was had, as in the sum on the page.
            let sign = if row.is_reversal { -1 } else { 1 };
            let standing = match (row.is_reversal, row.is_reversed) {
                (true, _) => p.t("receipt-reversal-title"),
                (_, true) => p.t("receipt-reversed"),
                _ => String::new(),
            };
            write(&[
                row.receipt.as_str().into(),
                moment(row.at),
                row.village.as_str().into(),
                row.number.as_str().into(),
                row.head_name.as_str().into(),
                (sign * row.quantity).into(),
                (sign * row.points).into(),
                standing.into(),
            ])
        })
    })
    .await
}

// Cards --------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "redemption/cards.html")]
struct CardsPage {
    p: Page,
    key: String,
    customer: Customer,
    cards: Vec<Card>,
    has_living: bool,
    export: Option<ExportForm>,
}

impl CardsPage {
    fn printed(&self, card: &Card) -> String {
        printed(card)
    }
}

/// The code in groups, as it stands on the card.
fn printed(card: &Card) -> String {
    Code::parse(&card.code).map_or_else(|| card.code.clone(), |code| code.printed())
}

async fn cards_page(ask: Ask) -> Result<Response, Problem> {
    let household = ask.id("id")?;
    let found =
        ask.read::<_, Never>(move |tx, who| app::redemption::cards(tx, who, household)).await?;
    let page = CardsPage {
        p: Page::new(&ask, "cards-title", Season::Autumn),
        key: ask.new_key().to_string(),
        customer: found.customer,
        export: ExportForm::of(&ask, i64::try_from(found.cards.len()).unwrap_or(i64::MAX)),
        has_living: found.cards.iter().any(|card| !card.is_frozen()),
        cards: found.cards,
    };
    ask.page(&page)
}

async fn export_cards(ask: Ask) -> Result<Response, Problem> {
    let household = ask.id("id")?;
    let ask = export::asked(ask)?;
    let header = [
        "receipt-household",
        "visits-number",
        "card-code",
        "card-issued",
        "card-frozen",
        "card-freeze-reason",
    ];
    let sheet = Sheet::new(&ask, "cards", "cards-title", &header);
    export::stream(&ask, sheet, move |tx, who, write| {
        let found = app::redemption::cards_taken_out(tx, who, household)?;
        for card in &found.cards {
            write(&[
                found.customer.head_name.as_str().into(),
                found.customer.number.as_str().into(),
                printed(card).into(),
                moment(card.issued_at),
                card.frozen_at.map(moment).into(),
                card.frozen_reason.clone().into(),
            ])?;
        }
        Ok(())
    })
    .await
}

#[derive(Deserialize)]
struct KeyForm {
    key: Id,
}

async fn issue(ask: Ask) -> Result<Response, Problem> {
    let form: KeyForm = ask.form()?;
    let household = ask.id("id")?;
    let random = u64::from_be_bytes(random());
    let issue = IssueCard { key: form.key, household, random };
    let code = ask.write(move |tx, who| app::redemption::issue_card(tx, who, &issue)).await?;
    let record = serde_json::json!({ "id": form.key, "code": code });
    ask.done(&format!("/cards/{}", form.key), "card-issued", &record)
}

#[derive(Template)]
#[template(path = "redemption/card.html")]
struct CardPage {
    p: Page,
    customer: Customer,
    card: Card,
    printed: String,
    qr: String,
}

async fn print_card(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let (customer, card) = ask
        .read::<_, Never>(move |tx, who| {
            let card = store::redemption::find_card(tx, id)?.ok_or(Failure::NotFound)?;
            let found = app::redemption::cards(tx, who, card.household)?;
            Ok((found.customer, card))
        })
        .await?;
    let page = CardPage {
        p: Page::new(&ask, "card-title", Season::Autumn),
        printed: printed(&card),
        qr: qr::svg(&card.code),
        customer,
        card,
    };
    ask.page(&page)
}

async fn freeze(ask: Ask) -> Result<Response, Problem> {
    let form: ReasonForm = ask.form()?;
    let freeze = FreezeCard { key: form.key, card: ask.id("id")?, reason: form.reason };
    let card = freeze.card;
    ask.write(move |tx, who| app::redemption::freeze_card(tx, who, &freeze)).await?;
    let household = ask
        .read::<_, Never>(move |tx, _| {
            let card = store::redemption::find_card(tx, card)?.ok_or(Failure::NotFound)?;
            Ok(card.household)
        })
        .await?;
    ask.done(&format!("/households/{household}/cards"), "card-frozen", &serde_json::json!({}))
}

// Explain this balance -----------------------------------------------------------------------------

/// Lines on one page of a statement.
const LINES: i64 = 40;

#[derive(Template)]
#[template(path = "redemption/explain.html")]
struct ExplainPage {
    p: Page,
    e: Explained,
    is_first: bool,
    older: String,
    may_cards: bool,
    may_award: bool,
    /// An assigned cadre sees households, not villages.
    sees_batches: bool,
}

async fn explain(ask: Ask) -> Result<Response, Problem> {
    let household = ask.id("id")?;
    let before = ask.query("before").map(|b| b.parse().map_err(|_| Problem::bad("query")));
    let before: Option<i64> = before.transpose()?;
    let e = ask
        .read::<_, Never>(move |tx, who| {
            app::redemption::explain(tx, who, household, before, LINES)
        })
        .await?;
    let who = ask.who()?;
    let page = ExplainPage {
        p: Page::new(&ask, "explain-title", Season::Autumn),
        is_first: before.is_none(),
        older: e.before.map_or(String::new(), |seq| ask.link(&[("before", &seq.to_string())])),
        may_cards: who.may(Permission::ManageCards),
        may_award: who.may(Permission::AwardBonus),
        sees_batches: !ask.scope.paths.is_empty(),
        e,
    };
    ask.page(&page)
}

// Awards -------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "redemption/award.html")]
struct AwardPage {
    p: Page,
    key: String,
    customer: Customer,
    events: Vec<BonusEvent>,
    given: Vec<Bonus>,
    today: Date,
}

impl AwardPage {
    fn is_given(&self, event: &BonusEvent) -> bool {
        self.given.iter().any(|bonus| bonus.event == event.code)
    }
}

async fn award_form(ask: Ask) -> Result<Response, Problem> {
    let household = ask.id("id")?;
    let found =
        ask.read::<_, Never>(move |tx, who| app::redemption::awards(tx, who, household)).await?;
    let page = AwardPage {
        p: Page::new(&ask, "award-title", Season::Autumn),
        key: ask.new_key().to_string(),
        customer: found.customer,
        events: found.events,
        given: found.given,
        today: ask.today(),
    };
    ask.page(&page)
}

#[derive(Deserialize)]
struct AwardForm {
    key: Id,
    event: String,
    document: String,
    #[serde(default)]
    on_date: String,
}

async fn give_award(ask: Ask) -> Result<Response, Problem> {
    let form: AwardForm = ask.form()?;
    let on_date = match form.on_date.trim() {
        "" => ask.today(),
        text => parse_day(text).ok_or_else(|| Problem::field("on_date"))?,
    };
    let award = Award {
        key: form.key,
        household: ask.id("id")?,
        event: form.event,
        document: form.document,
        on_date,
    };
    let household = award.household;
    let id = ask.write(move |tx, who| app::redemption::award(tx, who, &award)).await?;
    let to = format!("/households/{household}/explain");
    ask.done(&to, "award-given", &serde_json::json!({ "id": id }))
}
