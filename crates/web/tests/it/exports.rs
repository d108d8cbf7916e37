//! Every list taken out through its page: the form under it, the file, the line in the log.

use std::io::Cursor;
use std::sync::Arc;

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use calamine::{Data, Reader, Xlsx};
use domain::access::{Permission, Role};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::Stage;
use testkit::lists::{Lists, NEXT_DOOR};
use tower::ServiceExt;
use web::{Needs, Server};

pub struct Office<'s> {
    pub lists: Lists<'s>,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

pub struct Seen {
    pub status: StatusCode,
    pub is_file: bool,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl<'s> Office<'s> {
    pub fn open(stage: &'s Stage) -> Office<'s> {
        let lists = Lists::filled(stage, domain::local_date(web::now()));
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Office { lists, router: web::router(Arc::new(server)), runtime }
    }

    pub fn signed_in(&self, who: &Who) -> String {
        let stage = self.lists.village.stage;
        let token = format!("{:x}{:x}", who.person, stage.id());
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    pub fn ask(&self, method: Method, path: &str, cookie: &str, form: &[(String, String)]) -> Seen {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, cookie)
            .header("x-csrf-token", web::form_token(cookie))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(serde_urlencoded::to_string(form).expect("a form")))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let is_file = answer.headers().contains_key(header::CONTENT_DISPOSITION);
            let body = answer.into_body().collect().await.expect("a body").to_bytes().to_vec();
            Seen { status, is_file, body }
        })
    }

    pub fn page(&self, path: &str, cookie: &str) -> String {
        let seen = self.ask(Method::GET, path, cookie, &[]);
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text());
        let text = seen.text();
        assert!(!text.contains('⟦'), "{path}: {text}");
        text
    }

    /// Sends the form that stands under the list at `path`.
    fn take_out(&self, path: &str, cookie: &str, kind: &str) -> Seen {
        let form = form_under(&self.page(path, cookie), path);
        let (action, mut fields) = form.unwrap_or_else(|| panic!("no form under {path}"));
        fields.extend([pair("kind", kind), pair("why", "开会用")]);
        let seen = self.ask(Method::POST, &action, cookie, &fields);
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text());
        assert!(seen.is_file, "{path}");
        seen
    }

    /// The files that the log knows of, with their rows and reasons.
    pub fn log(&self) -> Vec<(String, i64, String)> {
        self.lists
            .village
            .stage
            .read::<_, app::Never>(|tx| {
                let sql =
                    "SELECT verb, rows, note FROM audit_log WHERE kind = 'export' ORDER BY seq";
                Ok(tx.all(sql, &[], |r| Ok((r.text(0)?, r.int(1)?, r.text(2)?)))?)
            })
            .expect("a log")
    }

    /// Every list with its name in the log.
    fn paths(&self) -> [(String, &'static str); 11] {
        let ([household, _], [batch, _]) = (self.lists.households, self.lists.batches);
        let [day, _] = self.lists.market_days;
        [
            ("/households".to_owned(), "households"),
            ("/batches".to_owned(), "batches"),
            (format!("/batches/{batch}/review"), "review"),
            ("/objections".to_owned(), "objections"),
            ("/goods".to_owned(), "goods"),
            ("/goods/expiring".to_owned(), "expiring"),
            ("/donations".to_owned(), "donations"),
            ("/market-days".to_owned(), "market-days"),
            (format!("/market-days/{day}"), "redemptions"),
            (format!("/households/{household}/cards"), "cards"),
            ("/import".to_owned(), "imports"),
        ]
    }
}

pub fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Where the form leads, and what it sends of itself.
fn form_under(page: &str, path: &str) -> Option<(String, Vec<(String, String)>)> {
    let at = path.split('?').next().expect("a path");
    let action = format!("{at}/export");
    let form = page.split(&format!("action=\"{action}\"")).nth(1)?;
    let form = form.split("</form>").next().expect("an end");
    let hidden = form.split("type=\"hidden\" name=\"").skip(1).map(|input| {
        let mut parts = input.split('"');
        let name = parts.next().expect("a name");
        pair(name, parts.nth(1).expect("a value"))
    });
    Some((action, hidden.collect()))
}

/// The first number of the page's count.
fn count_on(page: &str) -> Option<usize> {
    let count =
        page.rsplit("class=\"count\">").next().filter(|_| page.contains("class=\"count\""))?;
    let digits = count.chars().skip_while(|c| !c.is_ascii_digit());
    digits.take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Note, header and rows of either kind of file, as texts.
fn table(kind: &str, body: &[u8]) -> Vec<Vec<String>> {
    if kind == "csv" {
        let body = body.strip_prefix("\u{feff}".as_bytes()).expect("the mark");
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        return reader
            .records()
            .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
            .collect();
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(body.to_vec())).expect("a workbook");
    let formulas = book.worksheet_formula(&book.sheet_names()[0]).expect("a sheet");
    assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()), "a formula");
    let sheet = book.worksheet_range_at(0).expect("a sheet").expect("rows");
    sheet.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
}

