//! The power goes: a file system on a loop device is cut off from its disk in the midst of work.
//! With a store that answers before it is durable the same test must turn red.

use std::time::Duration;

use super::Fault;
use crate::disk::{Loop, Mounted, empty, format};
use crate::kit::{Kit, Need, Tier};
use crate::rig::Rig;
use crate::server::signal;
use crate::table::Row;

pub struct Cut {
    name: &'static str,
    kind: &'static str,
    /// What `synchronous` is set to, where the store is told to break its promise.
    sabotage: Option<&'static str>,
}

pub const EXT4: Cut = Cut { name: "power cut, ext4", kind: "ext4", sabotage: None };
pub const XFS: Cut = Cut { name: "power cut, xfs", kind: "xfs", sabotage: None };
pub const NORMAL: Cut =
    Cut { name: "sabotage: NORMAL, power cut, ext4", kind: "ext4", sabotage: Some("NORMAL") };
pub const NORMAL_XFS: Cut =
    Cut { name: "sabotage: NORMAL, power cut, xfs", kind: "xfs", sabotage: Some("NORMAL") };
pub const OFF: Cut =
    Cut { name: "sabotage: OFF, power cut, ext4", kind: "ext4", sabotage: Some("OFF") };

/// Cuts in one zone.
const IN_ONE_ZONE: usize = 10;

impl Fault for Cut {
    fn name(&self) -> &'static str {
        self.name
    }
    fn needs(&self) -> &'static [Need] {
        match (self.kind, self.sabotage) {
            ("xfs", None) => &[Need::Root, Need::Loop, Need::XfsIo, Need::Xfs],
            ("xfs", _) => &[Need::Root, Need::Loop, Need::XfsIo, Need::Xfs, Need::Sabotage],
            (_, None) => &[Need::Root, Need::Loop, Need::XfsIo],
            _ => &[Need::Root, Need::Loop, Need::XfsIo, Need::Sabotage],
        }
    }
    fn times(&self, tier: Tier) -> usize {
        match self.sabotage {
            None => tier.of_three(5, 160, 1_500),
            Some(_) => tier.of_three(0, 10, 40),
        }
    }
    fn must_be_red(&self) -> bool {
        self.sabotage.is_some()
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let image = kit.path(&format!("{name}/image"));
        empty(&image, 320 << 20)?;
        format(self.kind, &image)?;
        let device = Loop::over(&image)?;
        let at = kit.path(&format!("{name}/mounted"));
        let start = match self.sabotage {
            None => kit.start.clone(),
            Some(synchronous) => kit.sabotaged(synchronous)?,
        };
        let (mut total, mut turn) = (Row::default(), 0);
        while total.fired < self.times(kit.tier) {
            let zone = kit.zone_of(turn)?;
            turn += 1;
            let mut disk = Some(Mounted::on(&device.0, &at)?);
            let place = zone.copy(&at.join("zone"))?;
            disk.as_ref().map_or(Ok(()), Mounted::sync)?;
            let seed = kit.seed.wrapping_mul(31).wrapping_add(turn as u64);
            let mut rig = Rig::new(&start, zone, place, &kit.path(&name), seed)?;
            rig.up()?;
            rig.row.recovery.clear();
            // What a sabotage lost stays lost: each cut has a zone of its own.
            for _ in 0..if self.must_be_red() { 1 } else { IN_ONE_ZONE } {
                let long = Duration::from_millis(10 + rig.dice.below(120) as u64);
                let mounted = disk.take();
                rig.work(long, |server, _| {
                    // A machine without power answers nobody. The file system's own cut is slower,
                    // and a flush that it overtakes may still be called done.
                    signal("-STOP", server.pid())?;
                    mounted.as_ref().map_or(Ok(()), Mounted::cut)?;
                    signal("-KILL", server.pid())
                })?;
                rig.kill()?;
                drop(mounted);
                disk = Some(Mounted::on(&device.0, &at)?);
                rig.row.fired += 1;
                match rig.up() {
                    Ok(()) => rig.check()?,
                    Err(error) => {
                        rig.row.wrong.push(format!("it does not come up again: {error:#}"));
                        break;
                    }
                }
            }
            rig.kill()?;
            total.add(rig.end());
        }
        Ok(total)
    }
}
