//! Sheets, batches, review: what a sheet may say, what it adds up to, how two sheets become one
//! settled month, and which way a batch moves. Knows no postings and no points account.

mod dry_run;
mod hand_over;
mod notes;
mod scores;
mod settle;
mod sheet;

pub use dry_run::{DryRun, DryRunRow, PastScore, dry_run};
pub use hand_over::{HandOverRefusal, Passes, Taker, decide_hand_over};
pub use notes::{Note, Pattern, SheetLook, notes};
pub use scores::{Mark, MonthScore, Scores, Sums, Tally, compute};
pub use settle::{
    Basis, KeptSheet, Occasion, Outcome, SettleFacts, SettleRequest, Settlement, agrees, settle,
};
pub use sheet::{RosterPlace, SheetFacts, SheetRequest, decide_sheet, other_sheet_visible};

use jiff::civil::Date;

use crate::Arg;
use crate::scheme::Scheme;

/// Which of the two sheets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scorer {
    AssistanceOfficer,
    AssignedCadre,
}

impl Scorer {
    pub const BOTH: [Scorer; 2] = [Scorer::AssistanceOfficer, Scorer::AssignedCadre];
    pub fn code(self) -> &'static str {
        match self {
            Scorer::AssistanceOfficer => "assistance_officer",
            Scorer::AssignedCadre => "assigned_cadre",
        }
    }
    pub fn from_code(code: &str) -> Option<Scorer> {
        Scorer::BOTH.into_iter().find(|s| s.code() == code)
    }
}

/// Where a village's month stands. It moves one way, one step at a time; what is wrong later is
/// mended by a reversal in a later batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BatchState {
    Draft,
    Scored,
    Reviewed,
    InPublicity,
    Certified,
    Credited,
}

impl BatchState {
    pub const ALL: [BatchState; 6] = [
        BatchState::Draft,
        BatchState::Scored,
        BatchState::Reviewed,
        BatchState::InPublicity,
        BatchState::Certified,
        BatchState::Credited,
    ];
    pub fn code(self) -> &'static str {
        match self {
            BatchState::Draft => "draft",
            BatchState::Scored => "scored",
            BatchState::Reviewed => "reviewed",
            BatchState::InPublicity => "in_publicity",
            BatchState::Certified => "certified",
            BatchState::Credited => "credited",
        }
    }
    pub fn from_code(code: &str) -> Option<BatchState> {
        BatchState::ALL.into_iter().find(|s| s.code() == code)
    }
    /// The one state that may follow.
    pub fn next(self) -> Option<BatchState> {
        let at = BatchState::ALL.iter().position(|s| *s == self)?;
        BatchState::ALL.get(at + 1).copied()
    }
    /// The move to `to`, or why not.
    pub fn move_to(self, to: BatchState) -> Result<BatchState, Refusal> {
        if self.next() == Some(to) {
            Ok(to)
        } else {
            Err(Refusal::WrongState { is: self, needed: previous(to) })
        }
    }
}

fn previous(state: BatchState) -> BatchState {
    let at = BatchState::ALL.iter().position(|s| s.next() == Some(state));
    at.map_or(BatchState::Draft, |at| BatchState::ALL[at])
}

