//! The first screen: what waits for me today, and how the month stands.

mod audit;
mod household;
mod papers;

use app::reports::{Picture, Step, Today};
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use store::access::Resource;

use crate::{Ask, Needs, Page, Problem, Route, Season, Subject};

pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::get("/", row!("reports.today"), Needs::SignedIn, Subject::Zone, today),
        Route::get(
            "/households/{id}",
            row!("reports.household"),
            Needs::May(Permission::ReadHouseholds),
            Subject::One(Resource::Household, "id"),
            household::show,
        ),
        Route::get(
            "/households/{id}/seen",
            row!("reports.seen"),
            Needs::May(Permission::ReadSeen),
            Subject::One(Resource::Household, "id"),
            audit::seen,
        ),
        Route::get(
            "/audit",
            row!("reports.log"),
            Needs::May(Permission::ReadAudit),
            Subject::Zone,
            audit::log,
        )
        .takes(&["person", "household", "what", "verb", "from", "to", "area", "before"]),
        Route::post(
            "/audit/export",
            row!("reports.export_log"),
            Needs::May(Permission::Export),
            Subject::Zone,
            audit::export,
        )
        .takes(&[
            "key",
            "kind",
            "why",
            "person",
            "household",
            "what",
            "verb",
            "from",
            "to",
            "area",
        ]),
    ];
    routes.extend(papers::routes());
    routes
}

#[derive(Template)]
#[template(path = "reports/today.html")]
struct TodayPage {
    p: Page,
    today: Today,
    day: domain::Date,
}

async fn today(ask: Ask) -> Result<Response, Problem> {
    let today = ask.read(app::reports::today).await?;
    let page =
        TodayPage { p: Page::new(&ask, "today-title", Season::Winter), today, day: ask.today() };
    ask.page(&page)
}

/// Geometry of the two charts, in SVG units.
const LEFT: i64 = 120;
const WIDTH: i64 = 640;
const ROW: i64 = 26;

impl TodayPage {
    fn has_nothing_to_do(&self) -> bool {
        let t = &self.today.todo;
        t.to_visit == 0
            && t.steps.is_empty()
            && t.objections == 0
            && t.market_days == 0
            && t.expiring_lots == 0
            && t.round_to_open.is_none()
            && !t.register_is_empty
    }
    fn step_link(&self, step: &Step) -> String {
        match step.act {
            "review" => format!("/batches/{}/review", step.waiting.batch),
            _ => format!("/batches/{}", step.waiting.batch),
        }
    }
    fn bar_width(&self, percent: i64) -> i64 {
        (WIDTH - LEFT - 60) * percent.clamp(0, 100) / 100
    }
    fn row_y(&self, index: &usize) -> i64 {
        i64::try_from(*index).unwrap_or(0) * ROW
    }
    fn text_y(&self, index: &usize) -> i64 {
        self.row_y(index) + 17
    }
    fn chart_height(&self, rows: usize) -> i64 {
        i64::try_from(rows).unwrap_or(0) * ROW
    }
    fn most(&self, picture: &Picture) -> i64 {
        picture.flows.iter().map(|f| f.credited.max(f.redeemed)).max().unwrap_or(0).max(1)
    }
    fn flow_width(&self, points: &i64, picture: &Picture) -> i64 {
        (WIDTH - LEFT - 90) * (*points).max(0) / self.most(picture)
    }
}
