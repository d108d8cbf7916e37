//! The use cases of the redemption room: the counter, receipts, cards, awards, and "explain this
//! balance".

mod cards;
mod explain;

use domain::access::{Permission, Scope};
use domain::audit::Digest;
use domain::calendar::Month;
use domain::goods::Good;
use domain::redemption::{
    Bonus, BonusFacts, BonusRefusal, BonusRequest, Card, Code, Proxy, Refusal, Request,
    ReversalRefusal, ReversalRequest, Wish, had_of,
};
use domain::scheme::BonusEvent;
use domain::{Date, Id};
use store::Tx;
use store::goods::{MarketDayFilter, MarketDayRow};
use store::redemption::{Customer, Receipt, ReceiptLine, RedemptionFilter, RedemptionRow, Sums};

use crate::audit::{self, Command};
use crate::goods::move_all;
use crate::{Failure, Never, Who};

pub use cards::{Cards, FreezeCard, IssueCard, cards, cards_taken_out, freeze_card, issue_card};
pub(crate) use explain::explain_within;
pub use explain::{Explained, ExplainedLine, Source, explain};

/// How the household at the counter was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By the code on its card, as it was typed or scanned.
    Card(String),
    /// By name or number, in the register.
    Household(Id),
}

impl By {
    fn asked(&self, digest: Digest) -> Digest {
        match self {
            By::Card(code) => {
                let code = Code::parse(code).map_or_else(|| code.clone(), |code| code.to_string());
                digest.text("card").text(&code)
            }
            By::Household(household) => digest.text("household").id(*household),
        }
    }
}

/// The stores whose counter this person stands at today.
fn own_stores(who: &Who) -> Vec<Id> {
    let today = who.today();
    let held = who.posts.iter().filter(|p| p.is_held_on(today) && p.role.may(Permission::Redeem));
    held.filter_map(|p| p.place).collect()
}

/// The household at the counter, and its card. A card from elsewhere is as unknown as none.
fn find(tx: &mut Tx, who: &Who, by: &By) -> Result<(Customer, Option<Card>), Failure<Refusal>> {
    who.must(Permission::Redeem)?;
    match by {
        By::Card(typed) => {
            let code = Code::parse(typed).ok_or(Failure::Refused(Refusal::CardMistyped))?;
            let card = store::redemption::card_by_code(tx, &code.to_string())?;
            let card = card.ok_or(Failure::Refused(Refusal::CardUnknown))?;
            let customer = store::redemption::find_customer(tx, card.household)?
                .filter(|c| who.scope(Permission::Redeem).covers(&c.path))
                .ok_or(Failure::Refused(Refusal::CardUnknown))?;
            Ok((customer, Some(card)))
        }
        By::Household(household) => {
            let customer =
                store::redemption::find_customer(tx, *household)?.ok_or(Failure::NotFound)?;
            who.must_cover(Permission::Redeem, &customer.path)?;
            Ok((customer, None))
        }
    }
}

// The counter --------------------------------------------------------------------------------------

/// Today's market days at this person's stores.
pub fn days(tx: &mut Tx, who: &Who) -> Result<Vec<MarketDayRow>, Failure<Never>> {
    let scope = who.must_scope(Permission::Redeem)?;
    let today = Some(who.today());
    let filter = MarketDayFilter { from: today, to: today, limit: 100, ..Default::default() };
    let stores = own_stores(who);
    let (mut days, _) = store::goods::market_days(tx, &scope, &filter)?;
    days.retain(|day| stores.contains(&day.market_day.place));
    Ok(days)
}

/// A good that can be had at the counter now.
#[derive(Clone, Debug)]
pub struct Offer {
    pub good: Good,
    /// At this store, and not past its date.
    pub left: i64,
    /// How many more this month; `None` where there is no limit.
    pub limit_left: Option<i64>,
}

