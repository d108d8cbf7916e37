//! A zone of the register's own size, three months, from nothing.

use std::time::Instant;

use super::ground::{Ground, play};
use super::report::{Promise, Row};
use super::{MIB, OWN_SIZE};

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.empty_zone("demo")?;
    let begun = Instant::now();
    let played = play(&zone, OWN_SIZE, 3)?;
    let seconds = begun.elapsed().as_secs_f64();
    let rss = played["peak_rss_bytes"].as_u64().unwrap_or(0);
    let promised = |most| ground.is_sqlite().then_some(Promise::AtMost(most));
    Ok(vec![
        Row::one("demo 3773 households x 3 months", seconds, "s", promised(30.0)).with_rss(rss),
        Row::one("demo memory", rss as f64 / MIB, "MiB", promised(400.0)),
    ])
}
