//! The clock jumps, by days and by years, forwards and back, while people work.

use std::time::Duration;

use anyhow::Context;

use super::Fault;
use crate::kit::{Kit, Need, Tier, libfaketime};
use crate::table::Row;

pub struct Jumps;

const WHERETO: [&str; 8] = ["+1d", "-1d", "+3d", "+30d", "-30d", "+3650d", "-3650d", "+0"];

impl Fault for Jumps {
    fn name(&self) -> &'static str {
        "clock jumps, days and years"
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Faketime]
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(8, 120, 2_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("clock", &kit.start, zone)?;
        let clock = kit.path("clock/clock");
        std::fs::write(&clock, "+0\n")?;
        let library = libfaketime().context("libfaketime")?;
        let straight = rig.start.clone();
        rig.start = rig
            .start
            .with("LD_PRELOAD", library.display())
            .with("FAKETIME_NO_CACHE", "1")
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with("FAKETIME_TIMESTAMP_FILE", clock.display());
        rig.up()?;
        rig.row.recovery.clear();
        for turn in 0..self.times(kit.tier) {
            let jump = WHERETO[turn % WHERETO.len()];
            rig.work(Duration::from_millis(60), |_, _| {
                Ok(std::fs::write(&clock, format!("{jump}\n"))?)
            })?;
            rig.row.fired += 1;
            // Whoever was signed in may be out; back at today's clock they are in again.
            std::fs::write(&clock, "+0\n")?;
            rig.settle()?;
        }
        let faked = std::mem::replace(&mut rig.start, straight);
        rig.check()?;
        drop(faked);
        Ok(rig.end())
    }
}
