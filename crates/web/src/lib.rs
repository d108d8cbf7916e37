//! The HTTP edge: pages, JSON, sessions. Translates; decides nothing.
//!
//! Every route is declared once, in the `routes()` of its room, under the name of its row in
//! `policy.csv`; `routes` joins them, and the router, the guard, the API document and the matrix of
//! rights are made from that one list.

#[macro_use]
mod policy;

mod api;
mod ask;
mod assets;
mod edge;
pub mod export;
mod guard;
mod page;
mod paper;
mod problem;
mod route;
mod texts;

pub mod access;
mod audit;
pub mod calendar;
pub mod goods;
pub mod points;
pub mod posting;
pub mod privacy;
pub mod redemption;
pub mod registry;
pub mod reports;
pub mod scheme;
pub mod scoring;

pub use access::{Provider, Unfit, outgoing};
pub use ask::{Ask, Upload};
pub use audit::keep_sealed;
#[cfg(feature = "parsers")]
pub use edge::parsers;
pub use edge::{
    Limits, Places, Server, Tls, form_token, now, random, router, serve, serve_metrics,
};
#[cfg(feature = "sabotage")]
pub use guard::Guard;
pub use page::{Page, Paging, Season};
pub use problem::Problem;
pub use route::{Needs, Route, Subject, Work};
pub use texts::{Lang, Texts};

/// Everything this server answers to.
pub fn routes() -> Vec<Route> {
    [
        access::routes(),
        reports::routes(),
        registry::routes(),
        calendar::routes(),
        points::routes(),
        scheme::routes(),
        scoring::routes(),
        posting::routes(),
        goods::routes(),
        redemption::routes(),
        privacy::routes(),
        api::routes(),
        assets::routes(),
        edge::health::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
