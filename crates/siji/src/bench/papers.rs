//! Papers: a posting of a thousand rows, and the cards of ten thousand households, as `siji print`
//! prints them.

use std::time::Instant;

use app::reports::papers::Poster;
use domain::Id;
use domain::calendar::{DayKind, Month};
use domain::posting::{
    Body, Category, Contact, Header, MaskedName, PostedOutcome, PostedRow, Posting, PublicText,
    Serial,
};
use print::Sheet;

use super::MIB;
use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};

const ROWS: u32 = 1_000;
const HOUSEHOLDS: u32 = 10_000;
const RUNS: usize = 5;

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let mut rows = vec![posting()?.alone()];
    rows.extend(cards(ground)?);
    Ok(rows)
}

/// From typed data to PDF; the first run also reads the fonts.
fn posting() -> anyhow::Result<Row> {
    let poster = poster()?;
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        print::posting(&poster, Sheet::A4, "https://siji.example/p/1").pdf()?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    Ok(Row::of("print a posting of 1,000 rows", seconds, "s", Some(Promise::AtMost(1.0))))
}

fn poster() -> anyhow::Result<Poster> {
    let text = PublicText::new;
    let day = Month::parse("2026-10").map_or(domain::Date::MIN, Month::first);
    let mut categories = Vec::new();
    for code in ["A", "B", "C", "D", "E"] {
        categories.push(Category { code: text(code)?, name: text(code)?, points_max: 20 });
    }
    let mut rows = Vec::new();
    for n in (1..=ROWS).filter_map(Serial::new) {
        // Every letter of a few hundred family names, as a real list has them.
        let family = char::from_u32(0x4e00 + n.get() % 600).unwrap_or('A');
        rows.push(PostedRow {
            serial: n,
            name: MaskedName::of(&format!("{family}XX")),
            village: text("V")?,
            hamlet: Some(text("H")?),
            sums: vec![Some(18), Some(20), None, Some(9), Some(15)],
            total: 62,
            outcome: PostedOutcome::Assessed,
        });
    }
    let header = Header {
        zone: text("Z")?,
        village: text("V")?,
        month: Month::of(day),
        scheme: text("S")?,
        scheme_version: 1,
        place: text("P")?,
        from: day,
        to: day,
        days: 5,
        day_kind: DayKind::Calendar,
        contact: Contact::new("0635-8511234")?,
        corrects: None,
        categories,
    };
    let body = Body { header, rows };
    let posting = Posting::new(Id::nil(), Id::nil(), None, &body, (Id::nil(), 0), (0, [0; 32]));
    Ok(Poster { posting, body, checkpoint: None })
}

fn cards(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let (zone, _) = ground.played("cards", HOUSEHOLDS, 2)?;
    let out = ground.folder().join("cards.pdf");
    let begun = Instant::now();
    let said = Child::output(&["print", "card", "--out", &out.to_string_lossy()], &zone)?;
    let seconds = begun.elapsed().as_secs_f64();
    let (rss, size) = (said.peak_rss_bytes as f64, std::fs::metadata(&out)?.len() as f64);
    let name = "print the cards of 10,000 households";
    Ok(vec![
        Row::one(name, seconds, "s", Some(Promise::AtMost(60.0))).with_rss(said.peak_rss_bytes),
        Row::one("print memory", rss / MIB, "MiB", Some(Promise::AtMost(512.0))),
        Row::one("print size of those cards", size / MIB, "MiB", None),
    ])
}
