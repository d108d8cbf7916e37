//! What the tests need on the machine, and how it comes there: from Debian's or Ubuntu's packages
//! when it is missing and we may install, otherwise by asking for it by name.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::run;

/// A thing that must be on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Postgres,
    Chromium,
    Node,
    Hledger,
    Beancount,
    Faketime,
    ChineseFont,
    Python,
    Sqlmap,
    Xfs,
    Fuse,
    CCompiler,
    CppCompiler,
}

impl Need {
    fn packages(self) -> &'static [&'static str] {
        match self {
            Need::Postgres => &["postgresql"],
            Need::Chromium => &["chromium"],
            Need::Node => &["nodejs", "npm"],
            Need::Hledger => &["hledger"],
            Need::Beancount => &["beancount"],
            Need::Faketime => &["faketime"],
            Need::ChineseFont => &["fonts-noto-cjk"],
            Need::Python => &["python3-venv"],
            Need::Sqlmap => &["sqlmap"],
            Need::Xfs => &["xfsprogs"],
            Need::Fuse => &["fuse3"],
            Need::CCompiler => &["gcc", "libc6-dev"],
            Need::CppCompiler => &["g++"],
        }
    }

    fn is_met(self) -> bool {
        match self {
            Need::Postgres => cluster::programs().is_ok(),
            Need::Chromium => chromium().is_some(),
            Need::Node => on_path("node").is_some() && on_path("npm").is_some(),
            Need::Hledger => on_path("hledger").is_some(),
            Need::Beancount => on_path("bean-check").is_some(),
            Need::Faketime => libfaketime().is_some(),
            Need::ChineseFont => has_chinese_font(),
            Need::Python => has_python_with_venv(),
            Need::Sqlmap => on_path("sqlmap").is_some(),
            Need::Xfs => on_path("mkfs.xfs").is_some() || Path::new("/sbin/mkfs.xfs").is_file(),
            Need::Fuse => on_path("fusermount3").is_some(),
            Need::CCompiler => on_path("cc").is_some(),
            Need::CppCompiler => on_path("c++").is_some(),
        }
    }
}

/// Installing starts no service: the tests run servers of their own.
const INSTALL: &str = r#"
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
"#;

/// Sees to it that all of `needs` are there, or says which packages to install.
pub fn provide(needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages()).copied().collect();
    let Some(mut installer) = installer() else {
        bail!("missing on this machine; please install: {}", packages.join(" "));
    };
    println!("installing {}", packages.join(" "));
    run::shown(installer.args(["sh", "-c", INSTALL, "install"]).args(&packages))
        .with_context(|| format!("please install by hand: {}", packages.join(" ")))?;
    match missing.into_iter().find(|need| !need.is_met()) {
        Some(need) => bail!("still missing after installing its packages: {need:?}"),
        None => Ok(()),
    }
}

/// A program on the PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The browser for the screen tests.
pub fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)
}

/// The library that gives a program another clock.
pub fn libfaketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .chain(std::iter::once(PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")))
        .find(|file| file.is_file())
}

fn has_chinese_font() -> bool {
    let listed = Command::new("fc-list").args([":lang=zh-cn", "family"]).output();
    listed.is_ok_and(|output| !output.stdout.trim_ascii().is_empty())
        || Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").is_file()
}

fn has_python_with_venv() -> bool {
    let asked = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// A command under which packages may be installed, if we may.
fn installer() -> Option<Command> {
    on_path("apt-get")?;
    let user = Command::new("id").arg("-u").output().ok()?;
    if user.stdout.trim_ascii() == b"0" {
        return Some(Command::new("env"));
    }
    on_path("sudo")?;
    let allowed = Command::new("sudo").args(["-n", "true"]).output().ok()?.status.success();
    allowed.then(|| {
        let mut sudo = Command::new("sudo");
        sudo.arg("-n");
        sudo
    })
}
