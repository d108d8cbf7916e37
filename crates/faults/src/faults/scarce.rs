//! Too little of something: room on the disk, memory, open files, places for requests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Fault;
use crate::drive::{ask, drive};
use crate::http::connect;
use crate::kit::{Kit, Need, Tier};
use crate::rig::Rig;

use crate::table::Row;

/// The disk fills while people work, and has room again.
pub struct FullDisk;

impl Fault for FullDisk {
    fn name(&self) -> &'static str {
        "full disk, and space again"
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Root]
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(1, 20, 200)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let disk = crate::disk::Mounted::in_memory(&kit.path("disk"), 12 << 20)?;
        let place = zone.copy(&disk.0.join("zone"))?;
        let mut rig = Rig::new(&kit.start, zone, place, &kit.path("full-disk"), kit.seed ^ 5)?;
        rig.up()?;
        rig.row.recovery.clear();
        let stuffing = disk.0.join("stuffing");
        for _ in 0..self.times(kit.tier) {
            let at = rig.at()?;
            fill(&stuffing)?;
            // Work until the answer is that there is no room.
            let (begun, mut is_full) = (Instant::now(), false);
            while !is_full && begun.elapsed() < Duration::from_secs(20) {
                let Some(entry) = zone.cast.sheet(&mut rig.dice) else { continue };
                let done = ask(at, &rig.journal, entry);
                is_full = done.is_some_and(|d| d.answer.is_some_and(|a| a.status == 507));
            }
            if is_full {
                rig.row.fired += 1;
            } else {
                rig.row.wrong.push("a full disk was answered with something else".into());
            }
            // Reading goes on.
            let seen = crate::http::Asked::get("/readyz", "").send(at)?;
            if seen.status != 200 {
                rig.row.wrong.push(format!("reading stopped too: {}", seen.status));
            }
            std::fs::remove_file(&stuffing)?;
            let begun = Instant::now();
            rig.settle()?;
            rig.row.recovery.push(begun.elapsed().as_secs_f64());
        }
        rig.check()?;
        rig.kill()?;
        Ok(rig.end())
    }
}

fn fill(file: &PathBuf) -> anyhow::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create(file)?;
    let mut chunk = vec![7_u8; 1 << 16];
    while !chunk.is_empty() {
        if file.write_all(&chunk).is_err() {
            chunk.truncate(chunk.len() / 2);
        }
    }
    Ok(())
}

/// So little memory that the system kills it in the midst of work.
pub struct LittleMemory;

const GROUP: &str = "/sys/fs/cgroup/memory/siji-faults";

impl Fault for LittleMemory {
    fn name(&self) -> &'static str {
        "small memory group (killed)"
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Memory]
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(1, 10, 100)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("memory", &kit.start, zone)?;
        let group = format!("{GROUP}-{}", std::process::id());
        std::fs::create_dir_all(&group)?;
        let straight = rig.start.clone();
        for _ in 0..self.times(kit.tier) {
            rig.up()?;
            let server = rig.server.as_ref();
            let pid = server.map_or(0, crate::server::Server::pid);
            std::fs::write(format!("{group}/cgroup.procs"), pid.to_string())?;
            // What it holds now, and no more: work has to ask for more.
            std::fs::write(format!("{group}/memory.limit_in_bytes"), (3 << 20).to_string())
                .or_else(|_| {
                    std::fs::write(format!("{group}/memory.limit_in_bytes"), (24 << 20).to_string())
                })?;
            rig.work(Duration::from_millis(400), |_, _| Ok(()))?;
            let was_killed = rig.server.as_mut().is_some_and(|s| s.has_ended());
            rig.row.fired += usize::from(was_killed);
            rig.kill()?;
            std::fs::write(format!("{group}/memory.limit_in_bytes"), "-1")?;
        }
        rig.start = straight;
        rig.up()?;
        rig.check()?;
        rig.kill()?;
        let _ = std::fs::remove_dir(&group);
        Ok(rig.end())
    }
}

/// Few open files, and more connections than that.
pub struct FewFiles;

impl Fault for FewFiles {
    fn name(&self) -> &'static str {
        "few open files"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(1, 10, 100)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("few-files", &kit.start, zone)?;
        rig.start.before = "ulimit -n 60".into();
        rig.up()?;
        rig.row.recovery.clear();
        for _ in 0..self.times(kit.tier) {
            let at = rig.at()?;
            let idle: Vec<_> = (0..120).filter_map(|_| connect(at).ok()).collect();
            rig.row.fired += 1;
            let stop = AtomicBool::new(false);
            let mut dice = crate::dice::Dice::new(rig.dice.next());
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(300));
                    stop.store(true, Ordering::Relaxed);
                    drop(idle);
                });
                drive(at, &zone.cast, &rig.journal, &mut dice, (4, 50), &stop);
            });
            let begun = Instant::now();
            rig.settle()?;
            rig.row.recovery.push(begun.elapsed().as_secs_f64());
        }
        rig.check()?;
        rig.kill()?;
        Ok(rig.end())
    }
}

/// A place for one or two requests of each kind, and a crowd that wants them.
pub struct FewPlaces;

impl Fault for FewPlaces {
    fn name(&self) -> &'static str {
        "few places (overload)"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(1, 10, 100)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let start = kit.start.clone().with("SIJI_AT_ONCE", "public=1,read=1,write=1,heavy=1");
        let mut rig = kit.rig("few-places", &start, zone)?;
        rig.up()?;
        rig.row.recovery.clear();
        for _ in 0..self.times(kit.tier) {
            let at = rig.at()?;
            let mut dice = crate::dice::Dice::new(rig.dice.next());
            drive(at, &zone.cast, &rig.journal, &mut dice, (40, 12), &AtomicBool::new(false));
            // Whoever was sent away asks again, with the same key.
            rig.row.fired += usize::from(!rig.journal.open().is_empty());
            let begun = Instant::now();
            rig.settle()?;
            rig.row.recovery.push(begun.elapsed().as_secs_f64());
        }
        rig.check()?;
        rig.kill()?;
        Ok(rig.end())
    }
}
