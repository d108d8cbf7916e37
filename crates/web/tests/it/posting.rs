//! The wall through the real router: hang a list, see it as a stranger, object, answer.

use std::sync::Arc;

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain::posting::merkle;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::Stage;
use testkit::month::Village;
use tower::ServiceExt;
use web::Server;

/// The pages of a village whose list can be hung today.
pub struct Wall<'s> {
    pub village: Village<'s>,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

pub struct Page {
    pub status: StatusCode,
    pub location: String,
    pub body: String,
}

impl<'s> Wall<'s> {
    pub fn new(stage: &'s Stage) -> Wall<'s> {
        let village = Village::reviewed(stage, &["张三", "欧阳四海"]);
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Wall { village, router: web::router(Arc::new(server)), runtime }
    }

    pub fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}{:x}", who.person, self.village.stage.id());
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.village
            .stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    pub fn ask(&self, method: Method, path: &str, cookie: &str, form: &[(&str, &str)]) -> Page {
        let encode = |s: &str| -> String { s.bytes().map(|b| format!("%{b:02X}")).collect() };
        let form: Vec<_> =
            form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, cookie)
            .header("x-csrf-token", web::form_token(cookie))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.join("&")))
            .expect("a request");
        self.send(request)
    }

    fn send(&self, request: Request<Body>) -> Page {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let location = answer.headers().get(header::LOCATION);
            let location = location.map_or("", |l| l.to_str().unwrap_or("")).to_owned();
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            Page { status, location, body: String::from_utf8_lossy(&body).into_owned() }
        })
    }

    pub fn get(&self, path: &str, cookie: &str) -> Page {
        self.ask(Method::GET, path, cookie, &[])
    }

    /// As a program asks.
    fn get_json(&self, path: &str) -> Page {
        let request = Request::builder()
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, "application/json");
        self.send(request.body(Body::empty()).expect("a request"))
    }

    /// Hangs the list from today on; the path of its public page.
    fn hang(&self) -> String {
        let cookie = self.signed_in(&self.village.committee);
        let key = self.village.stage.id().to_string();
        let today = domain::local_date(web::now()).to_string();
        let form = [
            ("key", key.as_str()),
            ("place", "村委会公示栏"),
            ("contact", "村委会 0635-8511234"),
            ("from", today.as_str()),
        ];
        let path = format!("/batches/{}/posting", self.village.batch);
        let page = self.ask(Method::POST, &path, &cookie, &form);
        assert_eq!(
            (page.status, page.location),
            (StatusCode::SEE_OTHER, format!("{path}?done=posted"))
        );
        format!("/p/{key}")
    }
}

#[test]
fn a_list_hangs_from_a_day_and_from_nothing_else() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    let cookie = wall.signed_in(&wall.village.committee);
    let path = format!("/batches/{}/posting", wall.village.batch);
    let today = domain::local_date(web::now()).to_string();
    let key = stage.id().to_string();
    for from in [format!("{today}T10:00"), today.replace('-', ""), format!("+00{today}")] {
        let form =
            [("key", &*key), ("place", "公示栏"), ("contact", "0635-8511234"), ("from", &from)];
        let page = wall.ask(Method::POST, &path, &cookie, &form);
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{from}");
    }
}

#[test]
fn a_stranger_sees_the_masked_list_and_nothing_else() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    let page = wall.hang();
    for path in [page.clone(), format!("{page}/print"), "/p".to_owned()] {
        let shown = wall.get(&path, "");
        assert_eq!(shown.status, StatusCode::OK, "{path}");
        assert!(!shown.body.contains('⟦'), "{path} lacks a text: {}", shown.body);
        assert!(shown.body.contains("张庄村"), "{path}");
        assert!(!shown.body.contains("张三") && !shown.body.contains("四海"), "{path}");
    }
    assert!(wall.get(&page, "").body.contains("欧阳**"));
    assert!(wall.get(&format!("{page}/print"), "").body.contains("<svg"));
    let english = wall.get(&page, "lang=en").body;
    assert!(!english.contains('⟦') && english.contains("Publicity period"), "{english}");

    let text = wall.get(&format!("{page}/posting.txt"), "").body;
    let root = domain::posting::body::hex(&merkle::root_of_text(text.as_bytes()));
    assert!(wall.get(&page, "").body.contains(&root), "anybody gets the root of the page");

    assert!(wall.get("/p?q=%E5%BC%A0%E5%BA%84", "").body.contains(&page));
    assert!(!wall.get("/p?q=%E5%BC%A0%E4%B8%89", "").body.contains(&page), "no search by person");
    assert_eq!(wall.get("/p/not-an-id", "").status, StatusCode::NOT_FOUND);
}

