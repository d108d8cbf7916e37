//! `siji bench`: measures this machine against the figures that Siji promises, and prints a table.
//! Every row runs the real program as a process of its own, on SQLite and on PostgreSQL.
//!
//! A new suite is a file in `bench/` with a `run`, and a line in `SUITES`.

mod backup;
mod carry;
mod client;
mod close;
mod demo;
mod ground;
mod import;
mod ledger;
mod load;
mod month;
mod overload;
mod pages;
mod papers;
mod phones;
mod posting;
mod process;
mod redeem;
mod report;
mod sheets;
mod transfers;
mod wall;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::zone::Zone;
use ground::{Databases, Ground};
use report::{Machine, Report, Row, Skipped};

/// What is measured together.
struct Suite {
    name: &'static str,
    run: fn(&Ground) -> anyhow::Result<Vec<Row>>,
    /// Does the database have a part in it? Otherwise it is measured once.
    by_database: bool,
}

const fn suite(name: &'static str, run: fn(&Ground) -> anyhow::Result<Vec<Row>>) -> Suite {
    Suite { name, run, by_database: true }
}

/// Every suite, in the order of the table.
const SUITES: [Suite; 14] = [
    suite("demo", demo::run),
    suite("import", import::run),
    suite("start", pages::start),
    suite("pages", pages::run),
    suite("export", pages::export),
    suite("backup", backup::run),
    suite("posting", posting::run),
    suite("wall", wall::run),
    suite("sheets", sheets::run),
    suite("ledger", ledger::run),
    suite("overload", overload::run),
    suite("close", close::run),
    suite("redeem", redeem::run),
    Suite { by_database: false, ..suite("print", papers::run) },
];

#[derive(Args)]
pub struct Bench {
    /// What to measure: `all`, or some suites by name.
    #[arg(value_name = "SUITE", default_value = "all", value_parser = names())]
    suites: Vec<String>,
    /// Folder for the zones that are measured; kept when named, so that a second run is quicker.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Households of the large zone.
    #[arg(long, default_value_t = 100_000)]
    households: u32,
    /// Households of the largest month that is closed.
    #[arg(long, default_value_t = 1_000_000)]
    months_max: u32,
    /// On which database.
    #[arg(long, value_enum, default_value = "both")]
    on: Databases,
    /// The PostgreSQL to measure on, as its superuser: postgres://… The zones are schemas in it. [default: one that is made for the run]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The JSON of an earlier run, to compare with [default: the one in docs/performance.json]
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Write the table into this Markdown file too, between its two marks, and its plot and JSON beside it.
    /// What an earlier run of this machine has measured stays where it was not measured anew.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Close one month of so many households in the zone that is named, and say how it went.
    #[arg(long, hide = true, value_name = "HOUSEHOLDS")]
    month: Option<u32>,
    /// What the ledger's suite starts in a process of its own, on the zone in `data` or `database`.
    #[arg(long, hide = true, value_enum, requires = "transfers")]
    ledger_part: Option<ledger::Part>,
    #[arg(long, hide = true)]
    transfers: Option<u64>,
    /// Count how often the disk of `data` flushes, and no more.
    #[arg(long, hide = true, requires = "data")]
    flushes: bool,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(std::iter::once("all").chain(SUITES.iter().map(|s| s.name)))
}

/// Households of the register that Siji was made for.
const OWN_SIZE: u32 = 3773;
const MIB: f64 = 1024.0 * 1024.0;

impl Bench {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if let (Some(households), Some(data)) = (self.month, &self.data) {
            let zone = Zone { database: self.database, ..Zone::in_folder(data) };
            month::play(&zone, usize::try_from(households)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let (true, Some(data)) = (self.flushes, &self.data) {
            println!("{}", report::fsync_per_second(data)?);
            return Ok(ExitCode::SUCCESS);
        }
        if let (Some(part), Some(transfers)) = (self.ledger_part, self.transfers) {
            let data = self.data.unwrap_or_else(|| crate::zone::FOLDER.into());
            let zone = Zone { database: self.database, ..Zone::in_folder(data) };
            return ledger::part(part, &zone, transfers);
        }
        let before = Report::before(self.against.as_deref())?;
        let own = tempfile::tempdir()?;
        let folder = self.data.clone().unwrap_or_else(|| own.path().to_path_buf());
        std::fs::create_dir_all(&folder)?;
        let machine = Machine::look();
        let fsync_per_second = report::fsync_per_second(&folder)?;
        let (grounds, mut skipped) = Ground::find(&folder, &self)?;
        let mut rows = Vec::new();
        for suite in SUITES.iter().filter(|suite| self.is_wanted(suite)) {
            let grounds = &grounds[..if suite.by_database { grounds.len() } else { 1 }];
            for ground in grounds {
                eprintln!("siji: {} on {}", suite.name, ground.name());
                match (suite.run)(ground) {
                    Ok(measured) => {
                        rows.extend(
                            measured.into_iter().map(|row| row.of_suite(suite.name, ground)),
                        );
                    }
                    Err(error) => skipped.push(Skipped::failed(suite.name, ground, &error)),
                }
            }
        }
        if self.data.is_none() && self.database.is_some() {
            // The folder goes; what it holds the keys of goes with it.
            grounds.iter().try_for_each(Ground::clear)?;
        }
        let report = Report { rows, machine, fsync_per_second, skipped };
        if let Some(file) = &self.markdown {
            let earlier = report::beside_file(file)?;
            let whole = match &earlier {
                Some(earlier) => report.clone().filled_up(earlier, &SUITES.map(|suite| suite.name)),
                None => report.clone(),
            };
            report::write_markdown(file, &whole, before.as_ref())?;
        }
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            report::tell(&report, before.as_ref());
        }
        Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn is_wanted(&self, suite: &Suite) -> bool {
        self.suites.iter().any(|name| name == "all" || name == suite.name)
    }
}
