//! The log at the edge: every refusal becomes one line of it, here and nowhere else, whatever room
//! it comes from; and what waits for its seal gets it, every second.
//!
//! A refusal is an answer of 403, 404, 409 or 429, or the part of an answer that would be one alone.
//! For somebody who is signed in, each is a line. Of strangers only those count who try to become
//! somebody (the `access` room) or send a form from elsewhere, and only so many in a minute are
//! listed; the rest are counted. A stranger who asks for a page that is not there is no news; nor is
//! a style sheet that is not there, which nobody asks for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::audit::Refused;
use app::{Never, Reach};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use domain::{Id, Millis};

use crate::edge::Server;
use crate::{Ask, Problem, Route};

/// Travels with an answer that is a no, and says why.
#[derive(Clone)]
pub(crate) struct Told {
    code: String,
    about: Option<Id>,
}

/// Marks an answer as the no that it is.
pub(crate) fn mark(response: &mut Response, problem: &Problem) {
    let told = Told { code: problem.code.clone(), about: problem.about };
    response.extensions_mut().insert(told);
}

/// Travels with an answer to several things asked together, some of which were a no.
#[derive(Clone)]
struct ToldEach(Vec<(StatusCode, Told)>);

/// Marks an answer with each no that is in it.
pub(crate) fn mark_each(response: &mut Response, problems: &[Problem]) {
    let told = |p: &Problem| (p.status, Told { code: p.code.clone(), about: p.about });
    response.extensions_mut().insert(ToldEach(problems.iter().map(told).collect()));
}

/// What has to be known of a request before its handler takes it.
pub(crate) struct Noted {
    pub server: Arc<Server>,
    person: Option<Id>,
    at: Millis,
    verb: &'static str,
    subject: Option<Id>,
    household: Option<Id>,
    /// It asks to be let in.
    knocks: bool,
}

impl Noted {
    pub fn of(ask: &Ask, route: &Route) -> Noted {
        let subject = route.record().and_then(|name| ask.id(name).ok());
        Noted {
            server: ask.server.clone(),
            person: ask.who.as_ref().map(|w| w.person),
            at: ask.now,
            verb: route.name,
            subject,
            household: subject.filter(|_| route.is_of_household()),
            knocks: route.method != Method::GET && route.name.starts_with("access."),
        }
    }

    /// The lines that this answer is worth: one for each no.
    pub fn lines(&self, response: &Response) -> Vec<Refused> {
        match response.extensions().get::<ToldEach>() {
            Some(ToldEach(each)) => {
                each.iter().filter_map(|(status, told)| self.line(*status, Some(told))).collect()
            }
            None => {
                let told = response.extensions().get::<Told>();
                self.line(response.status(), told).into_iter().collect()
            }
        }
    }

    fn line(&self, status: StatusCode, told: Option<&Told>) -> Option<Refused> {
        let is_refusal = matches!(
            status,
            StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
        );
        if !is_refusal {
            return None;
        }
        let code = told.map_or_else(|| status.as_str().to_owned(), |t| t.code.clone());
        let mut unlisted = None;
        if self.person.is_none() {
            if !self.knocks && code != "foreign-origin" {
                return None;
            }
            unlisted = self.server.strangers.lock().ok()?.admit(self.at)?.before;
        }
        Some(Refused {
            person: self.person,
            at: self.at,
            verb: self.verb,
            code,
            subject: self.subject.or(told.and_then(|t| t.about)),
            household: self.household,
            unlisted,
        })
    }
}

/// Writes the lines. The no stands, whether or not the log can be written.
pub(crate) async fn log(server: &Server, refused: Vec<Refused>) {
    let write = move |tx: &mut app::Tx| {
        refused.iter().try_for_each(|refused| app::audit::refused(tx, refused))
    };
    if let Err(error) = server.app.write(Reach::System, write).await {
        tracing::error!(?error, "a refusal could not be logged");
    }
}

/// How many refusals of strangers are listed in a minute.
const LISTED: u32 = 120;
const WINDOW: Millis = 60_000;

/// Refusals of people nobody knows: a flood of them must not fill the log.
#[derive(Default)]
pub(crate) struct Strangers {
    since: Millis,
    listed: u32,
    unlisted: i64,
}

/// A line may be written.
#[derive(Debug, PartialEq, Eq)]
struct Admitted {
    /// So many were counted before it and not listed.
    before: Option<i64>,
}

impl Strangers {
    fn admit(&mut self, now: Millis) -> Option<Admitted> {
        if now - self.since >= WINDOW {
            (self.since, self.listed) = (now, 0);
        }
        if self.listed >= LISTED {
            self.unlisted += 1;
            return None;
        }
        self.listed += 1;
        Some(Admitted { before: self.counted() })
    }

    /// Those that were counted in a minute that is over.
    fn overdue(&mut self, now: Millis) -> Option<i64> {
        if now - self.since >= WINDOW { self.counted() } else { None }
    }

    fn counted(&mut self) -> Option<i64> {
        Some(std::mem::take(&mut self.unlisted)).filter(|n| *n > 0)
    }
}

pub(crate) type Counted = Mutex<Strangers>;

/// Seals what waits, every second, for as long as it is polled; and says how many were sent away.
pub async fn keep_sealed(server: Arc<Server>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        second.tick().await;
        server.say_who_was_sent_away();
        let now = crate::now();
        let overdue = server.strangers.lock().ok().and_then(|mut s| s.overdue(now));
        if let Some(unlisted) = overdue {
            let line = Refused {
                person: None,
                at: now,
                verb: "strangers",
                code: "unlisted".into(),
                subject: None,
                household: None,
                unlisted: Some(unlisted),
            };
            log(&server, vec![line]).await;
        }
        if let Err(error) = seal(&server, now).await {
            tracing::error!(?error, "the log could not be sealed");
        }
    }
}

async fn seal(server: &Server, now: Millis) -> Result<(), app::Failure<Never>> {
    while server.app.read(Reach::System, app::audit::is_open).await? {
        if server.app.write(Reach::System, move |tx| app::audit::seal(tx, now)).await? == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_counted_and_not_listed() {
        let mut strangers = Strangers::default();
        let now = 1_000_000;
        assert!((0..LISTED).all(|_| strangers.admit(now) == Some(Admitted { before: None })));
        assert!((0..5_000).all(|_| strangers.admit(now + WINDOW - 1).is_none()));
        assert_eq!(strangers.overdue(now + WINDOW - 1), None);
        assert_eq!(strangers.admit(now + WINDOW), Some(Admitted { before: Some(5_000) }));
        assert_eq!(strangers.admit(now + WINDOW), Some(Admitted { before: None }));
        assert_eq!(strangers.overdue(now + 9 * WINDOW), None);
    }
}
