//! Codes that are good once: for the first administrator of a new zone, for somebody who is invited,
//! for somebody who has forgotten. Offices have no mail: a code goes from hand to hand.

use domain::access::Role;
use domain::audit::Digest;
use domain::{Arg, Id, Millis, Refusal};
use sha2::{Digest as _, Sha256};
use store::Tx;
use store::access::{CodeKind, NewCode, NewPerson, NewPost};

use super::password::{Rules, rules, settings};
use super::{PeopleRefusal, fit_login, must_manage_accounts};
use crate::audit::{self, Command};
use crate::{Failure, Who};

/// So long a code is good (OWASP ASVS 5.0 §6.4.1).
pub const CODE_LASTS: Millis = 24 * 3_600_000;

/// SHA-256 of a code as it is kept: small letters and digits alone, however it was typed.
pub fn code_hash(code: &str) -> [u8; 32] {
    let plain: String = code
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    Sha256::digest(plain.as_bytes()).into()
}

// The first person --------------------------------------------------------------------------------

#[derive(Debug, PartialEq, Eq)]
pub enum FoundRefusal {
    /// There are people already: they make the next ones.
    AlreadyFounded,
    NameMissing,
}

impl Refusal for FoundRefusal {
    fn code(&self) -> &'static str {
        match self {
            FoundRefusal::AlreadyFounded => "zone-already-founded",
            FoundRefusal::NameMissing => "person-name-missing",
        }
    }
}

/// An empty zone's name, and the code that makes its first security administrator.
pub struct Found {
    pub key: Id,
    pub zone: String,
    pub code_hash: [u8; 32],
    pub now: Millis,
}

/// Makes the topmost area; only where there is nothing yet. There is no account before the code is
/// used.
pub fn found(tx: &mut Tx, r: &Found) -> Result<Id, Failure<FoundRefusal>> {
    if store::access::is_peopled(tx)? {
        return Err(Failure::Refused(FoundRefusal::AlreadyFounded));
    }
    if r.zone.trim().is_empty() {
        return Err(Failure::Refused(FoundRefusal::NameMissing));
    }
    let area = domain::id::derive(r.key, "area", 0);
    store::access::record_zone(tx, area, r.zone.trim())?;
    record_first_code(tx, r.code_hash, r.now)?;
    Ok(area)
}

fn record_first_code(tx: &mut Tx, hash: [u8; 32], now: Millis) -> Result<(), store::Broken> {
    let code = NewCode {
        hash,
        person: None,
        kind: CodeKind::First,
        made_by: None,
        at: now,
        until: now + CODE_LASTS,
    };
    store::access::record_code(tx, &code)
}

/// Another first code, where the one before was lost or is over, and nobody has used one.
pub fn new_first_code(
    tx: &mut Tx,
    hash: [u8; 32],
    now: Millis,
) -> Result<(), Failure<FoundRefusal>> {
    if store::access::is_held(tx, Role::SecurityAdmin, domain::local_date(now))? {
        return Err(Failure::Refused(FoundRefusal::AlreadyFounded));
    }
    Ok(record_first_code(tx, hash, now)?)
}

// Invitations and resets --------------------------------------------------------------------------

pub struct Invite {
    pub key: Id,
    pub person: Id,
    pub login: String,
    pub code_hash: [u8; 32],
}

/// Lets somebody set their password by a code, for the first time or anew. The password they had is
/// good no longer; their second factor stays.
pub fn invite(tx: &mut Tx, who: &Who, r: &Invite) -> Result<(), Failure<PeopleRefusal>> {
    must_manage_accounts(tx, who)?;
    let asked = Digest::of("invite").id(r.person).text(&r.login).bytes(&r.code_hash);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    let person = store::access::find(tx, r.person)?.ok_or(Failure::NotFound)?;
    if r.person == who.person {
        return Err(Failure::Refused(PeopleRefusal::Oneself));
    }
    let login = fit_login(tx, r.person, &r.login, |no| no)?;
    let kind = if person.password_at.is_some() { CodeKind::Reset } else { CodeKind::Invite };
    store::access::set_login(tx, r.person, &login)?;
    store::access::drop_password(tx, r.person)?;
    store::access::end_sessions(tx, r.person, None)?;
    let code = NewCode {
        hash: r.code_hash,
        person: Some(r.person),
        kind,
        made_by: Some(who.person),
        at: who.now,
        until: who.now + CODE_LASTS,
    };
    store::access::record_code(tx, &code)?;
    let c = Command { key: r.key, verb: "invite", subject: Some(r.person), path: None, asked };
    Ok(audit::record(tx, who, c)?)
}

