//! Coming in through the real router: by a one-time code, by password, by the code of a second
//! factor; what is closed until then.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use domain::access::Role;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::Stage;
use tower::ServiceExt;
use web::Server;

const PASSWORD: &str = "plum-kettle-orbit-9";

struct House {
    stage: Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    secure: bool,
}

struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
    text: String,
}

impl Told {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

/// A browser with its cookies.
#[derive(Default)]
struct Browser(BTreeMap<String, String>);

impl House {
    fn new(secure: bool) -> House {
        let stage = Stage::sqlite();
        let mut server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        if secure {
            server.public_url = Some("https://siji.test".into());
        }
        server.secure_cookies = secure;
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        House { stage, router, runtime, secure }
    }

    fn ask(&self, browser: &mut Browser, path: &str, sent: Option<&Value>, accept: &str) -> Told {
        let cookies: Vec<_> = browser.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut request = Request::builder()
            .method(if sent.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
            .header(header::COOKIE, cookies.join("; "));
        if sent.is_some() {
            let scheme = if self.secure { "https" } else { "http" };
            request = request
                .header(header::ORIGIN, format!("{scheme}://siji.test"))
                .header(header::CONTENT_TYPE, "application/json");
        }
        let body = sent.map_or_else(Body::empty, |v| Body::from(v.to_string()));
        let request = request.body(body).expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            for cookie in parts.headers.get_all(header::SET_COOKIE) {
                let cookie = cookie.to_str().expect("a cookie");
                let (name, rest) = cookie.split_once('=').expect("a name");
                let value = rest.split(';').next().unwrap_or("");
                browser.0.insert(name.to_owned(), value.to_owned());
            }
            Told {
                status: parts.status,
                headers: parts.headers,
                body: serde_json::from_slice(&body).unwrap_or_default(),
                text: String::from_utf8_lossy(&body).into_owned(),
            }
        })
    }

    fn post(&self, browser: &mut Browser, path: &str, sent: Value) -> Told {
        self.ask(browser, path, Some(&sent), "application/json")
    }

    fn get(&self, browser: &mut Browser, path: &str) -> Told {
        self.ask(browser, path, None, "application/json")
    }

    fn page(&self, browser: &mut Browser, path: &str) -> (StatusCode, String) {
        let told = self.ask(browser, path, None, "text/html");
        let to = told.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
        (told.status, to.unwrap_or("").to_owned())
    }

    /// The zone's first security administrator, by the one-time code, signed in.
    fn founded(&self) -> Browser {
        let found = app::access::Found {
            key: self.stage.id(),
            zone: "区".into(),
            code_hash: app::access::code_hash("abcd-efgh-jkmn-2345"),
            now: web::now(),
        };
        self.stage.write(move |tx| app::access::found(tx, &found)).expect("a zone");
        let mut browser = Browser::default();
        let mut welcome = json!({
            "key": self.stage.id(), "code": "abcd efgh jkmn 2345", "name": "何静",
            "login": "security", "password": "too-short-9", "again": "too-short-9",
        });
        let told = self.post(&mut browser, "/welcome", welcome.clone());
        assert_eq!((told.status, told.code()), (StatusCode::CONFLICT, "password-too-short"));
        welcome["password"] = PASSWORD.into();
        let told = self.post(&mut browser, "/welcome", welcome.clone());
        assert_eq!(told.code(), "password-differs");
        welcome["again"] = PASSWORD.into();
        assert_eq!(self.post(&mut browser, "/welcome", welcome.clone()).status, StatusCode::OK);
        assert_eq!(self.post(&mut browser, "/welcome", welcome).code(), "code-unknown");
        let told = self.post(&mut browser, "/login", typed(PASSWORD));
        assert_eq!(told.body["second_factor"], "none", "{}", told.body);
        browser
    }
}

