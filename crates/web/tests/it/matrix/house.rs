//! A played zone behind the real router, another zone beside it, and everybody who asks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::Id;
use domain::access::Role;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::Stage;
use tower::ServiceExt;
use web::{Guard, Route, Server};

use super::forms::{Sent, sent, takes_sheets};
use super::policy::{Cell, Outcome, Placement, Policy, Row};
use super::zone::{HAMLET, TOWNSHIP, TOWNSHIPS, VILLAGE, VILLAGES, ZONE, Zone};
use super::{Picture, askers, placements};

/// Two zones, played once and looked at from many houses.
pub struct Ground<'s> {
    pub zone: Zone<'s>,
    other: Zone<'s>,
}

impl<'s> Ground<'s> {
    pub fn played(stage: &'s Stage, other: &'s Stage) -> Ground<'s> {
        Ground { zone: Zone::played(stage, 1), other: Zone::played(other, 2) }
    }
}

pub struct House<'g, 's> {
    pub zone: &'g Zone<'s>,
    other: &'g Zone<'s>,
    pub policy: Policy,
    routes: Vec<Route>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    keys: AtomicU64,
}

/// Somebody at a door: the column of the policy, the place they look from, their session.
pub struct Asker {
    pub column: &'static str,
    home: &'static str,
    /// The one household of a cadre.
    assigned: String,
    cookie: String,
    who: Option<Who>,
}

/// One record that a request is about.
pub struct Record {
    pub id: Id,
    /// Of its area; none in this zone, where the record is of another one.
    pub path: String,
    /// What stands for it instead of its id.
    pub code: String,
}

impl Record {
    /// Another record of the same place.
    pub fn find(&self, house: &House, kind: &'static str) -> Option<Id> {
        match kind {
            // A cadre's other household is at the same place.
            "household" if house.kind_of(self.id) == Some("other household") => Some(self.id),
            _ if self.path == ELSEWHERE => house.other.find(kind, VILLAGE),
            _ => house.zone.find(kind, &self.path),
        }
    }
}

const ELSEWHERE: &str = "001.999";

pub struct Answer {
    pub status: StatusCode,
    pub outcome: Outcome,
    /// Headers and body, workbooks unpacked.
    pub text: String,
}

impl<'g, 's> House<'g, 's> {
    pub fn open(ground: &'g Ground<'s>, without: &[Guard]) -> House<'g, 's> {
        let mut server =
            Server::new(ground.zone.stage.app.clone(), std::path::PathBuf::from("/bin/true"));
        server.without = without.to_vec();
        House {
            zone: &ground.zone,
            other: &ground.other,
            policy: Policy::read(),
            routes: web::routes(),
            router: web::router(Arc::new(server)),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            keys: AtomicU64::new(0),
        }
    }

    pub fn key(&self) -> Id {
        self.zone.stage.id()
    }

    /// An id that no zone has.
    pub fn missing(&self) -> Id {
        let mut random = [7; 10];
        random[2..].copy_from_slice(&self.keys.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        domain::id::new(1, random)
    }

    // Who asks.

    fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}{:x}", who.person, self.key());
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.zone
            .stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    pub fn asker(&self, role: Role) -> Asker {
        self.at_door(role, &self.zone.actor(role.code()))
    }

    fn at_door(&self, role: Role, who: &Who) -> Asker {
        let home = match role {
            Role::ZoneOfficer | Role::Auditor | Role::SystemAdmin | Role::SecurityAdmin => ZONE,
            Role::TownshipReviewer | Role::StoreKeeper => TOWNSHIP,
            Role::VillageCommittee | Role::AssistanceOfficer | Role::AssignedCadre => VILLAGE,
        };
        let assigned =
            if role == Role::AssignedCadre { format!("{VILLAGE}#1") } else { String::new() };
        let (column, cookie) = (role.code(), self.signed_in(who));
        Asker { column, home, assigned, cookie, who: Some(who.clone()) }
    }

