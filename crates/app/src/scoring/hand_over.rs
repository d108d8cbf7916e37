//! An officer changes: their households, and the sheets they still owe, pass to another.

use domain::Id;
use domain::access::{Permission, Scope};
use domain::audit::Digest;
use domain::scoring::{HandOverRefusal, Scorer, Taker, decide_hand_over};
use store::Tx;
use store::registry::Assignment;
use store::scoring::Visitor;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub struct HandOver {
    pub key: Id,
    pub from: Id,
    pub to: Id,
}

/// Within the asker's areas alone. How many households passed.
pub fn hand_over(tx: &mut Tx, who: &Who, r: &HandOver) -> Result<usize, Failure<HandOverRefusal>> {
    let scope = who.must_scope(Permission::HandOver)?;
    let asked = Digest::of("hand_over").id(r.from).id(r.to);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(0);
    }
    let from = store::access::find(tx, r.from)?.ok_or(Failure::NotFound)?;
    let to = store::access::find(tx, r.to)?.ok_or(Failure::NotFound)?;
    let taker = Taker {
        name: &to.name,
        is_same: r.from == r.to,
        is_disabled: to.disabled_at.is_some(),
        posts: &store::access::posts(tx, r.to)?,
    };
    let passes = decide_hand_over(&taker, who.today()).map_err(Failure::Refused)?;
    let people = (r.from, r.to);
    let (mut households, mut sheets) = (0, 0);
    if passes.as_cadre {
        households = assign_anew(tx, who, r, &scope)?;
        sheets += store::scoring::hand_over_sheets(tx, Scorer::AssignedCadre, people, &scope)?;
    }
    if !passes.as_officer.is_empty() {
        let villages = Scope { paths: passes.as_officer, ..scope.clone() }.and(&scope);
        sheets +=
            store::scoring::hand_over_sheets(tx, Scorer::AssistanceOfficer, people, &villages)?;
    }
    if households == 0 && sheets == 0 {
        return Err(Failure::Refused(HandOverRefusal::NothingThere { name: from.name }));
    }
    let path = scope.paths.first().map(String::as_str);
    let c = Command { key: r.key, verb: "hand_over", subject: Some(r.to), path, asked };
    audit::record(tx, who, c)?;
    Ok(households)
}

fn assign_anew(
    tx: &mut Tx,
    who: &Who,
    r: &HandOver,
    scope: &Scope,
) -> Result<usize, store::Broken> {
    let today = who.today();
    let given = store::scoring::assigned_to(tx, r.from, scope)?;
    let ended: Vec<Id> = given.iter().map(|(id, _)| *id).collect();
    store::registry::end_assignments(tx, &ended, today.yesterday().unwrap_or(today))?;
    let made = given.iter().zip(0..).map(|((_, household), n)| Assignment {
        id: domain::id::derive(r.key, "assignment", n),
        household: *household,
        person: r.to,
    });
    store::registry::record_assignments(tx, made.collect::<Vec<_>>(), today)?;
    Ok(given.len())
}

/// Everybody who visits within the asker's areas.
pub fn visitors(
    tx: &mut Tx,
    who: &Who,
    search: &str,
    page: (i64, i64),
) -> Result<(Vec<Visitor>, i64), Failure<Never>> {
    let scope = who.must_scope(Permission::HandOver)?;
    Ok(store::scoring::visitors(tx, &scope, search, who.today(), page)?)
}

/// The name of somebody on that page.
pub fn visitor_name(tx: &mut Tx, who: &Who, person: Id) -> Result<String, Failure<Never>> {
    who.must(Permission::HandOver)?;
    Ok(store::access::find(tx, person)?.ok_or(Failure::NotFound)?.name)
}
