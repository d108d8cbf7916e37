//! People save score sheets over HTTP, durably: with group commit, and with one commit for each
//! sheet, on this machine's disk and on one that flushes as an office disk does; then many at once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::ground::Ground;
use super::load::{self, Shot};
use super::process::{Child, flushes};
use super::report::{Promise, Row};
use super::{OWN_SIZE, client, phones, transfers};
use crate::zone::Zone;

const WRITERS: usize = 32;
const CROWD: usize = 300;
const RUNS: usize = 3;
const TIME: Duration = Duration::from_secs(2);
/// A flush on an office machine's disk: two hundred a second.
const OFFICE_FLUSH_MS: u32 = 5;

/// A session's cookie, and the sheets of its person.
pub type Writer = (String, Vec<Visit>);

/// A household that one person may score now.
pub struct Visit {
    pub batch: Id,
    pub household: Id,
    /// The sheet's fields but for its key, as JSON text.
    pub fields: String,
}

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.played("sheets", OWN_SIZE, 1)?;
    let few = writers(&zone.open()?, WRITERS)?;
    let grouped = measure(&zone, &few, &[])?;
    let mut rows = grouped.rows("32 clients, this disk");
    if ground.is_sqlite() {
        rows.extend(group_commit(ground, &zone, &few, &grouped.rates)?);
    }
    rows.extend(phones::run(ground)?);
    // All of that week's visitors correct their sheets.
    let week = ground.zone("week");
    let many = writers(&week.open()?, CROWD)?;
    rows.extend(measure(&week, &many, &[])?.rows(&format!("{} clients, this disk", many.len())));
    Ok(rows)
}

impl Measured {
    fn rows(&self, who: &str) -> Vec<Row> {
        let rates = Row::of(&format!("sheets/s, {who}"), self.rates.clone(), "1/s", None);
        let p99 = Row::of(&format!("sheets p99, {who}"), self.p99s.clone(), "ms", None);
        vec![rates.with_rss(self.peak_rss_bytes), p99]
    }
}

/// What group commit is worth: against one commit for each sheet, on both disks.
fn group_commit(
    ground: &Ground,
    zone: &Zone,
    writers: &[Writer],
    grouped: &[f64],
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let single = measure(zone, writers, &[("SIJI_GROUP_COMMIT", "off".to_owned())])?.rates;
    let times = |grouped: &[f64], single: &[f64]| {
        grouped.iter().zip(single).map(|(grouped, single)| grouped / single).collect::<Vec<_>>()
    };
    rows.push(Row::of("sheets/s, one commit each, this disk", single.clone(), "1/s", None));
    rows.push(Row::of("sheets ratio, this disk", times(grouped, &single), "x", None));
    let Some(shim) = slow_disk(ground.folder())? else {
        eprintln!("siji: without a C compiler the office disk is not measured");
        return Ok(rows);
    };
    let slow = |group: &str| {
        vec![
            ("LD_PRELOAD", shim.to_string_lossy().into_owned()),
            ("SIJI_FLUSH_MS", OFFICE_FLUSH_MS.to_string()),
            ("SIJI_GROUP_COMMIT", group.to_owned()),
        ]
    };
    let grouped = measure(zone, writers, &slow("on"))?.rates;
    let waiting = measure(zone, writers, &slow("waiting"))?.rates;
    let single = measure(zone, writers, &slow("off"))?.rates;
    rows.push(Row::of("sheets/s, 32 clients, 200 flushes/s", grouped.clone(), "1/s", None));
    rows.push(Row::of("sheets/s, none waited for, 200 flushes/s", waiting, "1/s", None));
    rows.push(Row::of("sheets/s, one commit each, 200 flushes/s", single.clone(), "1/s", None));
    // What that disk can do by itself.
    let flush = 1.0 / flushes(ground.folder(), &slow("on"))?;
    let each = grouped.iter().map(|rate| rate * flush).collect();
    rows.push(Row::of("sheets for each flush, 200 flushes/s", each, "x", None));
    rows.extend(transfers::run(zone, &slow("on"), flush)?);
    let promised = Some(Promise::AtLeast(10.0));
    rows.push(Row::of("sheets ratio, 200 flushes/s", times(&grouped, &single), "x", promised));
    Ok(rows)
}

/// Several runs with the same writers.
struct Measured {
    /// Sheets saved in a second by all together.
    rates: Vec<f64>,
    /// Within which 99 of a hundred were saved, ms.
    p99s: Vec<f64>,
    peak_rss_bytes: u64,
}

