//! Thirty-two people save score sheets over HTTP, durably: with group commit, and with one commit
//! for each sheet, on this machine's disk and on one that flushes as an office disk does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use app::{Never, Reach};
use domain::Id;
use store::args;

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use super::{OWN_SIZE, client};
use crate::zone::Zone;

const WRITERS: usize = 32;
const RUNS: usize = 3;
const TIME: Duration = Duration::from_secs(2);
/// A flush on an office machine's disk: two hundred a second.
const OFFICE_FLUSH_MS: u32 = 5;

/// A household that one person may score now.
struct Visit {
    batch: Id,
    household: Id,
    /// The sheet's fields but for its key, as JSON text.
    fields: String,
}

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let (zone, _) = ground.played("sheets", OWN_SIZE, 1)?;
    let writers = writers(&zone)?;
    let mut rows = Vec::new();
    let grouped = measure(&zone, &writers, &[])?;
    rows.push(Row::of("sheets/s, 32 writers, this disk", grouped.clone(), "1/s", None));
    if ground.is_sqlite() {
        rows.extend(group_commit(ground, &zone, &writers, &grouped)?);
    }
    Ok(rows)
}

/// What group commit is worth: against one commit for each sheet, on both disks.
fn group_commit(
    ground: &Ground,
    zone: &Zone,
    writers: &[(String, Vec<Visit>)],
    grouped: &[f64],
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let single = measure(zone, writers, &[("SIJI_GROUP_COMMIT", "off".to_owned())])?;
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
    let grouped = measure(zone, writers, &slow("on"))?;
    let single = measure(zone, writers, &slow("off"))?;
    rows.push(Row::of("sheets/s, 32 writers, 200 flushes/s", grouped.clone(), "1/s", None));
    rows.push(Row::of("sheets/s, one commit each, 200 flushes/s", single.clone(), "1/s", None));
    let promised = Some(Promise::AtLeast(10.0));
    rows.push(Row::of("sheets ratio, 200 flushes/s", times(&grouped, &single), "x", promised));
    Ok(rows)
}

/// Sheets saved in a second by all writers together, several times.
fn measure(
    zone: &Zone,
    writers: &[(String, Vec<Visit>)],
    envs: &[(&str, String)],
) -> anyhow::Result<Vec<f64>> {
    let server = Child::serve(zone, envs)?;
    let rates = (0..RUNS).map(|_| once(&server, writers)).collect();
    server.stop()?;
    rates
}

fn once(server: &Child, writers: &[(String, Vec<Visit>)]) -> anyhow::Result<f64> {
    let saved = AtomicU64::new(0);
    let begun = Instant::now();
    let outcome: anyhow::Result<()> = std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .iter()
            .map(|(cookie, visits)| {
                let (saved, at) = (&saved, server.at);
                scope.spawn(move || write(at, cookie, visits, begun, saved))
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|t| t.join().unwrap_or_else(|_| anyhow::bail!("a writer fell")))
    });
    let seconds = begun.elapsed().as_secs_f64();
    outcome?;
    Ok(saved.load(Ordering::Relaxed) as f64 / seconds)
}

fn write(
    at: std::net::SocketAddr,
    cookie: &str,
    visits: &[Visit],
    begun: Instant,
    saved: &AtomicU64,
) -> anyhow::Result<()> {
    let agent = client::agent();
    for visit in visits.iter().cycle() {
        if begun.elapsed() > TIME {
            break;
        }
        let key = domain::id::new(web::now(), web::random());
        let body = format!("{{\"key\":\"{key}\",{}}}", visit.fields);
        let url = format!("http://{at}/score/{}/{}", visit.batch, visit.household);
        let mut answer = agent
            .post(&url)
            .header("cookie", cookie)
            .header("content-type", "application/json")
            .send(&body)?;
        let status = answer.status();
        let words = answer.body_mut().read_to_string()?;
        anyhow::ensure!(status == 200, "{url} answered {status}: {words}");
        saved.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Thirty-two sessions of officers and cadres with the households they may still score: each saves
/// again, as corrections, what stands on their own sheets.
fn writers(zone: &Zone) -> anyhow::Result<Vec<(String, Vec<Visit>)>> {
    let app = zone.open()?;
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
    let share = rows.len().div_ceil(WRITERS);
    for (person, visit) in rows {
        match by_writer.last_mut() {
            Some((last, visits)) if *last == person && visits.len() < share => visits.push(visit),
            _ => by_writer.push((person, vec![visit])),
        }
    }
    by_writer.sort_by_key(|(_, visits)| std::cmp::Reverse(visits.len()));
    by_writer.truncate(WRITERS);
    by_writer
        .into_iter()
        .map(|(person, visits)| Ok((client::session(&app, person)?, visits)))
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