#[test]
fn an_objection_from_the_page_to_the_answer() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    let page = wall.hang();
    let objections = format!("{page}/objections");
    let key = stage.id().to_string();
    let object = |more: &[(&str, &str)]| {
        let form = [&[("key", key.as_str()), ("serial", "1")], more].concat();
        wall.ask(Method::POST, &objections, "", &form)
    };
    let machine = object(&[("text", "buy"), ("website", "http://x")]);
    assert_eq!(machine.status, StatusCode::BAD_REQUEST);
    let empty = object(&[("text", " ")]);
    assert_eq!(empty.status, StatusCode::CONFLICT);
    let filed = object(&[("text", "院子是干净的"), ("contact", "13800138000")]);
    assert_eq!(filed.status, StatusCode::SEE_OTHER, "{}", filed.body);
    assert_eq!(
        object(&[("text", "院子是干净的"), ("contact", "13800138000")]).location,
        filed.location
    );
    let looked_up = wall.get(&filed.location, "").body;
    assert!(looked_up.contains("待答复") && !looked_up.contains("13800138000"), "{looked_up}");
    assert_eq!(wall.get("/answers?code=NOSUCH", "").status, StatusCode::NOT_FOUND);
    let told = wall.get_json("/answers?code=NOSUCH");
    assert_eq!(told.status, StatusCode::NOT_FOUND);
    assert!(told.body.contains("\"code\":\"not-found\""), "{}", told.body);

    let officer = wall.signed_in(&wall.village.officer);
    let committee = wall.signed_in(&wall.village.committee);
    let detail = format!("/objections/{key}");
    let list = wall.get("/objections?standing=open", &committee);
    assert!(list.body.contains(&detail) && !list.body.contains('⟦'), "{}", list.body);
    assert!(!wall.get(&detail, &officer).body.contains("13800138000"));
    let shown = wall.get(&detail, &committee).body;
    assert!(shown.contains("***") && !shown.contains("13800138000"), "{shown}");
    assert!(!shown.contains('⟦'), "{shown}");
    let asked = [("field", "contact"), ("reason", "objection")];
    let path = format!("{detail}/reveal");
    let without = wall.ask(Method::POST, &path, &committee, &asked);
    assert_eq!(without.status, StatusCode::CONFLICT, "no reason in words");
    let asked = [&asked[..], &[("words", "回电核实")]].concat();
    let revealed = wall.ask(Method::POST, &path, &committee, &asked).body;
    assert!(revealed.contains("13800138000") && !revealed.contains('⟦'), "{revealed}");
    let theirs = wall.ask(Method::POST, &path, &officer, &asked);
    assert_eq!(theirs.status, StatusCode::FORBIDDEN, "may be the one objected to");
    let neighbour = wall.signed_in(&wall.village.neighbour);
    assert_eq!(wall.get(&detail, &neighbour).status, StatusCode::NOT_FOUND);

    let answer = |fields: &[(&str, &str)]| {
        let key = stage.id().to_string();
        let form = [&[("key", key.as_str()), ("text", "已复核")], fields].concat();
        wall.ask(Method::POST, &format!("{detail}/answer"), &committee, &form)
    };
    assert_eq!(answer(&[("verdict", "upheld")]).status, StatusCode::CONFLICT);
    let items: Vec<(String, &str)> = testkit::month::FULL
        .split(';')
        .filter_map(|mark| mark.split_once(' '))
        .map(|(item, points)| (format!("item-{item}"), if item == "C1" { "6" } else { points }))
        .collect();
    let mut fields = vec![("verdict", "upheld"), ("outcome", "assessed")];
    fields.extend(items.iter().map(|(name, points)| (name.as_str(), *points)));
    let answered = answer(&fields);
    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    assert!(wall.get(&filed.location, "").body.contains("成立，已更正"));
    assert!(wall.get("/p", "").body.contains("更正公示"));

    let batch = wall.get(&format!("/batches/{}/posting", wall.village.batch), &committee);
    assert!(!batch.body.contains('⟦') && batch.body.contains("更正公示"), "{}", batch.body);
    let certify = format!("/batches/{}/certification", wall.village.batch);
    let early = wall.ask(Method::POST, &certify, &committee, &[("key", &stage.id().to_string())]);
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert!(early.body.contains("还有 2 张名单在公示"), "{}", early.body);
}