/// Why a code does not let somebody in.
#[derive(Debug, PartialEq, Eq)]
pub enum AcceptRefusal {
    /// Unknown, used, or older than a day: which of them is not said.
    CodeUnknown,
    /// Of the first person of a new zone.
    People(PeopleRefusal),
}

impl Refusal for AcceptRefusal {
    fn code(&self) -> &'static str {
        match self {
            AcceptRefusal::CodeUnknown => "code-unknown",
            AcceptRefusal::People(p) => p.code(),
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            AcceptRefusal::CodeUnknown => Vec::new(),
            AcceptRefusal::People(p) => p.args(),
        }
    }
}

/// What a code leads to: whose password is to be set, under which rules.
pub enum Opens {
    /// The first security administrator, who gives their own name and login.
    First,
    Person {
        id: Id,
        login: String,
        name: String,
    },
}

/// Whom this code lets in, and what their password must be.
pub fn rules_for_code(
    tx: &mut Tx,
    hash: [u8; 32],
    first: (&str, &str),
    now: Millis,
) -> Result<(Opens, Rules), Failure<AcceptRefusal>> {
    let unknown = || Failure::Refused(AcceptRefusal::CodeUnknown);
    match store::access::find_code(tx, hash, now)?.ok_or_else(unknown)? {
        None => {
            let (login, name) = first;
            Ok((Opens::First, Rules::of_first(settings(tx)?.profile, login, name)))
        }
        Some(id) => {
            let person = store::access::find(tx, id)?.ok_or_else(unknown)?;
            let rules = rules(tx, id, now).map_err(|e| e.map(|never| match never {}))?;
            let login = person.login.unwrap_or_default();
            Ok((Opens::Person { id, login, name: person.name }, rules))
        }
    }
}

/// Sets the password of whoever was given this code, and lets a closed account in again.
pub fn accept(
    tx: &mut Tx,
    key: Id,
    hash: [u8; 32],
    hashed: &str,
    now: Millis,
) -> Result<Id, Failure<AcceptRefusal>> {
    let unknown = || Failure::Refused(AcceptRefusal::CodeUnknown);
    let person = store::access::find_code(tx, hash, now)?.flatten().ok_or_else(unknown)?;
    let asked = Digest::of("accept").id(person).bytes(&hash);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(person);
    }
    if !store::access::take_code(tx, hash, now)? {
        return Err(unknown());
    }
    store::access::set_password(tx, person, hashed, now)?;
    // Browsers that were known may be the reason for a new password.
    store::access::forget_browsers(tx, person)?;
    let c = Command { key, verb: "accept", subject: Some(person), path: None, asked };
    audit::record_by(tx, Some(person), now, c, None)?;
    Ok(person)
}

/// The first security administrator of a new zone.
pub struct First {
    pub key: Id,
    pub code_hash: [u8; 32],
    pub name: String,
    pub login: String,
    /// Already hashed: see `Rules::hash`.
    pub password: String,
    pub now: Millis,
}

pub fn first(tx: &mut Tx, r: &First) -> Result<Id, Failure<AcceptRefusal>> {
    let unknown = || Failure::Refused(AcceptRefusal::CodeUnknown);
    let asked = Digest::of("first").text(r.name.trim()).text(&r.login).bytes(&r.code_hash);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Err(unknown());
    }
    let found = store::access::find_code(tx, r.code_hash, r.now)?.ok_or_else(unknown)?;
    if found.is_some() {
        return Err(unknown());
    }
    let name = r.name.trim();
    if name.is_empty() {
        return Err(Failure::Refused(AcceptRefusal::People(PeopleRefusal::NameMissing)));
    }
    let login = fit_login(tx, r.key, &r.login, AcceptRefusal::People)?;
    let zone = store::access::topmost(tx)?.ok_or(Failure::NotFound)?;
    if !store::access::take_code(tx, r.code_hash, r.now)? {
        return Err(unknown());
    }
    let person = NewPerson {
        login: Some(&login),
        password: Some(&r.password),
        ..store::access::without_login(r.key, name, None, None, r.now)
    };
    store::access::record_person(tx, &person)?;
    let post = NewPost {
        id: domain::id::derive(r.key, "post", 0),
        person: r.key,
        role: Role::SecurityAdmin,
        area: Some(zone),
        place: None,
        from: domain::local_date(r.now),
        to: None,
    };
    store::access::record_post(tx, &post)?;
    let c = Command { key: r.key, verb: "first", subject: Some(r.key), path: None, asked };
    audit::record_by(tx, Some(r.key), r.now, c, None)?;
    Ok(r.key)
}
