//! What is taken out of a list is the list: the same rows as its page counts, within the same areas.

use app::scoring::{BatchFilter, BatchOrder, Show, VisitFilter};
use app::{Failure, Never, Tx, Who};
use domain::access::{Post, Role};
use jiff::civil::date;
use store::goods::{DonationFilter, GoodsFilter, MarketDayFilter, StockFilter};
use store::posting::ObjectionFilter;
use store::redemption::RedemptionFilter;
use store::registry::{Filter, Order};
use testkit::lists::Lists;
use testkit::on_both;

type Rows = Result<i64, Failure<Never>>;

/// (list, rows on its pages, rows taken out)
fn both_ways(
    tx: &mut Tx,
    who: &Who,
    lists: &Ids,
) -> Result<Vec<(&'static str, i64, i64)>, Failure<Never>> {
    let limit = 50;
    let goods = GoodsFilter { limit, ..Default::default() };
    let stock = StockFilter { expires_by: Some(date(2026, 12, 31)), limit, ..Default::default() };
    let donations = DonationFilter { limit, ..Default::default() };
    let days = MarketDayFilter { limit, ..Default::default() };
    let redemptions = RedemptionFilter { limit, ..Default::default() };
    let listed = [
        ("households", app::registry::list(tx, who, &Filter::default(), Order::Name, 0, limit)?.1),
        ("batches", app::scoring::batches(tx, who, &BatchFilter::default(), 0, limit)?.1),
        ("objections", app::posting::objections(tx, who, &ObjectionFilter::default(), 0, limit)?.1),
        ("goods", app::goods::catalogue(tx, who, &goods)?.total),
        ("expiring", app::goods::stock(tx, who, None, &stock)?.1),
        ("donations", app::goods::donations(tx, who, &donations)?.1),
        ("market days", app::goods::market_days(tx, who, &days)?.1),
        (
            "redemptions",
            app::redemption::market_day(tx, who, lists.market_day, &redemptions)?.sums.rows,
        ),
    ];
    let taken = [
        count(|n| app::registry::each_listed(tx, who, &Filter::default(), Order::Name, |_| n()))?,
        count(|n| app::scoring::each_batch(tx, who, &BatchFilter::default(), |_| n()))?,
        count(|n| app::posting::each_objection(tx, who, &ObjectionFilter::default(), |_| n()))?,
        count(|n| app::goods::each_good(tx, who, &goods, |_| n()))?,
        count(|n| app::goods::each_stock(tx, who, &stock, |_| n()))?,
        count(|n| app::goods::each_donation(tx, who, &donations, |_| n()))?,
        count(|n| app::goods::each_market_day(tx, who, &days, |_| n()))?,
        count(|n| {
            app::redemption::each_redemption(tx, who, lists.market_day, &redemptions, |_| n())
        })?,
    ];
    Ok(listed.into_iter().zip(taken).map(|((list, a), b)| (list, a, b)).collect())
}

struct Ids {
    market_day: domain::Id,
}

/// Counts how often the list calls back.
fn count(
    list: impl FnOnce(&mut dyn FnMut() -> Result<(), store::Broken>) -> Result<(), Failure<Never>>,
) -> Rows {
    let mut n = 0;
    list(&mut || {
        n += 1;
        Ok(())
    })?;
    Ok(n)
}

fn with_post(who: &Who, role: Role, path: &str) -> Who {
    let mut who = who.clone();
    let path = Some(path.to_owned());
    who.posts.push(Post { role, path, place: None, from: date(2020, 1, 1), to: None });
    who
}

