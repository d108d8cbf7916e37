//! What holds at every door: headers, forms from elsewhere, pages that only show, and what may be
//! sent at all.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::{Never, Who};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use domain::Id;
use domain::access::Role;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use store::args;
use testkit::Stage;
use tower::ServiceExt;
use web::{Needs, Route, Server};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

struct House {
    stage: Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    /// One person of each role, with their cookies.
    people: Vec<(Role, Who, String)>,
    cookie_name: &'static str,
}

struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().expect("a readable header"))
    }

    fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl House {
    fn new() -> House {
        House::with("siji", |_| {})
    }

    fn with(cookie_name: &'static str, change: impl FnOnce(&mut Server)) -> House {
        let stage = Stage::sqlite();
        stage.area("001", "zone", "Zone");
        stage.area("001.001", "township", "North");
        stage.area("001.001.001", "village", "First");
        stage.household("001.001.001", "H1", "Zhang", true);
        let mut server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        change(&mut server);
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut house = House { stage, router, runtime, people: Vec::new(), cookie_name };
        for role in Role::ALL {
            let who = house.stage.person(
                role.code(),
                role,
                (role != Role::AssignedCadre).then_some("001"),
            );
            let cookie = house.signed_in(&who);
            house.people.push((role, who, cookie));
        }
        house
    }

    fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.stage
            .write::<_, Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("{}={token}", self.cookie_name)
    }

    /// Somebody whom this route lets in.
    fn fit_for(&self, route: &Route) -> &str {
        let fits = |role: &Role| match route.needs {
            Needs::May(permission) => role.may(permission),
            _ => true,
        };
        &self.people.iter().find(|(role, ..)| fits(role)).expect("a role for each route").2
    }

    fn send(&self, request: Builder, body: impl Into<Body>) -> Told {
        let request = request.header(header::HOST, "siji.test").body(body.into());
        let request = request.expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let (parts, body) = answer.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            let body = String::from_utf8_lossy(&bytes).into_owned();
            Told { status: parts.status, headers: parts.headers, body }
        })
    }
}

fn request(method: &Method, path: &str, cookie: &str, accept: &str) -> Builder {
    let request = Request::builder().method(method.clone()).uri(path);
    request.header(header::ACCEPT, accept).header(header::COOKIE, cookie)
}

fn post(path: &str, cookie: &str, kind: &str) -> Builder {
    request(&Method::POST, path, cookie, JSON).header(header::CONTENT_TYPE, kind)
}

/// With an id in each place of its path that nobody has.
fn path_of(route: &Route) -> String {
    let id = domain::id::new(1, [9; 10]).to_string();
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { &id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn look(told: &Told, at: &str, is_secure: bool, is_private: bool) {
    let policy = told.header("content-security-policy");
    for part in ["default-src 'none'", "object-src 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{at}: {policy}");
    }
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        assert_eq!(told.header(name), value, "{at}: {name}");
    }
    assert!(told.header("permissions-policy").contains("geolocation=()"), "{at}");
    assert_eq!(told.headers.contains_key("strict-transport-security"), is_secure, "{at}");
    assert!(!told.headers.contains_key("access-control-allow-origin"), "{at}");
    let kind = told.header("content-type");
    assert!(told.body.is_empty() || !kind.is_empty(), "{at}: no content type");
    let is_text = kind.starts_with("text/") || kind.contains("xml");
    assert!(!is_text || kind.ends_with("charset=utf-8"), "{at}: {kind}");
    assert!(!is_private || told.header("cache-control") == "no-store", "{at}");
    if kind.starts_with("text/html") {
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
        let nonce = format!("<script nonce=\"{}\"", nonce.expect("a nonce"));
        let scripts = told.body.matches("<script").count();
        assert!(scripts > 0 && scripts == told.body.matches(&nonce).count(), "{at}");
        assert!(!told.body.contains(" style=") && !told.body.contains(" onclick="), "{at}");
    }
    for cookie in told.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().expect("a readable cookie");
        for part in ["Path=/", "HttpOnly", "SameSite=Lax"] {
            assert!(cookie.contains(part), "{at}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{at}: {cookie}");
        assert_eq!(cookie.starts_with("__Host-"), is_secure, "{at}: {cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{at}: {cookie}");
    }
}

