//! More people than can be served: each kind of work at its bound, through the real router over a
//! database that does not answer until it is let go on. No clock has a part in it.

use std::collections::BTreeSet;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use app::{Never, Reach};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use domain::access::Role;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::Stage;
use tokio::sync::watch;
use tower::ServiceExt;
use web::{Limits, Places, Route, Server, Work};

const LONG: Duration = Duration::from_secs(60);
const FORM: &str = "application/x-www-form-urlencoded";

/// A server whose database can be made to wait.
struct House {
    stage: Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    cookie: String,
}

type Asked = Pin<Box<dyn Future<Output = Response>>>;

impl House {
    fn new(places: usize, wait: Duration) -> House {
        House::on(Stage::sqlite(), places, wait)
    }

    fn on(stage: Stage, places: usize, wait: Duration) -> House {
        stage.area("001", "zone", "Zone");
        let who = stage.person("office", Role::ZoneOfficer, Some("001"));
        let hash: [u8; 32] = Sha256::digest(b"token").into();
        stage
            .write::<_, Never>(move |tx| app::access::sign_in(tx, who.person, hash, web::now()))
            .expect("a session");
        let mut server = Server::new(stage.app.clone(), "siji".into());
        let n = places;
        let places = Places {
            public: n,
            read: n,
            write: n,
            sign_in: n,
            heavy: n,
            public_heavy: n,
            watch: n,
        };
        server.limits = Limits { places, wait, ..Limits::default() };
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        House { stage, router, runtime, cookie: "siji=token".to_owned() }
    }

    /// Every reader waits until the answer is dropped.
    fn stop_the_readers(&self) -> watch::Sender<()> {
        let (go_on, stopped) = watch::channel(());
        let readers = self.stage.options.readers;
        let (begin, begun) = std::sync::mpsc::channel();
        for _ in 0..readers {
            let (app, stopped, begin) = (self.stage.app.clone(), stopped.clone(), begin.clone());
            std::thread::spawn(move || {
                let held = app.read::<_, Never>(Reach::System, move |_| {
                    let _ = begin.send(());
                    let mut stopped = stopped.clone();
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    let runtime = runtime.expect("a runtime");
                    let _ = runtime.block_on(stopped.changed());
                    Ok(())
                });
                held.wait()
            });
        }
        for _ in 0..readers {
            begun.recv_timeout(LONG).expect("a reader waits");
        }
        go_on
    }

    fn request(&self, method: &Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, &self.cookie)
            .header("x-csrf-token", web::form_token(&self.cookie))
            .header(header::CONTENT_TYPE, FORM)
    }

    fn ask(&self, route: &Route) -> Asked {
        let request = self.request(&route.method, &path_of(route)).body(Body::empty());
        let asked = self.router.clone().oneshot(request.expect("a request"));
        Box::pin(async move { asked.await.expect("an answer") })
    }

    /// Goes as far as it can; the answer, if it is there.
    fn push(&self, asked: &mut Asked) -> Option<Response> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                told = asked => Some(told),
                () = ready(()) => None,
            }
        })
    }

    fn text(&self, told: Response) -> String {
        let body = self.runtime.block_on(told.into_body().collect()).expect("a body");
        String::from_utf8_lossy(&body.to_bytes()).into_owned()
    }
}

