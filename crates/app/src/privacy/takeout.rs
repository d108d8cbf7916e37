//! Sealed values on a list that is taken out: asked for, allowed by a second person, taken.

use domain::access::Permission;
use domain::audit::Digest;
use domain::privacy::takeout::{self, Answer, Column, Refusal, Standing};
use domain::privacy::{Reason, Stated};
use domain::registry::Area;
use domain::{Date, Id, local_date};
use store::privacy::{Decided, NewTakeout, Taken, Takeout};
use store::{Broken, Tx};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub struct AskTakeout {
    /// The id of the request.
    pub key: Id,
    /// The area it is for.
    pub path: String,
    pub columns: Vec<Column>,
    pub reason: Option<Reason>,
    pub words: String,
}

/// Asks for a list with sealed values, of an area out of which one may both see them and take lists.
pub fn ask_takeout(tx: &mut Tx, who: &Who, r: &AskTakeout) -> Result<Id, Failure<Refusal>> {
    let scope = who.must_take_out(Permission::Reveal)?;
    if !store::registry::areas(tx)?.iter().any(|a| a.path == r.path && scope.covers(&a.path)) {
        return Err(Failure::NotFound);
    }
    let mut columns = r.columns.clone();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        return Err(Failure::Refused(Refusal::ColumnsNeeded));
    }
    let stated = Stated::new(r.reason, &r.words)
        .map_err(|refusal| Failure::Refused(Refusal::Stated(refusal)))?;
    let line = Column::line(&columns);
    let asked = Digest::of("ask_takeout")
        .id(who.person)
        .text(&r.path)
        .text(&line)
        .text(stated.reason.code())
        .text(&stated.words);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    let new = NewTakeout {
        id: r.key,
        person: who.person,
        path: &r.path,
        columns: &columns,
        reason: stated.reason.code(),
        words: &stated.words,
        at: who.now,
    };
    store::privacy::record_takeout(tx, &new)?;
    let (subject, path) = (Some(r.key), Some(r.path.as_str()));
    let c = Command { key: r.key, verb: "ask_takeout", subject, path, asked };
    audit::record_by(
        tx,
        Some(who.person),
        who.now,
        c,
        Some(&format!("{line} · {}", stated.line())),
    )?;
    Ok(r.key)
}

pub struct DecideTakeout {
    pub key: Id,
    pub id: Id,
    pub allow: bool,
    pub words: String,
}

/// A second person's yes or no.
pub fn decide_takeout(
    tx: &mut Tx,
    who: &Who,
    r: &DecideTakeout,
) -> Result<Standing, Failure<Refusal>> {
    let t = known(tx, who, r.id)?;
    who.must_cover(Permission::AllowTakeout, &t.path)?;
    let standing = if r.allow { Standing::Allowed } else { Standing::Declined };
    let asked = Digest::of("decide_takeout").id(r.id).truth(r.allow).text(&r.words);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(standing);
    }
    let answer = Answer {
        by: who.person,
        asked_by: t.person,
        standing: t.standing,
        allow: r.allow,
        words: &r.words,
    };
    let words = takeout::decide(&answer).map_err(Failure::Refused)?;
    let decided = Decided { id: r.id, standing, by: who.person, at: who.now, answer: &words };
    if !store::privacy::decide_takeout(tx, &decided)? {
        return Err(Failure::Refused(Refusal::AlreadyDecided));
    }
    let c = Command {
        key: r.key,
        verb: if r.allow { "allow_takeout" } else { "decline_takeout" },
        subject: Some(r.id),
        path: Some(&t.path),
        asked,
    };
    audit::record_by(tx, Some(who.person), who.now, c, Some(&words))?;
    Ok(standing)
}

/// (path, name) of the areas one may ask for, in tree order.
pub fn takeout_places(tx: &mut Tx, who: &Who) -> Result<Vec<(String, String)>, Failure<Never>> {
    if !who.may(Permission::Export) {
        return Ok(Vec::new());
    }
    let scope = who.must_take_out(Permission::Reveal)?;
    let areas = store::registry::areas(tx)?.into_iter().filter(|a| scope.covers(&a.path));
    let indent = |path: &str| "\u{3000}".repeat(path.matches('.').count());
    let named = |a: Area| (a.path.clone(), format!("{}{}", indent(&a.path), a.name));
    Ok(areas.map(named).collect())
}

/// One's own requests and those one may decide, newest first; how many there are.
pub fn takeouts(
    tx: &mut Tx,
    who: &Who,
    standing: Option<Standing>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Takeout>, i64), Failure<Never>> {
    who.must(Permission::Reveal)?;
    let decides = who.scope(Permission::AllowTakeout);
    Ok(store::privacy::takeouts(tx, who.person, &decides, standing, offset, limit)?)
}

/// One request, and what may be done with it now.
pub struct TakeoutPage {
    pub t: Takeout,
    pub may_decide: bool,
    pub is_own: bool,
    pub good_until: Option<Date>,
    /// Why its asker cannot take it out now.
    pub refused: Option<Refusal>,
}

pub fn takeout(tx: &mut Tx, who: &Who, id: Id) -> Result<TakeoutPage, Failure<Never>> {
    let t = known(tx, who, id)?;
    let is_own = t.person == who.person;
    let decided_on = t.decided_at.map(local_date);
    Ok(TakeoutPage {
        is_own,
        may_decide: !is_own
            && t.standing == Standing::Asked
            && who.scope(Permission::AllowTakeout).covers(&t.path),
        good_until: decided_on.filter(|_| t.standing == Standing::Allowed).map(takeout::good_until),
        refused: takeout::take(t.standing, decided_on, who.today()).err(),
        t,
    })
}

/// Where it is not one's own and not one's to decide, it is not there.
fn known<R>(tx: &mut Tx, who: &Who, id: Id) -> Result<Takeout, Failure<R>> {
    who.must(Permission::Reveal)?;
    let t = store::privacy::find_takeout(tx, id)?.ok_or(Failure::NotFound)?;
    let is_known = t.person == who.person || who.scope(Permission::AllowTakeout).covers(&t.path);
    if is_known { Ok(t) } else { Err(Failure::NotFound) }
}

/// The request, if its asker may take it out now.
pub fn takeout_to_take(tx: &mut Tx, who: &Who, id: Id) -> Result<Takeout, Failure<Refusal>> {
    let scope = who.must_take_out(Permission::Reveal)?;
    let t = store::privacy::find_takeout(tx, id)?.ok_or(Failure::NotFound)?;
    if t.person != who.person || !scope.covers(&t.path) {
        return Err(Failure::NotFound);
    }
    takeout::take(t.standing, t.decided_at.map(local_date), who.today())
        .map_err(Failure::Refused)?;
    Ok(t)
}

/// Its rows, one after another.
pub fn each_taken(
    tx: &mut Tx,
    who: &Who,
    id: Id,
    see: impl FnMut(Taken) -> Result<(), Broken>,
) -> Result<(), Failure<Refusal>> {
    let t = takeout_to_take(tx, who, id)?;
    let scope = who.must_take_out(Permission::Reveal)?;
    Ok(store::privacy::each_taken(tx, &scope, &t.path, &t.columns, see)?)
}
