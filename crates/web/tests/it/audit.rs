//! Every refusal is one line of the log: no more, no less, whatever room it comes from.

use std::sync::Arc;

use app::{Never, Who};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use domain::Id;
use domain::access::Role;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use store::args;
use testkit::{Stage, on_both};
use tower::ServiceExt;
use web::Server;

struct House<'s> {
    stage: &'s Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    household: Id,
}

impl<'s> House<'s> {
    fn new(stage: &'s Stage) -> House<'s> {
        stage.area("001", "zone", "Zone");
        stage.area("001.001", "township", "North");
        stage.area("001.001.001", "village", "First");
        stage.area("001.001.002", "village", "Second");
        let household = stage.household("001.001.001", "H1", "Zhang", true);
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        House { stage, router, runtime, household }
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

    fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: &str,
        form: &str,
        json: bool,
    ) -> Response<Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, if json { "application/json" } else { "text/html" })
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, cookie)
            .header("x-csrf-token", web::form_token(cookie))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .expect("a request");
        self.runtime.block_on(self.router.clone().oneshot(request)).expect("an answer")
    }

    fn text(&self, response: Response<Body>) -> String {
        let body = self.runtime.block_on(response.into_body().collect()).expect("a body");
        String::from_utf8_lossy(&body.to_bytes()).into_owned()
    }

    fn lines(&self) -> i64 {
        self.stage
            .read::<_, Never>(|tx| {
                let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log WHERE kind = 'refusal'";
                Ok(tx.one(sql, &args![], |r| r.int(0))?)
            })
            .expect("a number")
    }

    /// (verb, code, person, household) of the newest refusal.
    fn newest(&self) -> (String, String, Option<Id>, Option<Id>) {
        self.stage
            .read::<_, Never>(|tx| {
                let sql = "SELECT verb, code, person, household FROM audit_log \
                           WHERE kind = 'refusal' ORDER BY seq DESC LIMIT 1";
                Ok(tx.one(sql, &args![], |r| {
                    Ok((r.text(0)?, r.text(1)?, r.opt_id(2)?, r.opt_id(3)?))
                })?)
            })
            .expect("a line")
    }
}

#[test]
fn each_refusal_is_one_line() {
    on_both(|stage| {
        let house = House::new(stage);
        let other = stage.person("Li", Role::VillageCommittee, Some("001.001.002"));
        let cookie = house.signed_in(&other);
        let (get, post) = (Method::GET, Method::POST);
        let household = house.household;
        let own = format!("/households/{household}");
        let nobody = stage.id();
        let cases = [
            (&get, own.clone(), "", 404, "reports.household", "not-found", Some(household)),
            (
                &get,
                format!("/households/{nobody}"),
                "",
                404,
                "reports.household",
                "not-found",
                Some(nobody),
            ),
            (&get, "/people".into(), "", 403, "access.people", "not-allowed", None),
            (&get, "/audit".into(), "", 403, "reports.log", "not-allowed", None),
            (&get, format!("{own}/seen"), "", 403, "reports.seen", "not-allowed", Some(household)),
            (
                &post,
                format!("/objections/{nobody}/answer"),
                "",
                404,
                "posting.answer",
                "not-found",
                None,
            ),
        ];
        for (method, path, form, status, verb, code, about) in cases {
            for json in [false, true] {
                let before = house.lines();
                let answer = house.ask(method.clone(), &path, &cookie, form, json);
                assert_eq!(answer.status().as_u16(), status, "{path}");
                assert_eq!(house.lines(), before + 1, "{} {path}", stage.engine);
                let line = house.newest();
                assert_eq!((line.0.as_str(), line.1.as_str()), (verb, code), "{path}");
                assert_eq!((line.2, line.3), (Some(other.person), about), "{path}");
            }
        }
        // What is answered, badly asked, or asked by a stranger who wants nothing is no line.
        let before = house.lines();
        for (method, path, form, cookie, status) in [
            (&get, "/households", "", cookie.as_str(), 200),
            (&get, "/nowhere", "", cookie.as_str(), 404),
            (&get, "/households?page=1&page=2", "", cookie.as_str(), 400),
            (&get, own.as_str(), "", "", 401),
            (&get, "/nowhere", "", "", 404),
            (&get, &format!("/p/{nobody}"), "", "", 404),
        ] {
            let answer = house.ask(method.clone(), path, cookie, form, true);
            assert_eq!(answer.status().as_u16(), status, "{path}");
            assert_eq!(house.lines(), before, "{} {path}", stage.engine);
        }
    });
}

