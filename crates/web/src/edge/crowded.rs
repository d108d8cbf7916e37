//! What is said where there is no place: a page or a problem that is written already, in either
//! language, so that a no costs next to nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::cookie;
use super::headers::{Keep, STILL_PAGE, protect};
use crate::ask::answer;
use crate::problem::Problem;
use crate::texts::{Lang, Texts};

pub(crate) const CODE: &str = "crowded";

pub(crate) fn problem() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, CODE)
}

#[derive(Template)]
#[template(path = "crowded.html")]
struct CrowdedPage {
    lang: Lang,
    title: String,
    siji: String,
    style: String,
    sentence: String,
    /// What opens the same page again; a form is sent again by its own page.
    again: Option<String>,
}

/// One language's.
struct Words {
    json: Bytes,
    page: Bytes,
    form: Bytes,
}

static ZH: LazyLock<Words> = LazyLock::new(|| Words::of(Lang::Zh));
static EN: LazyLock<Words> = LazyLock::new(|| Words::of(Lang::En));

impl Words {
    fn of(lang: Lang) -> Words {
        let (texts, problem) = (Texts::of(lang), problem());
        let say = |key: &str| texts.say(key, &[]);
        let page = |again| {
            let page = CrowdedPage {
                lang,
                title: say("problem-title"),
                siji: say("siji"),
                style: crate::assets::href("style.css"),
                sentence: problem.sentence(lang),
                again,
            };
            page.render().map_or_else(|_| Bytes::new(), Bytes::from)
        };
        Words {
            json: problem.json(lang).to_string().into(),
            page: page(Some(say("open-again"))),
            form: page(None),
        }
    }
}

/// The answer; `number` spreads the return of those who were sent away together.
pub(crate) fn told(headers: &HeaderMap, method: &Method, is_secure: bool, number: u64) -> Response {
    let words = match language(&cookie::read(headers), is_secure) {
        Lang::Zh => &*ZH,
        Lang::En => &*EN,
    };
    let (mime, body) = match (wants_json(headers), method) {
        (true, _) => (super::PROBLEM_JSON, &words.json),
        (false, &Method::GET | &Method::HEAD) => (PAGE, &words.page),
        (false, _) => (PAGE, &words.form),
    };
    let mut told = answer(StatusCode::SERVICE_UNAVAILABLE, mime, body.clone().into());
    if mime == PAGE {
        told.headers_mut().insert(header::CONTENT_SECURITY_POLICY, STILL_PAGE);
    }
    told.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1 + number % 3));
    protect(&mut told, Keep::No, is_secure);
    told
}

const PAGE: &str = "text/html; charset=utf-8";

/// The language that somebody has chosen here before.
pub(crate) fn language(cookies: &BTreeMap<String, String>, is_secure: bool) -> Lang {
    let chosen = cookies.get(&cookie::name(is_secure, cookie::LANGUAGE));
    chosen.and_then(|code| Lang::from_code(code)).unwrap_or(Lang::Zh)
}

pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let is_json = |name: header::HeaderName| {
        let says = headers.get(name).and_then(|v| v.to_str().ok());
        says.is_some_and(|v| v.starts_with("application/json"))
    };
    is_json(header::ACCEPT) || is_json(header::CONTENT_TYPE)
}

/// The raw answer to a connection for which there is no place, in both languages: nobody has heard
/// which one is wanted.
pub(crate) static UNHEARD: LazyLock<String> = LazyLock::new(|| {
    let words = [Lang::Zh, Lang::En].map(|lang| problem().sentence(lang));
    let body = words.join("\n") + "\n";
    format!(
        "HTTP/1.1 503 Service Unavailable\r\n\
         connection: close\r\n\
         retry-after: 1\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\n\
         cache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
         \r\n\
         {body}",
        body.len()
    )
});
