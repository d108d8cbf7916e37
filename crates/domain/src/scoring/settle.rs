//! How two sheets become one settled month of a household.

use super::{BatchState, Mark, MonthScore, Refusal, Scorer, Scores, Sums, compute};
use crate::Id;
use crate::scheme::Scheme;

/// What the review group says of a household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Assessed(Scores),
    /// No score this month, for a reason.
    NotAssessed,
    /// 当月暂缓认定: only on an effective legal document, after hearing the household.
    Suspended,
}

impl Outcome {
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Assessed(_) => "assessed",
            Outcome::NotAssessed => "not_assessed",
            Outcome::Suspended => "suspended",
        }
    }
}

/// Where the settled marks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    Equal,
    Officer,
    Cadre,
    Mixed,
    Objection,
}

impl Basis {
    pub const ALL: [Basis; 5] =
        [Basis::Equal, Basis::Officer, Basis::Cadre, Basis::Mixed, Basis::Objection];
    pub fn code(self) -> &'static str {
        match self {
            Basis::Equal => "equal",
            Basis::Officer => "officer",
            Basis::Cadre => "cadre",
            Basis::Mixed => "mixed",
            Basis::Objection => "objection",
        }
    }
    pub fn from_code(code: &str) -> Option<Basis> {
        Basis::ALL.into_iter().find(|b| b.code() == code)
    }
}

/// When a household is settled: at the village's review, or again after an objection was upheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    Review,
    Objection,
}

/// A sheet as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSheet {
    pub person: Id,
    pub scores: Scores,
}

#[derive(Clone, Debug)]
pub struct SettleFacts<'a> {
    pub scheme: &'a Scheme,
    pub state: BatchState,
    /// None: the household is not on this batch's roster.
    pub able_to_work: Option<bool>,
    pub officer: Option<KeptSheet>,
    pub cadre: Option<KeptSheet>,
    /// The declared kinship of the person who settles with this household.
    pub relation: Option<String>,
}

impl SettleFacts<'_> {
    fn sheets(&self) -> impl Iterator<Item = (Scorer, &KeptSheet)> {
        let officer = self.officer.as_ref().map(|s| (Scorer::AssistanceOfficer, s));
        officer.into_iter().chain(self.cadre.as_ref().map(|s| (Scorer::AssignedCadre, s)))
    }
}

#[derive(Clone, Debug)]
pub struct SettleRequest {
    pub person: Id,
    pub occasion: Occasion,
    pub outcome: Outcome,
    /// Why one sheet is enough, why a value is neither's; for the other outcomes the reason, or
    /// the number of the document.
    pub note: String,
}

/// A household's month as it will be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub outcome: Outcome,
    pub basis: Basis,
    pub total: i64,
    pub sums: Sums,
    pub note: String,
}

impl Settlement {
    /// The settled marks; empty unless assessed.
    pub fn scores(&self) -> Scores {
        match &self.outcome {
            Outcome::Assessed(scores) => scores.clone(),
            _ => Scores::default(),
        }
    }
}

/// Settles one household. Relatives and the two scorers keep out of it.
pub fn settle(facts: &SettleFacts<'_>, request: &SettleRequest) -> Result<Settlement, Refusal> {
    let needed = match request.occasion {
        Occasion::Review => BatchState::Scored,
        Occasion::Objection => BatchState::InPublicity,
    };
    if facts.state != needed {
        return Err(Refusal::WrongState { is: facts.state, needed });
    }
    let Some(able_to_work) = facts.able_to_work else {
        return Err(Refusal::NotOnRoster);
    };
    if let Some(relation) = &facts.relation {
        return Err(Refusal::Relative { relation: relation.clone() });
    }
    if facts.sheets().any(|(_, sheet)| sheet.person == request.person) {
        return Err(Refusal::OwnSheet);
    }
    let note = request.note.trim().to_owned();
    let objection = (request.occasion == Occasion::Objection).then_some(Basis::Objection);
    let scores = match &request.outcome {
        Outcome::Assessed(scores) => scores,
        Outcome::NotAssessed if note.is_empty() => return Err(Refusal::ReasonMissing),
        Outcome::Suspended if note.is_empty() => return Err(Refusal::DocumentMissing),
        outcome => {
            let basis = objection.unwrap_or(Basis::Mixed);
            let sums = Sums::default();
            return Ok(Settlement { outcome: outcome.clone(), basis, total: 0, sums, note });
        }
    };
    match facts.sheets().count() {
        0 => return Err(Refusal::NoSheet),
        1 if note.is_empty() => return Err(Refusal::OneSheetNeedsNote),
        _ => {}
    }
    let MonthScore { total, sums, .. } = compute(facts.scheme, scores, able_to_work)?;
    if note.is_empty()
        && let Some(item) = own_value(facts, scores)
    {
        return Err(Refusal::OwnValueNeedsNote { item });
    }
    let basis = objection.unwrap_or_else(|| basis_of(facts, scores));
    Ok(Settlement { outcome: request.outcome.clone(), basis, total, sums, note })
}

