//! What the second wall costs: the pages of a village's officer over the same rows, once within the
//! officer's reach and once without the wall, in turns. On SQLite that is with everything within reach;
//! on PostgreSQL it is as the database's superuser, whom no policy binds: the measuring must be his.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::scoring::{BatchFilter, Show};
use app::{App, Failure, Never, Reach, Tx, Who};
use domain::Id;
use store::args;

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use super::{OWN_SIZE, client};

/// Of each page, that many more before it is timed.
const WARM: usize = 20;
const RUNS: usize = 200;
const LINES: i64 = 50;

/// What a page reads.
type Reads = Arc<dyn Fn(&mut Tx, &Who) -> Result<(), Failure<Never>> + Send + Sync>;

/// Villages as large as they are: a tenth of a page is asked of pages that people see.
pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.played("own", OWN_SIZE, 2)?;
    let app = zone.open()?;
    let person = find(&app, "SELECT id FROM person WHERE login = 'village'")?;
    let who = ask(&app, Reach::System, move |tx| {
        app::access::as_person::<Never>(tx, person, web::now())
    })?;
    // Connections of their own: a statement is planned anew when its role changes.
    let past_policies = !ground.is_sqlite();
    let bare = if past_policies { zone.open()? } else { app.clone() };
    let cookie = client::session(&app, person)?;
    let pages = pages(&app)?;
    let server = Child::serve(&zone, &[])?;
    let agent = client::agent();
    let mut rows = Vec::new();
    for (path, of) in pages {
        let url = format!("http://{}{path}", server.at);
        let (mut page, mut walled, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..WARM + RUNS {
            if run == WARM {
                [&mut page, &mut walled, &mut open].into_iter().for_each(Vec::clear);
            }
            page.push(ms(client::get(&agent, &url, &cookie)?.0));
            open.push(ms(read(&bare, Reach::System, past_policies, &who, &of)?));
            walled.push(ms(read(&app, who.reach(), false, &who, &of)?));
        }
        let name = super::pages::short(&path);
        let told = |what: &str| format!("wall {name}{what}");
        // The page as it is against the page as it would be.
        let ratio = median(&page) / (median(&page) - median(&walled) + median(&open));
        rows.push(Row::of(&told(" reads, open"), open, "ms", None));
        rows.push(Row::of(&told(" reads, walled"), walled, "ms", None));
        rows.push(Row::one(&told(""), ratio, "x", Some(Promise::AtMost(1.1))));
    }
    server.stop()?;
    Ok(rows)
}

fn pages(app: &App) -> anyhow::Result<Vec<(String, Reads)>> {
    const BATCHES: &str = "SELECT b.id FROM batch b JOIN post p ON p.area = b.village \
                           JOIN person w ON w.id = p.person WHERE w.login = 'village'";
    let reviewed = find(app, &format!("{BATCHES} AND b.state = 'scored'"))?;
    let credited = find(app, &format!("{BATCHES} AND b.state = 'credited'"))?;
    let sql = format!("SELECT household FROM roster WHERE batch IN ({BATCHES}) LIMIT 1");
    let household = find(app, &sql)?;
    let (filter, order) = (store::registry::Filter::default(), store::registry::Order::default());
    let named = store::registry::Filter { search: "\u{738b}".to_owned(), ..filter.clone() };
    let listed = move |filter: store::registry::Filter| {
        reads(move |tx, who| {
            let page = app::registry::list(tx, who, &filter, order, 0, LINES)?;
            Ok((page, app::registry::places(tx, who)?))
        })
    };
    let batch = |id: Id| {
        reads(move |tx, who| {
            let page = app::scoring::batch(tx, who, id).map_err(never)?;
            Ok((page, app::posting::of_batch(tx, who, id)?))
        })
    };
    let batches = |tx: &mut Tx, who: &Who| {
        let by = BatchFilter::default();
        app::scoring::batches(tx, who, &by, 0, LINES).map_err(never)
    };
    let review = move |tx: &mut Tx, who: &Who| {
        let lines = LINES as usize;
        app::scoring::review(tx, who, reviewed, Show::default(), 0, lines).map_err(never)
    };
    let objections = |tx: &mut Tx, who: &Who| {
        let all = store::posting::ObjectionFilter::default();
        app::posting::objections(tx, who, &all, 0, LINES)
    };
    let card = move |tx: &mut Tx, who: &Who| app::reports::household(tx, who, household);
    let explain =
        move |tx: &mut Tx, who: &Who| app::redemption::explain(tx, who, household, None, LINES);
    Ok(vec![
        ("/".to_owned(), reads(app::reports::today)),
        ("/households".to_owned(), listed(filter)),
        ("/households?q=%E7%8E%8B".to_owned(), listed(named)),
        (format!("/households/{household}"), reads(card)),
        (format!("/households/{household}/explain"), reads(explain)),
        ("/batches".to_owned(), reads(batches)),
        (format!("/batches/{reviewed}"), batch(reviewed)),
        (format!("/batches/{credited}"), batch(credited)),
        (format!("/batches/{reviewed}/review"), reads(review)),
        ("/objections".to_owned(), reads(objections)),
    ])
}

fn reads<T>(
    page: impl Fn(&mut Tx, &Who) -> Result<T, Failure<Never>> + Send + Sync + 'static,
) -> Reads {
    Arc::new(move |tx, who| page(tx, who).map(drop))
}

/// A page refuses nothing.
fn never<R>(failure: Failure<R>) -> Failure<Never> {
    match failure {
        Failure::Broken(broken) => Failure::Broken(broken),
        _ => Failure::NotFound,
    }
}

fn read(
    app: &App,
    reach: Reach,
    past_policies: bool,
    who: &Who,
    reads: &Reads,
) -> anyhow::Result<Duration> {
    let (who, reads) = (who.clone(), reads.clone());
    ask(app, reach, move |tx| {
        if past_policies {
            tx.exec("SET LOCAL ROLE NONE", &args![])?;
            // Whom the policies bind all the same gets an error now, not a figure.
            tx.exec("SET LOCAL row_security TO off", &args![])?;
        }
        let begun = Instant::now();
        reads(tx, &who)?;
        Ok(begun.elapsed())
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(times: &[f64]) -> f64 {
    Row::of("", times.to_vec(), "ms", None).median
}

fn find(app: &App, sql: &str) -> anyhow::Result<Id> {
    let sql = sql.to_owned();
    ask(app, Reach::System, move |tx| Ok(tx.one(&sql, &args![], |r| r.id(0))?))
}

fn ask<T: Send + 'static>(
    app: &App,
    reach: Reach,
    work: impl FnMut(&mut Tx) -> Result<T, Failure<Never>> + Send + 'static,
) -> anyhow::Result<T> {
    let failed = |e| anyhow::anyhow!("the zone lacks what is measured: {e:?}");
    app.read(reach, work).wait().map_err(failed)
}
