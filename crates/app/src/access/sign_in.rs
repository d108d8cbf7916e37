//! Signing in and out, sessions, and who stands behind a token now.

use std::net::IpAddr;

use domain::access::Permission;
use domain::{Arg, Id, Millis, Refusal};
use store::Tx;
use store::access::{Factor, NewSession, Person, SessionRow};

use super::password::{Settings, fits, settings};
use super::{as_of, factor};
use crate::audit;
use crate::{Failure, Never, Who};

const MINUTE: Millis = 60_000;
/// A session ends at last.
const ABSOLUTE: Millis = 12 * 60 * MINUTE;
/// The code must follow the password within this time.
const CODE_WITHIN: Millis = 5 * MINUTE;
const FAILURE_WINDOW: Millis = 10 * MINUTE;
/// So many failures at one login from one place, and that place waits.
const FAILURES_HERE: i64 = 5;
/// So many from one place at any login: an office may share an address.
const FAILURES_SOURCE: i64 = 50;
/// So many at one login from anywhere: then only browsers that are known may try.
const FAILURES_LOGIN: i64 = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Name or password: which of the two is not said.
    Wrong,
    TooOften {
        minutes: i64,
    },
    Disabled,
    /// Nobody has signed in as them for so long that the account was closed.
    Unused,
    /// The code of the second factor.
    CodeWrong,
    /// The password was typed too long ago.
    TooLate,
    /// The zone's OpenID provider knows them, and nobody here is linked to who they are there.
    Unlinked {
        subject: String,
    },
}

impl Refusal for LoginRefusal {
    fn code(&self) -> &'static str {
        match self {
            LoginRefusal::Wrong => "login-wrong",
            LoginRefusal::TooOften { .. } => "login-too-often",
            LoginRefusal::Disabled => "login-disabled",
            LoginRefusal::Unused => "login-unused",
            LoginRefusal::CodeWrong => "login-code-wrong",
            LoginRefusal::TooLate => "login-too-late",
            LoginRefusal::Unlinked { .. } => "login-unlinked",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            LoginRefusal::TooOften { minutes } => vec![("minutes", (*minutes).into())],
            LoginRefusal::Unlinked { subject } => vec![("subject", subject.as_str().into())],
            _ => Vec::new(),
        }
    }
}

/// Where a try comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knock {
    /// SHA-256 of the browser's own token, if it has one.
    pub browser: Option<[u8; 32]>,
    pub address: Option<IpAddr>,
}

impl Knock {
    /// Whose failures count together: those of a browser in which this person signed in before, or
    /// else those of an address. Strangers cannot shut out somebody at their own desk.
    fn source(&self, tx: &mut Tx, person: Option<Id>) -> Result<([u8; 32], bool), store::Broken> {
        if let (Some(browser), Some(person)) = (self.browser, person)
            && store::access::knows_browser(tx, browser, person)?
        {
            return Ok((browser, true));
        }
        let address = self.address.map_or_else(String::new, |a| a.to_string());
        Ok((store::access::source(tx, &address), false))
    }
}

/// What a login form needs checked. The costly part, `check`, runs outside the transaction.
pub struct Attempt {
    pub person: Option<Person>,
    stored: Option<String>,
    too_often: bool,
    is_unused: bool,
}

pub fn attempt(
    tx: &mut Tx,
    login: &str,
    from: Knock,
    now: Millis,
) -> Result<Attempt, Failure<LoginRefusal>> {
    let found = store::access::find_by_login(tx, login)?;
    let (person, stored) = found.map_or((None, None), |(person, stored)| (Some(person), stored));
    attempt_of(tx, login, person, stored, from, now)
}

/// The same for somebody who is signed in and types the password again.
pub fn attempt_again(
    tx: &mut Tx,
    who: &Who,
    from: Knock,
) -> Result<Attempt, Failure<LoginRefusal>> {
    let person = store::access::find(tx, who.person)?.ok_or(Failure::NotFound)?;
    attempt(tx, person.login.as_deref().unwrap_or(""), from, who.now)
}

