//! A month of any size, for the suite `close`: a zone filled in bulk up to the last sheet, and then
//! closed as villages close theirs, one use case after another. It runs in a process of its own,
//! so that its memory is its own.

use std::collections::BTreeMap;
use std::time::Instant;

use app::{App, Failure, Never, Reach, Who};
use domain::access::Role;
use domain::calendar::Month;
use domain::registry::{Area, AreaKind, Household};
use domain::scheme::Scheme;
use domain::scoring::{Mark, Scorer, Scores};
use domain::{Date, Id, Millis};
use seal::Cipher;
use store::access::{NewPost, without_login};
use store::args;
use store::registry::Assignment;
use store::scoring::{Batch, BatchFilter, Sheet};

use crate::zone::Zone;

/// Households of a village, villages of a township, households of a cadre.
const VILLAGE: usize = 250;
const TOWNSHIP: usize = 20;
const CADRE: usize = 50;
/// Villages written in one transaction.
const AT_ONCE: usize = 20;
/// Closed before the clock starts, as in a server that has been running.
const WARM: usize = 1;
const HOUR: Millis = 3_600_000;

/// A zone whose month is open, with nobody visited yet.
pub fn open_zone(zone: &Zone, villages: usize) -> anyhow::Result<App> {
    let app = zone.open_or_make(Cipher::Aes256GcmSiv)?;
    let month = Month::of(domain::local_date(web::now())).previous();
    let people = fill(&app, villages, month)?;
    open(&app, &people, month)?;
    know_the_tables(&app)?;
    Ok(app)
}

/// The marks of a household whose every item is at its best, as a sheet has them.
pub fn best_marks(scheme: &Scheme, able: bool) -> String {
    marks(scheme, able, 0)
}

/// Fills the zone, closes its month and prints how long each step took.
pub fn play(zone: &Zone, households: usize) -> anyhow::Result<()> {
    let app = zone.open_or_make(Cipher::Aes256GcmSiv)?;
    let begun = Instant::now();
    let month = Month::of(domain::local_date(web::now())).previous();
    let people = fill(&app, households / VILLAGE + WARM, month)?;
    let filled = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let batches = open(&app, &people, month)?;
    let opened = begun.elapsed().as_secs_f64();
    let opened_rss_bytes = crate::demo::peak_rss_bytes();
    score(&app, &batches, month)?;
    app.seal(web::now())?;
    know_the_tables(&app)?;
    // What the filling has left to be brought into place is not the month's.
    drop(app);
    let app = zone.open()?;
    forget_the_peak();
    let mut steps = Steps::default();
    for (n, batch) in batches.iter().enumerate() {
        if n == WARM {
            steps.seconds.clear();
        }
        // Each ten seconds after the one before.
        steps.close(&app, &people, batch, month, n as Millis * 10_000)?;
    }
    // What the month itself has left is.
    steps.time("bring into place", || {
        drop(app);
        Ok(())
    })?;
    let said = serde_json::json!({
        "households": households,
        "filled": filled,
        "opened": opened,
        "opened_rss_bytes": opened_rss_bytes,
        "seconds": steps.seconds,
        "peak_rss_bytes": crate::demo::peak_rss_bytes(),
    });
    println!("{said}");
    Ok(())
}

/// The memory of what comes now, not of the filling. Linux; elsewhere there is no peak at all.
fn forget_the_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Whose work the month is.
struct People {
    office: Who,
    committee: Who,
    reviewer: Who,
}

fn moment(day: Date, hour: i64) -> Millis {
    domain::midnight(day) + hour * HOUR
}

fn day(month: Month, n: i64) -> Date {
    month.first().saturating_add(jiff::Span::new().days(n - 1))
}

fn at(who: &Who, now: Millis) -> Who {
    Who { now, ..who.clone() }
}

fn key(now: Millis) -> Id {
    domain::id::new(now, web::random())
}

fn must<T, R: std::fmt::Debug>(done: Result<T, Failure<R>>) -> anyhow::Result<T> {
    done.map_err(|e| anyhow::anyhow!("the month met a refusal: {e:?}"))
}

