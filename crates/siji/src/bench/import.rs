//! A register of a hundred thousand persons into a zone that has its areas and nobody else.

use std::time::Instant;

use super::MIB;
use super::ground::Ground;
use super::process::Child;
use super::report::{Promise, Row};

const HOUSEHOLDS: u32 = 50_000;
const RUNS: usize = 3;

pub fn run(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let file = ground.folder().join("register-100k.xlsx");
    let units = ground.folder().join("units.csv");
    let persons = crate::demo::invent_register(&file, &units, HOUSEHOLDS)?;
    let (mut seconds, mut rss) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let zone = ground.empty_zone("import")?;
        Child::output(&["import", "areas", &units.to_string_lossy()], &zone)?;
        let begun = Instant::now();
        let words = ["import", "register", &file.to_string_lossy(), "--apply", "--json"];
        let said = Child::output(&words, &zone)?;
        // Per hundred thousand persons, whatever the dice made of fifty thousand households.
        seconds.push(begun.elapsed().as_secs_f64() * 100_000.0 / persons as f64);
        rss = rss.max(said.peak_rss_bytes);
    }
    let promised = Some(Promise::AtMost(10.0));
    Ok(vec![
        Row::of("import 100,000 persons", seconds, "s", promised).with_rss(rss),
        Row::one("import memory", rss as f64 / MIB, "MiB", Some(Promise::AtMost(512.0))),
    ])
}
