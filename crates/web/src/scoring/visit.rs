//! Own households to visit, and the score form made for a phone.

use std::collections::BTreeMap;

use app::Never;
use app::scoring::{SaveSheet, Saved, ScorePage, VisitFilter};
use askama::Template;
use axum::response::Response;
use domain::calendar::Month;
use domain::{Date, Id, parse_day};
use serde_json::{Value, json};
use store::scoring::{Progress, Visit};

use super::{Line, key_of, lines, mark_words, scores_of, text_of};
use crate::export::{self, ExportForm, Sheet, day, moment};
use crate::{Ask, Page, Paging, Problem, Season};

/// Longest remark, in characters.
const REMARK_MAX: usize = 500;

#[derive(Template)]
#[template(path = "scoring/visits.html")]
struct VisitsPage {
    p: Page,
    month: Option<String>,
    months: Vec<String>,
    visits_to: Option<Date>,
    villages: Vec<Progress>,
    visits: Vec<Visit>,
    q: String,
    todo: bool,
    batch: Option<Id>,
    all: i64,
    done: i64,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

impl VisitsPage {
    fn is_chosen(&self, batch: &Id) -> bool {
        self.batch == Some(*batch)
    }
}

fn filter(ask: &Ask) -> Result<(Option<Month>, VisitFilter), Problem> {
    let month = ask.query("month").map(|m| Month::parse(m).ok_or_else(|| Problem::bad("query")));
    let filter = VisitFilter {
        search: ask.query("q").unwrap_or("").to_owned(),
        batch: ask.query("batch").and_then(|b| b.parse().ok()),
        to_do: ask.query("todo").is_some(),
        within: None,
    };
    Ok((month.transpose()?, filter))
}

pub(super) async fn visits(ask: Ask) -> Result<Response, Problem> {
    let (month, filter) = filter(&ask)?;
    let paging = Paging::asked(&ask);
    let (q, todo, batch) = (filter.search.clone(), filter.to_do, filter.batch);
    let page = ask
        .read::<_, Never>(move |tx, who| {
            app::scoring::visits(tx, who, month, &filter, paging.offset(), paging.size)
        })
        .await?;
    ask.page(&VisitsPage {
        p: Page::new(&ask, "visits-title", Season::Summer),
        month: page.round.as_ref().map(|r| r.month.to_string()),
        months: page.rounds.iter().map(Month::to_string).collect(),
        visits_to: page.round.as_ref().map(|r| r.visits_to),
        all: page.villages.iter().map(|v| v.mine).sum(),
        done: page.villages.iter().map(|v| v.done).sum(),
        villages: page.villages,
        visits: page.visits,
        q,
        todo,
        batch,
        export: ExportForm::of(&ask, page.total),
        paging: paging.of(page.total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let (month, filter) = filter(&ask)?;
    let header = [
        "batch-household",
        "visits-number",
        "batches-village",
        "visits-hamlet",
        "batches-state",
        "score-visited-on",
        "visits-saved-at",
    ];
    let sheet = Sheet::new(&ask, "visits", "visits-title", &header);
    let p = Page::new(&ask, "visits-title", Season::Summer);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::scoring::each_visit(tx, who, month, &filter, |v| {
            let done = if v.saved_at.is_some() { "visits-done" } else { "visits-to-do" };
            write(&[
                v.head_name.as_str().into(),
                v.number.as_str().into(),
                v.village_name.as_str().into(),
                v.hamlet.clone().into(),
                p.t(done).into(),
                v.visited_on.map(day).into(),
                v.saved_at.map(moment).into(),
            ])
        })
    })
    .await
}

#[derive(Template)]
#[template(path = "scoring/score.html")]
struct FormPage {
    p: Page,
    page: ScorePage,
    lines: Vec<Line>,
    key: Id,
    opened_at: i64,
    visited_on: Date,
    remark: String,
    /// The other sheet, item by item, once both are in.
    other: Vec<(String, String)>,
}

pub(super) async fn form(ask: Ask) -> Result<Response, Problem> {
    let (batch, household) = (ask.id("batch")?, ask.id("household")?);
    let page = ask
        .read::<_, Never>(move |tx, who| app::scoring::score_page(tx, who, batch, household))
        .await?;
    let p = Page::new(&ask, "score-title", Season::Summer).titled(page.head_name.clone());
    let marks = page.own.as_ref().map(|(_, marks)| marks);
    let lines = lines(&p, &page.scheme, page.able_to_work, marks);
    let other = page.other.as_ref().map(|(_, marks)| {
        let said = |item: &&domain::scheme::Item| {
            (item.code.clone(), mark_words(&p, item, marks.get(&item.code)))
        };
        page.scheme.items_for(page.able_to_work).iter().map(said).collect()
    });
    let today = ask.today().clamp(page.batch.visits_from, page.batch.visits_to);
    let own = page.own.as_ref().map(|(sheet, _)| sheet);
    ask.page(&FormPage {
        key: ask.new_key(),
        opened_at: ask.now,
        visited_on: own.and_then(|s| s.visited_on).unwrap_or(today),
        remark: own.map(|s| s.remark.clone()).unwrap_or_default(),
        other: other.unwrap_or_default(),
        lines,
        p,
        page,
    })
}

/// The sheet that these fields make, of the household at this address.
pub(super) fn sheet_of(
    fields: &BTreeMap<String, String>,
    batch: Id,
    household: Id,
) -> Result<SaveSheet, Problem> {
    let remark = text_of(fields, "remark");
    if remark.chars().count() > REMARK_MAX {
        return Err(Problem::field("remark"));
    }
    let visited_on = match text_of(fields, "visited_on").as_str() {
        "" => None,
        text => Some(parse_day(text).ok_or_else(|| Problem::field("visited_on"))?),
    };
    Ok(SaveSheet {
        key: key_of(fields)?,
        batch,
        household,
        scores: scores_of(fields)?,
        remark,
        visited_on,
        opened_at: fields.get("opened_at").and_then(|at| at.parse().ok()),
    })
}

/// A saved sheet, as its sender is told.
pub(super) fn saved_json(key: Id, saved: &Saved) -> Value {
    json!({ "id": key, "scorer": saved.scorer.code(), "replaces": saved.replaces })
}

pub(super) async fn save(ask: Ask) -> Result<Response, Problem> {
    let (batch, household) = (ask.id("batch")?, ask.id("household")?);
    let request = sheet_of(&ask.fields()?, batch, household)?;
    let key = request.key;
    let saved = ask.write(move |tx, who| app::scoring::save_sheet(tx, who, &request)).await?;
    if ask.wants_json {
        return ask.json(&saved_json(key, &saved));
    }
    let next = ask
        .read::<_, Never>(move |tx, who| app::scoring::next_visit(tx, who, batch, household))
        .await?;
    let to = match next {
        Some(next) => format!("/score/{batch}/{next}"),
        None => "/score".to_owned(),
    };
    let done = if next.is_some() { "sheet-saved" } else { "village-visited" };
    ask.done(&to, done, &json!({}))
}
