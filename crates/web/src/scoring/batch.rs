//! The list of batches and a batch's own page.

use app::Never;
use app::scoring::{BatchFilter, BatchOrder, BatchPage, CloseScoring};
use askama::Template;
use axum::response::Response;
use domain::Id;
use domain::calendar::Month;
use domain::scoring::{BatchState, Note};
use store::scoring::Batch;

use super::key_of;
use crate::export::{self, ExportForm, Sheet};
use crate::{Ask, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "scoring/batches.html")]
struct ListPage {
    p: Page,
    rows: Vec<Batch>,
    months: Vec<String>,
    month: String,
    states: Vec<&'static str>,
    state: String,
    order: &'static str,
    q: String,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

fn order(asked: Option<&str>) -> (BatchOrder, &'static str) {
    match asked {
        Some("village") => (BatchOrder::Village, "village"),
        Some("state") => (BatchOrder::State, "state"),
        _ => (BatchOrder::Month, "month"),
    }
}

fn filter(ask: &Ask) -> Result<BatchFilter, Problem> {
    let bad = || Problem::bad("query");
    Ok(BatchFilter {
        month: ask.query("month").map(|m| Month::parse(m).ok_or_else(bad)).transpose()?,
        state: ask.query("state").map(|s| BatchState::from_code(s).ok_or_else(bad)).transpose()?,
        area: None,
        search: ask.query("q").unwrap_or("").to_owned(),
        order: order(ask.query("order")).0,
    })
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let chosen = filter(&ask)?;
    let paging = Paging::asked(&ask);
    let by = chosen.clone();
    let ((rows, total), rounds) = ask
        .read::<_, Never>(move |tx, who| {
            let rows = app::scoring::batches(tx, who, &by, paging.offset(), paging.size)?;
            Ok((rows, app::calendar::rounds(tx, who)?))
        })
        .await?;
    ask.page(&ListPage {
        p: Page::new(&ask, "batches-title", Season::Autumn),
        rows,
        months: rounds.rounds.iter().map(|r| r.month.to_string()).collect(),
        month: chosen.month.map(|m| m.to_string()).unwrap_or_default(),
        states: BatchState::ALL.into_iter().map(BatchState::code).collect(),
        state: chosen.state.map(|s| s.code().to_owned()).unwrap_or_default(),
        order: order(ask.query("order")).1,
        q: chosen.search,
        export: ExportForm::of(&ask, total),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = filter(&ask)?;
    let header = [
        "batches-month",
        "batches-township",
        "batches-village",
        "batches-state",
        "batches-households",
        "scorer-assistance-officer",
        "scorer-assigned-cadre",
        "batches-settled",
    ];
    let sheet = Sheet::new(&ask, "batches", "batches-title", &header);
    let p = Page::new(&ask, "batches-title", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::scoring::each_batch(tx, who, &filter, |b| {
            write(&[
                b.month.to_string().into(),
                b.township_name.as_str().into(),
                b.village_name.as_str().into(),
                p.word("state", b.state.code()).into(),
                b.households.into(),
                b.officer_sheets.into(),
                b.cadre_sheets.into(),
                b.settled.into(),
            ])
        })
    })
    .await
}

#[derive(Template)]
#[template(path = "scoring/batch.html")]
struct ShowPage {
    p: Page,
    page: BatchPage,
    states: Vec<(&'static str, &'static str)>,
    missing: i64,
}

impl ShowPage {
    fn name(&self, id: &Id) -> String {
        self.page.names.get(id).cloned().unwrap_or_default()
    }
    /// One sentence of what was seen, with numbers and nobody's rank.
    fn note(&self, note: &Note) -> String {
        self.p.t2(
            &format!("pattern-{}", note.pattern.code()),
            "n",
            note.households.len(),
            "of",
            note.of,
        )
    }
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| app::scoring::batch(tx, who, id)).await?;
    let p = Page::new(&ask, "batch-title", Season::Autumn);
    let month = p.month(page.batch.month.to_string());
    let title = p.t2("batch-of", "village", &page.batch.village_name, "month", month);
    let states = BatchState::ALL
        .into_iter()
        .map(|s| {
            let class = match s.cmp(&page.batch.state) {
                std::cmp::Ordering::Less => "past",
                std::cmp::Ordering::Equal => "now",
                std::cmp::Ordering::Greater => "",
            };
            (s.code(), class)
        })
        .collect();
    let missing = page.batch.missing();
    ask.page(&ShowPage {
        p: p.titled(title),
        missing: missing.officer + missing.cadre,
        states,
        page,
    })
}

pub(super) async fn close(ask: Ask) -> Result<Response, Problem> {
    let batch = ask.id("id")?;
    let fields = ask.fields()?;
    let key = key_of(&fields)?;
    let accept_missing = fields.get("accept_missing").is_some_and(|v| v == "yes" || v == "true");
    let request = CloseScoring { key, batch, accept_missing };
    let missing = ask.write(move |tx, who| app::scoring::close_scoring(tx, who, &request)).await?;
    let record = serde_json::json!({
        "state": "scored", "missing": { "officer": missing.officer, "cadre": missing.cadre },
    });
    ask.done(&format!("/batches/{batch}/review"), "scoring-closed", &record)
}
