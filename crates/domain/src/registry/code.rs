//! Coded values: the national code lists in `data/gb` and the register's own in `data/register/values.csv`.
//! A cell may hold the code, the Chinese name, or both ("02 户主").

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::{records, tidy};

/// GB/T 4761: head of household.
pub const HEAD: &str = "02";

/// Which list a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    Sex,
    Relation,
    Ethnic,
    IdKind,
    Political,
    Education,
    Student,
    Health,
    WorkSkill,
    WorkArea,
    Graduation,
    PovertyCause,
    HousingGrade,
}

impl Table {
    pub const ALL: [Table; 13] = [
        Table::Sex,
        Table::Relation,
        Table::Ethnic,
        Table::IdKind,
        Table::Political,
        Table::Education,
        Table::Student,
        Table::Health,
        Table::WorkSkill,
        Table::WorkArea,
        Table::Graduation,
        Table::PovertyCause,
        Table::HousingGrade,
    ];

    /// As `data/register/values.csv` names it.
    pub fn name(self) -> &'static str {
        match self {
            Table::Sex => "sex",
            Table::Relation => "relation",
            Table::Ethnic => "ethnic",
            Table::IdKind => "id_kind",
            Table::Political => "political",
            Table::Education => "education",
            Table::Student => "student",
            Table::Health => "health",
            Table::WorkSkill => "work_skill",
            Table::WorkArea => "work_area",
            Table::Graduation => "graduation",
            Table::PovertyCause => "poverty_cause",
            Table::HousingGrade => "housing_grade",
        }
    }

    /// Lists that offices extend on their own: a value outside is kept as written, with a notice.
    pub fn is_open(self) -> bool {
        matches!(self, Table::Student | Table::WorkArea | Table::PovertyCause)
    }
}

struct Value {
    code: &'static str,
    zh: &'static str,
    en: &'static str,
}

#[derive(Default)]
struct List {
    values: Vec<Value>,
    /// Every accepted spelling, tidied, to its place in `values`.
    spellings: HashMap<String, usize>,
}

impl List {
    fn add(&mut self, code: &'static str, zh: &'static str, en: &'static str) -> usize {
        let place = self.values.iter().position(|v| v.code == code).unwrap_or_else(|| {
            self.values.push(Value { code, zh, en });
            self.values.len() - 1
        });
        self.spell(code, place);
        self.spell(zh, place);
        place
    }
    /// The first to claim a spelling keeps it.
    fn spell(&mut self, spelling: &str, place: usize) {
        if !spelling.is_empty() {
            self.spellings.entry(tidy(spelling)).or_insert(place);
        }
    }
}

static LISTS: LazyLock<HashMap<Table, List>> = LazyLock::new(|| {
    let mut lists: HashMap<Table, List> = Table::ALL.map(|t| (t, List::default())).into();
    for row in records(include_str!("../../../../data/register/values.csv")) {
        let [field, code, zh, en, also] = row[..] else { continue };
        let Some(table) = Table::ALL.into_iter().find(|t| t.name() == field) else { continue };
        let list = lists.entry(table).or_default();
        let place = list.add(code, zh, en);
        also.split(';').for_each(|spelling| list.spell(spelling, place));
    }
    let gb = [
        (Table::Sex, include_str!("../../../../data/gb/gbt2261_1_sex.csv")),
        (Table::Relation, include_str!("../../../../data/gb/gbt4761_family_relation.csv")),
        (Table::Ethnic, include_str!("../../../../data/gb/gbt3304_ethnic_group.csv")),
        (Table::Education, include_str!("../../../../data/gb/gbt4658_education.csv")),
    ];
    for (table, csv) in gb {
        let list = lists.entry(table).or_default();
        for row in records(csv) {
            let (Some(code), Some(name)) = (row.first(), row.last()) else { continue };
            let place = list.add(code, name, "");
            if table == Table::Ethnic {
                list.spell(name.trim_end_matches('族'), place);
                row.get(1).into_iter().for_each(|alpha| list.spell(alpha, place));
            }
        }
    }
    lists
});

