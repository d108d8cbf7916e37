//! The wall on SQLite. Temporary views bear the names of the tables and show what is within reach;
//! temporary triggers refuse to write anything else. Readers cannot look past the views: an
//! authorizer lets a table be read through its view alone. The reach itself is no table: it is held
//! by the program, where no statement can widen it.

use std::sync::{Arc, Mutex, PoisonError};

use domain::access::{Reach, is_within};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::{WALLED, Words, reached, shown};
use crate::Result;

/// The reach of the transaction that runs on a connection; nothing at all between two of them.
#[derive(Clone, Default)]
pub(crate) struct Held {
    reach: Arc<Mutex<Option<Reach>>>,
}

impl Held {
    pub(crate) fn hold(&self, reach: Option<&Reach>) {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner) = reach.cloned();
    }

    fn ask<T>(&self, question: impl FnOnce(&Reach) -> T, nothing: T) -> T {
        let reach = self.reach.lock().unwrap_or_else(PoisonError::into_inner);
        reach.as_ref().map_or(nothing, question)
    }
}

enum Sqlite {
    /// Many rows of one statement, mostly.
    Reading,
    /// One row of one trigger.
    Writing,
}

impl Words for Sqlite {
    fn is_written(&self) -> bool {
        matches!(self, Sqlite::Writing)
    }
    fn found(&self, table: &str, id: &str) -> String {
        format!("EXISTS (SELECT 1 FROM {table} wf WHERE wf.id = {id})")
    }
    fn all(&self) -> String {
        "reach_all()".to_owned()
    }
    fn public(&self) -> String {
        "reach_public()".to_owned()
    }
    fn all_is_covered(&self) -> bool {
        false
    }
    fn covers(&self, path: &str) -> String {
        // The first area is compared in place; only further ones cost a call for each row.
        format!(
            "(({path} >= reach_low() AND {path} < reach_high()) \
             OR (reach_others() AND reach_covers({path})))"
        )
    }
    fn covers_batch(&self, batch: &str) -> String {
        format!(
            "EXISTS (SELECT 1 FROM main.batch wb WHERE wb.id = {batch} AND reach_covers(wb.path))"
        )
    }
    fn named(&self, household: &str) -> String {
        format!(
            "(reach_areas() AND EXISTS (SELECT 1 FROM main.roster wr JOIN main.batch wb \
             ON wb.id = wr.batch WHERE wr.household = {household} AND {}))",
            self.covers("wb.path")
        )
    }
    fn own_household(&self, household: &str) -> String {
        format!(
            "(reach_owner() IS NOT NULL AND (\
               EXISTS (SELECT 1 FROM main.assignment oa WHERE oa.person = reach_owner() \
                 AND oa.household = {household} AND oa.to_date IS NULL) \
               OR EXISTS (SELECT 1 FROM main.roster oro WHERE oro.household = {household} \
                 AND +oro.cadre = reach_owner() AND (SELECT ob.round FROM main.batch ob \
                 WHERE ob.id = oro.batch) = {NEWEST_ROUND})))"
        )
    }
    fn own_batch(&self, batch: &str) -> String {
        format!(
            "(reach_owner() IS NOT NULL AND (\
               EXISTS (SELECT 1 FROM main.assignment oa CROSS JOIN main.roster oro \
                 ON oro.batch = {batch} AND oro.household = oa.household \
                 WHERE oa.person = reach_owner() AND oa.to_date IS NULL) \
               OR EXISTS (SELECT 1 FROM main.batch ob CROSS JOIN main.roster ol \
                 ON ol.cadre = reach_owner() AND ol.batch = ob.id CROSS JOIN main.roster oro \
                 ON oro.batch = {batch} AND oro.household = ol.household \
                 WHERE ob.round = {NEWEST_ROUND})))"
        )
    }
    fn person(&self) -> String {
        "reach_person()".to_owned()
    }
    fn all_or_known(&self, condition: &str) -> String {
        format!("reach_all() OR ({condition} AND reach_person() IS NOT NULL)")
    }
}

// A household, or a batch, is asked for by itself: along an index, however many the asker has. A `+`
// and a `CROSS JOIN` keep SQLite to that index.

const NEWEST_ROUND: &str = "(SELECT id FROM main.round ORDER BY month DESC LIMIT 1)";

/// Puts the views over the tables of this connection.
pub(crate) fn build(connection: &Connection) -> Result<Held> {
    let held = Held::default();
    functions(connection, &held)?;
    for (table, lies) in WALLED {
        let mut seen = reached(&Sqlite::Reading, *lies, "x");
        if let Some(shown) = shown(&Sqlite::Reading, *lies, "x") {
            seen = format!("{seen} OR {shown}");
        }
        connection.execute_batch(&format!(
            "CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} AS x WHERE {seen}"
        ))?;
    }
    Ok(held)
}