impl Offer {
    /// The most that this household can have of it now.
    pub fn most(&self, balance: i64) -> i64 {
        let by_points = balance / self.good.points.max(1);
        self.left.min(by_points).min(self.limit_left.unwrap_or(i64::MAX)).max(0)
    }
}

/// The household at the counter and what it can have.
pub struct Counter {
    pub customer: Customer,
    pub card: Option<Card>,
    pub offers: Vec<Offer>,
}

pub fn counter(
    tx: &mut Tx,
    who: &Who,
    by: &By,
    market_day: Id,
) -> Result<Counter, Failure<Refusal>> {
    let (customer, card) = find(tx, who, by)?;
    if card.as_ref().is_some_and(Card::is_frozen) {
        return Err(Failure::Refused(Refusal::CardFrozen));
    }
    let day = store::goods::find_market_day(tx, market_day)?
        .filter(|day| own_stores(who).contains(&day.place))
        .ok_or(Failure::Refused(Refusal::MarketDayUnknown))?;
    let today = who.today();
    let had = store::redemption::had_in_month(tx, customer.household, Month::of(today))?;
    let shelves = store::goods::shelves(tx, day.place)?;
    let left_of = |goods: Id| {
        shelves.iter().filter(|s| s.goods == goods && !s.is_expired(today)).map(|s| s.left).sum()
    };
    let goods = store::goods::all(tx)?.into_iter().filter(|good| good.active);
    let offers = goods.map(|good| Offer {
        left: left_of(good.goods),
        limit_left: (good.limit_month > 0)
            .then(|| (good.limit_month - had_of(&had, good.goods)).max(0)),
        good,
    });
    let mut offers: Vec<Offer> = offers.filter(|offer| offer.left > 0).collect();
    // What this household can have stands first.
    offers.sort_by_key(|offer| offer.most(customer.balance) == 0);
    Ok(Counter { customer, card, offers })
}

/// Households of the keeper's area by a part of name or number; at least two characters.
pub fn customers(tx: &mut Tx, who: &Who, search: &str) -> Result<Vec<Customer>, Failure<Never>> {
    let scope = who.must_scope(Permission::Redeem)?;
    if search.trim().chars().count() < 2 {
        return Ok(Vec::new());
    }
    Ok(store::redemption::customers(tx, &scope, search, 20)?)
}

// Redemption ---------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub struct Redeem {
    pub key: Id,
    pub by: By,
    pub market_day: Id,
    pub wishes: Vec<Wish>,
    pub proxy: Option<Proxy>,
}

impl Redeem {
    fn asked(&self) -> Digest {
        let head = self.by.asked(Digest::of("redeem")).id(self.market_day);
        let wishes =
            self.wishes.iter().fold(head, |digest, w| digest.id(w.goods).number(w.quantity));
        wishes
            .opt_text(self.proxy.as_ref().map(|p| p.name.as_str()))
            .opt_text(self.proxy.as_ref().map(|p| p.relation.as_str()))
    }
}

/// What the counter is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub id: Id,
    pub receipt: String,
    pub points: i64,
    pub balance_after: i64,
}

/// Hands goods over for points: both move, or neither.
pub fn redeem(tx: &mut Tx, who: &Who, r: &Redeem) -> Result<Recorded, Failure<Refusal>> {
    let (customer, card) = find(tx, who, &r.by)?;
    let asked = r.asked();
    if audit::is_repeat(tx, r.key, &asked)? {
        return first_answer(tx, r.key);
    }
    let request = Request {
        id: r.key,
        household: customer.household,
        card: card.map(|card| card.id),
        market_day: r.market_day,
        wishes: r.wishes.clone(),
        proxy: r.proxy.clone(),
        person: who.person,
        today: who.today(),
        at: who.now,
    };
    let mut facts = store::redemption::facts(tx, &request, &customer, own_stores(who))?;
    // A market day from elsewhere is as unknown as none.
    let scope = who.scope(Permission::Redeem);
    facts.market_day = facts.market_day.filter(|day| scope.covers(&day.path));
    let decision = domain::redemption::decide(&facts, &request).map_err(Failure::Refused)?;
    record(tx, who, "redeem", &customer.path, asked, &decision)
}

