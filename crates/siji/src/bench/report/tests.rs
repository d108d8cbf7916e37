//! What a run prints, from figures that nobody measured.

use super::markdown::{between, table};
use super::{Machine, Promise, Report, Row, Skipped, plot};

fn report() -> Report {
    let on = |database: &str, row: Row| Row { database: database.to_owned(), ..row };
    let most = Some(Promise::AtMost(1.5));
    let close = |n: u32, seconds| Row::one(&format!("close {n} households"), seconds, "s", None);
    Report {
        rows: vec![
            on("sqlite", close(1_000, 0.2)),
            on("sqlite", close(1_000_000, 240.0)),
            on("postgres", close(1_000, 0.4)),
            on(
                "postgres",
                Row::of("close ratio", vec![3.0, 1.0, 2.0], "x", most).with_rss(1 << 20),
            ),
            Row::one("print", 0.25, "s", most).alone(),
        ],
        machine: Machine {
            cores: 2,
            processor: "P".to_owned(),
            memory_bytes: 4 << 30,
            sha256_mib_per_second: 1_000.0,
            version: "0.1.0".to_owned(),
        },
        fsync_per_second: 500.0,
        skipped: vec![Skipped {
            suite: "all".to_owned(),
            database: "postgres".to_owned(),
            why: "no server".to_owned(),
            failed: false,
        }],
    }
}

#[test]
fn a_row_is_the_median_and_how_far_the_others_lay() {
    let row = Row::of("r", vec![5.0, 1.0, 3.0], "ms", Some(Promise::AtMost(3.0)));
    assert_eq!((row.median, row.min, row.max), (3.0, 1.0, 5.0));
    assert!(row.is_kept());
    assert!(!Row::one("r", 2.0, "1/s", Some(Promise::AtLeast(2.1))).is_kept());
    assert!(Row::one("r", f64::MAX, "s", None).is_kept());
    // What was not measured keeps no promise.
    assert!(!Row::of("r", vec![], "s", Some(Promise::AtMost(1.0))).is_kept());
}

#[test]
fn the_json_has_the_shape_that_was_asked_for() {
    let json = serde_json::to_value(report()).expect("JSON");
    let row = &json["rows"][3];
    let fields = ["name", "database", "median", "min", "max", "unit", "peak_rss_bytes"];
    assert!(fields.iter().all(|field| !row[*field].is_null()), "{row}");
    assert_eq!(row["database"], "postgres");
    assert_eq!(row["peak_rss_bytes"], 1 << 20);
    assert!(json["machine"].is_object() && json["fsync_per_second"].is_number());
    let back: Report = serde_json::from_value(json).expect("it reads what it writes");
    assert_eq!(back.rows.len(), 5);
}

#[test]
fn a_row_is_compared_with_the_one_of_its_name_and_database() {
    let (before, row) = (report(), Row::one("close 1000 households", 0.3, "s", None));
    let on = |database: &str| Row { database: database.to_owned(), ..row.clone() };
    let ratio = |row: &Row| before.ratio(row).map(|ratio| (ratio * 100.0).round() / 100.0);
    assert_eq!(ratio(&on("sqlite")), Some(1.5));
    assert_eq!(ratio(&on("postgres")), Some(0.75));
    assert_eq!(ratio(&on("none")), None);
    assert_eq!(ratio(&Row { unit: "ms".to_owned(), ..on("sqlite") }), None);
}

#[test]
fn the_committed_run_can_be_compared_with() {
    assert!(Report::before(None).is_ok());
}

#[test]
fn a_broken_promise_fails_the_run_and_so_does_a_suite_that_did_not_end() {
    assert!(!report().is_kept());
    let mut kept = report();
    kept.rows.remove(3);
    assert!(kept.is_kept(), "skipped by name is no failure");
    kept.skipped[0].failed = true;
    assert!(!kept.is_kept());
}

#[test]
fn the_table_stands_between_its_marks_and_other_words_stay() {
    let old = "before\n<!-- siji bench: the table begins -->\nold\n\
               <!-- siji bench: the table ends -->\nafter\n";
    let new = between(old, &table(&report(), Some(&report()))).expect("both marks");
    assert!(new.starts_with("before\n") && new.ends_with("after\n") && !new.contains("old\n"));
    assert!(new.contains("flushes 500 times a second"), "{new}");
    assert!(
        new.contains("| close ratio | postgres | **2.00** | 1.00 | 3.00 | x | <= 1.5 | 1 | 1.00 |")
    );
    assert!(new.contains("- all on postgres: skipped, no server"));
    assert_eq!(between(&new, &table(&report(), Some(&report()))), Some(new.clone()));
    assert_eq!(between("no marks", ""), None);
}

#[test]
fn the_plot_has_a_line_for_each_database_over_powers_of_ten() {
    let svg = plot::svg(&report()).expect("months were closed");
    assert_eq!(svg.matches("<polyline").count(), 2);
    assert_eq!((svg.matches("<circle").count(), svg.matches("<rect").count()), (2, 2));
    for words in ["1,000", "1,000,000", "0.1", "households", "seconds", "sqlite", "postgres"] {
        assert!(svg.contains(&format!(">{words}</text>")), "{words}: {svg}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(plot::svg(&Report { rows: vec![], ..report() }), None);
}

#[test]
fn a_part_that_is_run_again_replaces_its_own_rows_and_no_others() {
    let row = |suite: &str, database: &str, value| Row {
        suite: suite.to_owned(),
        database: database.to_owned(),
        ..Row::one(suite, value, "s", None)
    };
    let of = |rows| Report { rows, skipped: vec![], ..report() };
    let earlier = of(vec![
        row("a", "sqlite", 1.0),
        row("a", "postgres", 2.0),
        row("b", "sqlite", 3.0),
        row("gone", "sqlite", 9.0),
    ]);
    let now = of(vec![row("b", "sqlite", 4.0), row("a", "postgres", 5.0)]);
    let whole = now.clone().filled_up(&earlier, &["a", "b"]);
    let told: Vec<_> =
        whole.rows.iter().map(|r| (r.suite.as_str(), r.database.as_str(), r.median)).collect();
    assert_eq!(told, [("a", "sqlite", 1.0), ("a", "postgres", 5.0), ("b", "sqlite", 4.0)]);
    // What was tried in vain has no figure any more.
    let mut failed = now.clone();
    failed.skipped = vec![Skipped {
        suite: "a".to_owned(),
        database: "sqlite".to_owned(),
        why: "it fell".to_owned(),
        failed: true,
    }];
    assert_eq!(failed.filled_up(&earlier, &["a", "b"]).rows.len(), 2);
    let mut other = earlier.clone();
    other.machine.cores = 64;
    assert_eq!(now.filled_up(&other, &["a", "b"]).rows.len(), 2, "figures of another machine");
}
