//! What all faults share: the program, the zones that are played once, how much is asked of them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

use crate::rig::Rig;
use crate::server::{Place, Start};
use crate::zone::{When, Zone};

/// Faults that run at once: as many as a small machine has cores.
pub const LANES: usize = 2;

/// No fault more often than this, for a short look at one of them (`--most`).
pub static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    Push,
    Ci,
    Soak,
}

impl Tier {
    pub fn of(word: &str) -> Option<Tier> {
        match word {
            "push" => Some(Tier::Push),
            "ci" => Some(Tier::Ci),
            "soak" => Some(Tier::Soak),
            _ => None,
        }
    }

    /// This many times on a push, in CI, by hand before a release.
    pub fn of_three(self, push: usize, ci: usize, soak: usize) -> usize {
        let times = match self {
            Tier::Push => push,
            Tier::Ci => ci,
            Tier::Soak => soak,
        };
        times.min(MOST.load(Ordering::Relaxed))
    }
}

/// What a fault cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Root,
    Loop,
    Xfs,
    XfsIo,
    Fuse,
    CCompiler,
    Faketime,
    Memory,
    Postgres,
    Sabotage,
    Fuzz,
}

impl Need {
    pub fn words(self) -> &'static str {
        match self {
            Need::Root => "root",
            Need::Loop => "loop devices (/dev/loop-control, losetup, mount)",
            Need::Xfs => "mkfs.xfs (package xfsprogs)",
            Need::XfsIo => "xfs_io (package xfsprogs)",
            Need::Fuse => "/dev/fuse and fusermount3 (package fuse3)",
            Need::CCompiler => "a C compiler (package gcc)",
            Need::Faketime => "libfaketime (package faketime)",
            Need::Memory => "a memory cgroup that may be written to",
            Need::Postgres => "PostgreSQL's server programs (package postgresql)",
            Need::Sabotage => "a program built with `sabotage` (SIJI_SABOTAGE)",
            Need::Fuzz => {
                "the fuzz targets (SIJI_FUZZ), for which there is no C++ compiler (package g++)"
            }
        }
    }

    pub fn is_met(self) -> bool {
        let there = |path: &str| Path::new(path).exists();
        match self {
            Need::Root => is_root(),
            Need::Loop => there("/dev/loop-control") && on_path("losetup") && on_path("mkfs.ext4"),
            Need::Xfs => on_path("mkfs.xfs"),
            Need::XfsIo => on_path("xfs_io"),
            Need::Fuse => there("/dev/fuse") && on_path("fusermount3"),
            Need::CCompiler => on_path("cc"),
            Need::Faketime => libfaketime().is_some(),
            Need::Memory => is_root() && there("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            Need::Postgres => cluster::programs().is_ok(),
            Need::Sabotage => sabotaged().is_some(),
            Need::Fuzz => fuzz_program().is_some(),
        }
    }
}

fn is_root() -> bool {
    let asked = std::process::Command::new("id").arg("-u").output();
    asked.is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).any(|folder| folder.join(name).is_file())
}

/// The library that gives a program another clock.
pub fn libfaketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .chain(std::iter::once(PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")))
        .find(|file| file.is_file())
}

fn sabotaged() -> Option<PathBuf> {
    named("SIJI_SABOTAGE")
}

/// All fuzz targets in one program, with libFuzzer.
pub fn fuzz_program() -> Option<PathBuf> {
    named("SIJI_FUZZ")
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file())
}

pub struct Kit {
    pub tier: Tier,
    pub seed: u64,
    pub start: Start,
    folder: tempfile::TempDir,
    now: OnceLock<Zone>,
    long_ago: OnceLock<Zone>,
}

impl Kit {
    pub fn set_up(tier: Tier, seed: u64, keep: bool) -> anyhow::Result<Kit> {
        let program = std::env::var_os("SIJI").context("SIJI names the program")?;
        let start = Start::of(program);
        let mut folder = tempfile::Builder::new().prefix("siji-faults-").tempdir()?;
        if keep {
            folder.disable_cleanup(true);
            println!("kept in {}", folder.path().display());
        }
        let kit =
            Kit { tier, seed, start, folder, now: OnceLock::new(), long_ago: OnceLock::new() };
        let now = Zone::play(&kit.start, Place::Folder(kit.path("now")), When::Now, None)?;
        let clock = libfaketime();
        // Without another clock there is no month to certify, and the table says so.
        if clock.is_some() {
            let place = Place::Folder(kit.path("long-ago"));
            let zone = Zone::play(&kit.start, place, When::LongAgo, clock.as_deref())?;
            let _ = kit.long_ago.set(zone);
        }
        let _ = kit.now.set(now);
        Ok(kit)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The zone that is most worked in.
    pub fn zone(&self) -> anyhow::Result<&Zone> {
        self.now.get().context("no zone")
    }

    /// The zones in turn: one where the store stands, one where months are certified.
    pub fn zone_of(&self, turn: usize) -> anyhow::Result<&Zone> {
        match self.long_ago.get() {
            Some(zone) if turn % 3 == 2 => Ok(zone),
            _ => self.zone(),
        }
    }

    /// The program with `synchronous` as a sabotage sets it.
    pub fn sabotaged(&self, synchronous: &str) -> anyhow::Result<Start> {
        let program = sabotaged().context("no sabotaged program")?;
        Ok(Start::of(program).with("SIJI_SABOTAGE_SYNCHRONOUS", synchronous))
    }

    /// A rig over a copy of the zone in a folder of this name.
    pub fn rig<'a>(&self, name: &str, start: &Start, zone: &'a Zone) -> anyhow::Result<Rig<'a>> {
        let place = zone.copy(&self.path(&format!("{name}/zone")))?;
        let seed = self.seed ^ name.bytes().fold(0, |h: u64, b| h.wrapping_mul(31) + u64::from(b));
        Rig::new(start, zone, place, &self.path(name), seed)
    }
}