#[test]
fn every_answer_has_its_headers_whatever_its_status() {
    for is_secure in [false, true] {
        let name = if is_secure { "__Host-siji" } else { "siji" };
        let house = House::with(name, |server| server.secure_cookies = is_secure);
        let mut seen = BTreeSet::new();
        let mut check = |told: Told, at: &str, is_private: bool| {
            look(&told, at, is_secure, is_private);
            seen.insert(told.status.as_u16());
        };
        for route in web::routes() {
            let path = path_of(&route);
            let fit = house.fit_for(&route);
            for accept in ["text/html", JSON] {
                let at = format!("{} {}", route.method, route.path);
                let stranger = request(&route.method, &path, "", accept);
                check(house.send(stranger, ""), &at, route.needs != Needs::Nothing);
                let known = request(&route.method, &path, fit, accept)
                    .header("x-csrf-token", web::form_token(fit))
                    .header(header::CONTENT_TYPE, FORM);
                // Signing out would end the session that the others need.
                if route.name != "access.sign_out" {
                    check(
                        house.send(known, ""),
                        &at,
                        route.name != "assets.show" && !route.is_alone,
                    );
                }
            }
        }
        let cookie = house.people[0].2.clone();
        let token = web::form_token(&cookie);
        let post =
            |path: &str, kind: &str| post(path, &cookie, kind).header("x-csrf-token", &token);
        let get = |path: &str| request(&Method::GET, path, &cookie, "text/html");
        check(house.send(get("/assets/style.css"), ""), "style", false);
        check(house.send(get("/language?to=en"), ""), "language", true);
        check(house.send(get("/nowhere"), ""), "nowhere", true);
        check(house.send(get("/?page=1&page=2"), ""), "twice", true);
        let long = format!("/?q={}", "a".repeat(9_000));
        check(house.send(get(&long), ""), "long", true);
        check(house.send(request(&Method::DELETE, "/login", "", JSON), ""), "delete", true);
        check(house.send(request(&Method::TRACE, "/login", "", JSON), ""), "trace", true);
        check(house.send(post("/login", "text/plain"), "a"), "kind", true);
        check(house.send(post("/login", FORM), "a".repeat(300 << 10)), "large", true);
        check(house.send(post("/login", FORM).header("origin", "null"), ""), "origin", true);
        check(house.send(post("/logout", FORM), ""), "sign out", true);
        let expected = [200, 303, 400, 401, 403, 404, 405, 413, 414, 415];
        assert!(expected.iter().all(|status| seen.contains(status)), "{seen:?}");
    }
}

#[test]
fn each_page_has_a_nonce_of_its_own() {
    let house = House::new();
    let page = || house.send(request(&Method::GET, "/login", "", "text/html"), "");
    assert_ne!(page().header("content-security-policy"), page().header("content-security-policy"));
}

