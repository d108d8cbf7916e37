//! The edge: accepts connections with time limits, knows who asks, guards, answers. The only place
//! that reads the clock and the system's random numbers.

mod body;
mod client;
pub(crate) mod cookie;
pub(crate) mod crowded;
pub(crate) mod csrf;
mod gate;
pub(crate) mod headers;
pub(crate) mod health;
mod listen;
mod metrics;
#[cfg(feature = "parsers")]
pub mod parsers;
mod tls;
mod workshop;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use app::{App, Never, Reach, Who};
use askama::Template;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{RawPathParams, State};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use domain::Millis;
use domain::access::{Permission, Scope};
use tracing::Instrument as _;

use body::Brought;
use client::Client;
pub use csrf::form_token;
pub use gate::Places;
use gate::{Bodies, Full, Gate};
pub(crate) use gate::{Held, Place};
use headers::{Keep, protect};
pub use listen::{Limits, serve, serve_metrics};
use metrics::Metrics;
pub use tls::Tls;

use crate::ask::{Ask, answer, is_open, see_other, unique};
use crate::guard::Guard;
use crate::page::{Page, Season};
use crate::problem::Problem;
use crate::route::{Needs, Route, Subject, Work};

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
    /// Everybody comes over TLS, whoever takes it off: by the public address.
    pub secure_cookies: bool,
    /// Where people may sign in instead, if the operator named one.
    pub provider: Option<Arc<crate::Provider>>,
    pub limits: Limits,
    /// Where requests are worked on that have a place, if not where they are heard: then nobody
    /// waits to be heard, or to be told that there is no place, behind somebody's page.
    pub workshop: Option<tokio::runtime::Handle>,
    /// Peers whose word counts on whom they speak for.
    pub trusted_proxies: Vec<IpAddr>,
    pub(crate) metrics: Metrics,
    /// Requests since the start.
    numbers: AtomicU64,
    /// Refusals of people who are not signed in.
    pub(crate) strangers: crate::audit::Counted,
    /// Pages of what hangs, as they were last written.
    pub(crate) walls: crate::posting::kept::Walls,
    zone: OnceLock<String>,
    slots: Arc<tokio::sync::Semaphore>,
    desk: Arc<tokio::sync::Semaphore>,
    gate: OnceLock<Gate>,
    bodies: Bodies,
    /// Requests that found no place, since it was last said.
    sent_away: AtomicU64,
    /// Guards that a test has taken away.
    #[cfg(feature = "sabotage")]
    pub without: Vec<Guard>,
}

impl Server {
    pub fn new(app: App, worker: PathBuf) -> Server {
        Server {
            app,
            worker,
            public_url: None,
            secure_cookies: false,
            provider: None,
            limits: Limits::default(),
            workshop: None,
            trusted_proxies: Vec::new(),
            metrics: Metrics::default(),
            numbers: AtomicU64::new(0),
            strangers: Default::default(),
            walls: Default::default(),
            zone: OnceLock::new(),
            slots: Arc::new(tokio::sync::Semaphore::new(2)),
            desk: Arc::new(tokio::sync::Semaphore::new(1)),
            gate: OnceLock::new(),
            bodies: Bodies::default(),
            sent_away: AtomicU64::new(0),
            #[cfg(feature = "sabotage")]
            without: Vec::new(),
        }
    }

    /// The name of the zone's topmost area; empty until there is one.
    pub fn zone_name(&self) -> String {
        self.zone.get().cloned().unwrap_or_default()
    }

    /// A place among the few costly computations that may run at once (passwords). The computation
    /// holds it, which goes on when its asker has gone.
    pub async fn slot(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }

