//! Sessions, browsers that are known, tries that failed. A token is never stored, only its SHA-256.

use domain::{Id, Millis};

use super::{NEXT, PERSON, Person, person};
use crate::{Broken, Result, Tx, args};

/// How far somebody has shown who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// By the password alone.
    None,
    /// By the password; the code is still to come, and until then they are nobody.
    Asked,
    /// By the password and a code.
    Shown,
}

impl Factor {
    pub const fn code(self) -> &'static str {
        match self {
            Factor::None => "none",
            Factor::Asked => "asked",
            Factor::Shown => "shown",
        }
    }
    fn from_code(code: &str) -> Result<Factor> {
        [Factor::None, Factor::Asked, Factor::Shown]
            .into_iter()
            .find(|f| f.code() == code)
            .ok_or_else(|| Broken::data(format!("unknown factor {code}")))
    }
}

pub struct NewSession<'a> {
    pub token_hash: [u8; 32],
    pub id: Id,
    pub person: Id,
    pub factor: Factor,
    /// The browser in a word or two, for the person's own list.
    pub device: &'a str,
    /// The zone's OpenID provider vouched for them.
    pub by_provider: bool,
    pub at: Millis,
    pub until: Millis,
}

pub fn record_session(tx: &mut Tx, s: &NewSession) -> Result<()> {
    tx.exec(
        "INSERT INTO session (token_hash, id, person, factor, device, created_at, seen_at, \
         expires_at, by_provider) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)",
        &args![
            s.token_hash,
            s.id,
            s.person,
            s.factor.code(),
            s.device,
            s.at,
            s.until,
            s.by_provider
        ],
    )?;
    Ok(())
}

pub struct Session {
    pub id: Id,
    pub person: Person,
    pub factor: Factor,
    pub by_provider: bool,
    pub created_at: Millis,
    pub seen_at: Millis,
    pub expires_at: Millis,
}

pub fn find_session(tx: &mut Tx, hash: [u8; 32]) -> Result<Option<Session>> {
    tx.opt(
        &format!(
            "SELECT {PERSON}, s.id, s.factor, s.created_at, s.seen_at, s.expires_at, \
             s.by_provider \
             FROM session s JOIN person p ON p.id = s.person WHERE s.token_hash = $1"
        ),
        &args![hash],
        |r| {
            Ok(Session {
                person: person(r)?,
                id: r.id(NEXT)?,
                factor: Factor::from_code(&r.text(NEXT + 1)?)?,
                created_at: r.int(NEXT + 2)?,
                seen_at: r.int(NEXT + 3)?,
                expires_at: r.int(NEXT + 4)?,
                by_provider: r.bool(NEXT + 5)?,
            })
        },
    )
}

/// One line of somebody's list of sessions.
pub struct SessionRow {
    pub id: Id,
    pub device: String,
    pub by_provider: bool,
    pub created_at: Millis,
    pub seen_at: Millis,
}

/// The sessions of one person that are not over, the last used first.
pub fn sessions(tx: &mut Tx, of: Id, now: Millis, idle: Millis) -> Result<Vec<SessionRow>> {
    tx.all(
        "SELECT id, device, created_at, seen_at, by_provider FROM session \
         WHERE person = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id",
        &args![of, now, now - idle],
        |r| {
            Ok(SessionRow {
                id: r.id(0)?,
                device: r.text(1)?,
                created_at: r.int(2)?,
                seen_at: r.int(3)?,
                by_provider: r.bool(4)?,
            })
        },
    )
}

pub fn touch_session(tx: &mut Tx, hash: [u8; 32], at: Millis) -> Result<()> {
    tx.exec("UPDATE session SET seen_at = $2 WHERE token_hash = $1", &args![hash, at])?;
    Ok(())
}

/// The code has been shown in this session.
pub fn show_factor(tx: &mut Tx, id: Id) -> Result<()> {
    tx.exec("UPDATE session SET factor = $2 WHERE id = $1", &args![id, Factor::Shown.code()])?;
    Ok(())
}

