//! What the edge takes a request apart with, by itself: for those who try it with anything at all.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::HeaderMap;
use bytes::Bytes;

use super::client::Client;
use super::{body, cookie, csrf};

/// Who is at the other end, and whether over TLS.
pub fn client(
    headers: &HeaderMap,
    peer: IpAddr,
    over_tls: bool,
    trusted: &[IpAddr],
) -> (IpAddr, bool) {
    let client = Client::of(headers, peer, over_tls, trusted);
    (client.address, client.is_secure)
}

pub fn cookies(headers: &HeaderMap) -> BTreeMap<String, String> {
    cookie::read(headers)
}

pub fn is_same_origin(headers: &HeaderMap, is_secure: bool, public: Option<&str>) -> bool {
    csrf::is_same_origin(headers, is_secure, public)
}

/// The fields of a form, or the code of the refusal; so do the next two.
pub fn form(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    body::form(bytes).map_err(|problem| problem.code)
}

/// The names in a JSON object.
pub fn json_names(bytes: &[u8]) -> Result<Vec<String>, String> {
    body::names_in(bytes).map_err(|problem| problem.code)
}

/// An upload's parts: the file's name and its bytes.
pub async fn parts(
    headers: &HeaderMap,
    bytes: Bytes,
) -> Result<BTreeMap<String, (String, Bytes)>, String> {
    let parts = body::parts(headers, bytes).await.map_err(|problem| problem.code)?;
    Ok(parts.into_iter().map(|(name, part)| (name, (part.file_name, part.bytes))).collect())
}