    /// The place where workbooks are read, one at a time: each takes a process with much memory.
    /// `None` where none came free within this time.
    pub(crate) async fn desk(&self, within: Duration) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let desk = tokio::time::timeout(within, self.desk.clone().acquire_owned()).await;
        if desk.is_err() {
            self.metrics.refused("desk");
        }
        desk.ok()?.ok()
    }

    fn gate(&self) -> &Gate {
        self.gate.get_or_init(|| Gate::new(self.limits.places, self.limits.wait))
    }

    async fn enter(&self, work: Work) -> Result<Place, Full> {
        let entered = self.gate().enter(work).await;
        if entered.is_err() {
            self.metrics.refused(work.code());
            self.sent_away.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    /// What is counted, with what is so now.
    fn figures(&self) -> String {
        self.metrics.text(&self.app.db.figures(), self.gate().taken())
    }

    /// One line for all that were sent away since the last: a crowd must not fill the log.
    pub(crate) fn say_who_was_sent_away(&self) {
        let requests = self.sent_away.swap(0, Ordering::Relaxed);
        if requests > 0 {
            tracing::warn!(target: "siji::request", requests, "sent away: no place");
        }
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
        .method_not_allowed_fallback(|State(server): State<Arc<Server>>, request| async move {
            stray(&server, &request, &Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method"))
        })
        .fallback(|State(server): State<Arc<Server>>, request| async move {
            stray(&server, &request, &Problem::not_found())
        })
        .with_state(server)
}

/// A request that no route is for.
fn stray(server: &Arc<Server>, request: &Request<Body>, problem: &Problem) -> Response {
    let (begun, method) = (Instant::now(), request.method().clone());
    let (ask, _) = bare(server, request, now());
    let mut told = tell(&ask, problem);
    protect(&mut told, Keep::No, ask.is_secure);
    let number = server.numbers.fetch_add(1, Ordering::Relaxed);
    note(server, number, "none", &method, &told, begun);
    told
}

fn is_secure(server: &Server, request: &Request<Body>) -> bool {
    let client = request.extensions().get::<Client>();
    server.secure_cookies || client.is_some_and(|c| c.is_secure)
}

/// What can be known of a request before anything is looked up.
fn bare(server: &Arc<Server>, request: &Request<Body>, now: Millis) -> (Ask, Option<[u8; 32]>) {
    let headers = request.headers().clone();
    let client = request.extensions().get::<Client>();
    let is_secure = is_secure(server, request);
    let cookies = cookie::read(&headers);
    let cookie = |name| cookies.get(&cookie::name(is_secure, name)).map(String::as_str);
    let lang = crowded::language(&cookies, is_secure);
    let session = cookie(cookie::SESSION);
    let token = session.map(cookie::token_hash);
    let wants_json = crowded::wants_json(&headers);
    let ask = Ask {
        server: server.clone(),
        at: request.uri().path().to_owned(),
        who: None,
        scope: Scope::nowhere(),
        session: None,
        must_change: false,
        reach: Reach::Public,
        lang,
        now,
        form_token: session.map(csrf::token),
        nonce: random::<16>().iter().map(|b| format!("{b:02x}")).collect(),
        headers,
        wants_json,
        peer: client.map(|c| c.address),
        is_secure,
        path: BTreeMap::new(),
        query: BTreeMap::new(),
        body: bytes::Bytes::new(),
        parts: BTreeMap::new(),
        place: None,
        held: None,
    };
    (ask, token)
}

/// Answers a request, counts it and writes its line: the route's name, never its path, which may
/// hold ids, nor anything that was sent.
async fn handle(
    server: Arc<Server>,
    route: Arc<Route>,
    params: RawPathParams,
    request: Request<Body>,
) -> Response {
    let (begun, method, name) = (Instant::now(), request.method().clone(), route.name);
    let number = server.numbers.fetch_add(1, Ordering::Relaxed);
    let Ok(place) = server.enter(route.work).await else {
        let is_secure = is_secure(&server, &request);
        let told = crowded::told(request.headers(), &method, is_secure, number);
        server.metrics.sent_away(name, method.as_str(), begun.elapsed());
        return told;
    };
    let span = tracing::info_span!(target: "siji::request", "request", number, route = name);
    let work = {
        let server = server.clone();
        async move { told(&server, route, params, request, place).await }
    };
    let response = workshop::done(&server, work.instrument(span)).await;
    note(&server, number, name, &method, &response, begun);
    response
}

fn note(
    server: &Server,
    number: u64,
    route: &'static str,
    method: &Method,
    response: &Response,
    begun: Instant,
) {
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    server.metrics.answered(route, method.as_str(), status, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let bytes = response.body().size_hint().exact();
    tracing::info!(target: "siji::request", number, route, %method, status, ms, bytes, "answered");
}

async fn told(
    server: &Arc<Server>,
    route: Arc<Route>,
    params: RawPathParams,
    request: Request<Body>,
    place: Place,
) -> Response {
    let (mut ask, token) = bare(server, &request, now());
    ask.place = Some(place);
    for (name, value) in &params {
        ask.path.insert(name.to_owned(), value.to_owned());
    }
    let guarded = guard(&mut ask, &route, token, request).await;
    let noted = crate::audit::Noted::of(&ask, &route);
    // Until the line in the log is written.
    let _place = ask.place.clone();
    let is_for_all = is_open(route.needs) && route.method == Method::GET && ask.who.is_none();
    let keep = if is_for_all { Keep::Ask } else { Keep::No };
    let is_secure = ask.is_secure;
    let (may_change, server) = (route.method != Method::GET, ask.server.clone());
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
            let here = if route.method == Method::GET { Some(ask.here()) } else { came_from(&ask) };
            let next = url_encode(&here.unwrap_or_else(|| "/".into()));
            let first = first_page(&problem.code).unwrap_or("/");
            let mut response = see_other(&format!("{first}?next={next}"));
            crate::audit::mark(&mut response, &problem);
            Ok(response)
        }
        Err(problem) => Err(tell(&ask, &problem)),
    };
    let mut response = told.unwrap_or_else(|told| told);
    if may_change {
        server.walls.forget();
    }
    let lines = noted.lines(&response);
    if !lines.is_empty() {
        crate::audit::log(&noted.server, lines).await;
    }
    protect(&mut response, keep, is_secure);
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
        reach: ask.reach.clone(),
        lang: ask.lang,
        now: ask.now,
        headers: ask.headers.clone(),
        wants_json: ask.wants_json,
        peer: ask.peer,
        is_secure: ask.is_secure,
        form_token: ask.form_token.clone(),
        nonce: ask.nonce.clone(),
        path: BTreeMap::new(),
        query: BTreeMap::new(),
        body: bytes::Bytes::new(),
        parts: BTreeMap::new(),
        place: None,
        held: None,
    }
}

/// Everything between a request and its handler: origin, person, permission, area, what was sent.
async fn guard(
    ask: &mut Ask,
    route: &Route,
    token: Option<[u8; 32]>,
    request: Request<Body>,
) -> Result<(), Problem> {
    let server = ask.server.clone();
    let public = server.public_url.as_deref();
    if server.has(Guard::Origin)
        && route.method != Method::GET
        && !csrf::is_same_origin(&ask.headers, ask.is_secure, public)
    {
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin"));
    }
    let uri = request.uri().path_and_query().map_or("", |uri| uri.as_str());
    if uri.len() > ADDRESS_MAX {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "address-long"));
    }
    let query = request.uri().query().unwrap_or("");
    let pairs = serde_urlencoded::from_str(query).map_err(|_| Problem::bad("query"))?;
    ask.query = unique(pairs)?;
    let known =
        if route.is_alone { Known::default() } else { recognise(ask, route, token).await? };
    may(ask, route, &known)?;
    let mut brought = Brought::default();
    if route.method != Method::GET {
        let bytes = bring(ask, route, request.into_body()).await?;
        brought = body::take(ask, route, bytes).await?;
        if let (Some(_), Some(token), true) = (&ask.who, &ask.form_token, server.has(Guard::Token))
            && !brought.is_from(token)
        {
            return Err(Problem::new(StatusCode::FORBIDDEN, "form-token"));
        }
    }
    if matches!(route.subject, Subject::One(..)) && server.has(Guard::Area) && !known.is_inside {
        return Err(Problem::not_found());
    }
    knows_query(ask, route)?;
    brought.fits(route)
}