/// The first item whose mark stands on neither sheet.
fn own_value(facts: &SettleFacts<'_>, scores: &Scores) -> Option<String> {
    let on_a_sheet = |item: &str, mark: &Mark| {
        facts.sheets().any(|(_, sheet)| sheet.scores.get(item) == Some(mark))
    };
    scores.iter().find(|(item, mark)| !on_a_sheet(item, mark)).map(|(item, _)| item.to_owned())
}

fn basis_of(facts: &SettleFacts<'_>, scores: &Scores) -> Basis {
    let from: Vec<_> =
        facts.sheets().filter(|(_, s)| s.scores == *scores).map(|(scorer, _)| scorer).collect();
    match from.as_slice() {
        [] => Basis::Mixed,
        [Scorer::AssistanceOfficer] => Basis::Officer,
        [Scorer::AssignedCadre] => Basis::Cadre,
        _ => Basis::Equal,
    }
}

/// The marks both sheets agree on, if they agree on all of them.
pub fn agrees<'a>(officer: Option<&'a Scores>, cadre: Option<&'a Scores>) -> Option<&'a Scores> {
    officer.filter(|scores| cadre == Some(scores))
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::change;
    use super::*;
    use crate::Refusal as _;
    use crate::scheme::tests::shipped;

    const COMMITTEE: Id = Id::from_u128(9);

    fn kept(person: u128, changes: &str) -> Option<KeptSheet> {
        Some(KeptSheet { person: Id::from_u128(person), scores: change(changes) })
    }

    fn said(facts: &SettleFacts<'_>, request: &SettleRequest) -> String {
        match settle(facts, request) {
            Ok(s) => format!("{} {} {}", s.outcome.word(), s.basis.code(), s.total),
            Err(no) => no.code().to_owned(),
        }
    }

    #[test]
    fn settling_a_household() {
        let scheme = shipped();
        let facts = SettleFacts {
            scheme: &scheme,
            state: BatchState::Scored,
            able_to_work: Some(true),
            officer: kept(1, ""),
            cadre: kept(2, "A1 5;B1 4"),
            relation: None,
        };
        let request = |changes: &str, note: &str| SettleRequest {
            person: COMMITTEE,
            occasion: Occasion::Review,
            outcome: Outcome::Assessed(change(changes)),
            note: note.into(),
        };
        assert_eq!(said(&facts, &request("", "")), "assessed officer 100");
        assert_eq!(said(&facts, &request("A1 5;B1 4", "")), "assessed cadre 91");
        assert_eq!(said(&facts, &request("B1 4", "")), "assessed mixed 94");
        assert_eq!(said(&facts, &request("B1 7", "")), "own-value-needs-note");
        assert_eq!(said(&facts, &request("B1 7", "小组现场复看")), "assessed mixed 97");
        assert_eq!(said(&facts, &request("B1 9", "x")), "not-a-band");

        let equal = SettleFacts { cadre: kept(2, ""), ..facts.clone() };
        assert_eq!(said(&equal, &request("", "")), "assessed equal 100");
        assert_eq!(agrees(Some(&change("")), Some(&change(""))), Some(&change("")));
        assert_eq!(agrees(Some(&change("")), Some(&change("A1 5"))), None);
        assert_eq!(agrees(None, None), None);

        let one = SettleFacts { cadre: None, ..facts.clone() };
        assert_eq!(said(&one, &request("", " ")), "one-sheet-needs-note");
        assert_eq!(said(&one, &request("", "干部出差")), "assessed officer 100");
        let none = SettleFacts { officer: None, ..one.clone() };
        assert_eq!(said(&none, &request("", "x")), "no-sheet");

        let other = |outcome: Outcome, note: &str| SettleRequest {
            outcome,
            note: note.into(),
            ..request("", "")
        };
        assert_eq!(said(&none, &other(Outcome::NotAssessed, "")), "reason-missing");
        assert_eq!(said(&none, &other(Outcome::NotAssessed, "全家外出")), "not_assessed mixed 0");
        assert_eq!(said(&facts, &other(Outcome::Suspended, "")), "document-missing");
        assert_eq!(
            said(&facts, &other(Outcome::Suspended, "东公行罚决字〔2026〕12号")),
            "suspended mixed 0"
        );

        let relative = SettleFacts { relation: Some("兄弟".into()), ..facts.clone() };
        assert_eq!(said(&relative, &request("", "")), "relative");
        let own = SettleRequest { person: Id::from_u128(2), ..request("", "") };
        assert_eq!(said(&facts, &own), "own-sheet");
        let stranger = SettleFacts { able_to_work: None, ..facts.clone() };
        assert_eq!(said(&stranger, &request("", "")), "not-on-roster");
        for state in BatchState::ALL.into_iter().filter(|s| *s != BatchState::Scored) {
            let moved = SettleFacts { state, ..facts.clone() };
            assert_eq!(said(&moved, &request("", "")), "batch-wrong-state");
        }
        let posted = SettleFacts { state: BatchState::InPublicity, ..facts };
        let again = SettleRequest { occasion: Occasion::Objection, ..request("B1 7", "复核") };
        assert_eq!(said(&posted, &again), "assessed objection 97");
    }
}