#[test]
fn a_form_from_elsewhere_is_refused_on_every_unsafe_route() {
    let house = House::new();
    let mut routes = 0;
    for route in web::routes().into_iter().filter(|route| route.method != Method::GET) {
        let (path, at, fit) = (path_of(&route), route.name, house.fit_for(&route));
        let token = web::form_token(fit);
        let refused = |request: Builder, body: &str, status: u16, code: &str| {
            let told = house.send(request, body.to_owned());
            assert_eq!(
                (told.status.as_u16(), told.code().as_str()),
                (status, code),
                "{at}: {body}"
            );
        };
        let elsewhere = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.test"),
            ("origin", "http://siji.test.evil.test"),
            ("origin", "null"),
        ];
        for (name, value) in elsewhere {
            for (kind, body) in [(FORM, ""), (JSON, "{}"), ("text/plain", "{}")] {
                for cookie in [fit, ""] {
                    let sent = post(&path, cookie, kind).header("x-csrf-token", &token);
                    refused(sent.header(name, value), body, 403, "foreign-origin");
                }
            }
        }
        // From here on the browser says nothing of where it comes from.
        let other = web::form_token("siji=somebody-else");
        let with = |token: &str| format!("csrf={token}");
        refused(post(&path, fit, FORM), "", 403, "form-token");
        refused(post(&path, fit, FORM), &with(""), 403, "form-token");
        refused(post(&path, fit, FORM), &with(&other), 403, "form-token");
        refused(post(&path, fit, FORM).header("x-csrf-token", &other), "", 403, "form-token");
        refused(request(&Method::POST, &path, fit, JSON), "", 403, "form-token");
        refused(post(&path, fit, "text/plain"), "{}", 415, "media-type");
        refused(post(&path, fit, "application/xml"), "<a/>", 415, "media-type");
        refused(post(&path, fit, "application/jsonx"), "{}", 415, "media-type");
        let part = "--b\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\n1\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=b";
        if route.takes_field("file") {
            refused(post(&path, fit, kind), part, 403, "form-token");
        } else {
            refused(post(&path, fit, kind), part, 415, "media-type");
        }
        if route.name != "access.sign_out" {
            let told = house.send(post(&path, fit, FORM), with(&token));
            assert!(!["form-token", "foreign-origin"].contains(&told.code().as_str()), "{at}");
        }
        routes += 1;
    }
    assert!(routes > 40, "{routes}");
}

#[test]
fn a_page_brings_the_token_that_its_forms_need() {
    let house = House::new();
    let (.., cookie) = house.people.iter().find(|p| p.0 == Role::SystemAdmin).expect("them");
    let page = house.send(request(&Method::GET, "/people", cookie, "text/html"), "").body;
    let forms = page.matches("<form method=\"post\"").count();
    let token =
        format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", web::form_token(cookie));
    assert!(forms >= 2 && page.matches(&token).count() == forms, "{page}");
    let key = house.stage.id();
    let form = format!("key={key}&name=Wang&unit=&csrf={}", web::form_token(cookie));
    let sent = request(&Method::POST, "/people", cookie, "text/html");
    let told = house.send(sent.header(header::CONTENT_TYPE, FORM), form);
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.body);
    // Nobody who is not signed in has a session to ride on.
    let stranger = house.send(request(&Method::GET, "/login", "", "text/html"), "").body;
    assert!(!stranger.contains("csrf"), "{stranger}");
    let told = house.send(post("/login", "", FORM), "login=nobody&password=wrong-password");
    assert_eq!((told.status, told.code().as_str()), (StatusCode::CONFLICT, "login-wrong"));
}

/// All that stands in the zone but when a session was last seen, and the log of refusals.
fn contents(stage: &Stage) -> String {
    stage
        .read::<_, Never>(|tx| {
            let tables = tx.all(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name NOT LIKE 'audit%' ORDER BY name",
                &args![],
                |r| r.text(0),
            )?;
            let mut all = String::new();
            for table in tables {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = tx.all(&columns, &args![], |r| r.text(0))?;
                let columns = columns.into_iter().filter(|c| c != "seen_at");
                let row =
                    columns.map(|c| format!("quote({c})")).collect::<Vec<_>>().join(" || ',' || ");
                let rows = format!("SELECT {row} FROM {table} ORDER BY 1");
                let rows = tx.all(&rows, &args![], |r| r.text(0))?;
                writeln!(all, "{table}: {} rows\n{}", rows.len(), rows.join("\n")).expect("text");
            }
            Ok(all)
        })
        .expect("the zone's contents")
}

