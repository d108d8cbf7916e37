//! Kinship, declared: a relative neither settles nor answers for the household.

use crate::{Arg, Id, Refusal};

const RELATION_CHARACTERS_MAX: usize = 30;

pub struct Facts {
    /// Is the relative somebody who can act here at all?
    pub person_known: bool,
    pub household_active: bool,
    /// The relation declared before, if any.
    pub declared: Option<String>,
}

pub struct Request {
    pub household: Id,
    pub person: Id,
    pub relation: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub relation: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KinshipRefusal {
    PersonUnknown,
    HouseholdInactive,
    RelationMissing,
    RelationTooLong { characters_max: usize },
    AlreadyDeclared { relation: String },
}

impl Refusal for KinshipRefusal {
    fn code(&self) -> &'static str {
        match self {
            KinshipRefusal::PersonUnknown => "kinship-person-unknown",
            KinshipRefusal::HouseholdInactive => "kinship-household-inactive",
            KinshipRefusal::RelationMissing => "kinship-relation-missing",
            KinshipRefusal::RelationTooLong { .. } => "kinship-relation-too-long",
            KinshipRefusal::AlreadyDeclared { .. } => "kinship-already-declared",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            KinshipRefusal::RelationTooLong { characters_max } => {
                vec![("max", (*characters_max).into())]
            }
            KinshipRefusal::AlreadyDeclared { relation } => {
                vec![("relation", relation.as_str().into())]
            }
            _ => Vec::new(),
        }
    }
}

pub fn decide(facts: &Facts, request: &Request) -> Result<Decision, KinshipRefusal> {
    let relation = super::text::tidy(&request.relation);
    if !facts.person_known {
        return Err(KinshipRefusal::PersonUnknown);
    }
    if !facts.household_active {
        return Err(KinshipRefusal::HouseholdInactive);
    }
    if relation.is_empty() {
        return Err(KinshipRefusal::RelationMissing);
    }
    if relation.chars().count() > RELATION_CHARACTERS_MAX {
        return Err(KinshipRefusal::RelationTooLong { characters_max: RELATION_CHARACTERS_MAX });
    }
    if let Some(relation) = &facts.declared {
        return Err(KinshipRefusal::AlreadyDeclared { relation: relation.clone() });
    }
    Ok(Decision { relation })
}
