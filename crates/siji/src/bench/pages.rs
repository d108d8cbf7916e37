//! A large zone: every page, the first answer of a started server, and the streamed export.

use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use super::{MIB, client};

/// Rounds, and how often each page is asked for in one.
const ROUNDS: usize = 3;
const ASKED: usize = 100;
const EXPORTS: usize = 3;
const STARTS: usize = 5;

/// People of the demo and records of the large zone that pages are asked for.
pub struct Cast {
    office: String,
    village: String,
    pub keeper: String,
    officer: String,
    admin: String,
    pages: Vec<(&'static str, String)>,
}

/// Who asks for sixteen pages of a working day: most people of a zone visit households or keep a
/// village's month; the office, whose pages look at the whole zone, is a few among two hundred.
const ASKERS: [&str; ASKED_OF] = [
    "officer", "officer", "officer", "officer", "officer", "officer", "officer", "village",
    "village", "village", "village", "village", "office", "office", "keeper", "admin",
];
pub const ASKED_OF: usize = 16;

impl Cast {
    /// A working day's pages, `ASKED_OF` to a turn: the cookie of whoever asks, and the path, each
    /// person's pages one after another.
    pub fn page(&self, turn: usize, n: usize) -> (&str, &str) {
        let who = ASKERS[n % ASKED_OF];
        let own: Vec<_> = self.pages.iter().filter(|(of, _)| *of == who).collect();
        let (_, path) = own[(turn + n) % own.len()];
        (self.cookie(who), path)
    }

    fn cookie(&self, who: &str) -> &str {
        match who {
            "office" => &self.office,
            "village" => &self.village,
            "keeper" => &self.keeper,
            "officer" => &self.officer,
            _ => &self.admin,
        }
    }
}

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.large()?;
    let cast = cast(&zone.open()?)?;
    let server = Child::serve(&zone, &[])?;
    let (agent, mut rows) = (client::agent(), Vec::new());
    for (who, path) in &cast.pages {
        let cookie = cast.cookie(who);
        let url = format!("http://{}{path}", server.at);
        let mut p99 = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let mut times = Vec::with_capacity(ASKED);
            for _ in 0..ASKED {
                times.push(client::get(&agent, &url, cookie)?.0);
            }
            p99.push(client::percentile(times, 99));
        }
        let name = format!("pages p99 {who} {}", short(path));
        let promised = Some(Promise::AtMost(100.0));
        rows.push(Row::of(&name, p99, "ms", promised).with_rss(server.peak_rss_bytes()));
    }
    server.stop()?;
    Ok(rows)
}

/// The whole register as a workbook.
pub fn export(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.large()?;
    let app = zone.open()?;
    let office = session(&app, "office")?;
    let server = Child::serve(&zone, &[])?;
    let url = format!("http://{}/households/export", server.at);
    let (agent, mut seconds, mut bytes) = (client::agent(), Vec::new(), 0);
    for _ in 0..EXPORTS {
        let key = domain::id::new(web::now(), web::random());
        let form = format!("key={key}&kind=xlsx&why=bench");
        let (took, size) = client::post(&agent, &url, &office, &form)?;
        seconds.push(took.as_secs_f64());
        bytes = size;
    }
    let rss = server.peak_rss_bytes();
    server.stop()?;
    let promised = Some(Promise::AtMost(256.0));
    Ok(vec![
        Row::of("export .xlsx", seconds, "s", None).with_rss(rss),
        Row::one("export size", bytes as f64 / MIB, "MiB", None),
        Row::one("export memory", rss as f64 / MIB, "MiB", promised),
    ])
}

/// An id in a path is no name.
pub fn short(path: &str) -> String {
    let part = |part| if str::len(part) == 36 { "{id}" } else { part };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// From the start of the process to its first answer.
pub fn start(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.large()?;
    let (mut times, mut rss) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let server = Child::serve(&zone, &[])?;
        times.push(server.started.as_secs_f64() * 1000.0);
        rss = rss.max(server.peak_rss_bytes());
        server.stop()?;
    }
    let promised = Some(Promise::AtMost(300.0));
    Ok(vec![Row::of("start to first answer", times, "ms", promised).with_rss(rss)])
}

pub fn session(app: &App, login: &'static str) -> anyhow::Result<String> {
    client::session(app, one(app, "SELECT id FROM person WHERE login = $1", login)?)
}

pub fn cast(app: &App) -> anyhow::Result<Cast> {
    let session = |login| session(app, login);
    let id = |sql: &'static str| one(app, sql, "");
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