fn attempt_of(
    tx: &mut Tx,
    login: &str,
    person: Option<Person>,
    stored: Option<String>,
    from: Knock,
    now: Millis,
) -> Result<Attempt, Failure<LoginRefusal>> {
    let too_often = is_too_often(tx, login, person.as_ref().map(|p| p.id), from, now)?;
    let is_unused = match &person {
        Some(person) => is_unused(tx, person, now)?,
        None => false,
    };
    Ok(Attempt { person, stored, too_often, is_unused })
}

/// Has nobody come in as this person for so long that the account is closed?
fn is_unused(tx: &mut Tx, p: &Person, now: Millis) -> Result<bool, store::Broken> {
    let unused = settings(tx)?.profile.unused();
    let last = p.signed_in_at.max(p.password_at);
    Ok(unused.zip(last).is_some_and(|(unused, last)| now - last >= unused))
}

/// What becomes of somebody for whom the zone's OpenID provider vouches.
pub struct Vouched {
    /// Who that is here.
    pub about: Option<Id>,
    /// Who comes in.
    pub may: Result<Id, LoginRefusal>,
}

/// Whom the zone's OpenID provider vouches for, and whether they may come in.
pub fn vouched(tx: &mut Tx, subject: &str, now: Millis) -> Result<Vouched, Failure<Never>> {
    let Some(person) = store::access::find_by_subject(tx, subject)? else {
        let subject = subject.to_owned();
        return Ok(Vouched { about: None, may: Err(LoginRefusal::Unlinked { subject }) });
    };
    let may = if person.disabled_at.is_some() {
        Err(LoginRefusal::Disabled)
    } else if is_unused(tx, &person, now)? {
        Err(LoginRefusal::Unused)
    } else {
        Ok(person.id)
    };
    Ok(Vouched { about: Some(person.id), may })
}

fn is_too_often(
    tx: &mut Tx,
    login: &str,
    person: Option<Id>,
    from: Knock,
    now: Millis,
) -> Result<bool, store::Broken> {
    let (source, is_known) = from.source(tx, person)?;
    let failed = store::access::failures(tx, login, source, now - FAILURE_WINDOW)?;
    Ok(failed.here >= FAILURES_HERE
        || (!is_known && (failed.source >= FAILURES_SOURCE || failed.login >= FAILURES_LOGIN)))
}

const WAIT: LoginRefusal = LoginRefusal::TooOften { minutes: FAILURE_WINDOW / MINUTE };

impl Attempt {
    /// Argon2id over the typed password; takes as long for an unknown name as for a known one.
    pub fn check(&self, typed: &str) -> Result<Id, LoginRefusal> {
        if self.too_often {
            return Err(WAIT);
        }
        // A hash of nothing anybody can type.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2lqaS1zaWppLXNpamk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let fits = fits(typed, self.stored.as_deref().unwrap_or(NOBODY));
        match &self.person {
            Some(person) if fits && person.disabled_at.is_some() => Err(LoginRefusal::Disabled),
            Some(_) if fits && self.is_unused => Err(LoginRefusal::Unused),
            Some(person) if fits => Ok(person.id),
            _ => Err(LoginRefusal::Wrong),
        }
    }
}

pub fn record_failure(
    tx: &mut Tx,
    login: &str,
    from: Knock,
    now: Millis,
) -> Result<(), Failure<Never>> {
    let person = store::access::find_by_login(tx, login)?.map(|(p, _)| p.id);
    let (source, _) = from.source(tx, person)?;
    Ok(store::access::record_failure(tx, login, source, now, now - FAILURE_WINDOW)?)
}

/// Through which door somebody comes in: made at the edge.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// SHA-256 of the session's new token.
    pub token_hash: [u8; 32],
    /// The session's id, for lists; no secret.
    pub session: Id,
    /// SHA-256 of the browser's own token, old or new.
    pub browser: [u8; 32],
    /// The browser in a word or two.
    pub device: String,
    /// Who the zone's OpenID provider says they are; none: they came by a password.
    pub subject: Option<String>,
    pub from: Knock,
    pub now: Millis,
}

