//! Three hundred phones come back after a week without a network: sixty thousand sheets, in groups of
//! fifty, each sheet answered once it is durable. Every sheet is the household's first.

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

/// What one phone sends before it lets the next one in.
struct Group {
    cookie: String,
    /// Path and fields of each sheet.
    sheets: Vec<(String, String)>,
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
    let asked: anyhow::Result<Vec<(Vec<Duration>, Vec<Duration>)>> = std::thread::scope(|scope| {
        let phones: Vec<_> =
            (0..PHONES).map(|n| scope.spawn(move || sync(n, at, waiting))).collect();
        let broke = |_| anyhow::anyhow!("a phone broke");
        phones.into_iter().map(|phone| phone.join().map_err(broke)?).collect()
    });
    let (each, groups): (Vec<_>, Vec<_>) = asked?.into_iter().unzip();
    let (each, groups) = (each.concat(), groups.concat());
    let seconds = begun.elapsed().as_secs_f64();
    let rss = server.peak_rss_bytes();
    server.stop()?;
    let lost = sent as f64 - kept(&app)?;
    let (most, p99) = (Promise::AtMost(120.0), client::percentile(each, 99));
    let of_group = client::percentile(groups, 99) / 1000.0;
    let memory = Some(Promise::AtMost(512.0));
    let name = |what: &str| format!("sheets of a week, {sent} from {PHONES} phones{what}");
    Ok(vec![
        Row::one(&name(""), seconds, "s", Some(most)).with_rss(rss),
        Row::one(&name(": a second"), sent as f64 / seconds, "1/s", None),
        Row::one(&name(": a sheet's answer, p99"), p99, "ms", Some(Promise::AtMost(2_000.0))),
        Row::one(&name(": fifty answers, p99"), of_group, "s", None),
        Row::one(&name(": lost"), lost, "sheets", Some(Promise::AtMost(0.0))),
        Row::one(&name(": memory"), rss as f64 / MIB, "MiB", memory),
    ])
}

/// Sends groups until none is left: how long each sheet took, and each group.
fn sync(
    n: usize,
    at: SocketAddr,
    waiting: &Mutex<VecDeque<Group>>,
) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let (phone, mut each, mut groups) = (Phone::new(n), Vec::new(), Vec::new());
    loop {
        let next = waiting.lock().map_err(|_| anyhow::anyhow!("a phone broke"))?.pop_front();
        let Some(group) = next else { return Ok((each, groups)) };
        let begun = Instant::now();
        for (path, fields) in &group.sheets {
            each.push(phone.send(&format!("http://{at}{path}"), &group.cookie, fields)?);
        }
        groups.push(begun.elapsed());
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
                let path = format!("/score/{}/{}", r.id(2)?, r.id(3)?);
                let scores = &marks[usize::from(!r.bool(4)?)];
                let fields =
                    format!("\"scores\":\"{scores}\",\"visited_on\":\"{from}\",\"remark\":\"\"");
                rows.push((visitor, path, fields));
            }
            Ok(())
        })?;
        Ok(rows)
    });
    let mut rows: Vec<(Id, String, String)> =
        rows.wait().map_err(|e| anyhow::anyhow!("nobody is to be visited: {e:?}"))?;
    rows.sort_by_key(|row| row.0);
    let mut groups = Vec::new();
    for visitor in rows.chunk_by(|a, b| a.0 == b.0) {
        let cookie = client::session(app, visitor.first().context("a visitor")?.0)?;
        for (n, some) in visitor.chunks(GROUP).enumerate() {
            let sheets = some.iter().map(|(_, path, fields)| (path.clone(), fields.clone()));
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
