//! Patterns worth a second look, shown to the village first. They say what was seen, rank nobody
//! and decide nothing.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Scorer;
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
    pub scorer: Scorer,
    pub person: Id,
    /// What it adds up to; none with too few items assessed.
    pub total: Option<i64>,
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

/// Everything seen in one batch, by scorer. `full`: the scheme's monthly maximum.
pub fn notes(full: i64, sheets: &[SheetLook]) -> Vec<Note> {
    let mut by_scorer: BTreeMap<(Scorer, Id), Vec<&SheetLook>> = BTreeMap::new();
    for sheet in sheets {
        by_scorer.entry((sheet.scorer, sheet.person)).or_default().push(sheet);
    }
    let mut notes = Vec::new();
    for ((scorer, person), sheets) in by_scorer {
        let mut seen = |pattern, holds: &dyn Fn(&SheetLook) -> bool| {
            let households: Vec<Id> =
                sheets.iter().filter(|s| holds(s)).map(|s| s.household).collect();
            if !households.is_empty() {
                notes.push(Note { pattern, person, scorer, households, of: sheets.len() });
            }
        };
        let totals: Vec<i64> = sheets.iter().filter_map(|s| s.total).collect();
        if let (true, Some(low), Some(high)) =
            (totals.len() >= ENOUGH, totals.iter().min(), totals.iter().max())
        {
            if *low == full {
                seen(Pattern::AllFullMarks, &|s| s.total.is_some());
            } else if high - low <= CLOSE_POINTS {
                seen(Pattern::AllClose, &|s| s.total.is_some());
            }
        }
        seen(Pattern::NoVisitDate, &|s| s.visited_on.is_none());
        seen(Pattern::UnderOneMinute, &|s| s.opened_at.is_some_and(|o| s.at - o < QUICK_MILLIS));
        seen(Pattern::Jump, &|s| {
            s.total.zip(s.last_month).is_some_and(|(now, then)| (now - then).abs() > JUMP_POINTS)
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::change;
    use super::*;
    use crate::scheme::tests::shipped;
    use crate::scoring::compute;
    use jiff::civil::date;

    fn look(household: u128, changes: &str) -> SheetLook {
        SheetLook {
            household: Id::from_u128(household),
            scorer: Scorer::AssistanceOfficer,
            person: Id::from_u128(1),
            total: compute(&shipped(), &change(changes), true).ok().map(|m| m.total),
            visited_on: Some(date(2026, 11, 3)),
            opened_at: Some(0),
            at: 90_000,
            last_month: Some(95),
        }
    }

    fn said(sheets: &[SheetLook]) -> String {
        notes(100, sheets)
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