/// Opens a session after a right password, or a provider's word. `Factor::Asked`: the code is still
/// to come.
pub fn enter(tx: &mut Tx, person: Id, e: &Entrance) -> Result<Factor, Failure<LoginRefusal>> {
    let found = store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    // The link may have been taken away since it was looked up.
    if let Some(subject) = e.subject.as_ref().filter(|it| found.subject.as_ref() != Some(*it)) {
        return Err(Failure::Refused(LoginRefusal::Unlinked { subject: subject.clone() }));
    }
    if let Some(login) = &found.login {
        let (source, _) = e.from.source(tx, Some(person))?;
        store::access::forget_failures(tx, login, source)?;
    }
    store::access::forget_sessions(tx, e.now)?;
    let factor = if found.has_second_factor { Factor::Asked } else { Factor::None };
    open(tx, person, factor, e.subject.is_some(), e)?;
    Ok(factor)
}

fn open(
    tx: &mut Tx,
    person: Id,
    factor: Factor,
    by_provider: bool,
    e: &Entrance,
) -> Result<(), store::Broken> {
    let lasts = if factor == Factor::Asked { CODE_WITHIN } else { ABSOLUTE };
    let session = NewSession {
        token_hash: e.token_hash,
        id: e.session,
        person,
        factor,
        device: &e.device,
        by_provider,
        at: e.now,
        until: e.now + lasts,
    };
    store::access::record_session(tx, &session)?;
    if factor == Factor::Asked {
        return Ok(());
    }
    store::access::record_browser(tx, e.browser, person, e.now)?;
    store::access::set_signed_in(tx, person, e.now)?;
    audit::signed_in(tx, person, e.now)
}

/// The code that follows the password: of the authenticator, or a recovery code. The session gets a
/// new token.
pub fn show_code(
    tx: &mut Tx,
    asked: [u8; 32],
    typed: &str,
    e: &Entrance,
) -> Result<(), Failure<LoginRefusal>> {
    let session = store::access::find_session(tx, asked)?
        .filter(|s| s.factor == Factor::Asked && e.now < s.expires_at)
        .ok_or(Failure::Refused(LoginRefusal::TooLate))?;
    let person = session.person.id;
    if session.person.disabled_at.is_some() {
        return Err(Failure::Refused(LoginRefusal::Disabled));
    }
    let login = code_login(person);
    if is_too_often(tx, &login, Some(person), e.from, e.now)? {
        return Err(Failure::Refused(WAIT));
    }
    if !factor::take(tx, person, typed, e.now)? {
        return Err(Failure::Refused(LoginRefusal::CodeWrong));
    }
    let (source, _) = e.from.source(tx, Some(person))?;
    store::access::forget_failures(tx, &login, source)?;
    store::access::end_session(tx, asked)?;
    Ok(open(tx, person, Factor::Shown, session.by_provider, e)?)
}

/// Under which name wrong codes are counted: not that of the login, whose door they do not shut.
fn code_login(person: Id) -> String {
    format!("code {person}")
}

/// A wrong code, for a session that still asks for it.
pub fn record_wrong_code(
    tx: &mut Tx,
    asked: [u8; 32],
    from: Knock,
    now: Millis,
) -> Result<Option<Id>, Failure<Never>> {
    let Some(session) = store::access::find_session(tx, asked)? else { return Ok(None) };
    let person = session.person.id;
    let (source, _) = from.source(tx, Some(person))?;
    store::access::record_failure(tx, &code_login(person), source, now, now - FAILURE_WINDOW)?;
    Ok(Some(person))
}

/// A session of somebody who has shown all that can be asked: the tests' way in.
pub fn sign_in(
    tx: &mut Tx,
    person: Id,
    token_hash: [u8; 32],
    now: Millis,
) -> Result<(), Failure<Never>> {
    let [a, b, c, d, e, f, g, h, ..] = token_hash;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let e = Entrance {
        token_hash,
        session: domain::id::derive(person, "session", number),
        browser: token_hash,
        device: String::new(),
        subject: None,
        from: Knock::default(),
        now,
    };
    Ok(open(tx, person, Factor::Shown, false, &e)?)
}

pub fn sign_out(tx: &mut Tx, token_hash: [u8; 32], now: Millis) -> Result<(), Failure<Never>> {
    if let Some(session) = store::access::find_session(tx, token_hash)? {
        audit::signed_out(tx, session.person.id, now)?;
    }
    Ok(store::access::end_session(tx, token_hash)?)
}

/// Somebody with a session that goes on.
pub struct SignedIn {
    pub who: Who,
    pub session: Id,
    /// The session wants touching.
    pub is_stale: bool,
    /// A new password comes before anything else.
    pub must_change: bool,
    /// What asks for a second factor is open to them.
    pub may_act: bool,
}

