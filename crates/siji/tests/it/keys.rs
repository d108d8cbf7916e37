//! `siji keys` through the real program: made with the zone, added, everything sealed anew, dropped.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn siji(zone: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siji"))
        .args(args)
        .env("SIJI_DATA", zone)
        .env_remove("SIJI_DATABASE")
        .output()
        .expect("the program starts")
}

fn listed(zone: &Path) -> String {
    let output = siji(zone, &["keys", "list"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_zones_keys_from_the_first_to_the_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = folder.path();
    let sheet = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data/divisions/liaocheng_edz_units_2023.csv");
    let areas = siji(zone, &["import", "areas", &sheet.to_string_lossy()]);
    assert!(areas.status.success(), "{areas:?}");
    let file = zone.join("siji.keys");
    let mode = std::fs::metadata(&file).expect("made with the zone").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(listed(zone), "1 aes-256-gcm-siv 0 active");

    let wrong = siji(zone, &["keys", "new", "--cipher", "rot13"]);
    assert!(complaint(&wrong).contains("`rot13` is none of the ciphers"));
    assert!(siji(zone, &["keys", "new", "--cipher", "sm4-gcm"]).status.success());
    assert_eq!(listed(zone), "1 aes-256-gcm-siv 0\n2 sm4-gcm 0 active");
    assert!(complaint(&siji(zone, &["keys", "drop", "2"])).contains("key 2 is the active one"));
    assert!(siji(zone, &["keys", "rotate"]).status.success());
    assert!(siji(zone, &["keys", "drop", "1"]).status.success());
    assert_eq!(listed(zone), "2 sm4-gcm 0 active");

    // From the environment, in one line.
    let text = std::fs::read_to_string(&file).expect("the keys");
    let line: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).collect();
    std::fs::rename(&file, zone.join("elsewhere")).expect("moved");
    let without = complaint(&siji(zone, &["verify"]));
    assert!(without.contains("there are no keys in") && without.contains("siji.keys"), "{without}");
    let verify = Command::new(env!("CARGO_BIN_EXE_siji"))
        .args(["verify", "--data", &zone.to_string_lossy()])
        .env_remove("SIJI_DATABASE")
        .env("SIJI_KEYS", line.join(";"))
        .output()
        .expect("the program starts");
    assert!(verify.status.success(), "{verify:?}");

    // Another zone's keys are not taken for this one's.
    let other = tempfile::tempdir().expect("a folder");
    assert!(siji(other.path(), &["import", "areas", &sheet.to_string_lossy()]).status.success());
    std::fs::copy(other.path().join("siji.keys"), &file).expect("copied");
    let foreign = complaint(&siji(zone, &["verify"]));
    assert!(foreign.contains("these are the keys of another zone"), "{foreign}");
}
