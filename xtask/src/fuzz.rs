//! The fuzz targets of `crates/fuzz` under libFuzzer: one program for all of them, built by a stable
//! rustc with libFuzzer's counters in our own crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::machine::{self, Need};
use crate::{root, run, target, test};

/// What a corpus may hold; a test of `crates/fuzz` asks for the same.
const FILES_MAX: usize = 40;
const BYTES_MAX: u64 = 200_000;

/// Builds it, where there is a C++ compiler for libFuzzer.
pub fn build() -> anyhow::Result<PathBuf> {
    machine::provide(&[Need::CppCompiler])?;
    let mut cargo = test::cargo();
    cargo.args(["build", "--release", "--package", "siji-fuzz", "--features", "libfuzzer"]);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", root().join("crates/fuzz/src/rustc.sh"));
    run::shown(&mut cargo)?;
    Ok(target()?.join("release/fuzz"))
}

struct Words<'w> {
    target: Option<&'w str>,
    files: Vec<&'w str>,
    seconds: u32,
    keep: bool,
}

/// `fuzz [TARGET [FILE…]] [--seconds N] [--keep]`: all targets in turn, or one; files are replayed.
pub fn by_hand(words: &[&str]) -> anyhow::Result<()> {
    let mut asked = Words { target: None, files: Vec::new(), seconds: 60, keep: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seconds" => {
                let seconds = words.next().and_then(|n| n.parse().ok());
                asked.seconds = seconds.context("--seconds wants a number")?;
            }
            "--keep" => asked.keep = true,
            name if asked.target.is_none() => asked.target = Some(name),
            file => asked.files.push(file),
        }
    }
    let all = targets()?;
    let chosen: Vec<&String> =
        all.iter().filter(|name| asked.target.is_none_or(|target| target == **name)).collect();
    if chosen.is_empty() {
        bail!("no such target; there are: {}", all.join(" "));
    }
    let program = build()?;
    let mut fallen = Vec::new();
    for target in chosen {
        println!("── {target}");
        if !drive(&program, target, &asked)? {
            fallen.push(target.as_str());
        }
    }
    ensure!(fallen.is_empty(), "fallen: {}", fallen.join(" "));
    Ok(())
}

/// Every target has a folder of its name.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(corpora())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn corpora() -> PathBuf {
    root().join("crates/fuzz/corpus")
}

/// Did it stand?
fn drive(program: &Path, target: &str, asked: &Words<'_>) -> anyhow::Result<bool> {
    let (corpus, found) = (corpora().join(target), crate::target()?.join("fuzz").join(target));
    let kept = root().join("out/fuzz").join(target);
    std::fs::create_dir_all(&found)?;
    std::fs::create_dir_all(&kept)?;
    let start = || {
        let mut fuzz = Command::new(program);
        fuzz.current_dir(root()).env("SIJI_FUZZ_TARGET", target);
        if Path::new("/dev/shm").is_dir() {
            fuzz.env("TMPDIR", "/dev/shm");
        }
        fuzz.args(["-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]);
        fuzz.arg(format!("-artifact_prefix={}/", kept.display()));
        fuzz.arg(format!("-dict={}", root().join("crates/fuzz/dictionary").display()));
        fuzz
    };
    if !asked.files.is_empty() {
        return Ok(start().args(&asked.files).status()?.success());
    }
    let mut fuzz = start();
    fuzz.args(["-print_final_stats=1", "-verbosity=1"]).args([&found, &corpus]);
    if !fuzz.arg(format!("-max_total_time={}", asked.seconds)).status()?.success() {
        return Ok(false);
    }
    if asked.keep {
        // What was found before is weighed anew, with what is found now.
        for (_, input) in inputs(&corpus)?.iter().filter(|(_, input)| is_found(input)) {
            std::fs::rename(input, found.join(input.file_name().unwrap_or_default()))?;
        }
        run::shown(start().arg("-set_cover_merge=1").args([&corpus, &found]))?;
        trim(&corpus)?;
    }
    Ok(true)
}

/// By size.
fn inputs(corpus: &Path) -> anyhow::Result<Vec<(u64, PathBuf)>> {
    let mut inputs = Vec::new();
    for input in std::fs::read_dir(corpus)? {
        let input = input?;
        inputs.push((input.metadata()?.len(), input.path()));
    }
    inputs.sort();
    Ok(inputs)
}

/// libFuzzer names an input by its digest, people by what it is.
fn is_found(input: &Path) -> bool {
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Too many: the smallest go, which say least. Too much: the largest go.
fn trim(corpus: &Path) -> anyhow::Result<()> {
    let mut inputs = inputs(corpus)?;
    loop {
        let mut found = (0..inputs.len()).filter(|n| is_found(&inputs[*n].1));
        let goes = if inputs.len() > FILES_MAX {
            found.next()
        } else if inputs.iter().map(|(size, _)| size).sum::<u64>() > BYTES_MAX {
            found.next_back()
        } else {
            None
        };
        let Some(place) = goes else { return Ok(()) };
        std::fs::remove_file(inputs.remove(place).1)?;
    }
}