#[test]
fn every_list_goes_out_whole_and_is_written_down() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    for (path, what) in office.paths() {
        let shown = count_on(&office.page(&path, &zone)).unwrap_or(1);
        assert!(shown > 0, "{path}");
        for kind in ["xlsx", "csv"] {
            let rows = table(kind, &office.take_out(&path, &zone, kind).body);
            assert!(rows[0][0].contains("区办") && rows[0][0].contains("开会用"), "{:?}", rows[0]);
            assert!(rows[1].iter().all(|title| !title.is_empty() && !title.contains('⟦')));
            assert_eq!(rows.len() - 2, shown, "{path} as {kind}: {rows:?}");
            assert!(rows[2..].iter().all(|row| row.len() == rows[1].len()), "{path}: {rows:?}");
            let line = (what.to_owned(), shown as i64, "开会用".to_owned());
            assert_eq!(office.log().last(), Some(&line), "{path}");
        }
    }
}

#[test]
fn a_village_takes_out_its_own_rows_and_no_others() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let committee = office.signed_in(&office.lists.village.committee);
    let neighbour = office.signed_in(&office.lists.village.neighbour);
    for (path, what) in office.paths().into_iter().filter(|(_, what)| *what != "imports") {
        let file = office.take_out(&path, &committee, "csv");
        let shown = count_on(&office.page(&path, &committee)).unwrap_or(1);
        assert_eq!(table("csv", &file.body).len() - 2, shown, "{path}");
        assert!(!file.text().contains(NEXT_DOOR), "{path}: {}", file.text());
        if !["review", "goods", "redemptions", "cards"].contains(&what) {
            let all = office.take_out(&path, &zone, "csv").text();
            assert!(all.contains(NEXT_DOOR), "{path}: {all}");
        }
        if path.len() > 36 {
            // One village's own record.
            let form = form_under(&office.page(&path, &committee), &path).expect("a form");
            let mut fields = form.1;
            fields.extend([pair("kind", "csv"), pair("why", "看看")]);
            let seen = office.ask(Method::POST, &form.0, &neighbour, &fields);
            assert_eq!(seen.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[test]
fn the_log_goes_out_to_its_reader() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let auditor = office.signed_in(&stage.person("审计", Role::Auditor, Some("001")));
    office.take_out("/goods", &zone, "csv");
    let path = "/audit?what=export";
    for kind in ["xlsx", "csv"] {
        let shown = count_on(&office.page(path, &auditor));
        let rows = table(kind, &office.take_out(path, &auditor, kind).body);
        assert_eq!(Some(rows.len() - 2), shown, "{rows:?}");
        assert!(rows[rows.len() - 1].contains(&"商品名单".to_owned()), "{rows:?}");
        assert_eq!(office.log().last().map(|line| line.0.as_str()), Some("audit"));
    }
    let key = stage.id().to_string();
    let form = [pair("key", &key), pair("kind", "csv"), pair("why", "看看")];
    let seen = office.ask(Method::POST, "/audit/export", &zone, &form);
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "takes out lists, and does not read the log");
}

#[test]
fn own_visits_go_out_where_a_post_takes_lists_out() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let cadre = office.lists.village.cadre.clone();
    let cookie = office.signed_in(&cadre);
    assert!(form_under(&office.page("/score", &cookie), "/score").is_none());
    let post = stage.id();
    stage
        .write::<_, app::Never>(move |tx| {
            let area =
                tx.opt("SELECT id FROM area WHERE path = '001.001.001'", &[], |r| r.id(0))?;
            let (person, role) = (cadre.person, Role::VillageCommittee);
            let from = jiff::civil::date(2020, 1, 1);
            let post = store::access::NewPost {
                id: post,
                person,
                role,
                area,
                place: None,
                from,
                to: None,
            };
            Ok(store::access::record_post(tx, &post)?)
        })
        .expect("a post");
    let rows = table("xlsx", &office.take_out("/score", &cookie, "xlsx").body);
    assert_eq!(Some(rows.len() - 2), count_on(&office.page("/score", &cookie)));
    assert_eq!(rows.len() - 2, 2);
}

