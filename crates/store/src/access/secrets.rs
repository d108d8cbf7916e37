//! Passwords, second factors, codes that are good once, and what the zone has chosen about them.

use domain::{Id, Millis};

use crate::sealed::In;
use crate::{Result, Tx, args};

pub fn set_login(tx: &mut Tx, id: Id, login: &str) -> Result<()> {
    tx.exec("UPDATE person SET login = $2 WHERE id = $1", &args![id, login])?;
    Ok(())
}

/// The stored form of a new password; the one before goes to the former ones.
pub fn set_password(tx: &mut Tx, id: Id, password: &str, at: Millis) -> Result<()> {
    tx.exec(
        "INSERT INTO former_password (person, password, at) \
         SELECT id, password, $2 FROM person WHERE id = $1 AND password IS NOT NULL",
        &args![id, at],
    )?;
    tx.exec(
        "UPDATE person SET password = $2, password_at = $3, must_change = $4 WHERE id = $1",
        &args![id, password, at, false],
    )?;
    Ok(())
}

/// The password is not to be used again, known or not.
pub fn drop_password(tx: &mut Tx, id: Id) -> Result<()> {
    let sql = "UPDATE person SET password = NULL, password_at = NULL WHERE id = $1";
    tx.exec(sql, &args![id])?;
    Ok(())
}

/// The stored form of the password, and of so many before it.
pub fn passwords(tx: &mut Tx, id: Id, former: usize) -> Result<Vec<String>> {
    let mut all: Vec<String> = tx
        .opt("SELECT password FROM person WHERE id = $1", &args![id], |r| r.opt_text(0))?
        .flatten()
        .into_iter()
        .collect();
    let limit = i64::try_from(former.saturating_sub(1)).unwrap_or(i64::MAX);
    all.extend(tx.all(
        "SELECT password FROM former_password WHERE person = $1 ORDER BY at DESC LIMIT $2",
        &args![id, limit],
        |r| r.text(0),
    )?);
    Ok(all)
}

pub fn set_signed_in(tx: &mut Tx, id: Id, at: Millis) -> Result<()> {
    tx.exec("UPDATE person SET signed_in_at = $2 WHERE id = $1", &args![id, at])?;
    Ok(())
}

// The second factor -------------------------------------------------------------------------------

pub struct Totp {
    /// Base 32, as an authenticator takes it.
    pub secret: String,
    /// The last time step of which a code was taken; none: the secret is not confirmed yet.
    pub step: Option<i64>,
}

pub fn totp(tx: &mut Tx, person: Id) -> Result<Option<Totp>> {
    let keys = tx.keys();
    let found =
        tx.opt("SELECT totp, totp_step FROM person WHERE id = $1", &args![person], |r| {
            let secret = In::new(&keys, "person", person).text("totp", r, 0)?;
            Ok(secret.map(|secret| (secret, r.opt_int(1))))
        })?;
    match found.flatten() {
        Some((secret, step)) => Ok(Some(Totp { secret, step: step? })),
        None => Ok(None),
    }
}

/// A secret that is still to be confirmed by a code.
pub fn set_totp(tx: &mut Tx, person: Id, secret: Option<&str>) -> Result<()> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "person", person).put("totp", secret)?;
    let sql = "UPDATE person SET totp = $2, totp_step = NULL WHERE id = $1";
    tx.exec(sql, &args![person, sealed])?;
    Ok(())
}

/// Takes a code of this step, once; false: it or a later one was taken before.
pub fn take_step(tx: &mut Tx, person: Id, step: i64) -> Result<bool> {
    let sql = "UPDATE person SET totp_step = $2 \
               WHERE id = $1 AND (totp_step IS NULL OR totp_step < $2)";
    Ok(tx.exec(sql, &args![person, step])? > 0)
}

pub fn record_recovery_codes(tx: &mut Tx, person: Id, hashes: &[[u8; 32]]) -> Result<()> {
    tx.exec("DELETE FROM recovery_code WHERE person = $1", &args![person])?;
    for hash in hashes {
        let sql = "INSERT INTO recovery_code (hash, person, used_at) VALUES ($1, $2, NULL)";
        tx.exec(sql, &args![*hash, person])?;
    }
    Ok(())
}

/// Takes a recovery code, once; false: there is none, or it was taken before.
pub fn take_recovery_code(tx: &mut Tx, person: Id, hash: [u8; 32], at: Millis) -> Result<bool> {
    let sql = "UPDATE recovery_code SET used_at = $3 \
               WHERE hash = $1 AND person = $2 AND used_at IS NULL";
    Ok(tx.exec(sql, &args![hash, person, at])? > 0)
}

pub fn recovery_codes_left(tx: &mut Tx, person: Id) -> Result<i64> {
    tx.one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM recovery_code \
         WHERE person = $1 AND used_at IS NULL",
        &args![person],
        |r| r.int(0),
    )
}

// Codes that are good once ------------------------------------------------------------------------

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// The first security administrator of a new zone.
    First,
    Invite,
    Reset,
}

impl CodeKind {
    pub const fn code(self) -> &'static str {
        match self {
            CodeKind::First => "first",
            CodeKind::Invite => "invite",
            CodeKind::Reset => "reset",
        }
    }
}

pub struct NewCode {
    pub hash: [u8; 32],
    pub person: Option<Id>,
    pub kind: CodeKind,
    pub made_by: Option<Id>,
    pub at: Millis,
    pub until: Millis,
}

/// A code; those that the person had before are good no longer.
pub fn record_code(tx: &mut Tx, c: &NewCode) -> Result<()> {
    match c.person {
        Some(person) => tx.exec("DELETE FROM one_time_code WHERE person = $1", &args![person])?,
        None => tx.exec("DELETE FROM one_time_code WHERE person IS NULL", &args![])?,
    };
    tx.exec(
        "INSERT INTO one_time_code (hash, person, kind, made_by, made_at, expires_at, used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, NULL)",
        &args![c.hash, c.person, c.kind.code(), c.made_by, c.at, c.until],
    )?;
    Ok(())
}

/// Whom a code that is still good lets in; `None` inside: the first of a new zone.
pub fn find_code(tx: &mut Tx, hash: [u8; 32], now: Millis) -> Result<Option<Option<Id>>> {
    tx.opt(
        "SELECT person FROM one_time_code \
         WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        &args![hash, now],
        |r| r.opt_id(0),
    )
}

/// Takes the code, once.
pub fn take_code(tx: &mut Tx, hash: [u8; 32], now: Millis) -> Result<bool> {
    let sql = "UPDATE one_time_code SET used_at = $2 \
               WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(tx.exec(sql, &args![hash, now])? > 0)
}

// Settings ----------------------------------------------------------------------------------------

pub fn setting(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    tx.opt("SELECT value FROM setting WHERE name = $1", &args![name], |r| r.text(0))
}

pub fn set_setting(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    tx.exec(
        "INSERT INTO setting (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = $2",
        &args![name, value],
    )?;
    Ok(())
}