fn record<R>(
    tx: &mut Tx,
    who: &Who,
    verb: &str,
    path: &str,
    asked: Digest,
    decision: &domain::redemption::Decision,
) -> Result<Recorded, Failure<R>> {
    let redemption = &decision.redemption;
    move_all(tx, &decision.transfers)?;
    store::redemption::record(tx, redemption)?;
    let subject = Some(redemption.household);
    let c = Command { key: redemption.id, verb, subject, path: Some(path), asked };
    audit::record_on(tx, who, subject, c)?;
    Ok(Recorded {
        id: redemption.id,
        receipt: redemption.receipt.clone(),
        points: redemption.points,
        balance_after: decision.balance_after,
    })
}

fn first_answer<R>(tx: &mut Tx, id: Id) -> Result<Recorded, Failure<R>> {
    let receipt = store::redemption::receipt(tx, id)?.ok_or(Failure::KeyReused)?;
    Ok(Recorded {
        id,
        receipt: receipt.redemption.receipt,
        points: receipt.redemption.points,
        balance_after: receipt.balance_after,
    })
}

pub struct Reverse {
    pub key: Id,
    pub redemption: Id,
    pub reason: String,
}

/// Undoes a redemption, at the store where it was made.
pub fn reverse(tx: &mut Tx, who: &Who, r: &Reverse) -> Result<Recorded, Failure<ReversalRefusal>> {
    let redemption = store::redemption::find(tx, r.redemption)?.ok_or(Failure::NotFound)?;
    let customer = store::redemption::find_customer(tx, redemption.household)?;
    let path = customer.ok_or(Failure::NotFound)?.path;
    who.must_cover(Permission::Redeem, &path)?;
    if !own_stores(who).contains(&redemption.place) {
        return Err(Failure::NotFound);
    }
    let asked = Digest::of("reverse").id(r.redemption).text(&r.reason);
    if audit::is_repeat(tx, r.key, &asked)? {
        return first_answer(tx, r.key);
    }
    let request = ReversalRequest {
        id: r.key,
        redemption: r.redemption,
        reason: r.reason.clone(),
        person: who.person,
        today: who.today(),
        at: who.now,
    };
    let facts = store::redemption::reversal_facts(tx, redemption, who.today())?;
    let decision =
        domain::redemption::decide_reversal(&facts, &request).map_err(Failure::Refused)?;
    record(tx, who, "reverse", &path, asked, &decision)
}

/// Households whose redemptions this person may see: at the counter, or in the register.
pub fn readable(who: &Who) -> Scope {
    let mut scope = who.scope(Permission::ReadHouseholds);
    scope.paths.extend(who.scope(Permission::Redeem).paths);
    scope
}

pub fn receipt(tx: &mut Tx, who: &Who, id: Id) -> Result<Receipt, Failure<Never>> {
    let receipt = store::redemption::receipt(tx, id)?.ok_or(Failure::NotFound)?;
    let household = receipt.redemption.household;
    let resource = store::access::Resource::Household;
    if !store::access::covers(tx, &readable(who), resource, household)? {
        return Err(Failure::NotFound);
    }
    Ok(receipt)
}

/// May this person undo this redemption? For the button; `reverse` asks again.
pub fn may_reverse(who: &Who, receipt: &Receipt) -> bool {
    receipt.redemption.reverses.is_none()
        && receipt.reversed_by.is_none()
        && own_stores(who).contains(&receipt.redemption.place)
        && who.scope(Permission::Redeem).covers(&receipt.path)
}

pub fn redemptions(
    tx: &mut Tx,
    who: &Who,
    filter: &RedemptionFilter,
) -> Result<(Vec<RedemptionRow>, Sums), Failure<Never>> {
    let scope = readable(who);
    if scope.is_empty() {
        return Err(Failure::NotAllowed);
    }
    Ok(store::redemption::list(tx, &scope, filter)?)
}

