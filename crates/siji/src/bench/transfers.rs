//! Single transfers: one-off events are awarded over HTTP, each a movement of the ledger and an answer
//! once it is durable, on a disk that flushes as an office disk does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use app::{App, Never, Reach};
use domain::Id;
use store::args;

use super::load::{self, Shot};
use super::pages;
use super::process::Child;
use super::report::{Promise, Row};
use crate::zone::Zone;

const CLIENTS: usize = 32;
const RUNS: usize = 3;
/// What can be awarded is some twenty thousand.
const TIME: Duration = Duration::from_millis(1_500);

/// `flush`: how long a flush of that disk takes, s.
pub fn run(zone: &Zone, disk: &[(&str, String)], flush: f64) -> anyhow::Result<Vec<Row>> {
    let awards = Rc::new(RefCell::new(Awards::of(&zone.open()?)?));
    let server = Child::serve(zone, disk)?;
    let rates: anyhow::Result<Vec<f64>> = (0..RUNS).map(|_| once(&server, &awards)).collect();
    server.stop()?;
    let rates = rates?;
    let each = rates.iter().map(|rate| rate * flush).collect();
    let promised = Some(Promise::AtLeast(20.0));
    Ok(vec![
        Row::of("transfers/s, 32 clients, 200 flushes/s", rates, "1/s", None),
        Row::of("transfers for each flush, 200 flushes/s", each, "x", promised),
    ])
}

/// How many were made in a second.
fn once(server: &Child, awards: &Rc<RefCell<Awards>>) -> anyhow::Result<f64> {
    let next = awards.clone();
    let told = load::closed(server.at, CLIENTS, TIME, move || next.borrow_mut().next())?;
    anyhow::ensure!(
        !awards.borrow().left.is_empty(),
        "everything was awarded before the time was over"
    );
    let refused = told.iter().find(|told| told.status != 200);
    anyhow::ensure!(refused.is_none(), "an award was answered {}", refused.map_or(0, |t| t.status));
    Ok(told.len() as f64 / TIME.as_secs_f64())
}

/// What can still be awarded: to a household, for an event.
struct Awards {
    cookie: String,
    left: Vec<(Id, String)>,
}

impl Awards {
    fn of(app: &App) -> anyhow::Result<Awards> {
        let read = app.read::<_, Never>(Reach::System, |tx| {
            let scheme = store::scheme::load(tx, app::scheme::shipped_id())?;
            let households = tx.all(
                "SELECT id FROM household WHERE active AND NOT EXISTS \
                 (SELECT 1 FROM bonus b WHERE b.household = household.id) ORDER BY id",
                &args![],
                |r| r.id(0),
            )?;
            let mut left = Vec::new();
            for event in &scheme.bonus_events {
                left.extend(households.iter().map(|household| (*household, event.code.clone())));
            }
            Ok(left)
        });
        let left = read.wait().map_err(|e| anyhow::anyhow!("nobody can be awarded: {e:?}"))?;
        Ok(Awards { cookie: pages::session(app, "office")?, left })
    }

    fn next(&mut self) -> Shot<()> {
        // Once none is left, the run is said to have failed.
        let (household, event) = self.left.pop().unwrap_or_default();
        let key = domain::id::new(web::now(), web::random());
        let body = format!("{{\"key\":\"{key}\",\"event\":\"{event}\",\"document\":\"2026-1\"}}");
        let head = format!(
            "POST /households/{household}/award HTTP/1.1\r\nhost: siji.test\r\ncookie: {}\r\n\
             accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.cookie,
            body.len()
        );
        Shot { bytes: (head + &body).into_bytes(), kind: () }
    }
}
