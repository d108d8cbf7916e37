//! The second factor: a code that changes every half minute (TOTP, RFC 6238), and recovery codes for
//! the day the telephone is lost.

use domain::access::Permission;
use domain::audit::Digest;
use domain::{Id, Millis, Refusal};
use sha2::{Digest as _, Sha256};
use store::Tx;
use totp_rs::{Builder, Secret, Totp};

use super::PeopleRefusal;
use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;

#[derive(Debug, PartialEq, Eq)]
pub enum FactorRefusal {
    CodeWrong,
    /// There is one already: it is taken off first.
    AlreadyThere,
    /// Nothing was begun that a code could confirm.
    NotBegun,
}

impl Refusal for FactorRefusal {
    fn code(&self) -> &'static str {
        match self {
            FactorRefusal::CodeWrong => "login-code-wrong",
            FactorRefusal::AlreadyThere => "factor-already-there",
            FactorRefusal::NotBegun => "factor-not-begun",
        }
    }
}

/// What an authenticator needs to know.
pub struct Setup {
    /// Base 32.
    pub secret: String,
    /// `otpauth://…`, for the picture to scan.
    pub url: String,
}

fn totp(secret: Secret, account: &str) -> Result<Totp, store::Broken> {
    // A colon would end the issuer's name in the address.
    let account = account.replace(':', " ");
    Builder::new()
        .with_secret(secret)
        .with_issuer(Some("Siji"))
        .with_account_name(account)
        .with_skew(1)
        .build()
        .map_err(|e| store::Broken::data(format!("totp: {e}")))
}

fn secret_of(base32: &str) -> Result<Secret, store::Broken> {
    Secret::try_from_base32(base32).map_err(|e| store::Broken::data(format!("totp: {e:?}")))
}

/// Takes a code once: six digits of the authenticator, or a recovery code. False: not this one.
pub(super) fn take(
    tx: &mut Tx,
    person: Id,
    typed: &str,
    now: Millis,
) -> Result<bool, store::Broken> {
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    if typed.len() != 6 {
        return store::access::take_recovery_code(tx, person, code_hash(&typed), now);
    }
    let Some(kept) = store::access::totp(tx, person)?.filter(|t| t.step.is_some()) else {
        return Ok(false);
    };
    match step_of(&kept.secret, &typed, now)? {
        Some(step) => store::access::take_step(tx, person, step),
        None => Ok(false),
    }
}

/// The time step of which this is the code: this one, the one before or the one after.
fn step_of(secret: &str, typed: &str, now: Millis) -> Result<Option<i64>, store::Broken> {
    let seconds = u64::try_from(now / 1000).unwrap_or(0);
    let step = totp(secret_of(secret)?, "siji")?.check(typed, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// SHA-256 of a recovery code as it is kept: small letters and digits alone.
fn code_hash(code: &str) -> [u8; 32] {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Sha256::digest(plain.as_bytes()).into()
}

/// Has this person a second factor, and how many recovery codes are left?
pub fn factor_of(tx: &mut Tx, who: &Who) -> Result<Option<i64>, Failure<Never>> {
    let kept = store::access::totp(tx, who.person)?;
    match kept.and_then(|t| t.step) {
        Some(_) => Ok(Some(store::access::recovery_codes_left(tx, who.person)?)),
        None => Ok(None),
    }
}

/// A new secret, to be confirmed by its first code. The password has been typed again.
pub fn begin_factor(
    tx: &mut Tx,
    who: &Who,
    random: [u8; 20],
) -> Result<Setup, Failure<FactorRefusal>> {
    if store::access::totp(tx, who.person)?.is_some_and(|t| t.step.is_some()) {
        return Err(Failure::Refused(FactorRefusal::AlreadyThere));
    }
    let person = store::access::find(tx, who.person)?.ok_or(Failure::NotFound)?;
    let secret = Secret::from(random.as_slice());
    let base32 = secret.to_base32();
    store::access::set_totp(tx, who.person, Some(&base32))?;
    let account = person.login.unwrap_or(person.name);
    let url = totp(secret, &account)?.to_url();
    let url = url.map_err(|e| store::Broken::data(format!("totp: {e:?}")))?;
    Ok(Setup { secret: base32, url })
}

/// The first code; from now on one is asked at every sign-in. `codes` are the recovery codes, made
/// at the edge and shown once. This session counts as having shown it.
pub fn confirm_factor(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    session: Id,
    typed: &str,
    codes: &[String],
) -> Result<(), Failure<FactorRefusal>> {
    let hashes: Vec<[u8; 32]> = codes.iter().map(|code| code_hash(code)).collect();
    let asked = hashes.iter().fold(Digest::of("confirm_factor"), |asked, hash| asked.bytes(hash));
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    let kept = store::access::totp(tx, who.person)?
        .filter(|t| t.step.is_none())
        .ok_or(Failure::Refused(FactorRefusal::NotBegun))?;
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    let step = step_of(&kept.secret, &typed, who.now)?
        .ok_or(Failure::Refused(FactorRefusal::CodeWrong))?;
    store::access::take_step(tx, who.person, step)?;
    store::access::record_recovery_codes(tx, who.person, &hashes)?;
    store::access::show_factor(tx, session)?;
    store::access::end_sessions(tx, who.person, Some(session))?;
    log(tx, who, key, "confirm_factor", who.person, asked)
}

/// Takes off the second factor of somebody who has lost theirs; their sessions end.
pub fn drop_factor(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    person: Id,
) -> Result<(), Failure<PeopleRefusal>> {
    who.must(Permission::ManagePosts)?;
    let asked = Digest::of("drop_factor").id(person);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    store::access::find(tx, person)?.ok_or(Failure::NotFound)?;
    if person == who.person {
        return Err(Failure::Refused(PeopleRefusal::Oneself));
    }
    take_off(tx, person, None)?;
    log(tx, who, key, "drop_factor", person, asked)
}

/// Takes off one's own, after the password has been typed again. Every other session ends.
pub fn drop_own_factor(tx: &mut Tx, who: &Who, key: Id, session: Id) -> Result<(), Failure<Never>> {
    let asked = Digest::of("drop_factor").id(who.person);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(());
    }
    take_off(tx, who.person, Some(session))?;
    log(tx, who, key, "drop_factor", who.person, asked)
}

fn take_off(tx: &mut Tx, person: Id, but: Option<Id>) -> Result<(), store::Broken> {
    store::access::set_totp(tx, person, None)?;
    store::access::record_recovery_codes(tx, person, &[])?;
    store::access::end_sessions(tx, person, but)
}

fn log<R>(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    verb: &str,
    person: Id,
    asked: Digest,
) -> Result<(), Failure<R>> {
    let c = Command { key, verb, subject: Some(person), path: None, asked };
    Ok(audit::record(tx, who, c)?)
}