/// With an id in each place of its path that nobody has.
fn path_of(route: &Route) -> String {
    let id = domain::id::new(1, [9; 10]).to_string();
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { &id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn of(work: Work) -> Vec<Route> {
    web::routes().into_iter().filter(|route| route.work == work).collect()
}

const COUNTED: [Work; 7] = [
    Work::Public,
    Work::Read,
    Work::Write,
    Work::SignIn,
    Work::Heavy,
    Work::PublicHeavy,
    Work::Watch,
];

#[test]
fn each_kind_of_work_has_its_places_and_no_more() {
    const PLACES: usize = 3;
    let house = House::new(PLACES, Duration::ZERO);
    let go_on = house.stop_the_readers();
    let mut under_way = Vec::new();
    for work in COUNTED {
        let routes = of(work);
        for n in 0..PLACES {
            let mut asked = house.ask(&routes[n % routes.len()]);
            let told = house.push(&mut asked);
            assert!(told.is_none(), "{work:?}: {n} are let in, and wait for the database");
            under_way.push(asked);
        }
        for route in &routes {
            let told = house.push(&mut house.ask(route)).expect("told at once");
            assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", route.name);
        }
    }
    drop(go_on);
    for asked in under_way {
        let told = house.runtime.block_on(asked);
        assert_ne!(told.status(), StatusCode::SERVICE_UNAVAILABLE, "whoever is in is served");
    }
    let told = house.push(&mut house.ask(&of(Work::Slight)[0]));
    assert!(told.is_some());
}

#[test]
fn every_route_is_of_the_work_that_it_is() {
    for route in web::routes() {
        let is_paper = route.path.ends_with(".pdf") || route.path == "/cards/print";
        let is_heavy = matches!(route.work, Work::Heavy | Work::PublicHeavy);
        assert!(is_heavy || !(is_paper || route.path.ends_with("/export")), "{}", route.name);
        let is_known = !matches!(route.needs, web::Needs::Nothing);
        if is_known {
            let kinds = [Work::Read, Work::Write, Work::SignIn, Work::Heavy];
            assert!(kinds.contains(&route.work), "{}: nobody else takes its places", route.name);
        }
        let asks_for_a_password = route.takes.contains(&"password");
        assert!(!asks_for_a_password || route.work == Work::SignIn, "{}", route.name);
    }
}

#[test]
fn the_no_is_said_in_the_words_and_the_form_that_were_asked_for() {
    let house = House::new(0, Duration::ZERO);
    let mut waits = BTreeSet::new();
    let mut told = |method: Method, accept: &str, lang: &str| {
        let request = Request::builder()
            .method(method)
            .uri("/counter")
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, accept)
            .header(header::COOKIE, format!("lang={lang}; siji=nobody"))
            .body(Body::empty());
        let asked = house.router.clone().oneshot(request.expect("a request"));
        let told = house.runtime.block_on(asked).expect("an answer");
        assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE);
        let says = |name: &str| told.headers().get(name).map_or("", |v| v.to_str().expect("text"));
        waits.insert(says("retry-after").parse::<u32>().expect("seconds"));
        assert_eq!(says("cache-control"), "no-store");
        let policy = says("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
        (says("content-type").to_owned(), house.text(told))
    };
    let (zh, en) = ("现在使用的人太多", "Too many are using the system just now");
    for (lang, sentence) in [("zh-CN", zh), ("en", en)] {
        let (kind, page) = told(Method::GET, "text/html", lang);
        assert_eq!(kind, "text/html; charset=utf-8");
        assert!(page.contains(sentence) && page.contains(&format!("lang=\"{lang}\"")), "{page}");
        assert!(page.contains("href=\"\"") && !page.contains("<script"), "{page}");
        // Opening its address again would not send the form again.
        let (_, page) = told(Method::POST, "text/html", lang);
        assert!(page.contains(sentence) && !page.contains("href=\"\""), "{page}");
        for method in [Method::GET, Method::POST] {
            let (kind, text) = told(method, "application/json", lang);
            assert_eq!(kind, "application/problem+json");
            let problem: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&problem["status"], &problem["code"]), (&503.into(), &"crowded".into()));
            assert!(problem["title"].as_str().expect("a title").starts_with(sentence));
        }
    }
    assert!(waits.len() > 1 && waits.iter().all(|s| (1..=3).contains(s)), "{waits:?}");
}

#[test]
fn a_few_wait_for_a_place_and_get_it() {
    let house = House::new(1, LONG);
    let go_on = house.stop_the_readers();
    let list = web::routes().into_iter().find(|r| r.name == "registry.list").expect("a route");
    let [mut first, mut second, mut third] = [(); 3].map(|()| house.ask(&list));
    assert!(house.push(&mut first).is_none(), "it is in");
    assert!(house.push(&mut second).is_none(), "it waits");
    let told = house.push(&mut third).expect("the line is as long as there are places");
    assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(go_on);
    let (first, second) = house.runtime.block_on(async { tokio::join!(first, second) });
    assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
}

#[test]
fn a_slow_database_does_not_pile_up_requests() {
    const PLACES: usize = 20;
    for stage in [Stage::sqlite(), Stage::postgres()] {
        let house = House::on(stage, PLACES, Duration::ZERO);
        let go_on = house.stop_the_readers();
        let list = web::routes().into_iter().find(|r| r.name == "registry.list").expect("a route");
        let (mut under_way, mut refused) = (Vec::new(), 0);
        for _ in 0..2_000 {
            let mut asked = house.ask(&list);
            match house.push(&mut asked) {
                None => under_way.push(asked),
                Some(_) => refused += 1,
            }
        }
        assert_eq!((under_way.len(), refused), (PLACES, 2_000 - PLACES), "{}", house.stage.engine);
        assert_eq!(house.stage.app.db.figures().reads_waiting, PLACES);
        // Half of them lose patience: nothing is looked up for them.
        under_way.truncate(PLACES / 2);
        drop(go_on);
        for asked in under_way {
            let told = house.runtime.block_on(asked);
            assert_eq!(told.status(), StatusCode::OK, "{}", house.stage.engine);
        }
        let told = house.runtime.block_on(house.ask(&list));
        assert_eq!(told.status(), StatusCode::OK, "all places came free");
    }
}
