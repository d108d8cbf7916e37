//! Five times the peak: what the server still gets done, how soon it says no to the rest, what
//! memory it takes, and how soon all is as before. Pages and sheets, four to one.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use app::{Never, Reach};
use domain::Id;
use store::args;

use super::ground::Ground;
use super::load::{self, Shot, Told};
use super::process::Child;
use super::report::{Promise, Row};
use super::sheets::{self, Sheets, Visit, Writer};
use super::{MIB, OWN_SIZE, client};
use crate::zone::Zone;

/// People who ask at once, while the peak is looked for.
const ASKERS: [usize; 4] = [8, 16, 32, 64];
/// People with sheets to save.
const WRITERS: usize = 32;
const STEP: Duration = Duration::from_secs(3);
const TIMES: f64 = 5.0;
const STORM: Duration = Duration::from_secs(10);
/// Of the peak, in quiet times.
const QUIET: f64 = 0.3;
const BEFORE: Duration = Duration::from_secs(4);
const AFTER: Duration = Duration::from_secs(8);
const WINDOW: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Page,
    /// A sheet with this key.
    Sheet(Id),
}

type Answers = Vec<Told<Asked>>;

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.played("sheets", OWN_SIZE, 1)?;
    let mix = Mix::new(&zone)?;
    crate::serve::open_files(4_096);
    let figures = free_port()?;
    let server = Child::serve(&zone, &[("SIJI_METRICS", figures.to_string())])?;
    let mut all = Answers::new();
    let mut rows = measure(server.at, figures, &mix, &mut all)?;
    let rss = server.peak_rss_bytes();
    let most = Some(Promise::AtMost(512.0));
    rows.push(Row::one("overload memory", rss as f64 / MIB, "MiB", most).with_rss(rss));
    server.stop()?;
    let none = Some(Promise::AtMost(0.0));
    let lost = lost(&zone, &all)?;
    rows.push(Row::one("overload confirmed sheets lost", lost as f64, "sheets", none));
    Child::output(&["verify"], &zone).context("the zone does not verify any more")?;
    Ok(rows)
}

fn measure(
    at: SocketAddr,
    figures: SocketAddr,
    mix: &Mix,
    all: &mut Answers,
) -> anyhow::Result<Vec<Row>> {
    let mut peak = 0.0_f64;
    for askers in ASKERS {
        let answers = load::closed(at, askers, STEP, mix.shots())?;
        peak = peak.max(good(&answers).count() as f64 / STEP.as_secs_f64());
        all.extend(answers);
    }
    let before = load::open(at, peak * QUIET, BEFORE, mix.shots())?;
    let (storm, watched) = {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| watch(at, figures, &over));
            let storm = load::open(at, peak * TIMES, STORM, mix.shots());
            over.store(true, Ordering::Relaxed);
            let watched = watching.join().map_err(|_| anyhow::anyhow!("the watcher broke"))?;
            anyhow::Ok((storm?, watched))
        })?
    };
    let door = refusal_p99(&ask(figures, "/metrics")?.1);
    let after = load::open(at, peak * QUIET, AFTER, mix.shots())?;

    let mut rows = vec![Row::one("overload peak", peak, "1/s", None)];
    let per_second = |n: usize| n as f64 / STORM.as_secs_f64();
    rows.push(Row::one("overload offered", per_second(storm.len()), "1/s", None));
    let least = Some(Promise::AtLeast(0.8));
    let goodput = per_second(good(&storm).count()) / peak;
    rows.push(Row::one("overload goodput, of the peak", goodput, "x", least));
    for (name, is_page) in [("pages", true), ("sheets", false)] {
        let done = good(&storm).filter(|told| (told.kind == Asked::Page) == is_page);
        rows.push(Row::one(&format!("overload {name}"), per_second(done.count()), "1/s", None));
    }
    let took = |told: &mut dyn Iterator<Item = &Told<Asked>>| told.map(|t| t.took).collect();
    let p99 = client::percentile(took(&mut good(&storm)), 99);
    rows.push(Row::one("overload p99 of what is let in", p99, "ms", None));

    let refused: Vec<_> = storm.iter().filter(|told| told.status == 503).collect();
    let p99 = client::percentile(took(&mut refused.iter().copied()), 99);
    let soon = Some(Promise::AtMost(100.0));
    rows.push(Row::one("overload p99 to a 503, at the client", p99, "ms", soon));
    rows.push(Row::one("overload p99 to a 503, at the door", door, "ms", soon));
    let with = refused.iter().filter(|told| told.says_when).count() as f64;
    let always = Some(Promise::AtLeast(1.0));
    let share = with / refused.len() as f64;
    rows.push(Row::one("overload 503 with Retry-After", share, "x", always));
    let other = storm.len() - refused.len() - good(&storm).count();
    let none = Some(Promise::AtMost(0.0));
    rows.push(Row::one("overload neither done nor 503", other as f64, "requests", none));
    let (asked, answered, slowest) = watched;
    let share = f64::from(answered) / f64::from(asked);
    rows.push(Row::one("overload health and figures answer", share, "x", always));
    rows.push(Row::one("overload health and figures, slowest", slowest, "ms", None));
    let usual = client::percentile(took(&mut good(&before)), 99);
    rows.push(Row::one("overload p99 in quiet times", usual, "ms", None));
    let soon = Some(Promise::AtMost(5.0));
    rows.push(Row::one("overload until p99 is < 2x again", recovery(&after, usual), "s", soon));
    for answers in [before, storm, after] {
        all.extend(answers);
    }
    Ok(rows)
}

