//! A backup of the large zone, the next one on top of it, and the zone restored from both.

use std::time::Instant;

use anyhow::Context;

use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};
use super::{MIB, large};
use crate::zone::Zone;

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let zone = large::zone(ground)?;
    let backups = ground.folder().join("backups");
    let _ = std::fs::remove_dir_all(&backups);
    std::fs::create_dir_all(&backups)?;
    let to = backups.to_string_lossy();
    let whole = timed(&["backup", &to, "--json"], &zone)?;
    // PostgreSQL hands out each table whole, every time.
    let more = match ground.is_sqlite() {
        true => Some(timed(&["backup", &to, "--json", "--incremental"], &zone)?),
        false => None,
    };
    let newest = more.as_ref().unwrap_or(&whole);
    let restored = ground.empty_zone("restored")?;
    std::fs::copy(zone.key_file(), restored.key_file())?;
    let file = newest.said["file"].as_str().context("a file")?;
    let back = timed(&["restore", file, "--json"], &restored)?;
    let size = |made: &Made| made.said["bytes"].as_f64().unwrap_or(0.0) / MIB;
    let promised = Some(Promise::AtMost(300.0));
    let mut rows = vec![
        Row::one("backup, checked", whole.seconds, "s", None).with_rss(whole.rss),
        Row::one("backup size", size(&whole), "MiB", None),
    ];
    if let Some(more) = &more {
        rows.push(
            Row::one("backup again, incremental", more.seconds, "s", None).with_rss(more.rss),
        );
        rows.push(Row::one("backup again, size", size(more), "MiB", None));
    }
    rows.push(
        Row::one("backup restored, verified", back.seconds, "s", promised).with_rss(back.rss),
    );
    Ok(rows)
}

struct Made {
    seconds: f64,
    rss: u64,
    said: serde_json::Value,
}

fn timed(words: &[&str], zone: &Zone) -> anyhow::Result<Made> {
    let begun = Instant::now();
    let output = Child::output(words, zone)?;
    let seconds = begun.elapsed().as_secs_f64();
    let said = serde_json::from_slice(&output.stdout).context("one JSON object")?;
    Ok(Made { seconds, rss: output.peak_rss_bytes, said })
}
