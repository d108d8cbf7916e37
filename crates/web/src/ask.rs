//! One request, already guarded: who asks, within what scope, with which words.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, Reach, Who};
use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use domain::access::Scope;
use domain::{Date, Id, Millis};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::edge::headers::page_policy;
use crate::edge::{Held, Place, Server, csrf};
use crate::texts::Lang;
use crate::{Needs, Problem};

pub struct Ask {
    pub server: Arc<Server>,
    /// The path that was asked for.
    pub at: String,
    pub who: Option<Who>,
    /// What the asker may see or do here, by the route's permission.
    pub scope: Scope,
    /// The session's id, for lists of sessions; its token is never kept.
    pub(crate) session: Option<Id>,
    /// A new password comes before anything else.
    pub(crate) must_change: bool,
    /// What the database shows the asker.
    pub(crate) reach: Reach,
    pub lang: Lang,
    pub now: Millis,
    pub headers: HeaderMap,
    pub wants_json: bool,
    /// The client's address, for limits on what strangers may do.
    pub peer: Option<std::net::IpAddr>,
    /// It came over TLS, as far as we know.
    pub is_secure: bool,
    /// What the forms on a page for this session carry.
    pub(crate) form_token: Option<String>,
    /// What the scripts of this answer carry.
    pub(crate) nonce: String,
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Bytes,
    /// Of a form with a file.
    pub(crate) parts: BTreeMap<String, Upload>,
    /// Among those that are under way; work that outlives its request takes it along.
    pub(crate) place: Option<Place>,
    /// What the body takes of the room for all bodies.
    pub(crate) held: Option<Held>,
}

impl Ask {
    pub fn app(&self) -> &App {
        &self.server.app
    }

    /// The signed-in person; routes that need one have one.
    pub fn who(&self) -> Result<Who, Problem> {
        self.who.clone().ok_or_else(Problem::not_allowed)
    }

    /// This session, of somebody who is signed in.
    pub fn session(&self) -> Result<Id, Problem> {
        self.session.ok_or_else(Problem::not_allowed)
    }

