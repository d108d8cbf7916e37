//! How a use case that did not end with its answer is told to the asker: status, code, sentence.

use app::Failure;
use axum::http::StatusCode;
use domain::{Arg, Refusal};
use fluent_bundle::FluentValue;

use crate::texts::{Lang, Show, Texts};

/// Every way an answer can be a no.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: String,
    pub args: Vec<(&'static str, Arg)>,
    /// Whom or what it is about, for the log; never shown.
    pub about: Option<domain::Id>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &str) -> Problem {
        Problem { status, code: code.to_owned(), args: Vec::new(), about: None }
    }
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found")
    }
    pub fn not_allowed() -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "not-allowed")
    }
    /// The request itself is not of the form it must have.
    pub fn bad(code: &str) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code)
    }
    pub fn field(name: &str) -> Problem {
        Problem {
            args: vec![("field", name.into())],
            ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "field")
        }
    }
    /// A field that nobody here has heard of.
    pub fn unknown_field(name: &str) -> Problem {
        let name: String = name.chars().take(40).collect();
        Problem { args: vec![("field", name.into())], ..Problem::bad("field-unknown") }
    }
    pub fn refused(refusal: &impl Refusal) -> Problem {
        Problem { args: refusal.args(), ..Problem::new(StatusCode::CONFLICT, refusal.code()) }
    }
    /// As RFC 9457 has it, with our code.
    pub fn json(&self, lang: Lang) -> serde_json::Value {
        serde_json::json!({
            "type": "about:blank",
            "status": self.status.as_u16(),
            "code": self.code,
            "title": self.sentence(lang),
        })
    }
    /// The sentence, in the asker's language.
    pub fn sentence(&self, lang: Lang) -> String {
        let args: Vec<(&str, FluentValue)> =
            self.args.iter().map(|(name, arg)| (*name, value(arg, lang))).collect();
        Texts::of(lang).say(&format!("refusal-{}", self.code), &args)
    }
}

fn value(arg: &Arg, lang: Lang) -> FluentValue<'static> {
    match arg {
        Arg::Number(n) => n.value(),
        Arg::Text(s) => s.value(),
        Arg::Date(d) => crate::page::date_words(lang, *d).value(),
        Arg::Words { zh, en } => if lang == Lang::Zh { zh } else { en }.value(),
    }
}

impl<R: Refusal> From<Failure<R>> for Problem {
    fn from(failure: Failure<R>) -> Problem {
        match failure {
            Failure::Refused(r) => Problem::refused(&r),
            Failure::NotAllowed => Problem::not_allowed(),
            Failure::NotFound => Problem::not_found(),
            Failure::KeyReused => Problem::new(StatusCode::CONFLICT, "key-reused"),
            Failure::Broken(store::Broken::Busy(_) | store::Broken::Closed) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy")
            }
            Failure::Broken(store::Broken::Unsure(why)) => {
                tracing::error!(%why, "nobody knows whether it was saved");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unsure")
            }
            Failure::Broken(store::Broken::Full) => {
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full")
            }
            Failure::Broken(b) => broken(&b),
        }
    }
}

/// Logged here and nowhere else, with a number the user can read out.
fn broken(b: &store::Broken) -> Problem {
    let number = format!("{:06}", u32::from_be_bytes(crate::edge::random()) % 1_000_000);
    tracing::error!(number, error = %b, "a use case broke");
    Problem {
        args: vec![("number", number.into())],
        ..Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broken")
    }
}
