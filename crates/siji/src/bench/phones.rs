//! Three hundred phones come back after a week without a network: sixty thousand sheets, in groups of
//! fifty, each group answered once all of it is durable. Every sheet is the household's first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::client::Phone;
use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use super::{MIB, client, month};

const PHONES: usize = 300;
const GROUP: usize = 50;
/// Households with two sheets each: 60,000.
const VILLAGES: usize = 120;

/// What one phone sends at once.
struct Group {
    cookie: String,
    /// The fields of each sheet but for its key, as JSON text.
    sheets: Vec<String>,
}

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.empty_zone("week")?;
    let app = month::open_zone(&zone, VILLAGES)?;
    let groups = groups(&app)?;
    let sent: usize = groups.iter().map(|group| group.sheets.len()).sum();
    let server = Child::serve(&zone, &client::behind_a_proxy())?;
    let begun = Instant::now();
    let waiting = &Mutex::new(VecDeque::from(groups));
    let at = server.at;
    let asked: anyhow::Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let phones: Vec<_> =
            (0..PHONES).map(|n| scope.spawn(move || sync(n, at, waiting))).collect();
        let broke = |_| anyhow::anyhow!("a phone broke");
        phones.into_iter().map(|phone| phone.join().map_err(broke)?).collect()
    });
    let answers = asked?.concat();
    let seconds = begun.elapsed().as_secs_f64();
    let rss = server.peak_rss_bytes();
    server.stop()?;
    let lost = sent as f64 - kept(&app)?;
    let (most, p99) = (Promise::AtMost(120.0), client::percentile(answers, 99));
    let memory = Some(Promise::AtMost(512.0));
    let name = |what: &str| format!("sheets of a week, {sent} from {PHONES} phones{what}");
    Ok(vec![
        Row::one(&name(""), seconds, "s", Some(most)).with_rss(rss),
        Row::one(&name(": a second"), sent as f64 / seconds, "1/s", None),
        Row::one(&name(": fifty sheets' answer, p99"), p99, "ms", Some(Promise::AtMost(2_000.0))),
        Row::one(&name(": lost"), lost, "sheets", Some(Promise::AtMost(0.0))),
        Row::one(&name(": memory"), rss as f64 / MIB, "MiB", memory),
    ])
}

impl Group {
    /// Sends it until every sheet of it is saved; how long that took in all.
    fn send(&self, phone: &Phone, url: &str) -> anyhow::Result<Duration> {
        let sheet = |fields: &String| {
            let key = domain::id::new(web::now(), web::random());
            format!("{{\"key\":\"{key}\",{fields}}}")
        };
        let sheets: Vec<String> = self.sheets.iter().map(sheet).collect();
        let body = format!("{{\"sheets\":[{}]}}", sheets.join(","));
        let (took, words) = phone.send_until_taken(url, &self.cookie, &body)?;
        let answer: serde_json::Value = serde_json::from_str(&words)?;
        let saved = answer["sheets"].as_array().context("sheets")?;
        let is_whole = saved.len() == sheets.len() && saved.iter().all(|s| s["id"].is_string());
        anyhow::ensure!(is_whole, "not every sheet of fifty was saved: {words}");
        Ok(took)
    }
}

/// Sends groups until none is left: how long each took.
fn sync(
    n: usize,
    at: SocketAddr,
    waiting: &Mutex<VecDeque<Group>>,
) -> anyhow::Result<Vec<Duration>> {
    let (phone, mut answers) = (Phone::new(n), Vec::new());
    loop {
        let next = waiting.lock().map_err(|_| anyhow::anyhow!("a phone broke"))?.pop_front();
        let Some(group) = next else { return Ok(answers) };
        answers.push(group.send(&phone, &format!("http://{at}/score"))?);
    }
}

/// Every visitor's households, fifty at a time; the first fifty of everybody come first.
fn groups(app: &App) -> anyhow::Result<Vec<Group>> {
    let rows = app.read::<_, Never>(Reach::System, |tx| {
        let scheme = store::scheme::load(tx, app::scheme::shipped_id())?;
        let marks = [true, false].map(|able| month::best_marks(&scheme, able));
        let from = tx.one("SELECT visits_from FROM round", &args![], |r| r.text(0))?;
        let mut rows = Vec::new();
        let sql = "SELECT officer, cadre, batch, household, able_to_work FROM roster \
                   ORDER BY batch, position";
        tx.each(sql, &args![], |r| {
            for visitor in [r.opt_id(0)?, r.opt_id(1)?].into_iter().flatten() {
                let of = format!("\"batch\":\"{}\",\"household\":\"{}\"", r.id(2)?, r.id(3)?);
                let scores = &marks[usize::from(!r.bool(4)?)];
                let visit = format!("\"visited_on\":\"{from}\",\"remark\":\"\"");
                rows.push((visitor, format!("{of},\"scores\":\"{scores}\",{visit}")));
            }
            Ok(())
        })?;
        Ok(rows)
    });
    let mut rows: Vec<(Id, String)> =
        rows.wait().map_err(|e| anyhow::anyhow!("nobody is to be visited: {e:?}"))?;
    rows.sort_by_key(|row| row.0);
    let mut groups = Vec::new();
    for visitor in rows.chunk_by(|a, b| a.0 == b.0) {
        let cookie = client::session(app, visitor.first().context("a visitor")?.0)?;
        for (n, some) in visitor.chunks(GROUP).enumerate() {
            let sheets = some.iter().map(|(_, fields)| fields.clone());
            groups.push((n, Group { cookie: cookie.clone(), sheets: sheets.collect() }));
        }
    }
    groups.sort_by_key(|(n, _)| *n);
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

fn kept(app: &App) -> anyhow::Result<f64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM sheet WHERE current";
    let kept =
        app.read::<_, Never>(Reach::System, move |tx| Ok(tx.one(sql, &args![], |r| r.int(0))?));
    Ok(kept.wait().map_err(|e| anyhow::anyhow!("the sheets were not counted: {e:?}"))? as f64)
}
