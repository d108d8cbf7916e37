//! Every target's corpus, replayed.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::time::Instant;

use fuzz::replay::{corpus, folder};

/// So that a corpus stays small enough to be read by everybody who runs the tests.
const FILES_MAX: usize = 40;
const BYTES_MAX: usize = 200_000;

/// Replays one target; answers with what fell.
fn replay(name: &str, target: fuzz::Target) -> Vec<String> {
    let inputs = corpus(name).unwrap_or_default();
    let fell = inputs.iter().filter(|(_, bytes)| catch_unwind(|| target(bytes)).is_err());
    fell.map(|(path, _)| format!("{name} falls at {}", path.display())).collect()
}

#[test]
fn every_corpus_is_replayed() {
    let mut fallen = Vec::new();
    std::thread::scope(|scope| {
        let half = fuzz::TARGETS.len().div_ceil(2);
        let lanes = fuzz::TARGETS.chunks(half).map(|targets| {
            scope.spawn(|| {
                let each = targets.iter().map(|(name, target)| {
                    let begun = Instant::now();
                    let fallen = replay(name, *target);
                    println!("{name}: {:.2} s", begun.elapsed().as_secs_f64());
                    fallen
                });
                each.flatten().collect::<Vec<_>>()
            })
        });
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().for_each(|lane| fallen.extend(lane.join().expect("a lane")));
    });
    assert!(fallen.is_empty(), "{}", fallen.join("\n"));
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let known: BTreeSet<String> = fuzz::names().iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(known.len(), fuzz::TARGETS.len(), "two targets of one name");
    let entries = std::fs::read_dir(folder()).expect("the folder of corpora").flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let there = folders.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(known, there);
    for name in known {
        let inputs = corpus(&name).expect("a corpus");
        let bytes: usize = inputs.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(!inputs.is_empty(), "{name} has an empty corpus");
        let fits = inputs.len() <= FILES_MAX && bytes <= BYTES_MAX;
        assert!(fits, "{name} has {} files of {bytes} bytes", inputs.len());
    }
}

#[test]
fn a_target_that_falls_is_named() {
    let (_, planted) = fuzz::PLANTED;
    planted(b"2026-11-12");
    planted(b"no day");
    assert!(catch_unwind(|| planted(b"2026-02-30")).is_err());
}
