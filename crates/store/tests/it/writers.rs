//! Many who want the same row of PostgreSQL: each is done, after few tries, and none undoes another.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use app::{Failure, Never, Reach};
use store::{Broken, Tx, args};
use testkit::Stage;

const WRITERS: usize = 32;
const EACH: usize = 10;

fn stage() -> Stage {
    let stage = Stage::postgres();
    let row = "INSERT INTO holiday_year (year, source, days, digest) VALUES (1900, '0', '[]', $1)";
    stage.write::<_, Never>(move |tx| Ok(tx.exec(row, &args![vec![1u8]])?)).expect("a row");
    stage
}

fn count(stage: &Stage) -> i64 {
    let read = stage.read::<_, Never>(|tx| Ok(read(tx)?));
    read.expect("the row")
}

fn read(tx: &mut Tx) -> Result<i64, Broken> {
    let sql = "SELECT source FROM holiday_year WHERE year = 1900";
    tx.one(sql, &args![], |r| Ok(r.text(0)?.parse().unwrap_or(-1)))
}

fn add(tx: &mut Tx) -> Result<(), Broken> {
    let n = read(tx)? + 1;
    let sql = "UPDATE holiday_year SET source = $1 WHERE year = 1900";
    tx.exec(sql, &args![n.to_string()])?;
    Ok(())
}

/// Everybody at once, one job after another; how often each job was run, and what came of it.
fn crowd(
    stage: &Stage,
    work: impl Fn(usize, u32, &mut Tx) -> Result<(), Failure<Never>> + Copy + Send + 'static,
) -> Vec<(usize, u32, bool)> {
    let begin = Arc::new(Barrier::new(WRITERS));
    let threads: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (app, begin) = (stage.app.clone(), begin.clone());
            std::thread::spawn(move || {
                begin.wait();
                let jobs = (0..EACH).map(|n| {
                    let (job, runs) = (writer * EACH + n, Arc::new(AtomicU32::new(0)));
                    let counted = runs.clone();
                    let done = app.write(Reach::Public, move |tx| {
                        work(job, counted.fetch_add(1, Ordering::Relaxed), tx)
                    });
                    let is_done = done.wait().is_ok();
                    (job, runs.load(Ordering::Relaxed), is_done)
                });
                jobs.collect::<Vec<_>>()
            })
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().expect("a writer")).collect()
}

#[test]
fn all_who_want_the_same_row_get_it_after_few_tries() {
    let stage = stage();
    let before = stage.app.db.figures();
    let told = crowd(&stage, |_, _, tx| Ok(add(tx)?));
    let jobs = WRITERS * EACH;
    assert!(told.iter().all(|(_, _, is_done)| *is_done));
    assert_eq!(count(&stage), jobs as i64);
    // Three times side by side, once alone, and once more beside one that began long before.
    let most = told.iter().map(|(_, runs, _)| *runs).max();
    assert!(most <= Some(5), "a job was run {most:?} times");
    let runs: u32 = told.iter().map(|(_, runs, _)| *runs).sum();
    assert!(runs as usize <= jobs * 3 / 2, "{runs} runs for {jobs} jobs");
    let after = stage.app.db.figures();
    let (commits, committed) = (after.commits - before.commits, after.committed - before.committed);
    assert_eq!(committed as usize, jobs);
    assert!(commits < committed / 2, "{commits} commits for {committed} jobs");
}

#[test]
fn one_that_fails_among_many_undoes_itself_alone() {
    let stage = stage();
    let told = crowd(&stage, |job, _, tx| {
        add(tx)?;
        match job % 7 {
            // A refusal, a key that stands already, a statement that cannot be, a panic.
            0 => Err(Failure::NotFound),
            1 => {
                let row = "INSERT INTO holiday_year (year, source, days, digest) \
                           VALUES (1900, 'again', '[]', $1)";
                tx.exec(row, &args![vec![1u8]])?;
                Ok(())
            }
            2 => Ok(tx.exec("SELECT 1 / (year - 1900) FROM holiday_year", &args![]).map(drop)?),
            3 => panic!("planted"),
            _ => Ok(()),
        }
    });
    let good = told.iter().filter(|(job, ..)| job % 7 > 3).count();
    for (job, _, is_done) in &told {
        assert_eq!(*is_done, job % 7 > 3, "job {job}");
    }
    assert_eq!(count(&stage), good as i64);
}

/// One that hides what the database said of it has spoilt its transaction: neither it nor those that
/// share it may be told that they are done when they are not.
#[test]
fn one_that_hides_an_error_takes_nobody_along() {
    let stage = stage();
    let told = crowd(&stage, |job, _, tx| {
        add(tx)?;
        if job % 9 == 0 {
            let _ = tx.exec("SELECT 1 / (year - 1900) FROM holiday_year", &args![]);
        }
        Ok(())
    });
    let good = told.iter().filter(|(job, ..)| job % 9 != 0).count();
    for (job, _, is_done) in &told {
        assert_eq!(*is_done, job % 9 != 0, "job {job}");
    }
    assert_eq!(count(&stage), good as i64);
}

#[test]
fn a_connection_that_goes_in_the_midst_of_many_loses_and_doubles_nothing() {
    let stage = stage();
    let told = crowd(&stage, |job, runs, tx| {
        add(tx)?;
        if job % 40 == 0 && runs < 2 {
            tx.exec("SET LOCAL ROLE NONE", &args![])?;
            tx.exec("SELECT pg_terminate_backend(pg_backend_pid())", &args![])?;
        }
        Ok(())
    });
    assert!(told.iter().all(|(_, _, is_done)| *is_done), "{told:?}");
    assert_eq!(count(&stage), told.len() as i64);
}
