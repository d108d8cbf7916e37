//! The drill: a backup taken while people write, restored into an empty place. Everything that was
//! answered before it began is in it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cluster::Cluster;

use super::Fault;
use crate::check;
use crate::journal::Entry;
use crate::kit::{Kit, Need, Tier};
use crate::rig::Rig;
use crate::server::Place;
use crate::table::Row;
use crate::zone::{When, Zone};

pub struct Folder;
pub struct Schema;

impl Fault for Folder {
    fn name(&self) -> &'static str {
        "backup while writing, restored"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(2, 30, 300)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let rig = kit.rig("drill", &kit.start, zone)?;
        let Place::Folder(folder) = rig.place.clone() else { anyhow::bail!("a folder") };
        let to = |turn: usize| {
            let restored = kit.path(&format!("drill/restored-{turn}"));
            std::fs::create_dir_all(&restored)?;
            std::fs::copy(folder.join("siji.keys"), restored.join("siji.keys"))?;
            Ok(Place::Folder(restored))
        };
        drill(rig, self.times(kit.tier), &kit.path("drill/backups"), to)
    }
}

impl Fault for Schema {
    fn name(&self) -> &'static str {
        "PostgreSQL: backup while writing"
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Postgres]
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(1, 15, 150)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let cluster = Cluster::start()?;
        let folder = kit.path("drill-postgres");
        std::fs::create_dir_all(&folder)?;
        let keys = folder.join("siji.keys");
        let schema =
            |name: &str| Place::Postgres(format!("{}?schema={name}", cluster.url()), keys.clone());
        let zone = Zone::play(&kit.start, schema("zone"), When::Now, None)?;
        let rig = Rig::new(&kit.start, &zone, schema("zone"), &folder, kit.seed ^ 77)?;
        let to = |turn| Ok(schema(&format!("restored_{turn}")));
        drill(rig, self.times(kit.tier), &folder.join("backups"), to)
    }
}

fn drill(
    mut rig: Rig,
    times: usize,
    backups: &PathBuf,
    to: impl Fn(usize) -> anyhow::Result<Place>,
) -> anyhow::Result<Row> {
    rig.up()?;
    rig.row.recovery.clear();
    let (start, place) = (rig.start.clone(), rig.place.clone());
    for turn in 0..times {
        let _ = std::fs::remove_dir_all(backups);
        let (mut before, mut file) = (Vec::new(), String::new());
        let long = Duration::from_millis(100 + rig.dice.below(200) as u64);
        rig.work(long, |_, journal| {
            before = journal.all();
            let words = ["backup", &backups.to_string_lossy(), "--json"];
            let (status, said) = start.run(&words, &place)?;
            ensure!(status.success(), "no backup: {said}");
            let said: serde_json::Value = serde_json::from_str(
                said.lines().find(|l| l.starts_with('{')).context("its words")?,
            )?;
            said["file"].as_str().context("a file")?.clone_into(&mut file);
            Ok(())
        })?;
        rig.row.fired += 1;
        let restored = to(turn)?;
        let begun = Instant::now();
        let (status, said) = start.run(&["restore", &file, "--json"], &restored)?;
        rig.row.recovery.push(begun.elapsed().as_secs_f64());
        ensure!(status.success(), "not restored: {said}");
        let entries: Vec<Entry> = rig
            .journal
            .all()
            .into_iter()
            .map(|entry| {
                let was_acked = before.iter().any(|e| e.key == entry.key && e.is_acked());
                Entry { answer: entry.answer.filter(|_| was_acked), ..entry }
            })
            .collect();
        let found = check::tables(&restored, rig.cast, &entries)?;
        rig.row.lost += found.lost;
        rig.row.twice += found.twice;
        rig.row.wrong.extend(found.wrong);
        rig.row.wrong.extend(check::verify(&start, &restored)?);
        if let Place::Folder(folder) = restored {
            std::fs::remove_dir_all(folder)?;
        }
        rig.settle()?;
    }
    rig.check()?;
    rig.kill()?;
    Ok(rig.end())
}
