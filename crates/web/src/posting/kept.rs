//! Pages of what hangs, written once and given to everybody for a second: a village looks at its
//! list all at once. Only what a stranger sees is kept; each answer still bears a nonce and a key of
//! its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Date, Id, Millis};

use crate::texts::Lang;
use crate::{Ask, Problem};

/// What another server, or a command, has changed is seen after this long.
const FRESH: Millis = 1_000;
/// Pages kept at once.
const PAGES: usize = 512;

fn marker() -> String {
    crate::edge::random::<16>().iter().map(|b| format!("{b:02x}")).collect()
}

/// Stand in a kept page for what each answer has of its own. Nobody outside knows them.
pub static NONCE: LazyLock<String> = LazyLock::new(marker);
pub static KEY: LazyLock<String> = LazyLock::new(marker);

/// Which page, for whom, on which day.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    posting: Id,
    lang: Lang,
    today: Date,
}

impl Place {
    /// `None`: not a page that everybody sees alike.
    pub fn of(ask: &Ask) -> Option<Place> {
        let alike = ask.who.is_none()
            && ask.form_token.is_none()
            && ask.query.is_empty()
            && !ask.wants_json;
        let posting = ask.id("id").ok().filter(|_| alike)?;
        Some(Place { posting, lang: ask.lang, today: ask.today() })
    }
}

enum Piece {
    Text(String),
    Nonce,
    Key,
}

struct Kept {
    until: Millis,
    generation: u64,
    pieces: Arc<Vec<Piece>>,
    length: usize,
}

#[derive(Default)]
pub struct Walls {
    generation: AtomicU64,
    kept: Mutex<HashMap<Place, Kept>>,
}

pub fn written(page: &impl Template) -> Result<String, Problem> {
    page.render().map_err(|e| {
        tracing::error!(error = %e, "a page could not be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page")
    })
}

impl Walls {
    /// Something was written here: every page is made anew.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Of a page that is made from what is read after this.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// A kept page. When its second is over, the first who asks makes it anew, and the others still
    /// get this one meanwhile.
    pub fn find(&self, ask: &Ask, place: &Place) -> Option<Response> {
        let generation = self.generation();
        let (pieces, length) = {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = all.get_mut(place).filter(|kept| kept.generation == generation)?;
            // A clock that was set back does not keep a page for ever.
            if !(0..=FRESH).contains(&(kept.until - ask.now)) {
                kept.until = ask.now + FRESH;
                return None;
            }
            (kept.pieces.clone(), kept.length)
        };
        Some(told(ask, &pieces, length))
    }

    pub fn keep(&self, ask: &Ask, place: Place, generation: u64, html: &str) -> Response {
        let pieces = Arc::new(taken_apart(html));
        let answer = told(ask, &pieces, html.len());
        let kept = Kept { until: ask.now + FRESH, generation, pieces, length: html.len() };
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PAGES {
            all.clear();
        }
        all.insert(place, kept);
        answer
    }
}

fn taken_apart(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (n, between) in html.split(NONCE.as_str()).enumerate() {
        if n > 0 {
            pieces.push(Piece::Nonce);
        }
        for (n, text) in between.split(KEY.as_str()).enumerate() {
            if n > 0 {
                pieces.push(Piece::Key);
            }
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    pieces
}

fn told(ask: &Ask, pieces: &[Piece], length: usize) -> Response {
    let mut html = String::with_capacity(length + 64);
    for piece in pieces {
        match piece {
            Piece::Text(text) => html.push_str(text),
            Piece::Nonce => html.push_str(&ask.nonce),
            Piece::Key => html.push_str(&ask.new_key().to_string()),
        }
    }
    ask.html(StatusCode::OK, html)
}
