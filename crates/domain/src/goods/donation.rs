//! Goods come in: who gave them, what and how many, good until when.

use jiff::civil::Date;

use super::QUANTITY_MAX;
use crate::audit::Digest;
use crate::points::{Account, Amount, Cause, CauseKind, Transfer};
use crate::{Arg, Id, Millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DonationLine {
    pub lot: Id,
    pub goods: Id,
    pub quantity: i64,
    pub expires_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DonationRequest {
    pub id: Id,
    pub donor: String,
    /// May the donor be named in public?
    pub donor_public: bool,
    pub place: Id,
    pub received_on: Date,
    pub money_fen: i64,
    pub note: String,
    pub lines: Vec<DonationLine>,
    pub person: Id,
    pub at: Millis,
}

#[derive(Clone, Debug)]
pub struct DonationFacts {
    /// Goods in force in the catalogue.
    pub goods: Vec<Id>,
    pub today: Date,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Donation {
    pub id: Id,
    pub donor: String,
    pub donor_public: bool,
    pub place: Id,
    pub received_on: Date,
    pub money_fen: i64,
    pub note: String,
    pub person: Id,
    pub at: Millis,
}

impl Donation {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("donation")
            .id(self.id)
            .text(&self.donor)
            .truth(self.donor_public)
            .id(self.place)
            .date(self.received_on)
            .number(self.money_fen)
            .text(&self.note)
            .id(self.person)
            .number(self.at)
            .finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    pub id: Id,
    pub donation: Id,
    pub goods: Id,
    pub quantity: i64,
    pub expires_on: Option<Date>,
}

impl Lot {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("lot")
            .id(self.id)
            .id(self.donation)
            .id(self.goods)
            .number(self.quantity)
            .opt(self.expires_on, Digest::date)
            .finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DonationDecision {
    pub donation: Donation,
    pub lots: Vec<Lot>,
    pub transfers: Vec<Transfer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DonationRefusal {
    DonorMissing,
    NothingGiven,
    MoneyNegative,
    ReceivedInFuture { today: Date },
    GoodUnknown { line: usize },
    QuantityNotPositive { line: usize },
    QuantityTooLarge { line: usize, limit: i64 },
    AlreadyExpired { line: usize, on: Date },
}

impl crate::Refusal for DonationRefusal {
    fn code(&self) -> &'static str {
        match self {
            DonationRefusal::DonorMissing => "donation-donor-missing",
            DonationRefusal::NothingGiven => "donation-nothing-given",
            DonationRefusal::MoneyNegative => "donation-money-negative",
            DonationRefusal::ReceivedInFuture { .. } => "donation-received-in-future",
            DonationRefusal::GoodUnknown { .. } => "donation-good-unknown",
            DonationRefusal::QuantityNotPositive { .. } => "donation-quantity-not-positive",
            DonationRefusal::QuantityTooLarge { .. } => "donation-quantity-too-large",
            DonationRefusal::AlreadyExpired { .. } => "donation-already-expired",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match *self {
            DonationRefusal::ReceivedInFuture { today } => vec![("today", today.into())],
            DonationRefusal::GoodUnknown { line }
            | DonationRefusal::QuantityNotPositive { line } => vec![("line", line.into())],
            DonationRefusal::QuantityTooLarge { line, limit } => {
                vec![("line", line.into()), ("limit", limit.into())]
            }
            DonationRefusal::AlreadyExpired { line, on } => {
                vec![("line", line.into()), ("on", on.into())]
            }
            _ => Vec::new(),
        }
    }
}

/// Lines are counted from 1 in the refusals.
pub fn decide_donation(
    facts: &DonationFacts,
    request: &DonationRequest,
) -> Result<DonationDecision, DonationRefusal> {
    if request.donor.trim().is_empty() {
        return Err(DonationRefusal::DonorMissing);
    }
    if request.money_fen < 0 {
        return Err(DonationRefusal::MoneyNegative);
    }
    if request.lines.is_empty() && request.money_fen == 0 {
        return Err(DonationRefusal::NothingGiven);
    }
    if request.received_on > facts.today {
        return Err(DonationRefusal::ReceivedInFuture { today: facts.today });
    }
    let mut amounts = Vec::with_capacity(request.lines.len());
    for (line, asked) in (1..).zip(&request.lines) {
        if !facts.goods.contains(&asked.goods) {
            return Err(DonationRefusal::GoodUnknown { line });
        }
        if asked.quantity > QUANTITY_MAX {
            return Err(DonationRefusal::QuantityTooLarge { line, limit: QUANTITY_MAX });
        }
        let Ok(amount) = Amount::new(asked.quantity) else {
            return Err(DonationRefusal::QuantityNotPositive { line });
        };
        if let Some(on) = asked.expires_on.filter(|on| *on < request.received_on) {
            return Err(DonationRefusal::AlreadyExpired { line, on });
        }
        amounts.push(amount);
    }

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Donation, id: request.id };
    let transfers = request.lines.iter().zip(amounts).map(|(line, amount)| {
        let from = Account::donated(line.goods);
        let to = Account::stock(line.goods, line.lot, request.place);
        Transfer::posted(cause, from, to, amount, request.received_on, request.at)
    });
    let lots = request.lines.iter().map(|line| Lot {
        id: line.lot,
        donation: request.id,
        goods: line.goods,
        quantity: line.quantity,
        expires_on: line.expires_on,
    });
    Ok(DonationDecision {
        transfers: transfers.collect(),
        lots: lots.collect(),
        donation: Donation {
            id: request.id,
            donor: request.donor.trim().to_owned(),
            donor_public: request.donor_public,
            place: request.place,
            received_on: request.received_on,
            money_fen: request.money_fen,
            note: request.note.trim().to_owned(),
            person: request.person,
            at: request.at,
        },
    })
}
