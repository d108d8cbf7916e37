//! The posting log from outside: the demo zone's, checked by the program without a database and by
//! the Python program that trusts neither.

use std::path::Path;
use std::process::{Command, Output};

fn siji(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siji"))
        .args(args)
        .env_remove("SIJI_DATABASE")
        .env_remove("SIJI_DATA")
        .output()
        .expect("the program starts")
}

fn python(args: &[&str]) -> Output {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/verify_posting.py");
    Command::new("python3").arg(tool).args(args).output().expect("Python starts")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn must(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    words(&output)
}

#[test]
fn the_demo_zones_log_holds_for_two_programs_and_a_changed_bit_for_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (zone, files, old) = (place("zone"), place("files"), place("old"));
    let played = ["demo", "--no-serve", "--json", "--households", "40", "--months", "2"];
    must(siji(&[&played[..], &["--data", &zone]].concat()));
    let key = must(siji(&["keys", "log", "--data", &zone])).trim().to_owned();
    must(siji(&["export", "log", &files, "--data", &zone]));
    must(siji(&["verify", "--data", &zone]));
    let checkpoint = place("files/checkpoint");
    std::fs::copy(&checkpoint, &old).expect("a saved checkpoint");

    let ours = must(siji(&["verify", "log", &files, "--key", &key]));
    let theirs = must(python(&["all", &files, "--key", &key]));
    let short = |said: &str| said.lines().last().map(str::to_owned);
    assert_eq!(short(&ours), short(&theirs), "the same short form");
    must(siji(&["verify", "checkpoints", &old, &checkpoint, "--key", &key]));
    must(python(&["checkpoints", &old, &checkpoint, &files, "--key", &key]));

    // One proof, as the page gives it.
    let proof = proof_of_one(&zone);
    let file = place("proof.json");
    std::fs::write(&file, &proof).expect("written");
    for key in [&["--key", &key][..], &[]] {
        let ours = must(siji(&[&["verify", "posting", &file], key].concat()));
        assert!(ours.starts_with("genuine"), "{ours}");
        let theirs = must(python(&[&["posting", &file], key].concat()));
        assert!(theirs.starts_with("genuine"), "{theirs}");
    }
    for (from, to) in [("\\tassessed", "\\tsuspended"), ("index ", "index 9"), ("from 2", "from 3")]
    {
        assert!(proof.contains(from), "{from}");
        std::fs::write(&file, proof.replacen(from, to, 1)).expect("written");
        for refused in [
            siji(&["verify", "posting", &file, "--key", &key]),
            python(&["posting", &file, "--key", &key]),
        ] {
            assert_eq!(refused.status.code(), Some(1), "{from}: {refused:?}");
            assert!(words(&refused).contains("DOES NOT HOLD"), "{refused:?}");
        }
    }

    let path = place("files/tile/0");
    let tile = std::fs::read_dir(&path).expect("tiles").next().expect("one").expect("one").path();
    let tile = std::fs::read_dir(tile).expect("a tile").next().expect("one").expect("one").path();
    let mut bytes = std::fs::read(&tile).expect("read");
    bytes[40] ^= 4;
    std::fs::write(&tile, bytes).expect("written");
    for found in
        [siji(&["verify", "log", &files, "--key", &key]), python(&["all", &files, "--key", &key])]
    {
        assert_eq!(found.status.code(), Some(1), "{found:?}");
        assert!(words(&found).contains("tile/0/000.p/"), "it is named: {found:?}");
    }
}

fn proof_of_one(zone: &str) -> String {
    let keys = store::Keys::of_file(Path::new(zone).join("siji.keys")).expect("keys");
    let options = store::Options::folder(zone, std::sync::Arc::new(keys));
    let app = app::App::open(&options).expect("the zone opens");
    let file = app.read::<_, app::Never>(app::Reach::System, |tx| {
        let sql = "SELECT id, from_date FROM posting ORDER BY at LIMIT 1";
        let (id, day) = tx.one(sql, &[], |r| Ok((r.id(0)?, r.date(1)?)))?;
        app::posting::proof_file(tx, None, id, day)
    });
    serde_json::to_string(&file.wait().expect("a proof")).expect("JSON")
}

#[test]
fn a_key_file_from_before_the_log_gets_a_key_and_another_zones_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (one, two) = (place("one"), place("two"));
    for zone in [&one, &two] {
        must(siji(&["init", "--name", "X", "--data", zone]));
    }
    let file = place("one/siji.keys");
    let before = std::fs::read_to_string(&file).expect("keys");
    let without: String =
        before.lines().filter(|l| !l.starts_with("log ")).map(|l| format!("{l}\n")).collect();
    // A zone that has signed does not start with another key.
    std::fs::write(&file, &without).expect("written");
    let refused = siji(&["keys", "log", "--data", &one]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`log ed25519` is missing"));
    assert_eq!(std::fs::read_to_string(&file).expect("keys"), without, "nothing was added");
    // A second curve signs beside the first.
    std::fs::write(&file, &before).expect("written");
    let keys = must(siji(&["keys", "log", "--add-sm2", "--data", &one]));
    assert_eq!(keys.lines().count(), 2, "{keys}");
    must(siji(&["verify", "--data", &one]));
}
