//! The village's review: both sheets side by side, the biggest differences first.

use app::Never;
use app::scoring::{AgreeWhereEqual, FinishReview, ReviewLine, ReviewOne, Settle, Show};
use askama::Template;
use axum::response::Response;
use domain::Id;
use domain::scheme::Scheme;
use domain::scoring::{Outcome, Scores};
use store::scoring::Batch;

use super::{Line, key_of, lines, mark_words, scores_of, text_of, value_of};
use crate::export::{self, ExportForm, Sheet};
use crate::{Ask, Page, Paging, Problem, Season};

/// A household in the list of the review.
struct Row {
    household: Id,
    number: String,
    head_name: String,
    officer: Option<i64>,
    cadre: Option<i64>,
    officer_in: bool,
    cadre_in: bool,
    /// `(item, officer's mark, cadre's mark)` where they differ.
    differing: Vec<(String, String, String)>,
    equal: bool,
    relation: Option<String>,
    /// (outcome, total)
    settled: Option<(String, i64)>,
}

#[derive(Template)]
#[template(path = "scoring/review.html")]
struct ListPage {
    p: Page,
    batch: Batch,
    rows: Vec<Row>,
    equal: usize,
    left: i64,
    may_settle: bool,
    show: String,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

fn row(p: &Page, scheme: &Scheme, line: &ReviewLine) -> Row {
    let differing =
        line.differing.iter().filter(|_| line.officer.is_some() && line.cadre.is_some());
    let differing = differing.filter_map(|code| {
        let item = scheme.item(code)?;
        let said = |scores: &Option<Scores>| {
            mark_words(p, item, scores.as_ref().and_then(|s| s.get(code)))
        };
        Some((code.clone(), said(&line.officer), said(&line.cadre)))
    });
    Row {
        household: line.line.household,
        number: line.line.number.clone(),
        head_name: line.line.head_name.clone(),
        officer: line.officer_total,
        cadre: line.cadre_total,
        officer_in: line.officer.is_some(),
        cadre_in: line.cadre.is_some(),
        differing: differing.collect(),
        equal: line.is_equal(),
        relation: line.relation.clone(),
        settled: line.line.settlement.as_ref().map(|s| (s.outcome.clone(), s.total)),
    }
}

fn show_of(ask: &Ask) -> Result<Show, Problem> {
    match ask.query("show") {
        None => Ok(Show::All),
        Some("open") => Ok(Show::Open),
        Some("differing") => Ok(Show::Differing),
        Some("one") => Ok(Show::One),
        Some(_) => Err(Problem::bad("query")),
    }
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let show = show_of(&ask)?;
    let paging = Paging::asked(&ask);
    let from = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(paging.size).unwrap_or(usize::MAX);
    let review = ask
        .read::<_, Never>(move |tx, who| app::scoring::review(tx, who, id, show, from, size))
        .await?;
    let paging = paging.of(i64::try_from(review.total).unwrap_or(i64::MAX));
    let p = Page::new(&ask, "review-title", Season::Autumn);
    let month = p.month(review.batch.month.to_string());
    let title = p.t2("review-of", "village", &review.batch.village_name, "month", month);
    ask.page(&ListPage {
        rows: review.lines.iter().map(|line| row(&p, &review.scheme, line)).collect(),
        p: p.titled(title),
        equal: review.equal,
        left: review.batch.households - review.batch.settled,
        may_settle: review.may_settle,
        show: ask.query("show").unwrap_or("").to_owned(),
        export: ExportForm::of(&ask, paging.total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
        batch: review.batch,
        paging,
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let ask = export::asked(ask)?;
    let show = show_of(&ask)?;
    let header = [
        "batches-month",
        "batches-village",
        "review-serial",
        "visits-number",
        "batch-household",
        "scorer-assistance-officer",
        "scorer-assigned-cadre",
        "review-settled",
        "review-total",
        "settle-note",
    ];
    let sheet = Sheet::new(&ask, "review", "review-title", &header);
    let p = Page::new(&ask, "review-title", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        let review = app::scoring::review_taken_out(tx, who, id, show)?;
        for line in &review.lines {
            let settled = line.line.settlement.as_ref();
            let outcome = match settled {
                Some(settled) => p.word("outcome", &settled.outcome),
                None => p.t("review-open"),
            };
            let assessed = settled.filter(|settled| settled.outcome == "assessed");
            write(&[
                review.batch.month.to_string().into(),
                review.batch.village_name.as_str().into(),
                line.line.position.into(),
                line.line.number.as_str().into(),
                line.line.head_name.as_str().into(),
                line.officer_total.into(),
                line.cadre_total.into(),
                outcome.into(),
                assessed.map(|settled| settled.total).into(),
                settled.map(|settled| settled.note.as_str()).into(),
            ])?;
        }
        Ok(())
    })
    .await
}

#[derive(Template)]
#[template(path = "scoring/settle.html")]
struct ShowPage {
    p: Page,
    one: ReviewOne,
    lines: Vec<Line>,
    officer_name: String,
    cadre_name: String,
    settled: Option<(String, i64)>,
    settled_by: String,
    note: String,
    sheets: usize,
    can_settle: bool,
}

/// The items with both people's marks on the buttons; agreed ones, or settled ones, are checked.
/// What differs comes first.
fn compared(p: &Page, one: &ReviewOne) -> Vec<Line> {
    let line = &one.line;
    let settled = line.line.settlement.as_ref().and_then(|s| s.marks().ok());
    let settled = settled.filter(|marks| !marks.is_empty());
    let mut lines = lines(p, &one.scheme, line.line.able_to_work, settled.as_ref());
    for item in &mut lines {
        let value =
            |scores: &Option<Scores>| scores.as_ref().and_then(|s| s.get(&item.code)).map(value_of);
        let (officer, cadre) = (value(&line.officer), value(&line.cadre));
        item.differs = officer.is_some() && cadre.is_some() && officer != cadre;
        let agreed = if officer == cadre { officer.clone() } else { None };
        let only = if officer.is_none() { cadre.clone() } else { None }
            .or_else(|| officer.clone().filter(|_| cadre.is_none()));
        for button in &mut item.buttons {
            button.officer = officer.as_ref() == Some(&button.value);
            button.cadre = cadre.as_ref() == Some(&button.value);
            if settled.is_none() {
                button.checked = agreed.as_ref().or(only.as_ref()) == Some(&button.value);
            }
        }
    }
    lines.sort_by_key(|item| !item.differs);
    lines
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let (id, household) = (ask.id("id")?, ask.id("household")?);
    let one = ask
        .read::<_, Never>(move |tx, who| app::scoring::review_one(tx, who, id, household))
        .await?;
    let p = Page::new(&ask, "review-title", Season::Autumn).titled(one.line.line.head_name.clone());
    let name = |id: Option<Id>| id.and_then(|id| one.names.get(&id).cloned()).unwrap_or_default();
    let settlement = one.line.line.settlement.as_ref();
    ask.page(&ShowPage {
        lines: compared(&p, &one),
        officer_name: name(one.line.line.officer),
        cadre_name: name(one.line.line.cadre),
        settled: settlement.map(|s| (s.outcome.clone(), s.total)),
        settled_by: name(settlement.map(|s| s.person)),
        note: settlement.map(|s| s.note.clone()).unwrap_or_default(),
        sheets: usize::from(one.line.officer.is_some()) + usize::from(one.line.cadre.is_some()),
        can_settle: one.may_settle && one.line.relation.is_none() && !one.line.own,
        one,
        p,
    })
}

pub(super) async fn settle(ask: Ask) -> Result<Response, Problem> {
    let (batch, household) = (ask.id("id")?, ask.id("household")?);
    let fields = ask.fields()?;
    let key = key_of(&fields)?;
    let outcome = match text_of(&fields, "outcome").as_str() {
        "" | "assessed" => Outcome::Assessed(taken(&ask, batch, household, &fields).await?),
        "not_assessed" => Outcome::NotAssessed,
        "suspended" => Outcome::Suspended,
        _ => return Err(Problem::field("outcome")),
    };
    let request = Settle { key, batch, household, outcome, note: text_of(&fields, "note") };
    let settled = ask.write(move |tx, who| app::scoring::settle(tx, who, &request)).await?;
    let record = serde_json::json!({
        "id": settled.id, "outcome": settled.outcome, "basis": settled.basis,
        "total": settled.total, "sums": settled.sums,
    });
    ask.done(&format!("/batches/{batch}/review"), "household-settled", &record)
}

/// The marks to settle on: those of the officer's or the cadre's sheet as a whole (`take`), or
/// the form's own, item by item.
async fn taken(
    ask: &Ask,
    batch: Id,
    household: Id,
    fields: &std::collections::BTreeMap<String, String>,
) -> Result<Scores, Problem> {
    let take = text_of(fields, "take");
    if take.is_empty() {
        return scores_of(fields);
    }
    let one = ask
        .read::<_, Never>(move |tx, who| app::scoring::review_one(tx, who, batch, household))
        .await?;
    let scores = match take.as_str() {
        "officer" => one.line.officer,
        "cadre" => one.line.cadre,
        _ => return Err(Problem::field("take")),
    };
    scores.ok_or_else(|| Problem::refused(&domain::scoring::Refusal::NoSheet))
}

pub(super) async fn agree(ask: Ask) -> Result<Response, Problem> {
    let batch = ask.id("id")?;
    let request = AgreeWhereEqual { key: key_of(&ask.fields()?)?, batch };
    let agreed =
        ask.write(move |tx, who| app::scoring::agree_where_equal(tx, who, &request)).await?;
    let record = serde_json::json!({ "settled": agreed.settled, "left": agreed.left });
    ask.done(&format!("/batches/{batch}/review"), "agreed", &record)
}

pub(super) async fn finish(ask: Ask) -> Result<Response, Problem> {
    let batch = ask.id("id")?;
    let request = FinishReview { key: key_of(&ask.fields()?)?, batch };
    ask.write(move |tx, who| app::scoring::finish_review(tx, who, &request)).await?;
    let record = serde_json::json!({ "state": "reviewed" });
    ask.done(&format!("/batches/{batch}"), "review-finished", &record)
}
