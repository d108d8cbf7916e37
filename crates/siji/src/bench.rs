//! `siji bench`: measures this machine against the figures that Siji promises, and prints a table.
//! Every row runs the real program as a process of its own.

mod backup;
mod client;
mod pages;
mod papers;
mod posting;
mod process;
mod sheets;
mod wall;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use process::Child;

#[derive(Args)]
pub struct Bench {
    /// Folder for the zones that are measured; kept when named, so that a second run is quicker.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Households of the large zone.
    #[arg(long, default_value_t = 100_000)]
    households: u32,
    /// The wall's rows on PostgreSQL as well: postgres://…?schema=NAME, played when it is empty.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Only the rows whose name begins so.
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One measured figure and what was promised.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub unit: &'static str,
    /// At most, or at least, this much; none: for information.
    pub promised: Option<Promise>,
    pub peak_rss_bytes: Option<u64>,
}

#[derive(Serialize, Clone, Copy)]
pub enum Promise {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    pub fn one(name: &str, value: f64, unit: &'static str, promised: Option<Promise>) -> Row {
        Row {
            name: name.to_owned(),
            median: value,
            min: value,
            max: value,
            unit,
            promised,
            peak_rss_bytes: None,
        }
    }
    fn with_rss(self, bytes: u64) -> Row {
        Row { peak_rss_bytes: Some(bytes), ..self }
    }
    fn is_kept(&self) -> bool {
        match self.promised {
            None => true,
            Some(Promise::AtMost(limit)) => self.median <= limit,
            Some(Promise::AtLeast(limit)) => self.median >= limit,
        }
    }
}

#[derive(Serialize)]
struct Report {
    rows: Vec<Row>,
    machine: Machine,
    fsync_per_second: f64,
}

#[derive(Serialize)]
struct Machine {
    cores: usize,
    version: &'static str,
}

/// Households of the register that Siji was made for.
const OWN_SIZE: u32 = 3773;
const MIB: f64 = 1024.0 * 1024.0;

impl Bench {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let own = tempfile::tempdir()?;
        let folder = self.data.clone().unwrap_or_else(|| own.path().to_path_buf());
        std::fs::create_dir_all(&folder)?;
        let mut rows = Vec::new();
        let wanted = |name: &str| name.starts_with(&self.only) || self.only.starts_with(name);
        if wanted("demo") {
            rows.extend(demo(&folder)?);
        }
        if wanted("import") {
            rows.extend(import(&folder)?);
        }
        if ["close", "start", "pages", "export", "backup"].iter().any(|name| wanted(name)) {
            let (zone, close) = large(&folder, self.households)?;
            rows.extend(close);
            if ["start", "pages", "export"].iter().any(|name| wanted(name)) {
                rows.extend(pages::run(&zone)?);
            }
            if wanted("backup") {
                rows.extend(backup::run(&folder, &zone)?);
            }
        }
        if wanted("wall") {
            // Villages as large as they are: a tenth of a page is asked of pages that people see.
            let (zone, _) = large(&folder, self.households.min(OWN_SIZE))?;
            rows.extend(wall::run(&zone, None)?);
        }
        if let (true, Some(url)) = (wanted("wall"), &self.database) {
            let keys = folder.join("wall");
            // A zone kept from an earlier run is measured again.
            if !keys.join("siji.keys").exists() {
                play(&keys, self.households.min(OWN_SIZE), 2, Some(url))?;
            }
            rows.extend(wall::run(&keys, Some(url))?);
        }
        if wanted("posting") {
            let data = folder.join("posting");
            if !data.join("siji.db").exists() {
                play(&data, 3773, 2, None)?;
            }
            rows.extend(posting::run(&data)?);
        }
        if wanted("sheets") {
            rows.extend(sheets::run(&folder)?);
        }
        if wanted("print") {
            rows.extend(papers::run(&folder)?);
        }
        rows.retain(|row| row.name.starts_with(&self.only));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let machine = Machine { cores, version: env!("CARGO_PKG_VERSION") };
        let report = Report { rows, machine, fsync_per_second: fsync_per_second(&folder)? };
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            tell(&report);
        }
        let kept = report.rows.iter().all(Row::is_kept);
        Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn tell(report: &Report) {
    println!(
        "Siji {} on {} cores; the disk flushes {:.0} times a second.\n",
        report.machine.version, report.machine.cores, report.fsync_per_second
    );
    println!(
        "{:<44} {:>12} {:>10} {:>10} {:>10} {:>12} {:>9}",
        "", "median", "min", "max", "unit", "promised", "peak MiB"
    );
    for row in &report.rows {
        let promised = match row.promised {
            None => String::new(),
            Some(Promise::AtMost(limit)) => format!("<= {limit}"),
            Some(Promise::AtLeast(limit)) => format!(">= {limit}"),
        };
        let rss = row.peak_rss_bytes.map_or(String::new(), |b| format!("{:.0}", b as f64 / MIB));
        let mark = if row.is_kept() { "" } else { "  NOT KEPT" };
        println!(
            "{:<44} {:>12.2} {:>10.2} {:>10.2} {:>10} {:>12} {:>9}{mark}",
            row.name, row.median, row.min, row.max, row.unit, promised, rss
        );
    }
}

