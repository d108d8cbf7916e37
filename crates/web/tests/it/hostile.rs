//! Words that mean harm: typed into every field of every route, and planted in every text of the
//! database before the pages are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::{Never, Who};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use domain::Id;
use domain::access::{Permission, Role};
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::args;
use testkit::lists::Lists;
use testkit::{Stage, on_both};
use tower::ServiceExt;
use web::{Needs, Route, Server};

struct House<'s> {
    stage: &'s Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

struct Seen {
    status: u16,
    media: String,
    body: String,
}

impl<'s> House<'s> {
    fn open(stage: &'s Stage) -> House<'s> {
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let router = web::router(Arc::new(server));
        House { stage, router, runtime: tokio::runtime::Runtime::new().expect("a runtime") }
    }

    fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.stage
            .write::<_, Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    fn ask(&self, method: &Method, path: &str, cookie: &str, body: Option<&Value>) -> Seen {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, cookie);
        if body.is_some() {
            request = request
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status().as_u16();
            let media = answer.headers().get(header::CONTENT_TYPE).cloned();
            let media = media.map_or(String::new(), |m| m.to_str().expect("ASCII").to_owned());
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            Seen { status, media, body: String::from_utf8_lossy(&body).into_owned() }
        })
    }

    fn document(&self) -> Value {
        let seen = self.ask(&Method::GET, "/openapi.json", "", Some(&Value::Null));
        serde_json::from_str(&seen.body).expect("a document")
    }

    /// The ids of some records of a table.
    fn ids(&self, table: &'static str) -> Vec<Id> {
        self.stage
            .read::<_, Never>(move |tx| {
                let sql = format!("SELECT id FROM {table} ORDER BY id LIMIT 3");
                Ok(tx.all(&sql, &args![], |r| r.id(0))?)
            })
            .expect("ids")
    }

    /// A path of the route for each record it can be about.
    fn paths(&self, route: &Route) -> Vec<String> {
        let table = |part: &str| match (part, route.path.split('/').nth(1)) {
            ("{household}", _) => "household",
            ("{batch}", _) => "batch",
            (_, Some("batches")) => "batch",
            (_, Some("cards")) => "card",
            (_, Some("donations")) => "donation",
            (_, Some("goods")) => "goods",
            (_, Some("households")) => "household",
            (_, Some("import")) => "import",
            (_, Some("market-days")) => "market_day",
            (_, Some("objections")) => "objection",
            (_, Some("p" | "postings")) => "posting",
            (_, Some("people")) => "person",
            (_, Some("places")) => "place",
            (_, Some("posts")) => "post",
            (_, Some("rounds")) => "round",
            (_, Some("scheme")) => "scheme",
            (_, Some("takeouts")) => "takeout",
            (_, room) => panic!("whose ids stand in {room:?}?"),
        };
        let mut paths = vec![String::new()];
        for part in route.path.split('/').skip(1) {
            let choices = match part {
                "{name}" => vec!["style.css".to_owned()],
                "{*at}" => vec!["0/000.p/1".to_owned(), "entries/000.p/1".to_owned()],
                // The redemptions of the lists are rows alone: they moved no points.
                // Sessions end where they are named, and these must last.
                "{session}" => vec![self.stage.id().to_string()],
                "{id}"
                    if route.path.starts_with("/receipts")
                        || route.path.starts_with("/account") =>
                {
                    vec![self.stage.id().to_string()]
                }
                part if part.starts_with('{') => {
                    self.ids(table(part)).iter().map(Id::to_string).collect()
                }
                part => vec![part.to_owned()],
            };
            let longer =
                |path: &String| choices.iter().map(|c| format!("{path}/{c}")).collect::<Vec<_>>();
            paths = paths.iter().flat_map(longer).collect();
        }
        paths
    }

    /// Somebody of each role, with a session.
    fn people(&self) -> Vec<(Role, String)> {
        let signed_in = |role: Role| {
            let path = (role != Role::AssignedCadre).then_some("001");
            (role, self.signed_in(&self.stage.person(role.code(), role, path)))
        };
        Role::ALL.into_iter().map(signed_in).collect()
    }
}

/// Every list with rows, and a posting that hangs from today.
fn filled(stage: &Stage) -> Lists<'_> {
    Lists::hanging(stage, web::now())
}