fn write<T: Send + 'static, R: std::fmt::Debug + Send + 'static>(
    app: &App,
    who: &Who,
    work: impl Fn(&mut app::Tx, &Who) -> Result<T, Failure<R>> + Send + 'static,
) -> anyhow::Result<T> {
    let by = who.clone();
    must(app.write(who.reach(), move |tx| work(tx, &by)).wait())
}

// The zone ------------------------------------------------------------------------------------------

/// Areas, people, their posts, the register, the scheme.
fn fill(app: &App, villages: usize, month: Month) -> anyhow::Result<People> {
    let then = moment(month.first(), 0) - 400 * 24 * HOUR;
    let root = Area {
        id: key(then),
        parent: None,
        path: "001".to_owned(),
        kind: AreaKind::Zone,
        name: "Z".to_owned(),
        statutory_code: None,
    };
    let (zone, id) = (root.clone(), root.id);
    must::<_, Never>(
        app.write(Reach::System, move |tx| {
            Ok(store::registry::record_areas(tx, std::slice::from_ref(&zone))?)
        })
        .wait(),
    )?;
    for n in 0..villages.div_ceil(TOWNSHIP) {
        township(app, &root, n, villages.min((n + 1) * TOWNSHIP), then)?;
    }
    let post = |role| appoint(app, id, role, then);
    let people = People {
        office: post(Role::ZoneOfficer)?,
        committee: post(Role::VillageCommittee)?,
        reviewer: post(Role::TownshipReviewer)?,
    };
    adopt(app, &people.office, month)?;
    Ok(people)
}

fn appoint(app: &App, area: Id, role: Role, then: Millis) -> anyhow::Result<Who> {
    must::<_, Never>(
        app.write(Reach::System, move |tx| {
            let person = domain::id::derive(area, role.code(), 0);
            let from = domain::local_date(then);
            store::access::record_person(tx, &without_login(person, "P", None, None, then))?;
            let id = domain::id::derive(person, "post", 0);
            let area = Some(area);
            let post = NewPost { id, person, role, area, place: None, from, to: None };
            store::access::record_post(tx, &post)?;
            app::access::as_person(tx, person, then)
        })
        .wait(),
    )
}

fn adopt(app: &App, office: &Who, month: Month) -> anyhow::Result<()> {
    let before = month.first().yesterday()?;
    let request = app::scheme::Adopt {
        key: key(moment(before, 10)),
        scheme: app::scheme::shipped_id(),
        adoption: domain::scheme::Adoption {
            from_month: month,
            resolved_on: before,
            number: "1".to_owned(),
            text: "R".to_owned(),
        },
    };
    let office = at(office, moment(before, 10));
    write(app, &office, move |tx, who| app::scheme::adopt(tx, who, &request))?;
    Ok(())
}

/// One township with its villages, as many as there still are.
fn township(app: &App, root: &Area, n: usize, last: usize, then: Millis) -> anyhow::Result<()> {
    let root = root.clone();
    let done = app.write::<_, Never>(Reach::System, move |tx| {
        let township = Area {
            id: domain::id::derive(root.id, "township", n as u64),
            parent: Some(root.id),
            path: format!("001.{:03}", n + 1),
            kind: AreaKind::Township,
            name: format!("T{n}"),
            statutory_code: None,
        };
        store::registry::record_areas(tx, std::slice::from_ref(&township))?;
        for village in n * TOWNSHIP..last {
            let area = Area {
                id: domain::id::derive(root.id, "village", village as u64),
                parent: Some(township.id),
                path: format!("{}.{:03}", township.path, village - n * TOWNSHIP + 1),
                kind: AreaKind::Village,
                name: format!("V{village}"),
                statutory_code: None,
            };
            store::registry::record_areas(tx, std::slice::from_ref(&area))?;
            register(tx, &area, (root.id, village), then)?;
        }
        Ok(())
    });
    must(done.wait())
}

