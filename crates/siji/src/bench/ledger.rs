//! The ledger: whole batches of transfers as the house writes them, against the plain design of one
//! row for each transfer with an index by account. Ten thousand accounts, each with something to
//! spend; each transfer moves some of it to another. What came of it is counted anew.

mod batch;
mod model;
mod plain;

use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use crate::zone::Zone;

/// Transfers of either design: what one costs grows with what is there already, and both are asked to
/// live with as many.
const TRANSFERS: u64 = 10_000_000;
/// One transaction for each transfer, on PostgreSQL: its best, while it is small.
const PLAIN_SINGLY: u64 = 30_000;
const STARTS: usize = 5;

/// A measurement that has a process of its own.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Plain,
    Batch,
}

/// What a process has measured.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// Transfers a second, from stretch to stretch of the whole.
    per_second: Vec<f64>,
    /// Over all of it.
    overall: f64,
    /// Of the last fifty movements of some account, one after another, ms.
    statement_p99: Option<f64>,
    bytes: u64,
}

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.empty_zone("ledger_plain")?;
    let count = if ground.is_sqlite() { TRANSFERS } else { PLAIN_SINGLY };
    let (plain, plain_rss) = measure(&zone, Part::Plain, count)?;
    let zone = ground.empty_zone("ledger")?;
    Child::output(&["init", "--name", "bench"], &zone)?;
    let (batch, batch_rss) = measure(&zone, Part::Batch, TRANSFERS)?;

    let (mut starts, mut rss) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let server = Child::serve(&zone, &[])?;
        starts.push(server.started.as_secs_f64());
        rss = rss.max(server.peak_rss_bytes());
        server.stop()?;
    }
    let times = if ground.is_sqlite() { 8.0 } else { 5.0 };
    let ratio = batch.overall / plain.overall;
    let millions = TRANSFERS / 1_000_000;
    let mut rows = vec![
        Row::of("ledger.plain", plain.per_second, "1/s", None).with_rss(plain_rss),
        Row::of("ledger.batch", batch.per_second, "1/s", None).with_rss(batch_rss),
        Row::one("ledger.batch / ledger.plain", ratio, "x", Some(Promise::AtLeast(times))),
        Row::one(
            &format!("ledger: statement of 50 of {millions} M, p99"),
            batch.statement_p99.context("no statement was asked for")?,
            "ms",
            Some(Promise::AtMost(5.0)),
        ),
        Row::of(
            &format!("ledger: start with {millions} M transfers"),
            starts,
            "s",
            Some(Promise::AtMost(2.0)),
        )
        .with_rss(rss),
    ];
    let each = batch.bytes as f64 / TRANSFERS as f64;
    rows.push(Row::one("ledger: on disk for each transfer", each, "B", None));
    Ok(rows)
}

fn measure(zone: &Zone, part: Part, transfers: u64) -> anyhow::Result<(Measured, u64)> {
    let name = part.to_possible_value().context("a part")?;
    let transfers = transfers.to_string();
    let words = ["bench", "--ledger-part", name.get_name(), "--transfers", &transfers];
    let said = Child::output(&words, zone)?;
    Ok((serde_json::from_slice(&said.stdout)?, said.peak_rss_bytes))
}

/// What [`measure`] starts.
pub fn part(part: Part, zone: &Zone, transfers: u64) -> anyhow::Result<ExitCode> {
    let measured = match (part, &zone.database) {
        (Part::Batch, _) => batch::run(zone, transfers)?,
        (Part::Plain, None) => plain::sqlite(&zone.data, transfers)?,
        (Part::Plain, Some(url)) => plain::postgres(url, transfers)?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(ExitCode::SUCCESS)
}
