//! Signing in and out, people and their posts.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::access::{Permission, Role};
use domain::audit::Digest;
use domain::{Arg, Date, Id, Millis, Refusal};
use store::Tx;
use store::access::{NewPerson, NewPost};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

const MINUTE: Millis = 60_000;
/// A session ends after this long without a request.
const IDLE: Millis = 30 * MINUTE;
/// A session ends at last.
const ABSOLUTE: Millis = 12 * 60 * MINUTE;
/// So many failures in this time and the login waits.
const FAILURES: i64 = 8;
const FAILURE_WINDOW: Millis = 10 * MINUTE;
/// OWASP ASVS 5.0 §6.2.1.
const PASSWORD_MIN: usize = 8;

#[derive(Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Name or password: which of the two is not said.
    Wrong,
    TooOften,
    Disabled,
}

impl Refusal for LoginRefusal {
    fn code(&self) -> &'static str {
        match self {
            LoginRefusal::Wrong => "login-wrong",
            LoginRefusal::TooOften => "login-too-often",
            LoginRefusal::Disabled => "login-disabled",
        }
    }
}

/// What a login form needs checked. The costly part, `check`, runs outside the transaction.
pub struct Attempt {
    pub person: Option<store::access::Person>,
    stored: Option<String>,
    too_often: bool,
}

pub fn attempt(tx: &mut Tx, login: &str, now: Millis) -> Result<Attempt, Failure<LoginRefusal>> {
    let failures = store::access::failures_since(tx, login, now - FAILURE_WINDOW)?;
    let (person, stored) = match store::access::find_by_login(tx, login)? {
        Some((person, stored)) => (Some(person), stored),
        None => (None, None),
    };
    Ok(Attempt { person, stored, too_often: failures >= FAILURES })
}

impl Attempt {
    /// Argon2id over the typed password; takes as long for an unknown name as for a known one.
    pub fn check(&self, typed: &str) -> Result<Id, LoginRefusal> {
        if self.too_often {
            return Err(LoginRefusal::TooOften);
        }
        // A hash of nothing anybody can type.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2lqaS1zaWppLXNpamk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let stored = self.stored.as_deref().unwrap_or(NOBODY);
        let fits = argon2::password_hash::phc::PasswordHash::new(stored)
            .is_ok_and(|hash| hasher().verify_password(typed.as_bytes(), &hash).is_ok());
        match &self.person {
            Some(person) if fits && person.disabled_at.is_some() => Err(LoginRefusal::Disabled),
            Some(person) if fits => Ok(person.id),
            _ => Err(LoginRefusal::Wrong),
        }
    }
}

/// Argon2id, 19 MiB, two passes (OWASP ASVS 5.0 §11.4.2).
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// The stored form of a password; `salt` is random, from the edge.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String, Failure<PasswordRefusal>> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(Failure::Refused(PasswordRefusal::TooShort));
    }
    hasher()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|h| h.to_string())
        .map_err(|e| Failure::Broken(store::Broken::data(format!("argon2: {e}"))))
}

#[derive(Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    TooShort,
}

impl Refusal for PasswordRefusal {
    fn code(&self) -> &'static str {
        "password-too-short"
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        vec![("least", PASSWORD_MIN.into())]
    }
}

pub fn record_failure(tx: &mut Tx, login: &str, now: Millis) -> Result<(), Failure<Never>> {
    Ok(store::access::record_failure(tx, login, now, now - FAILURE_WINDOW)?)
}

/// Opens a session for the SHA-256 of a token made at the edge.
pub fn sign_in(
    tx: &mut Tx,
    person: Id,
    token_hash: [u8; 32],
    now: Millis,
) -> Result<(), Failure<Never>> {
    store::access::record_session(tx, token_hash, person, now, now + ABSOLUTE)?;
    Ok(audit::signed_in(tx, person, now)?)
}

pub fn sign_out(tx: &mut Tx, token_hash: [u8; 32], now: Millis) -> Result<(), Failure<Never>> {
    if let Some(session) = store::access::find_session(tx, token_hash)? {
        audit::signed_out(tx, session.person.id, now)?;
    }
    Ok(store::access::end_session(tx, token_hash)?)
}