/// A village's households, the officer who scores them and the cadres.
fn register(
    tx: &mut app::Tx,
    area: &Area,
    (imported, village): (Id, usize),
    then: Millis,
) -> Result<(), store::Broken> {
    let from = domain::local_date(then);
    let person = |n: usize| domain::id::derive(area.id, "person", n as u64);
    for n in 0..=VILLAGE.div_ceil(CADRE) {
        store::access::record_person(tx, &without_login(person(n), "P", None, None, then))?;
        let (role, of) = match n {
            0 => (Role::AssistanceOfficer, Some(area.id)),
            _ => (Role::AssignedCadre, None),
        };
        let id = domain::id::derive(person(n), "post", 0);
        let post = NewPost { id, person: person(n), role, area: of, place: None, from, to: None };
        store::access::record_post(tx, &post)?;
    }
    let id = |n: usize| {
        let number = u32::try_from(village * VILLAGE + n).unwrap_or(u32::MAX);
        domain::id::derive_in_order(imported, "register", number)
    };
    let households: Vec<Household> = (0..VILLAGE)
        .map(|n| Household {
            number: format!("{:012}", village * VILLAGE + n),
            village: area.id,
            path: area.path.clone(),
            hamlet: None,
            // Letters of a few hundred family names, as a real list has them.
            head_name: format!("{}XX", letter(village * VILLAGE + n)),
            head: None,
            size: 2,
            graduation: None,
            graduated_year: None,
            poverty_cause: None,
            able_to_work: n % 4 > 0,
            housing_grade: None,
            water_safe: None,
            income_fen: None,
            phone: None,
            bank_name: None,
            bank_account: None,
            active: true,
        })
        .collect();
    let rows = households.iter().enumerate().map(|(n, h)| (id(n), h, h.number.clone()));
    store::registry::record_households(tx, rows, then)?;
    let assigned = (0..VILLAGE).map(|n| Assignment {
        id: domain::id::derive(area.id, "assignment", n as u64),
        household: id(n),
        person: person(1 + n / CADRE),
    });
    store::registry::record_assignments(tx, assigned, from)?;
    Ok(())
}

fn letter(n: usize) -> char {
    u32::try_from(0x4e00 + n % 600).ok().and_then(char::from_u32).unwrap_or('A')
}

// The month up to its last sheet ------------------------------------------------------------------------

fn open(app: &App, people: &People, month: Month) -> anyhow::Result<Vec<Batch>> {
    let office = at(&people.office, moment(month.first(), 8));
    let scope = office.scope(domain::access::Permission::ReadHouseholds);
    let request = app::calendar::OpenRound {
        key: key(office.now),
        month,
        visits_from: month.first(),
        visits_to: day(month, 16),
    };
    write(app, &office, move |tx, who| app::calendar::open_round(tx, who, &request))?;
    must::<_, Never>(
        app.read(Reach::System, move |tx| {
            let filter = BatchFilter { month: Some(month), ..BatchFilter::default() };
            Ok(store::scoring::list(tx, &scope, &filter, 0, 100_000)?.0)
        })
        .wait(),
    )
}

/// Both sheets of every household; the two scorers agree.
fn score(app: &App, batches: &[Batch], month: Month) -> anyhow::Result<()> {
    let marks = must::<_, Never>(
        app.read(Reach::System, |tx| {
            let scheme = store::scheme::load(tx, app::scheme::shipped_id())?;
            Ok([true, false].map(|able| [0, 1, 2].map(|below| marks(&scheme, able, below))))
        })
        .wait(),
    )?;
    for some in batches.chunks(AT_ONCE) {
        let (some, marks) = (some.to_vec(), marks.clone());
        let done = app.write::<_, Never>(Reach::System, move |tx| {
            for batch in &some {
                let sheets = sheets(tx, batch, &marks, month)?;
                let mut sheets: Vec<_> =
                    sheets.into_iter().map(|sheet| (sheet, batch.path.as_str())).collect();
                store::scoring::record_sheets(tx, &mut sheets)?;
            }
            Ok(())
        });
        must(done.wait())?;
    }
    Ok(())
}

