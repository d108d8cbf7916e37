//! Each template's words and pages, as a picture.

use print::{Paper, Roll, Sheet};

use crate::fixtures::{self as f, URL};
use crate::printed;

fn assert_paper(name: &str, paper: Paper, pages: usize) {
    let (text, count) = printed(paper);
    insta::assert_snapshot!(name, text);
    assert_eq!(count, pages, "{name}");
}

#[test]
fn postings() {
    assert_paper("posting", print::posting(&f::poster(12), Sheet::A4, URL), 1);
    let (a4, _) = printed(print::posting(&f::poster(12), Sheet::A4, URL));
    let (a3, pages) = printed(print::posting(&f::poster(12), Sheet::A3, URL));
    assert_eq!((a3, pages), (a4, 1), "the same page on a larger sheet");
}

#[test]
fn a_long_posting_repeats_its_head() {
    let (text, pages) = printed(print::posting(&f::poster(90), Sheet::A4, URL));
    assert!(pages >= 3, "{pages}");
    for page in text.split("-- page ").skip(2) {
        assert!(
            page.contains("公示期") && page.contains("序号") && page.contains("校验码"),
            "{page}"
        );
    }
}

#[test]
fn cards() {
    assert_paper("cards", print::cards("东昌经济开发区", &f::faces(3)), 2);
    let (_, pages) = printed(print::cards("东昌经济开发区", &f::faces(11)));
    assert_eq!(pages, 4, "a front and a back for each ten");
}

#[test]
fn receipts() {
    assert_paper("receipt", print::receipt(&f::receipt(), Roll::A6), 1);
    let undone =
        app::reports::papers::Receipt { undoes: Some("20261026-00018".into()), ..f::receipt() };
    assert_paper("receipt_undone", print::receipt(&undone, Roll::Mm80), 1);
}

#[test]
fn statements() {
    assert_paper("statement", print::statement(&f::statement(), f::day("2026-11-27")), 1);
}

#[test]
fn the_scheme() {
    assert_paper("leaflet", print::leaflet(&f::leaflet()), 2);
    assert_paper("poster", print::poster(&f::leaflet()), 1);
    let not_adopted = app::reports::papers::Leaflet { adoption: None, ..f::leaflet() };
    assert!(printed(print::leaflet(&not_adopted)).0.contains("尚待村民会议讨论通过"));
}

#[test]
fn reviews() {
    assert_paper("review", print::review(&f::review()), 1);
}

#[test]
fn notices() {
    let dated = f::day("2026-10-30");
    assert_paper("notice", print::notice(&f::notice(), "东管发〔2026〕12号", dated), 2);
}

#[test]
fn the_store() {
    let today = f::day("2026-11-27");
    assert_paper("market_day", print::market_day(&f::market_list()), 1);
    let thanks = print::acknowledgement(&f::donated(), domain::Id::nil(), today);
    assert_paper("acknowledgement", thanks, 1);
    assert_paper("stock_count", print::stock_count(&f::stock_count(), today), 1);
}

#[test]
fn bulletins() {
    assert_paper("bulletin", print::bulletin(&f::bulletin()), 1);
    let quiet = app::reports::papers::Bulletin {
        coverage: Vec::new(),
        bought: Vec::new(),
        given: Vec::new(),
        market_days: Vec::new(),
        honours: Vec::new(),
        ..f::bulletin()
    };
    let (text, pages) = printed(print::bulletin(&quiet));
    assert!(pages == 1 && !text.contains("光荣榜"), "{text}");
}