/// Who holds this token now, with today's posts; and whether the session wants touching.
pub fn who(
    tx: &mut Tx,
    token_hash: [u8; 32],
    now: Millis,
) -> Result<Option<(Who, bool)>, Failure<Never>> {
    let Some(session) = store::access::find_session(tx, token_hash)? else { return Ok(None) };
    let is_over = now >= session.expires_at
        || now - session.seen_at >= IDLE
        || session.person.disabled_at.is_some();
    if is_over {
        return Ok(None);
    }
    let stale = now - session.seen_at >= MINUTE;
    Ok(Some((person(tx, session.person, now)?, stale)))
}

fn person(tx: &mut Tx, p: store::access::Person, now: Millis) -> Result<Who, store::Broken> {
    let posts = store::access::posts(tx, p.id)?;
    Ok(Who { person: p.id, name: p.name, posts, now })
}

/// The same for somebody known by id: the demo player and the command line ask in a person's name.
pub fn as_person<R>(tx: &mut Tx, id: Id, now: Millis) -> Result<Who, Failure<R>> {
    let p = store::access::find(tx, id)?.ok_or(Failure::NotFound)?;
    Ok(person(tx, p, now)?)
}

pub fn touch(tx: &mut Tx, token_hash: [u8; 32], now: Millis) -> Result<(), Failure<Never>> {
    Ok(store::access::touch_session(tx, token_hash, now)?)
}

// People ------------------------------------------------------------------------------------------

#[derive(Debug, PartialEq, Eq)]
pub enum PeopleRefusal {
    NameMissing,
    LoginTaken { login: String },
    LoginUnfit,
    AreaMissing,
    PlaceMissing,
    Password(PasswordRefusal),
}

impl Refusal for PeopleRefusal {
    fn code(&self) -> &'static str {
        match self {
            PeopleRefusal::NameMissing => "person-name-missing",
            PeopleRefusal::LoginTaken { .. } => "person-login-taken",
            PeopleRefusal::LoginUnfit => "person-login-unfit",
            PeopleRefusal::AreaMissing => "post-area-missing",
            PeopleRefusal::PlaceMissing => "post-place-missing",
            PeopleRefusal::Password(p) => p.code(),
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            PeopleRefusal::LoginTaken { login } => vec![("login", login.as_str().into())],
            PeopleRefusal::Password(p) => p.args(),
            _ => Vec::new(),
        }
    }
}

pub struct AddPerson {
    pub key: Id,
    pub name: String,
    pub unit: Option<String>,
}

/// Adds a person; without a login nobody can sign in as them yet.
pub fn add_person(tx: &mut Tx, who: &Who, r: &AddPerson) -> Result<Id, Failure<PeopleRefusal>> {
    who.must(Permission::ManagePeople)?;
    let asked = Digest::of("add_person").text(&r.name).opt_text(r.unit.as_deref());
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    if r.name.trim().is_empty() {
        return Err(Failure::Refused(PeopleRefusal::NameMissing));
    }
    store::access::record_person(
        tx,
        &NewPerson {
            id: r.key,
            name: r.name.trim(),
            phone: None,
            unit: r.unit.as_deref(),
            login: None,
            password: None,
            must_change: false,
            at: who.now,
        },
    )?;
    let c = Command { key: r.key, verb: "add_person", subject: Some(r.key), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(r.key)
}

pub struct GiveLogin {
    pub person: Id,
    pub login: String,
    /// Already hashed: see `hash_password`.
    pub password: String,
}

/// Gives a person a login and a first password, or a new password for the login they have.
pub fn give_login(tx: &mut Tx, who: &Who, r: &GiveLogin) -> Result<(), Failure<PeopleRefusal>> {
    who.must(Permission::ManagePeople)?;
    let login = r.login.trim();
    let fits = (2..=40).contains(&login.chars().count())
        && login.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c));
    if !fits {
        return Err(Failure::Refused(PeopleRefusal::LoginUnfit));
    }
    store::access::find(tx, r.person)?.ok_or(Failure::NotFound)?;
    if store::access::find_by_login(tx, login)?.is_some_and(|(p, _)| p.id != r.person) {
        return Err(Failure::Refused(PeopleRefusal::LoginTaken { login: login.to_owned() }));
    }
    store::access::set_login(tx, r.person, login, &r.password, true)?;
    store::access::end_sessions(tx, r.person)?;
    Ok(())
}

