//! The management tree from a list of villages with their statutory codes.

use std::collections::HashMap;

use domain::audit::Digest;
use domain::registry::text::tidy;
use domain::registry::{Area, AreaKind};
use domain::{Arg, Id, Millis, Refusal};
use store::Tx;

use crate::Failure;
use crate::audit::{self, Command};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Twelve digits.
    pub code: String,
    pub name: String,
    pub township: String,
    /// Nine digits.
    pub township_code: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AreasRefusal {
    /// The first line does not name these columns.
    Header,
    Line {
        line: usize,
    },
    TooMany {
        max: usize,
    },
}

impl Refusal for AreasRefusal {
    fn code(&self) -> &'static str {
        match self {
            AreasRefusal::Header => "areas-header",
            AreasRefusal::Line { .. } => "areas-line",
            AreasRefusal::TooMany { .. } => "areas-too-many",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            AreasRefusal::Header => Vec::new(),
            AreasRefusal::Line { line } => vec![("line", (*line).into())],
            AreasRefusal::TooMany { max } => vec![("max", (*max).into())],
        }
    }
}

/// A path step has three digits.
const CHILDREN_MAX: usize = 999;

/// Reads `code12,name,kind,township,township_code9`, the columns in any order, others passed over.
pub fn read(csv: &str) -> Result<Vec<Unit>, AreasRefusal> {
    let mut lines = csv.trim_start_matches('\u{feff}').lines().enumerate();
    let (_, header) = lines.next().ok_or(AreasRefusal::Header)?;
    let titles: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |name| titles.iter().position(|t| *t == name).ok_or(AreasRefusal::Header);
    let (code, name) = (column("code12")?, column("name")?);
    let (township, township_code) = (column("township")?, column("township_code9")?);
    let mut units = Vec::new();
    for (n, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<String> =
            line.split(',').map(|f| tidy(f.trim().trim_matches('"'))).collect();
        let get = |at: usize| fields.get(at).filter(|f| !f.is_empty()).cloned();
        let unit = (|| {
            Some(Unit {
                code: get(code)?,
                name: get(name)?,
                township: get(township)?,
                township_code: get(township_code)?,
            })
        })();
        let digits = |s: &str, n| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let unit = unit.filter(|u| digits(&u.code, 12) && digits(&u.township_code, 9));
        units.push(unit.ok_or(AreasRefusal::Line { line: n + 1 })?);
    }
    Ok(units)
}

#[derive(Clone)]
pub struct ImportAreas {
    pub key: Id,
    /// Name of the topmost area where there is none yet.
    pub zone: String,
    pub units: Vec<Unit>,
    pub person: Option<Id>,
    pub at: Millis,
}

/// How many areas were new and how many have a new name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreasChanged {
    pub created: usize,
    pub renamed: usize,
}

/// Adds what is missing, renames what has a new name; matched by statutory code. Nothing is removed.
pub fn import(tx: &mut Tx, r: &ImportAreas) -> Result<AreasChanged, Failure<AreasRefusal>> {
    let kept = store::registry::areas(tx)?;
    let mut plan = Tree::over(&kept, r);
    for unit in &r.units {
        plan.add(unit).map_err(Failure::Refused)?;
    }
    let changed = AreasChanged { created: plan.new.len(), renamed: plan.renamed.len() };
    if changed == AreasChanged::default() {
        return Ok(changed);
    }
    let asked = r.units.iter().fold(Digest::of("import_areas").text(&r.zone), |digest, u| {
        digest.text(&u.code).text(&u.name).text(&u.township).text(&u.township_code)
    });
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(changed);
    }
    store::registry::record_areas(tx, &plan.new)?;
    for (id, name) in &plan.renamed {
        store::registry::rename_area(tx, *id, name)?;
    }
    let c = Command { key: r.key, verb: "import_areas", subject: None, path: None, asked };
    audit::record_by(tx, r.person, r.at, c, None)?;
    Ok(changed)
}

/// The tree as it would be after `import`, with the very same ids; changes nothing.
pub fn planned(kept: Vec<Area>, r: &ImportAreas) -> Result<Vec<Area>, AreasRefusal> {
    let mut plan = Tree::over(&kept, r);
    for unit in &r.units {
        plan.add(unit)?;
    }
    let (new, renamed) = (plan.new, plan.renamed);
    let mut areas = kept;
    for area in &mut areas {
        if let Some((_, name)) = renamed.iter().find(|(id, _)| *id == area.id) {
            area.name.clone_from(name);
        }
    }
    areas.extend(new);
    Ok(areas)
}

struct Tree<'a> {
    request: &'a ImportAreas,
    /// By statutory code: id, path, name.
    known: HashMap<String, (Id, String, String)>,
    /// The highest step below each path.
    steps: HashMap<String, usize>,
    root: (Id, String),
    new: Vec<Area>,
    renamed: Vec<(Id, String)>,
}

impl<'a> Tree<'a> {
    fn over(kept: &[Area], request: &'a ImportAreas) -> Tree<'a> {
        let mut tree = Tree {
            request,
            known: HashMap::new(),
            steps: HashMap::new(),
            root: (Id::nil(), String::new()),
            new: Vec::new(),
            renamed: Vec::new(),
        };
        for area in kept {
            if let Some(code) = &area.statutory_code {
                let known = (area.id, area.path.clone(), area.name.clone());
                tree.known.insert(code.clone(), known);
            }
            if let Some((above, step)) = area.path.rsplit_once('.') {
                let highest = tree.steps.entry(above.to_owned()).or_default();
                *highest = (*highest).max(step.parse().unwrap_or(0));
            }
        }
        match kept.iter().find(|a| a.kind == AreaKind::Zone) {
            Some(zone) => tree.root = (zone.id, zone.path.clone()),
            None => {
                let id = domain::id::derive(request.key, "area", 0);
                tree.root = (id, "001".to_owned());
                tree.new.push(Area {
                    id,
                    parent: None,
                    path: "001".to_owned(),
                    kind: AreaKind::Zone,
                    name: request.zone.clone(),
                    statutory_code: None,
                });
            }
        }
        tree
    }

    fn add(&mut self, unit: &Unit) -> Result<(), AreasRefusal> {
        let root = self.root.clone();
        let township = self.node(&unit.township_code, &unit.township, AreaKind::Township, root)?;
        self.node(&unit.code, &unit.name, AreaKind::Village, township)?;
        Ok(())
    }

    fn node(
        &mut self,
        code: &str,
        name: &str,
        kind: AreaKind,
        (parent, above): (Id, String),
    ) -> Result<(Id, String), AreasRefusal> {
        if let Some((id, path, known_as)) = self.known.get_mut(code) {
            if known_as != name {
                *known_as = name.to_owned();
                self.renamed.push((*id, name.to_owned()));
            }
            return Ok((*id, path.clone()));
        }
        let step = self.steps.entry(above.clone()).or_default();
        *step += 1;
        if *step > CHILDREN_MAX {
            return Err(AreasRefusal::TooMany { max: CHILDREN_MAX });
        }
        let path = format!("{above}.{step:03}");
        let id = domain::id::derive(self.request.key, "area", self.new.len() as u64 + 1);
        self.known.insert(code.to_owned(), (id, path.clone(), name.to_owned()));
        self.new.push(Area {
            id,
            parent: Some(parent),
            path: path.clone(),
            kind,
            name: name.to_owned(),
            statutory_code: Some(code.to_owned()),
        });
        Ok((id, path))
    }
}
