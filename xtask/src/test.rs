//! Everything CI runs, in order. Each step has a name and is timed; the first failure ends the run
//! and says how to run that step again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use cluster::Cluster;

use crate::machine::{self, Need};
use crate::run::{self, Runner, Tally};
use crate::{fonts, fuzz, licences, root, target};

/// One step of the run.
struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&mut Bench) -> anyhow::Result<()>,
}

/// What the steps share.
struct Bench {
    cluster: Option<Cluster>,
    tally: Tally,
    /// For logs, exports and screenshots; emptied at the start of a run.
    out: PathBuf,
}

const STEPS: &[Step] = &[
    Step { name: "format", about: "the code is formatted", needs: &[], run: format },
    Step { name: "licences", about: "of every dependency and font", needs: &[], run: licences },
    Step { name: "lint", about: "no warnings", needs: &[], run: lint },
    Step {
        name: "tests",
        about: "rules, stories on both databases, doors, tidiness; no snapshot without a test",
        needs: &[Need::Postgres],
        run: tests,
    },
    Step { name: "build", about: "the release program", needs: &[], run: build },
    Step {
        name: "demo",
        about: "the demo zone plays its months and verifies, on both databases",
        needs: &[Need::Postgres],
        run: demo,
    },
    Step {
        name: "books",
        about: "hledger and beancount agree with the exported ledger",
        needs: &[Need::Hledger, Need::Beancount],
        run: books,
    },
    Step {
        name: "log",
        about: "a posting log of 100,000 entries, read by Python; changed bits; 200 kills",
        needs: &[Need::Postgres, Need::Python],
        run: log,
    },
    Step {
        name: "screens",
        about: "the month in a real browser",
        needs: &[Need::Chromium, Need::Node, Need::Faketime, Need::ChineseFont, Need::Python],
        run: screens,
    },
    Step {
        name: "oidc",
        about: "signing in at a real OpenID provider, and every way in which that must fail",
        needs: &[Need::Node],
        run: oidc,
    },
    Step {
        name: "faults",
        about: "killed, torn, starved, with bits flipped: nothing acknowledged is lost or counted twice",
        needs: &[Need::Postgres, Need::Faketime, Need::CCompiler, Need::Xfs, Need::Fuse],
        run: faults_step,
    },
    Step {
        name: "hostile",
        about: "every operation asked with anything at all, as each role; sqlmap on the searches",
        needs: &[Need::Python, Need::Sqlmap],
        run: hostile,
    },
];

/// Runs all steps, or the named ones in their usual order.
pub fn test(names: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step is called {unknown}; there are: {}", known.join(" "));
    }
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect();
    let needs: Vec<Need> = chosen.iter().flat_map(|step| step.needs).copied().collect();
    machine::provide(&needs)?;
    let out = root().join("out");
    drop(std::fs::remove_dir_all(&out));
    std::fs::create_dir_all(&out)?;
    let mut bench = Bench { cluster: None, tally: Tally::default(), out };
    let result = walk(&chosen, &mut bench);
    drop(bench.cluster.take());
    if result.is_err() && bench.tally.failed == 0 {
        bench.tally.failed = 1;
    }
    println!("{}", bench.tally);
    result
}

/// Format and lints alone.
pub fn check() -> anyhow::Result<()> {
    test(&["format", "lint"])
}

fn walk(steps: &[&Step], bench: &mut Bench) -> anyhow::Result<()> {
    let start = Instant::now();
    for (at, step) in steps.iter().enumerate() {
        println!("\n── {}/{} {}: {}", at + 1, steps.len(), step.name, step.about);
        let since = Instant::now();
        let result = (step.run)(bench);
        let word = if result.is_ok() { "done" } else { "FAILED" };
        println!("── {} {word} in {}", step.name, run::took(since));
        result.with_context(|| {
            format!("{} failed; run it again with: cargo xtask test {}", step.name, step.name)
        })?;
    }
    println!("\nall {} steps done in {}\n", steps.len(), run::took(start));
    Ok(())
}

fn format(_: &mut Bench) -> anyhow::Result<()> {
    run::shown(cargo().args(["fmt", "--all", "--check"]))
}

fn licences(_: &mut Bench) -> anyhow::Result<()> {
    let read = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let metadata = run::captured(cargo().args(read))?;
    let count = licences::check(&metadata)?;
    fonts::check_licence(&root())?;
    println!("{count} dependencies");
    Ok(())
}

