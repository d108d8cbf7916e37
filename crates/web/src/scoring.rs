//! The pages of scoring: own visits, the score form, batches, their review, a round's coverage.

mod batch;
mod hand_over;
mod review;
mod round;
pub(crate) mod sheets;
mod visit;

use std::collections::BTreeMap;

use domain::access::Permission;
use domain::scheme::{Item, Scheme};
use domain::scoring::{Mark, Scores};
use store::access::Resource;

use crate::scheme::{choice_words, said};
use crate::{Needs, Page, Problem, Route, Subject};

pub fn routes() -> Vec<Route> {
    use Needs::May;
    let score = May(Permission::Score);
    let read = May(Permission::ReadHouseholds);
    let review = May(Permission::Review);
    let manage = May(Permission::ManageScheme);
    let export = May(Permission::Export);
    let hand = May(Permission::HandOver);
    let mine = Subject::Within(Resource::Household);
    let one = Subject::One(Resource::Batch, "id");
    vec![
        Route::get("/score", row!("scoring.visits"), score, mine, visit::visits)
            .takes(&["month", "q", "batch", "todo", "page"]),
        Route::post("/score", row!("scoring.save_sheets"), score, mine, sheets::save)
            .takes(&["sheets"])
            .body_max(sheets::BODY_MAX),
        Route::post("/score/export", row!("scoring.export_visits"), export, mine, visit::export)
            .takes(&["key", "kind", "why", "month", "q", "batch", "todo"]),
        Route::get(
            "/score/{batch}/{household}",
            row!("scoring.score_page"),
            score,
            mine,
            visit::form,
        ),
        Route::post(
            "/score/{batch}/{household}",
            row!("scoring.save_sheet"),
            score,
            mine,
            visit::save,
        )
        .takes(&["key", "scores", "item-<code>", "visited_on", "opened_at", "remark"]),
        Route::get(
            "/rounds/{id}",
            row!("scoring.round"),
            read,
            Subject::Within(Resource::Batch),
            round::round,
        ),
        Route::get("/hand-over", row!("scoring.hand_over_form"), hand, mine, hand_over::form)
            .takes(&["from", "q", "page"]),
        Route::post("/hand-over", row!("scoring.hand_over"), hand, mine, hand_over::hand_over)
            .takes(&["key", "from", "to"]),
        Route::get(
            "/scheme/{id}/trial",
            row!("scoring.trial"),
            manage,
            Subject::Zone,
            round::trial,
        )
        .takes(&["fund"]),
        Route::get(
            "/batches",
            row!("scoring.batches"),
            read,
            Subject::Within(Resource::Batch),
            batch::list,
        )
        .takes(&["month", "state", "q", "order", "page"]),
        Route::post(
            "/batches/export",
            row!("scoring.export_batches"),
            export,
            Subject::Within(Resource::Batch),
            batch::export,
        )
        .takes(&["key", "kind", "why", "month", "state", "q", "order"]),
        Route::get("/batches/{id}", row!("scoring.batch"), read, one, batch::show),
        Route::post(
            "/batches/{id}/close",
            row!("scoring.close_scoring"),
            review,
            one,
            batch::close,
        )
        .takes(&["key", "accept_missing"]),
        Route::get("/batches/{id}/review", row!("scoring.review"), read, one, review::list)
            .takes(&["show", "page"]),
        Route::post(
            "/batches/{id}/review/export",
            row!("scoring.export_review"),
            export,
            one,
            review::export,
        )
        .takes(&["key", "kind", "why", "show"]),
        Route::post(
            "/batches/{id}/agree",
            row!("scoring.agree_where_equal"),
            review,
            one,
            review::agree,
        )
        .takes(&["key"]),
        Route::post(
            "/batches/{id}/finish",
            row!("scoring.finish_review"),
            review,
            one,
            review::finish,
        )
        .takes(&["key"]),
        Route::get(
            "/batches/{id}/review/{household}",
            row!("scoring.review_one"),
            read,
            one,
            review::show,
        ),
        Route::post(
            "/batches/{id}/review/{household}",
            row!("scoring.settle"),
            review,
            one,
            review::settle,
        )
        .takes(&["key", "outcome", "take", "item-<code>", "note"]),
    ]
}

