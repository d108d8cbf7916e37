//! Who stands for whom after an import: people, posts, assignments. Somebody is the same person when
//! name and telephone are the same.

use std::collections::{HashMap, HashSet};

use domain::access::Role;
use domain::registry::{Changes, Plan};
use domain::{Date, Id};
use store::Tx;
use store::access::NewPost;
use store::access::without_login;
use store::registry::Assignment;

use super::By;
use crate::registry::report::ChangesReport;

#[derive(Default)]
pub(super) struct Standing {
    people: Vec<(Id, String, Option<String>, Option<String>)>,
    units: Vec<(Id, String)>,
    posts: Vec<(Id, Role, Option<Id>)>,
    post_ids: Vec<Id>,
    ended_posts: Vec<Id>,
    made: Vec<Assignment>,
    ended: Vec<Id>,
}

impl Standing {
    pub fn of(
        tx: &mut Tx,
        plan: &Plan,
        changes: &Changes,
        key: Id,
    ) -> Result<Standing, store::Broken> {
        let mut standing = Standing::default();
        let mut known: HashMap<(String, Option<String>), (Id, Option<String>)> = HashMap::new();
        for p in store::registry::everybody(tx)? {
            known.entry((p.name, p.phone)).or_insert((p.id, p.unit));
        }
        let mut settled = HashSet::new();
        let mut person =
            |standing: &mut Standing, name: &str, phone: &Option<String>, unit: Option<&String>| {
                let entry = known.entry((name.to_owned(), phone.clone())).or_insert_with(|| {
                    let id = domain::id::derive(key, "person", standing.people.len() as u64);
                    standing.people.push((id, name.to_owned(), phone.clone(), unit.cloned()));
                    (id, unit.cloned())
                });
                // The first mention in the file says where somebody works.
                if let Some(unit) =
                    unit.filter(|u| settled.insert(entry.0) && entry.1.as_ref() != Some(u))
                {
                    entry.1 = Some(unit.clone());
                    standing.units.push((entry.0, unit.clone()));
                }
                entry.0
            };

        let mut cadres = Vec::with_capacity(plan.cadres.len());
        for cadre in &plan.cadres {
            cadres.push(person(&mut standing, &cadre.name, &cadre.phone, cadre.unit.as_ref()));
        }
        let mut officers = Vec::with_capacity(plan.officers.len());
        for officer in &plan.officers {
            officers.push((
                person(&mut standing, &officer.name, &officer.phone, None),
                officer.village,
            ));
        }
        standing.appoint_officers(tx, &officers)?;
        standing.assign_cadres(tx, plan, changes, &cadres, key)?;
        standing.post_ids =
            (0..standing.posts.len()).map(|n| domain::id::derive(key, "post", n as u64)).collect();
        Ok(standing)
    }

    /// A village that the file names an officer for has that one, and no other.
    fn appoint_officers(&mut self, tx: &mut Tx, file: &[(Id, Id)]) -> Result<(), store::Broken> {
        let villages: HashSet<Id> = file.iter().map(|(_, village)| *village).collect();
        let wanted: HashSet<(Id, Id)> = file.iter().copied().collect();
        let mut held = HashSet::new();
        for (post, person, village) in store::registry::officer_posts(tx)? {
            if wanted.contains(&(person, village)) {
                held.insert((person, village));
            } else if villages.contains(&village) {
                self.ended_posts.push(post);
            }
        }
        for (person, village) in file {
            if held.insert((*person, *village)) {
                self.posts.push((*person, Role::AssistanceOfficer, Some(*village)));
            }
        }
        Ok(())
    }

    fn assign_cadres(
        &mut self,
        tx: &mut Tx,
        plan: &Plan,
        changes: &Changes,
        cadres: &[Id],
        key: Id,
    ) -> Result<(), store::Broken> {
        let mut now: HashMap<Id, Vec<Assignment>> = HashMap::new();
        for assignment in store::registry::assignments(tx)? {
            now.entry(assignment.household).or_default().push(assignment);
        }
        let mut posted: HashSet<Id> = store::registry::cadre_posts(tx)?.into_iter().collect();
        for (planned, fate) in plan.households.iter().zip(&changes.households) {
            let Some(person) = planned.cadre.map(|place| cadres[place]) else { continue };
            let household = fate.id();
            let current = now.remove(&household).unwrap_or_default();
            self.ended.extend(current.iter().filter(|a| a.person != person).map(|a| a.id));
            if current.iter().all(|a| a.person != person) {
                let id = domain::id::derive(key, "assignment", self.made.len() as u64);
                self.made.push(Assignment { id, household, person });
            }
            if posted.insert(person) {
                self.posts.push((person, Role::AssignedCadre, None));
            }
        }
        Ok(())
    }

    pub fn count(&self, report: &mut ChangesReport) {
        report.people_added = self.people.len();
        report.assignments_made = self.made.len();
        report.assignments_ended = self.ended.len();
        report.officers_ended = self.ended_posts.len();
        report.officers_appointed =
            self.posts.iter().filter(|(_, role, _)| *role == Role::AssistanceOfficer).count();
    }

    pub fn record(&self, tx: &mut Tx, by: By) -> Result<(), store::Broken> {
        let today: Date = domain::local_date(by.now);
        let yesterday = today.yesterday().unwrap_or(today);
        let people: Vec<_> = self
            .people
            .iter()
            .map(|(id, name, phone, unit)| {
                without_login(*id, name, phone.as_deref(), unit.as_deref(), by.now)
            })
            .collect();
        store::registry::record_people(tx, &people)?;
        let units: Vec<(Id, &str)> = self.units.iter().map(|(id, u)| (*id, u.as_str())).collect();
        store::registry::set_units(tx, &units)?;
        store::registry::end_posts(tx, &self.ended_posts, yesterday)?;
        let posts: Vec<NewPost> = self
            .posts
            .iter()
            .zip(&self.post_ids)
            .map(|((person, role, area), id)| NewPost {
                id: *id,
                person: *person,
                role: *role,
                area: *area,
                place: None,
                from: today,
                to: None,
            })
            .collect();
        store::registry::record_posts(tx, &posts)?;
        store::registry::end_assignments(tx, &self.ended, yesterday)?;
        store::registry::record_assignments(tx, self.made.iter().copied(), today)?;
        Ok(())
    }
}
