//! What was done, refused, shown and taken out: one line each in the log, in the transaction of what
//! it tells of. Where the log cannot be written, nothing else is.
//!
//! Every write once: the same key again gives the first answer, with other content it is refused.

use domain::audit::chain::Head;
use domain::audit::{DONE, Digest, Entry, Kind, note};
use domain::{Date, Id, Millis};
use store::audit::{Sealed, Seen};
use store::{Broken, Tx};

use crate::{Failure, Never, Who};

/// A command as it is written down.
pub struct Command<'a> {
    pub key: Id,
    pub verb: &'a str,
    pub subject: Option<Id>,
    pub path: Option<&'a str>,
    /// What was asked, in full: `Digest::of(verb)…` over every field of the request.
    pub asked: Digest,
}

/// Has this command been done already? `Ok(true)`: yes, give the first answer again.
pub fn is_repeat<R>(tx: &mut Tx, key: Id, asked: &Digest) -> Result<bool, Failure<R>> {
    match store::audit::seen(tx, key, asked.clone().finish())? {
        Seen::Never => Ok(false),
        Seen::Same => Ok(true),
        Seen::Other => Err(Failure::KeyReused),
    }
}

/// The same of many commands, in their order.
pub fn are_repeats<R>(
    tx: &mut Tx,
    commands: Vec<(Id, Digest)>,
) -> Result<Vec<Result<bool, Failure<R>>>, Broken> {
    let keys: Vec<Id> = commands.iter().map(|(key, _)| *key).collect();
    let known = store::audit::asked_under(tx, &keys)?;
    let each = commands.into_iter().map(|(key, asked)| match known.get(&key) {
        None => Ok(false),
        Some(known) if *known == asked.finish() => Ok(true),
        Some(_) => Err(Failure::KeyReused),
    });
    Ok(each.collect())
}

/// Writes the command down. Call it in the transaction of its effect.
pub fn record(tx: &mut Tx, who: &Who, c: Command) -> Result<(), Broken> {
    record_for(tx, (Some(who.person), who.now), None, None, c)
}

/// The same for a command on one household, which can ask for it later.
pub fn record_on(tx: &mut Tx, who: &Who, household: Option<Id>, c: Command) -> Result<(), Broken> {
    record_for(tx, (Some(who.person), who.now), household, None, c)
}

/// The same for many, each on its own household.
pub fn record_each_on(tx: &mut Tx, who: &Who, commands: Vec<(Id, Command)>) -> Result<(), Broken> {
    let by = (Some(who.person), who.now);
    let each = commands.into_iter().map(|(household, c)| entry(by, Some(household), None, c));
    store::audit::record_all(tx, &each.collect::<Vec<_>>())
}

/// The same for a command with a note, or by nobody who is signed in.
pub fn record_by(
    tx: &mut Tx,
    person: Option<Id>,
    at: Millis,
    c: Command,
    note: Option<&str>,
) -> Result<(), Broken> {
    record_for(tx, (person, at), None, note, c)
}

/// The same with everything that can be said of it.
pub fn record_for(
    tx: &mut Tx,
    by: (Option<Id>, Millis),
    household: Option<Id>,
    said: Option<&str>,
    c: Command,
) -> Result<(), Broken> {
    let note = said.and_then(note);
    store::audit::record(tx, &entry(by, household, note.as_deref(), c))
}

fn entry<'a>(
    by: (Option<Id>, Millis),
    household: Option<Id>,
    note: Option<&'a str>,
    c: Command<'a>,
) -> Entry<'a> {
    Entry {
        key: Some(c.key),
        subject: c.subject,
        household,
        path: c.path,
        note,
        asked: Some(c.asked.finish()),
        ..line(Kind::Command, c.verb, by)
    }
}

fn line(kind: Kind, verb: &str, (person, at): (Option<Id>, Millis)) -> Entry<'_> {
    Entry {
        key: None,
        at,
        person,
        kind,
        verb,
        subject: None,
        household: None,
        path: None,
        code: DONE,
        rows: None,
        note: None,
        asked: None,
    }
}

/// Something that was asked for and not done.
#[derive(Clone, Debug)]
pub struct Refused {
    pub person: Option<Id>,
    pub at: Millis,
    /// The route.
    pub verb: &'static str,
    /// Why.
    pub code: String,
    /// The record it was about, as it was asked for: it need not be there.
    pub subject: Option<Id>,
    pub household: Option<Id>,
    /// Strangers' refusals that were counted and not listed.
    pub unlisted: Option<i64>,
}

pub fn refused(tx: &mut Tx, r: &Refused) -> Result<(), Failure<Never>> {
    let entry = Entry {
        code: &r.code,
        subject: r.subject,
        household: r.household,
        rows: r.unlisted,
        ..line(Kind::Refusal, r.verb, (r.person, r.at))
    };
    Ok(store::audit::record(tx, &entry)?)
}

