//! A store through some days: goods in, moved and lost, cards, awards, redemptions and returns, over
//! SQLite, against a model that keeps a number for each household and each shelf.

use std::collections::BTreeMap;

use app::goods::{Announce, Move, OpenPlace, Receive, WriteOff};
use app::posting::{Certify, Post};
use app::redemption::{Award, By, FreezeCard, IssueCard, Redeem, Reverse};
use app::{Never, Tx, Who};
use domain::access::Role;
use domain::calendar::Month;
use domain::goods::{Good, MoveLine, WriteOffReason};
use domain::points::Account;
use domain::redemption::{Proxy, Wish};
use domain::{Date, Id};
use jiff::ToSpan;
use store::args;
use testkit::Stage;
use testkit::month::Village;

use super::zone::{Clock, Said, command, undone, verify};
use crate::bytes::Bytes;

/// Who is there and what there is, the same for every input.
#[derive(Clone)]
struct Cast {
    keeper: Who,
    officer: Who,
    committee: Who,
    village: Id,
    places: [Id; 2],
    households: Vec<(Id, i64)>,
    goods: Vec<Good>,
    events: Vec<(String, i64)>,
    clock: Clock,
}

thread_local! {
    static ZONE: (Stage, Cast) = zone();
}

/// November of a village, certified, with a warehouse and a store that is about to open.
fn zone() -> (Stage, Cast) {
    let stage = Stage::sqlite();
    let village = Village::reviewed(&stage, &["A", "B", "C"]);
    stage.at("2026-11-24T09:00");
    let (who, key, batch) = (village.now(&village.committee), stage.id(), village.batch);
    let contact = "0635-8511234".to_owned();
    let post = Post { key, batch, place: "W".into(), contact, from: who.today() };
    stage.write(move |tx| app::posting::post(tx, &who, &post)).expect("a posting");
    stage.at("2026-12-01T09:00");
    let who = village.now(&village.township);
    let certify = Certify { key: stage.id(), batch };
    stage.write(move |tx| app::posting::certify(tx, &who, &certify)).expect("points");
    let places = [stage.id(), stage.id()];
    let area = stage.read::<_, Never>(|tx| {
        let sql = "SELECT id FROM area WHERE path = '001.001.001'";
        Ok(tx.one(sql, &args![], |r| r.id(0))?)
    });
    let area = area.expect("a village");
    for (key, kind) in places.into_iter().zip(["warehouse", "store"]) {
        let open = OpenPlace { key, kind: kind.into(), name: kind.into(), area };
        let who = village.now(&village.zone_officer);
        stage.write(move |tx| app::goods::open_place(tx, &who, &open)).expect("a place");
    }
    let mut keeper = stage.person("K", Role::StoreKeeper, Some("001.001.001"));
    keeper.posts[0].place = Some(places[1]);
    let households = village.households.clone();
    let known = stage.read::<_, Never>(move |tx| {
        let balance = |id: &Id| Ok((*id, store::points::household_balance(tx, *id)?));
        let balances = households.iter().map(balance).collect::<Result<Vec<_>, store::Broken>>()?;
        Ok((balances, store::goods::all(tx)?))
    });
    let (households, mut goods) = known.expect("points and goods");
    goods.sort_by_key(|good| (good.points, good.goods));
    goods.truncate(3);
    let events = super::scoring::shipped().bonus_events.iter().take(3).cloned().collect::<Vec<_>>();
    let cast = Cast {
        keeper,
        officer: village.zone_officer.clone(),
        committee: village.committee.clone(),
        village: area,
        places,
        households,
        goods,
        events: events.into_iter().map(|e| (e.code, e.points)).collect(),
        clock: Clock::at("2026-12-01T10:00"),
    };
    drop(village);
    (stage, cast)
}

/// Commands as the bytes choose them, each answered as the model answers.
pub fn counter(bytes: &[u8]) {
    let bytes = bytes.to_vec();
    ZONE.with(|(stage, cast)| {
        let cast = cast.clone();
        undone(stage, move |tx| {
            let mut choices = Bytes::new(&bytes);
            let mut shop = Shop::of(cast.clone());
            for _ in 0..30 {
                if choices.is_empty() {
                    break;
                }
                shop.step(tx, &mut choices);
                shop.holds(tx);
            }
            verify(tx);
        });
    });
}

#[derive(Clone)]
struct Lot {
    id: Id,
    good: usize,
    expires_on: Option<Date>,
    left: [i64; 2],
}

#[derive(Clone)]
struct Done {
    redeem: Redeem,
    household: usize,
    on: Date,
    points: i64,
    /// Lot by its place, how many.
    picks: Vec<(usize, i64)>,
    good: Vec<(usize, i64)>,
    is_reversed: bool,
}

