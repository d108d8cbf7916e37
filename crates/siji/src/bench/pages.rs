//! Every page over a large zone, the first answer of a started server, and the streamed export.

use std::path::Path;
use std::time::Duration;

use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::process::Child;
use super::{MIB, Promise, Row, client};

const RUNS: usize = 120;
const STARTS: usize = 5;

/// People of the demo and records of the large zone that pages are asked for.
struct Cast {
    office: String,
    village: String,
    keeper: String,
    officer: String,
    admin: String,
    pages: Vec<(&'static str, String)>,
}

pub fn run(zone: &Path) -> anyhow::Result<Vec<Row>> {
    let cast = cast(zone)?;
    let mut rows = vec![starts(zone)?];
    let server = Child::serve(zone, &[])?;
    let agent = client::agent();
    for (who, path) in &cast.pages {
        let cookie = match *who {
            "office" => &cast.office,
            "village" => &cast.village,
            "keeper" => &cast.keeper,
            "officer" => &cast.officer,
            _ => &cast.admin,
        };
        let url = format!("http://{}{path}", server.at);
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            times.push(client::get(&agent, &url, cookie)?.0);
        }
        rows.push(percentile(&format!("pages p99 {}", short(path)), &mut times));
    }
    let before = server.peak_rss_bytes();
    let url = format!("http://{}/households/export", server.at);
    let key = domain::id::new(web::now(), web::random());
    let form = format!("key={key}&kind=xlsx&why=bench");
    let (took, bytes) = client::post(&agent, &url, &cast.office, &form)?;
    let rss = server.peak_rss_bytes();
    rows.push(Row::one("export .xlsx", took.as_secs_f64(), "s", None).with_rss(rss));
    rows.push(Row::one("export size", bytes as f64 / MIB, "MiB", None));
    let promised = Some(Promise::AtMost(256.0));
    rows.push(Row::one("export memory", rss.max(before) as f64 / MIB, "MiB", promised));
    server.stop()?;
    Ok(rows)
}

/// An id in a path is no name.
pub fn short(path: &str) -> String {
    let part = |part| if str::len(part) == 36 { "{id}" } else { part };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn percentile(name: &str, times: &mut [Duration]) -> Row {
    times.sort();
    let ms = |at: usize| times[at.min(times.len() - 1)].as_secs_f64() * 1000.0;
    Row {
        name: name.to_owned(),
        median: ms(times.len() * 99 / 100),
        min: ms(0),
        max: ms(times.len() - 1),
        unit: "ms",
        promised: Some(Promise::AtMost(100.0)),
        peak_rss_bytes: None,
    }
}

fn starts(zone: &Path) -> anyhow::Result<Row> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let server = Child::serve(zone, &[])?;
        times.push(server.started.as_secs_f64() * 1000.0);
        server.stop()?;
    }
    times.sort_by(f64::total_cmp);
    Ok(Row {
        name: "start to first answer".to_owned(),
        median: times[STARTS / 2],
        min: times[0],
        max: times[STARTS - 1],
        unit: "ms",
        promised: Some(Promise::AtMost(300.0)),
        peak_rss_bytes: None,
    })
}

fn cast(zone: &Path) -> anyhow::Result<Cast> {
    let app = crate::zone::Zone::in_folder(zone).open()?;
    let session = |login: &'static str| -> anyhow::Result<String> {
        let person = one(&app, "SELECT id FROM person WHERE login = $1", login)?;
        client::session(&app, person)
    };
    let id = |sql: &'static str| one(&app, sql, "");
    let household = id("SELECT household FROM redemption ORDER BY id DESC LIMIT 1")?;
    let village = "SELECT b.id FROM batch b JOIN post p ON p.area = b.village \
                   JOIN person w ON w.id = p.person WHERE w.login = 'village' AND b.state = 'scored' LIMIT 1";
    let reviewed = id(village)?;
    let visited = id("SELECT b.id FROM batch b JOIN roster r ON r.batch = b.id \
                      JOIN person w ON w.id = r.officer WHERE w.login = 'officer' AND b.state = 'draft' LIMIT 1")?;
    let to_visit = id("SELECT r.household FROM roster r JOIN batch b ON b.id = r.batch \
                       JOIN person w ON w.id = r.officer WHERE w.login = 'officer' AND b.state = 'draft' \
                       ORDER BY r.position DESC LIMIT 1")?;
    let posting = id("SELECT p.id FROM posting p JOIN batch b ON b.id = p.batch \
                      WHERE b.state = 'in_publicity' ORDER BY p.at DESC LIMIT 1")?;
    let receipt = id("SELECT id FROM redemption ORDER BY id DESC LIMIT 1")?;
    let pages = vec![
        ("office", "/".to_owned()),
        ("village", "/".to_owned()),
        ("officer", "/".to_owned()),
        ("office", "/households".to_owned()),
        ("office", "/households?q=%E7%8E%8B".to_owned()),
        ("office", "/households?page=1500".to_owned()),
        ("office", format!("/households/{household}")),
        ("office", format!("/households/{household}/explain")),
        ("office", "/batches".to_owned()),
        ("village", format!("/batches/{reviewed}")),
        ("village", format!("/batches/{reviewed}/review")),
        ("officer", "/score".to_owned()),
        ("officer", format!("/score/{visited}/{to_visit}")),
        ("office", "/rounds".to_owned()),
        ("office", "/scheme".to_owned()),
        ("office", "/objections".to_owned()),
        ("office", "/p".to_owned()),
        ("office", format!("/p/{posting}")),
        ("office", "/goods".to_owned()),
        ("office", "/donations".to_owned()),
        ("office", "/market-days".to_owned()),
        ("keeper", "/counter".to_owned()),
        ("keeper", format!("/receipts/{receipt}")),
        ("office", "/import".to_owned()),
        ("admin", "/people".to_owned()),
    ];
    Ok(Cast {
        office: session("office")?,
        village: session("village")?,
        keeper: session("store")?,
        officer: session("officer")?,
        admin: session("admin")?,
        pages,
    })
}

fn one(app: &App, sql: &'static str, arg: &'static str) -> anyhow::Result<Id> {
    app.read::<_, Never>(Reach::System, move |tx| {
        let args = if arg.is_empty() { vec![] } else { args![arg].to_vec() };
        Ok(tx.one(sql, &args, |r| r.id(0))?)
    })
    .wait()
    .map_err(|e| anyhow::anyhow!("the large zone lacks what is measured: {e:?}"))
}
