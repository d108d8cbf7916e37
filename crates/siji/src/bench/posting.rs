//! The public page of a list that hangs, as a village meets it: many at once, over loopback, with
//! the server and this driver on the same cores. Connections stay open and ask again at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use app::{Never, Reach};
use domain::Id;
use domain::posting::{Body, Posting};
use store::args;

use super::OWN_SIZE;
use super::client;
use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use crate::zone::Zone;

const CONNECTIONS: usize = 32;
const WARM: Duration = Duration::from_secs(1);
const RUN: Duration = Duration::from_secs(2);
const RUNS: usize = 3;

/// Rows for the list of a zone that hangs today.
pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let (zone, _) = ground.played("own", OWN_SIZE, 2)?;
    let posting = hang(&zone)?;
    let server = Child::serve(&zone, &[])?;
    let mut rows = Vec::new();
    for (name, path) in [
        ("posting page", format!("/p/{posting}")),
        ("posting proof", format!("/p/{posting}/proof.json")),
        ("posting checkpoint", "/log/checkpoint".to_owned()),
        ("posting tile", "/log/tile/0/000.p/1".to_owned()),
    ] {
        let (mut per_second, mut p99) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let times = storm(server.at, &path)?;
            per_second.push(times.len() as f64 / RUN.as_secs_f64());
            p99.push(client::percentile(times, 99));
        }
        let is_page = name == "posting page";
        let (least, most) = (Promise::AtLeast(3_000.0), Promise::AtMost(50.0));
        let rss = server.peak_rss_bytes();
        rows.push(Row::of(name, per_second, "req/s", is_page.then_some(least)).with_rss(rss));
        rows.push(Row::of(&format!("{name} p99"), p99, "ms", is_page.then_some(most)));
    }
    server.stop()?;
    Ok(rows)
}

/// Hangs the zone's longest list once more, from today on.
fn hang(zone: &Zone) -> anyhow::Result<Id> {
    let app = zone.open()?;
    let (id, now) = (domain::id::new(web::now(), web::random()), web::now());
    let hung = app.write::<_, Never>(Reach::System, move |tx| {
        let sql = "SELECT id FROM posting ORDER BY rows DESC, id LIMIT 1";
        let longest = tx.one(sql, &args![], |r| r.id(0))?;
        let broken = |what: &str| store::Broken::data(what);
        let posting = store::posting::find(tx, longest)?.ok_or_else(|| broken("no list"))?;
        let mut body = Body::read(&posting.body).map_err(|_| broken("no list"))?;
        let today = domain::local_date(now);
        (body.header.from, body.header.to) =
            (today, today.saturating_add(jiff::Span::new().days(5)));
        body.header.corrects = Some(posting.root);
        let by = (posting.person, now);
        let log = (posting.log_seal, posting.log_head);
        let again = Posting::new(id, posting.batch, Some(longest), &body, by, log);
        Ok(store::posting::record(tx, &again)?)
    });
    hung.wait().map_err(|e| anyhow::anyhow!("no list could be hung: {e:?}"))?;
    Ok(id)
}

/// How long each answer took, of those that came within the run.
fn storm(at: SocketAddr, path: &str) -> anyhow::Result<Vec<Duration>> {
    let (begin, over) = (Instant::now() + WARM, AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asks: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(|| ask(at, path, begin, &over))).collect();
        std::thread::sleep(WARM + RUN);
        over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for asked in asks {
            times.extend(asked.join().map_err(|_| anyhow::anyhow!("the driver broke"))??);
        }
        anyhow::ensure!(!times.is_empty(), "{path} was never answered");
        Ok(times)
    })
}

fn ask(
    at: SocketAddr,
    path: &str,
    begin: Instant,
    over: &AtomicBool,
) -> anyhow::Result<Vec<Duration>> {
    let socket = TcpStream::connect(at)?;
    socket.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 << 10, socket.try_clone()?);
    let mut writer = socket;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n\r\n");
    let (mut times, mut line, mut body) = (Vec::new(), String::new(), Vec::new());
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        writer.write_all(request.as_bytes())?;
        let mut length = None;
        let mut status = String::new();
        loop {
            line.clear();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "the server hung up");
            if status.is_empty() {
                status = line.trim().to_owned();
            }
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = Some(n.trim().parse()?);
            }
            if line == "\r\n" {
                break;
            }
        }
        anyhow::ensure!(status.contains(" 200 "), "{path} answered {status}");
        body.resize(length.context("an answer without a length")?, 0);
        reader.read_exact(&mut body)?;
        if asked >= begin {
            times.push(asked.elapsed());
        }
    }
    Ok(times)
}