struct Shop {
    cast: Cast,
    clock: Clock,
    balances: Vec<i64>,
    lots: Vec<Lot>,
    given: i64,
    written_off: i64,
    done: Vec<Done>,
    /// Of reversals: their ids, and what was asked.
    reversals: Vec<(Id, Id)>,
    /// By household: the card's id and code.
    cards: BTreeMap<usize, (Id, String)>,
    frozen: Vec<String>,
    awards: Vec<(usize, usize)>,
    days: Vec<(Id, Date)>,
}

impl Shop {
    fn of(cast: Cast) -> Shop {
        Shop {
            clock: cast.clock,
            balances: cast.households.iter().map(|(_, balance)| *balance).collect(),
            cast,
            lots: Vec::new(),
            given: 0,
            written_off: 0,
            done: Vec::new(),
            reversals: Vec::new(),
            cards: BTreeMap::new(),
            frozen: Vec::new(),
            awards: Vec::new(),
            days: Vec::new(),
        }
    }

    fn step(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        match choices.below(16) {
            0 => self.clock.go(choices.byte() % 80),
            1 | 2 => self.receive(tx, choices),
            3 => self.announce(tx, choices),
            4 => self.move_or_write_off(tx, choices),
            5 => self.award(tx, choices),
            6 => self.card(tx, choices),
            7 | 8 => self.reverse(tx, choices),
            9 => self.again(tx, choices),
            _ => self.redeem(tx, choices),
        }
    }

    /// Every number is the model's.
    fn holds(&self, tx: &mut Tx) {
        let mut balance = |account| store::points::balance(tx, &account).expect("a balance");
        for ((household, _), mine) in self.cast.households.iter().zip(&self.balances) {
            let kept = balance(Account::household(*household));
            assert_eq!((kept.available(), kept.posted()), (*mine, *mine));
        }
        for lot in &self.lots {
            for (place, left) in self.cast.places.iter().zip(lot.left) {
                let good = self.cast.goods[lot.good].goods;
                assert_eq!(balance(Account::stock(good, lot.id, *place)).available(), left);
            }
        }
        let all: i64 = self.lots.iter().map(|lot| lot.left[0] + lot.left[1]).sum();
        let out = |d: &Done| if d.is_reversed { 0 } else { d.picks.iter().map(|(_, n)| n).sum() };
        let handed: i64 = self.done.iter().map(out).sum();
        assert_eq!(self.given, all + handed + self.written_off);
    }

    fn receive(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let key = self.clock.id();
        let who = self.clock.who(&self.cast.officer);
        let place = choices.below(2);
        let mut lines = Vec::new();
        for _ in 0..1 + choices.below(2) {
            let good = choices.below(self.cast.goods.len());
            let expires_on = (choices.below(3) > 0)
                .then(|| self.clock.today().saturating_add(i64::from(choices.byte() % 20).days()));
            lines.push((good, choices.number(), expires_on));
        }
        let receive = Receive {
            key,
            donor: "D".into(),
            donor_public: true,
            place: self.cast.places[place],
            received_on: who.today(),
            money_fen: 0,
            note: String::new(),
            lines: lines.iter().map(|(g, n, on)| (self.cast.goods[*g].goods, *n, *on)).collect(),
        };
        let said = command(tx, |tx| app::goods::receive(tx, &who, &receive));
        let is_fit = lines.iter().all(|(_, n, _)| (1..=1_000_000).contains(n));
        assert_eq!(said.code() == "yes", is_fit, "{lines:?}: {}", said.code());
        if is_fit {
            for (n, (good, quantity, expires_on)) in (1..).zip(lines) {
                let id = domain::id::derive(key, "lot", n);
                let mut left = [0, 0];
                left[place] = quantity;
                self.given += quantity;
                self.lots.push(Lot { id, good, expires_on, left });
            }
        }
    }

    fn announce(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let key = self.clock.id();
        let who = self.clock.who(&self.cast.keeper);
        let on_date = who.today().saturating_add((i64::from(choices.byte() % 5) - 1).days());
        let announce = Announce {
            key,
            place: self.cast.places[1],
            village: self.cast.village,
            on_date,
            spot: "S".into(),
        };
        let said = command(tx, |tx| app::goods::announce(tx, &who, &announce));
        let is_fit = on_date >= who.today() && self.days.iter().all(|(_, on)| *on != on_date);
        assert_eq!(said.code() == "yes", is_fit, "{on_date}: {}", said.code());
        if is_fit {
            self.days.push((key, on_date));
        }
    }

