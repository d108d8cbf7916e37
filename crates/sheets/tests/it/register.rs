//! The register's two workbooks through the worker and the rules: the acceptance samples.

use std::collections::BTreeMap;
use std::path::Path;

use domain::registry::{Area, AreaKind, Areas, Cell, Check, Checked, Headers};
use jiff::civil::date;
use sheets::Event;

use crate::{data, worker};

/// The demo zone's management tree.
fn areas() -> Areas {
    let csv = include_str!("../../../../data/divisions/liaocheng_edz_units_2023.csv");
    let mut townships: Vec<&str> = Vec::new();
    let mut areas = Vec::new();
    let mut area = |path: String, kind, name: &str, code: &str| {
        let id = domain::Id::from_u128(areas.len() as u128 + 1);
        let statutory_code = Some(code.to_owned());
        areas.push(Area { id, parent: None, path, kind, name: name.to_owned(), statutory_code });
    };
    for (n, line) in csv.lines().skip(1).enumerate() {
        let [code, name, _, township, code9] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if !townships.contains(&township) {
            townships.push(township);
            area(format!("001.{:03}", townships.len()), AreaKind::Township, township, code9);
        }
        area(format!("001.{:03}.{n:03}", townships.len()), AreaKind::Village, name, code);
    }
    Areas::new(areas)
}

fn check(file: &Path) -> Checked {
    let (headers, areas) = (Headers::shipped(), areas());
    let mut check = Check::new(&headers, &areas, date(2026, 11, 23));
    sheets::read(worker(), file, |event| match event {
        Event::Sheet(name) => check.sheet(name),
        Event::Row(row, cells) => {
            let cells: Vec<_> = cells
                .iter()
                .map(|(column, cell)| {
                    let cell = match *cell {
                        sheets::Cell::Text(s) => Cell::Text(s),
                        sheets::Cell::Number(n) => Cell::Number(n),
                        sheets::Cell::Truth(b) => Cell::Truth(b),
                        sheets::Cell::Date(s) => Cell::Date(s),
                        sheets::Cell::Error(s) => Cell::Error(s),
                    };
                    (*column, cell)
                })
                .collect();
            check.row(row, &cells);
        }
    })
    .unwrap();
    check.finish()
}

#[test]
fn the_register_of_2019_has_no_error() {
    let checked = check(&data("register-2019.xlsx"));
    let errors: Vec<_> = checked.findings.iter().filter(|f| f.fault.is_error()).collect();
    assert_eq!(errors.first(), None);
    assert_eq!(checked.counts.households, 3773);
    assert_eq!(checked.counts.persons, 8890);
    assert_eq!(checked.counts.officers, 17);
    assert_eq!(checked.plan.households.len(), 3773);
    assert_eq!(checked.plan.cadres.len(), 419);
    assert_eq!(checked.plan.officers.len(), 17);
    let notices: Vec<_> = checked.findings.iter().map(|f| f.fault.code()).collect();
    assert_eq!(notices, ["household_rows_disagree_on_graduation"]);
    let first = &checked.plan.households[0];
    assert_eq!(first.household.number, "37150082530000000");
    assert_eq!(first.household.head_name, "李想杰");
    assert_eq!(first.household.income_fen, Some(1_081_100));
    assert_eq!(first.household.graduation.as_deref(), Some("graduated_retained"));
    assert!(first.household.able_to_work);
    assert_eq!(first.members[1].member.relation, "30");
    assert_eq!(first.members[0].member.born_on, Some(date(1944, 4, 18)));
}

#[test]
fn every_planted_fault_at_its_row_and_nothing_else() {
    let faults: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data("register-messy.faults.json")).unwrap())
            .unwrap();
    let planted: BTreeMap<u32, String> = faults["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["row"].as_u64().unwrap() as u32, f["fault"].as_str().unwrap().to_owned()))
        .collect();
    let checked = check(&data("register-messy.xlsx"));
    let found: Vec<(u32, String)> = checked
        .findings
        .iter()
        .filter(|f| f.fault.is_error())
        .map(|f| (f.row, f.fault.code().into_owned()))
        .collect();
    assert_eq!(found, planted.into_iter().collect::<Vec<_>>());
    assert_eq!(checked.counts.households as u64, faults["households"].as_u64().unwrap());
    assert_eq!(checked.counts.persons as u64, faults["persons"].as_u64().unwrap());
}
