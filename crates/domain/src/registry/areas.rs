//! The management tree as an import needs it: a village found by township and name, or by its
//! statutory code; an unknown one answered with the nearest names.

use std::collections::HashMap;

use super::text::{compact, tidy};
use crate::Id;

/// What a node of the management tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AreaKind {
    Zone,
    Township,
    Village,
    Hamlet,
    GridCell,
}

impl AreaKind {
    const ALL: [AreaKind; 5] = [
        AreaKind::Zone,
        AreaKind::Township,
        AreaKind::Village,
        AreaKind::Hamlet,
        AreaKind::GridCell,
    ];
    pub fn code(self) -> &'static str {
        match self {
            AreaKind::Zone => "zone",
            AreaKind::Township => "township",
            AreaKind::Village => "village",
            AreaKind::Hamlet => "hamlet",
            AreaKind::GridCell => "grid_cell",
        }
    }
    pub fn from_code(code: &str) -> Option<AreaKind> {
        AreaKind::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// A node of the management tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub id: Id,
    pub parent: Option<Id>,
    pub path: String,
    pub kind: AreaKind,
    pub name: String,
    pub statutory_code: Option<String>,
}

/// Why a village was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AreaFault {
    UnknownVillage {
        name: String,
        nearest: Vec<String>,
    },
    UnknownTownship {
        name: String,
        nearest: Vec<String>,
    },
    /// Several townships have a village of this name and the row names none.
    AmbiguousVillage {
        name: String,
        townships: Vec<String>,
    },
    /// The village stands under another township.
    OtherTownship {
        name: String,
        townships: Vec<String>,
    },
}

/// The tree, ready for look-ups.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    villages: Vec<Area>,
    townships: Vec<Area>,
    by_name: HashMap<String, Vec<usize>>,
    by_code: HashMap<String, usize>,
}

impl Areas {
    pub fn new(areas: Vec<Area>) -> Areas {
        let mut tree = Areas::default();
        for area in areas {
            match area.kind {
                AreaKind::Township => tree.townships.push(area),
                AreaKind::Village => tree.add_village(area),
                AreaKind::Zone | AreaKind::Hamlet | AreaKind::GridCell => {}
            }
        }
        tree
    }

    fn add_village(&mut self, village: Area) {
        let place = self.villages.len();
        self.by_name.entry(key(&village.name)).or_default().push(place);
        if let Some(code) = &village.statutory_code {
            self.by_code.insert(code.clone(), place);
        }
        self.villages.push(village);
    }

    pub fn is_empty(&self) -> bool {
        self.villages.is_empty()
    }

    pub fn village(&self, id: Id) -> Option<&Area> {
        self.villages.iter().find(|v| v.id == id)
    }

    fn township_of(&self, village: &Area) -> Option<&Area> {
        self.townships.iter().find(|t| crate::access::is_within(&village.path, &t.path))
    }

    /// By statutory code if one is given (12 digits, or longer with classification), else by name.
    pub fn find(&self, township: &str, name: &str, code: &str) -> Result<&Area, AreaFault> {
        let code = compact(code);
        let code = code.get(..12).unwrap_or(&code);
        if let Some(place) = self.by_code.get(code).or_else(|| self.by_code.get(name)) {
            return Ok(&self.villages[*place]);
        }
        let township = match township {
            "" => None,
            name => Some(self.township(name)?),
        };
        let named = self.by_name.get(&key(name)).map_or(&[][..], Vec::as_slice);
        let named: Vec<&Area> = named.iter().map(|place| &self.villages[*place]).collect();
        let inside =
            |v: &&Area| township.is_none_or(|t| crate::access::is_within(&v.path, &t.path));
        let mut found: Vec<&Area> = named.iter().copied().filter(inside).collect();
        if found.len() > 1 && found.iter().filter(|v| tidy(&v.name) == name).count() == 1 {
            found.retain(|v| tidy(&v.name) == name);
        }
        match found[..] {
            [village] => Ok(village),
            [] if !named.is_empty() => Err(AreaFault::OtherTownship {
                name: name.to_owned(),
                townships: self.township_names(&named),
            }),
            [] => Err(AreaFault::UnknownVillage {
                name: name.to_owned(),
                nearest: nearest(name, self.villages.iter().filter(inside)),
            }),
            _ => Err(AreaFault::AmbiguousVillage {
                name: name.to_owned(),
                townships: self.township_names(&found),
            }),
        }
    }