#[test]
fn a_way_back_that_nobody_left_by_is_refused_and_logged() {
    let mut house = House::new(true);
    let mut server = Server::new(house.stage.app.clone(), std::path::PathBuf::from("siji"));
    let (issuer, here) = ("http://127.0.0.1:9", "https://siji.test");
    let provider = web::Provider::new(Some("City"), issuer, "siji", "secret", here);
    server.provider = Some(Arc::new(provider.expect("a provider")));
    server.secure_cookies = true;
    house.router = web::router(Arc::new(server));
    let mut browser = Browser::default();
    let told = house.get(&mut browser, "/login/oidc");
    assert_eq!((told.status, told.code()), (StatusCode::SERVICE_UNAVAILABLE, "oidc-silent"));
    let told = house.get(&mut browser, "/login/oidc/back?error=access_denied&state=a&iss=b");
    assert_eq!((told.status, told.code()), (StatusCode::CONFLICT, "oidc-declined"));
    let sent = json!({ "code": "a", "state": "a" });
    for kept in ["", "state=a", "state=b&nonce=a&verifier=a&next=/"] {
        browser.0.insert("__Host-siji-oidc".into(), kept.into());
        let told = house.post(&mut browser, "/login/oidc/finish", sent.clone());
        assert_eq!((told.status, told.code()), (StatusCode::CONFLICT, "oidc-state"), "{kept}");
    }
    let lines = house.stage.read::<_, app::Never>(|tx| {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log \
                   WHERE kind = 'refusal' AND verb = 'access.finish' AND code = 'oidc-state'";
        Ok(tx.one(sql, &store::args![], |r| r.int(0))?)
    });
    assert_eq!(lines.expect("the log"), 3);
}

fn typed(password: &str) -> Value {
    json!({ "login": "security", "password": password })
}

/// What an authenticator shows so many seconds from now.
fn code_in(secret: &str, seconds: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("a secret");
    let totp =
        totp_rs::Builder::new().with_secret(secret).with_account_name("a").build().expect("totp");
    totp.generate(u64::try_from(web::now() / 1000 + seconds).expect("a moment")).to_string()
}