#[test]
fn the_file_is_narrowed_and_sorted_as_the_page_is() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let check = |path: &str, expected: usize| {
        let rows = table("csv", &office.take_out(path, &zone, "csv").body);
        assert_eq!(rows.len() - 2, expected, "{path}: {rows:?}");
        assert_eq!(count_on(&office.page(path, &zone)), Some(expected), "{path}");
    };
    check("/households?area=001.001.002", 1);
    check("/households?q=%E6%9D%8E%E5%BA%84&order=name&page=1", 1);
    check("/batches?q=%E6%9D%8E%E5%BA%84&order=state", 1);
    check("/objections?standing=open&q=QA1", 1);
    check("/goods?q=G00&sort=left&way=down", 9);
    check("/donations?q=%E6%9D%8E%E5%BA%84", 1);
    check("/market-days?when=past", 2);
    let nothing = office.page("/households?q=nobody", &zone);
    assert!(form_under(&nothing, "/households").is_none(), "nothing to take out");
}

#[test]
fn who_may_not_take_lists_out_is_refused() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let officer = office.signed_in(&office.lists.village.officer);
    let keeper = office.signed_in(&stage.person("店员", Role::StoreKeeper, Some("001")));
    let key = stage.id().to_string();
    let form = [pair("key", &key), pair("kind", "xlsx"), pair("why", "看看")];
    let mut routes: Vec<String> =
        office.paths().iter().map(|(path, _)| format!("{path}/export")).collect();
    routes.extend(["/score/export".to_owned(), "/audit/export".to_owned()]);
    for cookie in [&officer, &keeper] {
        for path in &routes {
            let seen = office.ask(Method::POST, path, cookie, &form);
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert!(form_under(&office.page("/", cookie), "/").is_none());
    }
    let shown = office.page("/households", &officer);
    assert!(form_under(&shown, "/households").is_none());
    assert_eq!(office.log(), []);

    let all = web::routes();
    let exports: Vec<_> = all.iter().filter(|route| route.path.ends_with("/export")).collect();
    assert_eq!(exports.len(), routes.len(), "each way out is in this test");
    for route in exports {
        let needs = route.needs;
        let takes_out = matches!(needs, Needs::May(Permission::Export) | Needs::TakeOut(_));
        assert!(takes_out, "{}", route.name);
        assert_eq!(route.method, Method::POST, "{}", route.name);
    }
}

#[test]
fn without_a_reason_or_a_line_in_the_log_nothing_leaves() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let (key, long) = (stage.id().to_string(), "长".repeat(201));
    let send = |fields: &[(&str, &str)]| {
        let form: Vec<_> = fields.iter().map(|(name, value)| pair(name, value)).collect();
        office.ask(Method::POST, "/households/export", &zone, &form)
    };
    for wrong in [
        &[("key", key.as_str()), ("kind", "csv")][..],
        &[("key", &key), ("kind", "csv"), ("why", "  ")],
        &[("key", &key), ("kind", "csv"), ("why", &long)],
        &[("key", &key), ("kind", "pdf"), ("why", "月报")],
        &[("key", "1"), ("kind", "csv"), ("why", "月报")],
    ] {
        let seen = send(wrong);
        assert!(!seen.is_file && seen.status == StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    assert_eq!(office.log(), []);

    let right = [("key", key.as_str()), ("kind", "csv"), ("why", "月报")];
    let rows = || table("csv", &send(&right).body)[1..].to_vec();
    assert_eq!(rows(), rows(), "the same form sent twice");
    assert_eq!(office.log(), [("households".to_owned(), 3, "月报".to_owned())]);

    stage
        .write::<_, app::Never>(|tx| {
            tx.exec(
                "CREATE TRIGGER full_disk BEFORE INSERT ON audit_log \
                 BEGIN SELECT RAISE(ABORT, 'no space'); END",
                &[],
            )?;
            Ok(())
        })
        .expect("a log that takes no more");
    let other = [("key", key.as_str()), ("kind", "xlsx"), ("why", "月报")];
    let seen = send(&other);
    assert!(!seen.is_file && seen.status == StatusCode::INTERNAL_SERVER_ERROR, "{}", seen.text());
}

#[test]
fn no_cell_of_a_file_runs_as_a_formula() {
    let stage = Stage::sqlite();
    let office = Office::open(&stage);
    let zone = office.signed_in(&office.lists.village.zone_officer);
    let starts =
        ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", "=cmd|'/C calc'!"];
    let typed = starts.map(|start| format!("{start}1+1"));
    crate::hostile::plant(&stage, typed.to_vec());
    let mut met = 0;
    for (path, _) in office.paths() {
        // Of a workbook `table` sees that no cell is a formula: a text stays a text.
        table("xlsx", &office.take_out(&path, &zone, "xlsx").body);
        for cell in table("csv", &office.take_out(&path, &zone, "csv").body)[1..].iter().flatten() {
            let is_number = cell.parse::<f64>().is_ok();
            let runs =
                cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            assert!(is_number || !runs, "{path}: {cell}");
            met += usize::from(cell.starts_with('\''));
        }
    }
    assert!(met > 20, "{met} cells were made harmless");
}
