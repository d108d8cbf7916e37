//! Certification 认定: the batch becomes what it is for good, and every household is credited.

use jiff::civil::Date;

use super::Serial;
use crate::points::{Account, Amount, Cause, CauseKind, Transfer};
use crate::scheme::Scheme;
use crate::scoring::{BatchState, creditable};
use crate::{Arg, Id, Millis};

/// What a certification depends on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub batch: Id,
    pub state: BatchState,
    pub today: Date,
    /// Last full day of every posting of the batch, those that amend among them.
    pub posted_to: Vec<Date>,
    pub objections_open: usize,
    /// Postings of the batch that are not in the posting log.
    pub not_in_log: usize,
    /// The one who certifies filled in a sheet of this batch.
    pub certifier_scored: bool,
    /// The first row whose settlement is not what hangs on the wall.
    pub not_as_posted: Option<Serial>,
    pub scheme: &'a Scheme,
    pub households: Vec<Household>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Household {
    pub id: Id,
    /// The settled total; nought for a household that was not assessed.
    pub total: i64,
    /// Points of monthly scores already credited in this batch's year.
    pub credited_this_year: i64,
}

/// What goes into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub transfers: Vec<Transfer>,
    pub points: i64,
}

/// Why a batch is not certified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    NotInPublicity { state: BatchState },
    NeverPosted,
    StillRunning { until: Date, postings: usize },
    ObjectionsOpen { count: usize },
    YouScoredHere,
    NotInLog { postings: usize },
    NotAsPosted { serial: Serial },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::NotInPublicity { .. } => "certify-not-in-publicity",
            Refusal::NeverPosted => "certify-never-posted",
            Refusal::StillRunning { .. } => "certify-still-running",
            Refusal::ObjectionsOpen { .. } => "certify-objections-open",
            Refusal::YouScoredHere => "certify-you-scored-here",
            Refusal::NotInLog { .. } => "certify-not-in-log",
            Refusal::NotAsPosted { .. } => "certify-not-as-posted",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::NotInPublicity { state } => vec![("state", state.code().into())],
            Refusal::StillRunning { until, postings } => {
                vec![("until", (*until).into()), ("postings", (*postings).into())]
            }
            Refusal::ObjectionsOpen { count } => vec![("count", (*count).into())],
            Refusal::NotInLog { postings } => vec![("postings", (*postings).into())],
            Refusal::NotAsPosted { serial } => vec![("serial", i64::from(serial.get()).into())],
            Refusal::NeverPosted | Refusal::YouScoredHere => Vec::new(),
        }
    }
}

pub fn decide(facts: &Facts<'_>, at: Millis) -> Result<Decision, Refusal> {
    if facts.state != BatchState::InPublicity {
        return Err(Refusal::NotInPublicity { state: facts.state });
    }
    let Some(until) = facts.posted_to.iter().max().copied() else {
        return Err(Refusal::NeverPosted);
    };
    if facts.today <= until {
        let postings = facts.posted_to.iter().filter(|to| facts.today <= **to).count();
        return Err(Refusal::StillRunning { until, postings });
    }
    if facts.objections_open > 0 {
        return Err(Refusal::ObjectionsOpen { count: facts.objections_open });
    }
    if facts.certifier_scored {
        return Err(Refusal::YouScoredHere);
    }
    if facts.not_in_log > 0 {
        return Err(Refusal::NotInLog { postings: facts.not_in_log });
    }
    if let Some(serial) = facts.not_as_posted {
        return Err(Refusal::NotAsPosted { serial });
    }
    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Certification, id: facts.batch };
    let transfers: Vec<_> = facts
        .households
        .iter()
        .filter_map(|household| {
            let Household { id, total, credited_this_year } = *household;
            // Nought is no movement.
            let amount = Amount::new(creditable(facts.scheme, total, credited_this_year)).ok()?;
            let account = Account::household(id);
            Some(Transfer::posted(cause, Account::issued(), account, amount, facts.today, at))
        })
        .collect();
    let points = transfers.iter().map(|t| t.amount.get()).sum();
    Ok(Decision { transfers, points })
}