fn measure(zone: &Zone, writers: &[Writer], envs: &[(&str, String)]) -> anyhow::Result<Measured> {
    let server = Child::serve(zone, envs)?;
    let runs: anyhow::Result<Vec<_>> = (0..RUNS).map(|_| once(&server, writers)).collect();
    let peak_rss_bytes = server.peak_rss_bytes();
    server.stop()?;
    let (rates, p99s) = runs?.into_iter().unzip();
    Ok(Measured { rates, p99s, peak_rss_bytes })
}

/// How many were saved in a second, and how long 99 of a hundred took at most, ms.
fn once(server: &Child, writers: &[Writer]) -> anyhow::Result<(f64, f64)> {
    let mut sheets = Sheets::new(writers);
    let told = load::closed(server.at, writers.len(), TIME, move || sheets.next())?;
    let refused = told.iter().find(|told| told.status != 200);
    anyhow::ensure!(refused.is_none(), "a sheet was answered {}", refused.map_or(0, |t| t.status));
    let times = told.iter().map(|told| told.took).collect();
    Ok((told.len() as f64 / TIME.as_secs_f64(), client::percentile(times, 99)))
}

/// The writers' sheets, ready to be sent: one of each in turn, again and again.
pub struct Sheets {
    /// Up to the cookie's end; the fields but for the key.
    turns: Vec<(String, String)>,
    next: usize,
}

impl Sheets {
    pub fn new(writers: &[Writer]) -> Sheets {
        let longest = writers.iter().map(|(_, visits)| visits.len()).max().unwrap_or(0);
        let turn =
            |n: usize| writers.iter().filter_map(move |(c, visits)| Some((c, visits.get(n)?)));
        let sheet = |(cookie, visit): (&String, &Visit)| {
            let path = format!("/score/{}/{}", visit.batch, visit.household);
            let head = format!("POST {path} HTTP/1.1\r\nhost: siji.test\r\ncookie: {cookie}\r\n");
            (head, visit.fields.clone())
        };
        Sheets { turns: (0..longest).flat_map(turn).map(sheet).collect(), next: 0 }
    }

    /// The next one, with its key.
    pub fn next(&mut self) -> Shot<Id> {
        let (head, fields) = &self.turns[self.next % self.turns.len()];
        self.next += 1;
        let key = domain::id::new(web::now(), web::random());
        let body = format!("{{\"key\":\"{key}\",{fields}}}");
        let json = "accept: application/json\r\ncontent-type: application/json";
        let bytes = format!("{head}{json}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Shot { bytes: bytes.into_bytes(), kind: key }
    }
}

/// Sessions of officers and cadres with the households they may still score: each saves again, as
/// corrections, what stands on their own sheets.
pub fn writers(app: &App, most: usize) -> anyhow::Result<Vec<Writer>> {
    let rows: Vec<(Id, Visit)> = app
        .read::<_, Never>(Reach::System, |tx| {
            Ok(tx.all(
                "SELECT s.person, s.batch, s.household, s.scores, s.visited_on FROM sheet s \
                 JOIN batch b ON b.id = s.batch WHERE b.state = 'draft' AND s.current \
                 ORDER BY s.person, s.household",
                &args![],
                |r| {
                    let fields = fields(&r.text(3)?, r.opt_text(4)?.as_deref());
                    Ok((r.id(0)?, Visit { batch: r.id(1)?, household: r.id(2)?, fields }))
                },
            )?)
        })
        .wait()
        .map_err(|e| anyhow::anyhow!("no sheets to correct: {e:?}"))?;
    let mut by_writer: Vec<(Id, Vec<Visit>)> = Vec::new();
    let share = rows.len().div_ceil(most);
    for (person, visit) in rows {
        match by_writer.last_mut() {
            Some((last, visits)) if *last == person && visits.len() < share => visits.push(visit),
            _ => by_writer.push((person, vec![visit])),
        }
    }
    by_writer.sort_by_key(|(_, visits)| std::cmp::Reverse(visits.len()));
    by_writer.truncate(most);
    by_writer
        .into_iter()
        .map(|(person, visits)| Ok((client::session(app, person)?, visits)))
        .collect()
}

/// The sheet form's fields from a stored sheet.
fn fields(scores: &str, visited_on: Option<&str>) -> String {
    let on = visited_on.unwrap_or("");
    format!("\"scores\":\"{scores}\",\"visited_on\":\"{on}\",\"remark\":\"\"")
}

/// The shim, compiled by the machine's C compiler where there is one.
fn slow_disk(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let source = folder.join("slow_disk.c");
    std::fs::write(&source, include_str!("slow_disk.c"))?;
    let shim = std::path::absolute(folder.join("slow_disk.so"))?;
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&shim)
        .arg(&source)
        .arg("-ldl")
        .status();
    Ok(made.is_ok_and(|status| status.success()).then_some(shim))
}
