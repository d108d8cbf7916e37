//! Requests through the real router over SQLite: what is searched for, what a phone sends in, what is
//! typed into any form. Nothing is answered with a fault, and every no has its code.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{Never, Who};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use domain::Id;
use domain::access::Role;
use domain::scoring::Scores;
use http_body_util::BodyExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::args;
use testkit::Stage;
use testkit::lists::Lists;
use testkit::month::{FULL, Village};
use tower::ServiceExt as _;
use web::{Needs, Route, Server};

use crate::bytes::Bytes;

pub(super) struct House {
    stage: Stage,
    router: Router,
    /// The cookies of somebody of each role.
    pub people: Vec<(Role, String)>,
    /// Ids that requests may name.
    ids: Vec<Id>,
}

pub(super) struct Seen {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

thread_local! {
    static LISTS: House = lists();
    pub(super) static VISITS: (House, Id, Id) = visits();
}

fn house(stage: Stage) -> House {
    let server = Server::new(stage.app.clone(), "siji".into());
    let router = web::router(Arc::new(server));
    let sign_in = |who: &Who| {
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        stage
            .write::<_, Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    };
    let people = Role::ALL.into_iter().map(|role| {
        let path = (role != Role::AssignedCadre).then_some("001");
        (role, sign_in(&stage.person(role.code(), role, path)))
    });
    let people = people.collect();
    House { stage, router, people, ids: Vec::new() }
}

/// Every list with rows.
fn lists() -> House {
    let stage = Stage::sqlite();
    drop(Lists::hanging(&stage, web::now()));
    let mut house = house(stage);
    const TABLES: [&str; 12] = [
        "household",
        "batch",
        "card",
        "donation",
        "goods",
        "import",
        "market_day",
        "objection",
        "posting",
        "place",
        "round",
        "scheme",
    ];
    let ids = house.stage.read::<_, Never>(|tx| {
        let mut all = Vec::new();
        for table in TABLES {
            let sql = format!("SELECT id FROM {table} ORDER BY id LIMIT 3");
            all.extend(tx.all(&sql, &args![], |r| r.id(0))?);
        }
        Ok(all)
    });
    house.ids = ids.expect("ids");
    house
}

/// A round in which one officer visits two households.
fn visits() -> (House, Id, Id) {
    let stage = Stage::sqlite();
    let village = Village::open(&stage, &["A", "B"]);
    let (batch, household, officer) =
        (village.batch, village.households[0], village.officer.clone());
    drop(village);
    let mut house = house(stage);
    let token = "officer";
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let now = web::now();
    house
        .stage
        .write::<_, Never>(move |tx| app::access::sign_in(tx, officer.person, hash, now))
        .expect("a session");
    house.people = vec![(Role::AssistanceOfficer, format!("siji={token}"))];
    (house, batch, household)
}

impl House {
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: &str,
        body: Option<(&str, &[u8])>,
    ) -> Option<Seen> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, "application/json")
            .header("x-csrf-token", web::form_token(cookie))
            .header(header::COOKIE, cookie);
        if let Some((media, _)) = body {
            request = request.header(header::CONTENT_TYPE, media);
        }
        let body = body.map_or_else(Body::empty, |(_, bytes)| Body::from(bytes.to_vec()));
        // What is no address is no request.
        let request = request.body(body).ok()?;
        let seen = crate::runtime().block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            Seen { status, body: body.to_vec() }
        });
        assert!(seen.status < 500, "{path}: {}", String::from_utf8_lossy(&seen.body));
        if seen.status >= 400 {
            let told = seen.json();
            let (code, title) = (told["code"].as_str(), told["title"].as_str());
            assert!(code.is_some_and(|code| !code.is_empty()), "{path}: {told}");
            let has_sentence = title.is_some_and(|title| !title.starts_with("refusal-"));
            assert!(has_sentence, "{path}: {told}");
        }
        Some(seen)
    }

    fn asker(&self, route: &Route) -> &str {
        let may = |role: Role| match route.needs {
            Needs::May(permission) | Needs::TakeOut(permission) => role.may(permission),
            Needs::SignedIn | Needs::Nothing => true,
        };
        let found = self.people.iter().find(|(role, _)| may(*role));
        found.map_or("", |(_, cookie)| cookie.as_str())
    }

    /// The route's path, with ids that may be there.
    fn path(&self, route: &Route, choices: &mut Bytes<'_>) -> String {
        let part = |part: &str| match part {
            "{*at}" => "0/000.p/1".to_owned(),
            "{name}" => "style.css".to_owned(),
            part if part.starts_with('{') => choices.pick(&self.ids).to_string(),
            part => part.to_owned(),
        };
        route.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

/// What a parameter or a field might hold.
fn value(house: &House, choices: &mut Bytes<'_>) -> String {
    const EDGES: [&str; 16] = [
        "",
        "1",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1000001",
        "2026-11",
        "2026-11-12",
        "9998-12-31",
        "001",
        "001.001",
        "name",
        "%",
        "_'\"\\",
        "\u{202e}",
    ];
    match choices.below(4) {
        0 => choices.pick(&house.ids).to_string(),
        1 | 2 => (*choices.pick(&EDGES)).to_owned(),
        _ => choices.text(),
    }
}

/// Is it cheap to ask, and without an end of its own?
fn is_asked(route: &Route) -> bool {
    let skipped = ["access.", "privacy.approve"];
    let dear = route.path.ends_with(".pdf") || route.path.ends_with("/export");
    !dear
        && !skipped.iter().any(|name| route.name.starts_with(name))
        && !route.takes.contains(&"file")
}

/// A search, a page, an order: of every list and page.
pub fn query(bytes: &[u8]) {
    LISTS.with(|house| {
        let mut choices = Bytes::new(bytes);
        let routes: Vec<Route> = web::routes()
            .into_iter()
            .filter(|route| route.method == Method::GET && is_asked(route))
            .collect();
        let route = choices.pick(&routes).clone();
        let path = house.path(&route, &mut choices);
        let query = match choices.below(3) {
            0 => String::from_utf8_lossy(choices.rest()).into_owned(),
            _ => {
                let mut pairs = Vec::new();
                while !choices.is_empty() && pairs.len() < 8 && !route.takes.is_empty() {
                    let name = *choices.pick(route.takes);
                    pairs.push((name, value(house, &mut choices)));
                }
                serde_urlencoded::to_string(pairs).expect("text")
            }
        };
        let cookie = house.asker(&route);
        let asked = format!("{path}?{query}");
        let Some(seen) = house.ask(Method::GET, &asked, cookie, None) else { return };
        let told = seen.json();
        if let (200, Some(total)) = (seen.status, told["total"].as_i64()) {
            let rows = told.as_object().into_iter().flatten().find_map(|(_, v)| v.as_array());
            let rows = rows.map_or(0, Vec::len);
            assert!(rows <= 50 && rows as i64 <= total, "{asked}: {rows} of {total}");
        }
    });
}

/// What a phone sends in as a sheet: kept as it was sent, or not at all.
pub fn sheet(bytes: &[u8]) {
    VISITS.with(|(house, batch, household)| {
        let mut choices = Bytes::new(bytes);
        let mode = choices.below(4);
        let digest = Sha256::digest(bytes);
        let key = domain::id::new(1_795_400_000_000, digest[..10].try_into().expect("ten"));
        let json = "application/json";
        let form = "application/x-www-form-urlencoded";
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let (media, body) = match mode {
            0 => (json, choices.rest().to_vec()),
            1 => (form, choices.rest().to_vec()),
            mode => {
                fields.insert("key".into(), key.to_string());
                fields.insert("visited_on".into(), "2026-11-12".into());
                let as_text = choices.truth();
                for part in FULL.split(';') {
                    let (item, points) = part.split_once(' ').expect("a mark");
                    fields.insert(format!("item-{item}"), points.into());
                }
                if as_text {
                    fields.insert("scores".into(), FULL.into());
                }
                while !choices.is_empty() && fields.len() < 30 {
                    let name = match choices.below(6) {
                        0 => "scores".to_owned(),
                        1 => "remark".to_owned(),
                        2 => "visited_on".to_owned(),
                        3 => "opened_at".to_owned(),
                        4 => format!("item-{}", choices.text()),
                        _ => {
                            choices.pick(&["item-A1", "item-B3", "item-E2", "key", "x"]).to_string()
                        }
                    };
                    let typed = match choices.below(5) {
                        0 => FULL.replace("A1 8", &format!("A1 {}", choices.number())),
                        1 => choices.number().to_string(),
                        2 => "-no_session".to_owned(),
                        _ => choices.text(),
                    };
                    fields.insert(name, typed);
                }
                match mode {
                    2 => (json, serde_json::to_vec(&fields).expect("fields")),
                    _ => (form, serde_urlencoded::to_string(&fields).expect("fields").into_bytes()),
                }
            }
        };
        let (_, cookie) = &house.people[0];
        let path = format!("/score/{batch}/{household}");
        let post =
            || house.ask(Method::POST, &path, cookie, Some((media, &body))).expect("a request");
        let seen = post();
        let sent = fields.get("key").and_then(|key| key.parse::<Id>().ok());
        let kept = kept(house, sent.unwrap_or(key));
        if seen.status != 200 {
            // Another time the same key may have been taken with other marks.
            let is_reused = seen.json()["code"] == "key-reused";
            return assert!(is_reused || kept.is_none() || sent != Some(key), "{}", seen.status);
        }
        let again = post();
        assert_eq!((again.status, again.body), (200, seen.body.clone()));
        let id = seen.json()["id"].as_str().and_then(|id| id.parse().ok()).expect("its id");
        let (scores, visited_on, remark) =
            self::kept(house, id).expect("what was answered is kept");
        assert_eq!(Scores::parse(&scores).map(|s| s.to_string()), Ok(scores.clone()));
        if let (true, Some(remarked)) = (mode >= 2, fields.get("remark")) {
            assert_eq!(remark, remarked.trim());
        }
        if mode >= 2 {
            assert_eq!(visited_on, fields["visited_on"].trim());
            let text = fields.get("scores").filter(|text| !text.is_empty());
            let meant = text.cloned().unwrap_or_else(|| canonical(&fields));
            assert_eq!(scores, meant, "{fields:?}");
        }
    });
}

/// The items' fields as the text of a sheet.
fn canonical(fields: &BTreeMap<String, String>) -> String {
    let items =
        fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("item-")?, value)));
    let marks = items.map(|(item, value)| match value.strip_prefix('-') {
        Some(reason) => format!("{item} - {reason}"),
        None => format!("{item} {}", value.trim().parse::<i64>().expect("points are a number")),
    });
    marks.collect::<Vec<_>>().join(";")
}

