//! Points for goods, cards, and what is awarded outside the month. Points and goods move in one
//! decision, or nothing moves.

mod bonus;
mod card;
mod reverse;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use crate::audit::Digest;
use crate::goods::{Good, MarketDay, Shelf, pick};
use crate::points::{Account, Amount, Cause, CauseKind, Transfer};
use crate::{Arg, Id, Millis};

pub use bonus::{Bonus, BonusDecision, BonusFacts, BonusRefusal, BonusRequest, decide_bonus};
pub use card::{Card, CardRefusal, Code, FreezeRequest, IssueFacts, decide_freeze, decide_issue};
pub use reverse::{ReversalFacts, ReversalRefusal, ReversalRequest, decide_reversal};

/// More of one good in one redemption is taken for a slip of the finger.
pub const QUANTITY_MAX: i64 = 999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub goods: Id,
    pub quantity: i64,
}

/// Somebody who collects for the household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub name: String,
    pub relation: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: Id,
    pub household: Id,
    pub card: Option<Id>,
    pub market_day: Id,
    pub wishes: Vec<Wish>,
    pub proxy: Option<Proxy>,
    pub person: Id,
    pub today: Date,
    pub at: Millis,
}

#[derive(Clone, Debug)]
pub struct Facts {
    pub household_active: bool,
    /// The card that was shown; `None` where the household was found by name.
    pub card: Option<Card>,
    pub market_day: Option<MarketDay>,
    /// The stores that this keeper keeps.
    pub places: Vec<Id>,
    pub balance: i64,
    /// Catalogue rows of the goods that are wished for.
    pub goods: Vec<Good>,
    /// Their stock at the market day's store.
    pub shelves: Vec<Shelf>,
    /// What the household has had of each good this calendar month.
    pub had_this_month: Vec<Wish>,
    /// What it has spent this calendar year, and the most the scheme allows, if it says so.
    pub spent_this_year: i64,
    pub year_cap: Option<i64>,
    /// The last receipt number given out today.
    pub receipt_last: Option<String>,
}

/// One good handed over, from one lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub goods: Id,
    pub lot: Id,
    pub quantity: i64,
    pub points_each: i64,
}

/// What was handed over, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    pub id: Id,
    pub receipt: String,
    pub household: Id,
    pub card: Option<Id>,
    pub market_day: Id,
    pub place: Id,
    pub points: i64,
    pub proxy: Option<Proxy>,
    /// The redemption that this one undoes.
    pub reverses: Option<Id>,
    pub reason: Option<String>,
    pub person: Id,
    pub on_date: Date,
    pub at: Millis,
    pub lines: Vec<Line>,
}

impl Redemption {
    pub fn digest(&self) -> [u8; 32] {
        let head = Digest::of("redemption")
            .id(self.id)
            .text(&self.receipt)
            .id(self.household)
            .opt_id(self.card)
            .id(self.market_day)
            .id(self.place)
            .number(self.points)
            .opt_text(self.proxy.as_ref().map(|p| p.name.as_str()))
            .opt_text(self.proxy.as_ref().map(|p| p.relation.as_str()))
            .opt_id(self.reverses)
            .opt_text(self.reason.as_deref())
            .id(self.person)
            .date(self.on_date)
            .number(self.at);
        let lines = self.lines.iter().fold(head, |digest, line| {
            digest.id(line.goods).id(line.lot).number(line.quantity).number(line.points_each)
        });
        lines.finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub redemption: Redemption,
    /// Points and goods together.
    pub transfers: Vec<Transfer>,
    pub balance_after: i64,
}

/// What a good is called, in the two languages of the screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub zh: String,
    pub en: String,
}

