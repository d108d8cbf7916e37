//! What is counted, in the form that Prometheus reads. Labels are names of routes, methods and
//! classes of status; never a path, an address or a person.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::route::Work;

/// Upper bounds of the classes of duration, in seconds.
const SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Because {
    because: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWork {
    work: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AtDoor {
    door: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Family<OfRoute, Histogram, fn() -> Histogram>,
    refused: Family<Because, Counter>,
    sent_away: Histogram,
    under_way: Family<OfWork, Gauge>,
    in_line: Family<OfWork, Gauge>,
    queue: Family<AtDoor, Gauge>,
    commits: Counter,
    committed: Counter,
    pub accepted: Counter,
    pub open: Gauge,
}

fn known_method(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics {
            registry: Registry::with_prefix("siji"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            refused: Family::default(),
            sent_away: Histogram::new(SECONDS),
            under_way: Family::default(),
            in_line: Family::default(),
            queue: Family::default(),
            commits: Counter::default(),
            committed: Counter::default(),
            accepted: Counter::default(),
            open: Gauge::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Metrics {
        let r = &mut self.registry;
        r.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        r.register("requests", "Requests answered", self.requests.clone());
        let (name, help) = ("request_duration", "From the whole header to the answer's header");
        r.register_with_unit(name, help, Unit::Seconds, self.seconds.clone());
        r.register("connections", "Connections accepted", self.accepted.clone());
        r.register("connections_open", "Connections open now", self.open.clone());
        r.register("refused", "Connections and requests over a limit", self.refused.clone());
        let (name, help) = ("refusal_duration", "Until a request was told that there is no place");
        r.register_with_unit(name, help, Unit::Seconds, self.sent_away.clone());
        let help = "Requests that have a place, by kind of work";
        r.register("under_way", help, self.under_way.clone());
        r.register("in_line", "Requests that wait for a place", self.in_line.clone());
        r.register("queue", "Jobs that wait for the database", self.queue.clone());
        r.register("commits", "Commits", self.commits.clone());
        r.register("committed_jobs", "Writes made durable", self.committed.clone());
        self
    }

    pub fn answered(&self, route: &'static str, method: &str, status: u16, took: Duration) {
        let method = known_method(method);
        let status = match status / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "1xx",
        };
        self.requests.get_or_create(&Asked { route, method, status }).inc();
        self.seconds.get_or_create(&OfRoute { route }).observe(took.as_secs_f64());
    }

    pub fn refused(&self, because: &'static str) {
        self.refused.get_or_create(&Because { because }).inc();
    }

    /// A request for which there was no place. It is counted with the answers, but does not blur
    /// how long the route takes.
    pub fn sent_away(&self, route: &'static str, method: &str, took: Duration) {
        let method = known_method(method);
        self.requests.get_or_create(&Asked { route, method, status: "5xx" }).inc();
        self.sent_away.observe(took.as_secs_f64());
    }

    pub fn text(
        &self,
        store: &store::Figures,
        taken: impl Iterator<Item = (Work, usize, usize)>,
    ) -> String {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        for (work, under_way, in_line) in taken {
            let work = OfWork { work: work.code() };
            self.under_way.get_or_create(&work).set(number(under_way));
            self.in_line.get_or_create(&work).set(number(in_line));
        }
        let queue = |door| self.queue.get_or_create(&AtDoor { door });
        queue("write").set(number(store.writes_waiting));
        queue("read").set(number(store.reads_waiting));
        self.commits.inner().store(store.commits, Ordering::Relaxed);
        self.committed.inner().store(store.committed, Ordering::Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes whatever is written to it");
        text
    }
}
