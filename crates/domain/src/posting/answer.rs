//! Answering an objection: by somebody who did not score the household and is no relative.

use super::object::{Standing, TEXT_MAX};
use crate::Arg;
use crate::scoring::BatchState;

/// What an answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub state: BatchState,
    pub standing: Standing,
    /// The one who answers filled in a sheet of this household in this batch; of any household,
    /// where the objection names none.
    pub scored: bool,
    /// The one who answers has declared kinship with this household.
    pub kin: bool,
    /// The objection names a household.
    pub names_household: bool,
    /// The new scores lead to another row on the wall than the one that hangs.
    pub row_changes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Upheld,
    Rejected,
}

impl Verdict {
    pub fn standing(self) -> Standing {
        match self {
            Verdict::Upheld => Standing::Upheld,
            Verdict::Rejected => Standing::Rejected,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub verdict: Verdict,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub standing: Standing,
    /// What the person who objected reads.
    pub answer: String,
    /// The household is settled anew and its row hangs again for a full period.
    pub corrects: bool,
}

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    AlreadyAnswered { standing: Standing },
    BatchClosed { state: BatchState },
    YouScoredThis,
    YouAreKin,
    TextNeeded,
    TextTooLong { max: usize, length: usize },
    HouseholdNeeded,
    NothingChanges,
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::AlreadyAnswered { .. } => "answer-already-given",
            Refusal::BatchClosed { .. } => "answer-batch-closed",
            Refusal::YouScoredThis => "answer-you-scored-this",
            Refusal::YouAreKin => "answer-you-are-kin",
            Refusal::TextNeeded => "answer-text-needed",
            Refusal::TextTooLong { .. } => "answer-text-too-long",
            Refusal::HouseholdNeeded => "answer-household-needed",
            Refusal::NothingChanges => "answer-nothing-changes",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::AlreadyAnswered { standing } => vec![("standing", standing.code().into())],
            Refusal::BatchClosed { state } => vec![("state", state.code().into())],
            Refusal::TextTooLong { max, length } => {
                vec![("max", (*max).into()), ("length", (*length).into())]
            }
            _ => Vec::new(),
        }
    }
}

pub fn decide(facts: &Facts, request: &Request) -> Result<Decision, Refusal> {
    if facts.standing != Standing::Open {
        return Err(Refusal::AlreadyAnswered { standing: facts.standing });
    }
    if facts.state != BatchState::InPublicity {
        return Err(Refusal::BatchClosed { state: facts.state });
    }
    if facts.scored {
        return Err(Refusal::YouScoredThis);
    }
    if facts.kin {
        return Err(Refusal::YouAreKin);
    }
    let text = request.text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err(Refusal::TextNeeded);
    }
    if length > TEXT_MAX {
        return Err(Refusal::TextTooLong { max: TEXT_MAX, length });
    }
    let corrects = request.verdict == Verdict::Upheld;
    if corrects && !facts.names_household {
        return Err(Refusal::HouseholdNeeded);
    }
    if corrects && !facts.row_changes {
        return Err(Refusal::NothingChanges);
    }
    Ok(Decision { standing: request.verdict.standing(), answer: text.to_owned(), corrects })
}
