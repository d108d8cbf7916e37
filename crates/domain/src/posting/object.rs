//! Saying that a row on the wall is not right: by the public page, by telephone, on paper.

use jiff::civil::Date;

use super::Serial;
use crate::audit::Digest;
use crate::calendar::{Calendar, period_end};
use crate::scheme::Period;
use crate::scoring::BatchState;
use crate::{Arg, Id};

/// Longest objection, and longest answer, in characters.
pub const TEXT_MAX: usize = 1000;
/// Longest name or telephone a person leaves, in characters.
pub const CONTACT_MAX: usize = 60;

/// How an objection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Page,
    Phone,
    Paper,
}

impl Channel {
    pub const ALL: [Channel; 3] = [Channel::Page, Channel::Phone, Channel::Paper];
    pub fn code(self) -> &'static str {
        match self {
            Channel::Page => "page",
            Channel::Phone => "phone",
            Channel::Paper => "paper",
        }
    }
    pub fn from_code(code: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.code() == code)
    }
}

/// What became of an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Open,
    Upheld,
    Rejected,
}

impl Standing {
    pub const ALL: [Standing; 3] = [Standing::Open, Standing::Upheld, Standing::Rejected];
    pub fn code(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Upheld => "upheld",
            Standing::Rejected => "rejected",
        }
    }
    pub fn from_code(code: &str) -> Option<Standing> {
        Standing::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What taking an objection depends on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub state: BatchState,
    pub from: Date,
    /// The last full day of the posting.
    pub to: Date,
    pub today: Date,
    /// The rows of this very posting.
    pub serials: Vec<Serial>,
    pub calendar: &'a Calendar,
    /// How long an answer may take.
    pub answer_within: Period,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub channel: Channel,
    /// The row it is about; `None`: the list as a whole.
    pub serial: Option<i64>,
    pub text: String,
    pub by_name: Option<String>,
    pub contact: Option<String>,
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub serial: Option<Serial>,
    pub text: String,
    pub by_name: Option<String>,
    pub contact: Option<String>,
    pub due_on: Date,
}

/// Why an objection is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    NotYetHanging {
        from: Date,
    },
    PeriodOver {
        to: Date,
    },
    BatchClosed {
        state: BatchState,
    },
    RowUnknown {
        serial: i64,
    },
    TextNeeded,
    TextTooLong {
        max: usize,
        length: usize,
    },
    ContactTooLong {
        max: usize,
    },
    /// A citizen number or an account is not needed, and not kept.
    NumberInText {
        digits: usize,
    },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::NotYetHanging { .. } => "objection-not-yet-hanging",
            Refusal::PeriodOver { .. } => "objection-period-over",
            Refusal::BatchClosed { .. } => "objection-batch-closed",
            Refusal::RowUnknown { .. } => "objection-row-unknown",
            Refusal::TextNeeded => "objection-text-needed",
            Refusal::TextTooLong { .. } => "objection-text-too-long",
            Refusal::ContactTooLong { .. } => "objection-contact-too-long",
            Refusal::NumberInText { .. } => "objection-number-in-text",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::NotYetHanging { from } => vec![("from", (*from).into())],
            Refusal::PeriodOver { to } => vec![("to", (*to).into())],
            Refusal::BatchClosed { state } => vec![("state", state.code().into())],
            Refusal::RowUnknown { serial } => vec![("serial", (*serial).into())],
            Refusal::TextNeeded => Vec::new(),
            Refusal::TextTooLong { max, length } => {
                vec![("max", (*max).into()), ("length", (*length).into())]
            }
            Refusal::ContactTooLong { max } => vec![("max", (*max).into())],
            Refusal::NumberInText { digits } => vec![("digits", (*digits).into())],
        }
    }
}

/// Digits in a row from which a text is taken to hold a citizen number or an account.
const DIGITS_TOO_MANY: usize = 15;

pub fn decide(facts: &Facts<'_>, request: &Request) -> Result<Decision, Refusal> {
    if facts.today < facts.from {
        return Err(Refusal::NotYetHanging { from: facts.from });
    }
    if facts.today > facts.to {
        return Err(Refusal::PeriodOver { to: facts.to });
    }
    if facts.state != BatchState::InPublicity {
        return Err(Refusal::BatchClosed { state: facts.state });
    }
    let serial = match request.serial {
        Some(n) => Some(known_row(facts, n).ok_or(Refusal::RowUnknown { serial: n })?),
        None => None,
    };
    let text = request.text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err(Refusal::TextNeeded);
    }
    if length > TEXT_MAX {
        return Err(Refusal::TextTooLong { max: TEXT_MAX, length });
    }
    let digits = super::digit_run_max(text);
    if digits >= DIGITS_TOO_MANY {
        return Err(Refusal::NumberInText { digits });
    }
    let by_name = left(&request.by_name)?;
    let contact = left(&request.contact)?;
    let within = facts.answer_within;
    Ok(Decision {
        serial,
        text: text.to_owned(),
        by_name,
        contact,
        due_on: period_end(facts.calendar, facts.today, within.days, within.kind),
    })
}

fn known_row(facts: &Facts<'_>, n: i64) -> Option<Serial> {
    let serial = Serial::new(u32::try_from(n).ok()?)?;
    facts.serials.contains(&serial).then_some(serial)
}

/// A name or a telephone that a person may leave, or not.
fn left(given: &Option<String>) -> Result<Option<String>, Refusal> {
    let given = given.as_deref().map(str::trim).filter(|s| !s.is_empty());
    match given {
        Some(s) if s.chars().count() > CONTACT_MAX => {
            Err(Refusal::ContactTooLong { max: CONTACT_MAX })
        }
        Some(s) if super::digit_run_max(s) >= DIGITS_TOO_MANY => {
            Err(Refusal::NumberInText { digits: super::digit_run_max(s) })
        }
        s => Ok(s.map(str::to_owned)),
    }
}

/// Letters and digits that cannot be taken for one another on a slip of paper.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code under which the answer can be looked up: ten letters that follow from the record's id
/// and do not give it away.
pub fn lookup_code(objection: Id) -> String {
    let digest = Digest::of("objection code").id(objection).finish();
    let bits = digest.iter().take(7).fold(0u64, |n, b| n << 8 | u64::from(*b));
    (0..10)
        .flat_map(|i| {
            let letter = LETTERS[(bits >> (5 * i) & 31) as usize] as char;
            let dash = (i == 5).then_some('-');
            dash.into_iter().chain([letter])
        })
        .collect()
}

/// A code as somebody typed it: lower case, without the dash, O for 0.
pub fn typed_code(text: &str) -> String {
    let letters: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect();
    match letters.split_at_checked(5) {
        Some((a, b)) if letters.len() == 10 => format!("{a}-{b}"),
        _ => letters,
    }
}
