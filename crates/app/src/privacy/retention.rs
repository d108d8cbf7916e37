//! Erasing by date: what has outlived its purpose goes, what points and goods rest on stays.

use domain::audit::Digest;
use domain::privacy::retention::Cutoff;
use domain::{Id, Millis};
use store::Tx;
use store::privacy::Expired;

use crate::audit::{self, Command};
use crate::{Failure, Never};

/// Done by the operator, in nobody's name.
#[derive(Clone, Copy, Debug)]
pub struct Retain {
    pub key: Id,
    pub cutoff: Cutoff,
    pub now: Millis,
}

/// What would be erased.
pub fn expired(tx: &mut Tx, cutoff: Cutoff) -> Result<Expired, Failure<Never>> {
    Ok(store::privacy::expired(tx, cutoff, false)?)
}

/// Erases it, and says so in the log.
pub fn retain(tx: &mut Tx, r: Retain) -> Result<Expired, Failure<Never>> {
    let asked = Digest::of("retention").number(r.cutoff.records).number(r.cutoff.uploads);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(Expired::default());
    }
    let erased = store::privacy::expired(tx, r.cutoff, true)?;
    let note = format!(
        "households {}, members {}, objections {}, imports {}, postings {}",
        erased.households, erased.members, erased.objections, erased.imports, erased.postings
    );
    let c = Command { key: r.key, verb: "retention", subject: None, path: None, asked };
    audit::record_by(tx, None, r.now, c, Some(&note))?;
    Ok(erased)
}
