//! What every statement may rely on, on either engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use app::{Failure, Never, Reach};
use domain::Refusal;
use store::{Broken, Type, Val, args};
use testkit::Stage;

#[derive(Debug)]
struct No;
impl Refusal for No {
    fn code(&self) -> &'static str {
        "no"
    }
}

/// Each story starts without the holiday years that a new zone comes with.
fn on_both(story: impl Fn(&Stage)) {
    testkit::on_both(|stage| {
        stage.write::<_, Never>(|tx| Ok(tx.exec("DELETE FROM holiday_year", &args![])?)).unwrap();
        story(stage);
    });
}

fn holidays(stage: &Stage) -> Vec<(i64, String)> {
    stage
        .read::<_, Never>(|tx| {
            Ok(tx.all("SELECT year, source FROM holiday_year ORDER BY year", &args![], |r| {
                Ok((r.int(0)?, r.text(1)?))
            })?)
        })
        .unwrap()
}

const ADD: &str = "INSERT INTO holiday_year (year, source, days, digest) VALUES ($2, $1, '[]', $3)";

#[test]
fn parameters_bind_by_number() {
    on_both(|stage| {
        stage.write::<_, Never>(|tx| Ok(tx.exec(ADD, &args!["here", 2031, vec![1u8]])?)).unwrap();
        assert_eq!(holidays(stage), [(2031, "here".to_owned())], "{}", stage.engine);
    });
}

#[test]
fn a_refusal_undoes_its_own_work_and_no_other() {
    on_both(|stage| {
        let answers: Vec<_> = (0..40i64)
            .map(|year| {
                stage.app.write(Reach::System, move |tx| {
                    tx.exec(ADD, &args!["x", year, vec![1u8]])?;
                    if year % 2 == 0 { Ok(()) } else { Err(Failure::Refused(No)) }
                })
            })
            .collect();
        for (year, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.wait().is_ok(), year % 2 == 0);
        }
        let years: Vec<i64> = holidays(stage).into_iter().map(|h| h.0).collect();
        assert_eq!(years, (0..40).step_by(2).collect::<Vec<_>>(), "{}", stage.engine);
    });
}

/// Whoever writes waits until the answer is dropped; what comes meanwhile stands in the queue.
fn stop_the_writers(stage: &Stage) -> Vec<std::sync::mpsc::Sender<()>> {
    let writers = stage.options.writers;
    let (begin, begun) = std::sync::mpsc::channel();
    let stopped = (0..writers)
        .map(|_| {
            let (go_on, stopped) = std::sync::mpsc::channel::<()>();
            let (app, begin) = (stage.app.clone(), begin.clone());
            std::thread::spawn(move || {
                let held = app.write::<_, Never>(Reach::System, move |_| {
                    let _ = begin.send(());
                    let _ = stopped.recv();
                    Ok(())
                });
                held.wait()
            });
            go_on
        })
        .collect();
    for _ in 0..writers {
        begun.recv().expect("a writer waits");
    }
    stopped
}

fn add(stage: &Stage, year: i64, is_good: bool) -> store::Answer<(), Failure<No>> {
    stage.app.write(Reach::System, move |tx| {
        tx.exec(ADD, &args!["x", year, vec![1u8]])?;
        if is_good { Ok(()) } else { Err(Failure::Refused(No)) }
    })
}

#[test]
fn the_first_of_a_group_fails_and_the_others_are_done() {
    on_both(|stage| {
        let held = stop_the_writers(stage);
        let first = add(stage, 1, false);
        let fallen = stage.app.write::<(), Never>(Reach::System, |_| panic!("planted"));
        let others: Vec<_> = (2..20).map(|year| add(stage, year, true)).collect();
        drop(held);
        assert!(matches!(first.wait(), Err(Failure::Refused(No))));
        assert!(matches!(fallen.wait(), Err(Failure::Broken(_))));
        for other in others {
            other.wait().expect("its own work stands");
        }
        let years: Vec<i64> = holidays(stage).into_iter().map(|h| h.0).collect();
        assert_eq!(years, (2..20).collect::<Vec<_>>(), "{}", stage.engine);
    });
}

#[test]
fn a_full_queue_refuses_the_next_and_does_the_rest() {
    const QUEUE: usize = 1_024;
    on_both(|stage| {
        let held = stop_the_writers(stage);
        let write = || stage.app.write::<_, Never>(Reach::System, |_| Ok(()));
        let waiting: Vec<_> = (0..QUEUE).map(|_| write()).collect();
        assert_eq!(stage.app.db.figures().writes_waiting, QUEUE);
        let refused = write().wait();
        assert!(matches!(refused, Err(Failure::Broken(Broken::Busy(_)))), "{refused:?}");
        assert_eq!(stage.app.db.figures().writes_waiting, QUEUE);
        drop(held);
        for answer in waiting {
            answer.wait().expect("whoever is in is served");
        }
        assert_eq!(stage.app.db.figures().writes_waiting, 0, "{}", stage.engine);
    });
}