#[test]
fn what_is_taken_out_is_what_the_list_shows() {
    on_both(|stage| {
        let lists = Lists::filled(stage, date(2026, 11, 23));
        let counted = |who: &Who| -> Vec<(&'static str, i64, i64)> {
            let (who, ids) = (stage.now_as(who), Ids { market_day: lists.market_days[0] });
            stage.read(move |tx| both_ways(tx, &who, &ids)).expect("allowed")
        };
        let zone = [
            ("households", 3, 3),
            ("batches", 2, 2),
            ("objections", 2, 2),
            ("goods", 30, 30),
            ("expiring", 2, 2),
            ("donations", 2, 2),
            ("market days", 2, 2),
            ("redemptions", 1, 1),
        ];
        assert_eq!(counted(&lists.village.zone_officer), zone, "{}", stage.engine);
        let village = zone.map(|(list, shown, _)| match list {
            "households" => (list, 2, 2),
            "goods" | "redemptions" => (list, shown, shown),
            _ => (list, 1, 1),
        });
        assert_eq!(counted(&lists.village.committee), village, "{}", stage.engine);
    });
}

#[test]
fn who_sees_more_than_they_may_take_out_takes_out_less() {
    on_both(|stage| {
        let lists = Lists::filled(stage, date(2026, 11, 23));
        // Sees the township as its assistance officer, and takes lists out of one village.
        let officer = stage.person("双岗", Role::AssistanceOfficer, Some("001.001"));
        let officer = with_post(&officer, Role::VillageCommittee, "001.001.001");
        let (shown, taken) = stage
            .read::<_, Never>(move |tx| {
                let (filter, order) = (Filter::default(), Order::Village);
                let shown = app::registry::list(tx, &officer, &filter, order, 0, 50)?.1;
                let taken =
                    count(|n| app::registry::each_listed(tx, &officer, &filter, order, |_| n()))?;
                Ok((shown, taken))
            })
            .expect("allowed");
        assert_eq!((shown, taken), (3, 2));

        // Own visits: with a post that takes lists out, and without.
        let cadre = stage.now_as(&lists.village.cadre);
        let visits = |who: Who| {
            stage.read(move |tx| {
                let filter = VisitFilter::default();
                count(|n| app::scoring::each_visit(tx, &who, None, &filter, |_| n()))
            })
        };
        assert!(matches!(visits(cadre.clone()), Err(Failure::NotAllowed)));
        let here = with_post(&cadre, Role::VillageCommittee, "001.001.001");
        assert_eq!(visits(here).expect("allowed"), 2);
        let next_door = with_post(&cadre, Role::VillageCommittee, "001.001.002");
        assert_eq!(visits(next_door).expect("allowed"), 0);

        let [here, next_door] = lists.batches;
        let committee = stage.now_as(&lists.village.committee);
        let review = |batch| {
            let who = committee.clone();
            stage.read(move |tx| {
                Ok(app::scoring::review_taken_out(tx, &who, batch, Show::All)?.lines.len())
            })
        };
        assert_eq!(review(here).expect("allowed"), 2);
        assert!(matches!(review(next_door), Err(Failure::NotFound)));
    });
}

#[test]
fn batches_stand_in_the_order_asked_for_with_their_counts() {
    on_both(|stage| {
        let lists = Lists::filled(stage, date(2026, 11, 23));
        let who = stage.now_as(&lists.village.zone_officer);
        for order in [BatchOrder::Month, BatchOrder::Village, BatchOrder::State] {
            let (filter, who) = (BatchFilter { order, ..Default::default() }, who.clone());
            let (page, each) = stage
                .read::<_, Never>(move |tx| {
                    let page = app::scoring::batches(tx, &who, &filter, 0, 50)?.0;
                    let mut each = Vec::new();
                    app::scoring::each_batch(tx, &who, &filter, |batch| {
                        each.push(batch);
                        Ok(())
                    })?;
                    Ok((page, each))
                })
                .expect("allowed");
            assert_eq!(page, each, "{order:?} on {}", stage.engine);
            let counts: Vec<_> = each.iter().map(|b| (b.sheets_in(), b.settled)).collect();
            assert_eq!(counts, [(4, 2), (0, 1)]);
        }
    });
}
