//! SIGKILL at a random moment of work.

use std::time::Duration;

use super::Fault;
use crate::kit::{Kit, Tier};
use crate::server::signal;
use crate::table::Row;

pub struct Kill;

/// Kills in one copy of the zone.
const IN_ONE_ZONE: usize = 20;

impl Fault for Kill {
    fn name(&self) -> &'static str {
        "kill -9"
    }

    fn times(&self, tier: Tier) -> usize {
        tier.of_three(60, 1_000, 10_000)
    }

    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let mut total = Row::default();
        for turn in 0..self.times(kit.tier).div_ceil(IN_ONE_ZONE) {
            let mut rig = kit.rig(&format!("kill-{turn}"), &kit.start, kit.zone_of(turn)?)?;
            rig.up()?;
            rig.row.recovery.clear();
            for _ in 0..IN_ONE_ZONE {
                let long = Duration::from_millis(2 + rig.dice.below(60) as u64);
                rig.work(long, |server, _| signal("-9", server.pid()))?;
                rig.kill()?;
                rig.row.fired += 1;
                rig.up()?;
                rig.check()?;
            }
            total.add(rig.end());
        }
        Ok(total)
    }
}
