//! What a run has measured: rows, the machine, and how they read as a table, as JSON, as Markdown.

mod markdown;
mod plot;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ground::Ground;

pub use markdown::{beside_file, write as write_markdown};
pub use table::tell;

/// The figures of the last run that was committed.
const COMMITTED: &str = include_str!("../../../../docs/performance.json");

/// One measured figure and what was promised.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Row {
    /// Measured together with the others of this suite.
    #[serde(default)]
    pub suite: String,
    pub name: String,
    /// `sqlite`, `postgres`, or `none` where no database has a part in it.
    pub database: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub unit: String,
    /// At most, or at least, this much; none: for information.
    pub promised: Option<Promise>,
    pub peak_rss_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    /// A figure that was measured once.
    pub fn one(name: &str, value: f64, unit: &str, promised: Option<Promise>) -> Row {
        Row::of(name, vec![value], unit, promised)
    }

    /// The same figure measured several times: its median, and how far the others lay.
    pub fn of(name: &str, mut values: Vec<f64>, unit: &str, promised: Option<Promise>) -> Row {
        values.sort_by(f64::total_cmp);
        let at = |n: usize| values.get(n).copied().unwrap_or(f64::NAN);
        Row {
            suite: String::new(),
            name: name.to_owned(),
            database: String::new(),
            median: at(values.len() / 2),
            min: at(0),
            max: at(values.len().saturating_sub(1)),
            unit: unit.to_owned(),
            promised,
            peak_rss_bytes: None,
        }
    }

    pub fn with_rss(self, bytes: u64) -> Row {
        Row { peak_rss_bytes: Some(bytes), ..self }
    }

    /// Measured without a database.
    pub fn alone(self) -> Row {
        Row { database: "none".to_owned(), ..self }
    }

    /// Measured in this suite, and on this ground unless it says otherwise itself.
    pub fn of_suite(self, suite: &str, ground: &Ground) -> Row {
        let suite = suite.to_owned();
        match self.database.as_str() {
            "" => Row { suite, database: ground.name().to_owned(), ..self },
            _ => Row { suite, ..self },
        }
    }

    pub fn is_kept(&self) -> bool {
        match self.promised {
            None => true,
            Some(Promise::AtMost(limit)) => self.median <= limit,
            Some(Promise::AtLeast(limit)) => self.median >= limit,
        }
    }
}

/// Something that was asked for and not measured.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Skipped {
    pub suite: String,
    pub database: String,
    pub why: String,
    /// It was tried, and did not come to its end.
    pub failed: bool,
}

impl Skipped {
    pub fn database(database: &str, why: &anyhow::Error) -> Skipped {
        let (suite, database) = ("all".to_owned(), database.to_owned());
        Skipped { suite, database, why: format!("{why:#}"), failed: false }
    }

    pub fn failed(suite: &str, ground: &Ground, why: &anyhow::Error) -> Skipped {
        let (suite, database) = (suite.to_owned(), ground.name().to_owned());
        Skipped { suite, database, why: format!("{why:#}"), failed: true }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Report {
    pub rows: Vec<Row>,
    pub machine: Machine,
    pub fsync_per_second: f64,
    #[serde(default)]
    pub skipped: Vec<Skipped>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Machine {
    pub cores: usize,
    /// The processor's own name, where the system tells it.
    pub processor: String,
    pub memory_bytes: u64,
    /// MiB that one core hashes in a second: how fast it is, whatever its name.
    pub sha256_mib_per_second: f64,
    /// Of Siji.
    pub version: String,
}

impl Machine {
    /// As far as a machine tells.
    fn is_same(&self, other: &Machine) -> bool {
        let told = |m: &Machine| (m.cores, m.processor.clone(), m.memory_bytes >> 30);
        told(self) == told(other)
    }

    pub fn look() -> Machine {
        let told = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|l| l.split_once(':')).map(|(_, is)| is.trim().to_owned())
        };
        let kib = told("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kib = kib.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: told("/proc/cpuinfo", "model name").unwrap_or_default(),
            memory_bytes: kib * 1024,
            sha256_mib_per_second: sha256_mib_per_second(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Report {
    /// The run to compare with; none where there has been no run yet.
    pub fn before(file: Option<&Path>) -> anyhow::Result<Option<Report>> {
        let text = match file {
            None => COMMITTED.to_owned(),
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?,
        };
        let report: Report = serde_json::from_str(&text).context("not the JSON of a bench")?;
        Ok(Some(report).filter(|report| !report.rows.is_empty()))
    }

    /// Every promise is kept, and every suite that was begun came to its end.
    pub fn is_kept(&self) -> bool {
        self.rows.iter().all(Row::is_kept) && !self.skipped.iter().any(|s| s.failed)
    }

    /// The same, with the rows of an earlier run of this machine whose suites were not run on their
    /// database this time; in the order of `suites`.
    pub fn filled_up(mut self, earlier: &Report, suites: &[&str]) -> Report {
        if !self.machine.is_same(&earlier.machine) {
            return self;
        }
        let skipped = self.skipped.iter().map(|s| (s.suite.clone(), s.database.clone()));
        let rows = self.rows.iter().map(|row| (row.suite.clone(), row.database.clone()));
        let run: HashSet<_> = rows.chain(skipped).collect();
        let others = earlier.rows.iter().filter(|row| {
            suites.contains(&row.suite.as_str())
                && !run.contains(&(row.suite.clone(), row.database.clone()))
        });
        self.rows.extend(others.cloned());
        let place = |row: &Row| suites.iter().position(|suite| *suite == row.suite);
        // SQLite's rows, then PostgreSQL's, whichever came first.
        self.rows.sort_by_key(|row| (place(row), row.database == "postgres"));
        self
    }

    /// The median beside the one before; none where that row is new.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let same = |old: &&Row| old.name == row.name && old.database == row.database;
        let old = self.rows.iter().find(same).filter(|old| old.unit == row.unit)?;
        Some(row.median / old.median).filter(|ratio| ratio.is_finite())
    }
}

/// What the disk itself can do: one page appended and flushed, again and again for a second.
pub fn fsync_per_second(folder: &Path) -> anyhow::Result<f64> {
    use std::io::Write;
    let mut file = tempfile::tempfile_in(folder)?;
    let begun = Instant::now();
    let mut flushed = 0_u32;
    while begun.elapsed().as_secs_f64() < 1.0 {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        flushed += 1;
    }
    Ok(f64::from(flushed) / begun.elapsed().as_secs_f64())
}

/// What one core can do, in half a second.
fn sha256_mib_per_second() -> f64 {
    let (begun, mut mib, bytes) = (Instant::now(), 0_u32, vec![7; 1 << 20]);
    while begun.elapsed().as_secs_f64() < 0.5 {
        std::hint::black_box(Sha256::digest(&bytes));
        mib += 1;
    }
    f64::from(mib) / begun.elapsed().as_secs_f64()
}
