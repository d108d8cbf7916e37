//! A route, declared once: verb, path, what it needs, what it is about, what it takes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Method;
use axum::response::Response;
use domain::access::Permission;
use store::access::Resource;

use crate::{Ask, Problem};

/// What the asker must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anybody, signed in or not.
    Nothing,
    SignedIn,
    /// A post with this permission; `Ask::scope` is then narrowed to it.
    May(Permission),
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

pub type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
pub type Handler = Arc<dyn Fn(Ask) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// `room.verb`, the operation's name in the API document.
    pub name: &'static str,
    pub needs: Needs,
    pub subject: Subject,
    /// Form or JSON fields, or query parameters of a GET.
    pub takes: &'static [&'static str],
    pub body_max: usize,
    /// A second factor must have been shown; follows from the permission.
    pub second_factor: bool,
    pub handler: Handler,
}

impl Route {
    pub fn get<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        path: &'static str,
        name: &'static str,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        Route::new(Method::GET, path, name, needs, subject, handler)
    }

    pub fn post<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        path: &'static str,
        name: &'static str,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        Route::new(Method::POST, path, name, needs, subject, handler)
    }

    fn new<F: Future<Output = Result<Response, Problem>> + Send + 'static>(
        method: Method,
        path: &'static str,
        name: &'static str,
        needs: Needs,
        subject: Subject,
        handler: impl Fn(Ask) -> F + Send + Sync + 'static,
    ) -> Route {
        let handler: Handler = Arc::new(move |ask| Box::pin(handler(ask)));
        let second_factor = matches!(needs, Needs::May(p) if p.needs_second_factor());
        let (takes, body_max): (&[&str], _) = (&[], 256 << 10);
        Route { method, path, name, needs, subject, takes, body_max, second_factor, handler }
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

    /// Names the fields it reads.
    pub fn takes(self, takes: &'static [&'static str]) -> Route {
        Route { takes, ..self }
    }

    /// Largest body, in bytes.
    pub fn body_max(self, body_max: usize) -> Route {
        Route { body_max, ..self }
    }
}
