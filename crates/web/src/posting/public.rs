//! What anybody may see without signing in: what hangs, one list, its bytes, its paper, the answer
//! to an objection. No name can be searched here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex};

use app::posting::{FoundAnswer, Object, PublicPosting};
use app::{Never, Reach};
use askama::Template;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::access::Permission;
use domain::posting::body::{hex, short_root};
use domain::posting::object::Channel;
use domain::{Id, Millis};
use serde::Deserialize;
use store::posting::Hanging;

use super::kept;
use crate::ask::answer;
use crate::{Ask, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "posting/hanging.html")]
struct HangingPage {
    p: Page,
    q: String,
    rows: Vec<Hanging>,
    paging: Paging,
    before: String,
    after: String,
}

pub(super) async fn hanging(ask: Ask) -> Result<Response, Problem> {
    let q = ask.query("q").unwrap_or("").to_owned();
    let paging = Paging::asked(&ask);
    let (search, today) = (q.clone(), ask.today());
    let (rows, total) = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| {
            app::posting::hanging(tx, today, &search, paging.offset(), paging.size)
        })
        .await?;
    ask.page(&HangingPage {
        p: Page::new(&ask, "postings-title", Season::Autumn),
        q,
        rows,
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

/// What the page and the paper of one posting share.
struct View {
    posting: PublicPosting,
    root: String,
    /// Where the log stood when it was hung, in groups of eight digits.
    log_head: String,
    short_root: String,
    /// The number in the posting log, and the checkpoint it came in with, in short.
    logged: Option<(u64, String)>,
    url: String,
    qr: String,
    may_record: bool,
}

async fn view(ask: &Ask) -> Result<View, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let posting = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| app::posting::public(tx, id, today))
        .await?;
    let url = format!("{}/p/{id}", ask.origin());
    Ok(View {
        root: hex(&posting.posting.root),
        log_head: posting.posting.log_head.chunks(4).map(hex).collect::<Vec<_>>().join(" "),
        short_root: short_root(&posting.posting.root),
        logged: posting.logged.clone(),
        qr: print::qr::svg(&url),
        may_record: ask.who.as_ref().is_some_and(|w| w.may(Permission::RecordObjection)),
        url,
        posting,
    })
}

#[derive(Template)]
#[template(path = "posting/wall.html")]
struct WallPage {
    p: Page,
    v: View,
    key: String,
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let place = kept::Place::of(&ask);
    if let Some(page) = place.as_ref().and_then(|place| ask.server.walls.find(&ask, place)) {
        return Ok(page);
    }
    let generation = ask.server.walls.generation();
    let v = view(&ask).await?;
    if ask.wants_json {
        let posting = &v.posting.posting;
        return ask.json(&serde_json::json!({
            "id": posting.id,
            "from": posting.from.to_string(),
            "to": posting.to.to_string(),
            "hangs": v.posting.hangs,
            "rows": posting.rows,
            "root": v.root,
        }));
    }
    let Some(place) = place else {
        let key = ask.new_key().to_string();
        return ask.page(&WallPage { p: title(&ask, &v), v, key });
    };
    let mut p = title(&ask, &v);
    p.nonce = kept::NONCE.clone();
    let html = kept::written(&WallPage { p, v, key: kept::KEY.clone() })?;
    Ok(ask.server.walls.keep(&ask, place, generation, &html))
}

fn title(ask: &Ask, v: &View) -> Page {
    let p = Page::new(ask, "posting-title", Season::Autumn);
    let header = &v.posting.body.header;
    let month = p.month(header.month.to_string());
    let title = p.t2("posting-title-of", "village", header.village.as_str(), "month", month);
    p.titled(title)
}

#[derive(Template)]
#[template(path = "posting/print.html")]
struct PrintPage {
    p: Page,
    v: View,
}

pub(super) async fn print(ask: Ask) -> Result<Response, Problem> {
    let v = view(&ask).await?;
    if !v.posting.hangs {
        return Err(Problem::not_found());
    }
    ask.page(&PrintPage { p: title(&ask, &v), v })
}

pub(super) async fn text(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let scope = ask.who.as_ref().map(|w| w.scope(Permission::ReadHouseholds));
    let posting = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| {
            app::posting::posting_text(tx, scope.as_ref(), id, today)
        })
        .await?;
    let root = hex(&posting.root);
    let mut response = answer(StatusCode::OK, "text/plain; charset=utf-8", posting.body.into());
    if let Ok(root) = HeaderValue::from_str(&root) {
        response.headers_mut().insert("x-merkle-root", root);
    }
    Ok(response)
}