/// A body that is not there at once gives its place to others while it comes: whoever sends slowly
/// keeps nobody from working.
async fn bring(ask: &mut Ask, route: &Route, body: Body) -> Result<bytes::Bytes, Problem> {
    let server = ask.server.clone();
    let reading = body::read(body, route.body_max, &server.limits, server.bodies.none());
    tokio::pin!(reading);
    let (bytes, held) = match tokio::time::timeout(AT_ONCE, reading.as_mut()).await {
        Ok(read) => read?,
        Err(_) => {
            ask.place = None;
            let read = reading.await?;
            let place = server.enter(route.work).await;
            ask.place = Some(place.map_err(|Full| crowded::problem())?);
            read
        }
    };
    ask.held = Some(held);
    Ok(bytes)
}

/// In which a form comes that was sent together with its header.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Is the asker known, in order, and entitled? Narrows the scope to the route's permission.
fn may(ask: &mut Ask, route: &Route, known: &Known) -> Result<(), Problem> {
    let server = &ask.server;
    if !is_open(route.needs) && ask.who.is_none() && server.has(Guard::SignedIn) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign-in"));
    }
    let is_own_account = route.needs == Needs::SignedIn && route.name.starts_with("access.");
    if !is_open(route.needs) && ask.must_change && !is_own_account {
        return Err(Problem::new(StatusCode::FORBIDDEN, "password-first"));
    }
    if let (Some(who), Some(permission)) = (&ask.who, route.needs.permission()) {
        let takes_out = matches!(route.needs, Needs::TakeOut(_));
        let may = who.may(permission) && (!takes_out || who.may(Permission::Export));
        if server.has(Guard::Permission) && !may {
            return Err(Problem::not_allowed());
        }
        if server.has(Guard::SecondFactor) && route.second_factor && !known.may_act {
            return Err(Problem::new(StatusCode::FORBIDDEN, "factor-first"));
        }
        ask.scope = scope(who, route.needs);
    }
    Ok(())
}