/// The code of a value as written: the code, a name of it, or "code name" that agree.
pub fn read(table: Table, tidied: &str) -> Option<&'static str> {
    let listed = tidied.contains([',', ';']).then(|| tidied.replace([',', ';'], "、"));
    let tidied = listed.as_deref().unwrap_or(tidied);
    let list = LISTS.get(&table)?;
    let find = |spelling: &str| list.spellings.get(spelling).copied();
    if let Some(place) = find(tidied) {
        return Some(list.values[place].code);
    }
    let split = tidied.find(|c: char| !c.is_ascii_digit()).unwrap_or(tidied.len());
    let (code, name) = tidied.split_at(split);
    let padded = format!("{code:0>2}");
    let place = (!code.is_empty()).then(|| find(code).or_else(|| find(&padded))).flatten()?;
    let name = name.trim_start_matches([' ', '-', '.', '、', ':', '_']);
    (name.is_empty() || find(name) == Some(place)).then(|| list.values[place].code)
}

/// The name of a code for people, or the value itself where an open list was written past.
pub fn label(table: Table, code: &str, english: bool) -> String {
    let found = LISTS.get(&table).and_then(|l| l.values.iter().find(|v| v.code == code));
    match found {
        Some(value) if english && !value.en.is_empty() => value.en.to_owned(),
        Some(value) => value.zh.to_owned(),
        None => code.to_owned(),
    }
}

/// Does a household member with this skill count as able to work?
pub fn can_work(work_skill: &str) -> bool {
    matches!(work_skill, "skilled" | "ordinary" | "weak")
}

/// Yes or no as forms say it.
pub fn yes_no(tidied: &str) -> Option<bool> {
    match tidied {
        "是" | "有" | "1" | "Y" | "y" | "√" | "TRUE" | "true" => Some(true),
        "否" | "无" | "没有" | "0" | "N" | "n" | "×" | "FALSE" | "false" => Some(false),
        _ => None,
    }
}

/// Province codes of GB/T 2260, and those that GB 11643 numbers of Taiwan, Hong Kong, Macao residents
/// and foreign permanent residents begin with.
pub(super) fn is_province(code: &[u8]) -> bool {
    static PROVINCES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let listed = records(include_str!("../../../../data/divisions/provinces.csv"));
        let listed = listed.filter_map(|row| row.first().copied());
        listed.chain(["71", "81", "82", "83", "91"]).collect()
    });
    PROVINCES.iter().any(|p| p.as_bytes() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_registers_write_them() {
        let check = |table, written: &str, code: Option<&str>| {
            assert_eq!(read(table, &tidy(written)), code, "{written}");
        };
        check(Table::Relation, "02 户主", Some("02"));
        check(Table::Relation, "户主", Some("02"));
        check(Table::Relation, "02", Some("02"));
        check(Table::Relation, "2", Some("02"));
        check(Table::Relation, "30 女", Some("30"));
        check(Table::Relation, "02 配偶", None);
        check(Table::Relation, "之孙女", Some("42"));
        check(Table::Relation, "41", Some("41"));
        check(Table::Relation, "堂兄弟、堂姐妹", Some("91"));
        check(Table::Relation, "远房表亲", None);
        check(Table::Relation, "98", None);
        check(Table::Sex, "男", Some("1"));
        check(Table::Sex, "2", Some("2"));
        check(Table::Sex, "女性", Some("2"));
        check(Table::Ethnic, "汉", Some("01"));
        check(Table::Ethnic, "03 回族", Some("03"));
        check(Table::Ethnic, "HU", Some("03"));
        check(Table::Education, "文盲或半文盲", Some("90"));
        check(Table::Education, "初级中学教育", Some("70"));
        check(Table::Graduation, "脱贫户(享受政策)", Some("graduated_retained"));
        check(Table::HousingGrade, "A级", Some("A"));
        check(Table::Health, "", None);
    }

    #[test]
    fn every_code_reads_back_by_its_label() {
        for (table, list) in LISTS.iter() {
            for value in &list.values {
                let name = label(*table, value.code, false);
                assert_eq!(read(*table, &tidy(&name)), Some(value.code), "{table:?} {name}");
            }
        }
        assert_eq!(label(Table::Relation, "02", true), "head of household");
        assert_eq!(label(Table::WorkArea, "邻县", true), "邻县");
    }
}
