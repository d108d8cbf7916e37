//! PostgreSQL is killed, stopped in the midst of it, or has no free place. The server stays up,
//! answers 503 meanwhile, and goes on by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cluster::Cluster;

use super::Fault;
use crate::dice::Dice;
use crate::http::Asked;
use crate::kit::{Kit, Need, Tier};
use crate::rig::Rig;
use crate::server::{Place, signal};
use crate::table::Row;
use crate::zone::{When, Zone};

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// kill -9 of one connection's process: PostgreSQL restarts all of them.
    Backend,
    Postmaster,
    /// SIGQUIT: stops at once, without a checkpoint.
    Immediate,
    /// Somebody else takes every place.
    Full,
}

pub struct Killed {
    name: &'static str,
    how: How,
}

pub const BACKEND: Killed = Killed { name: "PostgreSQL: backend killed", how: How::Backend };
pub const POSTMASTER: Killed =
    Killed { name: "PostgreSQL: postmaster killed", how: How::Postmaster };
pub const IMMEDIATE: Killed = Killed { name: "PostgreSQL: immediate stop", how: How::Immediate };
pub const FULL: Killed = Killed { name: "PostgreSQL: no free connection", how: How::Full };

impl Fault for Killed {
    fn name(&self) -> &'static str {
        self.name
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Postgres]
    }
    fn times(&self, tier: Tier) -> usize {
        match self.how {
            How::Backend => tier.of_three(3, 50, 400),
            How::Postmaster => tier.of_three(1, 30, 300),
            How::Immediate => tier.of_three(1, 30, 300),
            How::Full => tier.of_three(1, 10, 100),
        }
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let cluster = Cluster::start_supervised()?;
        let folder = kit.path(&format!("postgres-{}", self.how as u8));
        std::fs::create_dir_all(&folder)?;
        let place =
            Place::Postgres(format!("{}?schema=zone", cluster.url()), folder.join("siji.keys"));
        let zone = Zone::play(&kit.start, place.clone(), When::Now, None)?;
        let mut rig = Rig::new(&kit.start, &zone, place, &folder, kit.seed ^ self.how as u64)?;
        rig.up()?;
        rig.row.recovery.clear();
        for turn in 0..self.times(kit.tier) {
            let long = Duration::from_millis(20 + rig.dice.below(150) as u64);
            let mut dice = Dice::new(rig.dice.next());
            let mut since = Instant::now();
            rig.work(long, |server, _| {
                since = Instant::now();
                let held = self.strike(&cluster, &mut dice)?;
                std::thread::sleep(Duration::from_millis(100));
                ensure!(!server.has_ended(), "the server went with the database");
                drop(held);
                Ok(())
            })?;
            rig.row.fired += 1;
            cluster.wait_until_ready()?;
            let at = rig.at()?;
            while Asked::get("/readyz", "").send(at)?.status != 200 {
                ensure!(since.elapsed() < Duration::from_secs(60), "not ready again in 60 s");
                std::thread::sleep(Duration::from_millis(5));
            }
            rig.row.recovery.push(since.elapsed().as_secs_f64());
            rig.settle()?;
            if turn % 5 == 4 || turn + 1 == self.times(kit.tier) {
                rig.check()?;
            }
        }
        let broken = rig.journal.broken();
        if broken > 0 {
            rig.row.wrong.push(format!("{broken} answers were 500, not 503"));
        }
        rig.kill()?;
        Ok(rig.end())
    }
}

impl Killed {
    /// Does it; whatever is held stays so until it is dropped.
    fn strike(&self, cluster: &Cluster, dice: &mut Dice) -> anyhow::Result<Vec<postgres::Client>> {
        let postmaster = cluster.postmaster().context("no server to kill")?;
        match self.how {
            How::Backend => {
                let children = std::fs::read_to_string(format!(
                    "/proc/{postmaster}/task/{postmaster}/children"
                ))?;
                let backends: Vec<&str> =
                    children.split_whitespace().filter(|pid| is_backend(pid)).collect();
                signal("-9", dice.pick(&backends).context("no backend to kill")?.parse()?)?;
            }
            How::Postmaster => signal("-9", postmaster)?,
            How::Immediate => signal("-QUIT", postmaster)?,
            How::Full => return Ok(take_all(cluster)),
        }
        Ok(Vec::new())
    }
}

fn is_backend(pid: &str) -> bool {
    let title = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&title).starts_with("postgres: siji")
}

/// Ends the program's connections and takes every free place before it comes back.
fn take_all(cluster: &Cluster) -> Vec<postgres::Client> {
    let url = cluster.url();
    let mut held: Vec<postgres::Client> =
        (0..400).map_while(|_| postgres::Client::connect(&url, postgres::NoTls).ok()).collect();
    if let Some(one) = held.first_mut() {
        let ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE application_name = 'siji'";
        let _ = one.batch_execute(ending);
    }
    held.extend((0..40).map_while(|_| postgres::Client::connect(&url, postgres::NoTls).ok()));
    held
}
