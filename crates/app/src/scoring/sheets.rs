//! Sheets as they come in: one, or as many as a phone has kept while it had no network.

use domain::access::Permission;
use domain::audit::Digest;
use domain::scoring::{Scorer, Scores, SheetFacts, SheetRequest, decide_sheet};
use domain::{Date, Id, Millis};
use store::Tx;
use store::scoring::Sheet;

use super::Answer;
use crate::audit::{self, Command};
use crate::{Failure, Who};

/// Sheets that may come in together.
pub const SHEETS_MAX: usize = 50;

#[derive(Clone, Debug)]
pub struct SaveSheet {
    /// Also the sheet's id: made when the form was opened, sent again after a lost connection.
    pub key: Id,
    pub batch: Id,
    pub household: Id,
    pub scores: Scores,
    pub remark: String,
    pub visited_on: Option<Date>,
    pub opened_at: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    pub scorer: Scorer,
    /// The own sheet this one takes the place of.
    pub replaces: Option<Id>,
}

/// Keeps one sheet: one look at the facts, three rows written.
pub fn save_sheet(tx: &mut Tx, who: &Who, r: &SaveSheet) -> Answer<Saved> {
    who.must(Permission::Score)?;
    let asked = asked(who, r);
    if audit::is_repeat(tx, r.key, &asked)? {
        return again(store::scoring::find_sheet(tx, r.key)?.as_ref());
    }
    let facts = store::scoring::sheet_facts(tx, r.batch, r.household)?;
    let (sheet, path) = decide(who, facts.as_ref(), r)?;
    let kept = store::scoring::record_sheet(tx, sheet, path)?;
    audit::record_on(tx, who, Some(r.household), command(r, path, asked))?;
    Ok(saved(&kept))
}

/// Keeps sheets that came in together, no two under one key: each by itself and in their order, with as
/// many looks and writes as for one. A refusal is found before anything is written, and stops no
/// other sheet; what breaks undoes them all.
pub fn save_sheets(tx: &mut Tx, who: &Who, sheets: &[SaveSheet]) -> Answer<Vec<Answer<Saved>>> {
    who.must(Permission::Score)?;
    let asked_of = |r: &SaveSheet| (r.key, asked(who, r));
    let repeats = audit::are_repeats(tx, sheets.iter().map(asked_of).collect())?;
    let (mut keys, mut pairs) = (Vec::new(), Vec::new());
    for (r, is_repeat) in sheets.iter().zip(&repeats) {
        match is_repeat {
            Ok(true) => keys.push(r.key),
            Ok(false) => pairs.push((r.batch, r.household)),
            Err(_) => {}
        }
    }
    let kept = store::scoring::find_sheets(tx, &keys)?;
    let facts = store::scoring::facts_of_sheets(tx, &pairs)?;
    let (mut new, mut commands) = (Vec::new(), Vec::new());
    let answers = sheets.iter().zip(repeats).map(|(r, is_repeat)| {
        if is_repeat? {
            return again(kept.get(&r.key)).map(Some);
        }
        let (sheet, path) = decide(who, facts.get(&(r.batch, r.household)), r)?;
        new.push((sheet, path));
        commands.push((r.household, command(r, path, asked(who, r))));
        Ok(None)
    });
    let answers: Vec<Answer<Option<Saved>>> = answers.collect();
    // Nothing below is refused.
    store::scoring::record_sheets(tx, &mut new)?;
    audit::record_each_on(tx, who, commands)?;
    let mut new = new.iter().map(|(sheet, _)| saved(sheet));
    let mut told = |known: Option<Saved>| known.or_else(|| new.next()).ok_or(Failure::NotFound);
    Ok(answers.into_iter().map(|answer| answer.and_then(&mut told)).collect())
}

fn asked(who: &Who, r: &SaveSheet) -> Digest {
    Digest::of("save_sheet")
        .id(who.person)
        .id(r.batch)
        .id(r.household)
        .text(&r.scores.to_string())
        .text(&r.remark)
        .opt(r.visited_on, Digest::date)
}

fn command<'a>(r: &SaveSheet, path: &'a str, asked: Digest) -> Command<'a> {
    Command { key: r.key, verb: "save_sheet", subject: Some(r.household), path: Some(path), asked }
}

fn saved(sheet: &Sheet) -> Saved {
    Saved { scorer: sheet.scorer, replaces: sheet.replaces }
}

/// What was answered the first time.
fn again(kept: Option<&Sheet>) -> Answer<Saved> {
    kept.map(saved).ok_or(Failure::NotFound)
}

/// The sheet to keep, and the path of its batch.
fn decide<'f>(
    who: &Who,
    facts: Option<&'f store::scoring::SheetFacts>,
    r: &SaveSheet,
) -> Answer<(Sheet, &'f str)> {
    let facts = facts.ok_or(Failure::NotFound)?;
    // To somebody with nothing to do here, neither the batch nor the household exists.
    let gives = facts.place.is_some_and(|place| place.scorer(who.person).is_some());
    if !gives && !who.scope(Permission::Score).covers(&facts.path) {
        return Err(Failure::NotFound);
    }
    let request = SheetRequest { person: who.person, scores: &r.scores, visited_on: r.visited_on };
    let known = SheetFacts {
        scheme: &facts.scheme,
        state: facts.state,
        place: facts.place,
        visits_from: facts.visits_from,
        visits_to: facts.visits_to,
        today: who.today(),
    };
    let scorer = decide_sheet(&known, &request).map_err(Failure::Refused)?;
    let sheet = Sheet {
        id: r.key,
        batch: r.batch,
        household: r.household,
        scorer,
        person: who.person,
        visited_on: r.visited_on,
        scores: r.scores.to_string(),
        remark: r.remark.clone(),
        opened_at: r.opened_at,
        at: who.now,
        replaces: None,
    };
    Ok((sheet, &facts.path))
}
