use jiff::civil::date;

use super::*;
use crate::Refusal as _;

const TODAY: Date = date(2026, 11, 23);

fn id(n: u128) -> Id {
    Id::from_u128(n)
}

fn shelf(lot: u128, left: i64, expires_on: Option<Date>) -> Shelf {
    Shelf { goods: id(100), lot: id(lot), place: id(7), expires_on, left }
}

#[test]
fn the_earliest_to_expire_goes_first() {
    let shelves = [
        shelf(1, 5, None),
        shelf(2, 3, Some(date(2027, 3, 1))),
        shelf(3, 4, Some(date(2026, 12, 1))),
        shelf(4, 9, Some(date(2026, 11, 22))),
        shelf(5, 1, Some(TODAY)),
    ];
    let picked = |quantity| {
        let picks = pick(&shelves, quantity, TODAY).expect("enough");
        let words = picks.iter().map(|p| format!("{}×{}", p.lot.as_u128(), p.quantity));
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(picked(1), "5×1");
    assert_eq!(picked(6), "5×1 3×4 2×1");
    assert_eq!(picked(13), "5×1 3×4 2×3 1×5");
    assert_eq!(pick(&shelves, 14, TODAY), Err(Short { left: 13, expired: 9 }));
}

fn donation(lines: Vec<DonationLine>) -> DonationRequest {
    DonationRequest {
        id: id(1),
        donor: " 阳光粮油店 ".into(),
        donor_public: true,
        place: id(7),
        received_on: TODAY,
        money_fen: 0,
        note: String::new(),
        lines,
        person: id(2),
        at: 0,
    }
}

#[test]
fn a_donation_is_refused_by_name() {
    let facts = DonationFacts { goods: vec![id(100)], today: TODAY };
    let line = |goods, quantity, expires_on| DonationLine {
        lot: id(50),
        goods: id(goods),
        quantity,
        expires_on,
    };
    let answer = |request: DonationRequest| match decide_donation(&facts, &request) {
        Ok(decision) => format!("{} moved", decision.transfers[0].amount.get()),
        Err(refusal) => refusal.code().to_owned(),
    };
    assert_eq!(answer(donation(vec![line(100, 30, None)])), "30 moved");
    assert_eq!(answer(donation(vec![])), "donation-nothing-given");
    assert_eq!(answer(donation(vec![line(101, 1, None)])), "donation-good-unknown");
    assert_eq!(answer(donation(vec![line(100, 0, None)])), "donation-quantity-not-positive");
    assert_eq!(answer(donation(vec![line(100, i64::MAX, None)])), "donation-quantity-too-large");
    let stale = line(100, 1, Some(date(2026, 11, 22)));
    assert_eq!(answer(donation(vec![stale])), "donation-already-expired");
    let nobody = DonationRequest { donor: " ".into(), ..donation(vec![line(100, 1, None)]) };
    assert_eq!(answer(nobody), "donation-donor-missing");
    let tomorrow =
        DonationRequest { received_on: date(2026, 11, 24), ..donation(vec![line(100, 1, None)]) };
    assert_eq!(answer(tomorrow), "donation-received-in-future");
}

#[test]
fn goods_leave_a_place_only_as_far_as_they_are_there() {
    let facts =
        MovingFacts { shelves: vec![shelf(1, 5, Some(date(2026, 11, 1))), shelf(2, 5, None)] };
    let load = |to, lines: &[(u128, i64)]| {
        let lines =
            lines.iter().map(|&(lot, quantity)| MoveLine { lot: id(lot), quantity }).collect();
        let request =
            MoveRequest { id: id(1), from: id(7), to: id(to), lines, on_date: TODAY, at: 0 };
        match decide_move(&facts, &request) {
            Ok(transfers) => format!("{} transfers", transfers.len()),
            Err(refusal) => refusal.code().to_owned(),
        }
    };
    assert_eq!(load(8, &[(1, 5), (2, 1)]), "2 transfers");
    assert_eq!(load(7, &[(1, 5)]), "goods-same-place");
    assert_eq!(load(8, &[]), "goods-nothing-chosen");
    assert_eq!(load(8, &[(3, 1)]), "goods-lot-not-here");
    assert_eq!(load(8, &[(1, 1), (1, 1)]), "goods-lot-twice");
    assert_eq!(load(8, &[(1, 0)]), "goods-quantity-not-positive");
    assert_eq!(load(8, &[(1, 6)]), "goods-not-enough");

    let write_off = |lot, reason| {
        let lines = vec![MoveLine { lot: id(lot), quantity: 1 }];
        let request =
            WriteOffRequest { id: id(1), place: id(7), reason, lines, on_date: TODAY, at: 0 };
        decide_write_off(&facts, &request).map(|t| t[0].credit.kind.code()).map_err(|r| r.code())
    };
    assert_eq!(write_off(1, WriteOffReason::Expired), Ok("written_off"));
    assert_eq!(write_off(2, WriteOffReason::Expired), Err("goods-not-expired"));
    assert_eq!(write_off(2, WriteOffReason::Damaged), Ok("written_off"));
}

#[test]
fn a_market_day_is_announced_three_days_ahead_or_warned_of() {
    let day = |on_date| MarketDay {
        id: id(1),
        place: id(7),
        village: id(3),
        path: "001.001.001".into(),
        on_date,
        spot: "文化广场".into(),
        person: id(2),
        announced_at: 0,
    };
    let facts = MarketDayFacts { today: TODAY, announced: false, village_served: true };
    let notice = |on| decide_market_day(&facts, day(on)).map(|a| a.short_notice);
    assert_eq!(notice(date(2026, 11, 26)), Ok(None));
    assert_eq!(notice(date(2026, 11, 25)), Ok(Some(2)));
    assert_eq!(notice(TODAY), Ok(Some(0)));
    assert_eq!(notice(date(2026, 11, 22)), Err(MarketDayRefusal::InThePast { today: TODAY }));
    let twice = MarketDayFacts { announced: true, ..facts.clone() };
    assert_eq!(decide_market_day(&twice, day(TODAY)), Err(MarketDayRefusal::AlreadyAnnounced));
    let far = MarketDayFacts { village_served: false, ..facts };
    assert_eq!(decide_market_day(&far, day(TODAY)), Err(MarketDayRefusal::VillageNotServed));
}
