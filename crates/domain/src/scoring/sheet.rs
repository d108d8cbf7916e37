//! One person's sheet for one household: who may give it, when, and who may see the other one.

use jiff::civil::Date;

use super::scores::check;
use super::{BatchState, Refusal, Scorer, Scores};
use crate::Id;
use crate::scheme::Scheme;

/// A household's line on the frozen roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterPlace {
    pub able_to_work: bool,
    pub officer: Option<Id>,
    pub cadre: Option<Id>,
}

impl RosterPlace {
    /// Which sheet this person gives. Who stands as both gives the officer's: two sheets are two
    /// people.
    pub fn scorer(&self, person: Id) -> Option<Scorer> {
        if self.officer == Some(person) {
            Some(Scorer::AssistanceOfficer)
        } else if self.cadre == Some(person) {
            Some(Scorer::AssignedCadre)
        } else {
            None
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct SheetFacts<'a> {
    pub scheme: &'a Scheme,
    pub state: BatchState,
    /// None: the household is not on this batch's roster.
    pub place: Option<RosterPlace>,
    pub visits_from: Date,
    pub visits_to: Date,
    pub today: Date,
}

#[derive(Clone, Copy, Debug)]
pub struct SheetRequest<'a> {
    pub person: Id,
    pub scores: &'a Scores,
    /// None is kept and shows up among the patterns.
    pub visited_on: Option<Date>,
}

/// May this sheet be kept, and as whose? A second sheet by the same scorer takes the place of the
/// first while the batch is a draft.
pub fn decide_sheet(facts: &SheetFacts<'_>, request: &SheetRequest<'_>) -> Result<Scorer, Refusal> {
    let Some(place) = facts.place else {
        return Err(Refusal::NotOnRoster);
    };
    let Some(scorer) = place.scorer(request.person) else {
        return Err(Refusal::NotYourHousehold);
    };
    if facts.state != BatchState::Draft {
        return Err(Refusal::BatchClosed { state: facts.state });
    }
    if let Some(visited_on) = request.visited_on {
        if visited_on > facts.today {
            return Err(Refusal::VisitInFuture { visited_on });
        }
        if visited_on < facts.visits_from || visited_on > facts.visits_to {
            return Err(Refusal::VisitOutsideRound {
                visited_on,
                from: facts.visits_from,
                to: facts.visits_to,
            });
        }
    }
    check(facts.scheme, request.scores, place.able_to_work)?;
    Ok(scorer)
}

/// May somebody who did not give it see a sheet? Not before both are in, while visits go on.
pub fn other_sheet_visible(state: BatchState, officer_in: bool, cadre_in: bool) -> bool {
    state > BatchState::Draft || (officer_in && cadre_in)
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::change;
    use super::*;
    use crate::Refusal as _;
    use crate::scheme::tests::shipped;
    use jiff::civil::date;

    #[test]
    fn who_may_give_which_sheet_when() {
        let scheme = shipped();
        let [officer, cadre, stranger] = [Id::from_u128(1), Id::from_u128(2), Id::from_u128(3)];
        let place = RosterPlace { able_to_work: true, officer: Some(officer), cadre: Some(cadre) };
        let full = change("");
        let facts = SheetFacts {
            scheme: &scheme,
            state: BatchState::Draft,
            place: Some(place),
            visits_from: date(2026, 11, 1),
            visits_to: date(2026, 11, 20),
            today: date(2026, 11, 10),
        };
        let request =
            SheetRequest { person: officer, scores: &full, visited_on: Some(date(2026, 11, 9)) };
        let said =
            |facts: SheetFacts<'_>, request: SheetRequest<'_>| match decide_sheet(&facts, &request)
            {
                Ok(scorer) => scorer.code(),
                Err(no) => no.code(),
            };
        let visited = |day| SheetRequest { visited_on: Some(day), ..request };

        assert_eq!(said(facts, request), "assistance_officer");
        assert_eq!(said(facts, SheetRequest { person: cadre, ..request }), "assigned_cadre");
        assert_eq!(said(facts, SheetRequest { visited_on: None, ..request }), "assistance_officer");
        assert_eq!(said(SheetFacts { place: None, ..facts }, request), "not-on-roster");
        assert_eq!(said(facts, SheetRequest { person: stranger, ..request }), "not-your-household");
        for state in &BatchState::ALL[1..] {
            assert_eq!(said(SheetFacts { state: *state, ..facts }, request), "batch-closed");
        }
        assert_eq!(said(facts, visited(date(2026, 11, 11))), "visit-in-future");
        assert_eq!(said(facts, visited(date(2026, 10, 31))), "visit-outside-round");
        let late = SheetFacts { today: date(2026, 11, 25), ..facts };
        assert_eq!(said(late, visited(date(2026, 11, 21))), "visit-outside-round");
        assert_eq!(said(late, visited(date(2026, 11, 20))), "assistance_officer");
        for (changes, no) in
            [("A1 7", "not-a-band"), ("A1 - away", "na-without-reason"), ("Z9 1", "item-unknown")]
        {
            assert_eq!(said(facts, SheetRequest { scores: &change(changes), ..request }), no);
        }
        let empty = Scores::default();
        assert_eq!(said(facts, SheetRequest { scores: &empty, ..request }), "item-missing");

        let both = RosterPlace { cadre: Some(officer), ..place };
        assert_eq!(both.scorer(officer), Some(Scorer::AssistanceOfficer));
    }

    #[test]
    fn hidden_until_both_are_in() {
        use BatchState::*;
        assert!(!other_sheet_visible(Draft, true, false));
        assert!(!other_sheet_visible(Draft, false, true));
        assert!(other_sheet_visible(Draft, true, true));
        assert!(other_sheet_visible(Scored, true, false));
    }
}
