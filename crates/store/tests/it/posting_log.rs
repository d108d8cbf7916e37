//! The posting log as it is kept: grown one by one, killed in the middle, asked for its tiles.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::access::Reach;
use domain::posting::log::{Checkpoint, Entry, Kind, Tile, Tiles, audit, open, verify_consistency};
use domain::{Id, Millis};
use store::posting::log::{Curves, append_entry, newest, tile, verifier_keys};
use store::{Broken, Db, Options, Tx};
use testkit::{Stage, on_both};

fn entry(n: u64) -> (Id, Vec<u8>) {
    let posting = domain::id::derive(Id::nil(), "posting", n);
    let day = jiff::civil::date(2026, 10, 24);
    let entry = Entry {
        posting,
        area: format!("001.{:03}", n % 80 + 1),
        kind: if n % 9 == 8 { Kind::Correction(n - 1) } else { Kind::List },
        from: day,
        to: day,
        commitment: domain::posting::merkle::leaf(&n.to_be_bytes()),
    };
    (posting, entry.written())
}

fn grow(tx: &mut Tx, to: u64) -> Result<(), Broken> {
    let from = newest(tx)?.map_or(0, |newest| newest.size);
    for n in from..to {
        let (posting, entry) = entry(n);
        append_entry(tx, posting, &entry, n as Millis)?;
    }
    Ok(())
}

#[test]
fn a_log_grows_and_all_its_files_hold() {
    on_both(|stage| {
        stage.write::<_, app::Never>(|tx| Ok(grow(tx, 600)?)).unwrap();
        let keys = verifier_keys(&testkit::keys());
        let files = |path: &str| {
            let path = path.to_owned();
            let read = move |tx: &mut Tx| -> Result<_, app::Failure<app::Never>> {
                if path == "checkpoint" {
                    return Ok(newest(tx)?.map(|newest| newest.note.into_bytes()));
                }
                Ok(tile(tx, Tile::parse(&path).expect("a path"))?)
            };
            stage.read(read).expect("a look")
        };
        let mut seen = 0;
        let audited = audit(files, &keys, &Curves, |_, _| seen += 1).expect(stage.engine);
        assert_eq!((audited.checkpoint.size, seen, audited.files), (600, 600, 8));
        // What every past size had is still there, and no more than there is.
        let tile_at = |path: &str| {
            let tile_of = Tile::parse(path).expect("a path");
            stage.read::<_, app::Never>(move |tx| Ok(tile(tx, tile_of)?)).expect("a look")
        };
        assert_eq!(tile_at("tile/0/000.p/17").map(|bytes| bytes.len()), Some(17 * 32));
        assert_eq!(tile_at("tile/0/002.p/88").map(|bytes| bytes.len()), Some(88 * 32));
        assert_eq!(tile_at("tile/0/002.p/89"), None);
        assert_eq!(tile_at("tile/2/000.p/1"), None);
    });
}

#[test]
fn the_log_is_kept_by_the_database_itself() {
    on_both(|stage| {
        stage.write::<_, app::Never>(|tx| Ok(grow(tx, 300)?)).unwrap();
        for sql in [
            "UPDATE posting_log SET entry = leaf WHERE number = 3",
            "DELETE FROM posting_log WHERE number = 299",
            "UPDATE posting_log_node SET number = 1",
            "DELETE FROM posting_log_node",
            "UPDATE posting_checkpoint SET note = '' WHERE size = 3",
            "DELETE FROM posting_checkpoint WHERE size = 300",
        ] {
            let changed =
                stage.write::<_, app::Never>(move |tx| Ok(tx.exec(sql, &store::args![])?));
            assert!(changed.is_err(), "{}: {sql}", stage.engine);
        }
    });
}

#[test]
fn many_at_once_get_a_number_each() {
    on_both(|stage| {
        let answers: Vec<_> = (0..40)
            .map(|n| {
                stage.app.write::<_, app::Never>(Reach::System, move |tx| {
                    let (posting, entry) = entry(n);
                    Ok(append_entry(tx, posting, &entry, 0)?)
                })
            })
            .collect();
        let mut sizes: Vec<u64> =
            answers.into_iter().map(|a| a.wait().expect("appended")).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, (1..=40).collect::<Vec<_>>(), "{}", stage.engine);
    });
}

// Killed ---------------------------------------------------------------------------------------------

const ZONE: &str = "SIJI_TEST_LOG_ZONE";

fn options(folder: &Path) -> Options {
    Options::folder(folder, testkit::keys())
}