pub struct GivePost {
    pub key: Id,
    pub person: Id,
    pub role: Role,
    pub area: Option<Id>,
    pub place: Option<Id>,
    pub from: Date,
}

pub fn give_post(tx: &mut Tx, who: &Who, r: &GivePost) -> Result<(), Failure<PeopleRefusal>> {
    who.must(Permission::ManagePeople)?;
    let asked = Digest::of("give_post")
        .id(r.person)
        .text(r.role.code())
        .opt_id(r.area)
        .opt_id(r.place)
        .date(r.from);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    store::access::find(tx, r.person)?.ok_or(Failure::NotFound)?;
    if r.area.is_none() && r.role != Role::AssignedCadre {
        return Err(Failure::Refused(PeopleRefusal::AreaMissing));
    }
    if r.role == Role::StoreKeeper && r.place.is_none() {
        return Err(Failure::Refused(PeopleRefusal::PlaceMissing));
    }
    let post = NewPost {
        id: r.key,
        person: r.person,
        role: r.role,
        area: r.area,
        place: r.place,
        from: r.from,
    };
    store::access::record_post(tx, &post)?;
    let c = Command { key: r.key, verb: "give_post", subject: Some(r.person), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(())
}

pub fn end_post(tx: &mut Tx, who: &Who, post: Id) -> Result<(), Failure<Never>> {
    who.must(Permission::ManagePeople)?;
    let yesterday = who.today().yesterday().unwrap_or(who.today());
    if !store::access::end_post(tx, post, yesterday)? {
        return Err(Failure::NotFound);
    }
    Ok(())
}

pub fn disable(tx: &mut Tx, who: &Who, person: Id, off: bool) -> Result<(), Failure<Never>> {
    who.must(Permission::ManagePeople)?;
    store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    Ok(store::access::set_disabled(tx, person, off.then_some(who.now))?)
}

/// A person changes their own password; every other session of theirs ends.
pub fn change_password(
    tx: &mut Tx,
    who: &Who,
    login: &str,
    hashed: &str,
) -> Result<(), Failure<Never>> {
    store::access::set_login(tx, who.person, login, hashed, false)?;
    Ok(store::access::end_sessions(tx, who.person)?)
}

pub fn people(
    tx: &mut Tx,
    who: &Who,
    search: &str,
    offset: i64,
    limit: i64,
) -> Result<(Vec<store::access::PersonRow>, i64), Failure<Never>> {
    who.must(Permission::ManagePeople)?;
    Ok(store::access::list(tx, search, offset, limit)?)
}

/// (id, name) of every area, in tree order, and of every place: what a post can be at.
pub type Choices = (store::access::Choices, store::access::Choices);

pub fn areas_and_places(tx: &mut Tx, who: &Who) -> Result<Choices, Failure<Never>> {
    who.must(Permission::ManagePeople)?;
    Ok(store::access::areas_and_places(tx)?)
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

/// An empty zone's name and its first system administrator.
pub struct Found {
    pub key: Id,
    pub zone: String,
    pub name: String,
    pub unit: String,
    pub login: String,
    /// Already hashed: see `hash_password`.
    pub password: String,
    pub now: Millis,
}

/// Makes the topmost area and the first administrator; only where there is nobody yet.
pub fn found(tx: &mut Tx, r: &Found) -> Result<Id, Failure<FoundRefusal>> {
    if store::access::is_peopled(tx)? {
        return Err(Failure::Refused(FoundRefusal::AlreadyFounded));
    }
    if r.zone.trim().is_empty() || r.name.trim().is_empty() {
        return Err(Failure::Refused(FoundRefusal::NameMissing));
    }
    let area = domain::id::derive(r.key, "area", 0);
    store::access::record_zone(tx, area, r.zone.trim())?;
    store::access::record_person(
        tx,
        &NewPerson {
            id: r.key,
            name: r.name.trim(),
            phone: None,
            unit: Some(&r.unit),
            login: Some(&r.login),
            password: Some(&r.password),
            must_change: true,
            at: r.now,
        },
    )?;
    store::access::record_post(
        tx,
        &NewPost {
            id: domain::id::derive(r.key, "post", 0),
            person: r.key,
            role: Role::SystemAdmin,
            area: Some(area),
            place: None,
            from: domain::local_date(r.now),
        },
    )?;
    Ok(r.key)
}