#[test]
fn anybody_gets_the_log_and_the_proof_of_what_hangs() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    assert!(wall.get("/log/checkpoint", "").body.contains("\n0\n"), "the empty log is told too");
    assert_eq!(wall.get("/log/tile/0/000.p/1", "").status, StatusCode::NOT_FOUND);
    let page = wall.hang();

    let note = wall.get("/log/checkpoint", "");
    let keys = app::posting::log_keys(&testkit::keys());
    let curves = store::posting::log::Curves;
    let text = domain::posting::log::open(&note.body, &keys, &curves).expect("signed").text;
    let checkpoint = domain::posting::log::Checkpoint::read(text).expect("a checkpoint");
    assert_eq!(checkpoint.size, 1);
    for (path, status) in [
        ("/log/tile/0/000.p/1", 200),
        ("/log/tile/entries/000.p/1", 200),
        ("/log/tile/0/000", 404),
        ("/log/tile/0/000.p/2", 404),
        ("/log/tile/1/000.p/1", 404),
        ("/log/tile/0/0", 404),
        ("/log/tile/entries/..%2f..%2fcheckpoint", 404),
        ("/log/tile/", 404),
        ("/log/entries", 404),
        ("/log", 404),
    ] {
        assert_eq!(wall.get(path, "").status.as_u16(), status, "{path}");
    }

    // The short form is on the page, on the paper, and in the proof.
    let short = checkpoint.short();
    for path in [page.clone(), format!("{page}/print")] {
        assert!(wall.get(&path, "").body.contains(&short), "{path}");
    }
    let proof = wall.get(&format!("{page}/proof.json"), "");
    assert_eq!(proof.status, StatusCode::OK);
    assert!(!proof.body.contains("张三") && proof.body.contains("张**"), "{}", proof.body);
    let id = page.trim_start_matches("/p/");
    for lang in ["lang=zh", "lang=en"] {
        let check = wall.get(&format!("/check?p={id}"), lang).body;
        assert!(
            check.contains(&keys[0].to_string().replace('+', "&#43;"))
                || check.contains(&keys[0].to_string()),
            "{check}"
        );
        assert!(check.contains(&format!("/p/{id}/proof.json")) && !check.contains('⟦'), "{check}");
    }
    let nobody = wall.get("/check?p=%22%3E%3Cscript", "").body;
    assert!(!nobody.contains("\"><script"), "{nobody}");
}

#[test]
fn the_proof_goes_when_the_term_ends() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    let path = format!("{}/proof.json", wall.hang());
    let id: domain::Id = path.split('/').nth(2).expect("an id").parse().expect("an id");
    let village = wall.village.township.scope(domain::access::Permission::ReadHouseholds);
    let at = |days: i64, scope: Option<domain::access::Scope>| {
        let day = domain::local_date(web::now()).saturating_add(jiff::Span::new().days(days));
        stage.read(move |tx| app::posting::proof_file(tx, scope.as_ref(), id, day)).is_ok()
    };
    assert!(at(0, None) && at(5, None));
    assert!(!at(6, None) && !at(-1, None), "for nobody outside its term");
    assert!(at(6, Some(village)), "the village's own officers still have it");
    assert_eq!(wall.get(&path, "").status, StatusCode::OK);
}

#[test]
fn a_kept_page_is_each_readers_own_and_never_old() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    let page = wall.hang();
    let (first, second) = (wall.get(&page, "").body, wall.get(&page, "").body);
    let between = |body: &str, start: &str| {
        let from = body.find(start).expect("it is there") + start.len();
        body[from..].split('"').next().unwrap_or_default().to_owned()
    };
    for start in ["nonce=\"", "name=\"key\" value=\""] {
        let (one, other) = (between(&first, start), between(&second, start));
        assert!(one.len() >= 32 && one != other, "{start} {one}");
    }
    assert_eq!(first.len(), second.len());
    assert!(wall.get(&page, "lang=en").body.contains("Publicity period"));
    let signed_in = wall.signed_in(&wall.village.officer);
    let theirs = wall.get(&page, &signed_in).body;
    assert!(theirs.contains("/logout") && !wall.get(&page, "").body.contains("/logout"));

    // What is written through this server is seen at once.
    let committee = wall.signed_in(&wall.village.committee);
    let key = stage.id().to_string();
    let object = [("key", key.as_str()), ("serial", "2"), ("text", "院子是干净的")];
    wall.ask(Method::POST, &format!("{page}/objections"), "", &object);
    assert!(!wall.get(&page, "").body.contains("查看更正公示"));
    let again = stage.id().to_string();
    let items: Vec<(String, &str)> = testkit::month::FULL
        .split(';')
        .filter_map(|mark| mark.split_once(' '))
        .map(|(item, points)| (format!("item-{item}"), if item == "C1" { "6" } else { points }))
        .collect();
    let mut fields = vec![("key", again.as_str()), ("text", "已复核")];
    fields.extend([("verdict", "upheld"), ("outcome", "assessed")]);
    fields.extend(items.iter().map(|(name, points)| (name.as_str(), *points)));
    let answered =
        wall.ask(Method::POST, &format!("/objections/{key}/answer"), &committee, &fields);
    assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.body);
    assert!(wall.get(&page, "").body.contains("查看更正公示"));
}