/// Where somebody may do what a route needs; nowhere, for a route that needs no permission.
fn scope(who: &Who, needs: Needs) -> Scope {
    match (needs, needs.permission()) {
        (Needs::TakeOut(_), Some(permission)) => {
            who.scope(permission).and(&who.scope(Permission::Export))
        }
        (_, Some(permission)) => who.scope(permission),
        (_, None) => Scope::nowhere(),
    }
}

/// Refuses a search for what the page does not know. Public addresses are passed on by programs that
/// hang words of their own on them, which are not read; `done` names the notice of any page.
fn knows_query(ask: &Ask, route: &Route) -> Result<(), Problem> {
    let is_shown = route.method == Method::GET;
    if is_shown && route.subject == Subject::Public {
        return Ok(());
    }
    body::known(ask.query.keys().filter(|name| !is_shown || *name != "done"), route)
}

/// What the database told of a request before its handler.
#[derive(Default)]
struct Known {
    /// Is what asks for a second factor open to the asker?
    may_act: bool,
    /// Does the record that is asked for lie where they may do what the route is for?
    is_inside: bool,
}

/// Finds the person of the session, the zone's name, and whether the record lies within their area:
/// in one look, since every page waits for it.
async fn recognise(
    ask: &mut Ask,
    route: &Route,
    token: Option<[u8; 32]>,
) -> Result<Known, Problem> {
    let (now, server, needs) = (ask.now, ask.server.clone(), route.needs);
    // A stranger costs the database nothing before the handler.
    let Some(hash) = token else {
        if server.zone.get().is_none() {
            let zone = server.app.read::<_, Never>(Reach::System, app::reports::zone_name).await?;
            if let Some(zone) = zone {
                let _ = server.zone.set(zone);
            }
        }
        return Ok(Known::default());
    };
    let asked_for = match route.subject {
        Subject::One(resource, name) => ask.id(name).ok().map(|id| (resource, id)),
        _ => None,
    };
    let looking = server.clone();
    let found = server
        .app
        .read::<_, Never>(Reach::System, move |tx| {
            if looking.zone.get().is_none()
                && let Some(zone) = app::reports::zone_name(tx)?
            {
                let _ = looking.zone.set(zone);
            }
            let Some(mut signed_in) = app::access::who(tx, hash, now)? else { return Ok(None) };
            let reach = signed_in.who.reach();
            looking.lift_first_wall(&mut signed_in.who);
            let is_inside = match asked_for {
                Some((resource, id)) => {
                    store::access::covers(tx, &scope(&signed_in.who, needs), resource, id)?
                }
                None => false,
            };
            Ok(Some((signed_in, reach, is_inside)))
        })
        .await?;
    let Some((signed_in, reach, is_inside)) = found else { return Ok(Known::default()) };
    ask.session = Some(signed_in.session);
    ask.must_change = signed_in.must_change;
    ask.who = Some(signed_in.who);
    ask.reach = server.without_second_wall(reach);
    if signed_in.is_stale {
        server.app.write(Reach::System, move |tx| app::access::touch(tx, hash, now)).await?;
    }
    Ok(Known { may_act: signed_in.may_act, is_inside })
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

/// Longest path and query, in bytes.
const ADDRESS_MAX: usize = 8 << 10;

fn url_encode(s: &str) -> String {
    serde_urlencoded::to_string([("", s)]).map_or_else(|_| String::new(), |e| e[1..].to_owned())
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    p: Page,
    sentence: String,
    code: String,
    back: Option<String>,
}

/// The page of ours that a form was sent from, or a link followed on.
fn came_from(ask: &Ask) -> Option<String> {
    ask.headers
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .and_then(|r| r.split_once("://"))
        .and_then(|(_, rest)| rest.split_once('/'))
        .filter(|(host, _)| {
            ask.headers.get(header::HOST).and_then(|h| h.to_str().ok()) == Some(*host)
        })
        .map(|(_, path)| format!("/{path}"))
}

/// A no, as a page or as problem+json (RFC 9457).
fn tell(ask: &Ask, problem: &Problem) -> Response {
    if ask.wants_json {
        let body = problem.json(ask.lang).to_string();
        let mut told = answer(problem.status, PROBLEM_JSON, body.into());
        crate::audit::mark(&mut told, problem);
        return told;
    }
    let (sentence, back) = (problem.sentence(ask.lang), came_from(ask));
    let p = Page::new(ask, "problem-title", Season::Winter);
    let page = ProblemPage { p, sentence, code: problem.code.clone(), back };
    ask.page_for(problem, &page)
        .unwrap_or_else(|_| answer(problem.status, "text/plain; charset=utf-8", Body::empty()))
}

const PROBLEM_JSON: &str = "application/problem+json";
