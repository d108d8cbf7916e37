//! Papers from their pages: offered where they belong, sent as PDF, many cards only with a reason
//! that is written down.

use axum::http::{Method, StatusCode};
use domain::access::Permission;
use testkit::Stage;
use testkit::paper::words;
use web::Needs;

use crate::exports::{Office, pair};

#[test]
fn each_page_offers_its_paper() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let ([household, _], [batch, _]) = (office.lists.households, office.lists.batches);
    for (page, paper, says) in [
        (
            format!("/households/{household}"),
            format!("/households/{household}/statement.pdf"),
            "积分明细",
        ),
        (format!("/batches/{batch}/review"), format!("/batches/{batch}/review.pdf"), "村民评议组"),
        ("/".to_owned(), "/bulletin.pdf".to_owned(), "四季简报"),
    ] {
        assert!(office.page(&page, &zone).contains(&format!("href=\"{paper}\"")), "{page}");
        let seen = office.ask(Method::GET, &paper, &zone, &[]);
        assert!(seen.is_file && seen.body.starts_with(b"%PDF"), "{paper}: {}", seen.text());
        assert!(words(&seen.body).contains(says), "{paper}: {}", words(&seen.body));
    }
    let early = office.ask(Method::GET, &format!("/batches/{batch}/notice.pdf"), &zone, &[]);
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert!(early.text().contains("还没有认定"), "{}", early.text());
}

#[test]
fn there_is_no_bulletin_before_the_first_month() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let asked =
        |month: &str| office.ask(Method::GET, &format!("/bulletin.pdf?month={month}"), &zone, &[]);
    for early in ["1999-12", "0001-01"] {
        let seen = asked(early);
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{early}");
        assert!(seen.text().contains("这个月早于 2000 年 1 月"), "{}", seen.text());
    }
    assert_eq!(asked("2000-1").status, StatusCode::UNPROCESSABLE_ENTITY, "no month at all");
    let seen = asked("2000-01");
    assert!(seen.is_file && words(&seen.body).contains("四季简报"), "{}", seen.text());
}

#[test]
fn a_village_s_cards_leave_with_a_reason_and_a_line_in_the_log() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let page = office.page("/households", &zone);
    assert!(page.contains("action=\"/cards/print\""), "{page}");
    let send = |area: &str, why: &str| {
        let key = stage.id().to_string();
        let form = [pair("key", &key), pair("area", area), pair("why", why)];
        office.ask(Method::POST, "/cards/print", &zone, &form)
    };
    for (area, why) in [("001.001.001", " "), ("x", "发卡"), ("001.001.001", &"长".repeat(201))]
    {
        let seen = send(area, why);
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{area} {why}");
    }
    assert_eq!(send("001.009", "发卡").status, StatusCode::CONFLICT, "nobody has a card there");
    assert_eq!(office.log(), []);

    let seen = send("001.001.001", "发卡");
    assert!(seen.is_file && seen.body.starts_with(b"%PDF"), "{}", seen.text());
    let text = words(&seen.body);
    assert!(text.contains("张三") && !text.contains(testkit::lists::NEXT_DOOR), "{text}");
    assert_eq!(office.log(), [("cards".to_owned(), 1, "发卡".to_owned())]);
}

#[test]
fn many_at_once_need_the_right_to_take_out() {
    let all = web::routes();
    let cards = all.iter().find(|r| r.path == "/cards/print").expect("a route");
    assert_eq!(cards.needs, Needs::TakeOut(Permission::ManageCards));
    assert!(cards.second_factor);
}
