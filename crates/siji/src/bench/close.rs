//! A month of a thousand households, of ten thousand, and so on to a million: from the last sheet
//! to the points on every account. What one household costs must not grow with their number.

use anyhow::Context;

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};

/// Households of each month, and how often it is played, in a new zone each time.
const MONTHS: [(u32, usize); 4] = [(1_000, 5), (10_000, 3), (100_000, 1), (1_000_000, 1)];

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let (mut rows, mut each) = (Vec::new(), Vec::new());
    for (households, runs) in MONTHS.into_iter().filter(|(n, _)| *n <= ground.months_max) {
        let measured = month(ground, households, runs)?;
        each.push(measured.each_us());
        rows.extend(measured.rows());
    }
    let least = each.iter().copied().fold(f64::INFINITY, f64::min);
    let most = each.iter().copied().fold(0.0, f64::max);
    let promised = Some(Promise::AtMost(1.5));
    rows.push(Row::one("close: dearest household over cheapest", most / least, "x", promised));
    Ok(rows)
}

/// A month of one size, each time it was played.
struct Months {
    households: u32,
    /// Seconds of all five steps, and of the last one.
    whole: Vec<f64>,
    certify: Vec<f64>,
    filled: Vec<f64>,
    opened: Vec<f64>,
    rss: u64,
    opened_rss: u64,
}

fn month(ground: &Ground, households: u32, runs: usize) -> anyhow::Result<Months> {
    let mut months = Months {
        households,
        whole: Vec::new(),
        certify: Vec::new(),
        filled: Vec::new(),
        opened: Vec::new(),
        rss: 0,
        opened_rss: 0,
    };
    for _ in 0..runs {
        let zone = ground.empty_zone("month")?;
        let said = Child::output(&["bench", "--month", &households.to_string()], &zone)?;
        let said: serde_json::Value =
            serde_json::from_slice(&said.stdout).context("a month did not say how it went")?;
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        let steps = said["seconds"].as_object().context("no steps")?;
        months.whole.push(steps.values().map(number).sum());
        months.certify.push(number(&said["seconds"]["certify"]));
        months.filled.push(number(&said["filled"]));
        months.opened.push(number(&said["opened"]));
        months.rss = months.rss.max(said["peak_rss_bytes"].as_u64().unwrap_or(0));
        months.opened_rss = months.opened_rss.max(said["opened_rss_bytes"].as_u64().unwrap_or(0));
        // A million households are some gigabytes.
        ground.empty_zone("month")?;
    }
    Ok(months)
}

impl Months {
    fn each_us(&self) -> f64 {
        Row::of("", self.each(), "us", None).median
    }

    fn each(&self) -> Vec<f64> {
        self.whole.iter().map(|seconds| seconds * 1e6 / f64::from(self.households)).collect()
    }

    fn rows(self) -> Vec<Row> {
        let n = self.households;
        let name = |what: &str| format!("close {n} households{what}");
        // The promise is of a zone with a hundred thousand.
        let promised = (n == 100_000).then_some(Promise::AtMost(5.0));
        let each = self.each();
        vec![
            Row::of(&name(""), self.whole, "s", None).with_rss(self.rss),
            Row::of(&name(", each"), each, "us", None),
            Row::of(&name(": certify and credit"), self.certify, "s", promised),
            Row::of(&name(": the round opened"), self.opened, "s", None).with_rss(self.opened_rss),
            Row::of(&name(": the zone filled"), self.filled, "s", None),
        ]
    }
}
