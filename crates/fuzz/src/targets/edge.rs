//! A request's own parts: headers, cookies, bodies; and the paths of areas.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::Id;
use domain::access::{Scope, is_within};
use web::parsers;

use crate::bytes::Bytes;

const PEER: [u8; 4] = [10, 0, 0, 1];

/// Lines `name: value`, as many as there are.
fn headers(text: &[u8]) -> HeaderMap {
    const NAMES: [&str; 7] = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "host",
        "origin",
        "sec-fetch-site",
        "cookie",
        "forwarded",
    ];
    let mut map = HeaderMap::new();
    for line in text.split(|b| *b == b'\n').take(40) {
        let Some((first, value)) = line.split_first() else { continue };
        let name = HeaderName::from_static(NAMES[usize::from(*first) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            map.append(name, value);
        }
    }
    map
}

/// Who asks, with which cookies, from which page.
pub fn head(bytes: &[u8]) {
    let headers = headers(bytes);
    let peer = IpAddr::from(PEER);
    let other = IpAddr::from([10, 0, 0, 2]);
    let stranger = IpAddr::from([7, 7, 7, 7]);
    for over_tls in [true, false] {
        let found = parsers::client(&headers, stranger, over_tls, &[peer, other]);
        assert_eq!(found, (stranger, over_tls), "a stranger speaks for somebody");
        let (address, is_secure) = parsers::client(&headers, peer, over_tls, &[peer, other]);
        assert!(is_secure || !over_tls);
        let says = headers.get_all("x-forwarded-for");
        let said = says.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        let said: Vec<&str> = said.map(str::trim).collect();
        let is_said =
            said.iter().any(|hop| hop.parse::<IpAddr>().is_ok_and(|a| a.to_canonical() == address));
        assert!(address == peer || is_said, "{address} is named by nobody");
        assert!(address == peer || address != other);
        // Whom the client itself names before the last hop counts for nothing.
        let mut longer = HeaderMap::new();
        let line = format!("9.9.9.9, {}", said.join(","));
        let is_known = said.last().is_some_and(|hop| hop.parse::<IpAddr>().is_ok());
        if let (Ok(value), true, true) = (line.parse::<HeaderValue>(), is_known, address != peer) {
            longer.append("x-forwarded-for", value);
            assert_eq!(parsers::client(&longer, peer, over_tls, &[peer, other]).0, address);
        }
    }
    let cookies = parsers::cookies(&headers);
    assert!(cookies.keys().all(|name| !name.contains(['=', ';'])));
    assert!(cookies.values().all(|value| !value.contains(';')));

    let is_own = parsers::is_same_origin(&headers, true, None);
    let one = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or(""));
    if is_own {
        let host = one("host").unwrap_or("");
        let fits = one("origin").is_none_or(|o| o.eq_ignore_ascii_case(&format!("https://{host}")));
        assert!(fits, "{headers:?} is taken for our own page's");
        assert!(one("sec-fetch-site").is_none_or(|s| ["same-origin", "none"].contains(&s)));
    }
    assert!(one("origin").is_some() || one("sec-fetch-site").is_some() || is_own);
}

/// A body as a form, as JSON, as an upload.
pub fn body(bytes: &[u8]) {
    match parsers::form(bytes) {
        Ok(fields) => {
            assert!(fields.len() <= 2_000);
            let written = serde_urlencoded::to_string(&fields).expect("fields are text");
            assert_eq!(parsers::form(written.as_bytes()), Ok(fields));
        }
        Err(code) => assert!(["form", "fields-many", "field-twice", "field-nul"].contains(&&*code)),
    }
    let object = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(bytes);
    match (parsers::json_names(bytes), object) {
        (Ok(names), object) => {
            let object = object.expect("an object has names");
            assert!(object.keys().eq(names.iter()) || object.len() == names.len());
        }
        (Err(code), Ok(_)) => assert_eq!(code, "field-twice"),
        (Err(code), Err(_)) => assert!(["field-twice", "json"].contains(&&*code)),
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=x"));
    match crate::runtime().block_on(parsers::parts(&headers, bytes.to_vec().into())) {
        Ok(parts) => {
            let all: usize = parts.values().map(|(_, bytes)| bytes.len()).sum();
            assert!(parts.len() <= 8 && all <= bytes.len());
        }
        Err(code) => {
            assert!(["multipart", "fields-many", "field-twice"].contains(&&*code), "{code}")
        }
    }
}

/// Paths of the management tree: what lies in a scope, and in two.
pub fn paths(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let mut path = || {
        let steps = 1 + choices.below(4);
        let step = |_| format!("{:03}", choices.below(3) + 1);
        (0..steps).map(step).collect::<Vec<_>>().join(".")
    };
    let scope = |paths: Vec<String>| Scope { person: Id::nil(), paths, assigned: false };
    let one = scope(vec![path(), path()]);
    let other = scope(vec![path(), path(), path()]);
    let steps = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let naive = |scope: &Scope, path: &str| {
        scope.paths.iter().any(|above| steps(path).starts_with(&steps(above)))
    };
    let both = one.and(&other);
    for _ in 0..8 {
        let at = path();
        assert_eq!(one.covers(&at), naive(&one, &at), "{at} in {one:?}");
        assert_eq!(both.covers(&at), naive(&one, &at) && naive(&other, &at), "{at} in {both:?}");
        assert_eq!(both, scope(both.paths.clone()));
    }
    let text = String::from_utf8_lossy(bytes);
    let (a, b) = text.split_once('\n').unwrap_or((&text, ""));
    assert_eq!(is_within(a, b), steps(a).starts_with(&steps(b)), "{a:?} within {b:?}");
}