/// Marks, day and remark of a sheet.
pub(super) fn kept(house: &House, id: Id) -> Option<(String, String, String)> {
    let found = house.stage.read::<_, Never>(move |tx| {
        let sheet = store::scoring::find_sheet(tx, id)?;
        Ok(sheet.map(|s| {
            let day = s.visited_on.map(|d| d.to_string()).unwrap_or_default();
            (s.scores, day, s.remark)
        }))
    });
    found.expect("a look")
}

/// Anything typed into any form.
pub fn forms(bytes: &[u8]) {
    LISTS.with(|house| {
        let mut choices = Bytes::new(bytes);
        let routes: Vec<Route> = web::routes()
            .into_iter()
            .filter(|route| route.method != Method::GET && is_asked(route))
            .collect();
        let route = choices.pick(&routes).clone();
        let path = house.path(&route, &mut choices);
        let mut fields = BTreeMap::new();
        let digest = Sha256::digest(bytes);
        let key = domain::id::new(web::now(), digest[..10].try_into().expect("ten"));
        for name in route.takes {
            let name = name.replace("<code>", "A1").replace("<id>", &house.ids[0].to_string());
            fields.insert(name, value(house, &mut choices));
        }
        fields.insert("key".to_owned(), key.to_string());
        let body = serde_json::to_vec(&fields).expect("fields");
        let cookie = house.asker(&route);
        house.ask(Method::POST, &path, cookie, Some(("application/json", &body)));
    });
}
