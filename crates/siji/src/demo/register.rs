//! The demo's register: the shipped workbook, or an invented one of another size. Either goes the
//! way every workbook goes, through the worker, the checks and the one transaction.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context;
use app::registry::areas::{self, ImportAreas, Unit};
use app::registry::import::{self, By, Source};
use app::{Reach, Who};
use domain::registry::{CitizenNumber, Headers};
use domain::{Date, Millis};
use rust_xlsxwriter::{Workbook, Worksheet};

use super::chance::Chance;
use super::texts::Texts;
use super::zone::invented_name;
use super::{Play, must};

const SHIPPED: &[u8] = include_bytes!("../../../../data/register/register-2019.xlsx");
const SHIPPED_HOUSEHOLDS: u32 = 3773;
const UNITS: &str = include_str!("../../../../data/divisions/liaocheng_edz_units_2023.csv");
const INVENTED: &str = include_str!("../../../../demo/invented.csv");

pub fn import(play: &mut Play, office: &Who, households: u32, then: Millis) -> anyhow::Result<()> {
    let units = units(&play.texts, households)?;
    let request = ImportAreas {
        key: play.chance.id(then),
        zone: play.texts.word("zone"),
        units: units.clone(),
        person: Some(office.person),
        at: then,
    };
    must(play.app.write(Reach::System, move |tx| areas::import(tx, &request)).wait())?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("register.xlsx");
    if households == SHIPPED_HOUSEHOLDS {
        std::fs::write(&file, SHIPPED)?;
    } else {
        play.step("invent", 1, |play, _| {
            let today = domain::local_date(play.now);
            invent(&mut play.chance, &play.texts, today, &units, households, &file)
        })?;
    }
    let by = By { person: Some(office.person), now: then };
    play.step("import", u64::from(households) * 5 / 2, |play, bar| {
        let rows = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let watched = {
            let (rows, over, bar) = (rows.clone(), over.clone(), bar.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    bar.set_position(rows.load(Ordering::Relaxed) as u64);
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            })
        };
        let worker = sheets::worker::program()?;
        let key = play.chance.id(then);
        let headers = Headers::shipped();
        let source = Source { worker: &worker, file: &file, headers: &headers, areas: None };
        let report = import::apply_file(&play.app, &source, by, key, &rows);
        over.store(true, Ordering::Relaxed);
        watched.join().ok();
        let report = report.map_err(|e| anyhow::anyhow!("the demo register: {e:?}"))?;
        anyhow::ensure!(report.errors == 0, "the demo register has {} errors", report.errors);
        Ok(())
    })
}

/// Most households of a village: a larger register has more villages, not larger ones.
const VILLAGE_MAX: usize = 250;
/// Of an invented township.
const TOWNSHIP: usize = 25;

/// The shipped villages, and for more households than live there as many invented ones as it takes,
/// in townships of their own.
fn units(texts: &Texts, households: u32) -> anyhow::Result<Vec<Unit>> {
    let mut units = areas::read(UNITS).map_err(|e| anyhow::anyhow!("the shipped areas: {e:?}"))?;
    let more = (households as usize).div_ceil(VILLAGE_MAX).saturating_sub(units.len());
    for n in 0..more {
        let (township, village) = (1 + n / TOWNSHIP, 1 + n % TOWNSHIP);
        let named = |word: &str, n: usize| texts.word(word).replace("{n}", &n.to_string());
        let township_code = format!("371599{township:03}");
        units.push(Unit {
            code: format!("{township_code}{:03}", 200 + village),
            name: named("new_village", village),
            township: named("new_township", township),
            township_code,
        });
    }
    Ok(units)
}

/// The head's row, the spouse's, the child's.
const ROLES: usize = 3;