fn sheets(
    tx: &mut app::Tx,
    batch: &Batch,
    marks: &[[String; 3]; 2],
    month: Month,
) -> Result<Vec<Sheet>, store::Broken> {
    let mut sheets = Vec::new();
    for (n, line) in store::scoring::lines(tx, batch.id)?.into_iter().enumerate() {
        let visited_on = day(month, 1 + n as i64 % 15);
        let at = moment(visited_on, 9) + (n as i64 % 120) * 240_000;
        let scorers =
            [(Scorer::AssistanceOfficer, line.officer), (Scorer::AssignedCadre, line.cadre)];
        for (scorer, person) in scorers {
            sheets.push(Sheet {
                id: key(at),
                batch: batch.id,
                household: line.household,
                scorer,
                person: person.unwrap_or(Id::nil()),
                visited_on: Some(visited_on),
                scores: marks[usize::from(!line.able_to_work)][n % 3].clone(),
                remark: String::new(),
                opened_at: Some(at - 180_000),
                at,
                replaces: None,
            });
        }
    }
    Ok(sheets)
}

/// Every item's best mark, and one below it for the first few.
fn marks(scheme: &Scheme, able: bool, below: usize) -> String {
    let items = scheme.items_for(able);
    let marks = items.iter().enumerate().filter_map(|(n, item)| {
        let choices = item.choices();
        let choice = choices.get(usize::from(n < below)).or(choices.first())?;
        Some((item.code.clone(), Mark::Points(choice.points)))
    });
    Scores::new(marks).to_string()
}

/// PostgreSQL looks at its tables every now and then; a month is long enough for that.
fn know_the_tables(app: &App) -> anyhow::Result<()> {
    if app.db.is_sqlite() {
        return Ok(());
    }
    let done = app.write::<_, Never>(Reach::System, |tx| {
        tx.exec("SET LOCAL ROLE NONE", &args![])?;
        Ok(tx.exec(store::backup::KNOW_THE_TABLES, &args![])?)
    });
    must(done.wait())?;
    Ok(())
}

// Closing it ----------------------------------------------------------------------------------------

#[derive(Default)]
struct Steps {
    seconds: BTreeMap<&'static str, f64>,
}

impl Steps {
    fn time<T>(
        &mut self,
        step: &'static str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let done = work()?;
        *self.seconds.entry(step).or_default() += begun.elapsed().as_secs_f64();
        Ok(done)
    }

    /// From the last sheet to the points on every account.
    fn close(
        &mut self,
        app: &App,
        people: &People,
        batch: &Batch,
        month: Month,
        after: Millis,
    ) -> anyhow::Result<()> {
        let id = batch.id;
        let who = at(&people.committee, moment(day(month, 17), 0) + after);
        let now = who.now;
        self.time("close", || {
            let r = app::scoring::CloseScoring { key: key(now), batch: id, accept_missing: false };
            write(app, &who, move |tx, who| app::scoring::close_scoring(tx, who, &r))
        })?;
        let agreed = self.time("agree", || {
            let r = app::scoring::AgreeWhereEqual { key: key(now), batch: id };
            write(app, &who, move |tx, who| app::scoring::agree_where_equal(tx, who, &r))
        })?;
        anyhow::ensure!(agreed.left == 0, "{} households of {id} were not settled", agreed.left);
        self.time("finish", || {
            let r = app::scoring::FinishReview { key: key(now), batch: id };
            write(app, &who, move |tx, who| app::scoring::finish_review(tx, who, &r))
        })?;
        let who = at(&people.committee, moment(day(month, 18), 0) + after);
        let posted = self.time("post", || {
            let (place, contact) = ("P".to_owned(), "0635-8511234".to_owned());
            let from = day(month, 18);
            let r = app::posting::Post { key: key(who.now), batch: id, place, contact, from };
            write(app, &who, move |tx, who| app::posting::post(tx, who, &r))
        })?;
        let who = at(&people.reviewer, moment(posted.to.tomorrow()?, 0) + after);
        self.time("certify", || {
            let r = app::posting::Certify { key: key(who.now), batch: id };
            write(app, &who, move |tx, who| app::posting::certify(tx, who, &r))
        })?;
        Ok(())
    }
}
