//! The program as it is tried by its makers, and as it is given to others.

use std::process::Command;

use anyhow::Context;

use crate::{root, run, target};

/// Makes a small demo zone under the target folder, once, and serves it.
pub fn dev(rest: &[&str]) -> anyhow::Result<()> {
    let data = target()?.join("dev-zone");
    let verb: &[&str] = if data.exists() { &["serve"] } else { &["demo", "--households", "200"] };
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["run", "--package", "siji", "--"]).args(verb);
    run::shown(cargo.arg("--data").arg(&data).args(rest))
}

/// Builds the release program and packs it with the licence and the first pages to read.
pub fn pack() -> anyhow::Result<()> {
    run::shown(Command::new("cargo").current_dir(root()).args([
        "build",
        "--release",
        "--locked",
        "--package",
        "siji",
    ]))?;
    let target = target()?;
    let name = format!(
        "siji-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    let folder = target.join("release-pack").join(&name);
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(target.join("release/siji"), folder.join("siji")).context("the program")?;
    for page in ["LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "docs/OPERATING.md"] {
        let file = page.rsplit('/').next().unwrap_or(page);
        std::fs::copy(root().join(page), folder.join(file)).context(page)?;
    }
    let archive = target.join("release-pack").join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(target.join("release-pack")).arg("-czf").arg(&archive).arg(&name);
    run::shown(&mut tar)?;
    println!("{}", archive.display());
    Ok(())
}
