//! `siji backup`, `restore` and `doctor` through the real program, on both databases: a zone goes
//! into a file and comes out the same; a changed bit, another zone's keys or a place that is not
//! empty is refused. The drill while people write is the fault kit's (`cargo xtask faults`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where a zone is, in the words of the command line.
struct Place(Vec<String>);

impl Place {
    fn folder(folder: &Path) -> Place {
        Place(vec!["--data".into(), folder.display().to_string()])
    }
    fn schema(name: &str, keys: &Path) -> Place {
        let url = format!("{}?schema={name}", testkit::postgres::url());
        Place(vec!["--database".into(), url, "--keys".into(), keys.display().to_string()])
    }
    fn siji(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_siji"))
            .args(words)
            .args(&self.0)
            .env_remove("SIJI_DATABASE")
            .output()
            .expect("the program starts")
    }
    fn said(&self, words: &[&str]) -> serde_json::Value {
        let output = self.siji(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }
    fn refused(&self, words: &[&str], why: &str) {
        let output = self.siji(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{said}");
    }
    fn play(&self) {
        self.said(&["demo", "--no-serve", "--json", "--households", "20", "--months", "1"]);
    }
    /// Every count that `verify` makes.
    fn records(&self) -> serde_json::Value {
        self.said(&["verify", "--json"])["records"].clone()
    }
    fn restore(&self, backup: &Path) {
        let said = self.said(&["restore", &backup.to_string_lossy(), "--json"]);
        assert_eq!(said["ok"], true);
    }
}

fn file_of(said: &serde_json::Value) -> PathBuf {
    PathBuf::from(said["file"].as_str().expect("a file"))
}

#[test]
fn a_folder_goes_into_a_file_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let zone = Place::folder(&first);
    zone.play();
    let to = folder.path().join("backups");
    let whole = zone.said(&["backup", &to.to_string_lossy(), "--json"]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let units = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data/divisions/liaocheng_edz_units_2023.csv");
    assert!(zone.siji(&["import", "areas", &units.to_string_lossy()]).status.success());
    let more = zone.said(&["backup", &to.to_string_lossy(), "--incremental", "--json"]);
    let bytes = |said: &serde_json::Value| said["bytes"].as_u64().expect("bytes");
    assert!(bytes(&more) * 2 < bytes(&whole), "{more} after {whole}");

    // Keys of another zone, a place that is not empty, the wrong kind of place.
    let more = file_of(&more);
    let other = Place::folder(&folder.path().join("other"));
    other.play();
    other.refused(&["restore", &more.to_string_lossy()], "was not sealed with these keys");
    zone.refused(&["restore", &more.to_string_lossy()], "there is a zone in");
    let keys = first.join("siji.keys");
    let schema = Place::schema("of_folder", &keys);
    schema.refused(&["restore", &more.to_string_lossy()], "restore it with --data");

    std::fs::create_dir(&second).expect("a folder");
    std::fs::copy(&keys, second.join("siji.keys")).expect("its keys");
    let again = Place::folder(&second);
    again.restore(&more);
    assert_eq!(again.records(), zone.records());

    // Without the backup it rests on there is nothing to restore.
    std::fs::remove_file(second.join("siji.db")).expect("removed");
    std::fs::rename(file_of(&whole), folder.path().join("elsewhere")).expect("moved");
    again.refused(&["restore", &more.to_string_lossy()], "must lie beside it");
}

#[test]
fn a_schema_goes_into_a_file_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("siji.keys");
    let zone = Place::schema("backup_from", &keys);
    zone.play();
    let to = folder.path().join("backups");
    let backup = file_of(&zone.said(&["backup", &to.to_string_lossy(), "--json"]));
    let again = Place::schema("backup_to", &keys);
    again.restore(&backup);
    assert_eq!(again.records(), zone.records());
    // It goes on where it was: the log's next line gets the next number.
    assert!(again.siji(&["verify"]).status.success());
    again.refused(&["restore", &backup.to_string_lossy()], "restored into an empty one");
    refuses_every_bit(&backup, 40, || Place::schema("backup_damaged", &keys));
}

#[test]
fn a_flipped_bit_is_refused_wherever_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("first");
    let zone = Place::folder(&first);
    zone.play();
    let to = folder.path().join("backups");
    let backup = file_of(&zone.said(&["backup", &to.to_string_lossy(), "--json"]));
    let damaged = folder.path().join("damaged");
    std::fs::create_dir(&damaged).expect("a folder");
    std::fs::copy(first.join("siji.keys"), damaged.join("siji.keys")).expect("its keys");
    refuses_every_bit(&backup, 160, || Place::folder(&damaged));
    assert!(!damaged.join("siji.db").exists(), "nothing is left of it");

    let whole = std::fs::read(&backup).expect("the backup");
    let cut = backup.with_extension("cut");
    let long = [whole.as_slice(), b"more"].concat();
    for bytes in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[..40], &long] {
        std::fs::write(&cut, bytes).expect("written");
        Place::folder(&damaged).refused(&["restore", &cut.to_string_lossy()], "damaged");
    }
}

/// Every byte of the head, and bytes all through the rest.
fn refuses_every_bit(backup: &Path, times: usize, place: impl Fn() -> Place) {
    let whole = std::fs::read(backup).expect("the backup");
    let changed = backup.with_extension("changed");
    for n in 0..times {
        let at = if n < times / 4 { n } else { n * (whole.len() - 1) / (times - 1) };
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (n % 8);
        std::fs::write(&changed, bytes).expect("written");
        place().refused(&["restore", &changed.to_string_lossy()], "damaged");
    }
}

#[test]
fn the_doctor_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone_folder = folder.path().join("zone");
    let zone = Place::folder(&zone_folder);
    zone.play();
    let to = folder.path().join("backups");
    zone.said(&["backup", &to.to_string_lossy(), "--json"]);
    let how = |zone: &Place, code: i32| {
        let output = zone.siji(&["doctor", "--json", "--backups", &to.to_string_lossy()]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let lines = said["lines"].as_array().expect("lines").clone();
        let fails = lines.iter().filter(|line| line["how"] == "fail");
        assert!(fails.clone().all(|line| line["do"] != ""), "{said}");
        let fails = fails.filter_map(|line| line["what"].as_str());
        fails.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(how(&zone, 0), "");
    let keys = zone_folder.join("siji.keys");
    std::fs::rename(&keys, folder.path().join("keys")).expect("moved");
    assert_eq!(how(&zone, 1), "database and keys");
    std::fs::rename(folder.path().join("keys"), &keys).expect("moved back");
    std::fs::remove_dir_all(&to).expect("removed");
    std::fs::create_dir(&to).expect("made");
    assert_eq!(how(&zone, 1), "last backup");

    let keys = folder.path().join("schema.keys");
    let schema = Place::schema("doctor", &keys);
    schema.play();
    // The test's user is a superuser; the role that works is not.
    assert_eq!(how(&schema, 1), "last backup");
    let output = schema.siji(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("works as doctor_app, held by row security"), "{said}");
}
