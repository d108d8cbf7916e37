//! `siji import`: the acceptance samples through the real program and its worker.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

fn siji(zone: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siji"))
        .args(args)
        .env("SIJI_DATA", zone)
        .env_remove("SIJI_DATABASE")
        .output()
        .expect("the program starts")
}

fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn the_register_of_2019_twice() {
    let zone = tempfile::tempdir().expect("a folder");
    let file = data("register/register-2019.xlsx");
    let file = file.to_string_lossy();
    let units = data("divisions/liaocheng_edz_units_2023.csv");
    let areas = siji(zone.path(), &["import", "areas", &units.to_string_lossy(), "--json"]);
    assert_eq!(json(&areas)["created"], 37);

    let dry = siji(zone.path(), &["import", "register", &file, "--json"]);
    let dry = json(&dry);
    assert_eq!((&dry["households"], &dry["persons"]), (&3773.into(), &8890.into()));
    assert_eq!(dry["errors"], serde_json::json!([]));
    assert_eq!(dry["applied"], false);

    let first = siji(zone.path(), &["import", "register", &file, "--apply", "--json"]);
    assert!(first.status.success());
    assert_eq!(json(&first)["changes"]["households"]["created"], 3773);
    let second = json(&siji(zone.path(), &["import", "register", &file, "--apply", "--json"]));
    let changes = &second["changes"];
    for nothing in ["assignments_made", "officers_appointed", "people_added", "persons_gone"] {
        assert_eq!(changes[nothing], 0, "{nothing}");
    }
    for records in ["households", "persons"] {
        assert_eq!(
            (&changes[records]["created"], &changes[records]["updated"]),
            (&0.into(), &0.into())
        );
    }
}

#[test]
fn the_messy_one_comes_back_marked_and_is_found_to_be_the_same() {
    let zone = tempfile::tempdir().expect("a folder");
    let marked = zone.path().join("marked.xlsx");
    let file = data("register/register-messy.xlsx");
    let run = |file: &Path, more: &[&str]| {
        let file = file.to_string_lossy().into_owned();
        let args = [&["import", "register", &file, "--json"], more].concat();
        siji(zone.path(), &args)
    };
    let first = run(&file, &["--report", &marked.to_string_lossy()]);
    assert!(first.status.success());
    let again = run(&marked, &[]);
    assert_eq!(json(&first)["errors"], json(&again)["errors"]);
    let errors = json(&first)["errors"].as_array().map_or(0, Vec::len);
    assert_eq!(errors, 22);
    for error in json(&first)["errors"].as_array().into_iter().flatten() {
        assert!(error["column"].is_string() && error["message"].is_string(), "{error}");
    }

    let applied = run(&file, &["--apply"]);
    assert!(!applied.status.success());
    assert_eq!(json(&applied)["applied"], false);
}

/// How many areas and commands a zone has.
fn records(zone: &Path) -> (i64, i64) {
    let keys = store::Keys::of_file(zone.join("siji.keys")).expect("keys");
    let app = app::App::open(&store::Options::folder(zone, keys.into())).expect("a zone");
    app.read::<_, app::Never>(app::Reach::System, |tx| {
        let mut count =
            |table: &str| tx.one(&format!("SELECT COUNT(*) FROM {table}"), &[], |row| row.int(0));
        Ok((count("area")?, count("audit_log")?))
    })
    .wait()
    .expect("counts")
}

#[test]
fn a_dry_run_on_an_empty_zone_writes_nothing() {
    let zone = tempfile::tempdir().expect("a folder");
    let file = data("register/register-2019.xlsx");
    let file = file.to_string_lossy();
    let dry = json(&siji(zone.path(), &["import", "register", &file, "--json"]));
    assert_eq!((&dry["households"], &dry["errors"]), (&3773.into(), &serde_json::json!([])));
    let before = (0, 0);
    assert_eq!(records(zone.path()), before, "checked against the shipped villages, none recorded");

    let messy = data("register/register-messy.xlsx");
    let refused =
        siji(zone.path(), &["import", "register", &messy.to_string_lossy(), "--apply", "--json"]);
    assert!(!refused.status.success());
    assert_eq!(records(zone.path()), before, "all or nothing");

    let applied = siji(zone.path(), &["import", "register", &file, "--apply", "--json"]);
    assert_eq!(json(&applied)["changes"]["households"]["created"], 3773);
    // The villages of that list, their townships and the zone; the list and the register.
    assert_eq!(records(zone.path()), (37, before.1 + 2));
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let zone = tempfile::tempdir().expect("a folder");
    let broken = zone.path().join("broken.xlsx");
    std::fs::write(&broken, b"PK\x03\x04 nothing").expect("a file");
    let output = siji(zone.path(), &["import", "register", &broken.to_string_lossy(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["errors"][0]["code"], "not-a-workbook");
    let output = siji(zone.path(), &["import", "register", "/nowhere.xlsx"]);
    assert_eq!(output.status.code(), Some(2));
}