impl Named {
    fn of(good: &Good) -> Named {
        Named { zh: good.name_zh.clone(), en: good.name_en.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    CardMistyped,
    CardUnknown,
    CardFrozen,
    CardOfAnother,
    HouseholdInactive,
    MarketDayUnknown,
    MarketDayNotToday { on: Date },
    OtherStore,
    NothingChosen,
    GoodUnknown,
    GoodWithdrawn { goods: Named },
    QuantityNotPositive { goods: Named },
    QuantityTooLarge { goods: Named, limit: i64 },
    ProxyIncomplete,
    OverMonthlyLimit { goods: Named, limit: i64, had: i64 },
    OverYearCap { cap: i64, spent: i64, price: i64 },
    NotEnoughPoints { balance: i64, price: i64 },
    OnlyExpiredLeft { goods: Named, expired: i64 },
    NotEnoughStock { goods: Named, left: i64, asked: i64 },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::CardMistyped => "redeem-card-mistyped",
            Refusal::CardUnknown => "redeem-card-unknown",
            Refusal::CardFrozen => "redeem-card-frozen",
            Refusal::CardOfAnother => "redeem-card-of-another",
            Refusal::HouseholdInactive => "redeem-household-inactive",
            Refusal::MarketDayUnknown => "redeem-market-day-unknown",
            Refusal::MarketDayNotToday { .. } => "redeem-market-day-not-today",
            Refusal::OtherStore => "redeem-other-store",
            Refusal::NothingChosen => "redeem-nothing-chosen",
            Refusal::GoodUnknown => "redeem-good-unknown",
            Refusal::GoodWithdrawn { .. } => "redeem-good-withdrawn",
            Refusal::QuantityNotPositive { .. } => "redeem-quantity-not-positive",
            Refusal::QuantityTooLarge { .. } => "redeem-quantity-too-large",
            Refusal::ProxyIncomplete => "redeem-proxy-incomplete",
            Refusal::OverMonthlyLimit { .. } => "redeem-over-monthly-limit",
            Refusal::OverYearCap { .. } => "redeem-over-year-cap",
            Refusal::NotEnoughPoints { .. } => "redeem-not-enough-points",
            Refusal::OnlyExpiredLeft { .. } => "redeem-only-expired-left",
            Refusal::NotEnoughStock { .. } => "redeem-not-enough-stock",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        let named = |goods: &Named| {
            vec![("goods", Arg::Words { zh: goods.zh.clone(), en: goods.en.clone() })]
        };
        let with = |goods: &Named, more: &[(&'static str, i64)]| {
            let mut args = named(goods);
            args.extend(more.iter().map(|&(name, n)| (name, n.into())));
            args
        };
        match self {
            Refusal::MarketDayNotToday { on } => vec![("on", (*on).into())],
            Refusal::GoodWithdrawn { goods } | Refusal::QuantityNotPositive { goods } => {
                named(goods)
            }
            Refusal::QuantityTooLarge { goods, limit } => with(goods, &[("limit", *limit)]),
            Refusal::OverMonthlyLimit { goods, limit, had } => {
                with(goods, &[("limit", *limit), ("had", *had), ("left", (limit - had).max(0))])
            }
            Refusal::OverYearCap { cap, spent, price } => {
                vec![("cap", (*cap).into()), ("spent", (*spent).into()), ("price", (*price).into())]
            }
            Refusal::NotEnoughPoints { balance, price } => {
                vec![("balance", (*balance).into()), ("price", (*price).into())]
            }
            Refusal::OnlyExpiredLeft { goods, expired } => with(goods, &[("expired", *expired)]),
            Refusal::NotEnoughStock { goods, left, asked } => {
                with(goods, &[("left", *left), ("asked", *asked)])
            }
            _ => Vec::new(),
        }
    }
}

/// May goods be handed over for points? Points and goods in one answer.
pub fn decide(facts: &Facts, request: &Request) -> Result<Decision, Refusal> {
    if let Some(card) = &facts.card {
        if card.is_frozen() {
            return Err(Refusal::CardFrozen);
        }
        if card.household != request.household {
            return Err(Refusal::CardOfAnother);
        }
    }
    if !facts.household_active {
        return Err(Refusal::HouseholdInactive);
    }
    let Some(market_day) = &facts.market_day else {
        return Err(Refusal::MarketDayUnknown);
    };
    if market_day.on_date != request.today {
        return Err(Refusal::MarketDayNotToday { on: market_day.on_date });
    }
    if !facts.places.contains(&market_day.place) {
        return Err(Refusal::OtherStore);
    }
    let proxy = checked_proxy(request.proxy.as_ref())?;
    let basket = basket(facts, &request.wishes)?;
    let price = basket.iter().map(|(good, quantity)| good.points * quantity).sum::<i64>();
    let Ok(points) = Amount::new(price) else {
        return Err(Refusal::NothingChosen);
    };
    if facts.balance < price {
        return Err(Refusal::NotEnoughPoints { balance: facts.balance, price });
    }
    if let Some(cap) = facts.year_cap.filter(|cap| facts.spent_this_year + price > *cap) {
        return Err(Refusal::OverYearCap { cap, spent: facts.spent_this_year, price });
    }
    let lines = lines(facts, &basket, request.today)?;

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Redemption, id: request.id };
    let household = Account::household(request.household);
    let (today, at) = (request.today, request.at);
    let mut transfers =
        vec![Transfer::posted(cause, household, Account::redeemed(), points, today, at)];
    transfers.extend(lines.iter().map(|(line, amount)| {
        let stock = Account::stock(line.goods, line.lot, market_day.place);
        Transfer::posted(cause, stock, Account::handed_out(line.goods), *amount, today, at)
    }));
    Ok(Decision {
        transfers,
        balance_after: facts.balance - price,
        redemption: Redemption {
            id: request.id,
            receipt: receipt_after(request.today, facts.receipt_last.as_deref()),
            household: request.household,
            card: request.card,
            market_day: market_day.id,
            place: market_day.place,
            points: price,
            proxy,
            reverses: None,
            reason: None,
            person: request.person,
            on_date: request.today,
            at: request.at,
            lines: lines.into_iter().map(|(line, _)| line).collect(),
        },
    })
}

fn checked_proxy(proxy: Option<&Proxy>) -> Result<Option<Proxy>, Refusal> {
    let Some(proxy) = proxy else {
        return Ok(None);
    };
    let (name, relation) = (proxy.name.trim().to_owned(), proxy.relation.trim().to_owned());
    if name.is_empty() || relation.is_empty() {
        return Err(Refusal::ProxyIncomplete);
    }
    Ok(Some(Proxy { name, relation }))
}

/// Each wished good once, in force, within what a household may have of it in a month.
fn basket<'f>(facts: &'f Facts, wishes: &[Wish]) -> Result<Vec<(&'f Good, i64)>, Refusal> {
    let mut basket: Vec<(&Good, i64)> = Vec::new();
    for wish in wishes {
        let Some(good) = facts.goods.iter().find(|g| g.goods == wish.goods) else {
            return Err(Refusal::GoodUnknown);
        };
        if !good.active {
            return Err(Refusal::GoodWithdrawn { goods: Named::of(good) });
        }
        if wish.quantity < 1 {
            return Err(Refusal::QuantityNotPositive { goods: Named::of(good) });
        }
        let before = basket.iter_mut().find(|(other, _)| other.goods == good.goods);
        let wished = before.as_ref().map_or(0, |(_, quantity)| *quantity);
        if wish.quantity > QUANTITY_MAX - wished {
            let goods = Named::of(good);
            return Err(Refusal::QuantityTooLarge { goods, limit: QUANTITY_MAX });
        }
        let quantity = wished + wish.quantity;
        let had = had_of(&facts.had_this_month, good.goods);
        if good.limit_month > 0 && had + quantity > good.limit_month {
            let goods = Named::of(good);
            return Err(Refusal::OverMonthlyLimit { goods, limit: good.limit_month, had });
        }
        match before {
            Some((_, before)) => *before = quantity,
            None => basket.push((good, quantity)),
        }
    }
    if basket.is_empty() {
        return Err(Refusal::NothingChosen);
    }
    Ok(basket)
}