    fn move_or_write_off(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        if self.lots.is_empty() {
            return;
        }
        let key = self.clock.id();
        let who = self.clock.who(&self.cast.officer);
        let today = who.today();
        let (from, lot) = (choices.below(2), choices.below(self.lots.len()));
        let quantity = choices.number();
        let has = (1..=self.lots[lot].left[from]).contains(&quantity) && quantity <= 1_000_000;
        let lines = vec![MoveLine { lot: self.lots[lot].id, quantity }];
        let place = self.cast.places[from];
        let Lot { expires_on, left, .. } = &mut self.lots[lot];
        if choices.truth() {
            let to = choices.below(2);
            let request = Move { key, from: place, to: self.cast.places[to], lines };
            let said = command(tx, |tx| app::goods::move_goods(tx, &who, &request));
            assert_eq!(said.code() == "yes", has && from != to, "{quantity}: {}", said.code());
            if has && from != to {
                left[from] -= quantity;
                left[to] += quantity;
            }
            return;
        }
        let reason = *choices.pick(&[WriteOffReason::Expired, WriteOffReason::Damaged]);
        let request = WriteOff { key, place, reason, lines };
        let said = command(tx, |tx| app::goods::write_off(tx, &who, &request));
        let may = reason == WriteOffReason::Damaged || expires_on.is_some_and(|on| on < today);
        assert_eq!(said.code() == "yes", has && may, "{quantity}: {}", said.code());
        if has && may {
            left[from] -= quantity;
            self.written_off += quantity;
        }
    }

