use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::Refusal as _;

const TODAY: Date = date(2026, 11, 23);

fn id(n: u128) -> Id {
    Id::from_u128(n)
}

fn good(n: u128, points: i64, limit_month: i64) -> Good {
    Good {
        goods: id(n),
        sku: format!("G{n}"),
        name_zh: "大米".into(),
        name_en: "rice".into(),
        category: "食品".into(),
        measure: "袋".into(),
        price_fen: points * 10,
        points,
        limit_month,
        active: true,
    }
}

fn shelf(goods: u128, lot: u128, left: i64, expires_on: Option<Date>) -> Shelf {
    Shelf { goods: id(goods), lot: id(lot), place: id(7), expires_on, left }
}

fn card(frozen_at: Option<Millis>) -> Card {
    Card {
        id: id(30),
        household: id(1),
        code: Code::new(5).to_string(),
        issued_at: 0,
        issued_by: id(2),
        frozen_at,
        frozen_reason: frozen_at.map(|_| "lost".into()),
    }
}

fn facts() -> Facts {
    Facts {
        household_active: true,
        card: Some(card(None)),
        market_day: Some(MarketDay {
            id: id(9),
            place: id(7),
            village: id(3),
            path: "001.001.001".into(),
            on_date: TODAY,
            spot: "文化广场".into(),
            person: id(2),
            announced_at: 0,
        }),
        places: vec![id(7)],
        balance: 100,
        goods: vec![good(100, 20, 3), good(101, 5, 0)],
        shelves: vec![
            shelf(100, 50, 1, Some(date(2026, 12, 31))),
            shelf(100, 51, 5, None),
            shelf(100, 52, 9, Some(date(2026, 1, 1))),
            shelf(101, 53, 2, None),
        ],
        had_this_month: vec![Wish { goods: id(100), quantity: 1 }],
        spent_this_year: 0,
        year_cap: None,
        receipt_last: Some("20261123-00041".into()),
    }
}

fn request(wishes: &[(u128, i64)]) -> Request {
    Request {
        id: id(500),
        household: id(1),
        card: Some(id(30)),
        market_day: id(9),
        wishes: wishes.iter().map(|&(g, quantity)| Wish { goods: id(g), quantity }).collect(),
        proxy: None,
        person: id(2),
        today: TODAY,
        at: 0,
    }
}

#[test]
fn points_and_goods_move_together() {
    let decision = decide(&facts(), &request(&[(100, 2), (101, 1)])).expect("allowed");
    let moved: Vec<_> = decision
        .transfers
        .iter()
        .map(|t| format!("{} {} > {}", t.amount.get(), t.debit.kind.code(), t.credit.kind.code()))
        .collect();
    assert_eq!(
        moved,
        [
            "45 household > redeemed",
            "1 stock > handed_out",
            "1 stock > handed_out",
            "1 stock > handed_out"
        ]
    );
    let lots: Vec<_> = decision.redemption.lines.iter().map(|l| l.lot.as_u128()).collect();
    assert_eq!(lots, [50, 51, 53]);
    assert_eq!(decision.balance_after, 55);
    assert_eq!(decision.redemption.receipt, "20261123-00042");
}

#[test]
fn the_list_of_noes() {
    let answer = |facts: Facts, request: Request| match decide(&facts, &request) {
        Ok(decision) => format!("yes, {} points", decision.redemption.points),
        Err(refusal) => {
            let args: Vec<_> = refusal.args().iter().map(|(k, v)| format!("{k} {v:?}")).collect();
            format!("no, {} {}", refusal.code(), args.join(" "))
        }
    };
    let one = || request(&[(100, 1)]);
    let frozen = Facts { card: Some(card(Some(1))), ..facts() };
    let stranger = Facts { card: Some(Card { household: id(8), ..card(None) }), ..facts() };
    let tomorrow = facts().market_day.map(|m| MarketDay { on_date: date(2026, 11, 24), ..m });
    let withdrawn = vec![Good { active: false, ..good(100, 20, 3) }];
    let stale = vec![shelf(100, 52, 9, Some(date(2026, 1, 1)))];
    let proxy =
        |name: &str, relation: &str| Some(Proxy { name: name.into(), relation: relation.into() });
    let table = [
        ("one", answer(facts(), one())),
        ("found by name", answer(Facts { card: None, ..facts() }, one())),
        ("card frozen", answer(frozen, one())),
        ("another's card", answer(stranger, one())),
        ("left the register", answer(Facts { household_active: false, ..facts() }, one())),
        ("no market day", answer(Facts { market_day: None, ..facts() }, one())),
        ("tomorrow", answer(Facts { market_day: tomorrow, ..facts() }, one())),
        ("other store", answer(Facts { places: vec![id(8)], ..facts() }, one())),
        ("nothing", answer(facts(), request(&[]))),
        ("unknown good", answer(facts(), request(&[(999, 1)]))),
        ("withdrawn", answer(Facts { goods: withdrawn, ..facts() }, one())),
        ("none", answer(facts(), request(&[(100, 0)]))),
        ("a thousand", answer(facts(), request(&[(101, 1_000)]))),
        ("more than 64 bits", answer(facts(), request(&[(101, 999), (101, i64::MAX)]))),
        ("limit", answer(facts(), request(&[(100, 3)]))),
        ("limit in two lines", answer(facts(), request(&[(100, 1), (100, 2)]))),
        ("points", answer(Facts { balance: 19, ..facts() }, one())),
        ("year", answer(Facts { year_cap: Some(90), spent_this_year: 80, ..facts() }, one())),
        ("stock", answer(facts(), request(&[(101, 3)]))),
        ("expired", answer(Facts { shelves: stale, ..facts() }, one())),
        ("proxy", answer(facts(), Request { proxy: proxy("王芳", "女儿"), ..one() })),
        ("proxy, no relation", answer(facts(), Request { proxy: proxy("王芳", " "), ..one() })),
    ];
    let picture: String = table.iter().map(|(what, said)| format!("{what:<20} {said}\n")).collect();
    insta::assert_snapshot!(picture);
}