/// How many of a good a household has had.
pub fn had_of(had: &[Wish], goods: Id) -> i64 {
    had.iter().filter(|w| w.goods == goods).map(|w| w.quantity).sum()
}

fn lines(
    facts: &Facts,
    basket: &[(&Good, i64)],
    today: Date,
) -> Result<Vec<(Line, Amount)>, Refusal> {
    let mut lines = Vec::new();
    for &(good, asked) in basket {
        let of_good = |s: &&Shelf| s.goods == good.goods;
        let shelves: Vec<_> = facts.shelves.iter().filter(of_good).copied().collect();
        let picks = pick(&shelves, asked, today).map_err(|short| {
            let goods = Named::of(good);
            match short.expired > 0 && short.left == 0 {
                true => Refusal::OnlyExpiredLeft { goods, expired: short.expired },
                false => Refusal::NotEnoughStock { goods, left: short.left, asked },
            }
        })?;
        for pick in picks {
            let Ok(amount) = Amount::new(pick.quantity) else { continue };
            let line = Line {
                goods: good.goods,
                lot: pick.lot,
                quantity: pick.quantity,
                points_each: good.points,
            };
            lines.push((line, amount));
        }
    }
    Ok(lines)
}

/// Receipts are counted through the day: 20261123-00042.
fn receipt_after(today: Date, last: Option<&str>) -> String {
    let count = last.and_then(|l| l.rsplit_once('-')).and_then(|(_, n)| n.parse::<i64>().ok());
    format!("{}{:05}", receipt_prefix(today), count.unwrap_or(0) + 1)
}

/// What every receipt number of a day begins with.
pub fn receipt_prefix(today: Date) -> String {
    format!("{:04}{:02}{:02}-", today.year(), today.month(), today.day())
}