#[test]
fn a_refused_command_and_a_failed_login_are_lines() {
    on_both(|stage| {
        let house = House::new(stage);
        let admin = stage.person("Sun", Role::SystemAdmin, Some("001"));
        let cookie = house.signed_in(&admin);
        let form = format!("key={}&name=&unit=", stage.id());
        let answer = house.ask(Method::POST, "/people", &cookie, &form, false);
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert_eq!(house.lines(), 1, "{}", stage.engine);
        assert_eq!(house.newest().1, "person-name-missing");

        for (n, json) in [false, true].into_iter().enumerate() {
            let form = "login=sun&password=not-it-at-all";
            let answer = house.ask(Method::POST, "/login", "", form, json);
            assert_eq!(answer.status(), StatusCode::CONFLICT);
            assert_eq!(house.lines(), 2 + n as i64, "{}", stage.engine);
            let (verb, code, person, _) = house.newest();
            assert_eq!(
                (verb.as_str(), code.as_str(), person),
                ("access.sign_in", "login-wrong", None)
            );
        }
        let typed = stage
            .read::<_, Never>(|tx| {
                let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log WHERE note IS NOT NULL";
                Ok(tx.one(sql, &args![], |r| r.int(0))?)
            })
            .expect("a number");
        assert_eq!(typed, 0, "nothing of what was typed is kept");
    });
}

/// As many lines as refusals, over every route there is, asked for with an id of another village.
#[test]
fn as_many_lines_as_refusals() {
    let stage = Stage::sqlite();
    let house = House::new(&stage);
    let mut refused = 0;
    for role in [Role::VillageCommittee, Role::StoreKeeper, Role::Auditor] {
        let who = stage.person(role.code(), role, Some("001.001.002"));
        let cookie = house.signed_in(&who);
        // A style sheet is asked for by nobody.
        let routes = web::routes().into_iter().filter(|r| !r.is_alone);
        for route in routes.filter(|r| r.name != "access.sign_out") {
            let parts = route.path.split('/').map(|part| match part.starts_with('{') {
                true => house.household.to_string(),
                false => part.to_owned(),
            });
            let path = parts.collect::<Vec<_>>().join("/");
            let answer = house.ask(route.method.clone(), &path, &cookie, "", true);
            refused += i64::from([403, 404, 409, 429].contains(&answer.status().as_u16()));
            assert_eq!(house.lines(), refused, "{} {}", role.code(), route.name);
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn the_auditor_reads_the_log_and_the_household_s_own() {
    on_both(|stage| {
        let house = House::new(stage);
        let auditor = stage.person("Qian", Role::Auditor, Some("001"));
        let cookie = house.signed_in(&auditor);
        let (who, household) = (stage.now_as(&auditor), house.household);
        stage
            .write::<_, Never>(move |tx| {
                Ok(app::audit::revealed(tx, &who, household, "phone", "<b>call</b>")?)
            })
            .expect("a reveal");
        for lang in ["zh", "en"] {
            let cookie = format!("{cookie}; lang={lang}");
            let path = "/audit?person=Qian&household=H1&what=reveal&from=2020-01-01&to=2099-01-01&area=001";
            let log = house.ask(Method::GET, path, &cookie, "", false);
            assert_eq!(log.status(), StatusCode::OK);
            let page = house.text(log);
            assert!(page.contains("&#60;b&#62;call") && page.contains(">H1</a>"), "{page}");
            assert!(!page.contains('⟦'), "{page}");
            let path = format!("/households/{household}/seen");
            let page = house.text(house.ask(Method::GET, &path, &cookie, "", false));
            assert!(page.contains("&#60;b&#62;call") && !page.contains('⟦'), "{page}");
        }
        let log = house.text(house.ask(Method::GET, "/audit?what=login", &cookie, "", true));
        assert!(log.contains("\"total\":1"), "{log}");
        let bad = house.ask(Method::GET, "/audit?from=yesterday", &cookie, "", true);
        assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
    });
}