/// Those that did what was asked.
fn good(answers: &Answers) -> impl Iterator<Item = &Told<Asked>> {
    answers.iter().filter(|told| told.status == 200)
}

/// Seconds until the end of the first window whose p99 is below twice the usual.
fn recovery(after: &Answers, usual: f64) -> f64 {
    let windows = AFTER.as_millis() / WINDOW.as_millis();
    let of = |n: u32| {
        let times =
            after.iter().filter(|told| told.due >= WINDOW * n && told.due < WINDOW * (n + 1));
        client::percentile(times.map(|told| told.took).collect(), 99)
    };
    let windows = u32::try_from(windows).unwrap_or(0);
    let calm = (0..windows).find(|n| of(*n) < 2.0 * usual);
    calm.map_or(f64::INFINITY, |n| (WINDOW * (n + 1)).as_secs_f64())
}

/// Sheets that were confirmed and are not there.
fn lost(zone: &Zone, all: &Answers) -> anyhow::Result<usize> {
    let app = zone.open()?;
    let there: HashSet<Id> = app
        .read::<_, Never>(Reach::System, |tx| {
            let ids = tx.all("SELECT id FROM sheet", &args![], |r| r.id(0))?;
            Ok(ids.into_iter().collect())
        })
        .wait()
        .map_err(|e| anyhow::anyhow!("the sheets cannot be counted: {e:?}"))?;
    let is_lost = |told: &&Told<Asked>| match told.kind {
        Asked::Sheet(key) => !there.contains(&key),
        Asked::Page => false,
    };
    Ok(good(all).filter(is_lost).count())
}

// What is asked -----------------------------------------------------------------------------------

/// Pages and sheets of thirty-two people and of the office.
struct Mix {
    pages: Vec<(String, String)>,
    writers: Vec<Writer>,
}

impl Mix {
    fn new(zone: &Zone) -> anyhow::Result<Mix> {
        let app = zone.open()?;
        let writers = sheets::writers(&app, WRITERS)?;
        let office = app.read::<_, Never>(Reach::System, |tx| {
            Ok(tx.one("SELECT id FROM person WHERE login = 'office'", &args![], |r| r.id(0))?)
        });
        let office = office.wait().map_err(|e| anyhow::anyhow!("there is no office: {e:?}"))?;
        let office = client::session(&app, office)?;
        let mut pages = Vec::new();
        for (cookie, visits) in &writers {
            let Visit { batch, household, .. } = &visits[0];
            pages.push((cookie.clone(), "/".to_owned()));
            pages.push((cookie.clone(), "/score".to_owned()));
            pages.push((cookie.clone(), format!("/score/{batch}/{household}")));
            pages.push((office.clone(), "/households".to_owned()));
            pages.push((office.clone(), "/households?q=%E7%8E%8B".to_owned()));
            pages.push((office.clone(), format!("/households/{household}")));
            pages.push((office.clone(), "/batches".to_owned()));
        }
        Ok(Mix { pages, writers })
    }

    /// Four pages, a sheet, four pages, … each time the next of them.
    fn shots(&self) -> impl FnMut() -> Shot<Asked> + 'static {
        let get = |(cookie, path): &(String, String)| {
            format!("GET {path} HTTP/1.1\r\nhost: siji.test\r\ncookie: {cookie}\r\n\r\n")
        };
        let pages: Vec<String> = self.pages.iter().map(get).collect();
        let mut sheets = Sheets::new(&self.writers);
        let mut number = 0_usize;
        move || {
            number += 1;
            if !number.is_multiple_of(5) {
                let bytes = pages[(number - number / 5) % pages.len()].clone().into_bytes();
                return Shot { bytes, kind: Asked::Page };
            }
            let sheet = sheets.next();
            Shot { bytes: sheet.bytes, kind: Asked::Sheet(sheet.kind) }
        }
    }
}

// Who watches over it -----------------------------------------------------------------------------

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Asks after its health and figures ten times a second: how often, how often it answered, and the
/// slowest answer in ms.
fn watch(at: SocketAddr, figures: SocketAddr, over: &AtomicBool) -> (u32, u32, f64) {
    let (mut asked, mut answered, mut slowest) = (0, 0, 0.0_f64);
    while !over.load(Ordering::Relaxed) {
        for (at, path) in [(at, "/healthz"), (at, "/readyz"), (figures, "/metrics")] {
            let begun = Instant::now();
            asked += 1;
            answered += u32::from(ask(at, path).is_ok_and(|(status, _)| status == 200));
            slowest = slowest.max(begun.elapsed().as_secs_f64() * 1000.0);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    (asked, answered, slowest)
}

fn ask(at: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: siji.test\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).context("no status")?;
    Ok((status, text))
}

/// The upper bound of the class in which the 99th of a hundred refusals lies, by the server's own
/// count, ms.
fn refusal_p99(text: &str) -> f64 {
    let name = "siji_refusal_duration_seconds_bucket{le=\"";
    let classes: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.split_once("\"} "))
        .filter_map(|(le, n)| Some((le.replace("+Inf", "inf").parse().ok()?, n.parse().ok()?)))
        .collect();
    let all = classes.last().map_or(0.0, |class| class.1);
    let class = classes.iter().find(|class| class.1 >= 0.99 * all);
    class.map_or(f64::NAN, |class| class.0 * 1000.0)
}
