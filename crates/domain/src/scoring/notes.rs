//! Patterns worth a second look, shown to the village first. They say what was seen, rank nobody
//! and decide nothing.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Scorer, Scores, compute};
use crate::scheme::Scheme;
use crate::{Id, Millis};

/// A scorer's sheets must be at least so many before their likeness says anything.
const ENOUGH: usize = 5;
/// All totals within so many points of each other.
const CLOSE_POINTS: i64 = 3;
/// A sheet opened and saved within so long was hardly a visit.
const QUICK_MILLIS: Millis = 60_000;
/// A household's total that moved by more than this since last month.
const JUMP_POINTS: i64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    AllFullMarks,
    AllClose,
    NoVisitDate,
    UnderOneMinute,
    Jump,
}

impl Pattern {
    pub fn code(self) -> &'static str {
        match self {
            Pattern::AllFullMarks => "all-full-marks",
            Pattern::AllClose => "all-close",
            Pattern::NoVisitDate => "no-visit-date",
            Pattern::UnderOneMinute => "under-one-minute",
            Pattern::Jump => "jump",
        }
    }
}

/// A sheet as the patterns look at it.
#[derive(Clone, Debug)]
pub struct SheetLook {
    pub household: Id,
    pub able_to_work: bool,
    pub scorer: Scorer,
    pub person: Id,
    pub scores: Scores,
    pub visited_on: Option<Date>,
    pub opened_at: Option<Millis>,
    pub at: Millis,
    /// The household's settled total of the month before.
    pub last_month: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub pattern: Pattern,
    pub person: Id,
    pub scorer: Scorer,
    /// The households it was seen at.
    pub households: Vec<Id>,
    /// Out of so many sheets of this person.
    pub of: usize,
}

/// Everything seen in one batch, by scorer.
pub fn notes(scheme: &Scheme, sheets: &[SheetLook]) -> Vec<Note> {
    type Totalled<'a> = (&'a SheetLook, Option<i64>);
    let mut by_scorer: BTreeMap<(Scorer, Id), Vec<Totalled<'_>>> = BTreeMap::new();
    for sheet in sheets {
        let total = compute(scheme, &sheet.scores, sheet.able_to_work).ok().map(|m| m.total);
        by_scorer.entry((sheet.scorer, sheet.person)).or_default().push((sheet, total));
    }
    let mut notes = Vec::new();
    for ((scorer, person), sheets) in by_scorer {
        let mut seen = |pattern, households: Vec<Id>| {
            if !households.is_empty() {
                notes.push(Note { pattern, person, scorer, households, of: sheets.len() });
            }
        };
        let those = |holds: &dyn Fn(&SheetLook, Option<i64>) -> bool| -> Vec<Id> {
            sheets.iter().filter(|(s, t)| holds(s, *t)).map(|(s, _)| s.household).collect()
        };
        let totals = sheets.iter().filter_map(|(_, total)| *total);
        let (low, high) = (totals.clone().min(), totals.clone().max());
        if totals.count() >= ENOUGH
            && let (Some(low), Some(high)) = (low, high)
        {
            if low == scheme.monthly_max {
                seen(Pattern::AllFullMarks, those(&|_, total| total.is_some()));
            } else if high - low <= CLOSE_POINTS {
                seen(Pattern::AllClose, those(&|_, total| total.is_some()));
            }
        }
        seen(Pattern::NoVisitDate, those(&|s, _| s.visited_on.is_none()));
        seen(
            Pattern::UnderOneMinute,
            those(&|s, _| s.opened_at.is_some_and(|opened| s.at - opened < QUICK_MILLIS)),
        );
        seen(
            Pattern::Jump,
            those(&|s, total| {
                let moved = total.zip(s.last_month).map_or(0, |(now, then)| (now - then).abs());
                moved > JUMP_POINTS
            }),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::change;
    use super::*;
    use crate::scheme::tests::shipped;
    use jiff::civil::date;

    fn look(household: u128, changes: &str) -> SheetLook {
        SheetLook {
            household: Id::from_u128(household),
            able_to_work: true,
            scorer: Scorer::AssistanceOfficer,
            person: Id::from_u128(1),
            scores: change(changes),
            visited_on: Some(date(2026, 11, 3)),
            opened_at: Some(0),
            at: 90_000,
            last_month: Some(95),
        }
    }

    fn said(sheets: &[SheetLook]) -> String {
        notes(&shipped(), sheets)
            .iter()
            .map(|n| format!("{} {}/{}", n.pattern.code(), n.households.len(), n.of))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn what_is_pointed_out() {
        let sheets = |changes: [&str; 5]| -> Vec<SheetLook> {
            (1u128..).zip(changes).map(|(n, c)| look(n, c)).collect()
        };
        let mixed = ["", "A1 0", "B1 4", "C1 3", "D1 0;E1 5"];
        assert_eq!(said(&sheets(mixed)), "");
        assert_eq!(said(&sheets([""; 5])), "all-full-marks 5/5");
        assert_eq!(said(&sheets([""; 5])[..4]), "", "four households are too few to say");
        assert_eq!(said(&sheets(["", "A1 5", "", "A1 5", "A1 5"])), "all-close 5/5");

        let mut odd = sheets(mixed);
        odd[0].visited_on = None;
        odd[1].opened_at = Some(60_000);
        odd[2].opened_at = None;
        odd[3].last_month = Some(60);
        odd[4].last_month = None;
        assert_eq!(said(&odd), "no-visit-date 1/5, under-one-minute 1/5, jump 1/5");

        let mut two = sheets([""; 5]);
        two[4].person = Id::from_u128(2);
        assert_eq!(said(&two), "", "each scorer for himself");
    }
}
