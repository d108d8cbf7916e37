//! Scheme versions: upload, lint, adoption by a meeting.

use domain::Id;
use domain::access::Permission;
use domain::audit::Digest;
use domain::calendar::Month;
use domain::scheme::{Adoption, Finding, Refusal, Scheme, decide_adoption, decide_version, lint};
use store::Tx;
pub use store::scheme::{Adopted, Kept};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

const SHIPPED: &str = include_str!("../../../data/scheme/default_points_scheme.json");

/// Puts the default scheme into a new zone. It is in force when a meeting has adopted it.
pub fn ship(tx: &mut Tx) -> Result<(), Failure<Never>> {
    let scheme = read(SHIPPED).map_err(|e| store::Broken::data(e.to_string()))?;
    if store::scheme::version_facts(tx, &scheme.code)?.latest.is_none() {
        store::scheme::record(tx, shipped_id(), &scheme, SHIPPED, 0, None)?;
    }
    Ok(())
}

/// The id of the scheme that comes with the program, the same in every zone.
pub fn shipped_id() -> Id {
    domain::id::derive(Id::nil(), "scheme", 1)
}

fn read(json: &str) -> Result<Scheme, Refusal> {
    store::scheme::parse(json).map_err(|reason| Refusal::Unreadable { reason })
}

/// What the lint says of a file, without keeping it.
pub fn check(who: &Who, json: &str) -> Result<(Scheme, Vec<Finding>), Failure<Refusal>> {
    who.must(Permission::ManageScheme)?;
    let scheme = read(json).map_err(Failure::Refused)?;
    let findings = lint(&scheme);
    Ok((scheme, findings))
}

/// Keeps a new version. What is unlawful is refused; what is weak is kept and said.
pub fn upload(tx: &mut Tx, who: &Who, key: Id, json: &str) -> Result<Id, Failure<Refusal>> {
    who.must(Permission::ManageScheme)?;
    let asked = Digest::of("upload_scheme").id(who.person).text(json);
    if audit::is_repeat(tx, key, &asked)? {
        return Ok(key);
    }
    let scheme = read(json).map_err(Failure::Refused)?;
    let facts = store::scheme::version_facts(tx, &scheme.code)?;
    decide_version(facts, &scheme).map_err(Failure::Refused)?;
    store::scheme::record(tx, key, &scheme, json, who.now, Some(who.person))?;
    let c = Command { key, verb: "upload_scheme", subject: Some(key), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(key)
}

pub struct Adopt {
    /// Also the adoption's id.
    pub key: Id,
    pub scheme: Id,
    pub adoption: Adoption,
}

/// Puts a version in force from a month on, with the meeting's resolution.
pub fn adopt(tx: &mut Tx, who: &Who, r: &Adopt) -> Result<(), Failure<Refusal>> {
    who.must(Permission::ManageScheme)?;
    let asked = Digest::of("adopt_scheme")
        .id(who.person)
        .id(r.scheme)
        .text(&r.adoption.from_month.to_string())
        .date(r.adoption.resolved_on)
        .text(&r.adoption.number)
        .text(&r.adoption.text);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    store::scheme::find(tx, r.scheme)?.ok_or(Failure::NotFound)?;
    let facts = store::scheme::adoption_facts(tx, r.adoption.from_month, who.today())?;
    decide_adoption(facts, &r.adoption).map_err(Failure::Refused)?;
    store::scheme::record_adoption(tx, r.key, r.scheme, &r.adoption, Some(who.person), who.now)?;
    let c =
        Command { key: r.key, verb: "adopt_scheme", subject: Some(r.scheme), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(())
}

/// The list of versions and what is in force.
pub struct Schemes {
    pub versions: Vec<Kept>,
    pub adoptions: Vec<Adopted>,
    pub in_force: Option<Id>,
    pub may_manage: bool,
}

/// Rules are no secret: every signed-in person reads them.
pub fn list(tx: &mut Tx, who: &Who) -> Result<Schemes, Failure<Never>> {
    let month = Month::of(who.today());
    Ok(Schemes {
        versions: store::scheme::list(tx)?,
        adoptions: store::scheme::adoptions(tx)?,
        in_force: store::scheme::in_force(tx, month)?,
        may_manage: who.may(Permission::ManageScheme),
    })
}

/// One version as readable rules.
pub struct View {
    pub kept: Kept,
    pub findings: Vec<Finding>,
    pub adoptions: Vec<Adopted>,
    pub in_force: bool,
    pub may_manage: bool,
    /// The first month that no round has been opened for.
    pub next_month: Month,
}

pub fn view(tx: &mut Tx, who: &Who, id: Id) -> Result<View, Failure<Never>> {
    let kept = store::scheme::find(tx, id)?.ok_or(Failure::NotFound)?;
    let findings = lint(&kept.scheme);
    let mut adoptions = store::scheme::adoptions(tx)?;
    adoptions.retain(|a| a.scheme == id);
    let month = Month::of(who.today());
    let in_force = store::scheme::in_force(tx, month)? == Some(id);
    let newest = store::calendar::list(tx)?.first().map(|r| r.month.next());
    Ok(View {
        kept,
        findings,
        adoptions,
        in_force,
        may_manage: who.may(Permission::ManageScheme),
        next_month: newest.unwrap_or(month),
    })
}