#[test]
fn a_reversal_gives_everything_back_once() {
    let decision = decide(&facts(), &request(&[(100, 2)])).expect("allowed");
    let facts = ReversalFacts {
        redemption: decision.redemption,
        reversed: false,
        transfers: decision.transfers.clone(),
        balance: 60,
        receipt_last: None,
    };
    let request = ReversalRequest {
        id: id(501),
        redemption: id(500),
        reason: "包装破损".into(),
        person: id(2),
        today: TODAY,
        at: 1,
    };
    let back = decide_reversal(&facts, &request).expect("allowed");
    assert_eq!(back.balance_after, 100);
    assert_eq!(back.redemption.receipt, "20261123-00001");
    for (there, again) in decision.transfers.iter().zip(&back.transfers) {
        assert_eq!((there.debit, there.credit), (again.credit, again.debit));
        assert_eq!(there.amount, again.amount);
    }
    let no = |facts: &ReversalFacts, request: &ReversalRequest| {
        decide_reversal(facts, request).expect_err("refused").code()
    };
    let again = ReversalFacts { reversed: true, ..facts.clone() };
    assert_eq!(no(&again, &request), "reversal-already-reversed");
    let silent = ReversalRequest { reason: " ".into(), ..request.clone() };
    assert_eq!(no(&facts, &silent), "reversal-reason-missing");
    let twice = ReversalFacts { redemption: back.redemption, ..facts };
    assert_eq!(no(&twice, &request), "reversal-is-reversal");
}

#[test]
fn a_code_is_read_as_people_write_it() {
    let code = Code::new(0x7f_dead_beef_1234);
    let printed = code.printed();
    assert_eq!(printed.len(), 14);
    assert_eq!(Code::parse(&printed), Some(code));
    assert_eq!(Code::parse(&printed.to_lowercase().replace('-', " ")), Some(code));
    assert_eq!(Code::parse(&printed.replace('0', "o").replace('1', "l")), Some(code));
    assert_eq!(Code::parse(&printed[1..]), None);
    assert_eq!(Code::parse("户号37150001"), None);
}

proptest! {
    #[test]
    fn one_wrong_character_is_always_found(random: u64, place in 0usize..12, other in 0usize..32) {
        let code = Code::new(random).to_string();
        let wrong = char::from(card::ALPHABET[other]);
        prop_assume!(code.as_bytes()[place] != wrong as u8);
        let mut typed: Vec<char> = code.chars().collect();
        typed[place] = wrong;
        prop_assert_eq!(Code::parse(&typed.into_iter().collect::<String>()), None);
    }
}

#[test]
fn one_living_card_a_household() {
    let issue =
        |household_active, has_card| decide_issue(IssueFacts { household_active, has_card });
    assert_eq!(issue(true, false), Ok(()));
    assert_eq!(issue(false, false), Err(CardRefusal::HouseholdInactive));
    assert_eq!(issue(true, true), Err(CardRefusal::AlreadyHasCard));
    let freeze = |card: &Card, reason: &str| {
        decide_freeze(card, &FreezeRequest { card: card.id, reason: reason.into(), at: 9 })
    };
    let frozen = freeze(&card(None), "赶集时丢失").expect("allowed");
    assert_eq!(frozen.frozen_at, Some(9));
    assert_ne!(frozen.digest(), card(None).digest());
    assert_eq!(freeze(&card(None), ""), Err(CardRefusal::ReasonMissing));
    assert_eq!(freeze(&frozen, "again"), Err(CardRefusal::AlreadyFrozen));
}

#[test]
fn a_bonus_needs_an_event_a_document_and_is_given_once() {
    let facts = BonusFacts { household_active: true, points: Some(50), given: false, today: TODAY };
    let request = BonusRequest {
        id: id(1),
        household: id(1),
        event: "X6".into(),
        document: "九和社区〔2026〕7号".into(),
        person: id(2),
        on_date: TODAY,
        at: 0,
    };
    let decision = decide_bonus(facts, &request).expect("allowed");
    assert_eq!(decision.transfer.amount.get(), 50);
    let no = |facts, request: &BonusRequest| decide_bonus(facts, request).expect_err("no").code();
    assert_eq!(no(BonusFacts { given: true, ..facts }, &request), "bonus-already-given");
    assert_eq!(no(BonusFacts { points: None, ..facts }, &request), "bonus-event-unknown");
    let bare = BonusRequest { document: " ".into(), ..request.clone() };
    assert_eq!(no(facts, &bare), "bonus-document-missing");
    let early = BonusRequest { on_date: date(2026, 11, 24), ..request };
    assert_eq!(no(facts, &early), "bonus-in-the-future");
}
