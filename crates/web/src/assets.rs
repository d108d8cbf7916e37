//! Style and script, served from the program itself under names that change with their content.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::ask::answer;
use crate::{Ask, Needs, Problem, Route, Subject};

const FILES: &[(&str, &str, &[u8])] = &[
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("siji.js", "text/javascript; charset=utf-8", include_bytes!("../assets/siji.js")),
    ("counter.js", "text/javascript; charset=utf-8", include_bytes!("../assets/counter.js")),
    ("keep.js", "text/javascript; charset=utf-8", include_bytes!("../assets/keep.js")),
    ("check.js", "text/javascript; charset=utf-8", include_bytes!("../assets/check.js")),
    ("icon.svg", "image/svg+xml; charset=utf-8", include_bytes!("../assets/icon.svg")),
];

/// `/assets/style.css?v=<content>`.
pub fn href(name: &str) -> String {
    static TAGS: std::sync::LazyLock<Vec<(&str, String)>> = std::sync::LazyLock::new(|| {
        let tag = |bytes: &[u8]| {
            Sha256::digest(bytes).iter().take(6).map(|b| format!("{b:02x}")).collect()
        };
        FILES.iter().map(|f| (f.0, tag(f.2))).collect()
    });
    let tag = TAGS.iter().find(|t| t.0 == name).map_or("", |t| t.1.as_str());
    format!("/assets/{name}?v={tag}")
}

pub fn routes() -> Vec<Route> {
    let show =
        Route::get("/assets/{name}", row!("assets.show"), Needs::Nothing, Subject::Public, show);
    vec![show.takes(&["v"]).alone()]
}

async fn show(ask: Ask) -> Result<Response, Problem> {
    let file = FILES.iter().find(|f| f.0 == ask.part("name")).ok_or_else(Problem::not_found)?;
    let mut response = answer(StatusCode::OK, file.1, file.2.into());
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(response)
}