/// Who holds this token now, with today's posts.
pub fn who(
    tx: &mut Tx,
    token_hash: [u8; 32],
    now: Millis,
) -> Result<Option<SignedIn>, Failure<Never>> {
    let Some(s) = store::access::find_session(tx, token_hash)? else { return Ok(None) };
    let Settings { profile, second_factor_required } = settings(tx)?;
    let is_over = now >= s.expires_at
        || now - s.seen_at >= profile.idle()
        || s.person.disabled_at.is_some()
        || s.factor == Factor::Asked;
    if is_over {
        return Ok(None);
    }
    let must_change = s.person.must_change
        || s.person.password_at.is_some_and(|set_at| profile.is_over(set_at, now));
    Ok(Some(SignedIn {
        session: s.id,
        is_stale: now - s.seen_at >= MINUTE,
        must_change,
        may_act: s.factor == Factor::Shown || !second_factor_required,
        who: as_of(tx, s.person, now)?,
    }))
}

pub fn touch(tx: &mut Tx, token_hash: [u8; 32], now: Millis) -> Result<(), Failure<Never>> {
    Ok(store::access::touch_session(tx, token_hash, now)?)
}

/// One's own sessions that go on.
pub fn sessions(tx: &mut Tx, who: &Who) -> Result<Vec<SessionRow>, Failure<Never>> {
    let idle = settings(tx)?.profile.idle();
    Ok(store::access::sessions(tx, who.person, who.now, idle)?)
}

/// Somebody else's.
pub fn sessions_of(tx: &mut Tx, who: &Who, person: Id) -> Result<Vec<SessionRow>, Failure<Never>> {
    who.must(Permission::ShutOut)?;
    let idle = settings(tx)?.profile.idle();
    Ok(store::access::sessions(tx, person, who.now, idle)?)
}

/// Ends a session: one's own, or under `ShutOut` anybody's.
pub fn end_session(tx: &mut Tx, who: &Who, person: Id, session: Id) -> Result<(), Failure<Never>> {
    if person != who.person {
        who.must(Permission::ShutOut)?;
    }
    if !store::access::end_session_of(tx, person, session)? {
        return Err(Failure::NotFound);
    }
    Ok(audit::signed_out(tx, person, who.now)?)
}

/// One's own login name; empty for somebody who signs in elsewhere.
pub fn login_of(tx: &mut Tx, who: &Who) -> Result<String, Failure<Never>> {
    let person = store::access::find(tx, who.person)?.ok_or(Failure::NotFound)?;
    Ok(person.login.unwrap_or_default())
}

/// Who somebody is at the zone's OpenID provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub issuer: String,
    pub account: String,
    /// None for a link from before this was kept.
    pub since: Option<Millis>,
}

/// One's own link; none for somebody who comes in by password alone.
pub fn link_of(tx: &mut Tx, who: &Who) -> Result<Option<Link>, Failure<Never>> {
    let person = store::access::find(tx, who.person)?.ok_or(Failure::NotFound)?;
    let link = |subject: String| {
        let (issuer, account) = subject.split_once('#').unwrap_or(("", &subject));
        let (issuer, account) = (issuer.to_owned(), account.to_owned());
        Link { issuer, account, since: person.subject_at }
    };
    Ok(person.subject.map(link))
}

/// Under which name codes that let nobody in are counted.
const CODES: &str = "one-time code";

/// May another one-time code be tried from here?
pub fn may_try_code(tx: &mut Tx, from: Knock, now: Millis) -> Result<(), Failure<LoginRefusal>> {
    let (source, _) = from.source(tx, None)?;
    let failed = store::access::failures(tx, CODES, source, now - FAILURE_WINDOW)?;
    if failed.source >= FAILURES_SOURCE {
        return Err(Failure::Refused(WAIT));
    }
    Ok(())
}

pub fn record_unknown_code(tx: &mut Tx, from: Knock, now: Millis) -> Result<(), Failure<Never>> {
    let (source, _) = from.source(tx, None)?;
    Ok(store::access::record_failure(tx, CODES, source, now, now - FAILURE_WINDOW)?)
}
