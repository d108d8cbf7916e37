//! People and their posts; and, in rooms of their own: signing in, passwords, second factors, codes
//! that are good once.

mod codes;
mod factor;
mod password;
mod sign_in;

pub use codes::{
    AcceptRefusal, CODE_LASTS, First, Found, FoundRefusal, Invite, Opens, accept, code_hash, first,
    found, invite, new_first_code, rules_for_code,
};
pub use factor::{
    FactorRefusal, RECOVERY_CODES, Setup, begin_factor, confirm_factor, drop_factor,
    drop_own_factor, factor_of,
};
pub use password::{Rules, Settings, change_password, hash_of_demo, rules, set_settings, settings};
pub use sign_in::{
    Attempt, Entrance, Knock, Link, LoginRefusal, SignedIn, Vouched, attempt, attempt_again,
    end_session, enter, link_of, login_of, may_try_code, record_failure, record_unknown_code,
    record_wrong_code, sessions, sessions_of, show_code, sign_in, sign_out, touch, vouched, who,
};

use domain::access::{Permission, Post, PostRefusal, Role, decide_post};
use domain::audit::Digest;
use domain::{Arg, Date, Id, Millis, Refusal};
use store::Tx;
use store::access::NewPost;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

/// A person as of now, with all their posts.
fn as_of(tx: &mut Tx, p: store::access::Person, now: Millis) -> Result<Who, store::Broken> {
    let posts = store::access::posts(tx, p.id)?;
    Ok(Who { person: p.id, name: p.name, posts, now })
}

/// Somebody known by id: the demo player and the command line ask in a person's name.
pub fn as_person<R>(tx: &mut Tx, id: Id, now: Millis) -> Result<Who, Failure<R>> {
    let p = store::access::find(tx, id)?.ok_or(Failure::NotFound)?;
    Ok(as_of(tx, p, now)?)
}

/// Why something is not done for, or to, a person.
#[derive(Debug, PartialEq, Eq)]
pub enum PeopleRefusal {
    NameMissing,
    LoginTaken {
        login: String,
    },
    LoginUnfit,
    SubjectTaken,
    SubjectUnfit,
    Post(PostRefusal),
    /// There is no such store or outlet (any more).
    PlaceUnknown,
    /// Nobody shuts themselves out, or lets themselves in anew.
    Oneself,
}

impl Refusal for PeopleRefusal {
    fn code(&self) -> &'static str {
        match self {
            PeopleRefusal::NameMissing => "person-name-missing",
            PeopleRefusal::LoginTaken { .. } => "person-login-taken",
            PeopleRefusal::LoginUnfit => "person-login-unfit",
            PeopleRefusal::SubjectTaken => "person-subject-taken",
            PeopleRefusal::SubjectUnfit => "person-subject-unfit",
            PeopleRefusal::Post(p) => p.code(),
            PeopleRefusal::PlaceUnknown => "post-place-unknown",
            PeopleRefusal::Oneself => "person-oneself",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            PeopleRefusal::LoginTaken { login } => vec![("login", login.as_str().into())],
            PeopleRefusal::Post(p) => p.args(),
            _ => Vec::new(),
        }
    }
}

/// The system administrator adds and invites. While a new zone has none, the security administrator
/// does, so that there can be a first one.
fn must_manage_accounts<R>(tx: &mut Tx, who: &Who) -> Result<(), Failure<R>> {
    if who.may(Permission::ManageAccounts) {
        return Ok(());
    }
    who.must(Permission::ManagePosts)?;
    match store::access::is_held(tx, Role::SystemAdmin, who.today())? {
        true => Err(Failure::NotAllowed),
        false => Ok(()),
    }
}

/// May this person add and invite others today?
pub fn manages_accounts(tx: &mut Tx, who: &Who) -> Result<bool, Failure<Never>> {
    match must_manage_accounts::<Never>(tx, who) {
        Ok(()) => Ok(true),
        Err(Failure::NotAllowed) => Ok(false),
        Err(other) => Err(other),
    }
}

pub struct AddPerson {
    pub key: Id,
    pub name: String,
    pub unit: Option<String>,
}

/// Adds a person; until they are invited nobody can sign in as them.
pub fn add_person(tx: &mut Tx, who: &Who, r: &AddPerson) -> Result<Id, Failure<PeopleRefusal>> {
    must_manage_accounts(tx, who)?;
    let asked = Digest::of("add_person").text(&r.name).opt_text(r.unit.as_deref());
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    if r.name.trim().is_empty() {
        return Err(Failure::Refused(PeopleRefusal::NameMissing));
    }
    let person =
        store::access::without_login(r.key, r.name.trim(), None, r.unit.as_deref(), who.now);
    store::access::record_person(tx, &person)?;
    let c = Command { key: r.key, verb: "add_person", subject: Some(r.key), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(r.key)
}

/// Makes a login name fit to be somebody's, and nobody else's.
fn fit_login<R>(
    tx: &mut Tx,
    person: Id,
    login: &str,
    no: impl FnOnce(PeopleRefusal) -> R,
) -> Result<String, Failure<R>> {
    let login = login.trim();
    let fits = (2..=40).contains(&login.chars().count())
        && login.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c));
    if !fits {
        return Err(Failure::Refused(no(PeopleRefusal::LoginUnfit)));
    }
    match store::access::find_by_login(tx, login)? {
        Some((p, _)) if p.id != person => {
            Err(Failure::Refused(no(PeopleRefusal::LoginTaken { login: login.to_owned() })))
        }
        _ => Ok(login.to_owned()),
    }
}

