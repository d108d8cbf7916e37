//! The edge: accepts connections with time limits, knows who asks, guards, answers. The only place
//! that reads the clock and the system's random numbers.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use app::{App, Never, Reach};
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use domain::Millis;
use domain::access::Scope;
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest as _, Sha256};

use crate::ask::{Ask, answer, is_open, see_other, unique};
use crate::page::{Page, Season};
use crate::problem::Problem;
use crate::route::{Needs, Route, Subject};
use crate::texts::Lang;

/// Milliseconds since 1970, UTC.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| Millis::try_from(d.as_millis()).unwrap_or(Millis::MAX))
}

/// Bytes from the system's random source.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source answers");
    bytes
}

/// What all requests share.
pub struct Server {
    pub app: App,
    /// The program that reads workbooks for us: this one.
    pub worker: PathBuf,
    /// `https://…` as villagers reach us, for codes on paper; without it the request's own host.
    pub public_url: Option<String>,
    /// Only over TLS.
    pub secure_cookies: bool,
    /// Refusals of people who are not signed in.
    pub(crate) strangers: crate::audit::Counted,
    zone: OnceLock<String>,
    slots: tokio::sync::Semaphore,
}

impl Server {
    pub fn new(app: App, worker: PathBuf) -> Server {
        Server {
            app,
            worker,
            public_url: None,
            secure_cookies: false,
            strangers: Default::default(),
            zone: OnceLock::new(),
            slots: tokio::sync::Semaphore::new(2),
        }
    }

    /// The name of the zone's topmost area; empty until there is one.
    pub fn zone_name(&self) -> String {
        self.zone.get().cloned().unwrap_or_default()
    }

    /// A place among the few costly computations that may run at once (passwords).
    pub async fn slot(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }
}

pub fn router(server: Arc<Server>) -> Router {
    let mut router = Router::new();
    for route in crate::routes() {
        let method = match route.method {
            Method::GET => MethodFilter::GET,
            _ => MethodFilter::POST,
        };
        let path = route.path;
        let route = Arc::new(route);
        let handler = move |State(server): State<Arc<Server>>,
                            params: RawPathParams,
                            request: Request<Body>| {
            let route = route.clone();
            async move { handle(server, route, params, request).await }
        };
        router = router.route(path, MethodRouter::new().on(method, handler));
    }
    router
        .fallback(|State(server): State<Arc<Server>>, request: Request<Body>| async move {
            let (ask, _) = bare(&server, &request, now());
            let mut told = tell(&ask, &Problem::not_found());
            protect(told.headers_mut(), false);
            told
        })
        .with_state(server)
}

/// What can be known of a request before anything is looked up.
fn bare(server: &Arc<Server>, request: &Request<Body>, now: Millis) -> (Ask, Option<[u8; 32]>) {
    let headers = request.headers().clone();
    let cookies = cookies(&headers);
    let lang = cookies.get("lang").and_then(|l| Lang::from_code(l)).unwrap_or(Lang::Zh);
    let token = cookies.get(COOKIE).map(|t| token_hash(t));
    let says = |name: header::HeaderName| {
        headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned()
    };
    let wants_json = says(header::ACCEPT).starts_with("application/json")
        || says(header::CONTENT_TYPE).starts_with("application/json");
    let peer = request.extensions().get::<Peer>().map(|p| p.0);
    let ask = Ask {
        server: server.clone(),
        at: request.uri().path().to_owned(),
        who: None,
        scope: Scope { person: domain::Id::nil(), paths: Vec::new(), assigned: false },
        session: None,
        must_change: false,
        lang,
        now,
        headers,
        wants_json,
        peer,
        path: BTreeMap::new(),
        query: BTreeMap::new(),
        body: bytes::Bytes::new(),
    };
    (ask, token)
}

