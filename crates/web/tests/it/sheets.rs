//! A phone that was away sends its sheets together: each is answered as if it had come alone.

use std::sync::Arc;

use app::{Never, Who};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use domain::Id;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::args;
use testkit::month::{FULL, Village};
use testkit::{Stage, on_both};
use tower::ServiceExt;
use web::Server;

const JSON: &str = "application/json";

struct Phone<'s> {
    village: Village<'s>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    /// The officer's.
    cookie: String,
}

impl<'s> Phone<'s> {
    /// Of an officer with so many households to visit.
    fn new(stage: &'s Stage, households: usize) -> Phone<'s> {
        let heads: Vec<String> = (0..households).map(|n| format!("户主{n}")).collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let village = Village::open(stage, &heads);
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut phone = Phone { village, router, runtime, cookie: String::new() };
        phone.cookie = phone.signed_in(&phone.village.officer);
        phone
    }

    fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.village
            .stage
            .write::<_, Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    fn asking(
        &self,
        path: &str,
        cookie: &str,
        media: &str,
        body: String,
    ) -> impl Future<Output = (u16, Value)> + Send + use<> {
        let request = Request::post(path)
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, media)
            .header(header::COOKIE, cookie)
            .header("x-csrf-token", web::form_token(cookie))
            .body(Body::from(body))
            .expect("a request");
        let router = self.router.clone();
        async move {
            let answer = router.oneshot(request).await.expect("an answer");
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            (status, serde_json::from_slice(&body).expect("JSON"))
        }
    }

    fn post(&self, path: &str, cookie: &str, media: &str, body: String) -> (u16, Value) {
        self.runtime.block_on(self.asking(path, cookie, media, body))
    }

    fn body(&self, body: String) -> (u16, Value) {
        self.post("/score", &self.cookie, JSON, body)
    }

    /// Each sheet's answer.
    fn send(&self, sheets: &[Value]) -> Vec<Value> {
        let (status, told) = self.body(json!({ "sheets": sheets }).to_string());
        assert_eq!(status, 200, "{told}");
        let told = told["sheets"].as_array().expect("answers").clone();
        assert_eq!(told.len(), sheets.len());
        told
    }

    /// The code of the refusal of them all, which has its sentence in both languages.
    fn refused(&self, body: String) -> (u16, String) {
        let before = self.kept();
        let english = format!("{}; lang=en", self.cookie);
        let (status, told) = self.post("/score", &english, JSON, body.clone());
        let (_, in_chinese) = self.body(body);
        for told in [&told, &in_chinese] {
            let title = told["title"].as_str().expect("a sentence");
            assert!(!title.contains('⟦') && !title.starts_with("refusal-"), "{title}");
        }
        assert_ne!(told["title"], in_chinese["title"]);
        assert_eq!(self.kept(), before, "{told}");
        (status, told["code"].as_str().expect("a code").to_owned())
    }

    fn sheet(&self, household: Id) -> Value {
        json!({
            "key": self.village.stage.id(),
            "batch": self.village.batch,
            "household": household,
            "scores": FULL,
            "visited_on": "",
            "opened_at": 1_793_500_000_000_i64,
            "remark": "门前干净",
        })
    }

    fn sheets(&self, most: usize) -> Vec<Value> {
        self.village.households.iter().take(most).map(|h| self.sheet(*h)).collect()
    }

    fn count(&self, sql: &'static str) -> i64 {
        let count = move |tx: &mut app::Tx| Ok(tx.one(sql, &args![], |r| r.int(0))?);
        self.village.stage.read::<_, Never>(count).expect("a number")
    }

    /// Sheets, those that count, and commands that saved one.
    fn kept(&self) -> [i64; 3] {
        [
            "SELECT CAST(COUNT(*) AS BIGINT) FROM sheet",
            "SELECT CAST(COUNT(*) AS BIGINT) FROM sheet WHERE current",
            "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log WHERE verb = 'save_sheet'",
        ]
        .map(|sql| self.count(sql))
    }