pub struct GivePost {
    pub key: Id,
    pub person: Id,
    pub role: Role,
    pub area: Option<Id>,
    pub place: Option<Id>,
    pub from: Date,
    /// The last day; none: until it is ended.
    pub to: Option<Date>,
}

pub fn give_post(tx: &mut Tx, who: &Who, r: &GivePost) -> Result<(), Failure<PeopleRefusal>> {
    who.must(Permission::ManagePosts)?;
    let asked = Digest::of("give_post")
        .id(r.person)
        .text(r.role.code())
        .opt_id(r.area)
        .opt_id(r.place)
        .date(r.from)
        .opt(r.to, Digest::date);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    store::access::find(tx, r.person)?.ok_or(Failure::NotFound)?;
    let path = match r.area {
        Some(area) => Some(store::access::area_path(tx, area)?.ok_or(Failure::NotFound)?),
        None => None,
    };
    if let Some(place) = r.place
        && !store::access::is_place(tx, place)?
    {
        return Err(Failure::Refused(PeopleRefusal::PlaceUnknown));
    }
    let post = Post { role: r.role, path, place: r.place, from: r.from, to: r.to };
    let holds = store::access::posts(tx, r.person)?;
    decide_post(&holds, &post, r.person == who.person)
        .map_err(|no| Failure::Refused(PeopleRefusal::Post(no)))?;
    let post = NewPost {
        id: r.key,
        person: r.person,
        role: r.role,
        area: r.area,
        place: r.place,
        from: r.from,
        to: r.to,
    };
    store::access::record_post(tx, &post)?;
    let c = Command { key: r.key, verb: "give_post", subject: Some(r.person), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(())
}

/// Ends a post: from this moment on it carries nothing. Whose it was.
pub fn end_post(tx: &mut Tx, who: &Who, key: Id, post: Id) -> Result<Id, Failure<PeopleRefusal>> {
    who.must(Permission::ManagePosts)?;
    let asked = Digest::of("end_post").id(post);
    let (person, _) = store::access::find_post(tx, post)?.ok_or(Failure::NotFound)?;
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(person);
    }
    if person == who.person {
        return Err(Failure::Refused(PeopleRefusal::Post(PostRefusal::OwnPost)));
    }
    let yesterday = who.today().yesterday().unwrap_or(who.today());
    if !store::access::end_post(tx, post, yesterday)? {
        return Err(Failure::NotFound);
    }
    let c = Command { key, verb: "end_post", subject: Some(person), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(person)
}

/// Shuts somebody out at once (or lets them in again): no session of theirs goes on.
pub fn disable(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    person: Id,
    off: bool,
) -> Result<(), Failure<PeopleRefusal>> {
    who.must(Permission::ShutOut)?;
    let verb = if off { "disable" } else { "enable" };
    let asked = Digest::of(verb).id(person);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    if person == who.person {
        return Err(Failure::Refused(PeopleRefusal::Oneself));
    }
    store::access::set_disabled(tx, person, off.then_some(who.now))?;
    let c = Command { key, verb, subject: Some(person), path: None, asked };
    Ok(audit::record(tx, who, c)?)
}

/// Who somebody is at the zone's OpenID provider; `None` takes the link away. Sessions that came by
/// the link before end with it.
pub fn set_subject(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    person: Id,
    subject: Option<&str>,
) -> Result<(), Failure<PeopleRefusal>> {
    must_manage_accounts(tx, who)?;
    let asked = Digest::of("set_subject").id(person).opt_text(subject);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    let found = store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    if person == who.person {
        return Err(Failure::Refused(PeopleRefusal::Oneself));
    }
    let fits = |s: &str| s.chars().count() <= 400 && !s.contains(char::is_control);
    if subject.is_some_and(|subject| !fits(subject)) {
        return Err(Failure::Refused(PeopleRefusal::SubjectUnfit));
    }
    if let Some(subject) = subject
        && store::access::find_by_subject(tx, subject)?.is_some_and(|p| p.id != person)
    {
        return Err(Failure::Refused(PeopleRefusal::SubjectTaken));
    }
    if found.subject.as_deref() != subject {
        store::access::set_subject(tx, person, subject, who.now)?;
        store::access::end_sessions_by_provider(tx, person)?;
    }
    let c = Command { key, verb: "set_subject", subject: Some(person), path: None, asked };
    Ok(audit::record(tx, who, c)?)
}

pub fn people(
    tx: &mut Tx,
    who: &Who,
    search: &str,
    only: Option<Id>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<store::access::PersonRow>, i64), Failure<Never>> {
    who.must(Permission::ReadPeople)?;
    Ok(store::access::list(tx, search, only, offset, limit)?)
}

/// (id, name) of every area, in tree order, and of every place: what a post can be at.
pub type Choices = (store::access::Choices, store::access::Choices);

pub fn areas_and_places(tx: &mut Tx, who: &Who) -> Result<Choices, Failure<Never>> {
    who.must(Permission::ReadPeople)?;
    Ok(store::access::areas_and_places(tx)?)
}