#[test]
fn an_administrator_may_not_act_before_a_second_factor_and_signs_in_with_it_from_then_on() {
    let house = House::new(false);
    let mut browser = house.founded();
    let told = house.get(&mut browser, "/people");
    assert_eq!((told.status, told.code()), (StatusCode::FORBIDDEN, "factor-first"));
    let (status, to) = house.page(&mut browser, "/people?q=a");
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(to, "/account/factor?next=%2Fpeople%3Fq%3Da");

    // Setting it up takes the password again.
    let told = house.post(&mut browser, "/account/factor", json!({ "password": "not this one" }));
    assert_eq!(told.code(), "login-wrong");
    let told = house.post(&mut browser, "/account/factor", json!({ "password": PASSWORD }));
    let secret = told.body["secret"].as_str().expect("a secret").to_owned();
    let confirm = json!({ "key": house.stage.id(), "code": code_in(&secret, 0) });
    let told = house.post(&mut browser, "/account/factor/confirm", confirm);
    assert_eq!(told.body["recovery_codes"].as_array().map(Vec::len), Some(10));
    assert_eq!(house.page(&mut browser, "/people").0, StatusCode::OK);

    // Out, and in again: the password alone opens nothing.
    assert_eq!(house.post(&mut browser, "/logout", json!({})).status, StatusCode::OK);
    let told = house.post(&mut browser, "/login", typed(PASSWORD));
    assert_eq!(told.body["second_factor"], "asked");
    let asked = browser.0["siji"].clone();
    assert_eq!(house.get(&mut browser, "/").status, StatusCode::UNAUTHORIZED);
    let told = house.post(&mut browser, "/login/code", json!({ "code": "000000" }));
    assert_eq!((told.status, told.code()), (StatusCode::CONFLICT, "login-code-wrong"));
    let told = house.post(&mut browser, "/login/code", json!({ "code": code_in(&secret, 30) }));
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    assert_ne!(browser.0["siji"], asked, "the token changes with the rights");
    assert_eq!(house.page(&mut browser, "/people").0, StatusCode::OK);
    let mut old = Browser([("siji".to_owned(), asked)].into());
    assert_eq!(house.get(&mut old, "/").status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_stolen_cookie_opens_nothing_after_sign_out_and_a_new_password() {
    let house = House::new(false);
    let mut browser = house.founded();
    let mut thief = Browser([("siji".to_owned(), browser.0["siji"].clone())].into());
    assert_eq!(house.page(&mut thief, "/account").0, StatusCode::OK);
    // From another desk the owner changes the password; the old one is asked for.
    let mut desk = Browser::default();
    house.post(&mut desk, "/login", typed(PASSWORD));
    let mut change = json!({
        "key": house.stage.id(), "old": "not this one", "password": "another-orbit-kettle-8",
        "again": "another-orbit-kettle-8",
    });
    assert_eq!(house.post(&mut desk, "/account/password", change.clone()).code(), "login-wrong");
    change["old"] = PASSWORD.into();
    assert_eq!(house.post(&mut desk, "/account/password", change).status, StatusCode::OK);
    assert_eq!(house.get(&mut thief, "/").status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get(&mut browser, "/").status, StatusCode::UNAUTHORIZED);
    // And after signing out.
    let mut thief = Browser([("siji".to_owned(), desk.0["siji"].clone())].into());
    assert_eq!(house.page(&mut thief, "/account").0, StatusCode::OK);
    house.post(&mut desk, "/logout", json!({}));
    assert_eq!(house.get(&mut thief, "/").status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_token_that_somebody_planted_is_not_the_one_a_session_gets() {
    let house = House::new(false);
    house.founded();
    let planted = "a".repeat(64);
    let mut browser = Browser([("siji".to_owned(), planted.clone())].into());
    house.post(&mut browser, "/login", typed(PASSWORD));
    assert_ne!(browser.0["siji"], planted);
    let mut thief = Browser([("siji".to_owned(), planted)].into());
    assert_eq!(house.get(&mut thief, "/").status, StatusCode::UNAUTHORIZED);
}

#[test]
fn cookies_are_closed_and_over_tls_bound_to_this_host() {
    for secure in [false, true] {
        let house = House::new(secure);
        house.founded();
        let mut browser = Browser::default();
        let told = house.post(&mut browser, "/login", typed(PASSWORD));
        let set: Vec<&str> = told
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect();
        assert_eq!(set.len(), 2, "{set:?}");
        for cookie in set {
            assert_eq!(cookie.starts_with("__Host-siji"), secure, "{cookie}");
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
            for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
}

#[test]
fn a_password_that_is_due_comes_before_everything_else() {
    let house = House::new(false);
    let mut browser = house.founded();
    let officer = house.stage.person("孙丽", Role::ZoneOfficer, Some("001"));
    let person = officer.person;
    house
        .stage
        .write::<_, app::Never>(move |tx| {
            store::access::set_setting(tx, "password_profile", "dengbao3")?;
            let ago = web::now() - 91 * 86_400_000;
            let sql = "UPDATE person SET password_at = $1 WHERE id <> $2";
            tx.exec(sql, &store::args![ago, person])?;
            Ok(())
        })
        .expect("ninety-one days go by");
    let (status, to) = house.page(&mut browser, "/scheme");
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/account?next=%2Fscheme"));
    assert_eq!(house.get(&mut browser, "/").code(), "password-first");
    assert_eq!(house.page(&mut browser, "/account").0, StatusCode::OK);
    assert_eq!(house.post(&mut browser, "/logout", json!({})).status, StatusCode::OK);
}

#[test]
fn my_account_shows_who_i_am_at_the_provider() {
    let house = House::new(false);
    let mut browser = house.founded();
    let account = |browser: &mut Browser| {
        let told = house.ask(browser, "/account", None, "text/html");
        assert_eq!(told.status, StatusCode::OK);
        told.text
    };
    assert!(!account(&mut browser).contains("对应时间"));
    let since = web::now();
    house
        .stage
        .write::<_, app::Never>(move |tx| {
            let (person, _) = store::access::find_by_login(tx, "security")?.expect("somebody");
            store::access::set_subject(tx, person.id, Some("https://id.test/a#<b>7"), since)?;
            Ok(())
        })
        .expect("a link");
    let page = account(&mut browser);
    for words in ["统一登录", "<dd>https://id.test/a</dd>", "<dd>&#60;b&#62;7</dd>", "对应时间"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
}