/// Who may ask this, and best sees what is there.
fn asker<'p>(route: &Route, people: &'p [(Role, String)]) -> &'p str {
    let may = |role: Role| match route.needs {
        Needs::May(permission) | Needs::TakeOut(permission) => role.may(permission),
        Needs::SignedIn => role.may(Permission::ReadHouseholds),
        Needs::Nothing => true,
    };
    let (_, cookie) = people.iter().find(|(role, _)| may(*role)).expect("somebody may");
    cookie
}

const HARM: [&str; 10] = [
    "\0",
    "'\"`;--%_\\",
    "\u{202e}\u{feff}\u{1b}[31m\r\nSet-Cookie: a=b",
    "𠮷㐀\u{10ffff}",
    "-9223372036854775808",
    "9223372036854775808",
    "-009999-01-01",
    "9999-12-31",
    "2026-99",
    "001.001'OR'1",
];

/// What the document says of an operation's fields.
fn fields(operation: &Value) -> BTreeMap<String, Value> {
    let query = operation["parameters"].as_array().into_iter().flatten();
    let query = query.filter(|p| p["in"] == "query");
    let mut fields: BTreeMap<String, Value> = query
        .map(|p| (p["name"].as_str().expect("a name").to_owned(), p["schema"].clone()))
        .collect();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    // Of sheets that come in together, one sheet's.
    let each = &body["properties"]["sheets"]["items"];
    let body = if each.is_null() { body } else { each };
    if let Some(object) = body["properties"].as_object() {
        fields.extend(object.iter().map(|(name, schema)| (name.clone(), schema.clone())));
    }
    if body["additionalProperties"].is_object() {
        fields.insert("item-A1".into(), Value::Null);
    }
    fields
}

/// A value that fits.
fn fitting(house: &House, name: &str, schema: &Value) -> String {
    let id = |table| house.ids(table).first().map_or_else(|| house.stage.id(), |id| *id);
    match (schema["format"].as_str(), name) {
        (Some("uuid"), "key") => house.stage.id().to_string(),
        (Some("uuid"), "batch") => id("batch").to_string(),
        (Some("uuid"), "household") => id("household").to_string(),
        (Some("uuid"), "day") => id("market_day").to_string(),
        (Some("uuid"), "place") => id("place").to_string(),
        (Some("uuid"), "village" | "area") => id("area").to_string(),
        (Some("uuid"), "lot") => id("lot").to_string(),
        (Some("uuid"), "person") => id("person").to_string(),
        (Some("uuid"), _) => house.stage.id().to_string(),
        (Some("date"), _) => domain::local_date(web::now()).to_string(),
        (_, "month" | "from_month") => "2026-11".into(),
        (_, "role") => "auditor".into(),
        (_, "area") => "001".into(),
        (_, "event") => "military_service".into(),
        (_, "channel") => "phone".into(),
        (_, "field") => "phone".into(),
        (_, "reason") => "visit".into(),
        _ => match (schema["enum"][0].as_str(), schema["pattern"].as_str()) {
            (Some(word), _) => word.into(),
            (None, Some(_)) => "1".into(),
            (None, None) => "一些文字".into(),
        },
    }
}