fn invent(
    chance: &mut Chance,
    texts: &Texts,
    today: Date,
    units: &[Unit],
    households: u32,
    file: &Path,
) -> anyhow::Result<u64> {
    let lines: Vec<&str> = INVENTED.lines().collect();
    let [titles, head, spouse, child, officer_titles, officer, able, unable] = lines[..] else {
        anyhow::bail!("demo/invented.csv has eight lines")
    };
    let templates = [head, spouse, child].map(fields);
    let mut book = Workbook::new();
    let page = book.add_worksheet_with_constant_memory()?;
    write(page, 0, &fields(titles), &HashMap::new())?;
    let (mut row, mut persons) = (1, 0_u64);
    for n in 0..households {
        let unit = &units[n as usize % units.len()];
        let size = 1 + chance.below(ROLES);
        let household = format!("37150{n:012}");
        let cadre = n as usize % units.len() * 8 + chance.below(8);
        let skill = if chance.happens(75) { able } else { unable };
        let income = 6_000 + chance.below(9_000);
        for (role, template) in templates.iter().take(size).enumerate() {
            let values = HashMap::from([
                ("township", unit.township.clone()),
                ("village", unit.name.clone()),
                ("person", format!("{household}{role:02}")),
                ("household", household.clone()),
                ("name", invented_name(chance, texts)),
                ("citizen", citizen_number(persons, role == 0, today)),
                ("size", size.to_string()),
                ("skill", skill.to_owned()),
                ("income", income.to_string()),
                ("cadre", texts.surnames[cadre % 60].clone() + &texts.given[cadre % 100]),
                ("phone", format!("139{cadre:08}")),
            ]);
            write(page, row, template, &values)?;
            (row, persons) = (row + 1, persons + 1);
        }
    }
    let page = book.add_worksheet_with_constant_memory()?;
    write(page, 0, &fields(officer_titles), &HashMap::new())?;
    for (n, unit) in (0_u32..).zip(units) {
        let values = HashMap::from([
            ("township", unit.township.clone()),
            ("village", unit.name.clone()),
            ("name", invented_name(chance, texts)),
            ("phone", format!("137{n:08}")),
        ]);
        write(page, n + 1, &fields(officer), &values)?;
    }
    book.save(file).context("the invented register could not be written")?;
    Ok(persons)
}

fn fields(line: &str) -> Vec<&str> {
    line.split(',').collect()
}

fn write(
    page: &mut Worksheet,
    row: u32,
    template: &[&str],
    values: &HashMap<&str, String>,
) -> anyhow::Result<()> {
    for (column, field) in (0_u16..).zip(template) {
        let name = field.strip_prefix('{').and_then(|f| f.strip_suffix('}'));
        let text = name.and_then(|name| values.get(name)).map_or(*field, String::as_str);
        page.write_string(row, column, text)?;
    }
    Ok(())
}

/// A number that no two invented people share: the old fifteen digits, in an area where nobody
/// lives, made eighteen by the rules.
fn citizen_number(n: u64, is_male: bool, today: Date) -> String {
    let (year, rest) = (36 + n % 64, n / 64);
    let (month, rest) = (1 + rest % 12, rest / 12);
    let (day, rest) = (1 + rest % 28, rest / 28);
    let old = format!("371599{year}{month:02}{day:02}{:03}", 2 * rest + u64::from(is_male));
    CitizenNumber::parse(&old, today).map_or(old, |number| number.as_str().to_owned())
}

/// A register of this many invented households, for whoever measures, and the list of its villages;
/// how many persons it has.
pub fn invent_register(file: &Path, villages: &Path, households: u32) -> anyhow::Result<u64> {
    let texts = Texts::load();
    let units = units(&texts, households)?;
    let mut list = "code12,name,township,township_code9\n".to_owned();
    for Unit { code, name, township, township_code } in &units {
        list.push_str(&format!("{code},{name},{township},{township_code}\n"));
    }
    std::fs::write(villages, list)?;
    let today = domain::local_date(web::now());
    invent(&mut Chance::new(1), &texts, today, &units, households, file)
}