pub fn end_session(tx: &mut Tx, hash: [u8; 32]) -> Result<()> {
    tx.exec("DELETE FROM session WHERE token_hash = $1", &args![hash])?;
    Ok(())
}

/// One session of this person; false: they have none of this id.
pub fn end_session_of(tx: &mut Tx, of: Id, id: Id) -> Result<bool> {
    let sql = "DELETE FROM session WHERE person = $1 AND id = $2";
    Ok(tx.exec(sql, &args![of, id])? > 0)
}

/// Every session of this person, but for one.
pub fn end_sessions(tx: &mut Tx, of: Id, but: Option<Id>) -> Result<()> {
    // No session has the id of nothing.
    let but = but.unwrap_or(Id::nil());
    tx.exec("DELETE FROM session WHERE person = $1 AND id <> $2", &args![of, but])?;
    Ok(())
}

/// Every session of this person that the zone's OpenID provider vouched for.
pub fn end_sessions_by_provider(tx: &mut Tx, of: Id) -> Result<()> {
    tx.exec("DELETE FROM session WHERE person = $1 AND by_provider", &args![of])?;
    Ok(())
}

/// Sessions that ended by themselves.
pub fn forget_sessions(tx: &mut Tx, now: Millis) -> Result<()> {
    tx.exec("DELETE FROM session WHERE expires_at <= $1", &args![now])?;
    Ok(())
}

// Browsers ----------------------------------------------------------------------------------------

/// Is this a browser in which this person has signed in?
pub fn knows_browser(tx: &mut Tx, hash: [u8; 32], person: Id) -> Result<bool> {
    let sql = "SELECT 1 FROM known_browser WHERE hash = $1 AND person = $2";
    Ok(tx.opt(sql, &args![hash, person], |_| Ok(()))?.is_some())
}

pub fn record_browser(tx: &mut Tx, hash: [u8; 32], person: Id, at: Millis) -> Result<()> {
    tx.exec(
        "INSERT INTO known_browser (hash, person, seen_at) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO UPDATE SET person = $2, seen_at = $3",
        &args![hash, person, at],
    )?;
    Ok(())
}

pub fn forget_browsers(tx: &mut Tx, of: Id) -> Result<()> {
    tx.exec("DELETE FROM known_browser WHERE person = $1", &args![of])?;
    Ok(())
}

// Failures ----------------------------------------------------------------------------------------

/// Failed tries since a moment.
pub struct Failures {
    /// At this login from this source.
    pub here: i64,
    /// At any login from this source.
    pub source: i64,
    /// At this login from anywhere.
    pub login: i64,
}

pub fn failures(tx: &mut Tx, login: &str, source: [u8; 32], since: Millis) -> Result<Failures> {
    tx.one(
        "SELECT \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM login_failure \
          WHERE login = $1 AND source = $2 AND at > $3), \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM login_failure WHERE source = $2 AND at > $3), \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM login_failure WHERE login = $1 AND at > $3)",
        &args![login, source, since],
        |r| Ok(Failures { here: r.int(0)?, source: r.int(1)?, login: r.int(2)? }),
    )
}

pub fn record_failure(
    tx: &mut Tx,
    login: &str,
    source: [u8; 32],
    at: Millis,
    forget_before: Millis,
) -> Result<()> {
    tx.exec("DELETE FROM login_failure WHERE at < $1", &args![forget_before])?;
    tx.exec(
        "INSERT INTO login_failure (login, source, at) VALUES ($1, $2, $3)",
        &args![login, source, at],
    )?;
    Ok(())
}

/// The right password was typed: what went wrong before it, from here, is forgotten.
pub fn forget_failures(tx: &mut Tx, login: &str, source: [u8; 32]) -> Result<()> {
    let sql = "DELETE FROM login_failure WHERE login = $1 AND source = $2";
    tx.exec(sql, &args![login, source])?;
    Ok(())
}

/// Where a try came from, as it is kept for a few minutes: a keyed hash.
pub fn source(tx: &Tx, from: &str) -> [u8; 32] {
    tx.keys().find("login_failure.source", from)
}
