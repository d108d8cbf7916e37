//! The workshop: what a developer and CI run. `cargo xtask help` lists it.
//!
//! It builds without the product, so that it still works when the product does not.

mod fonts;
mod fuzz;
mod glossary;
mod licences;
mod machine;
mod release;
mod room;
mod run;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

const HELP: &str = "\
cargo xtask COMMAND

  dev             make a small demo zone under target/ and serve it on 127.0.0.1:8080
  check           format and lints, as CI checks them
  test [STEP…]    everything CI runs, in order, or the named steps only
  faults [--tier push|ci|soak] [--only NAME…]
                  break the program in every way there is here, and count what is left
  fuzz [TARGET [FILE…]] [--seconds N] [--keep]
                  look for inputs that fell a target, or replay a file; keep adds to its corpus
  tidy            the house rules that the compiler cannot see
  glossary        write docs/GLOSSARY.md from data/glossary.csv
  fonts [--check] make the papers' fonts from Debian's package, or hold them against it
  room NAME       lay out the files of a new room
  release         build the release program and pack it under target/release-pack/
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match command(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(words: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dev", rest @ ..] => release::dev(rest),
        ["check"] => test::check(),
        ["test", steps @ ..] => test::test(steps),
        ["faults", rest @ ..] => test::faults(rest),
        ["fuzz", rest @ ..] => fuzz::by_hand(rest),
        ["tidy"] => tidy::report(&root()),
        ["glossary"] => glossary::write(&root()),
        ["fonts"] => fonts::make(&root(), false),
        ["fonts", "--check"] => fonts::make(&root(), true),
        ["room", name] => room::lay_out(&root(), name),
        ["release"] => release::pack(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown: cargo xtask {}\n\n{HELP}", words.join(" ")),
    }
}

/// The folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo puts what it builds.
fn target() -> anyhow::Result<PathBuf> {
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    std::path::absolute(root().join(folder)).context("the target folder")
}
