//! One officer's households pass to another.

use crate::access::{Post, Role};
use crate::{Arg, Date, Refusal};

#[derive(Debug, PartialEq, Eq)]
pub enum HandOverRefusal {
    SamePerson,
    /// The one who takes over can no longer sign in.
    Disabled,
    /// The one who takes over has no post under which to visit.
    NoPost {
        name: String,
    },
    /// Nothing within the asker's areas is the first one's.
    NothingThere {
        name: String,
    },
}

impl Refusal for HandOverRefusal {
    fn code(&self) -> &'static str {
        match self {
            HandOverRefusal::SamePerson => "hand-over-same-person",
            HandOverRefusal::Disabled => "hand-over-disabled",
            HandOverRefusal::NoPost { .. } => "hand-over-no-post",
            HandOverRefusal::NothingThere { .. } => "hand-over-nothing-there",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            HandOverRefusal::NoPost { name } | HandOverRefusal::NothingThere { name } => {
                vec![("name", name.as_str().into())]
            }
            _ => Vec::new(),
        }
    }
}

/// Who takes over.
pub struct Taker<'a> {
    pub name: &'a str,
    pub is_same: bool,
    pub is_disabled: bool,
    pub posts: &'a [Post],
}

/// What may pass to somebody.
#[derive(Debug, PartialEq, Eq)]
pub struct Passes {
    /// Assigned households, and the cadre's sheets of open months.
    pub as_cadre: bool,
    /// The officer's sheets of open months, in the villages of these paths.
    pub as_officer: Vec<String>,
}

pub fn decide_hand_over(taker: &Taker, today: Date) -> Result<Passes, HandOverRefusal> {
    if taker.is_same {
        return Err(HandOverRefusal::SamePerson);
    }
    if taker.is_disabled {
        return Err(HandOverRefusal::Disabled);
    }
    let held = || taker.posts.iter().filter(|p| p.is_held_on(today));
    let as_officer: Vec<String> = held()
        .filter(|p| p.role == Role::AssistanceOfficer)
        .filter_map(|p| p.path.clone())
        .collect();
    let as_cadre = held().any(|p| p.role == Role::AssignedCadre);
    if as_officer.is_empty() && !as_cadre {
        return Err(HandOverRefusal::NoPost { name: taker.name.to_owned() });
    }
    Ok(Passes { as_cadre, as_officer })
}