#[test]
fn whatever_is_typed_into_a_field_is_answered_as_the_document_says() {
    on_both(|stage| {
        let _lists = filled(stage);
        let house = House::open(stage);
        let people = house.people();
        let document = house.document();
        let (mut met, mut wrong) = (BTreeSet::new(), Vec::new());
        for route in web::routes() {
            if route.name == "access.sign_out" {
                continue;
            }
            let cookie = asker(&route, &people);
            let operation =
                &document["paths"][route.documented_path()][route.method.as_str().to_lowercase()];
            let fields = fields(operation);
            let path = house.paths(&route).into_iter().next();
            let path = path.unwrap_or_else(|| route.path.replace("{id}", &stage.id().to_string()));
            let whole = || {
                let fits = |(name, schema): (&String, &Value)| {
                    (name.clone(), fitting(&house, name, schema))
                };
                fields.iter().map(fits).collect::<BTreeMap<String, String>>()
            };
            let spoilt = fields.keys().flat_map(|name| {
                HARM.iter().map(|harm| {
                    let mut whole = whole();
                    whole.insert(name.clone(), (*harm).to_owned());
                    whole
                })
            });
            for typed in std::iter::once(whole()).chain(spoilt) {
                let seen = match route.method {
                    Method::GET => {
                        let query = serde_urlencoded::to_string(&typed).expect("a query");
                        house.ask(&Method::GET, &format!("{path}?{query}"), cookie, None)
                    }
                    _ => {
                        let body = serde_json::to_value(&typed).expect("an object");
                        let body = match route.takes {
                            ["sheets"] => serde_json::json!({ "sheets": [body] }),
                            _ => body,
                        };
                        house.ask(&Method::POST, &path, cookie, Some(&body))
                    }
                };
                let said = format!("{} {} {typed:?}: {}", stage.engine, route.name, seen.status);
                let tells = ["SELECT", "qlite", "panicked", "/src/", "ostgre", "constraint"];
                if seen.status >= 400 && tells.iter().any(|word| seen.body.contains(word)) {
                    wrong.push(format!("{said} tells how it is made: {}", seen.body));
                }
                if seen.media.starts_with("text/") && !seen.media.ends_with("; charset=utf-8") {
                    wrong.push(format!("{said} has no character set: {}", seen.media));
                }
                let answer = &operation["responses"][seen.status.to_string()];
                let media = seen.media.split(';').next().expect("a first part");
                if answer.is_null() {
                    wrong.push(format!("{said} is not in the document: {}", seen.body));
                } else if seen.status != 303 && answer["content"][media].is_null() {
                    wrong.push(format!("{said}: {media} is not in the document"));
                }
                met.insert((route.name, seen.status));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let done = met.iter().filter(|(_, status)| [200, 303].contains(status)).count();
        assert!(done > 60, "only {done} routes ever said yes");
    });
}

/// One form with a file, as a browser sends it.
fn multipart(
    house: &House,
    path: &str,
    cookie: &str,
    file_name: &str,
    file: &[u8],
) -> (u16, String) {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        house.stage.id()
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    // What the forms of this session's pages carry, where they carry something.
    let page = house.ask(&Method::GET, "/", cookie, None).body;
    let token = page.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next());
    let request = Request::post(path)
        .header(header::HOST, "siji.test")
        .header(header::ACCEPT, "application/json")
        .header(header::COOKIE, cookie)
        .header("x-csrf-token", token.unwrap_or_default())
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from(body))
        .expect("a request");
    house.runtime.block_on(async {
        let answer = house.router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    })
}

#[test]
fn whatever_is_uploaded_is_answered() {
    let scheme = include_str!("../../../../data/scheme/default_points_scheme.json");
    let scheme = &scheme.replace("\"version\": 1,", "\"version\": 7,");
    let year = include_str!("../../../../data/calendar/2026.json");
    let with = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    };
    on_both(|stage| {
        let _lists = filled(stage);
        let house = House::open(stage);
        let officer = house.signed_in(&stage.person("区办三", Role::ZoneOfficer, Some("001")));
        let files: [(&str, &str, Vec<u8>); 12] = [
            ("/scheme", "s.json", with(scheme, "\"name_zh\": \"", "\"name_zh\": \"\\u0000")),
            (
                "/scheme",
                "s.json",
                with(scheme, "\"name_zh\": \"", "\"name_zh\": \"<b>'\\ud834\\udd1e"),
            ),
            ("/scheme", "s.json", b"{\"items\":".repeat(20_000)),
            ("/scheme", "s.json", vec![0xff, 0xfe, 0x00]),
            ("/calendar", "y.json", with(year, "https://www.gov.cn", "\\u0000https://www.gov.cn")),
            ("/calendar", "y.json", with(year, "2026", "-9999")),
            ("/calendar", "y.json", b"[".repeat(100_000)),
            ("/import", "a\0b.xlsx", b"x".to_vec()),
            ("/import", "../../a\\b.xlsx", b"PK\x03\x04".to_vec()),
            ("/import", "a.csv", "行政村\0,户编号\n\0,\0\n".as_bytes().to_vec()),
            ("/import", "\u{202e}xslx.exe", vec![0; 4096]),
            ("/import", "<script>xss7()</script>.csv", b"\xef\xbb\xbf".to_vec()),
        ];
        for (path, name, file) in files {
            let (status, said) = multipart(&house, path, &officer, name, &file);
            let known = [200, 400, 409, 413, 422].contains(&status);
            assert!(known, "{} {path} {name:?}: {status} {said}", stage.engine);
        }
        let page = house.ask(&Method::GET, "/import", &officer, None);
        assert_eq!(page.status, 200, "{}: {}", stage.engine, page.body);
    });
}

