//! The first screen: what waits for me today, and how the month stands.

use askama::Template;
use axum::response::Response;

use crate::{Ask, Needs, Page, Problem, Route, Season, Subject};

pub fn routes() -> Vec<Route> {
    vec![Route::get("/", "reports.today", Needs::SignedIn, Subject::Zone, today)]
}

#[derive(Template)]
#[template(path = "reports/today.html")]
struct Today {
    p: Page,
}

async fn today(ask: Ask) -> Result<Response, Problem> {
    ask.page(&Today { p: Page::new(&ask, "today-title", Season::Winter) })
}