    pub fn stranger(&self) -> Asker {
        let cookie = "lang=zh".to_owned();
        Asker { column: "public", home: VILLAGE, assigned: String::new(), cookie, who: None }
    }

    pub fn without_post(&self) -> Asker {
        let who = self.zone.nobody();
        let cookie = self.signed_in(&who);
        Asker { column: "none", home: VILLAGE, assigned: String::new(), cookie, who: Some(who) }
    }

    // What is asked for.

    /// A record of this kind at this placement, if there are such.
    pub fn record(&self, about: &str, asker: &Asker, placement: Placement) -> Option<Record> {
        if about.ends_with("session") {
            return self.session(about, asker, placement);
        }
        let kind = SINGULAR.iter().copied().find(|kind| *kind == about)?;
        let kind = if kind == "answer" { "answered objection" } else { kind };
        let is_of_zone = ["scheme", "round", "good", "import"].contains(&kind);
        if placement == Placement::OtherZone {
            let places = [VILLAGE, ZONE].map(|path| self.other.find(kind, path));
            let id = places.into_iter().flatten().next()?;
            let known = self.kind_of(id).is_some();
            let code = self.other.codes.get(&(kind, VILLAGE.to_owned())).cloned();
            let id = if known { self.missing() } else { id };
            return Some(Record { id, path: ELSEWHERE.into(), code: code.unwrap_or_default() });
        }
        if kind == "household" && !asker.assigned.is_empty() && placement == Placement::Sibling {
            let id = self.zone.find("other household", VILLAGE)?;
            return Some(Record { id, path: VILLAGE.into(), code: String::new() });
        }
        let paths: &[&str] = match (asker.home, placement) {
            (_, Placement::Own) if is_of_zone => &[ZONE],
            _ if is_of_zone => &[],
            (home, Placement::Own) => &[home],
            (ZONE, Placement::Child) => &[VILLAGE],
            (TOWNSHIP, Placement::Child) => &[VILLAGE],
            (TOWNSHIP, Placement::Parent) => &[ZONE],
            (TOWNSHIP, Placement::Sibling) => &[VILLAGES[2], TOWNSHIPS[1]],
            (VILLAGE, Placement::Child) => &[HAMLET],
            (VILLAGE, Placement::Parent) => &[TOWNSHIP],
            (VILLAGE, Placement::Sibling) => &[VILLAGES[1]],
            _ => &[],
        };
        let (path, id) =
            paths.iter().find_map(|path| Some((*path, self.zone.find(kind, path)?)))?;
        let code = self.zone.codes.get(&(kind, path.to_owned())).cloned().unwrap_or_default();
        Some(Record { id, path: path.to_owned(), code })
    }

    /// A session that has just been opened, since ending one is what is tried: the asker's own, or
    /// somebody else's.
    fn session(&self, about: &str, asker: &Asker, placement: Placement) -> Option<Record> {
        let somebody = self.zone.find("person", asker.home);
        let (person, path) = match (about, placement) {
            ("own session", Placement::Own) => (asker.who.as_ref().map(|w| w.person)?, asker.home),
            ("own session", Placement::Sibling) | ("session", Placement::Own) => {
                (somebody?, asker.home)
            }
            (_, Placement::OtherZone) => {
                let (id, code) = (self.missing(), String::new());
                return Some(Record { id, path: ELSEWHERE.into(), code });
            }
            _ => return None,
        };
        let (id, token) = (self.key(), self.key());
        let now = web::now();
        self.zone
            .stage
            .write::<_, app::Never>(move |tx| {
                let session = store::access::NewSession {
                    token_hash: Sha256::digest(token.as_bytes()).into(),
                    id,
                    person,
                    factor: store::access::Factor::None,
                    device: "",
                    by_provider: false,
                    at: now,
                    until: now + 3_600_000,
                };
                Ok(store::access::record_session(tx, &session)?)
            })
            .expect("a session");
        Some(Record { id, path: path.to_owned(), code: String::new() })
    }