    fn township(&self, name: &str) -> Result<&Area, AreaFault> {
        let same =
            |t: &&Area| key(&t.name) == key(name) || t.statutory_code.as_deref() == Some(name);
        self.townships.iter().find(same).ok_or_else(|| AreaFault::UnknownTownship {
            name: name.to_owned(),
            nearest: nearest(name, self.townships.iter()),
        })
    }

    fn township_names(&self, villages: &[&Area]) -> Vec<String> {
        villages.iter().filter_map(|v| self.township_of(v)).map(|t| t.name.clone()).collect()
    }
}

/// A village's name without the words for its committee.
fn key(name: &str) -> String {
    let name = tidy(name);
    let ends = ["居民委员会", "村民委员会", "居委会", "村委会"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
}

/// The three nearest names, nearest first.
fn nearest<'a>(name: &str, areas: impl Iterator<Item = &'a Area>) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut names: Vec<(usize, &str)> =
        areas.map(|a| (edit_distance(name, &a.name), a.name.as_str())).collect();
    names.sort();
    names.into_iter().take(SHOWN).map(|(_, name)| name.to_owned()).collect()
}

/// Levenshtein's distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The demo zone's tree, ids counted from one.
    pub fn tree() -> Areas {
        let mut areas = Vec::new();
        let mut id = 0;
        let mut area = |path: String, kind, name: &str, code: &str| {
            id += 1;
            areas.push(Area {
                id: Id::from_u128(id),
                parent: None,
                path,
                kind,
                name: name.to_owned(),
                statutory_code: Some(code.to_owned()),
            });
        };
        area("001".into(), AreaKind::Zone, "聊城经济技术开发区", "");
        let csv = include_str!("../../../../data/divisions/liaocheng_edz_units_2023.csv");
        let (mut townships, mut villages) = (Vec::new(), 0);
        for row in crate::registry::text::records(csv) {
            let [code, name, _, township, code9] = row[..] else { panic!("{row:?}") };
            if !townships.contains(&township) {
                townships.push(township);
                area(format!("001.{:03}", townships.len()), AreaKind::Township, township, code9);
            }
            villages += 1;
            area(
                format!("001.{:03}.{villages:03}", townships.len()),
                AreaKind::Village,
                name,
                code,
            );
        }
        Areas::new(areas)
    }

    #[test]
    fn by_name_and_by_code() {
        let tree = tree();
        let name = |t: &str, v: &str, c: &str| tree.find(t, v, c).map(|a| a.name.clone());
        assert_eq!(name("北城街道", "大学城新村", "").unwrap(), "大学城新村");
        assert_eq!(name("", "大学城新村村委会", "").unwrap(), "大学城新村");
        assert_eq!(name("", "光岳社区", "").unwrap(), "光岳社区居民委员会");
        assert_eq!(name("北城街道", "随便", "371502008253").unwrap(), "大学城新村");
        assert_eq!(name("北城街道", "371502008253", "").unwrap(), "大学城新村");
    }

    #[test]
    fn unknown_ones_come_with_the_nearest() {
        let tree = tree();
        let fault = |t: &str, v: &str| tree.find(t, v, "").unwrap_err();
        assert!(matches!(fault("北城街道", "大学成新村"),
            AreaFault::UnknownVillage { nearest, .. } if nearest[0] == "大学城新村"));
        assert!(matches!(fault("北成街道", "大学城新村"),
            AreaFault::UnknownTownship { nearest, .. } if nearest[0] == "北城街道"));
        assert!(matches!(fault("东城街道", "大学城新村"),
            AreaFault::OtherTownship { townships, .. } if townships == ["北城街道"]));
    }

    #[test]
    fn distances() {
        assert_eq!(edit_distance("", "新村"), 2);
        assert_eq!(edit_distance("孙屯新村", "孙屯村"), 1);
        assert_eq!(edit_distance("孙屯新村", "屯孙新村"), 2);
    }
}