/// Appends for ever and tells each checkpoint once it is served: run by the test below, and killed.
#[test]
#[ignore = "a part of the test that kills it"]
fn appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(ZONE) else { return };
    let db = Db::open(&options(Path::new(&folder))).expect("the zone opens");
    let mut out = std::io::stdout().lock();
    loop {
        let appended = db.write::<_, Broken>(Reach::System, |tx| {
            let size = newest(tx)?.map_or(0, |newest| newest.size);
            grow(tx, size + 1)
        });
        appended.wait().expect("appended");
        let served = db.read::<_, Broken>(Reach::Public, |tx| Ok(newest(tx)?.map(|n| n.note)));
        let note = served.wait().expect("served").expect("a checkpoint");
        let line = note.replace('\n', "|");
        writeln!(out, "\nserved {line}").and_then(|()| out.flush()).expect("told");
    }
}

fn checkpoint_of(note: &str) -> Checkpoint {
    let keys = verifier_keys(&testkit::keys());
    let opened = open(note, &keys, &Curves).expect("a signature that holds");
    Checkpoint::read(opened.text).expect("a checkpoint")
}

/// SIJI_LOG_KILLS sets how often; 200 in `cargo xtask test log`.
#[test]
fn a_served_checkpoint_outlives_every_kill() {
    let kills = std::env::var("SIJI_LOG_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_u64);
    let folder = tempfile::tempdir().expect("a folder");
    let mut last = Checkpoint { origin: String::new(), size: 0, root: [0; 32] };
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "posting_log::appends_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(ZONE, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its words")).lines();
        let (told, served) = std::sync::mpsc::channel();
        let listening = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(note) = line.strip_prefix("served ").filter(|note| note.ends_with('|'))
                {
                    let _ = told.send(note.replace('|', "\n"));
                }
            }
        });
        // Some life first, then death at another moment each time.
        let mut newest_served = served.recv_timeout(Duration::from_secs(30)).expect("served");
        std::thread::sleep(Duration::from_micros(kill * 7_919 % 40_000));
        child.kill().expect("killed");
        child.wait().expect("dead");
        listening.join().expect("listened");
        while let Ok(note) = served.try_recv() {
            newest_served = note;
        }
        let served = checkpoint_of(&newest_served);
        assert!(served.size > last.size, "kill {kill}: it went on from what was served before");
        let db = Db::open(&options(folder.path())).expect("the zone opens again");
        let (old, known) = (served.clone(), last.clone());
        let holds = db.read::<_, Broken>(Reach::System, move |tx| {
            let kept = newest(tx)?.expect("a checkpoint");
            let now = checkpoint_of(&kept.note);
            assert!(now.size >= old.size, "{} was served, {} is kept", old.size, now.size);
            let mut tiles = Tiles::new(now.size, |part| {
                tile(tx, part)?.ok_or_else(|| Broken::data("a tile is missing"))
            });
            let mut grew = |from: &Checkpoint| -> Result<bool, Broken> {
                let proof = domain::posting::log::consistency(&mut tiles, from.size, now.size)?;
                let (size, root) = (now.size, now.root);
                Ok(verify_consistency(from.size, from.root, size, root, &proof))
            };
            Ok(grew(&old)? && (known.size == 0 || grew(&known)?))
        });
        assert!(holds.wait().expect("read"), "kill {kill}: another log than was served");
        last = served;
    }
    println!("{kills} kills, {} entries", last.size);
}

/// For `cargo xtask test log`: a log of this many entries in a folder of its own, to be exported and
/// read by the other programs.
#[test]
#[ignore = "run by cargo xtask test log"]
fn makes_a_large_log() {
    let Some(folder) = std::env::var_os("SIJI_LOG_FOLDER") else { return };
    let size = std::env::var("SIJI_LOG_SIZE").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let stage = Stage::sqlite();
    for part in (0..size).step_by(5_000) {
        let to = (part + 5_000).min(size);
        stage.write::<_, app::Never>(move |tx| Ok(grow(tx, to)?)).unwrap();
    }
    let folder = std::path::PathBuf::from(folder);
    let key = verifier_keys(&testkit::keys())[0].to_string();
    let write = |path: &str, bytes: &[u8]| {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, bytes).expect("written");
    };
    let read = |path: &str| {
        let of = Tile::parse(path);
        let read = move |tx: &mut Tx| -> Result<_, app::Failure<app::Never>> {
            match of {
                Some(of) => Ok(tile(tx, of)?),
                None => Ok(newest(tx)?.map(|newest| newest.note.into_bytes())),
            }
        };
        stage.read(read).expect("a look")
    };
    let keys = verifier_keys(&testkit::keys());
    let copied = |path: &str| read(path).inspect(|bytes| write(path, bytes));
    audit(copied, &keys, &Curves, |_, _| {}).expect("a log that holds");
    write("key", key.as_bytes());
}