#[test]
fn nothing_is_begun_for_whoever_has_gone() {
    on_both(|stage| {
        let held = stop_the_writers(stage);
        drop(add(stage, 1, true));
        let stays = add(stage, 2, true);
        drop(held);
        stays.wait().expect("done");
        let years: Vec<i64> = holidays(stage).into_iter().map(|h| h.0).collect();
        assert_eq!(years, [2], "{}", stage.engine);
    });
}

#[test]
fn figures_count_commits_and_what_is_in_them() {
    on_both(|stage| {
        let before = stage.app.db.figures();
        for year in 1..=5 {
            add(stage, year, true).wait().expect("done");
        }
        let _ = add(stage, 6, false).wait();
        let after = stage.app.db.figures();
        assert!(after.commits > before.commits, "{}", stage.engine);
        assert_eq!(after.committed - before.committed, 5, "{}", stage.engine);
    });
}

#[test]
fn a_panic_is_an_answer_and_the_writer_lives() {
    on_both(|stage| {
        let fell = stage.write::<(), Never>(|_| panic!("planted"));
        assert!(matches!(fell, Err(Failure::Broken(_))));
        stage.write::<_, Never>(|tx| Ok(tx.exec(ADD, &args!["x", 1, vec![1u8]])?)).unwrap();
        assert_eq!(holidays(stage).len(), 1);
    });
}

#[test]
fn a_reader_cannot_write() {
    on_both(|stage| {
        let tried = stage.read::<_, Never>(|tx| Ok(tx.exec(ADD, &args!["x", 1, vec![1u8]])?));
        assert!(tried.is_err(), "{}", stage.engine);
        assert_eq!(holidays(stage).len(), 0);
    });
}

