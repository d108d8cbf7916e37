//! The counter on a busy day: goods handed over while five hundred requests come in every second,
//! four of five of them pages. They come when they come: one that has to wait for those before it
//! counts from the moment it was due.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::client::{self, Phone};
use super::ground::Ground;
use super::pages::{ASKED_OF, Cast, cast};
use super::process::Child;
use super::report::{Promise, Row};
use super::sheets::{Visit, writers};

const PER_SECOND: usize = 500;
const CLIENTS: usize = 48;
const WARM: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(8);
const RUNS: usize = 3;
/// Of twenty requests: one at the counter, three sheets, sixteen pages.
const TURN: usize = 1 + SHEETS + ASKED_OF;
const SHEETS: usize = 3;

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = ground.large()?;
    let app = zone.open()?;
    let day = Day::of(&app, cast(&app)?)?;
    let server = Child::serve(&zone, &[])?;
    let (mut halves, mut p99s, mut all, mut rates) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for n in 0..RUNS {
        let (counter, whole, in_time) = busy(server.at, &day, n)?;
        rates.push(in_time / RUN.as_secs_f64());
        halves.push(client::percentile(counter.clone(), 50));
        p99s.push(client::percentile(counter, 99));
        all.push(client::percentile(whole, 99));
    }
    let rss = server.peak_rss_bytes();
    server.stop()?;
    let most = Some(Promise::AtMost(150.0));
    Ok(vec![
        Row::of("redeem p50, among 500 requests/s", halves, "ms", None).with_rss(rss),
        Row::of("redeem p99, among 500 requests/s", p99s, "ms", most),
        Row::of("redeem: all requests, p99", all, "ms", most),
        // A hundredth may fall on the edge of the run.
        Row::of("redeem: answered", rates, "1/s", Some(Promise::AtLeast(0.99 * PER_SECOND as f64))),
    ])
}

/// What is asked on this day, and by whom.
struct Day {
    cast: Cast,
    writers: Vec<(String, Vec<Visit>)>,
    market_day: Id,
    /// Households that can pay for the good beside them, each asked once.
    customers: Vec<(Id, Id)>,
}

impl Day {
    fn of(app: &App, cast: Cast) -> anyhow::Result<Day> {
        let market_day = market_day(app)?;
        let needed = RUNS * (WARM + RUN).as_secs() as usize * PER_SECOND / TURN + RUNS * TURN;
        let customers = customers(app, needed)?;
        Ok(Day { cast, writers: writers(app, CLIENTS)?, market_day, customers })
    }
}

/// How long the counter's requests took, and all of them, of those due within the run; and how many
/// were answered before its end.
fn busy(
    at: SocketAddr,
    day: &Day,
    run: usize,
) -> anyhow::Result<(Vec<Duration>, Vec<Duration>, f64)> {
    let (next, begun) = (&AtomicUsize::new(0), Instant::now());
    let mut times = Vec::new();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| scope.spawn(move || ask((n, run), at, day, next, begun)))
            .collect();
        for client in clients {
            times.extend(client.join().map_err(|_| anyhow::anyhow!("a client broke"))??);
        }
        Ok(())
    })?;
    let counter = times.iter().filter(|(n, _)| n % TURN == 0).map(|(_, took)| *took).collect();
    let is_in_time = |(n, took): &&(usize, Duration)| due(*n) + *took <= WARM + RUN;
    let in_time = times.iter().filter(is_in_time).count() as f64;
    Ok((counter, times.iter().map(|(_, took)| *took).collect(), in_time))
}

/// When the `n`th request comes.
fn due(n: usize) -> Duration {
    Duration::from_secs_f64(n as f64 / PER_SECOND as f64)
}