/// One large button of an item: a value, or a reason for leaving it out.
pub(crate) struct Button {
    /// What the form sends: `8`, or `-no_session`.
    pub value: String,
    /// The points, as they stand on the button; empty for a reason.
    pub points: String,
    pub words: String,
    pub checked: bool,
    /// Whose mark it is, where two sheets are compared.
    pub officer: bool,
    pub cadre: bool,
}

/// An item with its buttons.
pub(crate) struct Line {
    pub code: String,
    pub name: String,
    pub max: i64,
    pub buttons: Vec<Button>,
    pub differs: bool,
}

fn value_of(mark: &Mark) -> String {
    match mark {
        Mark::Points(points) => points.to_string(),
        Mark::NotApplicable(reason) => format!("-{reason}"),
    }
}

/// The items of a household as the form shows them; `marks` are checked already.
pub(crate) fn lines(p: &Page, scheme: &Scheme, able: bool, marks: Option<&Scores>) -> Vec<Line> {
    let line = |item: &&Item| {
        let checked = marks.and_then(|m| m.get(&item.code)).map(value_of);
        let button = |value: String, points: String, words: String| Button {
            checked: checked.as_ref() == Some(&value),
            value,
            points,
            words,
            officer: false,
            cadre: false,
        };
        let mut buttons: Vec<Button> = item
            .choices()
            .iter()
            .map(|c| button(c.points.to_string(), c.points.to_string(), choice_words(p, c)))
            .collect();
        buttons.extend(item.na.iter().map(|reason| {
            let words = p.t1("score-na", "why", said(p.lang, &reason.words));
            button(format!("-{}", reason.code), String::new(), words)
        }));
        Line {
            code: item.code.clone(),
            name: said(p.lang, &item.name).to_owned(),
            max: item.max,
            buttons,
            differs: false,
        }
    };
    scheme.items_for(able).iter().map(line).collect()
}

/// How a mark reads in a list: `8`, or the reason it was left out.
pub(crate) fn mark_words(p: &Page, item: &Item, mark: Option<&Mark>) -> String {
    match mark {
        None => String::new(),
        Some(Mark::Points(points)) => points.to_string(),
        Some(Mark::NotApplicable(code)) => item
            .na_reason(code)
            .map_or_else(|| code.clone(), |r| p.t1("score-na", "why", said(p.lang, &r.words))),
    }
}

/// The marks a form or JSON object carries: `scores` in the canonical text, or a field for each
/// item, `item-A1=8`, `item-A3=-no_session`.
fn scores_of(fields: &BTreeMap<String, String>) -> Result<Scores, Problem> {
    if let Some(text) = fields.get("scores").filter(|text| !text.is_empty()) {
        return Scores::parse(text).map_err(|no| Problem::refused(&no));
    }
    let mut marks = Vec::new();
    for (name, value) in fields {
        let Some(item) = name.strip_prefix("item-") else { continue };
        let mark = match value.strip_prefix('-') {
            Some(reason) => Mark::NotApplicable(reason.to_owned()),
            None => Mark::Points(value.trim().parse().map_err(|_| Problem::field(item))?),
        };
        marks.push((item.to_owned(), mark));
    }
    let scores = Scores::new(marks);
    // What could not stand in the canonical text is not a mark at all.
    Scores::parse(&scores.to_string()).map_err(|no| Problem::refused(&no))
}

fn key_of(fields: &BTreeMap<String, String>) -> Result<domain::Id, Problem> {
    fields.get("key").and_then(|k| k.parse().ok()).ok_or_else(|| Problem::field("key"))
}

fn text_of(fields: &BTreeMap<String, String>, name: &str) -> String {
    fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
}
