//! A counter on a market day: cards, points, goods.

use std::collections::BTreeMap;

use app::goods::{Announce, Move, Receive, WriteOff};
use app::redemption::{Award, By, FreezeCard, IssueCard, Recorded, Redeem, Reverse};
use app::{Failure, Never, Who};
use domain::access::Role;
use domain::goods::{MoveLine, WriteOffReason};
use domain::points::{Amount, Cause, CauseKind, Transfer};
use domain::redemption::{Proxy, Wish};
use domain::{Arg, Id, Refusal};
use store::args;
use testkit::{Stage, on_both};

/// A zone with two townships, a truck that serves the first one, and a warehouse.
struct Shop<'s> {
    stage: &'s Stage,
    keeper: Who,
    officer: Who,
    committee: Who,
    warehouse: Id,
    truck: Id,
    households: Vec<Id>,
    goods: BTreeMap<String, Id>,
    day: Id,
}

impl<'s> Shop<'s> {
    fn open(stage: &'s Stage) -> Shop<'s> {
        stage.at("2026-11-20T09:00");
        let zone = stage.area("001", "zone", "开发区");
        let township = stage.area("001.001", "township", "东城街道");
        let village = stage.area("001.001.001", "village", "九和社区");
        stage.area("001.002", "township", "蒋官屯街道");
        stage.area("001.002.001", "village", "单光屯村");
        let officer = stage.person("张主任", Role::ZoneOfficer, Some("001"));
        let committee = stage.person("李支书", Role::VillageCommittee, Some("001.001.001"));
        let (warehouse, truck) = (stage.id(), stage.id());
        for (key, kind, area) in [(warehouse, "warehouse", zone), (truck, "store", township)] {
            let open = app::goods::OpenPlace { key, kind: kind.into(), name: kind.into(), area };
            let who = officer.clone();
            stage
                .write_in(who.reach(), move |tx| app::goods::open_place(tx, &who, &open))
                .expect("allowed");
        }
        let mut keeper = stage.person("王店员", Role::StoreKeeper, Some("001.001"));
        keeper.posts[0].place = Some(truck);
        let goods = stage
            .read::<_, Never>(|tx| {
                Ok(store::goods::all(tx)?.into_iter().map(|g| (g.sku, g.goods)).collect())
            })
            .expect("allowed");
        let mut shop = Shop {
            stage,
            keeper,
            officer,
            committee,
            warehouse,
            truck,
            households: Vec::new(),
            goods,
            day: stage.id(),
        };
        shop.households = (1..=3).map(|n| shop.household(n, "001.001.001")).collect();
        let announce = Announce {
            key: shop.day,
            place: truck,
            village,
            on_date: jiff::civil::date(2026, 11, 23),
            spot: "文化广场".into(),
        };
        let who = shop.keeper.clone();
        let notice = stage
            .write_in(who.reach(), move |tx| app::goods::announce(tx, &who, &announce))
            .expect("allowed");
        assert_eq!(notice, None);
        shop
    }

    fn household(&self, n: i64, path: &str) -> Id {
        let (id, path) = (self.stage.id(), path.to_owned());
        self.stage
            .write::<_, Never>(move |tx| {
                let village: Id =
                    tx.one("SELECT id FROM area WHERE path = $1", &args![&path], |r| r.id(0))?;
                tx.exec(
                    "INSERT INTO household (id, number, village, path, head_name, size, \
                     able_to_work, search, active, changed_at, digest) \
                     VALUES ($1, $2, $3, $4, $5, 3, $6, $5, $6, 0, $7)",
                    &args![id, format!("{n}"), village, &path, "户主", true, vec![0u8; 32]],
                )?;
                let more = "UPDATE area SET households = households + 1 WHERE id = $1";
                tx.exec(more, &args![village])?;
                Ok(())
            })
            .expect("allowed");
        id
    }

    fn credit(&self, household: usize, points: i64) {
        let cause = Cause { kind: CauseKind::Certification, id: self.stage.id() };
        let day = jiff::civil::date(2026, 11, 20);
        let amount = Amount::new(points).expect("allowed");
        let credit = [Transfer::credit(cause, self.households[household - 1], amount, day, 1)];
        self.stage.write(move |tx| app::points::transfer(tx, &credit)).expect("allowed");
    }

    fn receive(&self, lines: &[(&str, i64, Option<&str>)]) {
        let lines = lines.iter().map(|(sku, quantity, expires_on)| {
            (self.goods[*sku], *quantity, expires_on.map(|on| on.parse().expect("allowed")))
        });
        let receive = Receive {
            key: self.stage.id(),
            donor: "阳光粮油店".into(),
            donor_public: true,
            place: self.truck,
            received_on: jiff::civil::date(2026, 11, 20),
            money_fen: 0,
            note: String::new(),
            lines: lines.collect(),
        };
        let who = self.keeper.clone();
        self.stage
            .write_in(who.reach(), move |tx| app::goods::receive(tx, &who, &receive))
            .expect("allowed");
    }

    fn wishes(&self, wishes: &[(&str, i64)]) -> Vec<Wish> {
        let wish = |&(sku, quantity): &(&str, i64)| Wish { goods: self.goods[sku], quantity };
        wishes.iter().map(wish).collect()
    }

    fn redeem(&self, r: Redeem) -> Result<Recorded, Failure<domain::redemption::Refusal>> {
        let who = self.stage.now_as(&self.keeper);
        self.stage.write_in(who.reach(), move |tx| app::redemption::redeem(tx, &who, &r))
    }

    fn balance(&self, household: usize) -> i64 {
        let id = self.households[household - 1];
        self.stage
            .read::<_, Never>(move |tx| Ok(store::points::household_balance(tx, id)?))
            .expect("allowed")
    }

    fn left(&self, sku: &str) -> i64 {
        let (place, goods) = (self.truck, self.goods[sku]);
        self.stage
            .read::<_, Never>(move |tx| {
                let shelves = store::goods::shelves_of(tx, place, goods)?;
                Ok(shelves.iter().map(|s| s.left).sum())
            })
            .expect("allowed")
    }
}

/// An answer as the counter would hear it.
fn heard<R: Refusal>(answer: Result<Recorded, Failure<R>>) -> String {
    match answer {
        Ok(r) => format!("yes, {}: {} points, {} left", r.receipt, r.points, r.balance_after),
        Err(Failure::Refused(refusal)) => {
            let args = refusal.args().into_iter().map(|(name, value)| match value {
                Arg::Number(n) => format!(" {name} {n}"),
                Arg::Text(text) => format!(" {name} {text}"),
                Arg::Date(date) => format!(" {name} {date}"),
                Arg::Words { zh, .. } => format!(" {name} {zh}"),
            });
            format!("no, {}{}", refusal.code(), args.collect::<String>())
        }
        Err(Failure::KeyReused) => "no, this key was already used for another request".into(),
        Err(Failure::NotFound) => "no, not there".into(),
        Err(Failure::NotAllowed) => "no, not allowed".into(),
        Err(Failure::Broken(broken)) => format!("broken: {broken}"),
    }
}

/// `redeem key household good quantity`, `back key redemption`; household 4 lives in the other
/// township.
const MARKET_DAY: &str = "
redeem a 1 G001 2
redeem a 1 G001 2
redeem a 1 G001 1
redeem b 1 G001 1
redeem c 1 G002 1
redeem d 2 G001 2
redeem e 2 G001 2
redeem f 2 G015 1
redeem g 2 G019 0
redeem h 4 G001 1
back   i a
back   i a
back   j a
back   k i
redeem l 1 G002 1
redeem m 2 G016 1
";

#[test]
fn a_market_day_in_lines() {
    on_both(|stage| {
        let mut shop = Shop::open(stage);
        shop.households.push(shop.household(4, "001.002.001"));
        shop.receive(&[("G001", 5, Some("2027-01-01")), ("G001", 2, None), ("G002", 9, None)]);
        shop.receive(&[("G016", 3, Some("2026-11-22"))]);
        shop.credit(1, 130);
        shop.credit(2, 1_000);
        stage.at("2026-11-23T10:00");

        let mut keys: BTreeMap<&str, Id> = BTreeMap::new();
        let mut picture = String::new();
        for line in MARKET_DAY.lines().filter(|line| !line.is_empty()) {
            let words: Vec<_> = line.split_whitespace().collect();
            let key = *keys.entry(words[1]).or_insert_with(|| stage.id());
            let answer = if words[0] == "redeem" {
                let household = shop.households[words[2].parse::<usize>().unwrap() - 1];
                let wishes = shop.wishes(&[(words[3], words[4].parse().unwrap())]);
                heard(shop.redeem(Redeem {
                    key,
                    by: By::Household(household),
                    market_day: shop.day,
                    wishes,
                    proxy: None,
                }))
            } else {
                let reverse = Reverse { key, redemption: keys[words[2]], reason: "破损".into() };
                let who = stage.now_as(&shop.keeper);
                heard(
                    stage.write_in(who.reach(), move |tx| {
                        app::redemption::reverse(tx, &who, &reverse)
                    }),
                )
            };
            picture.push_str(&format!("{line:<22} {answer}\n"));
        }
        for household in [1, 2] {
            picture.push_str(&format!("household {household} has {}\n", shop.balance(household)));
        }
        for sku in ["G001", "G002", "G016"] {
            picture.push_str(&format!("{} of {sku} on the truck\n", shop.left(sku)));
        }
        insta::assert_snapshot!("market_day", picture);

        let who = stage.now_as(&shop.officer);
        let totals = stage.read(move |tx| app::points::totals(tx, &who)).unwrap();
        let of_village = stage.now_as(&shop.committee);
        let same = stage.read(move |tx| app::points::totals(tx, &of_village)).unwrap();
        assert_eq!((totals.credited, totals), (1_130, same), "{}", stage.engine);

        let (who, day) = (stage.now_as(&shop.keeper), shop.day);
        let page = stage
            .read(move |tx| {
                let filter =
                    store::redemption::RedemptionFilter { limit: 50, ..Default::default() };
                app::redemption::market_day(tx, &who, day, &filter)
            })
            .unwrap();
        assert_eq!(page.sums.points, totals.redeemed);
        assert_eq!(page.day.points, totals.redeemed);
        assert_eq!(page.handed_out.iter().map(|l| l.quantity).sum::<i64>(), page.sums.quantity);
    });
}

/// What a household has and has spent goes with it to its new village.
#[test]
fn points_go_with_a_household_that_moves() {
    on_both(|stage| {
        let shop = Shop::open(stage);
        shop.receive(&[("G002", 9, None)]);
        shop.credit(1, 400);
        stage.at("2026-11-23T10:00");
        shop.redeem(Redeem {
            key: stage.id(),
            by: By::Household(shop.households[0]),
            market_day: shop.day,
            wishes: shop.wishes(&[("G002", 1)]),
            proxy: None,
        })
        .unwrap();
        let next_door = stage.area("001.001.009", "village_committee", "新村");
        let before = {
            let who = stage.now_as(&shop.committee);
            stage.read_in(who.reach(), move |tx| app::points::totals(tx, &who)).unwrap()
        };
        assert!(before.redeemed > 0 && before.outstanding > 0, "{before:?}");
        let household = shop.households[0];
        stage
            .write::<_, Never>(move |tx| {
                let mut row = store::registry::find(tx, household)?.expect("a household");
                row.household.village = next_door;
                row.household.path = "001.001.009".to_owned();
                let moved = [(household, &row.household, String::new())];
                Ok(store::registry::update_households(tx, moved, 1_795_400_000_000)?)
            })
            .unwrap();
        let there = stage.person("新村", Role::VillageCommittee, Some("001.001.009"));
        let totals =
            |who: Who| stage.read_in(who.reach(), move |tx| app::points::totals(tx, &who)).unwrap();
        assert_eq!(totals(there), before, "{}", stage.engine);
        assert_eq!(totals(stage.now_as(&shop.committee)).credited, 0, "{}", stage.engine);
        let strayed = stage.read::<_, Never>(|tx| Ok(store::wall::strayed(tx)?)).unwrap();
        assert_eq!(strayed, None);
    });
}

#[test]
fn a_card_is_shown_lost_and_replaced() {
    on_both(|stage| {
        let shop = Shop::open(stage);
        shop.receive(&[("G002", 9, None)]);
        shop.credit(1, 400);
        stage.at("2026-11-23T10:00");
        let issue = |key, random| {
            let issue = IssueCard { key, household: shop.households[0], random };
            let who = stage.now_as(&shop.committee);
            stage.write_in(who.reach(), move |tx| app::redemption::issue_card(tx, &who, &issue))
        };
        let first = stage.id();
        let code = issue(first, 11).unwrap();
        assert_eq!(issue(first, 12).unwrap(), code, "sent again");
        assert!(matches!(issue(stage.id(), 13), Err(Failure::Refused(_))), "one card at a time");

        let shown = |code: &str, proxy: Option<(&str, &str)>| {
            shop.redeem(Redeem {
                key: stage.id(),
                by: By::Card(code.to_owned()),
                market_day: shop.day,
                wishes: shop.wishes(&[("G002", 1)]),
                proxy: proxy.map(|(name, relation)| Proxy {
                    name: name.to_owned(),
                    relation: relation.to_owned(),
                }),
            })
        };
        let typed = code.to_lowercase().replace('0', "O");
        let mut answers = vec![
            heard(shown(&typed, None)),
            heard(shown(&code, Some(("王芳", "女儿")))),
            heard(shown(&code, Some(("王芳", "")))),
            heard(shown("0000-0000-0000", None)),
            heard(shown(&domain::redemption::Code::new(99).printed(), None)),
        ];
        let freeze = FreezeCard { key: stage.id(), card: first, reason: "赶集时丢失".into() };
        let who = stage.now_as(&shop.committee);
        stage
            .write_in(who.reach(), move |tx| app::redemption::freeze_card(tx, &who, &freeze))
            .unwrap();
        answers.push(heard(shown(&code, None)));
        let second = issue(stage.id(), 11).unwrap();
        assert_ne!(second, code, "the same chance again");
        answers.push(heard(shown(&second, None)));
        insta::assert_snapshot!("cards", answers.join("\n"));

        let (who, household) = (stage.now_as(&shop.committee), shop.households[0]);
        let cards = stage
            .read_in(who.reach(), move |tx| app::redemption::cards(tx, &who, household))
            .unwrap();
        assert_eq!(cards.cards.len(), 2);
        let keeper = stage.now_as(&shop.keeper);
        let hidden =
            stage.read_in(keeper.reach(), move |tx| app::redemption::cards(tx, &keeper, household));
        assert!(matches!(hidden, Err(Failure::NotAllowed)));
    });
}

#[test]
fn a_balance_is_explained_line_by_line() {
    on_both(|stage| {
        let shop = Shop::open(stage);
        shop.receive(&[("G002", 9, None)]);
        shop.credit(1, 100);
        stage.at("2026-11-23T10:00");
        let household = shop.households[0];
        let month = jiff::civil::date(2026, 11, 1);
        let scheme = stage
            .read::<_, Never>(move |tx| {
                let version = store::scheme::list(tx)?.first().map(|kept| kept.id);
                Ok((version, store::scheme::in_force(tx, domain::calendar::Month::of(month))?))
            })
            .unwrap();
        assert!(scheme.0.is_some());
        let award = |event: &str| {
            let award = Award {
                key: stage.id(),
                household,
                event: event.to_owned(),
                document: "九和社区〔2026〕7号".into(),
                on_date: jiff::civil::date(2026, 11, 22),
            };
            let who = stage.now_as(&shop.officer);
            stage.write_in(who.reach(), move |tx| app::redemption::award(tx, &who, &award))
        };
        if scheme.1.is_none() {
            let (who, scheme, key) = (stage.now_as(&shop.officer), scheme.0.unwrap(), stage.id());
            let adoption = domain::scheme::Adoption {
                from_month: domain::calendar::Month::of(month),
                resolved_on: jiff::civil::date(2026, 10, 30),
                number: "1".into(),
                text: "通过".into(),
            };
            let adopt = app::scheme::Adopt { key, scheme, adoption };
            stage.write_in(who.reach(), move |tx| app::scheme::adopt(tx, &who, &adopt)).unwrap();
        }
        award("X6").unwrap();
        assert!(award("X6").is_err(), "once");
        assert!(award("X99").is_err(), "not in the scheme");
        let redeemed = shop
            .redeem(Redeem {
                key: stage.id(),
                by: By::Household(household),
                market_day: shop.day,
                wishes: shop.wishes(&[("G002", 2)]),
                proxy: None,
            })
            .unwrap();
        assert_eq!(redeemed.balance_after, 70);
        let who = stage.now_as(&shop.committee);
        let explained = stage
            .read_in(who.reach(), move |tx| app::redemption::explain(tx, &who, household, None, 20))
            .unwrap();
        let lines: Vec<_> =
            explained.lines.iter().map(|l| (l.line.effect, l.line.balance)).collect();
        assert_eq!(lines, [(-80, 70), (50, 150), (100, 100)], "{}", stage.engine);
        assert_eq!((explained.opening, explained.before), (0, None));
        let receipt = {
            let (who, id) = (stage.now_as(&shop.committee), redeemed.id);
            stage.read_in(who.reach(), move |tx| app::redemption::receipt(tx, &who, id)).unwrap()
        };
        assert_eq!((receipt.balance_after, receipt.lines.len()), (70, 1));
        let keeper = stage.now_as(&shop.keeper);
        let hidden = stage.read_in(keeper.reach(), move |tx| {
            app::redemption::explain(tx, &keeper, household, None, 20)
        });
        assert!(matches!(hidden, Err(Failure::NotAllowed)));
    });
}

#[test]
fn goods_travel_and_go_bad() {
    on_both(|stage| {
        let shop = Shop::open(stage);
        shop.receive(&[("G016", 10, Some("2026-11-25")), ("G001", 4, None)]);
        let (place, goods) = (shop.truck, shop.goods["G016"]);
        let lot = stage
            .read::<_, Never>(move |tx| Ok(store::goods::shelves_of(tx, place, goods)?[0].lot))
            .unwrap();
        let unload = |who: &Who, quantity| {
            let unload = Move {
                key: stage.id(),
                from: shop.truck,
                to: shop.warehouse,
                lines: vec![MoveLine { lot, quantity }],
            };
            let who = stage.now_as(who);
            stage.write_in(who.reach(), move |tx| app::goods::move_goods(tx, &who, &unload))
        };
        assert!(matches!(unload(&shop.keeper, 4), Err(Failure::NotFound)), "not his warehouse");
        unload(&shop.officer, 4).unwrap();
        assert!(matches!(unload(&shop.officer, 7), Err(Failure::Refused(_))));
        assert_eq!(shop.left("G016"), 6);
        let write_off = || {
            let write_off = WriteOff {
                key: stage.id(),
                place: shop.truck,
                reason: WriteOffReason::Expired,
                lines: vec![MoveLine { lot, quantity: 6 }],
            };
            let who = stage.now_as(&shop.keeper);
            stage.write_in(who.reach(), move |tx| app::goods::write_off(tx, &who, &write_off))
        };
        assert!(matches!(write_off(), Err(Failure::Refused(_))), "still good");
        stage.at("2026-11-26T09:00");
        write_off().unwrap();
        assert_eq!(shop.left("G016"), 0);

        let who = stage.now_as(&shop.committee);
        let (catalogue, stock) = stage
            .read(move |tx| {
                let filter = store::goods::GoodsFilter {
                    search: "面粉".into(),
                    limit: 10,
                    ..Default::default()
                };
                let catalogue = app::goods::catalogue(tx, &who, &filter)?;
                let filter = store::goods::StockFilter {
                    expires_by: Some(jiff::civil::date(2026, 12, 31)),
                    limit: 10,
                    ..Default::default()
                };
                Ok((catalogue, app::goods::stock(tx, &who, None, &filter)?))
            })
            .unwrap();
        assert_eq!((catalogue.total, catalogue.rows[0].left), (1, 4), "{}", stage.engine);
        assert_eq!(
            (stock.1, stock.0[0].shelf.left, stock.0[0].donor.as_str()),
            (1, 4, "阳光粮油店")
        );
    });
}

#[test]
fn one_of_fifty_gets_the_last_bag() {
    on_both(|stage| {
        let mut shop = Shop::open(stage);
        shop.receive(&[("G015", 1, None)]);
        shop.households = (10..60).map(|n| shop.household(n, "001.001.001")).collect();
        for n in 1..=50 {
            shop.credit(n, 280);
        }
        stage.at("2026-11-23T10:00");
        let threads: Vec<_> = (0..50)
            .map(|n| {
                let redeem = Redeem {
                    key: stage.id(),
                    by: By::Household(shop.households[n]),
                    market_day: shop.day,
                    wishes: shop.wishes(&[("G015", 1)]),
                    proxy: None,
                };
                let (app, who) = (stage.app.clone(), stage.now_as(&shop.keeper));
                std::thread::spawn(move || {
                    app.write(who.reach(), move |tx| app::redemption::redeem(tx, &who, &redeem))
                        .wait()
                })
            })
            .collect();
        let mut answers: BTreeMap<String, usize> = BTreeMap::new();
        for thread in threads {
            *answers.entry(heard(thread.join().unwrap())).or_default() += 1;
        }
        let answers: Vec<_> = answers.iter().map(|(said, n)| (said.as_str(), *n)).collect();
        assert_eq!(
            answers,
            [
                ("no, redeem-not-enough-stock goods 大米 left 0 asked 1", 49),
                ("yes, 20261123-00001: 280 points, 0 left", 1)
            ],
            "{}",
            stage.engine
        );
        let spent = (1..=50).filter(|n| shop.balance(*n) == 0).count();
        assert_eq!((spent, shop.left("G015")), (1, 0));
    });
}
