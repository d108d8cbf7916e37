//! The register sent in through its page: checked, mended, confirmed; and a file made to fell the
//! server, which lives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::access::Role;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::{Stage, on_both};
use tower::ServiceExt;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

struct Office {
    router: Router,
    runtime: tokio::runtime::Runtime,
    cookie: String,
}

impl Office {
    fn of(stage: &Stage) -> Office {
        let csv = std::fs::read_to_string(data("divisions/liaocheng_edz_units_2023.csv"));
        let units = app::registry::areas::read(&csv.expect("the list")).expect("the list");
        let request = app::registry::areas::ImportAreas {
            key: stage.id(),
            zone: "Zone".to_owned(),
            units,
            person: None,
            at: stage.now(),
        };
        stage.write(move |tx| app::registry::areas::import(tx, &request)).expect("areas");
        let who: Who = stage.person("office", Role::ZoneOfficer, Some("001"));
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = web::now();
        stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, who.person, hash, now))
            .expect("a session");
        let server = web::Server::new(stage.app.clone(), env!("CARGO_BIN_EXE_siji").into());
        Office {
            router: web::router(Arc::new(server)),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            cookie: format!("siji={token}"),
        }
    }

    fn ask(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("a body");
            (status, body.to_bytes().to_vec())
        })
    }

    fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "application/json");
        self.ask(request.body(Body::empty()).expect("a request"))
    }

    fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> StatusCode {
        let request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header("x-csrf-token", web::form_token(&self.cookie))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, kind);
        self.ask(request.body(Body::from(body)).expect("a request")).0
    }

    /// Sends a file and waits until it was read; the import's page as JSON.
    fn send(&self, file: &[u8]) -> (String, serde_json::Value) {
        // Two stages in one process make the same ids; uploads under way are known by theirs.
        let key = domain::id::new(web::now(), web::random()).to_string();
        let mut body = format!(
            "--x\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--x\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"r.xlsx\"\r\n\r\n"
        )
        .into_bytes();
        body.extend(file);
        body.extend(b"\r\n--x--\r\n");
        assert_eq!(self.post("/import", "multipart/form-data; boundary=x", body), StatusCode::OK);
        let page = self.settled(&key);
        (key, page)
    }

    fn settled(&self, key: &str) -> serde_json::Value {
        for _ in 0..600 {
            let (_, body) = self.get(&format!("/import/{key}"));
            let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            if page["rows_read"].is_null() {
                return page;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("the import never ended");
    }
}

#[test]
fn sent_checked_marked_and_confirmed() {
    on_both(|stage| {
        let office = Office::of(stage);
        let messy = std::fs::read(data("register/register-messy.xlsx")).expect("the sample");
        let (key, page) = office.send(&messy);
        assert_eq!(page["state"], "refused", "{}", stage.engine);
        assert_eq!(page["report"]["errors"], 22);
        let apply = format!("key={}", stage.id()).into_bytes();
        let form = "application/x-www-form-urlencoded";
        let refused = office.post(&format!("/import/{key}/apply"), form, apply);
        assert_eq!(refused, StatusCode::CONFLICT);
        let (status, marked) = office.get(&format!("/import/{key}/marked"));
        assert_eq!(status, StatusCode::OK);
        let (_, again) = office.send(&marked);
        assert_eq!(again["report"]["errors"], 22);

        let right = std::fs::read(data("register/register-2019.xlsx")).expect("the sample");
        let (key, page) = office.send(&right);
        assert_eq!(page["state"], "checked");
        let confirm = format!("key={}", stage.id()).into_bytes();
        let confirmed = office.post(&format!("/import/{key}/apply"), form, confirm);
        assert_eq!(confirmed, StatusCode::OK);
        assert_eq!(office.settled(&key)["state"], "applied");
        let (_, list) = office.get("/households?q=%E6%9D%8E%E6%83%B3%E6%9D%B0");
        let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
        assert_eq!(list["total"], 1);
        assert_eq!(list["households"][0]["number"], "37150082530000000");
        // The file has done its work and is not kept.
        assert_eq!(office.get(&format!("/import/{key}/marked")).0, StatusCode::NOT_FOUND);
    });
}

#[test]
fn two_cells_at_the_corners_and_the_server_answers() {
    let stage = Stage::sqlite();
    let office = Office::of(&stage);
    let mut book = rust_xlsxwriter::Workbook::new();
    let page = book.add_worksheet();
    page.write(0, 0, "A1").expect("a cell");
    page.write(1_048_575, 16_383, "XFD1048576").expect("a cell");
    let (_, page) = office.send(&book.save_to_buffer().expect("a workbook"));
    assert_eq!(page["state"], "failed");
    assert_eq!(page["report"]["unreadable"], "too-many-rows");
    assert_eq!(office.get("/import").0, StatusCode::OK);
}
