//! The headers of every answer, whatever its status.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Who may keep an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nobody: it was made for one person.
    No,
    /// Ask again each time.
    Ask,
}

/// The policy of a page: its own style, the scripts that bear its nonce, and nothing from anywhere
/// else.
pub(crate) fn page_policy(nonce: &str) -> Option<HeaderValue> {
    format!(
        "default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; media-src 'self' blob:; object-src 'none'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
    .parse()
    .ok()
}

/// The policy of a page without a script or a form.
pub(crate) const STILL_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; object-src 'none'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// What is no page loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; object-src 'none'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'; sandbox";

const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(self), geolocation=(), microphone=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
];

/// Two years, so that nobody who has been here once comes back in the clear.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Adds what the handler has not said itself.
pub(crate) fn protect(response: &mut Response, keep: Keep, is_secure: bool) {
    let is_busy = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    let keep = HeaderValue::from_static(if keep == Keep::No { "no-store" } else { "no-cache" });
    headers.entry(header::CACHE_CONTROL).or_insert(keep);
    if is_secure {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
    }
    if is_busy {
        headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
}
