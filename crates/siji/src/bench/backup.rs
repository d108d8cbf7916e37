//! A backup of the large zone, the next one on top of it, and the zone restored from both.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;

use super::process::Child;
use super::{MIB, Promise, Row};

pub fn run(folder: &Path, zone: &Path) -> anyhow::Result<Vec<Row>> {
    let (backups, restored) = (folder.join("backups"), folder.join("restored"));
    for folder in [&backups, &restored] {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)?;
    }
    let from = ["--data", &zone.to_string_lossy()];
    let to = backups.to_string_lossy();
    let whole = timed(&[&["backup", &to, "--json"], from.as_slice()].concat())?;
    let more = timed(&[&["backup", &to, "--json", "--incremental"], from.as_slice()].concat())?;
    std::fs::copy(zone.join("siji.keys"), restored.join("siji.keys"))?;
    let file = more.said["file"].as_str().context("a file")?;
    let back = timed(&["restore", file, "--json", "--data", &restored.to_string_lossy()])?;
    let size = |made: &Made| made.said["bytes"].as_f64().unwrap_or(0.0) / MIB;
    let promised = Some(Promise::AtMost(300.0));
    Ok(vec![
        Row::one("backup, checked", whole.seconds, "s", None).with_rss(whole.rss),
        Row::one("backup size", size(&whole), "MiB", None),
        Row::one("backup again, incremental", more.seconds, "s", None).with_rss(more.rss),
        Row::one("backup again, size", size(&more), "MiB", None),
        Row::one("backup restored, verified", back.seconds, "s", promised).with_rss(back.rss),
    ])
}

struct Made {
    seconds: f64,
    rss: u64,
    said: serde_json::Value,
}

fn timed(words: &[&str]) -> anyhow::Result<Made> {
    let begun = Instant::now();
    let output = Child::output(words)?;
    let seconds = begun.elapsed().as_secs_f64();
    let said = serde_json::from_slice(&output.stdout).context("one JSON object")?;
    Ok(Made { seconds, rss: output.peak_rss_bytes, said })
}