#[test]
fn an_address_is_decoded_once() {
    let stage = Stage::sqlite();
    let lists = filled(&stage);
    let house = House::open(&stage);
    let officer = house.signed_in(&lists.village.zone_officer);
    let household = lists.households[0].to_string();
    for path in [
        "/%2568ouseholds".to_owned(),
        format!("/households/{}", household.replace('-', "%252d")),
        format!("/households/{household}%2500"),
        format!("/households/{household}%00"),
        format!("/households/..%2fhouseholds%2f{household}"),
        "/assets/%252e%252e%252fstyle.css".into(),
        "/assets/..%2f..%2fCargo.toml".into(),
        "/assets/%2e%2e/style.css".into(),
        "/assets/..%5cstyle.css".into(),
        "/assets//style.css".into(),
    ] {
        let seen = house.ask(&Method::GET, &path, &officer, None);
        assert_eq!(seen.status, 404, "{path}");
    }
    let typed = house.ask(&Method::GET, "/households?q=%253Cb%253E", &officer, None);
    assert!(typed.body.contains("value=\"%3Cb%3E\""), "a second decoding: {}", typed.body);
}

/// Addresses that look like ours and are not.
const AWAY: [&str; 16] = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "evil.example",
    " //evil.example",
    "\u{feff}//evil.example",
    "/ok\r\nSet-Cookie: siji=x",
    "@evil.example",
];

#[test]
fn the_way_on_never_leads_away() {
    let stage = Stage::sqlite();
    let house = House::open(&stage);
    let to = |query: &[(&str, &str)]| serde_urlencoded::to_string(query).expect("a query");
    for away in AWAY {
        let path = format!("/language?{}", to(&[("to", "zh"), ("back", away)]));
        let request = Request::builder().uri(&path).body(Body::empty()).expect("a request");
        let answer = house.runtime.block_on(house.router.clone().oneshot(request));
        let answer = answer.expect("an answer");
        assert_eq!(answer.headers()[header::LOCATION], "/", "{away:?}");
        let path = format!("/login?{}", to(&[("next", away)]));
        let page = house.ask(&Method::GET, &path, "", None).body;
        assert!(page.contains("name=\"next\" value=\"/\""), "{away:?}: {page}");
    }
    let path = format!("/login?{}", to(&[("next", "/households?q=1&page=2")]));
    let page = house.ask(&Method::GET, &path, "", None).body;
    assert!(page.contains("value=\"/households?q=1&#38;page=2\""), "{page}");
}

#[test]
fn a_body_that_is_too_deep_or_says_things_twice_is_refused_at_once() {
    let stage = Stage::sqlite();
    let house = House::open(&stage);
    let post = |media: &str, body: String| {
        let request = Request::post("/login")
            .header(header::CONTENT_TYPE, media)
            .header(header::ACCEPT, "application/json")
            .body(Body::from(body))
            .expect("a request");
        let since = std::time::Instant::now();
        let answer = house.runtime.block_on(house.router.clone().oneshot(request));
        (answer.expect("an answer").status().as_u16(), since.elapsed())
    };
    let json = "application/json";
    for deep in ["[".repeat(200_000), r#"{"login":"#.repeat(25_000), "{\"a\":[".repeat(30_000)] {
        let (status, took) = post(json, deep);
        assert_eq!(status, 400);
        assert!(took.as_millis() < 500, "{took:?}");
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(form, "login=a&password=b&login=c".into()).0, 400);
    assert_eq!(post(json, "9".repeat(300 << 10)).0, 413);
    let twice = house.ask(&Method::GET, "/login?next=a&next=b", "", None);
    assert_eq!(twice.status, 400);
}

