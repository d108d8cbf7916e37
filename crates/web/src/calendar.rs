//! The pages of months: which rounds there were, opening the next one, holiday years.

use app::Never;
use app::calendar::{OpenRound, Round};
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::calendar::Month;
use domain::{Date, Id, parse_day};
use serde::Deserialize;

use crate::{Ask, Needs, Page, Problem, Route, Season, Subject};

pub fn routes() -> Vec<Route> {
    use Needs::May;
    let open = May(Permission::OpenRound);
    vec![
        Route::get(
            "/rounds",
            row!("calendar.rounds"),
            May(Permission::ReadHouseholds),
            Subject::Zone,
            rounds,
        ),
        Route::post("/rounds", row!("calendar.open_round"), open, Subject::Zone, open_round)
            .takes(&["key", "month", "visits_from", "visits_to"]),
        Route::post("/calendar", row!("calendar.import_year"), open, Subject::Zone, import_year)
            .takes(&["key", "file"]),
    ]
}

#[derive(Template)]
#[template(path = "calendar/rounds.html")]
struct RoundsPage {
    p: Page,
    rounds: Vec<Round>,
    may_open: bool,
    month: String,
    visits_from: Date,
    visits_to: Date,
    years: String,
    /// The year of the next month, if its holidays are not known.
    missing: Option<String>,
}

async fn rounds(ask: Ask) -> Result<Response, Problem> {
    let page = ask.read::<_, Never>(app::calendar::rounds).await?;
    let year = page.next.year();
    let years: Vec<_> = page.years.iter().map(i64::to_string).collect();
    let known = page.years.contains(&i64::from(year));
    let first = page.next.first();
    ask.page(&RoundsPage {
        p: Page::new(&ask, "rounds-title", Season::Spring),
        rounds: page.rounds,
        may_open: page.may_open,
        month: page.next.to_string(),
        visits_from: first,
        visits_to: Date::new(first.year(), first.month(), 20).unwrap_or(first),
        years: years.join(" "),
        missing: (!known).then(|| year.to_string()),
    })
}

#[derive(Deserialize)]
struct NewRound {
    key: Id,
    month: String,
    visits_from: String,
    visits_to: String,
}

async fn open_round(ask: Ask) -> Result<Response, Problem> {
    let form: NewRound = ask.form()?;
    let date = |text: &str, name| parse_day(text.trim()).ok_or_else(|| Problem::field(name));
    let request = OpenRound {
        key: form.key,
        month: Month::parse(form.month.trim()).ok_or_else(|| Problem::field("month"))?,
        visits_from: date(&form.visits_from, "visits_from")?,
        visits_to: date(&form.visits_to, "visits_to")?,
    };
    let opened = ask.write(move |tx, who| app::calendar::open_round(tx, who, &request)).await?;
    let record = serde_json::json!({
        "id": form.key,
        "batches": opened.batches,
        "households": opened.households,
        "without_officer": opened.without_officer,
        "without_cadre": opened.without_cadre,
    });
    ask.done(&format!("/rounds/{}", form.key), "round-opened", &record)
}

async fn import_year(ask: Ask) -> Result<Response, Problem> {
    let upload = ask.upload("file")?;
    let key = upload.key.ok_or_else(|| Problem::field("key"))?;
    let json = String::from_utf8(upload.bytes.to_vec()).map_err(|_| Problem::field("file"))?;
    let year = ask.write(move |tx, who| app::calendar::import_year(tx, who, key, &json)).await?;
    let record = serde_json::json!({ "year": year.year, "days": year.days.len() });
    ask.done("/rounds", "year-imported", &record)
}