    /// `https://…` as people reach us: what was configured, or what they asked for.
    pub fn origin(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let scheme = if self.is_secure { "https" } else { "http" };
                let host = self.headers.get(header::HOST).and_then(|h| h.to_str().ok());
                format!("{scheme}://{}", host.unwrap_or("localhost"))
            }
        }
    }

    pub fn today(&self) -> Date {
        domain::local_date(self.now)
    }

    /// A key for a record born on this page.
    pub fn new_key(&self) -> Id {
        domain::id::new(self.now, crate::edge::random())
    }

    /// A path parameter that is an id; anything else is not there.
    pub fn id(&self, name: &str) -> Result<Id, Problem> {
        self.path.get(name).and_then(|s| s.parse().ok()).ok_or_else(Problem::not_found)
    }

    pub fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A query parameter, trimmed; an empty one counts as absent.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(|s| s.trim()).filter(|s| !s.is_empty())
    }

    /// The query with some parameters set anew, for links: `/households?page=2&q=…`.
    pub fn link(&self, change: &[(&str, &str)]) -> String {
        let mut query = self.query.clone();
        query.remove("done");
        for (name, value) in change {
            query.insert((*name).to_owned(), (*value).to_owned());
        }
        query.retain(|_, v| !v.is_empty());
        let encoded = serde_urlencoded::to_string(&query).unwrap_or_default();
        if encoded.is_empty() { self.at.clone() } else { format!("{}?{encoded}", self.at) }
    }

    pub fn here(&self) -> String {
        self.link(&[])
    }

    /// The form or the JSON object, as `T`.
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.fields()?;
        if self.is_json_body() {
            return serde_json::from_slice(&self.body).map_err(|e| {
                tracing::debug!(error = %e, "a JSON body was refused");
                Problem::bad("json")
            });
        }
        serde_urlencoded::from_bytes(&self.body).map_err(|_| Problem::bad("form"))
    }

    /// The form's fields, or those of a flat JSON object. A field that stands twice is refused.
    pub fn fields(&self) -> Result<BTreeMap<String, String>, Problem> {
        if self.is_json_body() {
            let object: BTreeMap<String, serde_json::Value> =
                serde_json::from_slice(&self.body).map_err(|_| Problem::bad("json"))?;
            let fields = object.into_iter().map(|(name, value)| match value {
                serde_json::Value::String(s) => (name, s),
                serde_json::Value::Null => (name, String::new()),
                other => (name, other.to_string()),
            });
            return unique(fields.collect());
        }
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(&self.body).map_err(|_| Problem::bad("form"))?;
        unique(pairs)
    }

    pub(crate) fn is_json_body(&self) -> bool {
        self.headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.starts_with("application/json"))
    }

    /// The file of a form, with the form's key.
    pub fn upload(&self, field: &str) -> Result<Upload, Problem> {
        let key = self.parts.get("key").map(|part| String::from_utf8_lossy(&part.bytes));
        let key = key.and_then(|key| key.parse().ok());
        let file = self.parts.get(field).filter(|part| !part.bytes.is_empty());
        let Upload { file_name, bytes, .. } =
            file.cloned().ok_or_else(|| Problem::bad("file-missing"))?;
        Ok(Upload { file_name, bytes, key })
    }

    /// Runs a use case in the asker's name and within their reach, and waits until its effect is
    /// durable.
    pub async fn write<T: Send + 'static, R: domain::Refusal + Send + Unpin + 'static>(
        &self,
        mut work: impl FnMut(&mut app::Tx, &Who) -> Result<T, app::Failure<R>> + Send + 'static,
    ) -> Result<T, Problem> {
        let who = self.who()?;
        Ok(self.app().write(self.reach.clone(), move |tx| work(tx, &who)).await?)
    }

    /// Runs a query in the asker's name and within their reach.
    pub async fn read<T: Send + 'static, R: domain::Refusal + Send + Unpin + 'static>(
        &self,
        mut work: impl FnMut(&mut app::Tx, &Who) -> Result<T, app::Failure<R>> + Send + 'static,
    ) -> Result<T, Problem> {
        let who = self.who()?;
        Ok(self.app().read(self.reach.clone(), move |tx| work(tx, &who)).await?)
    }

    // Answers.

    pub fn page(&self, template: &impl Template) -> Result<Response, Problem> {
        self.page_with(StatusCode::OK, template)
    }

    /// A page of its own for a no, which the log takes for one.
    pub fn page_for(
        &self,
        problem: &Problem,
        template: &impl Template,
    ) -> Result<Response, Problem> {
        let mut response = self.page_with(problem.status, template)?;
        crate::audit::mark(&mut response, problem);
        Ok(response)
    }

    pub fn page_with(
        &self,
        status: StatusCode,
        template: &impl Template,
    ) -> Result<Response, Problem> {
        let html = template.render().map_err(|e| {
            tracing::error!(error = %e, at = %self.at, "a page could not be made");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page")
        })?;
        let html = match &self.form_token {
            Some(token) => csrf::mark_forms(&html, token),
            None => html,
        };
        Ok(self.html(status, html))
    }

    /// A page that is written already; its scripts bear this request's nonce.
    pub(crate) fn html(&self, status: StatusCode, html: String) -> Response {
        let mut response = answer(status, "text/html; charset=utf-8", html.into());
        if let Some(policy) = page_policy(&self.nonce) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    pub fn json(&self, value: &impl Serialize) -> Result<Response, Problem> {
        let body = serde_json::to_vec(value)
            .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page"))?;
        Ok(answer(StatusCode::OK, "application/json", body.into()))
    }

    /// After a write: a form goes on to `to` with a notice (`notice-<done>`), JSON gets the record.
    pub fn done(&self, to: &str, done: &str, record: &impl Serialize) -> Result<Response, Problem> {
        if self.wants_json {
            return self.json(record);
        }
        let joint = if to.contains('?') { '&' } else { '?' };
        let to = if done.is_empty() { to.to_owned() } else { format!("{to}{joint}done={done}") };
        Ok(see_other(&to))
    }

    /// A download. `file_name` may be Chinese.
    pub fn download(&self, mime: &str, file_name: &str, body: Body) -> Response {
        let mut response = answer(StatusCode::OK, mime, body);
        if let Ok(value) = attachment(file_name).parse() {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

#[derive(Clone)]
pub struct Upload {
    pub file_name: String,
    pub bytes: Bytes,
    pub key: Option<Id>,
}

/// A `Content-Disposition` (RFC 6266) that says the name twice: in plain letters and in full.
fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    let encoded: String = file_name.bytes().map(percent).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn percent(b: u8) -> String {
    if b.is_ascii_alphanumeric() || b"._-".contains(&b) {
        char::from(b).to_string()
    } else {
        format!("%{b:02X}")
    }
}

pub(crate) fn answer(status: StatusCode, mime: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(mime) = mime.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, mime);
    }
    response
}

pub(crate) fn see_other(to: &str) -> Response {
    let mut response = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Body::empty());
    if let Ok(to) = to.parse() {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

pub(crate) fn unique(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Problem> {
    let mut fields = BTreeMap::new();
    for (name, value) in pairs {
        // PostgreSQL holds no NUL in a text, and no keyboard makes one.
        if name.contains('\0') || value.contains('\0') {
            return Err(Problem::bad("field-nul"));
        }
        if fields.insert(name, value).is_some() {
            return Err(Problem::bad("field-twice"));
        }
    }
    Ok(fields)
}

/// Whether somebody who is not signed in may ask at all.
pub(crate) fn is_open(needs: Needs) -> bool {
    needs == Needs::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_cannot_end_its_header() {
        for name in [
            "台账 2026.xlsx",
            "a\"; filename=\"b.exe",
            "a\r\nSet-Cookie: siji=x",
            "../../etc/passwd",
            "𠮷\u{202e}fdp.xlsx",
            "",
        ] {
            let header = attachment(name);
            assert!(header.is_ascii() && !header.contains(['\r', '\n', '\\', '/']), "{header}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
            let full = header.split("filename*=UTF-8''").nth(1).expect("the full name");
            let read = serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("n={full}"));
            assert_eq!(read.expect("it decodes")[0].1, name);
        }
    }

    #[test]
    fn a_field_stands_once_and_can_be_written() {
        let code = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            unique(pairs.collect()).map_err(|problem| problem.code)
        };
        assert!(code(&[("a", "1"), ("b", "1")]).is_ok());
        assert_eq!(code(&[("a", "1"), ("a", "1")]), Err("field-twice".into()));
        assert_eq!(code(&[("a", "x\0")]), Err("field-nul".into()));
    }
}