/// A zone of the register's own size, three months, from nothing.
fn demo(folder: &std::path::Path) -> anyhow::Result<Vec<Row>> {
    let data = folder.join("demo");
    let _ = std::fs::remove_dir_all(&data);
    let begun = Instant::now();
    let played = play(&data, 3773, 3, None)?;
    let seconds = begun.elapsed().as_secs_f64();
    let rss = played["peak_rss_bytes"].as_u64().unwrap_or(0);
    Ok(vec![
        Row::one("demo 3773 households x 3 months", seconds, "s", Some(Promise::AtMost(30.0)))
            .with_rss(rss),
        Row::one("demo memory", rss as f64 / MIB, "MiB", Some(Promise::AtMost(400.0))),
    ])
}

fn play(
    data: &std::path::Path,
    households: u32,
    months: u32,
    database: Option<&str>,
) -> anyhow::Result<serde_json::Value> {
    let (households, months) = (households.to_string(), months.to_string());
    let data = data.to_string_lossy();
    let mut args = vec!["demo", "--no-serve", "--json", "--data", &data];
    args.extend(["--households", &households, "--months", &months]);
    args.extend(database.into_iter().flat_map(|url| ["--database", url]));
    let said = Child::output(&args)?;
    serde_json::from_slice(&said.stdout).context("the demo did not print its summary")
}

/// A register of a hundred thousand persons into a zone that has its areas and nobody else.
fn import(folder: &std::path::Path) -> anyhow::Result<Vec<Row>> {
    let file = folder.join("register-100k.xlsx");
    let persons = crate::demo::invent_register(&file, 50_000)?;
    let data = folder.join("import");
    let _ = std::fs::remove_dir_all(&data);
    std::fs::create_dir_all(&data)?;
    let units = folder.join("units.csv");
    std::fs::write(&units, crate::demo::UNITS)?;
    let place = data.to_string_lossy().into_owned();
    Child::output(&["import", "areas", &units.to_string_lossy(), "--data", &place])?;
    let begun = Instant::now();
    let said = Child::output(&[
        "import",
        "register",
        &file.to_string_lossy(),
        "--apply",
        "--json",
        "--data",
        &place,
    ])?;
    let seconds = begun.elapsed().as_secs_f64();
    // Per hundred thousand persons, whatever the dice made of fifty thousand households.
    let per = seconds * 100_000.0 / persons as f64;
    let rss = said.peak_rss_bytes;
    Ok(vec![
        Row::one("import 100,000 persons", per, "s", Some(Promise::AtMost(10.0))).with_rss(rss),
        Row::one("import memory", rss as f64 / MIB, "MiB", Some(Promise::AtMost(512.0))),
    ])
}

/// The large zone, played once and kept: a month certified and credited, a month open.
fn large(folder: &std::path::Path, households: u32) -> anyhow::Result<(PathBuf, Vec<Row>)> {
    let data = folder.join(format!("large-{households}"));
    let figures = data.join("played.json");
    let played: serde_json::Value = match std::fs::read(&figures) {
        Ok(kept) => serde_json::from_slice(&kept)?,
        Err(_) => {
            let _ = std::fs::remove_dir_all(&data);
            let played = play(&data, households, 2, None)?;
            std::fs::write(&figures, played.to_string())?;
            played
        }
    };
    let seconds = played["seconds"]["certify"].as_f64().unwrap_or(f64::MAX);
    let rss = played["peak_rss_bytes"].as_u64().unwrap_or(0);
    let name = format!("close: certify and credit {households} households");
    let row = Row::one(&name, seconds, "s", Some(Promise::AtMost(5.0))).with_rss(rss);
    Ok((data, vec![row]))
}

/// What the disk itself can do: one page appended and flushed, again and again for a second.
fn fsync_per_second(folder: &std::path::Path) -> anyhow::Result<f64> {
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
