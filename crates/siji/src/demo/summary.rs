//! What the demo zone holds, for people and for programs.

use std::collections::BTreeMap;

use app::{App, Never, Reach};
use serde::Serialize;
use store::args;

use super::must;
use crate::zone::Zone;

#[derive(Serialize)]
struct Summary {
    households: i64,
    persons: i64,
    sheets: i64,
    batches: BTreeMap<String, i64>,
    points: Points,
    seconds: BTreeMap<&'static str, f64>,
    peak_rss_bytes: u64,
}

#[derive(Serialize)]
struct Points {
    credited: i64,
    redeemed: i64,
    outstanding: i64,
}

pub fn is_empty(app: &App) -> anyhow::Result<bool> {
    must(
        app.read::<_, Never>(Reach::System, |tx| Ok(app::reports::zone_name(tx)?.is_none())).wait(),
    )
}

fn summary(app: &App, steps: &[(&'static str, f64)]) -> anyhow::Result<Summary> {
    let steps = steps.to_vec();
    must(
        app.read::<_, Never>(Reach::System, move |tx| {
            let mut count = |table: &str| {
                let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
                tx.one(&sql, &args![], |r| r.int(0))
            };
            let (households, persons, sheets) =
                (count("household")?, count("member")?, count("sheet")?);
            let batches = tx.all(
                "SELECT state, CAST(COUNT(*) AS BIGINT) FROM batch GROUP BY state",
                &args![],
                |r| Ok((r.text(0)?, r.int(1)?)),
            )?;
            let everything = domain::access::Scope {
                person: domain::Id::nil(),
                paths: vec!["001".to_owned()],
                assigned: false,
            };
            let totals = store::points::totals(tx, &everything)?;
            let mut seconds: BTreeMap<&'static str, f64> =
                steps.iter().map(|(name, s)| (*name, (s * 1000.0).round() / 1000.0)).collect();
            let all: f64 = steps.iter().map(|s| s.1).sum();
            seconds.insert("total", (all * 1000.0).round() / 1000.0);
            Ok(Summary {
                households,
                persons,
                sheets,
                batches: batches.into_iter().collect(),
                points: Points {
                    credited: totals.credited,
                    redeemed: totals.redeemed,
                    outstanding: totals.outstanding,
                },
                seconds,
                peak_rss_bytes: peak_rss_bytes(),
            })
        })
        .wait(),
    )
}

pub fn json(app: &App, steps: &[(&'static str, f64)]) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&summary(app, steps)?)?)
}

pub fn tell(app: &App, zone: &Zone, steps: &[(&'static str, f64)]) -> anyhow::Result<()> {
    let s = summary(app, steps)?;
    match &zone.database {
        Some(_) => println!("The demo zone is in PostgreSQL."),
        None => println!("The demo zone is in {}.", zone.data.display()),
    }
    println!(
        "{} households, {} persons, {} score sheets; {} points credited, {} redeemed, {} outstanding.",
        s.households,
        s.persons,
        s.sheets,
        s.points.credited,
        s.points.redeemed,
        s.points.outstanding
    );
    for (name, seconds) in &s.seconds {
        println!("  {name:<12} {seconds:>8.2} s");
    }
    Ok(())
}

/// The most memory this process has held (Linux; nought elsewhere).
pub fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
