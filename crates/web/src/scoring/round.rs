//! A round's coverage by village, and the dry run of a scheme version.

use app::Never;
use app::scoring::Trial;
use askama::Template;
use axum::response::Response;
use domain::Date;
use store::scoring::Batch;

use crate::scheme::said;
use crate::{Ask, Page, Problem, Season};

#[derive(Template)]
#[template(path = "scoring/round.html")]
struct RoundPage {
    p: Page,
    visits_from: Date,
    visits_to: Date,
    batches: Vec<Batch>,
    households: i64,
    sheets: i64,
    due: i64,
}

pub(super) async fn round(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| app::scoring::round(tx, who, id)).await?;
    let p = Page::new(&ask, "round-title", Season::Summer);
    let title = p.t1("round-of", "month", p.month(page.round.month.to_string()));
    ask.page(&RoundPage {
        p: p.titled(title),
        visits_from: page.round.visits_from,
        visits_to: page.round.visits_to,
        households: page.batches.iter().map(|b| b.households).sum(),
        sheets: page.batches.iter().map(Batch::sheets_in).sum(),
        due: page.batches.iter().map(Batch::sheets_due).sum(),
        batches: page.batches,
    })
}

#[derive(Template)]
#[template(path = "scoring/trial.html")]
struct TrialPage {
    p: Page,
    id: domain::Id,
    name: String,
    trial: Option<Trial>,
    fund: String,
    /// Households by how much they gain or lose: (words' key, count).
    moves: Vec<(&'static str, usize)>,
}

pub(super) async fn trial(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let fund = match ask.query("fund") {
        None => None,
        Some(yuan) => {
            let yuan: i64 = yuan.parse().map_err(|_| Problem::bad("query"))?;
            Some(yuan.clamp(0, 1_000_000_000) * 100)
        }
    };
    let (kept, trial) = ask
        .read::<_, Never>(move |tx, who| {
            let view = app::scheme::view(tx, who, id)?;
            Ok((view.kept, app::scoring::trial(tx, who, id, fund)?))
        })
        .await?;
    let moves = trial.as_ref().map(|t| moves(&t.run)).unwrap_or_default();
    ask.page(&TrialPage {
        p: Page::new(&ask, "trial-title", Season::Spring),
        id,
        name: format!("{} v{}", said(ask.lang, &kept.scheme.title), kept.scheme.version),
        fund: trial.as_ref().map(|t| (t.run.fund_fen / 100).to_string()).unwrap_or_default(),
        trial,
        moves,
    })
}

fn moves(run: &domain::scoring::DryRun) -> Vec<(&'static str, usize)> {
    let count = |range: std::ops::RangeInclusive<i64>| {
        let by = run.rows.iter().filter_map(|r| r.new.map(|new| new - r.old));
        by.filter(|by| range.contains(by)).count()
    };
    vec![
        ("trial-up-much", count(10..=i64::MAX)),
        ("trial-up", count(1..=9)),
        ("trial-same", count(0..=0)),
        ("trial-down", count(-9..=-1)),
        ("trial-down-much", count(i64::MIN..=-10)),
        ("trial-unknown", run.unknown),
    ]
}
