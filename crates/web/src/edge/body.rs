//! What a request carries: read in time and within its size, taken apart into fields, each of which
//! the route must know and which must not stand there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Multipart};
use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use tokio::time::{Instant, timeout_at};

use super::crowded;
use super::csrf;
use super::gate::{Full, Held};
use super::listen::{Limits, PIECE};
use crate::ask::unique;
use crate::{Ask, Problem, Route, Upload};

/// Fields of one form; the widest of ours has some three hundred.
const FIELDS_MAX: usize = 2_000;
/// Parts of one upload: a file, its key, the form's token, and room for a few more.
const PARTS_MAX: usize = 8;
/// Where a body counts as an upload, which may take longer, in bytes.
const UPLOAD: usize = 1 << 20;

/// Reads it to its end: in pieces that come without a pause, in all within its time and size, and
/// within what all bodies may take together.
pub(crate) async fn read(
    body: Body,
    max: usize,
    limits: &Limits,
    mut held: Held,
) -> Result<(Bytes, Held), Problem> {
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let whole = if max > UPLOAD { limits.upload } else { limits.body };
    let (mut body, mut all) = (Limited::new(body, max), BytesMut::new());
    let (end, mut due, mut next) = (Instant::now() + whole, Instant::now() + limits.pace, PIECE);
    loop {
        let frame = match timeout_at(due.min(end), body.frame()).await {
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow")),
            Ok(None) => return Ok((all.freeze(), held)),
            Ok(Some(Err(e))) if e.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Some(Err(_))) => return Err(Problem::bad("form")),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(data) = frame.into_data() {
            held.grow(data.len(), limits.bodies).map_err(|Full| crowded::problem())?;
            all.extend_from_slice(&data);
        }
        if all.len() >= next {
            (due, next) = (Instant::now() + limits.pace, all.len() + PIECE);
        }
    }
}

/// The names that stood in a body, and what shows that it came from a page of ours.
#[derive(Default)]
pub(crate) struct Brought {
    names: Vec<String>,
    token: Option<String>,
    /// No form of a foreign page can send this, because the browser asks us first.
    is_json: bool,
}

impl Brought {
    pub fn is_from(&self, token: &str) -> bool {
        self.is_json || self.token.as_deref().is_some_and(|own| csrf::is_same(own, token))
    }

    /// Refuses what the route has never heard of.
    pub fn fits(&self, route: &Route) -> Result<(), Problem> {
        known(self.names.iter(), route)
    }
}

/// Refuses the first name that the route does not take.
pub(crate) fn known<'n>(
    mut names: impl Iterator<Item = &'n String>,
    route: &Route,
) -> Result<(), Problem> {
    match names.find(|name| !route.takes_field(name)) {
        None => Ok(()),
        Some(name) => Err(Problem::unknown_field(name)),
    }
}

/// Puts the body into `ask`, as the form, JSON object or upload that its content type says.
pub(crate) async fn take(ask: &mut Ask, route: &Route, bytes: Bytes) -> Result<Brought, Problem> {
    let token = ask.headers.get(csrf::HEADER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let no_names = Vec::new();
    match media_type(&ask.headers).as_str() {
        "" if bytes.is_empty() => Ok(Brought { names: no_names, token, is_json: false }),
        "application/json" => {
            let names = if bytes.is_empty() { no_names } else { names_in(&bytes)? };
            ask.body = bytes;
            Ok(Brought { names, token, is_json: true })
        }
        "application/x-www-form-urlencoded" => {
            let mut fields = form(&bytes)?;
            let written = fields.remove(csrf::FIELD);
            ask.body = if written.is_none() {
                bytes
            } else {
                serde_urlencoded::to_string(&fields).map_err(|_| Problem::bad("form"))?.into()
            };
            let names = fields.into_keys().collect();
            Ok(Brought { names, token: token.or(written), is_json: false })
        }
        "multipart/form-data" if route.takes_field("file") => {
            let mut parts = parts(&ask.headers, bytes).await?;
            let written = parts.remove(csrf::FIELD);
            let written = written.map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
            let names = parts.keys().cloned().collect();
            ask.parts = parts;
            Ok(Brought { names, token: token.or(written), is_json: false })
        }
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type")),
    }
}

/// Without its parameters, in small letters.
fn media_type(headers: &HeaderMap) -> String {
    let says = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    says.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

pub(super) fn form(bytes: &[u8]) -> Result<BTreeMap<String, String>, Problem> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(bytes).map_err(|_| Problem::bad("form"))?;
    if pairs.len() > FIELDS_MAX {
        return Err(Problem::bad("fields-many"));
    }
    unique(pairs)
}

pub(super) async fn parts(
    headers: &HeaderMap,
    bytes: Bytes,
) -> Result<BTreeMap<String, Upload>, Problem> {
    let bad = |_| Problem::bad("multipart");
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = headers.clone();
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|_| Problem::bad("multipart"))?;
    let mut parts = BTreeMap::new();
    while let Some(part) = form.next_field().await.map_err(bad)? {
        if parts.len() >= PARTS_MAX {
            return Err(Problem::bad("fields-many"));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(bad)?;
        if parts.insert(name, Upload { file_name, bytes, key: None }).is_some() {
            return Err(Problem::bad("field-twice"));
        }
    }
    Ok(parts)
}

/// The names in a JSON object. A name that stands twice in one object, at whatever depth, is
/// refused; so is what is nested deeper than the parser goes.
pub(super) fn names_in(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    match serde_json::from_slice::<Once>(bytes) {
        Ok(Once(Some(names))) => Ok(names.into_iter().collect()),
        Err(error) if error.is_data() => Err(Problem::bad("field-twice")),
        Ok(Once(None)) | Err(_) => Err(Problem::bad("json")),
    }
}

/// Any JSON value that says each name once; of an object, its names.
struct Once(Option<BTreeSet<String>>);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Once, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value that says each name once")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Once, A::Error> {
        while seq.next_element::<Once>()?.is_some() {}
        Ok(Once(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<Once>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Once(Some(names)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_json_object() {
        let check = |json: &str, expected: Result<&[&str], &str>| {
            let names = names_in(json.as_bytes()).map_err(|p| p.code);
            let expected = expected
                .map(|names| names.iter().map(|n| (*n).to_owned()).collect())
                .map_err(str::to_owned);
            assert_eq!(names, expected, "{json:.60}");
        };
        check("{}", Ok(&[]));
        check(r#"{"b":[1,2.5,null,true,"x"],"a":{"b":1}}"#, Ok(&["a", "b"]));
        check(r#"{"a":1,"a":1}"#, Err("field-twice"));
        check(r#"{"a":1,"\u0061":1}"#, Err("field-twice"));
        check(r#"{"a":[{"b":1,"b":2}]}"#, Err("field-twice"));
        check("[1]", Err("json"));
        check("1", Err("json"));
        check(r#"{"a":1"#, Err("json"));
        check(r#"{"a":1} {}"#, Err("json"));
        check(&format!("{{\"a\":{}", "[".repeat(200_000)), Err("json"));
        check(&"{\"a\":".repeat(200_000), Err("json"));
    }
}
