//! Lists with sealed values: the requests, one of them with its yes or no, the file.

use app::Never;
use app::privacy::{AskTakeout, DecideTakeout, TakeoutPage};
use askama::Template;
use axum::response::Response;
use domain::privacy::takeout::{Column, Refusal, Standing};
use domain::privacy::{Reason, What};
use domain::registry::{Table, code};
use domain::{Id, Millis};
use serde::Deserialize;
use store::privacy::Takeout;

use super::in_words;
use crate::export::{self, Sheet};
use crate::{Ask, Lang, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "privacy/takeouts.html")]
struct ListPage {
    p: Page,
    standing: String,
    rows: Vec<Takeout>,
    /// (path, name); none where the asker may not take lists out.
    places: Vec<(String, String)>,
    area: String,
    columns: Vec<&'static str>,
    paging: Paging,
    before: String,
    after: String,
}

/// Names of columns in words, with a comma between them.
fn named(p: &Page, columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|c| p.word("hidden", c.code())).collect();
    names.join(&p.t("list-comma"))
}

impl ListPage {
    fn named(&self, t: &Takeout) -> String {
        named(&self.p, &t.columns)
    }
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let (paging, standing) =
        (Paging::asked(&ask), Standing::from_code(ask.query("standing").unwrap_or("")));
    let ((rows, total), places) = ask
        .read::<_, Never>(move |tx, who| {
            let found = app::privacy::takeouts(tx, who, standing, paging.offset(), paging.size)?;
            Ok((found, app::privacy::takeout_places(tx, who)?))
        })
        .await?;
    if ask.wants_json {
        let rows: Vec<_> = rows.iter().map(json).collect();
        return ask.json(&serde_json::json!({ "total": total, "takeouts": rows }));
    }
    ask.page(&ListPage {
        p: Page::new(&ask, "takeouts-title", Season::Winter),
        standing: standing.map_or("", Standing::code).to_owned(),
        rows,
        places,
        area: ask.query("area").unwrap_or("").to_owned(),
        columns: Column::ALL.into_iter().map(Column::code).collect(),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

fn json(t: &Takeout) -> serde_json::Value {
    serde_json::json!({
        "id": t.id,
        "by": t.by,
        "area": t.area,
        "columns": t.columns.iter().map(|c| c.code()).collect::<Vec<_>>(),
        "reason": t.reason,
        "words": t.words,
        "at": t.at,
        "standing": t.standing.code(),
        "decided_by": t.decided_by,
        "decided_at": t.decided_at,
        "answer": t.answer,
    })
}

pub(super) async fn create(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let one = |name: &str| fields.get(name).map_or("", String::as_str);
    let request = AskTakeout {
        key: one("key").parse().map_err(|_| Problem::field("key"))?,
        path: one("area").to_owned(),
        columns: Column::ALL
            .into_iter()
            .filter(|c| !one(&format!("column-{}", c.code())).is_empty())
            .collect(),
        reason: Reason::from_code(one("reason")),
        words: one("words").to_owned(),
    };
    let id = ask
        .write::<_, Refusal>(move |tx, who| app::privacy::ask_takeout(tx, who, &request))
        .await?;
    ask.done(&format!("/takeouts/{id}"), "takeout-asked", &serde_json::json!({ "id": id }))
}

// One request ---------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "privacy/takeout.html")]
struct ShowPage {
    p: Page,
    t: TakeoutPage,
    columns: String,
    why_not: Option<String>,
    key: String,
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let t = ask.read::<_, Never>(move |tx, who| app::privacy::takeout(tx, who, id)).await?;
    if ask.wants_json {
        return ask.json(&json(&t.t));
    }
    let p = Page::new(&ask, "takeout-title", Season::Winter);
    let columns = named(&p, &t.t.columns);
    let why_not = t.refused.as_ref().map(|r| Problem::refused(r).sentence(ask.lang));
    ask.page(&ShowPage { p, t, columns, why_not, key: ask.new_key().to_string() })
}

#[derive(Deserialize)]
struct Decision {
    key: Id,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    words: String,
}

pub(super) async fn decide(ask: Ask) -> Result<Response, Problem> {
    let (id, form): (Id, Decision) = (ask.id("id")?, ask.form()?);
    let allow = match form.answer.as_str() {
        "allow" => true,
        "decline" => false,
        _ => return Err(Problem::field("answer")),
    };
    let request = DecideTakeout { key: form.key, id, allow, words: form.words };
    let standing = ask
        .write::<_, Refusal>(move |tx, who| app::privacy::decide_takeout(tx, who, &request))
        .await?;
    let notice = if allow { "takeout-allowed" } else { "takeout-declined" };
    let said = serde_json::json!({ "standing": standing.code() });
    ask.done(&format!("/takeouts/{id}"), notice, &said)
}

/// The file. Its first line, the foot of each printed page and the end of every row say who took it.
pub(super) async fn take(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let mut ask = export::asked(ask)?;
    let t =
        ask.read::<_, Refusal>(move |tx, who| app::privacy::takeout_to_take(tx, who, id)).await?;
    let p = Page::new(&ask, "takeout-file", Season::Winter);
    let why = format!("{} · {}", p.word("reason", &t.reason), t.words);
    ask.query.insert("why".to_owned(), why.chars().take(export::WHY_MAX).collect());
    let fixed = [
        "household-col-household-number",
        "household-col-village",
        "household-col-hamlet",
        "field-name",
        "field-relation",
    ];
    let mut sheet = Sheet::new(&ask, "takeout", "takeout-file", &fixed);
    sheet.header.extend(t.columns.iter().map(|c| p.word("hidden", c.code())));
    sheet.header.push(p.t("takeout-mark"));
    sheet.path = Some(t.path.clone());
    let mark = mark(&t.by, id, ask.now);
    let columns = t.columns;
    export::stream(&ask, sheet, move |tx, who, write| {
        let taken = app::privacy::each_taken(tx, who, id, |row| {
            let mut values = vec![
                row.household.as_str().into(),
                row.village.as_str().into(),
                row.hamlet.clone().into(),
                row.name.as_str().into(),
                code::label(Table::Relation, &row.relation, p.lang == Lang::En).into(),
            ];
            for (column, value) in columns.iter().zip(&row.values) {
                values.push(value.as_deref().map(|v| in_words(&p, what(*column), v)).into());
            }
            values.push(mark.as_str().into());
            write(&values)
        });
        // It was allowed a moment ago.
        taken.map_err(|failure| match failure {
            app::Failure::Broken(broken) => app::Failure::Broken(broken),
            _ => app::Failure::NotFound,
        })
    })
    .await
}

/// Who took it, when, and the first digits of the request: whatever piece of the file is found.
fn mark(by: &str, id: Id, now: Millis) -> String {
    let id = id.simple().to_string();
    format!("{by} {} {}", domain::local_date(now), &id[id.len() - 8..])
}

/// A value of the column in words needs no member.
fn what(column: Column) -> What {
    match column {
        Column::CitizenNumber => What::CitizenNumber(Id::nil()),
        Column::Health => What::Health(Id::nil()),
        Column::Phone => What::Phone,
        Column::BankName => What::BankName,
        Column::BankAccount => What::BankAccount,
        Column::Income => What::Income,
        Column::PovertyCause => What::PovertyCause,
    }
}