    fn refusals_logged(&self) -> i64 {
        self.count(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log \
             WHERE kind = 'refusal' AND verb = 'scoring.save_sheets'",
        )
    }
}

fn with(sheet: &Value, changes: Value) -> Value {
    let mut sheet = sheet.clone();
    let object = sheet.as_object_mut().expect("a sheet");
    object.extend(changes.as_object().expect("fields").clone());
    sheet
}

fn saved(key: &Value, replaces: Value) -> Value {
    json!({ "id": key, "scorer": "assistance_officer", "replaces": replaces })
}

/// Status and code, or 200.
fn said(told: &Value) -> (u64, &str) {
    (told["status"].as_u64().unwrap_or(200), told["code"].as_str().unwrap_or(""))
}

#[test]
fn fifty_sheets_are_saved_together_and_sent_again_count_once() {
    on_both(|stage| {
        let phone = Phone::new(stage, 50);
        let sheets = phone.sheets(50);
        let first = phone.send(&sheets);
        let wanted: Vec<Value> = sheets.iter().map(|s| saved(&s["key"], Value::Null)).collect();
        assert_eq!(first, wanted, "in the order in which they were sent");
        assert_eq!(phone.kept(), [50, 50, 50]);

        // The answer was lost on the way; the phone sends the same, in another order.
        let again: Vec<Value> = sheets.iter().rev().cloned().collect();
        assert_eq!(phone.send(&again), wanted.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!(phone.kept(), [50, 50, 50]);

        // The same key with other contents is refused, and the first stands; others are not held up.
        let other = with(&sheets[7], json!({ "remark": "另有一句" }));
        let correction = phone.sheet(phone.village.households[8]);
        let told = phone.send(&[sheets[6].clone(), other, correction.clone()]);
        assert_eq!(told[0], wanted[6]);
        assert_eq!(said(&told[1]), (409, "key-reused"));
        assert_eq!(told[2], saved(&correction["key"], sheets[8]["key"].clone()));
        assert_eq!(phone.kept(), [51, 50, 51]);
        assert_eq!(
            phone.count("SELECT CAST(COUNT(*) AS BIGINT) FROM sheet WHERE remark <> '门前干净'"),
            0
        );
        assert_eq!(phone.refusals_logged(), 1);
    });
}

#[test]
fn a_bad_sheet_is_answered_as_if_it_came_alone_and_spoils_no_other() {
    on_both(|stage| {
        let phone = Phone::new(stage, 4);
        let [first, second, third, last] = phone.village.households[..] else { panic!("four") };
        let foreign = stage.household("001.001.002", "H900", "外村人", true);
        let bad = [
            (json!({ "scores": FULL.replace("A1 8", "A1 7") }), 409, "not-a-band"),
            (json!({ "scores": "A1 8" }), 409, "item-missing"),
            (json!({ "scores": "A1 eight" }), 409, "scores-unreadable"),
            (json!({ "scores": "" }), 409, "item-missing"),
            (json!({ "remark": "好".repeat(501) }), 422, "field"),
            (json!({ "remark": "\0" }), 400, "field-nul"),
            (json!({ "visited_on": "明天" }), 422, "field"),
            (json!({ "visited_on": "2026-10-31" }), 409, "visit-outside-round"),
            (json!({ "key": "1" }), 422, "field"),
            (json!({ "key": null }), 422, "field"),
            (json!({ "weather": "fine" }), 400, "field-unknown"),
            (json!({ "household": foreign }), 409, "not-on-roster"),
            (json!({ "batch": stage.id() }), 404, "not-found"),
            (json!({ "batch": "1" }), 404, "not-found"),
            (json!({ "household": "" }), 404, "not-found"),
        ];
        let mut sheets = vec![phone.sheet(first)];
        sheets.extend(bad.iter().map(|(changes, ..)| with(&phone.sheet(second), changes.clone())));
        sheets.push(phone.sheet(last));
        let told = phone.send(&sheets);
        assert_eq!(told[0], saved(&sheets[0]["key"], Value::Null));
        assert_eq!(told[bad.len() + 1], saved(&sheets[bad.len() + 1]["key"], Value::Null));
        assert_eq!(phone.kept(), [2, 2, 2]);
        for (told, (changes, status, code)) in told[1..].iter().zip(&bad) {
            assert_eq!(said(told), (*status, *code), "{changes}");
            // Alone, by its own address.
            let mut alone = with(&phone.sheet(third), changes.clone());
            let object = alone.as_object_mut().expect("a sheet");
            let part = |value: Option<Value>| match value {
                Some(Value::String(text)) if !text.is_empty() => text,
                _ => "nothing".to_owned(),
            };
            let (batch, household) = (object.remove("batch"), object.remove("household"));
            let path = format!("/score/{}/{}", part(batch), part(household));
            let (_, single) = phone.post(&path, &phone.cookie, JSON, alone.to_string());
            assert_eq!(&single, told, "{changes}");
        }
        let logged = bad.iter().filter(|(_, status, _)| [404, 409].contains(status)).count();
        assert_eq!(phone.refusals_logged(), logged as i64, "each is a line of the log");

        // What is no text stands for itself alone too.
        for changes in [
            json!({ "remark": ["x"] }),
            json!({ "scores": { "A1": 8 } }),
            json!({ "remark": true }),
            json!({ "visited_on": 20_261_112 }),
            json!({ "opened_at": [1] }),
        ] {
            let bad = with(&phone.sheet(second), changes.clone());
            let told = phone.send(&[bad, phone.sheet(third)]);
            assert_eq!((said(&told[0]), said(&told[1])), ((422, "field"), (200, "")), "{changes}");
        }
        // In the asker's language.
        let english = format!("{}; lang=en", phone.cookie);
        let late = with(&phone.sheet(second), json!({ "visited_on": "2026-10-31" }));
        let body = json!({ "sheets": [late] }).to_string();
        let (_, told) = phone.post("/score", &english, JSON, body);
        let title = told["sheets"][0]["title"].as_str().expect("a sentence");
        assert!(title.starts_with("The visit on 31 Oct 2026"), "{title}");
    });
}

#[test]
fn two_sheets_of_one_household_come_in_one_after_the_other() {
    on_both(|stage| {
        let phone = Phone::new(stage, 2);
        let [one, two] = phone.village.households[..] else { panic!("two") };
        let sheets = [phone.sheet(one), phone.sheet(two), phone.sheet(one), phone.sheet(one)];
        let told = phone.send(&sheets);
        assert_eq!(told[0], saved(&sheets[0]["key"], Value::Null));
        assert_eq!(told[2], saved(&sheets[2]["key"], sheets[0]["key"].clone()));
        assert_eq!(told[3], saved(&sheets[3]["key"], sheets[2]["key"].clone()));
        assert_eq!(phone.kept(), [4, 2, 4]);
        assert_eq!(phone.send(&sheets), told);
        assert_eq!(phone.kept(), [4, 2, 4]);
        let verify = |tx: &mut app::Tx| Ok(app::verify::verify(tx, |_| ())?);
        let verified = stage.read::<_, Never>(verify).expect("a look");
        assert_eq!(verified.finding, None);
    });
}

#[test]
fn batches_sent_by_several_at_once_count_once() {
    on_both(|stage| {
        let phone = Phone::new(stage, 50);
        // Every household has three sheets, in three batches; each batch is sent four times.
        let batches: Vec<Vec<Value>> = (0..3).map(|_| phone.sheets(50)).collect();
        let sent: Vec<_> = (0..12)
            .map(|n| {
                let mut sheets = batches[n % 3].clone();
                sheets.rotate_left(n * 4);
                let body = json!({ "sheets": sheets }).to_string();
                phone.runtime.spawn(phone.asking("/score", &phone.cookie, JSON, body))
            })
            .collect();
        let answered = |(n, asked): (usize, tokio::task::JoinHandle<(u16, Value)>)| {
            let (status, told) = phone.runtime.block_on(asked).expect("an answer");
            assert_eq!(status, 200, "{told}");
            let mut told = told["sheets"].as_array().expect("answers").clone();
            told.rotate_right(n * 4);
            (n % 3, told)
        };
        let told: Vec<_> = sent.into_iter().enumerate().map(answered).collect();
        assert_eq!(phone.kept(), [150, 50, 150]);
        for (of, told) in &told {
            assert_eq!(told, &phone.send(&batches[*of]), "{of}");
        }
        assert_eq!(phone.kept(), [150, 50, 150]);
        assert_eq!(phone.refusals_logged(), 0);
    });
}

#[test]
fn what_is_no_batch_of_sheets_is_refused_whole() {
    on_both(|stage| {
        let phone = Phone::new(stage, 51);
        let all = |sheets: &[Value]| json!({ "sheets": sheets }).to_string();
        let good = phone.sheet(phone.village.households[0]);
        let one = all(std::slice::from_ref(&good));
        for (body, wanted) in [
            (all(&[]), (422, "sheets-none")),
            (all(&phone.sheets(51)), (422, "sheets-many")),
            (
                all(&[good.clone(), phone.sheet(phone.village.households[1]), good.clone()]),
                (422, "sheets-twice"),
            ),
            (all(&[good.clone(), with(&good, json!({ "remark": 7 }))]), (422, "sheets-twice")),
            (all(&[good.clone(), json!([good])]), (422, "field")),
            (all(&[json!(null)]), (422, "field")),
            (json!({ "sheets": good }).to_string(), (422, "field")),
            (json!({ "sheets": "1" }).to_string(), (422, "field")),
            (json!({}).to_string(), (422, "field")),
            (json!({ "sheets": [good], "more": 1 }).to_string(), (400, "field-unknown")),
            (json!([good]).to_string(), (400, "json")),
            (one.replace("\"scores\":", "\"remark\":"), (400, "field-twice")),
            (one.trim_end_matches('}').to_owned(), (400, "json")),
            (String::new(), (400, "json")),
        ] {
            let (status, code) = phone.refused(body.clone());
            assert_eq!((status, code.as_str()), wanted, "{body:.200}");
        }
        // A form is none, whatever stands in it.
        let form = "application/x-www-form-urlencoded";
        let (status, told) = phone.post("/score", &phone.cookie, form, "sheets=1".into());
        assert_eq!((status, told["code"].as_str()), (415, Some("media-type")));
        assert_eq!(phone.kept(), [0, 0, 0]);
        assert_eq!(phone.send(&phone.sheets(50)).len(), 50);
        assert_eq!(phone.kept(), [50, 50, 50]);
    });
}

#[test]
fn fifty_of_the_longest_sheets_fit_and_not_much_more() {
    let stage = Stage::sqlite();
    let phone = Phone::new(&stage, 50);
    let longest = |sheet: Value| with(&sheet, json!({ "remark": "好".repeat(500) }));
    let sheets: Vec<Value> = phone.sheets(50).into_iter().map(longest).collect();
    let body = json!({ "sheets": sheets }).to_string();
    // As a phone that writes ASCII alone would send it.
    let body = body.replace('好', "\\u597d");
    let route = web::routes().into_iter().find(|route| route.name == "scoring.save_sheets");
    let most = route.expect("a route").body_max;
    assert!(body.len() <= most && body.len() * 5 > most * 4, "{} of {most}", body.len());
    let filled = |len: usize| format!("{body}{}", " ".repeat(len - body.len()));
    assert_eq!(phone.refused(filled(most + 1)), (413, "too-large".to_owned()));
    let (status, told) = phone.body(filled(most));
    assert_eq!(status, 200, "{told}");
    assert_eq!(phone.kept(), [50, 50, 50]);
}