/// Why the rules of scoring say no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    // What a sheet says.
    ScoresUnreadable { part: String },
    ItemMissing { item: String },
    ItemUnknown { item: String },
    NotABand { item: String, points: i64 },
    NaWithoutReason { item: String },
    TooFewAssessed { assessed: usize, needed: usize },
    // Who gives it, and when.
    NotOnRoster,
    NotYourHousehold,
    BatchClosed { state: BatchState },
    VisitOutsideRound { visited_on: Date, from: Date, to: Date },
    VisitInFuture { visited_on: Date },
    // Closing and review.
    SheetsMissing { officer: i64, cadre: i64 },
    WrongState { is: BatchState, needed: BatchState },
    Relative { relation: String },
    OwnSheet,
    NoSheet,
    OneSheetNeedsNote,
    OwnValueNeedsNote { item: String },
    ReasonMissing,
    DocumentMissing,
    NotAllSettled { left: i64 },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::ScoresUnreadable { .. } => "scores-unreadable",
            Refusal::ItemMissing { .. } => "item-missing",
            Refusal::ItemUnknown { .. } => "item-unknown",
            Refusal::NotABand { .. } => "not-a-band",
            Refusal::NaWithoutReason { .. } => "na-without-reason",
            Refusal::TooFewAssessed { .. } => "too-few-assessed",
            Refusal::NotOnRoster => "not-on-roster",
            Refusal::NotYourHousehold => "not-your-household",
            Refusal::BatchClosed { .. } => "batch-closed",
            Refusal::VisitOutsideRound { .. } => "visit-outside-round",
            Refusal::VisitInFuture { .. } => "visit-in-future",
            Refusal::SheetsMissing { .. } => "sheets-missing",
            Refusal::WrongState { .. } => "batch-wrong-state",
            Refusal::Relative { .. } => "relative",
            Refusal::OwnSheet => "own-sheet",
            Refusal::NoSheet => "no-sheet",
            Refusal::OneSheetNeedsNote => "one-sheet-needs-note",
            Refusal::OwnValueNeedsNote { .. } => "own-value-needs-note",
            Refusal::ReasonMissing => "reason-missing",
            Refusal::DocumentMissing => "document-missing",
            Refusal::NotAllSettled { .. } => "not-all-settled",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        let state = |s: &BatchState| Arg::from(s.code());
        match self {
            Refusal::ScoresUnreadable { part } => vec![("part", part.as_str().into())],
            Refusal::ItemMissing { item }
            | Refusal::ItemUnknown { item }
            | Refusal::NaWithoutReason { item }
            | Refusal::OwnValueNeedsNote { item } => vec![("item", item.as_str().into())],
            Refusal::NotABand { item, points } => {
                vec![("item", item.as_str().into()), ("points", (*points).into())]
            }
            Refusal::TooFewAssessed { assessed, needed } => {
                vec![("assessed", (*assessed).into()), ("needed", (*needed).into())]
            }
            Refusal::BatchClosed { state: s } => vec![("state", state(s))],
            Refusal::WrongState { is, needed } => {
                vec![("state", state(is)), ("needed", state(needed))]
            }
            Refusal::VisitOutsideRound { visited_on, from, to } => {
                vec![("date", (*visited_on).into()), ("from", (*from).into()), ("to", (*to).into())]
            }
            Refusal::VisitInFuture { visited_on } => vec![("date", (*visited_on).into())],
            Refusal::SheetsMissing { officer, cadre } => {
                vec![("officer", (*officer).into()), ("cadre", (*cadre).into())]
            }
            Refusal::Relative { relation } => vec![("relation", relation.as_str().into())],
            Refusal::NotAllSettled { left } => vec![("left", (*left).into())],
            Refusal::NotOnRoster
            | Refusal::NotYourHousehold
            | Refusal::OwnSheet
            | Refusal::NoSheet
            | Refusal::OneSheetNeedsNote
            | Refusal::ReasonMissing
            | Refusal::DocumentMissing => Vec::new(),
        }
    }
}

/// How many sheets a batch still waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    pub officer: i64,
    pub cadre: i64,
}

/// Ends the visits of a village: draft to scored. Sheets may be missing if that was seen and said;
/// those households are settled on one sheet with a note, or not assessed.
pub fn decide_close(
    state: BatchState,
    missing: Missing,
    accept_missing: bool,
) -> Result<BatchState, Refusal> {
    let next = state.move_to(BatchState::Scored)?;
    if !accept_missing && missing != Missing::default() {
        return Err(Refusal::SheetsMissing { officer: missing.officer, cadre: missing.cadre });
    }
    Ok(next)
}

/// Ends the review: scored to reviewed, when every household on the roster is settled.
pub fn decide_finish(
    state: BatchState,
    households: i64,
    settled: i64,
) -> Result<BatchState, Refusal> {
    let next = state.move_to(BatchState::Reviewed)?;
    if settled < households {
        return Err(Refusal::NotAllSettled { left: households - settled });
    }
    Ok(next)
}

/// Points a month's total is credited with, within the yearly cap.
pub fn creditable(scheme: &Scheme, total: i64, credited_this_year: i64) -> i64 {
    total.min(scheme.annual_cap - credited_this_year).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal as _;
    use crate::scheme::tests::shipped;

    #[test]
    fn the_only_legal_moves() {
        let mut picture = String::new();
        for from in BatchState::ALL {
            let to: Vec<_> = BatchState::ALL
                .into_iter()
                .filter(|to| from.move_to(*to).is_ok())
                .map(BatchState::code)
                .collect();
            picture.push_str(&format!("{:<13}→ {}\n", from.code(), to.join(" ")));
            assert_eq!(BatchState::from_code(from.code()), Some(from));
        }
        insta::assert_snapshot!(picture, @r"
        draft        → scored
        scored       → reviewed
        reviewed     → in_publicity
        in_publicity → certified
        certified    → credited
        credited     →
        ");
    }

    #[test]
    fn closing_and_finishing() {
        use BatchState::*;
        let close = |state, officer, cadre, accept| {
            decide_close(state, Missing { officer, cadre }, accept).map_err(|r| r.code())
        };
        assert_eq!(close(Draft, 0, 0, false), Ok(Scored));
        assert_eq!(close(Draft, 1, 2, false), Err("sheets-missing"));
        assert_eq!(close(Draft, 1, 2, true), Ok(Scored));
        assert_eq!(close(Reviewed, 0, 0, true), Err("batch-wrong-state"));
        let finish = |state, all, settled| decide_finish(state, all, settled).map_err(|r| r.code());
        assert_eq!(finish(Scored, 3, 3), Ok(Reviewed));
        assert_eq!(finish(Scored, 3, 2), Err("not-all-settled"));
        assert_eq!(finish(Draft, 3, 3), Err("batch-wrong-state"));
    }

    #[test]
    fn the_yearly_cap() {
        let scheme = shipped();
        assert_eq!(creditable(&scheme, 90, 0), 90);
        assert_eq!(creditable(&scheme, 90, 1150), 50);
        assert_eq!(creditable(&scheme, 90, 1300), 0);
    }
}