#[test]
fn nothing_lies_about() {
    let stage = Stage::sqlite();
    let house = House::open(&stage);
    for path in [
        "/.git/HEAD",
        "/.git/config",
        "/.env",
        "/.htaccess",
        "/.DS_Store",
        "/.well-known/x",
        "/siji.db",
        "/siji.db-wal",
        "/siji.keys",
        "/zone/siji.db",
        "/backup.zip",
        "/backup.sql",
        "/dump.sql",
        "/config.json",
        "/config.yml",
        "/Cargo.toml",
        "/Cargo.lock",
        "/debug",
        "/debug/pprof",
        "/actuator",
        "/actuator/env",
        "/server-status",
        "/phpinfo.php",
        "/index.php",
        "/admin",
        "/console",
        "/swagger",
        "/swagger-ui",
        "/graphql",
        "/trace",
        "/assets",
        "/assets/",
        "/templates/page.html",
        "/src/main.rs",
        "/target",
        "/out",
        "/tmp",
        "/etc/passwd",
        "/proc/self/environ",
        "/cgi-bin/x",
        "/wp-login.php",
        "/xmlrpc.php",
    ] {
        let seen = house.ask(&Method::GET, path, "", None);
        assert_eq!(seen.status, 404, "{path}");
    }
    for method in ["TRACE", "TRACK", "PUT", "DELETE", "PATCH", "CONNECT", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let seen = house.ask(&method, "/login", "", None);
        assert_eq!(seen.status, 405, "{method}");
    }
}

/// Every table's rows, but for what looking itself leaves behind: the log and the session's clock.
fn contents(stage: &Stage) -> Vec<String> {
    let dump = stage.read::<_, Never>(|tx| {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'audit%' \
                   AND name NOT LIKE 'sqlite_%' AND name <> 'session' ORDER BY name";
        let tables = tx.all(sql, &args![], |r| r.text(0))?;
        let mut rows = Vec::new();
        for table in tables {
            let columns = tx.all(
                "SELECT group_concat('quote(' || name || ')', ' || '','' || ') \
                 FROM pragma_table_info($1)",
                &args![&table],
                |r| r.text(0),
            )?;
            let sql = format!("SELECT {} FROM {table} ORDER BY 1", columns[0]);
            rows.extend(tx.all(&sql, &args![], |r| Ok(format!("{table}: {}", r.text(0)?)))?);
        }
        Ok(rows)
    });
    dump.expect("the tables")
}

#[test]
fn looking_changes_nothing() {
    let stage = Stage::sqlite();
    let _lists = filled(&stage);
    let house = House::open(&stage);
    let people = house.people();
    let before = contents(&stage);
    assert!(before.len() > 60, "{}", before.len());
    for route in web::routes().into_iter().filter(|route| route.method == Method::GET) {
        for path in house.paths(&route) {
            for (_, cookie) in &people {
                house.ask(&Method::GET, &path, cookie, None);
                house.ask(&Method::HEAD, &path, cookie, None);
            }
        }
    }
    assert_eq!(before, contents(&stage));
}

/// The columns that hold what people type, by table.
fn typed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines = include_str!("../../../../tests/hostile/typed.csv").lines().skip(1);
    let mut typed: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (table, column) in lines.filter_map(|line| line.split_once(',')) {
        typed.entry(table).or_default().push(column);
    }
    typed
}

/// Columns of text that hold codes, days, paths and what the program itself has written.
const CODED: &[&str] = &[
    "basis",
    "born_on",
    "cause_kind",
    "channel",
    "code",
    "columns",
    "day_kind",
    "days",
    "definition",
    "due_on",
    "education",
    "ethnic",
    "event",
    "expires_on",
    "from_date",
    "from_month",
    "graduation",
    "housing_grade",
    "id_kind",
    "kind",
    "login",
    "month",
    "name",
    "on_date",
    "outcome",
    "password",
    "path",
    "political",
    "reason",
    "receipt",
    "received_on",
    "relation",
    "resolved_on",
    "role",
    "scorer",
    "scores",
    "search",
    "sex",
    "source",
    "state",
    "statutory_code",
    "step",
    "student",
    "subject",
    "sums",
    "to_date",
    "verb",
    "visited_on",
    "visits_from",
    "visits_to",
    "work_area",
    "work_skill",
];