async fn handle(
    server: Arc<Server>,
    route: Arc<Route>,
    params: RawPathParams,
    request: Request<Body>,
) -> Response {
    let (mut ask, token) = bare(&server, &request, now());
    for (name, value) in &params {
        ask.path.insert(name.to_owned(), value.to_owned());
    }
    let guarded = guard(&mut ask, &route, token, request).await;
    let noted = crate::audit::Noted::of(&ask, &route);
    let told = match guarded {
        Ok(()) => {
            // The handler takes the request; a refusal still needs its language and its reader.
            let (lang, shell) = (ask.lang, shell(&ask));
            match (route.handler)(ask).await {
                Ok(response) => Ok(response),
                Err(problem) => Err(tell(&Ask { lang, ..shell }, &problem)),
            }
        }
        Err(problem) if !ask.wants_json && first_page(&problem.code).is_some() => {
            let next: String =
                url_encode(&if route.method == Method::GET { ask.here() } else { "/".into() });
            let mut response =
                see_other(&format!("{}?next={next}", first_page(&problem.code).unwrap_or("/")));
            crate::audit::mark(&mut response, &problem);
            Ok(response)
        }
        Err(problem) => Err(tell(&ask, &problem)),
    };
    let mut response = told.unwrap_or_else(|told| told);
    if let Some(line) = noted.line(&response) {
        crate::audit::log(&noted.server, line).await;
    }
    protect(response.headers_mut(), !is_open(route.needs) || route.method != Method::GET);
    response
}

/// As much of a request as a refusal needs.
fn shell(ask: &Ask) -> Ask {
    Ask {
        server: ask.server.clone(),
        at: ask.at.clone(),
        who: ask.who.clone(),
        scope: ask.scope.clone(),
        session: ask.session,
        must_change: ask.must_change,
        lang: ask.lang,
        now: ask.now,
        headers: ask.headers.clone(),
        wants_json: ask.wants_json,
        peer: ask.peer,
        path: BTreeMap::new(),
        query: BTreeMap::new(),
        body: bytes::Bytes::new(),
    }
}

/// Everything between a request and its handler: origin, person, permission, area, size.
async fn guard(
    ask: &mut Ask,
    route: &Route,
    token: Option<[u8; 32]>,
    request: Request<Body>,
) -> Result<(), Problem> {
    if route.method != Method::GET && !is_same_origin(&ask.headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin"));
    }
    let query = request.uri().query().unwrap_or("");
    let pairs = serde_urlencoded::from_str(query).map_err(|_| Problem::bad("query"))?;
    ask.query = unique(pairs)?;

    let now = ask.now;
    let (who, zone) = ask
        .server
        .app
        .read::<_, Never>(Reach::System, move |tx| {
            let zone = app::reports::zone_name(tx)?;
            let who = match token {
                Some(hash) => app::access::who(tx, hash, now)?,
                None => None,
            };
            Ok((who, zone))
        })
        .await?;
    if let Some(zone) = zone {
        let _ = ask.server.zone.set(zone);
    }
    let is_stale = who.as_ref().is_some_and(|w| w.is_stale);
    let may_act = who.as_ref().is_some_and(|w| w.may_act);
    ask.session = who.as_ref().map(|w| w.session);
    ask.must_change = who.as_ref().is_some_and(|w| w.must_change);
    ask.who = who.map(|w| w.who);
    if let (true, Some(hash)) = (is_stale, token) {
        ask.server.app.write(Reach::System, move |tx| app::access::touch(tx, hash, now)).await?;
    }

    if !is_open(route.needs) {
        let who = ask.who.as_ref().ok_or(Problem::new(StatusCode::UNAUTHORIZED, "sign-in"))?;
        if ask.must_change && !route.name.starts_with("access.") {
            return Err(Problem::new(StatusCode::FORBIDDEN, "password-first"));
        }
        if let Needs::May(permission) = route.needs {
            if !who.may(permission) {
                return Err(Problem::not_allowed());
            }
            if route.second_factor && !may_act {
                return Err(Problem::new(StatusCode::FORBIDDEN, "factor-first"));
            }
            ask.scope = who.scope(permission);
        }
    }
    if let Subject::One(resource, name) = route.subject {
        let id = ask.id(name)?;
        let scope = ask.scope.clone();
        let reach = ask.who()?.reach();
        let app = ask.server.app.clone();
        let inside = app
            .read::<_, Never>(reach, move |tx| Ok(store::access::covers(tx, &scope, resource, id)?))
            .await?;
        if !inside {
            return Err(Problem::not_found());
        }
    }
    if route.method != Method::GET {
        let body = Limited::new(request.into_body(), route.body_max).collect().await;
        ask.body =
            body.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large"))?.to_bytes();
    }
    Ok(())
}