    fn award(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.officer);
        let household = choices.below(self.cast.households.len());
        let event = choices.below(self.cast.events.len());
        let on_date = who.today().saturating_add((i64::from(choices.byte() % 4) - 2).days());
        let (code, points) = self.cast.events[event].clone();
        let award = Award {
            key: self.clock.id(),
            household: self.cast.households[household].0,
            event: code,
            document: "No. 1".into(),
            on_date,
        };
        let said = command(tx, |tx| app::redemption::award(tx, &who, &award));
        let is_fit = on_date <= who.today() && !self.awards.contains(&(household, event));
        assert_eq!(said.code() == "yes", is_fit, "{on_date}: {}", said.code());
        if is_fit {
            self.awards.push((household, event));
            self.balances[household] += points;
        }
    }

    fn card(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.committee);
        let place = choices.below(self.cast.households.len());
        let (key, household) = (self.clock.id(), self.cast.households[place].0);
        if choices.truth() {
            let issue = IssueCard { key, household, random: choices.word() };
            let said = command(tx, |tx| app::redemption::issue_card(tx, &who, &issue));
            let is_fit = !self.cards.contains_key(&place);
            let is_taken = matches!(said, Said::No(_)) && is_fit;
            assert!(is_taken || (said.code() == "yes") == is_fit, "{}", said.code());
            if let Some(code) = said.yes() {
                self.cards.insert(place, (key, code));
            }
        } else if let Some((card, code)) = self.cards.get(&place).cloned() {
            let freeze = FreezeCard { key, card, reason: "lost".into() };
            let said = command(tx, |tx| app::redemption::freeze_card(tx, &who, &freeze));
            assert_eq!(said.code(), "yes");
            self.cards.remove(&place);
            self.frozen.push(code);
        }
    }

    fn redeem(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.keeper);
        let household = choices.below(self.cast.households.len());
        let by = match (choices.below(4), self.cards.get(&household), self.frozen.last()) {
            (0, Some((_, code)), _) => By::Card(code.clone()),
            (1, _, Some(code)) => By::Card(code.clone()),
            _ => By::Household(self.cast.households[household].0),
        };
        let day = self.days.get(choices.below(self.days.len())).copied();
        let mut wishes = Vec::new();
        for _ in 0..1 + choices.below(2) {
            let good = choices.below(self.cast.goods.len());
            let few = i64::from(choices.byte() % 6);
            wishes.push((good, if few == 5 { choices.number() } else { few }));
        }
        let proxy = (choices.byte() % 8 == 7)
            .then(|| Proxy { name: choices.text(), relation: "son".into() });
        let is_named = proxy.as_ref().is_none_or(|p| !p.name.trim().is_empty());
        let redeem = Redeem {
            key: self.clock.id(),
            by: by.clone(),
            market_day: day.map_or_else(|| self.clock.id(), |(id, _)| id),
            wishes: wishes
                .iter()
                .map(|(good, quantity)| Wish {
                    goods: self.cast.goods[*good].goods,
                    quantity: *quantity,
                })
                .collect(),
            proxy,
        };
        let said = command(tx, |tx| app::redemption::redeem(tx, &who, &redeem));
        let is_frozen = matches!(&by, By::Card(code) if self.frozen.contains(code));
        let is_open = day.is_some_and(|(_, on)| on == who.today());
        let meant = match (is_frozen, is_open && is_named) {
            (false, true) => self.basket(household, &wishes, who.today()),
            _ => None,
        };
        let said_yes = said.clone().yes();
        assert_eq!(said_yes.is_some(), meant.is_some(), "{redeem:?}: {}", said.code());
        let (Some((points, good, picks)), Some(recorded)) = (meant, said_yes) else { return };
        self.balances[household] -= points;
        assert_eq!((recorded.points, recorded.balance_after), (points, self.balances[household]));
        for (lot, quantity) in &picks {
            self.lots[*lot].left[1] -= quantity;
        }
        let on = who.today();
        self.done.push(Done { redeem, household, on, points, picks, good, is_reversed: false });
    }

    /// Price, goods and lots, where the household may have all that it wishes for.
    #[expect(clippy::type_complexity, reason = "three plain lists of numbers")]
    fn basket(
        &self,
        household: usize,
        wishes: &[(usize, i64)],
        today: Date,
    ) -> Option<(i64, Vec<(usize, i64)>, Vec<(usize, i64)>)> {
        let mut basket: Vec<(usize, i64)> = Vec::new();
        for (good, quantity) in wishes {
            (*quantity >= 1).then_some(())?;
            match basket.iter_mut().find(|(known, _)| known == good) {
                Some((_, sum)) => *sum = sum.checked_add(*quantity)?,
                None => basket.push((*good, *quantity)),
            }
        }
        let mut price = 0_i128;
        let mut picks = Vec::new();
        for (good, quantity) in &basket {
            let known = &self.cast.goods[*good];
            price += i128::from(known.points) * i128::from(*quantity);
            let had = |d: &&Done| {
                d.household == household && !d.is_reversed && Month::of(d.on) == Month::of(today)
            };
            let had = self.done.iter().filter(had).flat_map(|d| &d.good);
            let had: i64 = had.filter(|(other, _)| other == good).map(|(_, n)| n).sum();
            let limit = if known.limit_month > 0 { known.limit_month } else { i64::MAX };
            (*quantity <= 999 && *quantity <= limit - had).then_some(())?;
            let mut fresh: Vec<usize> = (0..self.lots.len())
                .filter(|n| {
                    let lot = &self.lots[*n];
                    lot.good == *good && lot.expires_on.is_none_or(|on| on >= today)
                })
                .collect();
            fresh.sort_by_key(|n| {
                let Lot { expires_on, id, .. } = self.lots[*n];
                (expires_on.unwrap_or(Date::MAX), id)
            });
            let mut need = *quantity;
            for lot in fresh {
                let quantity = need.min(self.lots[lot].left[1]);
                if quantity > 0 {
                    picks.push((lot, quantity));
                    need -= quantity;
                }
            }
            (need == 0).then_some(())?;
        }
        let price = i64::try_from(price).ok().filter(|p| *p <= self.balances[household])?;
        (price > 0).then_some((price, basket, picks))
    }

    fn reverse(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        if self.done.is_empty() {
            return;
        }
        let who = self.clock.who(&self.cast.keeper);
        let place = choices.below(self.done.len());
        let of_reversal = choices.byte() % 8 == 7;
        let redemption = match self.reversals.last() {
            Some((id, _)) if of_reversal => *id,
            _ => self.done[place].redeem.key,
        };
        let key = self.clock.id();
        let reverse = Reverse { key, redemption, reason: "back".into() };
        let said = command(tx, |tx| app::redemption::reverse(tx, &who, &reverse));
        let done = &mut self.done[place];
        let is_fit = redemption == done.redeem.key && !done.is_reversed;
        assert_eq!(said.code() == "yes", is_fit, "{}", said.code());
        if is_fit {
            done.is_reversed = true;
            self.balances[done.household] += done.points;
            for (lot, quantity) in &done.picks {
                self.lots[*lot].left[1] += quantity;
            }
            self.reversals.push((key, redemption));
        }
    }

    /// What was sent once is sent again: the first answer, or, with other contents, a refusal.
    fn again(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        if self.done.is_empty() {
            return;
        }
        let who = self.clock.who(&self.cast.keeper);
        let first = self.done[choices.below(self.done.len())].clone();
        let mut redeem = first.redeem.clone();
        let is_other = choices.truth();
        if is_other {
            redeem.wishes[0].quantity ^= 1;
        }
        let said = command(tx, |tx| app::redemption::redeem(tx, &who, &redeem));
        match said {
            Said::Yes(recorded) => assert_eq!((is_other, recorded.points), (false, first.points)),
            said => assert!(is_other && said == Said::KeyReused, "{}", said.code()),
        }
    }
}