fn lint(_: &mut Bench) -> anyhow::Result<()> {
    run::shown(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tests(bench: &mut Bench) -> anyhow::Result<()> {
    let used = bench.out.join("snapshots-used");
    let mut cargo = cargo();
    let runner = if machine::on_path("cargo-nextest").is_some() {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow"]);
        Runner::Nextest
    } else {
        cargo.args(["test", "--workspace", "--no-fail-fast", "--quiet"]);
        Runner::Libtest
    };
    cargo
        .env(cluster::VARIABLE, bench.postgres()?)
        .env("INSTA_UPDATE", "no")
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", &used);
    let (tally, result) = run::counted(&mut cargo, runner);
    bench.tally += tally;
    result?;
    ensure!(tally.passed > 0, "no test ran");
    no_orphans(&used)
}

/// Every committed snapshot belongs to a test that has just looked at it.
fn no_orphans(used: &Path) -> anyhow::Result<()> {
    let used = std::fs::read_to_string(used).unwrap_or_default();
    let used: Vec<PathBuf> =
        used.lines().filter_map(|line| Path::new(line).canonicalize().ok()).collect();
    let listed = run::captured(
        Command::new("git").current_dir(root()).args(["ls-files", "-z", "--", "*.snap"]),
    )?;
    let orphans: Vec<&str> = listed
        .split_terminator('\0')
        .filter(|name| root().join(name).canonicalize().is_ok_and(|path| !used.contains(&path)))
        .collect();
    ensure!(orphans.is_empty(), "snapshots without a test:\n{}", orphans.join("\n"));
    Ok(())
}

fn build(_: &mut Bench) -> anyhow::Result<()> {
    run::shown(cargo().args(["build", "--release", "--package", "siji"]))
}

fn demo(bench: &mut Bench) -> anyhow::Result<()> {
    let data = bench.out.join("demo");
    let summary =
        run::captured(siji()?.args(["demo", "--no-serve", "--json", "--data"]).arg(&data))?;
    println!("{}", summary.trim());
    summary_is_whole(&summary)?;
    run::shown(siji()?.args(["verify", "--data"]).arg(&data))?;
    bench.tally.passed += 2;

    let url = bench.postgres()?;
    let keys = bench.out.join("siji.keys");
    let small = ["demo", "--no-serve", "--json", "--households", "60", "--months", "2"];
    run::captured(siji()?.args(small).args(["--database", &url, "--keys"]).arg(&keys))?;
    run::shown(siji()?.args(["verify", "--database", &url, "--keys"]).arg(&keys))?;
    bench.tally.passed += 2;
    Ok(())
}

/// The summary is one JSON object with the promised members, and its points add up.
fn summary_is_whole(summary: &str) -> anyhow::Result<()> {
    let summary: serde_json::Value = serde_json::from_str(summary).context("the demo's summary")?;
    for member in ["households", "persons", "sheets", "batches", "points", "seconds"] {
        ensure!(!summary[member].is_null(), "the demo's summary has no `{member}`");
    }
    let points = |name: &str| summary["points"][name].as_i64().unwrap_or(0);
    ensure!(points("redeemed") > 0, "the demo redeemed no points");
    ensure!(
        points("credited") == points("redeemed") + points("outstanding"),
        "the demo's points do not add up"
    );
    ensure!(summary["peak_rss_bytes"].is_u64(), "the demo's summary has no `peak_rss_bytes`");
    Ok(())
}

fn books(bench: &mut Bench) -> anyhow::Result<()> {
    let data = bench.out.join("demo");
    if !data.exists() {
        run::captured(siji()?.args(["demo", "--no-serve", "--json", "--data"]).arg(&data))?;
    }
    let journal = bench.out.join("ledger.journal");
    let beans = bench.out.join("ledger.beancount");
    for (format, file) in [("hledger", &journal), ("beancount", &beans)] {
        let text = run::captured(
            siji()?.args(["export", "ledger", "--format", format, "--data"]).arg(&data),
        )?;
        std::fs::write(file, text)?;
    }
    run::shown(Command::new("hledger").arg("--file").arg(&journal).arg("check"))?;
    run::shown(Command::new("bean-check").arg(&beans))?;
    bench.tally.passed += 2;
    Ok(())
}

/// The posting log in full, with optimisation: what the tests do in small, and what another program
/// says of it.
fn log(bench: &mut Bench) -> anyhow::Result<()> {
    let tests = |package: &str, filter: &str| {
        let mut cargo = cargo();
        cargo.args(["test", "--release", "--quiet", "--package", package, filter, "--"]);
        cargo
    };
    let url = bench.postgres()?;
    let (large, small) = (bench.out.join("log-large"), bench.out.join("log-small"));
    let mut runs = vec![tests("siji-domain", "posting::log")];
    let mut killed = tests("siji-store", "a_served_checkpoint_outlives_every_kill");
    killed.env("SIJI_LOG_KILLS", "200").arg("--nocapture");
    runs.push(killed);
    for (folder, size) in [(&large, "100000"), (&small, "300")] {
        let mut made = tests("siji-store", "makes_a_large_log");
        made.env("SIJI_LOG_FOLDER", folder).env("SIJI_LOG_SIZE", size).arg("--ignored");
        runs.push(made);
    }
    for mut cargo in runs {
        cargo.env(cluster::VARIABLE, &url).env("INSTA_UPDATE", "no");
        let (tally, result) = run::counted(&mut cargo, Runner::Libtest);
        bench.tally += tally;
        result?;
    }
    let read = root().join("tests/log/run.py");
    run::shown(Command::new("python3").arg(read).args([&large, &small]).arg("10000"))?;
    bench.tally.passed += 5;
    Ok(())
}

fn screens(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = root().join("tests/screens");
    packages(&folder)?;
    let chromium = machine::chromium().context("Chromium")?;
    let clock = machine::libfaketime().context("libfaketime")?;
    let (tally, result) = run::counted(
        Command::new("node")
            .current_dir(&folder)
            .arg("run.mjs")
            .env("SIJI", target()?.join("release/siji"))
            .env("CHROMIUM", chromium)
            .env("LIBFAKETIME", clock)
            .env("OUT", bench.out.join("screens")),
        Runner::Plain,
    );
    bench.tally += tally;
    result?;
    ensure!(tally.passed > 0, "no screen was tested");
    Ok(())
}

/// Node's packages, exactly those of the folder's lock.
fn packages(folder: &Path) -> anyhow::Result<()> {
    let install = ["ci", "--no-audit", "--no-fund", "--quiet"];
    run::shown(Command::new("npm").current_dir(folder).args(install))
}

fn oidc(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = root().join("tests/oidc");
    packages(&folder)?;
    let (tally, result) = run::counted(
        Command::new("node").current_dir(&folder).arg("run.mjs").env("SIJI", program()?),
        Runner::Plain,
    );
    bench.tally += tally;
    result?;
    ensure!(tally.passed > 0, "nobody signed in");
    Ok(())
}

/// The release program, or the one that SIJI names.
fn program() -> anyhow::Result<PathBuf> {
    Ok(std::env::var_os("SIJI").map_or(target()?.join("release/siji"), PathBuf::from))
}

/// SIJI_EXAMPLES sets how many examples each operation gets; 200 before a release.
fn hostile(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = root().join("tests/hostile");
    let python = python(&folder.join("requirements.txt"))?;
    let (tally, result) = run::counted(
        Command::new(python)
            .current_dir(&folder)
            .arg("run.py")
            .env("SIJI", program()?)
            .env("OUT", bench.out.join("hostile")),
        Runner::Plain,
    );
    bench.tally += tally;
    result?;
    ensure!(tally.passed > 0, "nothing was asked");
    Ok(())
}

fn faults_step(bench: &mut Bench) -> anyhow::Result<()> {
    let (tally, result) = run::counted(&mut kit(&["--tier", "push"], &program()?)?, Runner::Plain);
    bench.tally += tally;
    result?;
    ensure!(tally.passed > 0, "nothing was broken");
    Ok(())
}

/// The fault kit by hand: `cargo xtask faults --tier ci`. What it needs is installed where that may
/// be; what cannot be had is skipped by name.
pub fn faults(words: &[&str]) -> anyhow::Result<()> {
    let needs = [Need::Postgres, Need::Faketime, Need::Xfs, Need::Fuse, Need::CCompiler];
    if let Err(error) = machine::provide(&needs) {
        println!("{error:#}");
    }
    if std::env::var_os("SIJI").is_none() {
        run::shown(cargo().args(["build", "--release", "--package", "siji"]))?;
    }
    let program = program()?;
    // The sabotage is in no release: only a build with debug assertions can have it.
    run::shown(cargo().args(["build", "--package", "siji", "--features", "sabotage"]))?;
    let sabotaged = target()?.join("faults/siji-sabotaged");
    std::fs::create_dir_all(target()?.join("faults"))?;
    std::fs::copy(target()?.join("debug/siji"), &sabotaged)?;
    let mut kit = kit(words, &program)?;
    kit.env("SIJI_SABOTAGE", sabotaged);
    // The targets are built for the tiers that drive them; the others replay their corpora as tests.
    if words.windows(2).any(|w| matches!(w, ["--tier", "ci" | "soak"])) {
        match fuzz::build() {
            Ok(targets) => drop(kit.env("SIJI_FUZZ", targets)),
            Err(error) => println!("{error:#}"),
        }
    }
    run::shown(&mut kit)
}

/// The kit over this program.
fn kit(words: &[&str], program: &Path) -> anyhow::Result<Command> {
    run::shown(cargo().args(["build", "--package", "siji-faults"]))?;
    let mut kit = Command::new(target()?.join("debug/faults"));
    kit.current_dir(root()).args(words).env("SIJI", program);
    Ok(kit)
}

/// A Python of our own under target/, with exactly these packages.
fn python(requirements: &Path) -> anyhow::Result<PathBuf> {
    let folder = target()?.join("python");
    let python = folder.join("bin/python");
    if !python.exists() {
        run::shown(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run::shown(Command::new(&python).args(install).arg(requirements))?;
    Ok(python)
}

impl Bench {
    /// The run's own PostgreSQL, started when first asked for.
    fn postgres(&mut self) -> anyhow::Result<String> {
        if self.cluster.is_none() {
            self.cluster = Some(Cluster::start()?);
        }
        self.cluster.as_ref().map(Cluster::url).context("a cluster")
    }
}

pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

fn siji() -> anyhow::Result<Command> {
    let mut siji = Command::new(target()?.join("release/siji"));
    siji.current_dir(root()).env_remove("SIJI_LOG");
    Ok(siji)
}
