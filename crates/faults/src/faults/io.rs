//! The Nth write, flush, truncation or read of the zone's files fails, for N from one until none
//! fires any more, through one scripted day.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Fault;
use crate::check;
use crate::dice::Dice;
use crate::drive::ask;
use crate::kit::{Kit, Need, Tier};
use crate::server::{NotServing, Server};
use crate::table::Row;

/// One walk: a kind of call, a file, an error.
pub struct Walk {
    name: &'static str,
    op: &'static str,
    file: &'static str,
    /// 0: short.
    errno: i32,
    /// Every later call fails too.
    always: bool,
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

const fn walk(name: &'static str, op: &'static str, file: &'static str, errno: i32) -> Walk {
    Walk { name, op, file, errno, always: false }
}

const fn stays(name: &'static str, op: &'static str, file: &'static str, errno: i32) -> Walk {
    Walk { name, op, file, errno, always: true }
}

const LOG: &str = "siji.db-wal";
const ANY: &str = "siji.db";

pub const WALKS: [Walk; 14] = [
    walk("nth write fails (EIO)", "write", ANY, EIO),
    walk("nth write: no space", "write", ANY, ENOSPC),
    walk("nth write is short", "write", ANY, 0),
    stays("from the nth write on, EIO", "write", ANY, EIO),
    stays("from the nth write on, no space", "write", ANY, ENOSPC),
    stays("from the nth write on, short", "write", ANY, 0),
    walk("nth flush fails (EIO)", "sync", ANY, EIO),
    walk("nth flush: no space", "sync", ANY, ENOSPC),
    stays("from the nth flush on, EIO", "sync", ANY, EIO),
    walk("nth truncation fails (EIO)", "truncate", ANY, EIO),
    walk("nth read fails (EIO)", "read", ANY, EIO),
    walk("nth read is short", "read", ANY, 0),
    stays("from the nth read on, EIO", "read", ANY, EIO),
    walk("nth read of the log fails (EIO)", "read", LOG, EIO),
];

/// The shim, compiled once.
pub fn shim(kit: &Kit) -> anyhow::Result<PathBuf> {
    let (source, made) = (kit.path("io_fault.c"), kit.path("io_fault.so"));
    if !made.exists() {
        std::fs::write(&source, include_str!("../io_fault.c"))?;
        let half = kit.path(&format!("io_fault.{:?}", std::thread::current().id()));
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&half).arg(&source).arg("-ldl");
        ensure!(cc.status()?.success(), "the shim was not compiled");
        std::fs::rename(half, &made)?;
    }
    Ok(made)
}

impl Fault for Walk {
    fn name(&self) -> &'static str {
        self.name
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::CCompiler]
    }
    /// At most; the walk ends when none fires.
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(4, 400, 5_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let shim = shim(kit)?;
        let (zone, mut total) = (kit.zone()?, Row::default());
        // On a push a few calls spread over the day, otherwise every one.
        let step = kit.tier.of_three(9, 1, 1);
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        for turn in 0..self.times(kit.tier) {
            let nth = 1 + turn * step;
            let mut rig = kit.rig(&name, &kit.start, zone)?;
            let mark = kit.path(&format!("{name}/mark"));
            let _ = std::fs::remove_file(&mark);
            let straight = rig.start.clone();
            rig.start = straight
                .clone()
                .with("LD_PRELOAD", shim.display())
                .with("IOF_FILE", self.file)
                .with("IOF_OP", self.op)
                .with("IOF_NTH", nth)
                .with("IOF_ERRNO", self.errno)
                .with("IOF_MARK", mark.display());
            if self.always {
                rig.start = rig.start.with("IOF_ALWAYS", "1");
            }
            let said = a_day(&mut rig)?;
            rig.row.wrong.extend(check::panicked(&said));
            let has_fired = mark.exists();
            rig.row.fired = usize::from(has_fired);
            rig.start = straight;
            rig.up()?;
            rig.check()?;
            rig.kill()?;
            if !rig.row.is_green() {
                let wrong = rig.row.wrong.iter_mut();
                wrong.for_each(|wrong| wrong.push_str(&format!(" (n = {nth})")));
            }
            total.add(rig.end());
            if !has_fired {
                total.note = format!("walked to the end at {nth}");
                return Ok(total);
            }
        }
        total.note = "not walked to the end".into();
        Ok(total)
    }
}

/// The scripted day, under the fault; what the server said. It may refuse to start, answer that it
/// cannot, or end: but in order.
fn a_day(rig: &mut crate::rig::Rig) -> anyhow::Result<String> {
    let server = match Server::begin(&rig.start, &rig.place) {
        Ok(server) => server,
        Err(error) => {
            return match error.downcast::<NotServing>() {
                Ok(not) => Ok(not.said),
                Err(error) => Err(error),
            };
        }
    };
    let mut server = server;
    let begun = Instant::now();
    for entry in rig.cast.day(&mut Dice::new(4711)) {
        let answered = ask(server.at, &rig.journal, entry);
        if answered.is_none() && server.has_ended() {
            break;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            rig.row.wrong.push("the day did not end".into());
            break;
        }
    }
    if server.has_ended() { server.kill() } else { server.stop() }
}
