//! The list of batches and a batch's own page.

use app::Never;
use app::scoring::{BatchFilter, BatchPage, CloseScoring};
use askama::Template;
use axum::response::Response;
use domain::Id;
use domain::calendar::Month;
use domain::scoring::{BatchState, Note};
use sheets::write::{Kind, Table, Value};
use store::scoring::Batch;

use super::key_of;
use crate::{Ask, Page, Paging, Problem, Season};

/// A zone has some dozens of villages; this is decades of months.
const EXPORT_MAX: i64 = 50_000;

#[derive(Template)]
#[template(path = "scoring/batches.html")]
struct ListPage {
    p: Page,
    rows: Vec<Batch>,
    months: Vec<String>,
    month: String,
    states: Vec<&'static str>,
    state: String,
    q: String,
    may_export: bool,
    csv: String,
    xlsx: String,
    paging: Paging,
    before: String,
    after: String,
}

fn filter(ask: &Ask) -> Result<BatchFilter, Problem> {
    let bad = || Problem::bad("query");
    Ok(BatchFilter {
        month: ask.query("month").map(|m| Month::parse(m).ok_or_else(bad)).transpose()?,
        state: ask.query("state").map(|s| BatchState::from_code(s).ok_or_else(bad)).transpose()?,
        area: None,
        search: ask.query("q").unwrap_or("").to_owned(),
    })
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let chosen = filter(&ask)?;
    let kind = match ask.query("format") {
        None => None,
        Some("csv") => Some(Kind::Csv),
        Some("xlsx") => Some(Kind::Xlsx),
        Some(_) => return Err(Problem::bad("query")),
    };
    if let Some(kind) = kind {
        return export(&ask, chosen, kind).await;
    }
    let paging = Paging::asked(&ask);
    let by = chosen.clone();
    let ((rows, total), rounds) = ask
        .read::<_, Never>(move |tx, who| {
            let rows = app::scoring::batches(tx, who, &by, paging.offset(), paging.size)?;
            Ok((rows, app::calendar::rounds(tx, who)?))
        })
        .await?;
    let may_export = ask.who()?.may(domain::access::Permission::Export);
    ask.page(&ListPage {
        p: Page::new(&ask, "batches-title", Season::Autumn),
        rows,
        months: rounds.rounds.iter().map(|r| r.month.to_string()).collect(),
        month: chosen.month.map(|m| m.to_string()).unwrap_or_default(),
        states: BatchState::ALL.into_iter().map(BatchState::code).collect(),
        state: chosen.state.map(|s| s.code().to_owned()).unwrap_or_default(),
        q: chosen.search,
        may_export,
        csv: ask.link(&[("format", "csv"), ("page", "")]),
        xlsx: ask.link(&[("format", "xlsx"), ("page", "")]),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

/// The same rows as the list, by the same predicate.
async fn export(ask: &Ask, filter: BatchFilter, kind: Kind) -> Result<Response, Problem> {
    let who = ask.who()?;
    if !who.may(domain::access::Permission::Export) {
        return Err(Problem::not_allowed());
    }
    let key = ask.new_key();
    let (rows, _) = ask
        .write::<_, Never>(move |tx, who| {
            app::scoring::export_batches(tx, who, key, &filter, EXPORT_MAX)
        })
        .await?;
    let p = Page::new(ask, "batches-title", Season::Autumn);
    let header: Vec<String> = [
        "batches-month",
        "batches-township",
        "batches-village",
        "batches-state",
        "batches-households",
        "scorer-assistance-officer",
        "scorer-assigned-cadre",
        "batches-settled",
    ]
    .iter()
    .map(|key| p.t(key))
    .collect();
    let note =
        p.t3("batches-export-note", "who", &who.name, "at", p.time(ask.now), "rows", rows.len());
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| -> Result<(), sheets::write::WriteError> {
        let mut table = Table::new(kind, bytes, &p.title, Some(&note), &header)?;
        for b in &rows {
            table.row(&[
                b.month.to_string().into(),
                b.township_name.as_str().into(),
                b.village_name.as_str().into(),
                Value::Text(p.word("state", b.state.code())),
                b.households.into(),
                b.officer_sheets.into(),
                b.cadre_sheets.into(),
                b.settled.into(),
            ])?;
        }
        table.finish()
    };
    write(&mut bytes).map_err(|error| {
        tracing::error!(%error, "an export could not be written");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "page")
    })?;
    let name = format!("{}-{}.{}", p.title, ask.today(), kind.extension());
    Ok(ask.download(kind.media_type(), &name, bytes.into()))
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
