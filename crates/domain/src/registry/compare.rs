//! The plan held against the register that is kept: what is new, what changes in which fields, what
//! stays, who is no longer in the file.

use std::collections::HashMap;

use super::check::{Plan, PlannedMember};
use super::finding::{Fault, Finding};
use super::{Household, Member};
use crate::Id;

/// What happens to one record of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Created { id: Id },
    Updated { id: Id, fields: Vec<&'static str> },
    Unchanged { id: Id },
}

impl Fate {
    pub fn id(&self) -> Id {
        match self {
            Fate::Created { id } | Fate::Updated { id, .. } | Fate::Unchanged { id } => *id,
        }
    }
}

/// A member of a household in the file who is not in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub id: Id,
    pub household_number: String,
    pub number: String,
    pub name: String,
    /// As kept until now.
    pub member: Member,
}

/// The whole difference. Fates stand in the plan's order, members of a household within it.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub households: Vec<Fate>,
    pub members: Vec<Vec<Fate>>,
    pub gone: Vec<Gone>,
    /// Active households of the register that the file does not speak of: left as they are.
    pub households_elsewhere: usize,
    pub findings: Vec<Finding>,
}

/// Created, updated, unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
}

impl Tally {
    fn of<'a>(fates: impl Iterator<Item = &'a Fate>) -> Tally {
        let mut tally = Tally::default();
        for fate in fates {
            match fate {
                Fate::Created { .. } => tally.created += 1,
                Fate::Updated { .. } => tally.updated += 1,
                Fate::Unchanged { .. } => tally.unchanged += 1,
            }
        }
        tally
    }
}

impl Changes {
    pub fn household_tally(&self) -> Tally {
        Tally::of(self.households.iter())
    }
    pub fn member_tally(&self) -> Tally {
        Tally::of(self.members.iter().flatten())
    }
    pub fn is_nothing(&self) -> bool {
        let still = |t: Tally| t.created == 0 && t.updated == 0;
        still(self.household_tally()) && still(self.member_tally()) && self.gone.is_empty()
    }
}

/// Goes through the kept register once: all households first, then all members.
pub struct Comparison<'p> {
    plan: &'p mut Plan,
    households: HashMap<String, usize>,
    members: HashMap<String, (usize, usize)>,
    citizens: HashMap<String, (usize, usize)>,
    kept_households: Vec<Option<(Id, Household)>>,
    kept_members: HashMap<(usize, usize), (Id, Member)>,
    /// Household number, and whether the file speaks of it, of each kept household.
    kept_numbers: HashMap<Id, (String, bool)>,
    unmatched: Vec<(Id, Member)>,
    elsewhere: usize,
}

impl<'p> Comparison<'p> {
    pub fn new(plan: &'p mut Plan) -> Comparison<'p> {
        let mut households = HashMap::with_capacity(plan.households.len());
        let mut members = HashMap::new();
        let mut citizens = HashMap::new();
        for (h, household) in plan.households.iter().enumerate() {
            households.insert(household.household.number.clone(), h);
            for (m, planned) in household.members.iter().enumerate() {
                members.insert(planned.member.number.clone(), (h, m));
                if let Some(citizen) = &planned.member.citizen_number {
                    citizens.insert(citizen.clone(), (h, m));
                }
            }
        }
        let kept_households = vec![None; plan.households.len()];
        Comparison {
            plan,
            households,
            members,
            citizens,
            kept_households,
            kept_members: HashMap::new(),
            kept_numbers: HashMap::new(),
            unmatched: Vec::new(),
            elsewhere: 0,
        }
    }

    pub fn household(&mut self, id: Id, kept: Household) {
        let in_file = self.plan.numbers.contains_key(&kept.number);
        self.kept_numbers.insert(id, (kept.number.clone(), in_file));
        if !in_file && kept.active {
            self.elsewhere += 1;
        }
        if let Some(place) = self.households.get(&kept.number) {
            self.kept_households[*place] = Some((id, kept));
        }
    }

    /// Matches by the member's own number; those left over are matched by citizen number at the end.
    pub fn member(&mut self, id: Id, kept: Member) {
        match self.members.get(&kept.number) {
            Some(place) => _ = self.kept_members.insert(*place, (id, kept)),
            None => self.unmatched.push((id, kept)),
        }
    }

    /// `new_id` makes the ids of what is created, in the plan's order.
    pub fn finish(mut self, mut new_id: impl FnMut() -> Id) -> Changes {
        let mut changes = Changes { households_elsewhere: self.elsewhere, ..Changes::default() };
        self.match_by_citizen_number(&mut changes);
        for (h, planned) in self.plan.households.iter_mut().enumerate() {
            let kept = self.kept_households[h].take();
            let id = kept.as_ref().map_or_else(&mut new_id, |(id, _)| *id);
            let mut fates = Vec::with_capacity(planned.members.len());
            for (m, PlannedMember { member, .. }) in planned.members.iter_mut().enumerate() {
                member.household = id;
                let fate = match self.kept_members.remove(&(h, m)) {
                    None => Fate::Created { id: new_id() },
                    Some((id, kept)) => match member.differences(&kept) {
                        fields if fields.is_empty() => Fate::Unchanged { id },
                        fields => Fate::Updated { id, fields },
                    },
                };
                if member.is_head() {
                    planned.household.head = Some(fate.id());
                }
                fates.push(fate);
            }
            changes.households.push(match kept {
                None => Fate::Created { id },
                Some((id, kept)) => match planned.household.differences(&kept) {
                    fields if fields.is_empty() => Fate::Unchanged { id },
                    fields => Fate::Updated { id, fields },
                },
            });
            changes.members.push(fates);
        }
        changes
    }

    /// Somebody kept under another number: the same person moved within the file, or a clash.
    fn match_by_citizen_number(&mut self, changes: &mut Changes) {
        for (id, kept) in std::mem::take(&mut self.unmatched) {
            let (number, in_file) =
                self.kept_numbers.get(&kept.household).cloned().unwrap_or_default();
            let same = kept.citizen_number.as_ref().and_then(|c| self.citizens.get(c)).copied();
            match same {
                Some(place)
                    if (in_file || !kept.active) && !self.kept_members.contains_key(&place) =>
                {
                    self.kept_members.insert(place, (id, kept));
                }
                Some((h, m)) => {
                    let planned = &self.plan.households[h].members[m];
                    let sheet = &self.plan.sheets[planned.sheet];
                    let (column, title) = sheet.citizen_number.clone();
                    changes.findings.push(Finding {
                        sheet: sheet.name.clone(),
                        row: planned.row,
                        column,
                        title,
                        fault: Fault::CitizenNumberInRegister { household_number: number },
                    });
                }
                None if kept.active && self.plan.numbers.get(&number) == Some(&true) => {
                    changes.gone.push(Gone {
                        id,
                        household_number: number,
                        number: kept.number.clone(),
                        name: kept.name.clone(),
                        member: kept,
                    });
                }
                None => {}
            }
        }
    }
}