/// One market day with its redemptions, their sums, and what was handed out.
pub struct MarketDayPage {
    pub day: MarketDayRow,
    pub rows: Vec<RedemptionRow>,
    pub sums: Sums,
    pub handed_out: Vec<ReceiptLine>,
}

pub fn market_day(
    tx: &mut Tx,
    who: &Who,
    id: Id,
    filter: &RedemptionFilter,
) -> Result<MarketDayPage, Failure<Never>> {
    let day = store::goods::market_day_row(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReadGoods, &day.market_day.path)?;
    let filter = RedemptionFilter { market_day: Some(id), ..filter.clone() };
    let (rows, sums) = store::redemption::list(tx, &readable(who), &filter)?;
    Ok(MarketDayPage { day, rows, sums, handed_out: store::redemption::handed_out(tx, id)? })
}

/// The redemptions of one market day to take out, one after another.
pub fn each_redemption(
    tx: &mut Tx,
    who: &Who,
    id: Id,
    filter: &RedemptionFilter,
    see: impl FnMut(RedemptionRow) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let day = store::goods::find_market_day(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ReadGoods, &day.path)?;
    let scope = readable(who).and(&who.must_scope(Permission::Export)?);
    let filter = RedemptionFilter { market_day: Some(id), ..filter.clone() };
    Ok(store::redemption::each_redemption(tx, &scope, &filter, see)?)
}

// Awards -------------------------------------------------------------------------------------------

pub struct Award {
    pub key: Id,
    pub household: Id,
    /// The scheme's code of the event.
    pub event: String,
    pub document: String,
    pub on_date: Date,
}

/// Awards a one-off event that the scheme in force names.
pub fn award(tx: &mut Tx, who: &Who, r: &Award) -> Result<Id, Failure<BonusRefusal>> {
    let customer = store::redemption::find_customer(tx, r.household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::AwardBonus, &customer.path)?;
    let asked =
        Digest::of("award").id(r.household).text(&r.event).text(&r.document).date(r.on_date);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    let points = match store::scheme::in_force(tx, Month::of(r.on_date))? {
        Some(scheme) => {
            store::scheme::load(tx, scheme)?.bonus_event(&r.event).map(|event| event.points)
        }
        None => None,
    };
    let facts = BonusFacts {
        household_active: customer.active,
        points,
        given: store::redemption::is_bonus_given(tx, r.household, &r.event)?,
        today: who.today(),
    };
    let request = BonusRequest {
        id: r.key,
        household: r.household,
        event: r.event.clone(),
        document: r.document.clone(),
        person: who.person,
        on_date: r.on_date,
        at: who.now,
    };
    let decision = domain::redemption::decide_bonus(facts, &request).map_err(Failure::Refused)?;
    store::redemption::record_bonus(tx, &decision.bonus)?;
    move_all(tx, &[decision.transfer])?;
    let c = Command {
        key: r.key,
        verb: "award",
        subject: Some(r.household),
        path: Some(&customer.path),
        asked,
    };
    audit::record_on(tx, who, c.subject, c)?;
    Ok(r.key)
}

/// The events of the scheme in force, and what a household was awarded before.
pub struct Awards {
    pub customer: Customer,
    pub events: Vec<BonusEvent>,
    pub given: Vec<Bonus>,
}

pub fn awards(tx: &mut Tx, who: &Who, household: Id) -> Result<Awards, Failure<Never>> {
    let customer = store::redemption::find_customer(tx, household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::AwardBonus, &customer.path)?;
    let events = match store::scheme::in_force(tx, Month::of(who.today()))? {
        Some(scheme) => store::scheme::load(tx, scheme)?.bonus_events.clone(),
        None => Vec::new(),
    };
    Ok(Awards { customer, events, given: store::redemption::bonuses(tx, household)? })
}