#[test]
fn no_page_that_is_looked_at_changes_anything() {
    let house = House::new();
    let ids: Vec<Id> = house
        .stage
        .read::<_, Never>(|tx| {
            let mut ids = Vec::new();
            for table in ["household", "area", "person", "scheme"] {
                ids.extend(tx.all(&format!("SELECT id FROM {table}"), &args![], |r| r.id(0))?);
            }
            Ok(ids)
        })
        .expect("ids");
    let before = contents(&house.stage);
    assert!(before.contains("household: 1 rows") && before.contains("session: "), "{before}");
    let mut shown = 0;
    for route in web::routes().into_iter().filter(|route| route.method == Method::GET) {
        let here: Vec<String> = match route.path.contains('{') {
            false => vec![route.path.to_owned()],
            true => ids.iter().map(|id| path_with(&route, *id)).collect(),
        };
        for path in here {
            for (.., cookie) in &house.people {
                for (method, accept) in [(Method::GET, "text/html"), (Method::HEAD, JSON)] {
                    let told = house.send(request(&method, &path, cookie, accept), "");
                    assert!(!told.status.is_server_error(), "{path}: {}", told.status);
                    shown += u32::from(told.status == StatusCode::OK);
                }
            }
        }
        assert_eq!(contents(&house.stage), before, "{}", route.path);
    }
    assert!(shown > 200, "{shown} pages");
}

fn path_with(route: &Route, id: Id) -> String {
    let id = id.to_string();
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { &id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn what_a_route_does_not_know_or_hears_twice_is_refused() {
    let house = House::new();
    let (.., cookie) = house.people.iter().find(|p| p.0 == Role::SystemAdmin).expect("them");
    let (.., officer) = house.people.iter().find(|p| p.0 == Role::ZoneOfficer).expect("them");
    let check = |path: &str, kind: &str, body: String, code: &str| {
        let sent = post(path, cookie, kind).header("x-csrf-token", web::form_token(cookie));
        let begun = Instant::now();
        let told = house.send(sent, body.clone());
        assert!(begun.elapsed() < Duration::from_secs(2), "{code} took {:?}", begun.elapsed());
        assert_eq!((told.status.as_u16(), told.code().as_str()), (400, code), "{body:.80}");
    };
    let key = house.stage.id();
    check("/people", FORM, format!("key={key}&name=Li&is_admin=1"), "field-unknown");
    check("/people", FORM, format!("key={key}&name=Li&name=Wang"), "field-twice");
    check("/people", FORM, format!("key={key}&name=Li&csrf=1&csrf=2"), "field-twice");
    check("/people?name=Li", FORM, format!("key={key}&name=Li&name=Wang"), "field-twice");
    check("/people?admin=1", FORM, format!("key={key}&name=Li"), "field-unknown");
    check(
        "/people",
        JSON,
        format!(r#"{{"key":"{key}","name":"Li","is_admin":true}}"#),
        "field-unknown",
    );
    check(
        "/people",
        JSON,
        format!(r#"{{"key":"{key}","name":"Li","name":"Wang"}}"#),
        "field-twice",
    );
    check("/people", JSON, r#"{"key":{"a":1,"a":2}}"#.into(), "field-twice");
    check("/people", JSON, "[]".into(), "json");
    check("/people", JSON, format!("{{\"name\":{}", "[".repeat(200_000)), "json");
    check("/people", JSON, "{\"name\":".repeat(20_000), "json");
    let many: Vec<String> = (0..2_001).map(|n| format!("item-{n}=1")).collect();
    check("/people", FORM, many.join("&"), "fields-many");
    let get = |path: &str| house.send(request(&Method::GET, path, officer, JSON), "");
    assert_eq!(get("/households?q=a&q=b").code(), "field-twice");
    assert_eq!(get("/households?q=a&admin=1").code(), "field-unknown");
    assert_eq!(get("/households?q=a&done=person-added").status, StatusCode::OK);
    // A posting's address is passed on by programs that hang words of their own on it.
    assert_eq!(get("/p?from=singlemessage").status, StatusCode::OK);

    let kind = "multipart/form-data; boundary=b";
    let part =
        |name: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n1\r\n");
    let upload = |parts: &[&str]| {
        let body: String = parts.iter().map(|name| part(name)).collect();
        let sent = post("/scheme", officer, kind).header("x-csrf-token", web::form_token(officer));
        house.send(sent, body + "--b--\r\n").code()
    };
    assert_eq!(upload(&["key", "file", "file"]), "field-twice");
    assert_eq!(upload(&["key", "file", "path"]), "field-unknown");
    assert_eq!(upload(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]), "fields-many");
    assert_eq!(upload(&["key"]), "file-missing");
}