    fn kind_of(&self, id: Id) -> Option<&'static str> {
        self.zone.kind_of(id).map(|known| known.0)
    }

    /// Today's market day at the keeper's counter.
    pub fn day_at_counter(&self) -> Id {
        self.zone.find("market_day", VILLAGE).expect("a market day")
    }

    /// A village below the record's area.
    pub fn village_near(&self, record: Option<&Record>) -> Id {
        let far = record.is_some_and(|r| r.path.starts_with(TOWNSHIPS[1]));
        self.zone.find("area", if far { VILLAGES[2] } else { VILLAGE }).expect("a village")
    }

    // Asking.

    pub fn ask(&self, route: &Route, sent: &Sent, cookie: &str, accept: &str) -> Answer {
        self.ask_from(route, sent, cookie, accept, None)
    }

    fn ask_from(
        &self,
        route: &Route,
        sent: &Sent,
        cookie: &str,
        accept: &str,
        origin: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(route.method.clone())
            .uri(&sent.path)
            .header(header::HOST, "siji.test")
            .header(header::ACCEPT, accept)
            .header(header::COOKIE, cookie);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        // As the form on a page of this session would carry it.
        let token = match cookie.starts_with("siji=") {
            true => web::form_token(cookie),
            false => String::new(),
        };
        let body = match UPLOADS.contains(&route.name) {
            true => {
                let form = "multipart/form-data; boundary=b";
                request = request.header(header::CONTENT_TYPE, form);
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{}\r\n--b\r\n\
                     Content-Disposition: form-data; name=\"file\"; filename=\"f.json\"\r\n\r\n\
                     {{}}\r\n--b--\r\n",
                    self.key()
                )
            }
            false if takes_sheets(route) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                let sheet: BTreeMap<_, _> = sent.fields.iter().cloned().collect();
                serde_json::json!({ "sheets": [sheet] }).to_string()
            }
            false => {
                let form = "application/x-www-form-urlencoded";
                request = request.header(header::CONTENT_TYPE, form);
                let form = serde_urlencoded::to_string(&sent.fields).expect("a form");
                if token.is_empty() { form } else { format!("{form}&csrf={token}") }
            }
        };
        let request = request.body(Body::from(body)).expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let text = format!("{:?}\n{}", parts.headers, unpacked(&body));
            let to = parts.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
            let told = match parts.status {
                StatusCode::OK if takes_sheets(route) => status_of_sheet(&body),
                status => status,
            };
            let outcome = match told {
                StatusCode::UNAUTHORIZED => Outcome::SignIn,
                StatusCode::SEE_OTHER if to.is_some_and(|to| to.starts_with("/login?next=")) => {
                    Outcome::SignIn
                }
                StatusCode::FORBIDDEN => Outcome::NotAllowed,
                StatusCode::NOT_FOUND => Outcome::NotThere,
                // The worker that marks a workbook is a program of its own, and not here.
                _ if route.name == "registry.marked" => Outcome::Allowed,
                StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Outcome::Unreadable,
                status if status.is_server_error() => Outcome::Broken,
                _ => Outcome::Allowed,
            };
            Answer { status: told, outcome, text }
        })
    }

    fn route(&self, name: &str) -> &Route {
        self.routes.iter().find(|route| route.name == name).expect("a route")
    }

    /// Pages first: they are to show the zone as it was played.
    fn rows(&self) -> impl Iterator<Item = (&Row, &Route)> {
        let mut rows: Vec<&Row> = self.policy.rows.iter().collect();
        rows.sort_by_key(|row| row.method != "GET");
        rows.into_iter().map(|row| (row, self.route(&row.route)))
    }

    /// One cell: the request, the answer against the policy, every word in it against the fields.
    fn cell(
        &self,
        picture: &mut Picture,
        (row, route): (&Row, &Route),
        asker: &Asker,
        (at, record): (Option<Placement>, Option<&Record>),
        (column, label): (&'static str, &str),
    ) {
        let cookie = match (&asker.who, route.name) {
            (Some(who), "access.sign_out") => self.signed_in(who),
            _ => asker.cookie.clone(),
        };
        let wanted = row.cell(column).answers(at, column, asker.home == ZONE);
        let mut sent = sent(self, route, record);
        let answer = self.ask(route, &sent, &cookie, "text/html");
        let was = answer.status.as_u16().to_string();
        picture.cell(&row.route, asker.column, label, wanted, answer.outcome, &was);
        self.search(picture, row, asker, column, label, &without(&answer.text, &sent));
        if answer.outcome != Outcome::Allowed {
            return;
        }
        // The same as data, or as the other kind of file.
        let accept = if row.method == "GET" { "application/json" } else { "text/html" };
        let kind = sent.fields.iter_mut().find(|(name, _)| name == "kind");
        if row.method == "GET" || kind.is_some() {
            if let Some((_, value)) = kind {
                *value = "xlsx".into();
            }
            for (name, value) in &mut sent.fields {
                if name == "key" {
                    *value = self.key().to_string();
                }
            }
            let answer = self.ask(route, &sent, &cookie, accept);
            picture.cell(&row.route, asker.column, label, wanted, answer.outcome, "as data");
            self.search(picture, row, asker, column, label, &without(&answer.text, &sent));
        }
    }

    fn search(
        &self,
        picture: &mut Picture,
        row: &Row,
        asker: &Asker,
        column: &str,
        label: &str,
        text: &str,
    ) {
        for (spot, field) in self.zone.found_in(text) {
            let seen = self.policy.field(&field, column);
            let is_asked = seen == Cell::Asked;
            // Everybody meets their own name at the head of a page, and their login at their account.
            let is_own = field == "person.name" || field == "person.login";
            let own = is_own && spot == asker.home && asker.who.is_some();
            let shown = own
                || spot != "elsewhere"
                    && (seen.shows(&spot, asker.home, &asker.assigned) && (!is_asked || row.asked)
                        || row.by_code && field.starts_with("objection.") && !is_asked);
            if !shown {
                let (route, role) = (&row.route, asker.column);
                picture
                    .foreign
                    .push(format!("{route:<28} {role:<20} {label:<12} {field} of {spot}"));
            }
        }
    }

    fn cells(&self, picture: &mut Picture, (row, route): (&Row, &Route), asker: &Asker) {
        let placed = placements(self, &row.about, asker);
        for (placement, record) in &placed {
            let at = (Some(*placement), Some(record));
            let label = format!("{placement:?}");
            self.cell(picture, (row, route), asker, at, (asker.column, &label));
        }
        if placed.is_empty() {
            self.cell(picture, (row, route), asker, (None, None), (asker.column, "-"));
        }
    }

    /// Every route, for everybody, at every placement.
    pub fn everything(&self, picture: &mut Picture) {
        for asker in askers(self) {
            for pair in self.rows() {
                self.cells(picture, pair, &asker);
            }
        }
    }

    /// The same for what changes nothing: pages, and lists taken out.
    pub fn looking(&self, picture: &mut Picture) {
        askers(self).iter().for_each(|asker| self.looking_of(picture, asker));
    }

    /// And for those alone whose posts leave something of the zone outside.
    pub fn looking_from_below(&self, picture: &mut Picture) {
        for role in Role::ALL {
            let asker = self.asker(role);
            if asker.home != ZONE {
                self.looking_of(picture, &asker);
            }
        }
    }

    fn looking_of(&self, picture: &mut Picture, asker: &Asker) {
        for (row, route) in self.rows() {
            let is_file = row.path.ends_with("/export") || route.name == "privacy.take";
            if row.method == "GET" || is_file {
                self.cells(picture, (row, route), asker);
            }
        }
    }

    /// A post that ended yesterday; one that is ended between two requests of the same session; and
    /// then the person is shut out.
    pub fn posts_that_end(&self, picture: &mut Picture) {
        let yesterday = self.zone.today.yesterday().expect("a day");
        for role in Role::ALL {
            let who = self.zone.another(role);
            self.zone.end_posts(&who, yesterday);
            self.with_posts_ended(picture, &self.at_door(role, &who), "none", "expired");

            let who = self.zone.another(role);
            let asker = self.at_door(role, &who);
            let home = self.route("reports.today");
            let before = self.ask(home, &sent(self, home, None), &asker.cookie, "text/html");
            assert_eq!(before.status, StatusCode::OK);
            self.zone.end_posts(&who, yesterday);
            self.with_posts_ended(picture, &asker, "none", "revoked");

            let person = who.person;
            let shut = move |tx: &mut app::Tx| {
                Ok(store::access::set_disabled(tx, person, Some(web::now()))?)
            };
            self.zone.stage.write::<_, app::Never>(shut).expect("shut out");
            self.with_posts_ended(picture, &asker, "public", "shut out");
        }
    }

    fn with_posts_ended(
        &self,
        picture: &mut Picture,
        asker: &Asker,
        column: &'static str,
        label: &str,
    ) {
        for (row, route) in self.rows().filter(|(row, _)| row.route != "access.sign_out") {
            let record = [Placement::Own, Placement::Child]
                .into_iter()
                .find_map(|at| self.record(&row.about, asker, at));
            let at = record.as_ref().map(|_| Placement::Own);
            self.cell(picture, (row, route), asker, (at, record.as_ref()), (column, label));
        }
    }

    /// A form sent from another site, by somebody who may send it.
    pub fn sent_from_elsewhere(&self) -> StatusCode {
        let (route, asker) = (self.route("privacy.find"), self.asker(Role::VillageCommittee));
        let sent = sent(self, route, None);
        let origin = Some("https://elsewhere.test");
        self.ask_from(route, &sent, &asker.cookie, "text/html", origin).status
    }

    // Ids swapped.

    /// Every id in every request that somebody may send, once for one of the same kind from where
    /// they have no business and once for one that does not exist: how many, and which were answered
    /// in two ways.
    pub fn swapped_ids(&self) -> (usize, Vec<String>) {
        let (mut swaps, mut told_apart) = (0, Vec::new());
        for role in Role::ALL {
            let asker = self.asker(role);
            for (row, route) in self.rows() {
                // What the log shows grows with every question.
                if row.route.starts_with("reports.") && row.about == "zone" {
                    continue;
                }
                if row.cell(asker.column) == Cell::No || row.route == "access.sign_out" {
                    continue;
                }
                for (what, foreign, missing) in self.swaps(row, route, &asker) {
                    swaps += 1;
                    let [seen, none] = [&foreign, &missing].map(|(sent, value)| {
                        let answer = self.ask(route, sent, &asker.cookie, "text/html");
                        (answer.status, settled(&answer.text, value))
                    });
                    if seen != none {
                        let (route, role) = (&row.route, asker.column);
                        let [a, b] = [seen.0.as_u16(), none.0.as_u16()];
                        let at = differing(&seen.1, &none.1);
                        told_apart.push(format!("{route:<28} {role:<20} {what:<16} {a} {b} {at}"));
                    }
                }
            }
        }
        (swaps, told_apart)
    }

    /// (parameter, with a foreign value, with a missing one).
    #[expect(clippy::type_complexity, reason = "a pair of pairs, used once")]
    fn swaps(
        &self,
        row: &Row,
        route: &Route,
        asker: &Asker,
    ) -> Vec<(String, (Sent, String), (Sent, String))> {
        let record = [Placement::Own, Placement::Child]
            .into_iter()
            .find_map(|at| self.record(&row.about, asker, at));
        let (base, cell) = (sent(self, route, record.as_ref()), row.cell(asker.column));
        let mut swaps = Vec::new();
        for id in ids_in(&base) {
            let Some(kind) = self.kind_of(id) else { continue };
            let Some(foreign) = self.foreign(kind, asker, cell) else { continue };
            let missing = self.missing();
            let fresh = |new: Id| (self.renewed(base.with(id, new)), new.to_string());
            swaps.push((kind.to_owned(), fresh(foreign), fresh(missing)));
        }
        if route.takes.contains(&"card") {
            // At the counter a card stands for its household.
            let far = self.foreign_path(asker).map(str::to_owned);
            let code = far.and_then(|far| self.zone.codes.get(&("card", far)).cloned());
            if let Some(code) = code {
                let none = domain::redemption::Code::new(77).to_string();
                let path = format!("/counter?day={}&card=", self.day_at_counter());
                let with = |value: String| {
                    let mut sent = self.renewed(base.with(Id::nil(), Id::nil()));
                    sent.fields.push(("card".to_owned(), value.clone()));
                    if row.method == "GET" {
                        sent.path = format!("{path}{value}");
                    }
                    (sent, value)
                };
                swaps.push(("card".to_owned(), with(code), with(none)));
            }
        }
        let mut ask_for = |name: &str, foreign: String, missing: String| {
            let with = |value: String| {
                let mut sent = self.renewed(base.with(Id::nil(), Id::nil()));
                match row.method.as_str() {
                    "GET" => {
                        let joint = if sent.path.contains('?') { '&' } else { '?' };
                        sent.path = format!("{}{joint}{name}={value}", sent.path);
                    }
                    _ => {
                        sent.fields.retain(|field| field.0 != name);
                        sent.fields.push((name.to_owned(), value.clone()));
                    }
                }
                (sent, value)
            };
            swaps.push((name.to_owned(), with(foreign), with(missing)));
        };
        let is_list = record.is_none();
        for (name, kind) in [
            ("household", "household"),
            ("person", "person"),
            ("batch", "batch"),
            ("from", "place"),
            ("to", "place"),
        ] {
            let is_day = name.len() < 5 && route.name != "goods.move_form";
            if !is_list || !route.takes.contains(&name) || is_day {
                continue;
            }
            if let Some(foreign) = self.foreign(kind, asker, cell) {
                ask_for(name, foreign.to_string(), self.missing().to_string());
            }
        }
        if let (true, Some(far)) =
            (is_list && route.takes.contains(&"area"), self.foreign_path(asker))
        {
            ask_for("area", far.to_owned(), ELSEWHERE.to_owned());
            if let Some(foreign) = self.foreign("area", asker, cell) {
                ask_for("area", foreign.to_string(), self.missing().to_string());
            }
        }
        if route.name == "privacy.find" {
            let far = self.foreign_path(asker).map(str::to_owned);
            let number = far.and_then(|far| self.zone.codes.get(&("number", far)).cloned());
            if let Some(number) = number {
                ask_for("number", number, "371502196203040099".to_owned());
            }
        }
        swaps
    }

    /// The same request as a new one.
    fn renewed(&self, mut sent: Sent) -> Sent {
        for (name, value) in &mut sent.fields {
            if name == "key" {
                *value = self.key().to_string();
            }
        }
        sent
    }

    /// Where this asker has no business, and records are.
    fn foreign_path(&self, asker: &Asker) -> Option<&'static str> {
        match asker.home {
            TOWNSHIP => Some(VILLAGES[2]),
            VILLAGE => Some(VILLAGES[1]),
            _ => None,
        }
    }

    /// A record that this asker may not have; `any` is within the zone no bar.
    fn foreign(&self, kind: &'static str, asker: &Asker, cell: Cell) -> Option<Id> {
        let here = match asker.home {
            TOWNSHIP if cell != Cell::Any => [VILLAGES[2], TOWNSHIPS[1]],
            VILLAGE if cell != Cell::Any => [VILLAGES[1], TOWNSHIPS[1]],
            _ => {
                let there = self.other.find(kind, VILLAGE).or(self.other.find(kind, ZONE));
                return there.filter(|id| self.kind_of(*id).is_none());
            }
        };
        let kind = if kind == "other household" { "household" } else { kind };
        here.into_iter().find_map(|path| self.zone.find(kind, path))
    }
}