fn ask(
    (client, run): (usize, usize),
    at: SocketAddr,
    day: &Day,
    next: &AtomicUsize,
    begun: Instant,
) -> anyhow::Result<Vec<(usize, Duration)>> {
    let (phone, agent, mut times) = (Phone::new(client), client::agent(), Vec::new());
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let due = due(n);
        if due >= WARM + RUN {
            return Ok(times);
        }
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let turn = n / TURN;
        match n % TURN {
            0 => {
                let each = (WARM + RUN).as_secs() as usize * PER_SECOND / TURN;
                let (household, good) =
                    day.customers.get(run * each + turn).context("no customer is left")?;
                let fields = format!(
                    "\"day\":\"{}\",\"household\":\"{household}\",\"goods-{good}\":\"1\"",
                    day.market_day
                );
                phone.send(&format!("http://{at}/counter"), &day.cast.keeper, &fields)?;
            }
            of if of <= SHEETS => {
                let (cookie, visits) =
                    day.writers.get(n % day.writers.len()).context("nobody scores")?;
                let visit = visits.get(turn % visits.len()).context("nobody is scored")?;
                let url = format!("http://{at}/score/{}/{}", visit.batch, visit.household);
                phone.send(&url, cookie, &visit.fields)?;
            }
            of => {
                let (who, path) = day.cast.page(turn, of - SHEETS - 1);
                client::get(&agent, &format!("http://{at}{path}"), who)?;
            }
        }
        if due >= WARM {
            times.push((n, begun.elapsed().saturating_sub(due)));
        }
    }
}

/// Today's market day of the demo's store; announced where there is none.
fn market_day(app: &App) -> anyhow::Result<Id> {
    let (now, key) = (web::now(), domain::id::new(web::now(), web::random()));
    let done = app.write::<_, Never>(Reach::System, move |tx| {
        let keeper = "SELECT person, place FROM post WHERE role = 'store_keeper' LIMIT 1";
        let (person, place) = tx.one(keeper, &args![], |r| Ok((r.id(0)?, r.id(1)?)))?;
        let who = app::access::as_person::<Never>(tx, person, now)?;
        let known = "SELECT id FROM market_day WHERE place = $1 AND on_date = $2 LIMIT 1";
        if let Some(day) = tx.opt(known, &args![place, who.today()], |r| r.id(0))? {
            return Ok(Some(day));
        }
        let village = "SELECT id FROM area WHERE kind = 'village' ORDER BY path LIMIT 1";
        let village = tx.one(village, &args![], |r| r.id(0))?;
        let spot = "S".to_owned();
        let request = app::goods::Announce { key, place, village, on_date: who.today(), spot };
        Ok(app::goods::announce(tx, &who, &request).is_ok().then_some(key))
    });
    let day = done.wait().map_err(|e| anyhow::anyhow!("no market day: {e:?}"))?;
    day.context("the market day was refused")
}

/// Households with points, and for each a good that is there and that it has not had this month.
fn customers(app: &App, needed: usize) -> anyhow::Result<Vec<(Id, Id)>> {
    let month = domain::local_date(web::now()).first_of_month();
    let found = app.read::<_, Never>(Reach::System, move |tx| {
        let goods = tx.all(
            "SELECT l.goods, g.points, CAST(SUM(a.debits_posted + a.credits_posted) AS BIGINT) \
             FROM account a JOIN lot l ON l.id = a.owner JOIN goods g ON g.goods = l.goods AND g.current \
             JOIN place p ON p.id = a.place AND p.kind = 'store' \
             WHERE a.kind = 'stock' AND g.active GROUP BY l.goods, g.points ORDER BY g.points, l.goods",
            &args![],
            |r| Ok((r.id(0)?, r.int(1)?)),
        )?;
        let Some((_, dear)) = goods.get(goods.len().min(GOODS) - 1) else { return Ok(Vec::new()) };
        let households = tx.all(
            "SELECT a.owner FROM account a JOIN household h ON h.id = a.owner AND h.active \
             WHERE a.kind = 'household' AND a.credits_posted - a.debits_posted >= $1 \
             AND NOT EXISTS (SELECT 1 FROM redemption r WHERE r.household = a.owner \
              AND r.on_date >= $2) LIMIT $3",
            &args![*dear, month, needed as i64],
            |r| r.id(0),
        )?;
        let goods = goods.into_iter().take(GOODS).map(|(good, _)| good).cycle();
        Ok(households.into_iter().zip(goods).collect::<Vec<_>>())
    });
    let found = found.wait().map_err(|e| anyhow::anyhow!("nobody can redeem: {e:?}"))?;
    anyhow::ensure!(found.len() >= needed, "only {} households can redeem", found.len());
    Ok(found)
}

/// The cheapest few goods.
const GOODS: usize = 6;