/// Fills every typed column of every row, each column with the next of `words`. On SQLite; the pages
/// are the same on both engines.
pub(crate) fn plant(stage: &Stage, words: Vec<String>) {
    let planted = stage.write::<_, Never>(move |tx| {
        let guards =
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%_kept_%'";
        for guard in tx.all(guards, &args![], |r| r.text(0))? {
            tx.exec(&format!("DROP TRIGGER {guard}"), &args![])?;
        }
        let mut words = words.iter().cycle();
        for (table, columns) in typed() {
            let kept = tx.all(
                "SELECT name FROM pragma_table_info($1) WHERE type = 'TEXT'",
                &args![table],
                |r| r.text(0),
            )?;
            for column in kept {
                if !columns.contains(&column.as_str()) {
                    assert!(CODED.contains(&column.as_str()), "{table}.{column}: typed or coded?");
                    continue;
                }
                // With the row's name behind: what must be unique in its table stays so.
                let row = match table {
                    "audit_log" => "seq",
                    "roster" => "household",
                    _ => "id",
                };
                let sql = format!("UPDATE {table} SET {column} = $1 || hex({row})");
                tx.exec(&sql, &args![words.next().expect("words without end")])?;
            }
        }
        Ok(())
    });
    planted.expect("planted");
}

fn corpus() -> Vec<String> {
    let corpus = include_str!("../../../../tests/hostile/xss.txt");
    corpus.lines().map(|line| format!("ж{line}")).collect()
}

#[test]
fn planted_words_stay_words_on_every_page() {
    let stage = Stage::sqlite();
    let _lists = filled(&stage);
    let house = House::open(&stage);
    let people = house.people();
    let posting = house.ids("posting").pop().expect("a posting");
    let corpus = corpus();
    assert!(corpus.len() > 60);
    // A stranger's words; the name is sealed, and opened by a look with a reason.
    let words = &corpus[5];
    let objection = serde_json::json!({ "key": stage.id(), "text": words, "by_name": words });
    let filed = house.ask(&Method::POST, &format!("/p/{posting}/objections"), "", Some(&objection));
    assert_eq!(filed.status, 200, "{}", filed.body);

    let (mut pages, mut met) = (0, BTreeSet::new());
    for words in corpus.chunks(22) {
        plant(&stage, words.to_vec());
        for route in web::routes().into_iter().filter(|route| route.method == Method::GET) {
            let cookies = people.iter().filter(|(role, _)| match route.needs {
                Needs::May(permission) | Needs::TakeOut(permission) => role.may(permission),
                _ => *role == Role::ZoneOfficer,
            });
            for (path, (_, cookie)) in
                house.paths(&route).iter().flat_map(|path| cookies.clone().map(move |c| (path, c)))
            {
                for query in ["", "?q=%D0%B6%22%3E%3Cscript%3Exss7()%3C/script%3E"] {
                    let seen = house.ask(&Method::GET, &format!("{path}{query}"), cookie, None);
                    assert!(seen.status < 500, "{path}: {}", seen.body);
                    if seen.media.starts_with("text/html") {
                        pages += 1;
                        unharmed(&format!("{path}{query}"), &seen.body, &corpus, &mut met);
                    }
                }
            }
        }
    }
    assert!(pages > 400, "{pages} pages");
    assert!(met.len() > 25, "only {} of the planted words were shown: {met:?}", met.len());
}

/// No planted word stands in the page as it was typed; those that stand there in full, escaped, are
/// counted. No element but ours runs anything.
fn unharmed(path: &str, page: &str, corpus: &[String], met: &mut BTreeSet<String>) {
    for word in corpus {
        let risky = word.contains(['<', '"', '\'']);
        assert!(!(risky && page.contains(word.as_str())), "{path}: {word} stands there raw");
        let escaped = word
            .replace('&', "&#38;")
            .replace('<', "&#60;")
            .replace('>', "&#62;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        if page.contains(&escaped) {
            met.insert(word.clone());
        }
    }
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or("")) {
        let name = tag.split([' ', '/', '\n']).next().unwrap_or("").to_lowercase();
        let foreign = ["iframe", "object", "embed", "base", "math", "template", "marquee", "style"];
        assert!(!foreign.contains(&name.as_str()), "{path}: <{tag}>");
        assert!(name != "script" || tag.contains("src=\"/assets/"), "{path}: <{tag}>");
        let leads = ["=\"javascript:", "=\"data:", "=\"vbscript:"];
        assert!(!leads.iter().any(|lead| tag.contains(lead)), "{path}: <{tag}>");
        // What stands between the quotes of an attribute is its value.
        let bare = tag.split('"').step_by(2).collect::<String>().to_lowercase();
        let runs = bare.split_whitespace().any(|name| name.starts_with("on") && name.contains('='));
        assert!(!runs && !bare.contains('\''), "{path}: <{tag}>");
    }
}
