//! Sheets that a phone sends in together: each kept as it was sent or not at all, whatever the others
//! are, and answered as if it had come alone.

use axum::http::Method;
use domain::Id;
use domain::scoring::Scores;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use testkit::month::FULL;

use super::pages::{House, Seen, VISITS, kept};
use crate::bytes::Bytes;

/// Sheets of a body that is made of choices: more than may come together.
const SHEETS_MAX: usize = 52;

fn send(house: &House, body: &[u8]) -> Seen {
    let (_, cookie) = &house.people[0];
    let body = Some(("application/json", body));
    house.ask(Method::POST, "/score", cookie, body).expect("a request")
}

/// The key of a sheet that may be kept under it.
fn key_of(sheet: &Value) -> Option<Id> {
    sheet["key"].as_str()?.parse().ok()
}

pub fn sheets(bytes: &[u8]) {
    VISITS.with(|(house, batch, household)| {
        let mut choices = Bytes::new(bytes);
        let body = match choices.below(2) {
            0 => choices.rest().to_vec(),
            _ => {
                let digest = Sha256::digest(bytes);
                let made = made(&mut choices, &digest, [*batch, *household]);
                serde_json::to_vec(&made).expect("JSON")
            }
        };
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        let sent = sent["sheets"].as_array().cloned().unwrap_or_default();
        let before: Vec<bool> = sent.iter().map(|sheet| is_kept(house, sheet)).collect();
        let seen = send(house, &body);
        if seen.status != 200 {
            let after: Vec<bool> = sent.iter().map(|sheet| is_kept(house, sheet)).collect();
            return assert_eq!(before, after, "{}", seen.status);
        }
        let told = seen.json();
        let told = told["sheets"].as_array().expect("an answer for each sheet");
        assert!((1..=app::scoring::SHEETS_MAX).contains(&sent.len()));
        assert_eq!(told.len(), sent.len());
        for ((sheet, told), was_kept) in sent.iter().zip(told).zip(before) {
            answered(house, sheet, told, was_kept);
            let alone = serde_json::to_vec(&json!({ "sheets": [sheet] })).expect("JSON");
            assert_eq!(send(house, &alone).json(), json!({ "sheets": [told] }), "{sheet}");
        }
        assert_eq!(send(house, &body).body, seen.body);
    });
}

fn is_kept(house: &House, sheet: &Value) -> bool {
    key_of(sheet).is_some_and(|key| kept(house, key).is_some())
}

fn answered(house: &House, sheet: &Value, told: &Value, was_kept: bool) {
    let Some(id) = told["id"].as_str() else {
        assert!(told["status"].as_u64().is_some_and(|status| (400..500).contains(&status)));
        assert!(told["code"].as_str().is_some_and(|code| !code.is_empty()), "{told}");
        assert!(told["title"].as_str().is_some_and(|title| !title.starts_with("refusal-")));
        return assert_eq!(is_kept(house, sheet), was_kept, "{sheet}: {told}");
    };
    let key = key_of(sheet).expect("its key");
    assert_eq!(id.parse(), Ok(key));
    let (scores, visited_on, remark) = kept(house, key).expect("what was answered is kept");
    let said = |name: &str| sheet[name].as_str().unwrap_or("").trim().to_owned();
    assert_eq!(
        (scores.as_str(), visited_on, remark),
        (sheet["scores"].as_str().expect("marks"), said("visited_on"), said("remark"),)
    );
    assert_eq!(Scores::parse(&scores).map(|s| s.to_string()), Ok(scores));
}

/// Most of them good, each spoilt in some way or in none.
fn made(choices: &mut Bytes<'_>, digest: &[u8], [batch, household]: [Id; 2]) -> Value {
    let count = choices.below(SHEETS_MAX + 1);
    let sheet = |n: usize| {
        let mut random: [u8; 10] = digest[..10].try_into().expect("ten");
        random[9] = n as u8;
        let mut sheet = Map::new();
        let mut put = |name: &str, value: Value| drop(sheet.insert(name.to_owned(), value));
        put("key", json!(domain::id::new(1_795_400_000_000, random)));
        put("batch", json!(batch));
        put("household", json!(household));
        put("scores", json!(FULL));
        put("visited_on", json!("2026-11-12"));
        if choices.below(3) == 0 {
            let names =
                ["key", "batch", "household", "scores", "visited_on", "opened_at", "remark", "x"];
            let name = *choices.pick::<&str>(&names);
            put(name, value(choices));
        }
        Value::Object(sheet)
    };
    json!({ "sheets": (0..count).map(sheet).collect::<Vec<_>>() })
}

fn value(choices: &mut Bytes<'_>) -> Value {
    match choices.below(8) {
        0 => Value::Null,
        1 => json!(choices.number()),
        2 => json!([choices.text()]),
        3 => json!({ "a": choices.truth() }),
        4 => json!(FULL.replace("A1 8", &format!("A1 {}", choices.number()))),
        5 => json!("2026-11-02"),
        _ => json!(choices.text()),
    }
}
