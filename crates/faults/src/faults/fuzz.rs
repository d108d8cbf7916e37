//! Parsers and use cases under libFuzzer, one row for each target of `crates/fuzz`. The targets are the
//! folders of its corpora; the program that drives them comes from `cargo xtask faults`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::Fault;
use crate::kit::{Kit, Need, Tier, fuzz_program};
use crate::table::Row;

/// One target.
pub struct Fuzz {
    /// As the table shows it: `fuzz` and the target's name.
    name: &'static str,
    is_planted: bool,
}

/// A target with a planted bug, which has no corpus of its own.
const PLANTED: &str = "fuzz planted";

/// A row for each corpus, and the planted bug, which must be found.
pub fn rows() -> Vec<Fuzz> {
    let entries = std::fs::read_dir(corpora()).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.map(|folder| format!("fuzz {}", folder.file_name().to_string_lossy()));
    let mut names: Vec<String> = names.chain([PLANTED.to_owned()]).collect();
    names.sort();
    // The table keeps them for as long as the program runs.
    let names = names.into_iter().map(|name| &*name.leak());
    names.map(|name| Fuzz { is_planted: name == PLANTED, name }).collect()
}

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// Where a crash is kept, from the repository's root.
const KEPT: &str = "out/fuzz";

impl Fuzz {
    fn target(&self) -> &'static str {
        self.name.trim_start_matches("fuzz ")
    }

    /// What libFuzzer made of it: its last words, and whether it ended well.
    fn drive(&self, kit: &Kit) -> anyhow::Result<(bool, String)> {
        let found = kit.path(self.name);
        std::fs::create_dir_all(&found)?;
        let kept = Path::new(KEPT).join(self.target());
        std::fs::create_dir_all(&kept)?;
        let mut fuzz = Command::new(fuzz_program().context("no program")?);
        fuzz.env("SIJI_FUZZ_TARGET", self.target()).env("RUST_BACKTRACE", "0").arg(&found);
        if Path::new("/dev/shm").is_dir() {
            fuzz.env("TMPDIR", "/dev/shm");
        }
        // The planted bug is in a reader of days.
        fuzz.arg(corpora().join(if self.is_planted { "day" } else { self.target() }));
        let seconds = self.times(kit.tier);
        fuzz.arg(format!("-max_total_time={seconds}")).arg(format!("-seed={}", kit.seed));
        fuzz.arg(format!("-artifact_prefix={}/", kept.display()));
        fuzz.arg(format!("-dict={}", corpora().join("../dictionary").display()));
        fuzz.args(["-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]);
        let said = fuzz.output()?;
        Ok((said.status.success(), String::from_utf8_lossy(&said.stderr).into_owned()))
    }
}

/// The number behind a word of libFuzzer's last lines.
fn number(said: &str, word: &str) -> Option<usize> {
    let (_, rest) = said.rsplit_once(word)?;
    rest.split_whitespace().next()?.parse().ok()
}

impl Fault for Fuzz {
    fn name(&self) -> &'static str {
        self.name
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Fuzz]
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(0, 60, 600)
    }
    fn must_be_red(&self) -> bool {
        self.is_planted
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let (is_well, said) = self.drive(kit)?;
        let fired = number(&said, "stat::number_of_executed_units:");
        let mut row = Row { fired: fired.unwrap_or(0), ..Row::default() };
        if is_well {
            let covered = number(&said, "cov: ").unwrap_or(0);
            row.note = format!("{covered} places reached");
            return Ok(row);
        }
        let (_, input) = said.rsplit_once("Test unit written to ").context(said.clone())?;
        let input = input.lines().next().unwrap_or_default().trim();
        ensure!(Path::new(input).is_file(), "it ended, and kept nothing: {said}");
        row.lost = 1;
        let why = said.split_once("panicked at ").map_or("", |(_, why)| why);
        let why: Vec<&str> = why.lines().take(2).collect();
        row.wrong.push(format!(
            "{}; again: cargo xtask fuzz {} {input}",
            why.join(" "),
            self.target()
        ));
        if self.is_planted {
            std::fs::remove_file(input)?;
        }
        Ok(row)
    }
}