/// A form from somewhere else is not ours (Sec-Fetch-Site, and Origin where it is missing).
fn is_same_origin(headers: &HeaderMap) -> bool {
    let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    match get("sec-fetch-site") {
        Some("same-origin" | "none") => return true,
        Some(_) => return false,
        None => {}
    }
    match (get("origin"), get("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        (Some(_), None) => false,
    }
}

pub(crate) const COOKIE: &str = "siji";
/// Tells a browser in which somebody has signed in from a stranger's.
pub(crate) const BROWSER: &str = "siji-browser";

pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The page that comes before anything else, where a no asks for one.
fn first_page(code: &str) -> Option<&'static str> {
    match code {
        "sign-in" => Some("/login"),
        "password-first" => Some("/account"),
        "factor-first" => Some("/account/factor"),
        _ => None,
    }
}

fn cookies(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn url_encode(s: &str) -> String {
    serde_urlencoded::to_string([("", s)]).map_or_else(|_| String::new(), |e| e[1..].to_owned())
}

const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                   connect-src 'self'; media-src 'self' blob:; form-action 'self'; \
                   base-uri 'none'; frame-ancestors 'none'";

/// The headers of every answer.
fn protect(headers: &mut HeaderMap, is_private: bool) {
    let mut set = |name: &'static str, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set("content-security-policy", CSP);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "same-origin");
    set("permissions-policy", "camera=(self), geolocation=(), microphone=()");
    set("cross-origin-opener-policy", "same-origin");
    set("x-robots-tag", "noindex, nofollow");
    if is_private {
        set("cache-control", "no-store");
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    p: Page,
    sentence: String,
    code: String,
    back: Option<String>,
}

/// A no, as a page or as problem+json (RFC 9457).
fn tell(ask: &Ask, problem: &Problem) -> Response {
    let sentence = problem.sentence(ask.lang);
    if ask.wants_json {
        let body = serde_json::json!({
            "type": "about:blank",
            "status": problem.status.as_u16(),
            "code": problem.code,
            "title": sentence,
        });
        let json = "application/problem+json";
        let mut told = answer(problem.status, json, body.to_string().into());
        crate::audit::mark(&mut told, problem);
        return told;
    }
    let back = ask
        .headers
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .and_then(|r| r.split_once("://"))
        .and_then(|(_, rest)| rest.split_once('/'))
        .filter(|(host, _)| {
            ask.headers.get(header::HOST).and_then(|h| h.to_str().ok()) == Some(*host)
        })
        .map(|(_, path)| format!("/{path}"));
    let p = Page::new(ask, "problem-title", Season::Winter);
    let page = ProblemPage { p, sentence, code: problem.code.clone(), back };
    ask.page_for(problem, &page)
        .unwrap_or_else(|_| answer(problem.status, "text/plain; charset=utf-8", Body::empty()))
}

/// The peer's address, put on each request by the accept loop.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// Connections at once; more wait in the system's queue.
const CONNECTIONS: usize = 2_000;

/// Serves until `stop` is done, then lets what is under way finish.
pub async fn serve(
    listener: tokio::net::TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let graceful = hyper_util::server::graceful::GracefulShutdown::new();
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let _ = stream.set_nodelay(true);
        let connection = connection(router.clone(), stream, peer);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = watched.await;
            drop(place);
        });
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(Duration::from_secs(10)) => {}
    }
    Ok(())
}

fn connection(
    router: Router,
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        let router = router.clone();
        async move {
            let work = tower::ServiceExt::oneshot(router, request);
            match tokio::time::timeout(Duration::from_secs(300), work).await {
                Ok(done) => done,
                Err(_) => Ok(answer(
                    StatusCode::REQUEST_TIMEOUT,
                    "text/plain; charset=utf-8",
                    Body::empty(),
                )),
            }
        }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(15))
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
}