/// Tables that tell who reaches what. A row of theirs must not vouch for itself: it is asked before it
/// is written. A row of any other table is asked once it is there, which costs SQLite half as much.
const TELLING: [&str; 3] = ["assignment", "batch", "roster"];

/// Refuses to write outside the reach: what was there before, and what is there after. Where
/// everything is within reach, that is all a row is asked.
pub(crate) fn guard_writes(connection: &Connection) -> Result<()> {
    for (table, lies) in WALLED {
        let within = |x| reached(&Sqlite::Writing, *lies, x);
        let (old, new) = (within("OLD"), within("NEW"));
        let when = if TELLING.contains(table) { "BEFORE" } else { "AFTER" };
        let triggers = [
            ("INSERT", format!("NOT COALESCE(({new}), FALSE)")),
            ("UPDATE", format!("NOT COALESCE(({old}) AND ({new}), FALSE)")),
            ("DELETE", format!("NOT COALESCE(({old}), FALSE)")),
        ];
        for (verb, outside) in triggers {
            connection.execute_batch(&format!(
                "CREATE TEMP TRIGGER wall_{table}_{verb} {when} {verb} ON main.{table} \
                 WHEN NOT reach_all() AND {outside} BEGIN SELECT RAISE(ABORT, 'out of reach'); END"
            ))?;
        }
    }
    Ok(())
}

/// Closes the tables themselves: from here on this connection reads them through their views, and
/// does nothing but read.
pub(crate) fn close_tables(connection: &mut Connection) -> Result<()> {
    connection.authorizer(Some(|asked: AuthContext<'_>| match asked.action {
        AuthAction::Read { table_name, .. } => {
            let is_table = asked.database_name == Some("main") && is_walled(table_name);
            let through = asked.accessor.is_some_and(is_walled);
            if is_table && !through { Authorization::Deny } else { Authorization::Allow }
        }
        AuthAction::Select
        | AuthAction::Function { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction { .. } => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    Ok(())
}

fn is_walled(table: &str) -> bool {
    WALLED.iter().any(|(walled, _)| *walled == table)
}

fn functions(connection: &Connection, held: &Held) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    let of = held.clone();
    connection.create_scalar_function("reach_all", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(Reach::is_all, false))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_public", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| *reach == Reach::Public, false))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_areas", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| !paths(reach).is_empty(), false))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_low", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| paths(reach).first().cloned(), None))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_high", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| paths(reach).first().map(|path| format!("{path}/")), None))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_others", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| paths(reach).len() > 1, false))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_covers", 1, flags, move |asked: &Context<'_>| {
        let Ok(path) = asked.get_raw(0).as_str() else { return Ok(false) };
        Ok(of.ask(
            |reach| match reach {
                Reach::System => true,
                Reach::Public => false,
                Reach::Person(scope) => scope.paths.iter().any(|above| is_within(path, above)),
            },
            false,
        ))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_person", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| bytes(reach, false), None))
    })?;
    let of = held.clone();
    connection.create_scalar_function("reach_owner", 0, flags, move |_: &Context<'_>| {
        Ok(of.ask(|reach| bytes(reach, true), None))
    })?;
    Ok(())
}

fn paths(reach: &Reach) -> &[String] {
    match reach {
        Reach::Person(scope) => &scope.paths,
        _ => &[],
    }
}

/// The asker; or only one who has households of their own.
fn bytes(reach: &Reach, owner: bool) -> Option<Vec<u8>> {
    match reach {
        Reach::Person(scope) if scope.assigned || !owner => Some(scope.person.as_bytes().to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables that are looked at to say whether a row may be written: themselves, and through
    /// the views of others.
    fn looked_at(sql: &str, seen: &mut Vec<&'static str>) {
        let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for pair in words.windows(2).filter(|pair| ["FROM", "JOIN", "main"].contains(&pair[0])) {
            let named = WALLED.iter().find(|(table, _)| *table == pair[1]);
            let Some((table, lies)) = named.filter(|(table, _)| !seen.contains(table)) else {
                continue;
            };
            seen.push(table);
            if pair[0] != "main" {
                looked_at(&reached(&Sqlite::Reading, *lies, "x"), seen);
                looked_at(&shown(&Sqlite::Reading, *lies, "x").unwrap_or_default(), seen);
            }
        }
    }

    #[test]
    fn no_row_vouches_for_itself() {
        let mut telling = Vec::new();
        for (table, lies) in WALLED {
            let mut seen = Vec::new();
            looked_at(&reached(&Sqlite::Writing, *lies, "NEW"), &mut seen);
            if seen.contains(table) {
                telling.push(*table);
            }
        }
        telling.sort_unstable();
        assert_eq!(telling, TELLING);
    }
}
