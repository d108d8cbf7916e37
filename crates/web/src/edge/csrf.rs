//! Forms come from our own pages: by where the browser says they come from, and by a token that
//! only a page made for the same session carries. Whoever is not signed in has no session that
//! somebody could ride on; for them, where the form comes from is all there is to ask.

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

use super::cookie;

/// The hidden field of every form, and the header of a script.
pub(crate) const FIELD: &str = "csrf";
pub(crate) const HEADER: &str = "x-csrf-token";

/// The token of a session's forms. It says nothing about the session's own token.
pub(crate) fn token(session: &str) -> String {
    let digest = Sha256::digest(format!("siji form token 1\0{session}").as_bytes());
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// The token that goes with this line of cookies, for programs that post forms without having
/// read a page.
pub fn form_token(cookies: &str) -> String {
    let mut headers = HeaderMap::new();
    if let Ok(cookies) = cookies.parse() {
        headers.insert(header::COOKIE, cookies);
    }
    let mut cookies = cookie::read(&headers);
    let session =
        [true, false].iter().find_map(|s| cookies.remove(&cookie::name(*s, cookie::SESSION)));
    token(&session.unwrap_or_default())
}

/// Compares in a time that says nothing about where the first difference is.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let bytes = one.bytes().zip(other.bytes());
    one.len() == other.len() && bytes.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// Writes the token into each form that is posted.
pub(crate) fn mark_forms(html: &str, token: &str) -> String {
    const POSTED: &str = "<form method=\"post\"";
    let mut pieces = html.split(POSTED);
    let mut marked = String::with_capacity(html.len() + 1024);
    marked.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        let (attributes, rest) = piece.split_once('>').unwrap_or((piece, ""));
        marked.push_str(POSTED);
        marked.push_str(attributes);
        marked.push_str("><input type=\"hidden\" name=\"csrf\" value=\"");
        marked.push_str(token);
        marked.push_str("\">");
        marked.push_str(rest);
    }
    marked
}

/// Does it come from a page of this host, as far as the browser says? A program that is no browser
/// says nothing, and has nobody's cookies but its own.
pub(crate) fn is_same_origin(headers: &HeaderMap, is_secure: bool, public: Option<&str>) -> bool {
    let says = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or(""));
    let by_site = says("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let by_origin = says("origin").is_none_or(|origin| {
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        // Plain HTTP may be TLS that a proxy took off without telling.
        let fits = scheme == "https" || (scheme == "http" && !is_secure);
        let is_public = public.is_some_and(|url| url.trim_end_matches('/') == origin);
        is_public || (fits && says("host").is_some_and(|h| h.eq_ignore_ascii_case(host)))
    });
    by_site && by_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_form_comes_from() {
        let check = |site: &str, origin: &str, is_secure: bool, yes: bool| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "siji.test:8080".parse().unwrap());
            if !site.is_empty() {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if !origin.is_empty() {
                headers.insert("origin", origin.parse().unwrap());
            }
            let public = Some("https://siji.example/");
            let same = is_same_origin(&headers, is_secure, public);
            assert_eq!(same, yes, "{site} {origin} {is_secure}");
        };
        check("", "", false, true);
        check("none", "", false, true);
        check("same-origin", "http://siji.test:8080", false, true);
        check("same-origin", "https://siji.test:8080", true, true);
        check("", "https://siji.example", true, true);
        check("", "http://siji.test:8080", true, false);
        check("same-site", "http://siji.test:8080", false, false);
        check("cross-site", "", false, false);
        check("same-origin", "http://evil.test", false, false);
        check("", "http://siji.test", false, false);
        check("", "http://siji.test:8080.evil.test", false, false);
        check("", "null", false, false);
        check("", "file://siji.test:8080", false, false);
    }

    #[test]
    fn a_token_stands_in_each_form_that_is_posted() {
        let page = r#"<form method="get"><p></form><form method="post" action="/a" class="b"><p>"#;
        let marked = mark_forms(page, "t0");
        let expected = r#"<form method="get"><p></form><form method="post" action="/a" class="b"><input type="hidden" name="csrf" value="t0"><p>"#;
        assert_eq!(marked, expected);
        assert!(is_same("t0", "t0") && !is_same("t0", "t1") && !is_same("t0", "t"));
        assert_eq!(form_token("lang=en; siji=abc"), token("abc"));
        assert_eq!(form_token("siji=no; __Host-siji=abc"), token("abc"));
    }

    /// `mark_forms` knows one way of writing it.
    #[test]
    fn every_form_of_the_templates_says_its_method_first() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut folders = vec![folder];
        let mut posted = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for form in text.split("<form").skip(1) {
                    let is_posted = form.starts_with(" method=\"post\"");
                    let is_known = is_posted || form.contains("method=\"get\"");
                    assert!(is_known, "{}: <form{form:.60}", path.display());
                    posted += usize::from(is_posted);
                }
            }
        }
        assert!(posted > 30, "{posted} forms");
    }
}
