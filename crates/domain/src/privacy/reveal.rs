//! Seeing one sealed value: what it is, and the reason that goes into the log.

use crate::{Arg, Id};

/// A value that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Phone,
    BankName,
    BankAccount,
    Income,
    PovertyCause,
    /// Of a member.
    CitizenNumber(Id),
    Health(Id),
    /// Of an objection.
    ByName,
    Contact,
}

impl What {
    /// As forms and the API say it: `phone`, `citizen_number:<member>`.
    pub fn parse(text: &str) -> Option<What> {
        let (field, member) = text.split_once(':').unwrap_or((text, ""));
        Some(match (field, member) {
            ("phone", "") => What::Phone,
            ("bank_name", "") => What::BankName,
            ("bank_account", "") => What::BankAccount,
            ("income_fen", "") => What::Income,
            ("poverty_cause", "") => What::PovertyCause,
            ("by_name", "") => What::ByName,
            ("contact", "") => What::Contact,
            ("citizen_number", member) => What::CitizenNumber(member.parse().ok()?),
            ("health", member) => What::Health(member.parse().ok()?),
            _ => return None,
        })
    }

    /// The column.
    pub fn field(self) -> &'static str {
        match self {
            What::Phone => "phone",
            What::BankName => "bank_name",
            What::BankAccount => "bank_account",
            What::Income => "income_fen",
            What::PovertyCause => "poverty_cause",
            What::CitizenNumber(_) => "citizen_number",
            What::Health(_) => "health",
            What::ByName => "by_name",
            What::Contact => "contact",
        }
    }

    /// As the log names it.
    pub fn word(self) -> &'static str {
        if self == What::Income { "income" } else { self.field() }
    }

    pub fn member(self) -> Option<Id> {
        match self {
            What::CitizenNumber(member) | What::Health(member) => Some(member),
            _ => None,
        }
    }

    /// Does it belong to an objection, and not to a household?
    pub fn is_of_objection(self) -> bool {
        matches!(self, What::ByName | What::Contact)
    }
}

/// Why somebody looks. The list is short; what it is about is said in words beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Visit,
    Payment,
    Correction,
    Relief,
    Objection,
    /// The household asked for it itself.
    Request,
    Other,
}

impl Reason {
    pub const ALL: [Reason; 7] = [
        Reason::Visit,
        Reason::Payment,
        Reason::Correction,
        Reason::Relief,
        Reason::Objection,
        Reason::Request,
        Reason::Other,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Reason::Visit => "visit",
            Reason::Payment => "payment",
            Reason::Correction => "correction",
            Reason::Relief => "relief",
            Reason::Objection => "objection",
            Reason::Request => "request",
            Reason::Other => "other",
        }
    }
    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|r| r.code() == code)
    }
}

pub const WORDS_MIN: usize = 2;
pub const WORDS_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing that can be asked for.
    UnknownField,
    ReasonNeeded,
    WordsNeeded {
        min: usize,
    },
    WordsTooLong {
        max: usize,
    },
    /// The value is not known, so there is nothing to see.
    NothingThere,
    /// What was typed is not a citizen number.
    NotANumber,
    /// Nobody with this number in the areas of the one who asks.
    NobodyFound,
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownField => "reveal-unknown-field",
            Refusal::ReasonNeeded => "reveal-reason-needed",
            Refusal::WordsNeeded { .. } => "reveal-words-needed",
            Refusal::WordsTooLong { .. } => "reveal-words-too-long",
            Refusal::NothingThere => "reveal-nothing-there",
            Refusal::NotANumber => "find-not-a-number",
            Refusal::NobodyFound => "find-nobody",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::WordsNeeded { min } => vec![("min", (*min).into())],
            Refusal::WordsTooLong { max } => vec![("max", (*max).into())],
            _ => Vec::new(),
        }
    }
}

/// A reason that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    pub reason: Reason,
    pub words: String,
}

impl Stated {
    pub fn new(reason: Option<Reason>, words: &str) -> Result<Stated, Refusal> {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = words.chars().count();
        let Some(reason) = reason else { return Err(Refusal::ReasonNeeded) };
        if length < WORDS_MIN {
            return Err(Refusal::WordsNeeded { min: WORDS_MIN });
        }
        if length > WORDS_MAX {
            return Err(Refusal::WordsTooLong { max: WORDS_MAX });
        }
        Ok(Stated { reason, words })
    }

    /// As it stands in the log.
    pub fn line(&self) -> String {
        format!("{}: {}", self.reason.code(), self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked_for() {
        let member = Id::from_u128(7);
        assert_eq!(What::parse("phone"), Some(What::Phone));
        assert_eq!(What::parse("phone:x"), None);
        assert_eq!(What::parse("citizen_number"), None);
        assert_eq!(What::parse(&format!("health:{member}")), Some(What::Health(member)));
        assert_eq!(What::parse("password"), None);
        assert_eq!(What::parse(""), None);
    }

    #[test]
    fn a_reason_is_chosen_and_said() {
        let state = |reason, words: &str| Stated::new(reason, words).map(|s| s.words);
        assert_eq!(state(None, "上门核对"), Err(Refusal::ReasonNeeded));
        assert_eq!(state(Some(Reason::Visit), " 核 "), Err(Refusal::WordsNeeded { min: 2 }));
        assert_eq!(state(Some(Reason::Visit), " 上门\n核对 "), Ok("上门 核对".to_owned()));
        let long = "长".repeat(201);
        assert_eq!(state(Some(Reason::Other), &long), Err(Refusal::WordsTooLong { max: 200 }));
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
    }
}
