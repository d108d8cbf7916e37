//! A route, declared once: verb, path, what it needs, what it is about, what it takes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use domain::access::Permission;
use store::access::Resource;

use crate::policy::Row;
use crate::{Ask, Problem};

/// What the asker must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anybody, signed in or not.
    Nothing,
    SignedIn,
    /// A post with this permission; `Ask::scope` is then narrowed to it.
    May(Permission),
    /// The same, and to take lists out where it holds: `Who::must_take_out`.
    TakeOut(Permission),
}

impl Needs {
    /// The permission it is narrowed to.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Needs::May(permission) | Needs::TakeOut(permission) => Some(permission),
            Needs::Nothing | Needs::SignedIn => None,
        }
    }

    /// Is it open only to whoever has shown a second factor?
    pub fn asks_second_factor(self) -> bool {
        matches!(self, Needs::TakeOut(_))
            || self.permission().is_some_and(Permission::needs_second_factor)
    }
}

/// What the route is about, and so where its area is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nothing that lies in an area.
    Zone,
    /// Records within the scope.
    Within(Resource),
    /// The one record whose id is this path parameter; outside the scope it is not there.
    One(Resource, &'static str),
    /// Shown to everybody by its nature: postings.
    Public,
}

/// What an answer takes, and so among how many it finds a place (`Places`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Next to nothing: it needs no place.
    Slight,
    /// What anybody may ask, signed in or not.
    Public,
    Read,
    Write,
    /// A password is tried or set: much memory and time.
    SignIn,
    /// A paper, a list taken out, a workbook read: seconds.
    Heavy,
    /// A paper that anybody may ask for.
    PublicHeavy,
    /// Asked by whoever watches over the program.
    Watch,
}

impl Work {
    pub const ALL: [Work; 8] = [
        Work::Slight,
        Work::Public,
        Work::Read,
        Work::Write,
        Work::SignIn,
        Work::Heavy,
        Work::PublicHeavy,
        Work::Watch,
    ];

    /// As figures name it.
    pub fn code(self) -> &'static str {
        match self {
            Work::Slight => "slight",
            Work::Public => "public",
            Work::Read => "read",
            Work::Write => "write",
            Work::SignIn => "sign_in",
            Work::Heavy => "heavy",
            Work::PublicHeavy => "public_heavy",
            Work::Watch => "watch",
        }
    }

    /// By the names that papers and lists taken out bear.
    fn of(name: &str, method: &Method, needs: Needs) -> Work {
        let is_heavy = name.starts_with("reports.print_") || name.contains(".export");
        match (is_heavy, needs, method) {
            (true, Needs::Nothing, _) => Work::PublicHeavy,
            (true, ..) => Work::Heavy,
            (false, Needs::Nothing, _) => Work::Public,
            (false, _, &Method::GET) => Work::Read,
            (false, ..) => Work::Write,
        }
    }
}

pub type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
pub type Handler = Arc<dyn Fn(Ask) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// `room.verb`: its row in `policy.csv`, the operation's name in the API document.
    pub name: &'static str,
    pub needs: Needs,
    pub subject: Subject,
    /// Form or JSON fields, or query parameters of a GET.
    pub takes: &'static [&'static str],
    pub body_max: usize,
    /// A second factor must have been shown: `Needs::asks_second_factor`.
    pub second_factor: bool,
    /// Answers from the program alone: nobody is recognised, and the database is not asked.
    pub is_alone: bool,
    pub work: Work,
    pub handler: Handler,
}

impl Route {
    pub fn get<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        path: &'static str,
        row: Row,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        Route::new(Method::GET, path, row, needs, subject, handler)
    }

    pub fn post<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        path: &'static str,
        row: Row,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        Route::new(Method::POST, path, row, needs, subject, handler)
    }

    fn new<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        method: Method,
        path: &'static str,
        row: Row,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        let handler: Handler = Arc::new(move |ask| Box::pin(handler(ask)));
        Route {
            work: Work::of(row.name(), &method, needs),
            method,
            path,
            name: row.name(),
            needs,
            subject,
            takes: &[],
            body_max: 256 << 10,
            second_factor: needs.asks_second_factor(),
            is_alone: false,
            handler,
        }
    }

    /// The path parameter that names the one record it is about.
    pub fn record(&self) -> Option<&'static str> {
        match self.subject {
            Subject::One(_, name) => Some(name),
            _ => None,
        }
    }

    /// Is that record a household?
    pub fn is_of_household(&self) -> bool {
        matches!(self.subject, Subject::One(Resource::Household, _))
    }

    /// The path as the API document has it, which knows no rest of a path.
    pub fn documented_path(&self) -> String {
        self.path.replace("{*", "{")
    }

    /// Names the fields it reads.
    pub fn takes(self, takes: &'static [&'static str]) -> Route {
        Route { takes, ..self }
    }

    /// Does it read this field? `item-<code>` and `lot-{id}` stand for all that begin so.
    pub fn takes_field(&self, field: &str) -> bool {
        self.takes.iter().any(|takes| match takes.split_once(['<', '{']) {
            None => *takes == field,
            Some((begins, _)) => field.starts_with(begins),
        })
    }

    /// Needs neither a person nor the database.
    pub fn alone(self) -> Route {
        Route { is_alone: true, work: Work::Slight, ..self }
    }

    /// Takes other work than its method says.
    pub fn work(self, work: Work) -> Route {
        Route { work, ..self }
    }

    /// Largest body, in bytes.
    pub fn body_max(self, body_max: usize) -> Route {
        Route { body_max, ..self }
    }
}
