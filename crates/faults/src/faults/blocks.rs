//! States of the disk that a power cut may leave behind, with writes out of order and torn.

use std::time::{Duration, Instant};

use super::Fault;
use crate::block::{Mode, serve, state};
use crate::disk::{Loop, Mounted, empty, format};
use crate::journal::Entry;
use crate::kit::{Kit, Need, Tier};
use crate::rig::Rig;
use crate::server::{Place, signal};
use crate::table::Row;
use crate::zone::Zone;

pub struct States {
    name: &'static str,
    sabotage: Option<&'static str>,
}

pub const FULL: States = States { name: "block states, reordered and torn", sabotage: None };
pub const NORMAL: States =
    States { name: "sabotage: NORMAL, block states", sabotage: Some("NORMAL") };
pub const OFF: States = States { name: "sabotage: OFF, block states", sabotage: Some("OFF") };

/// States of one run of work.
const OF_ONE_RUN: usize = 50;
/// Commands of one run, at least.
const ACKED: usize = 60;
const MODES: [Mode; 3] = [Mode::AnySubset, Mode::Torn, Mode::InOrder];

impl Fault for States {
    fn name(&self) -> &'static str {
        self.name
    }
    fn needs(&self) -> &'static [Need] {
        match self.sabotage {
            None => &[Need::Root, Need::Loop, Need::Fuse],
            Some(_) => &[Need::Root, Need::Loop, Need::Fuse, Need::Sabotage],
        }
    }
    fn times(&self, tier: Tier) -> usize {
        match self.sabotage {
            None => tier.of_three(6, 500, 20_000),
            Some(_) => tier.of_three(0, 30, 100),
        }
    }
    fn must_be_red(&self) -> bool {
        self.sabotage.is_some()
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let mut total = Row::default();
        let mut turn = 0;
        while total.fired < self.times(kit.tier) {
            let states = OF_ONE_RUN.min(self.times(kit.tier) - total.fired);
            total.add(self.one_run(kit, kit.zone_of(turn)?, turn, states)?);
            turn += 1;
        }
        Ok(total)
    }
}

impl States {
    fn one_run(&self, kit: &Kit, zone: &Zone, turn: usize, states: usize) -> anyhow::Result<Row> {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let folder = kit.path(&name);
        let image = folder.join("image");
        empty(&image, 24 << 20)?;
        format("ext4", &image)?;
        {
            let (device, at) = (Loop::over(&image)?, folder.join("first"));
            let mounted = Mounted::on(&device.0, &at)?;
            zone.copy(&at.join("zone"))?;
            mounted.sync()?;
        }
        let start = match self.sabotage {
            None => kit.start.clone(),
            Some(synchronous) => kit.sabotaged(synchronous)?,
        };
        // Work on the disk that writes everything down.
        let (noted, file, session) = serve(std::fs::read(&image)?, &folder.join("fuse"))?;
        let seed = kit.seed.wrapping_mul(17).wrapping_add(turn as u64);
        let (before, notes, entries, mut dice, acked);
        {
            let device = Loop::over(&file)?;
            let mounted = Mounted::on(&device.0, &folder.join("worked"))?;
            let place = Place::Folder(mounted.0.join("zone"));
            let mut rig = Rig::new(&start, zone, place, &folder, seed)?;
            rig.journal.clock = Some(noted.count.clone());
            mounted.sync()?;
            before = noted.begin();
            rig.up()?;
            rig.work(Duration::from_millis(50), |server, journal| {
                // Such a disk is slow, and a busy machine slower.
                let begun = Instant::now();
                let is_little = || journal.all().iter().filter(|e| e.is_acked()).count() < ACKED;
                while is_little() && begun.elapsed() < Duration::from_secs(15) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                signal("-KILL", server.pid())
            })?;
            rig.kill()?;
            notes = noted.notes();
            (entries, dice) = (rig.journal.all(), rig.dice.clone());
            acked = rig.end();
        }
        drop(session);
        let mut row = Row { acked: acked.acked, kinds: acked.kinds, ..Row::default() };
        let first = entries.iter().filter(|e| e.is_acked()).map(|e| e.clock).min().unwrap_or(0);
        for nth in 0..states {
            let cut = first + dice.below(notes.len().saturating_sub(first).max(1)) + 1;
            let disk = state(&before, &notes, cut, MODES[nth % MODES.len()], &mut dice);
            let found = self.one_state(kit, zone, &start, &disk, &entries, cut)?;
            row.fired += 1;
            row.add(found);
        }
        Ok(row)
    }

    /// The zone on a disk in this state comes up and holds what was acknowledged before the cut.
    fn one_state(
        &self,
        kit: &Kit,
        zone: &Zone,
        start: &crate::server::Start,
        disk: &[u8],
        entries: &[Entry],
        cut: usize,
    ) -> anyhow::Result<Row> {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let folder = kit.path(&format!("{name}/state"));
        std::fs::create_dir_all(&folder)?;
        let image = folder.join("image");
        std::fs::write(&image, disk)?;
        let device = Loop::over(&image)?;
        let mounted = Mounted::on(&device.0, &folder.join("mounted"))?;
        let place = Place::Folder(mounted.0.join("zone"));
        let mut rig = Rig::new(start, zone, place, &folder, 1)?;
        // What was sent and answered after the cut was never sent.
        for entry in entries.iter().filter(|e| e.clock <= cut && e.is_acked()) {
            rig.journal.put(entry.clone());
        }
        for entry in entries.iter().filter(|e| !(e.clock <= cut && e.is_acked())) {
            rig.journal.put(Entry { answer: None, ..entry.clone() });
        }
        if let Err(error) = rig.up() {
            rig.row.wrong.push(format!("it does not come up again: {error:#}"));
        } else {
            rig.check()?;
        }
        rig.kill()?;
        let mut row = rig.row;
        row.acked = 0;
        Ok(row)
    }
}