/// A household's sensitive field is about to be shown in full, and why. Whoever shows it has
/// authorised it.
pub fn revealed(
    tx: &mut Tx,
    who: &Who,
    household: Id,
    field: &str,
    reason: &str,
) -> Result<(), Broken> {
    let path = store::audit::household_path(tx, household)?;
    revealed_of(tx, who, household, Some(household), path.as_deref(), (field, reason))
}

/// The same for one record: a member of the household, an objection, which may be about none.
pub fn revealed_of(
    tx: &mut Tx,
    who: &Who,
    subject: Id,
    household: Option<Id>,
    path: Option<&str>,
    (field, reason): (&str, &str),
) -> Result<(), Broken> {
    let note = note(reason);
    let entry = Entry {
        subject: Some(subject).filter(|s| Some(*s) != household),
        household,
        path,
        code: field,
        note: note.as_deref(),
        ..line(Kind::Reveal, "reveal", (Some(who.person), who.now))
    };
    store::audit::record(tx, &entry)
}

/// A household's papers are about to be printed: its file, its card.
pub fn printed(tx: &mut Tx, who: &Who, household: Id, what: &str) -> Result<(), Broken> {
    let path = store::audit::household_path(tx, household)?;
    let entry = Entry {
        household: Some(household),
        path: path.as_deref(),
        ..line(Kind::Print, what, (Some(who.person), who.now))
    };
    store::audit::record(tx, &entry)
}

pub fn signed_in(tx: &mut Tx, person: Id, at: Millis) -> Result<(), Broken> {
    store::audit::record(tx, &line(Kind::Login, "sign_in", (Some(person), at)))
}

pub fn signed_out(tx: &mut Tx, person: Id, at: Millis) -> Result<(), Broken> {
    store::audit::record(tx, &line(Kind::Logout, "sign_out", (Some(person), at)))
}

/// A list that is taken out as a file.
pub struct Export {
    pub key: Id,
    /// The list and the kind of file: `households.xlsx`.
    pub what: String,
    /// How many rows the file really has.
    pub rows: i64,
    /// What it is needed for, in the person's own words.
    pub why: String,
    /// The area it keeps to, where that is one.
    pub path: Option<String>,
}

/// Writes down that a list is taken out; nothing leaves before this is durable. The same file asked
/// for again on the same day, as after a lost answer, is one line. The form stays open after a
/// download, so another file under its key is no mistake: it is a line of its own.
pub fn export(tx: &mut Tx, who: &Who, e: &Export) -> Result<(), Failure<Never>> {
    who.must_export()?;
    let asked = Digest::of("export")
        .id(who.person)
        .date(who.today())
        .text(&e.what)
        .number(e.rows)
        .text(&e.why)
        .opt_text(e.path.as_deref())
        .finish();
    let mut key = e.key;
    if store::audit::seen(tx, key, asked)? == Seen::Other {
        let [a, b, c, d, ..] = asked;
        key = domain::id::derive(key, "export", u32::from_be_bytes([a, b, c, d]).into());
    }
    match store::audit::seen(tx, key, asked)? {
        Seen::Never => {}
        Seen::Same => return Ok(()),
        Seen::Other => return Err(Failure::KeyReused),
    }
    let (list, _) = e.what.split_once('.').unwrap_or((&e.what, ""));
    let why = note(&e.why);
    let entry = Entry {
        key: Some(key),
        path: e.path.as_deref(),
        rows: Some(e.rows),
        note: why.as_deref(),
        asked: Some(asked),
        ..line(Kind::Export, list, (Some(who.person), who.now))
    };
    Ok(store::audit::record(tx, &entry)?)
}

// The chain -----------------------------------------------------------------------------------------

/// Where the log stands, to be printed and kept outside: the seal's number, its head.
pub fn head(tx: &mut Tx) -> Result<(i64, Head), Broken> {
    let sealed = store::audit::head(tx)?;
    Ok((sealed.number, sealed.head))
}

/// Where the log stood at the end of a day; `None` where it had not begun.
pub fn head_of(tx: &mut Tx, day: Date) -> Result<Option<Sealed>, Broken> {
    let next = day.tomorrow().unwrap_or(day);
    store::audit::head_before(tx, domain::midnight(next))
}

/// Does any line wait for its seal?
pub fn is_open(tx: &mut Tx) -> Result<bool, Failure<Never>> {
    Ok(store::audit::is_open(tx)?)
}

/// Links lines that wait; how many. In a transaction of its own, again until it answers nought.
pub fn seal(tx: &mut Tx, at: Millis) -> Result<usize, Failure<Never>> {
    Ok(store::audit::seal(tx, at)?.map_or(0, |seal| seal.links.len()))
}