/// What the policy calls one record of; each has ids.
const SINGULAR: [&str; 18] = [
    "household",
    "batch",
    "posting",
    "objection",
    "answer",
    "place",
    "market_day",
    "redemption",
    "card",
    "takeout",
    "person",
    "post",
    "import",
    "scheme",
    "round",
    "good",
    "area",
    "donation",
];

const UPLOADS: [&str; 3] = ["registry.receive", "scheme.upload", "calendar.import_year"];

/// Is this word of a table behind the second wall?
pub fn is_walled(line: &str) -> bool {
    let field = line.split_whitespace().nth(3).unwrap_or_default();
    store::wall::walled().any(|table| field.split('.').next() == Some(table))
}

/// How the one sheet of a batch was answered.
fn status_of_sheet(body: &[u8]) -> StatusCode {
    let told: serde_json::Value = serde_json::from_slice(body).expect("an answer");
    let [sheet] = &told["sheets"].as_array().expect("sheets")[..] else { panic!("{told}") };
    let status = sheet["status"].as_u64().and_then(|s| u16::try_from(s).ok());
    status.map_or(StatusCode::OK, |s| StatusCode::from_u16(s).expect("a status"))
}

/// As text: a paper or a workbook with all that is packed in it.
fn unpacked(body: &[u8]) -> String {
    if body.starts_with(b"%PDF") {
        return testkit::paper::everything(body);
    }
    if !body.starts_with(b"PK") {
        return String::from_utf8_lossy(body).into_owned();
    }
    let mut book = zip::ZipArchive::new(Cursor::new(body)).expect("a workbook");
    let mut text = String::new();
    for n in 0..book.len() {
        let mut part = book.by_index(n).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("readable");
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

fn ids_in(sent: &Sent) -> BTreeSet<Id> {
    let of_path = sent.path.split(['/', '?', '=', '&']).filter_map(|part| part.parse().ok());
    let of_fields = sent
        .fields
        .iter()
        .filter(|(name, _)| name != "key")
        .flat_map(|(name, value)| [name.split_once('-').map_or("", |n| n.1), value.as_str()])
        .filter_map(|part| part.parse().ok());
    of_path.chain(of_fields).collect()
}

/// A text without the ids that it was asked for: they come back in links.
fn without(text: &str, sent: &Sent) -> String {
    ids_in(sent).iter().fold(text.to_owned(), |text, id| text.replace(&id.to_string(), "ASKED"))
}

/// A text without what must differ: the id that was asked for, and keys made for this answer.
fn settled(text: &str, asked: &str) -> String {
    let text = text.replace(asked, "ASKED");
    // A page's scripts carry what was drawn for it alone.
    let nonce = text.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\''));
    let text = nonce.map_or_else(|| text.clone(), |(nonce, _)| text.replace(nonce, "NONCE"));
    let text = match text.split_once("\"content-length\": \"") {
        Some((head, rest)) => format!("{head}{}", rest.split_once('"').map_or("", |r| r.1)),
        None => text,
    };
    let bytes = text.as_bytes();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < text.len() {
        let is_id = text.is_char_boundary(at)
            && text.get(at..at + 36).is_some_and(|piece| piece.parse::<Id>().is_ok());
        if is_id {
            out.push_str("ID");
            at += 36;
        } else {
            let end = (at + 1..=text.len()).find(|end| text.is_char_boundary(*end));
            let end = end.unwrap_or(bytes.len());
            out.push_str(&text[at..end]);
            at = end;
        }
    }
    out
}

/// Where two texts part.
fn differing(a: &str, b: &str) -> String {
    let at = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let piece = |text: &str| text.chars().skip(at.saturating_sub(20)).take(60).collect::<String>();
    format!("{:?} / {:?}", piece(a), piece(b))
}
