//! The register of fields, sealed values seen one at a time, a person found by number, a
//! household's complete file.

mod file;
mod takeout;

use app::privacy::{FindByNumber, Reveal, Revealed};
use askama::Template;
use axum::response::Response;
use domain::Id;
use domain::access::Permission;
use domain::privacy::{Field, Reason, Refusal, What, fields};
use domain::registry::{Table, code};
use serde::Deserialize;
use store::access::Resource;

use crate::{Ask, Lang, Needs, Page, Problem, Route, Season, Subject, Work};

pub fn routes() -> Vec<Route> {
    let reveal = Needs::May(Permission::Reveal);
    let household = Subject::One(Resource::Household, "id");
    let take = Needs::TakeOut(Permission::Reveal);
    let (export, one) = (Needs::May(Permission::Export), Subject::One(Resource::Takeout, "id"));
    vec![
        Route::get("/privacy", row!("privacy.fields"), Needs::Nothing, Subject::Public, register),
        Route::post(
            "/households/find",
            row!("privacy.find"),
            reveal,
            Subject::Within(Resource::Household),
            find,
        )
        .takes(&["key", "number"]),
        Route::post("/households/{id}/reveal", row!("privacy.reveal"), reveal, household, show)
            .takes(&["field", "reason", "words"]),
        Route::post(
            "/objections/{id}/reveal",
            row!("privacy.reveal_objector"),
            Needs::May(Permission::AnswerObjection),
            Subject::One(Resource::Objection, "id"),
            show,
        )
        .takes(&["field", "reason", "words"]),
        Route::get(
            "/households/{id}/file",
            row!("privacy.file_form"),
            reveal,
            household,
            file::form,
        ),
        Route::post("/households/{id}/file", row!("privacy.file"), reveal, household, file::show)
            .takes(&["reason", "words", "in_clear"]),
        Route::get("/takeouts", row!("privacy.takeouts"), reveal, Subject::Zone, takeout::list)
            .takes(&["standing", "area", "page"]),
        Route::post(
            "/takeouts",
            row!("privacy.ask_takeout"),
            export,
            Subject::Zone,
            takeout::create,
        )
        .takes(&["key", "area", "column-<code>", "reason", "words"]),
        Route::get("/takeouts/{id}", row!("privacy.takeout"), reveal, one, takeout::show),
        Route::post(
            "/takeouts/{id}/decide",
            row!("privacy.decide_takeout"),
            Needs::May(Permission::AllowTakeout),
            one,
            takeout::decide,
        )
        .takes(&["key", "answer", "words"]),
        Route::post("/takeouts/{id}/take", row!("privacy.take"), take, one, takeout::take)
            .takes(&["key", "kind"])
            .work(Work::Heavy),
    ]
}

// The register of fields ----------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "privacy/fields.html")]
struct FieldsPage {
    p: Page,
    tables: Vec<(&'static str, Vec<Field>)>,
}

async fn register(ask: Ask) -> Result<Response, Problem> {
    if ask.wants_json {
        let fields: Vec<_> = fields::all()
            .iter()
            .map(|f| {
                serde_json::json!({
                    "table": f.table, "field": f.name, "class": f.class.code(),
                    "kept": f.kept.code(), "purpose": f.purpose, "ground": f.ground,
                    "retention": f.retention,
                })
            })
            .collect();
        return ask.json(&serde_json::json!({ "fields": fields }));
    }
    let mut tables: Vec<(&'static str, Vec<Field>)> = Vec::new();
    for field in fields::all() {
        match tables.last_mut().filter(|t| t.0 == field.table) {
            Some(table) => table.1.push(*field),
            None => tables.push((field.table, vec![*field])),
        }
    }
    ask.page(&FieldsPage { p: Page::new(&ask, "privacy-title", Season::Winter), tables })
}

// One value -----------------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    field: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    words: String,
}

#[derive(Template)]
#[template(path = "privacy/revealed.html")]
struct RevealedPage {
    p: Page,
    r: Revealed,
    value: String,
    at: domain::Millis,
    back: String,
}

async fn show(ask: Ask) -> Result<Response, Problem> {
    let (subject, asked): (Id, Asked) = (ask.id("id")?, ask.form()?);
    let what = What::parse(&asked.field);
    // A field of the other kind of record is no field here.
    let of_objection = ask.at.starts_with("/objections/");
    let request = Reveal {
        subject,
        what: what.filter(|w| w.is_of_objection() == of_objection),
        reason: Reason::from_code(&asked.reason),
        words: asked.words,
    };
    let revealed =
        ask.write::<_, Refusal>(move |tx, who| app::privacy::reveal(tx, who, &request)).await?;
    if ask.wants_json {
        return ask.json(&serde_json::json!({
            "field": revealed.what.field(), "value": revealed.value,
        }));
    }
    let p = Page::new(&ask, "revealed-title", Season::Summer);
    let value = in_words(&p, revealed.what, &revealed.value);
    let list = if of_objection { "objections" } else { "households" };
    ask.page(&RevealedPage {
        p,
        value,
        r: revealed,
        at: ask.now,
        back: format!("/{list}/{subject}"),
    })
}

/// Codes and fen as people read them.
fn in_words(p: &Page, what: What, value: &str) -> String {
    let english = p.lang == Lang::En;
    match what {
        What::Health(_) => code::label(Table::Health, value, english),
        What::PovertyCause => code::label(Table::PovertyCause, value, english),
        What::Income => value.parse().map_or_else(|_| value.to_owned(), |fen: i64| p.yuan(fen)),
        _ => value.to_owned(),
    }
}

#[derive(Deserialize)]
struct Looked {
    key: Id,
    #[serde(default)]
    number: String,
}

async fn find(ask: Ask) -> Result<Response, Problem> {
    let Looked { key, number } = ask.form()?;
    let request = FindByNumber { key, number };
    let id = ask
        .write::<_, Refusal>(move |tx, who| app::privacy::find_by_number(tx, who, &request))
        .await?;
    ask.done(&format!("/households/{id}"), "", &serde_json::json!({ "id": id }))
}