#[test]
fn counters_survive_contention() {
    on_both(|stage| {
        stage.write::<_, Never>(|tx| Ok(tx.exec(ADD, &args!["0", 1, vec![1u8]])?)).unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (app, runs) = (stage.app.clone(), runs.clone());
                std::thread::spawn(move || {
                    for _ in 0..10 {
                        let runs = runs.clone();
                        app.write::<_, Never>(Reach::System, move |tx| {
                            runs.fetch_add(1, Ordering::Relaxed);
                            let n: i64 = tx.one(
                                "SELECT source FROM holiday_year WHERE year = 1",
                                &args![],
                                |r| Ok(r.text(0)?.parse().unwrap_or(-1)),
                            )?;
                            tx.exec(
                                "UPDATE holiday_year SET source = $1 WHERE year = 1",
                                &args![(n + 1).to_string()],
                            )?;
                            Ok(())
                        })
                        .wait()
                        .unwrap();
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().unwrap();
        }
        assert_eq!(holidays(stage), [(1, "80".to_owned())], "{}", stage.engine);
        assert!(runs.load(Ordering::Relaxed) >= 80);
    });
}

#[test]
fn many_rows_at_once() {
    on_both(|stage| {
        let columns = [
            ("year", Type::Int),
            ("source", Type::Text),
            ("days", Type::Text),
            ("digest", Type::Bytes),
        ];
        let row = |n: i64, s: &str| vec![Val::Int(n), s.into(), "[]".into(), vec![0u8; 2].into()];
        let (inserted, again, updated) = stage
            .write::<_, Never>(move |tx| {
                let rows: Vec<_> = (0..12_001).map(|n| row(n, "a")).collect();
                let inserted = tx.insert_all("holiday_year", &columns, "", rows)?;
                let tail = "ON CONFLICT (year) DO NOTHING";
                let again = tx.insert_all("holiday_year", &columns, tail, [row(5, "b")])?;
                let updated = tx.update_all(
                    "holiday_year",
                    ("year", Type::Int),
                    &[("source", Type::Text)],
                    (0..6_000).map(|n| vec![Val::Int(n), "z".into()]),
                )?;
                Ok((inserted, again, updated))
            })
            .unwrap();
        assert_eq!((inserted, again, updated), (12_001, 0, 6_000), "{}", stage.engine);
        let z = holidays(stage).iter().filter(|h| h.1 == "z").count();
        assert_eq!(z, 6_000);
    });
}

/// Rows that are made on another core: as many as there are, each once, at every edge; one that cannot
/// be written ends the work and leaves nothing.
#[test]
fn many_rows_that_are_made_beside() {
    on_both(|stage| {
        let columns = [
            ("year", Type::Int),
            ("source", Type::Text),
            ("days", Type::Text),
            ("digest", Type::Bytes),
        ];
        let mut first = 0;
        for count in [0, 1, 999, 1_000, 1_025, 12_345] {
            let made = move |n: i64| {
                [Val::Int(first + n), n.to_string().into(), "[]".into(), vec![0u8; 2].into()]
            };
            let written = stage.write::<_, Never>(move |tx| {
                let rows: Vec<i64> = (0..count).collect();
                Ok(tx.insert_made("holiday_year", &columns, rows.into_iter().map(made))?)
            });
            assert_eq!(written.unwrap(), count as u64, "{}", stage.engine);
            let kept = holidays(stage).into_iter().filter(|(year, _)| *year >= first);
            let expected = (0..count).map(|n| (first + n, n.to_string()));
            assert!(kept.eq(expected), "{}: {count}", stage.engine);
            first += count;
        }
        // Once more, with a number that stands already.
        let before = holidays(stage).len();
        let twice = stage.write::<_, Never>(move |tx| {
            let rows: Vec<i64> = (0..20_000).collect();
            let made = move |n: i64| {
                let year = if n == 7_000 { 3 } else { first + n };
                [Val::Int(year), "x".into(), "[]".into(), vec![0u8; 2].into()]
            };
            Ok(tx.insert_made("holiday_year", &columns, rows.into_iter().map(made))?)
        });
        assert!(twice.is_err(), "{}", stage.engine);
        assert_eq!(holidays(stage).len(), before, "{}", stage.engine);
    });
}

#[test]
fn many_ids_are_looked_up_at_every_edge() {
    on_both(|stage| {
        let keys: Vec<domain::Id> = (0..600).map(|_| stage.id()).collect();
        let written = keys.clone();
        stage
            .write::<_, Never>(move |tx| {
                for key in &written {
                    let sql = "INSERT INTO audit_log (key, at, kind, verb, code, digest) \
                               VALUES ($1, 1, 'command', 'x', 'done', $2)";
                    tx.exec(sql, &args![*key, vec![0u8]])?;
                }
                Ok(())
            })
            .unwrap();
        for count in [0, 1, 31, 32, 33, 255, 256, 257, 545, 600] {
            let mut asked = keys[..count].to_vec();
            // One that nobody knows is left out.
            asked.push(stage.id());
            let mut found = stage
                .read::<_, Never>(move |tx| {
                    let mut found = Vec::new();
                    tx.each_of("SELECT a.key FROM audit_log a", &[], "a.key", &asked, |r| {
                        found.push(r.id(0)?);
                        Ok(())
                    })?;
                    Ok(found)
                })
                .unwrap();
            found.sort_unstable();
            let mut expected = keys[..count].to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{}: {count}", stage.engine);
        }
    });
}

#[test]
fn what_is_written_down_stays() {
    on_both(|stage| {
        stage
            .write::<_, Never>(|tx| {
                tx.exec(
                    "INSERT INTO audit_log (at, kind, verb, code, digest) \
                     VALUES (1, 'command', 'x', 'done', $1)",
                    &args![vec![0u8]],
                )?;
                Ok(())
            })
            .unwrap();
        stage.write::<_, Never>(|tx| Ok(store::audit::seal(tx, 1)?)).unwrap().expect("a seal");
        for sql in [
            "UPDATE audit_log SET verb = 'y'",
            "DELETE FROM audit_log",
            "UPDATE audit_seal SET number = 2",
            "DELETE FROM audit_seal",
        ] {
            let tried = stage.write::<_, Never>(move |tx| Ok(tx.exec(sql, &args![])?));
            assert!(tried.is_err(), "{} {sql}", stage.engine);
        }
    });
}

/// A reader's thread has a connection of its own, with what it has prepared.
#[test]
fn one_after_another_is_read_by_whoever_read_last() {
    on_both(|stage| {
        let mut threads = std::collections::BTreeMap::new();
        for _ in 0..24 {
            let read = stage.app.read::<_, Never>(Reach::System, |_| {
                Ok(format!("{:?}", std::thread::current().id()))
            });
            *threads.entry(read.wait().unwrap()).or_insert(0) += 1;
            // Whoever has answered lies down again.
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let most = threads.values().max().copied().unwrap_or(0);
        assert!(most >= 18, "{}: {threads:?}", stage.engine);
    });
}
