//! The points card: a short code and nothing else. Who it belongs to stands in the register.

use std::fmt;

use crate::audit::Digest;
use crate::{Id, Millis};

/// Digits and letters that are not taken for one another (Crockford's base 32).
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;

/// Eleven characters of chance and a check character that finds every single mistyped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code([u8; LENGTH]);

impl Code {
    /// `random` comes from the edge; 55 of its bits are used.
    pub fn new(random: u64) -> Code {
        let mut values = [0; LENGTH];
        for (index, value) in values[..LENGTH - 1].iter_mut().enumerate() {
            *value = (random >> (5 * index) & 31) as u8;
        }
        values[LENGTH - 1] = check(&values[..LENGTH - 1]);
        Code(values)
    }

    /// Reads what was typed or scanned: case, spaces and dashes do not matter, O is 0, I and L are 1.
    /// `None` if it cannot be a card's code.
    pub fn parse(text: &str) -> Option<Code> {
        let mut values = Vec::with_capacity(LENGTH);
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let value = ALPHABET.iter().position(|a| char::from(*a) == c)?;
            values.push(u8::try_from(value).ok()?);
        }
        let values: [u8; LENGTH] = values.try_into().ok()?;
        (check(&values[..LENGTH - 1]) == values[LENGTH - 1]).then_some(Code(values))
    }

    /// In groups of four, as it is printed.
    pub fn printed(&self) -> String {
        let code = self.to_string();
        format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..])
    }
}

/// As it is stored and as the QR code carries it.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|v| write!(f, "{}", char::from(ALPHABET[usize::from(*v)])))
    }
}

/// The hybrid system of ISO 7064 with modulus 32.
fn check(values: &[u8]) -> u8 {
    let product = values.iter().fold(32u8, |product, value| {
        let sum = (product + value) % 32;
        let sum = if sum == 0 { 32 } else { sum };
        sum * 2 % 33
    });
    (33 - product) % 32
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub id: Id,
    pub household: Id,
    pub code: String,
    pub issued_at: Millis,
    pub issued_by: Id,
    pub frozen_at: Option<Millis>,
    pub frozen_reason: Option<String>,
}

impl Card {
    pub fn is_frozen(&self) -> bool {
        self.frozen_at.is_some()
    }
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("card")
            .id(self.id)
            .id(self.household)
            .text(&self.code)
            .number(self.issued_at)
            .id(self.issued_by)
            .opt_number(self.frozen_at)
            .opt_text(self.frozen_reason.as_deref())
            .finish()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct IssueFacts {
    pub household_active: bool,
    /// Does the household hold a card that is not frozen?
    pub has_card: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardRefusal {
    HouseholdInactive,
    AlreadyHasCard,
    ReasonMissing,
    AlreadyFrozen,
}

impl crate::Refusal for CardRefusal {
    fn code(&self) -> &'static str {
        match self {
            CardRefusal::HouseholdInactive => "card-household-inactive",
            CardRefusal::AlreadyHasCard => "card-already-has-card",
            CardRefusal::ReasonMissing => "card-reason-missing",
            CardRefusal::AlreadyFrozen => "card-already-frozen",
        }
    }
}

/// One living card a household: the old one is frozen before a new one is issued.
pub fn decide_issue(facts: IssueFacts) -> Result<(), CardRefusal> {
    if !facts.household_active {
        return Err(CardRefusal::HouseholdInactive);
    }
    if facts.has_card {
        return Err(CardRefusal::AlreadyHasCard);
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeRequest {
    pub card: Id,
    pub reason: String,
    pub at: Millis,
}

/// A frozen card stays frozen; who finds it again gets a new one.
pub fn decide_freeze(card: &Card, request: &FreezeRequest) -> Result<Card, CardRefusal> {
    let reason = request.reason.trim();
    if reason.is_empty() {
        return Err(CardRefusal::ReasonMissing);
    }
    if card.is_frozen() {
        return Err(CardRefusal::AlreadyFrozen);
    }
    Ok(Card { frozen_at: Some(request.at), frozen_reason: Some(reason.to_owned()), ..card.clone() })
}
