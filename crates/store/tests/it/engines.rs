//! What every statement may rely on, on either engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use app::{Failure, Never, Reach};
use domain::Refusal;
use store::{Type, Val, args};
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
