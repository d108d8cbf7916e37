//! A redemption is undone: the goods go back to the lots they came from, the points to the household.

use jiff::civil::Date;

use super::{Redemption, receipt_after};
use crate::points::{Cause, CauseKind, Transfer};
use crate::{Id, Millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReversalRequest {
    pub id: Id,
    pub redemption: Id,
    pub reason: String,
    pub person: Id,
    pub today: Date,
    pub at: Millis,
}

#[derive(Clone, Debug)]
pub struct ReversalFacts {
    pub redemption: Redemption,
    pub reversed: bool,
    /// What it moved.
    pub transfers: Vec<Transfer>,
    pub balance: i64,
    pub receipt_last: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalRefusal {
    ReasonMissing,
    IsReversal,
    AlreadyReversed,
}

impl crate::Refusal for ReversalRefusal {
    fn code(&self) -> &'static str {
        match self {
            ReversalRefusal::ReasonMissing => "reversal-reason-missing",
            ReversalRefusal::IsReversal => "reversal-is-reversal",
            ReversalRefusal::AlreadyReversed => "reversal-already-reversed",
        }
    }
}

pub fn decide_reversal(
    facts: &ReversalFacts,
    request: &ReversalRequest,
) -> Result<super::Decision, ReversalRefusal> {
    let original = &facts.redemption;
    if request.reason.trim().is_empty() {
        return Err(ReversalRefusal::ReasonMissing);
    }
    if original.reverses.is_some() {
        return Err(ReversalRefusal::IsReversal);
    }
    if facts.reversed {
        return Err(ReversalRefusal::AlreadyReversed);
    }

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Reversal, id: request.id };
    let transfers = facts.transfers.iter().map(|t| t.reversed(cause, request.today, request.at));
    Ok(super::Decision {
        transfers: transfers.collect(),
        balance_after: facts.balance + original.points,
        redemption: Redemption {
            id: request.id,
            receipt: receipt_after(request.today, facts.receipt_last.as_deref()),
            reverses: Some(original.id),
            reason: Some(request.reason.trim().to_owned()),
            person: request.person,
            on_date: request.today,
            at: request.at,
            ..original.clone()
        },
    })
}
