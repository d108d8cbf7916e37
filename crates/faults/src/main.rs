//! The fault kit. `cargo xtask faults` builds the program and starts this, which starts the program
//! again and again, breaks it in every way that can be had on this machine, and counts what is left.

mod base;
mod block;
mod check;
mod dice;
mod disk;
mod drive;
mod faults;
mod http;
mod journal;
mod kit;
mod rig;
mod server;
mod table;
mod zone;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, bail};

use faults::{FAULTS, Fault};
use kit::{Kit, Tier};
use table::{Line, Outcome};

const HELP: &str = "faults [--tier push|ci|soak] [--seed N] [--most N] [--keep] [--only NAME…]";

struct Words {
    tier: Tier,
    seed: u64,
    only: Vec<String>,
    keep: bool,
}

fn words() -> anyhow::Result<Words> {
    let mut asked = Words { tier: Tier::Push, seed: 0, only: Vec::new(), keep: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--tier" => asked.tier = words.next().as_deref().and_then(Tier::of).context(HELP)?,
            "--seed" => asked.seed = words.next().and_then(|n| n.parse().ok()).context(HELP)?,
            "--most" => {
                let most = words.next().and_then(|n| n.parse().ok()).context(HELP)?;
                kit::MOST.store(most, Ordering::Relaxed);
            }
            "--keep" => asked.keep = true,
            "--only" => asked.only.extend(words.by_ref()),
            _ => bail!(HELP),
        }
    }
    if asked.seed == 0 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        asked.seed = since.as_secs() % 1_000_000;
    }
    Ok(asked)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<bool> {
    let words = words()?;
    println!("seed {}", words.seed);
    let kit = Kit::set_up(words.tier, words.seed, words.keep)?;
    let wanted = |fault: &&dyn Fault| {
        let is_named = words.only.iter().any(|name| fault.name().contains(name.as_str()));
        (words.only.is_empty() || is_named) && fault.times(words.tier) > 0
    };
    let targets = faults::fuzz::rows();
    let targets = targets.iter().map(|target| target as &dyn Fault);
    let chosen: Vec<&dyn Fault> = FAULTS.iter().copied().chain(targets).filter(wanted).collect();
    let waiting = Mutex::new((0..chosen.len()).rev().collect::<Vec<usize>>());
    let lines = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..kit::LANES {
            scope.spawn(|| {
                while let Some(number) = waiting.lock().ok().and_then(|mut w| w.pop()) {
                    let line = one(&kit, chosen[number]);
                    println!("{:>6.0} s  {}", line.seconds, line.name);
                    if let Ok(mut lines) = lines.lock() {
                        lines.push((number, line));
                    }
                }
            });
        }
    });
    let mut lines = lines.into_inner().unwrap_or_default();
    lines.sort_by_key(|(number, _)| *number);
    let lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    table::print(&lines);
    let failed = lines.iter().filter(|line| !line.is_kept()).count();
    println!("\n{} passed, {failed} failed", lines.len() - failed);
    Ok(failed == 0)
}

fn one(kit: &Kit, fault: &dyn Fault) -> Line {
    let begun = Instant::now();
    let missing: Vec<&str> =
        fault.needs().iter().filter(|need| !need.is_met()).map(|need| need.words()).collect();
    let outcome = if missing.is_empty() {
        match fault.run(kit) {
            Ok(row) => Outcome::Ran(row),
            Err(error) => Outcome::Broke(format!("{error:#}")),
        }
    } else {
        Outcome::Skipped(missing.join(", "))
    };
    let seconds = begun.elapsed().as_secs_f64();
    Line { name: fault.name(), seconds, must_be_red: fault.must_be_red(), outcome }
}
