//! The posting log for everybody: checkpoint, tiles, one file for each list that hangs, and a page
//! that checks such a file in the browser. Nothing else is listed.

use app::{Never, Reach};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use domain::access::Permission;

use crate::ask::answer;
use crate::{Ask, Page, Problem, Season};

pub(super) async fn checkpoint(ask: Ask) -> Result<Response, Problem> {
    let note = ask.app().read::<_, Never>(Reach::Public, app::posting::checkpoint).await?;
    let mut response = answer(StatusCode::OK, "text/plain; charset=utf-8", note.into());
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(response)
}

/// A full tile stays as it is for ever; a partial one too, and is asked for less and less.
pub(super) async fn tile(ask: Ask) -> Result<Response, Problem> {
    let path = format!("tile/{}", ask.part("at"));
    let (tile, bytes) =
        ask.app().read::<_, Never>(Reach::Public, move |tx| app::posting::tile(tx, &path)).await?;
    let mut response = answer(StatusCode::OK, "application/octet-stream", bytes.into());
    let keep = if tile.is_full() {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=86400, immutable"
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}

pub(super) async fn proof(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let scope = ask.who.as_ref().map(|w| w.scope(Permission::ReadHouseholds));
    let file = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| {
            app::posting::proof_file(tx, scope.as_ref(), id, today)
        })
        .await?;
    ask.json(&file)
}

#[derive(Template)]
#[template(path = "posting/check.html")]
struct CheckPage {
    p: Page,
    /// Where the page begins: the proof of the list it was opened for.
    proof: String,
    keys: Vec<String>,
}

pub(super) async fn check(ask: Ask) -> Result<Response, Problem> {
    let posting: Option<domain::Id> = ask.query("p").and_then(|id| id.parse().ok());
    let keys = app::posting::log_keys(ask.app().db.keys());
    ask.page(&CheckPage {
        p: Page::new(&ask, "check-title", Season::Autumn),
        proof: posting.map_or_else(String::new, |id| format!("/p/{id}/proof.json")),
        keys: keys.iter().map(ToString::to_string).collect(),
    })
}