// Objections by everybody ---------------------------------------------------------------------------

#[derive(Deserialize)]
struct NewObjection {
    key: Id,
    #[serde(default)]
    serial: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    by_name: String,
    #[serde(default)]
    contact: String,
    /// A field that people do not see: whoever fills it in is a machine.
    #[serde(default)]
    website: String,
}

pub(super) async fn object(ask: Ask) -> Result<Response, Problem> {
    let form: NewObjection = ask.form()?;
    if !form.website.is_empty() {
        return Err(Problem::bad("form"));
    }
    if !LIMIT.lock().is_ok_and(|mut limit| limit.lets_in(ask.peer, ask.now)) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "objection-too-many"));
    }
    let request = Object {
        key: form.key,
        posting: ask.id("id")?,
        channel: Channel::Page,
        serial: serial(&form.serial)?,
        text: form.text,
        by_name: given(form.by_name),
        contact: given(form.contact),
    };
    let now = ask.now;
    // A stranger's words are filed by the program, which alone may look behind the wall.
    let filed =
        ask.app().write(Reach::System, move |tx| app::posting::object(tx, now, &request)).await?;
    let record = serde_json::json!({ "code": filed.code, "due_on": filed.due_on.to_string() });
    ask.done(&format!("/answers?code={}", filed.code), "objection-filed", &record)
}

/// A row's number as it was typed; empty for the list as a whole.
pub(super) fn serial(typed: &str) -> Result<Option<i64>, Problem> {
    match typed.trim() {
        "" => Ok(None),
        n => n.parse().map(Some).map_err(|_| Problem::field("serial")),
    }
}

pub(super) fn given(text: String) -> Option<String> {
    Some(text).filter(|t| !t.trim().is_empty())
}

#[derive(Template)]
#[template(path = "posting/answers.html")]
struct AnswersPage {
    p: Page,
    code: String,
    found: Option<FoundAnswer>,
    missing: bool,
}

pub(super) async fn look_up(ask: Ask) -> Result<Response, Problem> {
    let code = ask.query("code").unwrap_or("").to_owned();
    let found = if code.is_empty() {
        None
    } else {
        let typed = code.clone();
        match ask.app().read(Reach::System, move |tx| app::posting::look_up(tx, &typed)).await {
            Ok(found) => Some(found),
            Err(app::Failure::NotFound) => None,
            Err(failure) => return Err(failure.into()),
        }
    };
    let missing = found.is_none() && !code.is_empty();
    if missing && ask.wants_json {
        return Err(Problem::not_found());
    }
    let p = Page::new(&ask, "answers-title", Season::Autumn);
    let status = if missing { StatusCode::NOT_FOUND } else { StatusCode::OK };
    ask.page_with(status, &AnswersPage { p, code, found, missing })
}

/// How often one address may object: enough for a village behind one modem, not for a flood.
struct Limit {
    /// Beginning of the window and how many were let in, by address.
    seen: HashMap<IpAddr, (Millis, u32)>,
}

const WINDOW: Millis = 10 * 60_000;
const PER_WINDOW: u32 = 20;
/// Addresses kept in mind at once.
const ADDRESSES: usize = 10_000;

static LIMIT: LazyLock<Mutex<Limit>> = LazyLock::new(|| Mutex::new(Limit { seen: HashMap::new() }));

impl Limit {
    fn lets_in(&mut self, peer: Option<IpAddr>, now: Millis) -> bool {
        let Some(peer) = peer else { return true };
        if self.seen.len() >= ADDRESSES {
            self.seen.retain(|_, (since, _)| now - *since < WINDOW);
        }
        if self.seen.len() >= ADDRESSES && !self.seen.contains_key(&peer) {
            return false;
        }
        let (since, count) = self.seen.entry(peer).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= PER_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_and_a_village_is_not() {
        let mut limit = Limit { seen: HashMap::new() };
        let one: Option<IpAddr> = Some([192, 0, 2, 1].into());
        let other: Option<IpAddr> = Some([192, 0, 2, 2].into());
        assert!((0..PER_WINDOW).all(|_| limit.lets_in(one, 0)));
        assert!(!limit.lets_in(one, WINDOW - 1));
        assert!(limit.lets_in(other, WINDOW - 1));
        assert!(limit.lets_in(one, WINDOW));
        assert!(limit.lets_in(None, 0));
    }
}
