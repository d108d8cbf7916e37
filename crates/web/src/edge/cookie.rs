//! Our cookies and their names.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

use crate::Ask;

/// Whose value is the session's token.
pub(crate) const SESSION: &str = "siji";
/// Tells a browser in which somebody has signed in from a stranger's.
pub(crate) const BROWSER: &str = "siji-browser";
/// What a browser keeps while it is away at the OpenID provider.
pub(crate) const OIDC: &str = "siji-oidc";
pub(crate) const LANGUAGE: &str = "lang";

/// A browser takes `__Host-` only over TLS, from this very host, for all its paths: no neighbour
/// domain can plant one.
pub(crate) fn name(is_secure: bool, cookie: &str) -> String {
    if is_secure { format!("__Host-{cookie}") } else { cookie.to_owned() }
}

pub(crate) fn read(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What is kept of a session's token.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Ask {
    /// The value of a cookie that the request came with, if any.
    pub(crate) fn brings(&self, cookie: &str) -> Option<String> {
        read(&self.headers).remove(&name(self.is_secure, cookie)).filter(|value| !value.is_empty())
    }

    /// A `Set-Cookie` value. Lax, because codes on paper lead here from other programs, and no GET
    /// changes anything. `seconds` to live: `None` until the browser is closed, nought takes it away.
    pub(crate) fn cookie(&self, cookie: &str, value: &str, seconds: Option<u32>) -> String {
        let name = name(self.is_secure, cookie);
        let secure = if self.is_secure { "; Secure" } else { "" };
        let age = seconds.map_or(String::new(), |s| format!("; Max-Age={s}"));
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
    }
}
