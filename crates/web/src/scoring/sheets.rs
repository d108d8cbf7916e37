//! Sheets that a phone has kept, taken in together; each is answered as if it had come alone.

use std::collections::{BTreeMap, BTreeSet};

use app::scoring::{SHEETS_MAX, SaveSheet};
use axum::http::StatusCode;
use axum::response::Response;
use domain::Id;
use serde_json::{Map, Value};

use super::visit::{saved_json, sheet_of};
use crate::ask::unique;
use crate::{Ask, Problem};

/// What a sheet says of itself; all of it is text but `opened_at`, which may be a number.
pub(crate) const FIELDS: [&str; 7] =
    ["key", "batch", "household", "scores", "visited_on", "opened_at", "remark"];
/// Largest sheet on the wire, in bytes: its longest remark, each character escaped (`\u4e00`), and
/// marks, ids and names of fields.
const SHEET_BYTES: usize = 4 << 10;
/// Largest body, in bytes.
pub(crate) const BODY_MAX: usize = SHEETS_MAX * SHEET_BYTES;

pub(super) async fn save(ask: Ask) -> Result<Response, Problem> {
    if !ask.is_json_body() {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type"));
    }
    let mut sheets = Vec::new();
    let read = sheets_in(&ask.body)?.into_iter().map(|read| {
        let sheet = read?;
        let key = sheet.key;
        sheets.push(sheet);
        Ok(key)
    });
    let read: Vec<Result<Id, Problem>> = read.collect();
    let answers = ask.write(move |tx, who| app::scoring::save_sheets(tx, who, &sheets)).await?;
    let (mut answers, mut refused) = (answers.into_iter(), Vec::new());
    let told = read.into_iter().map(|read| {
        let answer = read.and_then(|key| {
            let saved = answers.next().expect("an answer for each sheet")?;
            Ok(saved_json(key, &saved))
        });
        answer.unwrap_or_else(|problem| {
            let told = problem.json(ask.lang);
            refused.push(problem);
            told
        })
    });
    let told: Vec<Value> = told.collect();
    let mut response = ask.json(&serde_json::json!({ "sheets": told }))?;
    crate::audit::mark_each(&mut response, &refused);
    Ok(response)
}

/// The sheets of a body in their order, each with what is wrong with it; refuses a body that cannot
/// be told apart into sheets.
pub(crate) fn sheets_in(body: &[u8]) -> Result<Vec<Result<SaveSheet, Problem>>, Problem> {
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| Problem::bad("json"))?;
    let sheets = body.get("sheets").and_then(Value::as_array);
    let sheets = sheets.ok_or_else(|| Problem::field("sheets"))?;
    let objects: Option<Vec<_>> = sheets.iter().map(Value::as_object).collect();
    let objects = objects.ok_or_else(|| Problem::field("sheets"))?;
    let of_all =
        |code, args| Problem { args, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code) };
    match objects.len() {
        0 => return Err(of_all("sheets-none", vec![])),
        1..=SHEETS_MAX => {}
        n => {
            let args = vec![("sheets", (n as i64).into()), ("most", (SHEETS_MAX as i64).into())];
            return Err(of_all("sheets-many", args));
        }
    }
    let mut keys = BTreeSet::new();
    let key = |object: &&Map<String, Value>| object.get("key")?.as_str()?.parse::<Id>().ok();
    if let Some(twice) = objects.iter().filter_map(key).find(|key| !keys.insert(*key)) {
        return Err(of_all("sheets-twice", vec![("key", twice.to_string().into())]));
    }
    Ok(objects.into_iter().map(sheet).collect())
}

fn sheet(object: &Map<String, Value>) -> Result<SaveSheet, Problem> {
    let fields = fields(object)?;
    // Of an address that is no id, nothing is there.
    let id =
        |name: &str| fields.get(name).and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found);
    sheet_of(&fields, id("batch")?, id("household")?)
}

/// The same fields as in a form.
fn fields(object: &Map<String, Value>) -> Result<BTreeMap<String, String>, Problem> {
    let field = |(name, value): (&String, &Value)| {
        if !FIELDS.contains(&name.as_str()) {
            return Err(Problem::unknown_field(name));
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Number(number) if name == "opened_at" => number.to_string(),
            _ => return Err(Problem::field(name)),
        };
        Ok((name.clone(), text))
    };
    unique(object.iter().map(field).collect::<Result<_, _>>()?)
}
