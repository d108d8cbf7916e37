//! Goods change places, or are lost: loading the truck, unloading it, writing off.

use jiff::civil::Date;

use super::{QUANTITY_MAX, Shelf};
use crate::points::{Account, Amount, Cause, CauseKind, Transfer};
use crate::{Arg, Id, Millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveLine {
    pub lot: Id,
    pub quantity: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRequest {
    pub id: Id,
    pub from: Id,
    pub to: Id,
    pub lines: Vec<MoveLine>,
    pub on_date: Date,
    pub at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOffReason {
    Expired,
    Damaged,
}

impl WriteOffReason {
    pub fn code(self) -> &'static str {
        match self {
            WriteOffReason::Expired => "expired",
            WriteOffReason::Damaged => "damaged",
        }
    }
    pub fn from_code(code: &str) -> Option<WriteOffReason> {
        [WriteOffReason::Expired, WriteOffReason::Damaged].into_iter().find(|r| r.code() == code)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOffRequest {
    pub id: Id,
    pub place: Id,
    pub reason: WriteOffReason,
    pub lines: Vec<MoveLine>,
    pub on_date: Date,
    pub at: Millis,
}

/// What stands at the place that the goods leave.
#[derive(Clone, Debug, Default)]
pub struct MovingFacts {
    pub shelves: Vec<Shelf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovingRefusal {
    SamePlace,
    NothingChosen,
    LotNotHere,
    LotTwice,
    QuantityNotPositive,
    NotEnough { left: i64, asked: i64 },
    NotExpired { on: Option<Date> },
}

impl crate::Refusal for MovingRefusal {
    fn code(&self) -> &'static str {
        match self {
            MovingRefusal::SamePlace => "goods-same-place",
            MovingRefusal::NothingChosen => "goods-nothing-chosen",
            MovingRefusal::LotNotHere => "goods-lot-not-here",
            MovingRefusal::LotTwice => "goods-lot-twice",
            MovingRefusal::QuantityNotPositive => "goods-quantity-not-positive",
            MovingRefusal::NotEnough { .. } => "goods-not-enough",
            MovingRefusal::NotExpired { .. } => "goods-not-expired",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match *self {
            MovingRefusal::NotEnough { left, asked } => {
                vec![("left", left.into()), ("asked", asked.into())]
            }
            MovingRefusal::NotExpired { on: Some(on) } => vec![("on", on.into())],
            _ => Vec::new(),
        }
    }
}

pub fn decide_move(
    facts: &MovingFacts,
    request: &MoveRequest,
) -> Result<Vec<Transfer>, MovingRefusal> {
    if request.from == request.to {
        return Err(MovingRefusal::SamePlace);
    }
    let taken = taken(facts, &request.lines)?;

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Move, id: request.id };
    let transfer = |(shelf, amount): (&Shelf, Amount)| {
        let from = Account::stock(shelf.goods, shelf.lot, request.from);
        let to = Account::stock(shelf.goods, shelf.lot, request.to);
        Transfer::posted(cause, from, to, amount, request.on_date, request.at)
    };
    Ok(taken.into_iter().map(transfer).collect())
}

pub fn decide_write_off(
    facts: &MovingFacts,
    request: &WriteOffRequest,
) -> Result<Vec<Transfer>, MovingRefusal> {
    let taken = taken(facts, &request.lines)?;
    if request.reason == WriteOffReason::Expired {
        let fresh = taken.iter().find(|(shelf, _)| !shelf.is_expired(request.on_date));
        if let Some((shelf, _)) = fresh {
            return Err(MovingRefusal::NotExpired { on: shelf.expires_on });
        }
    }

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::WriteOff, id: request.id };
    let transfer = |(shelf, amount): (&Shelf, Amount)| {
        let from = Account::stock(shelf.goods, shelf.lot, request.place);
        let to = Account::written_off(shelf.goods);
        Transfer::posted(cause, from, to, amount, request.on_date, request.at)
    };
    Ok(taken.into_iter().map(transfer).collect())
}

/// The shelves that the lines name, each once and with enough on it.
fn taken<'f>(
    facts: &'f MovingFacts,
    lines: &[MoveLine],
) -> Result<Vec<(&'f Shelf, Amount)>, MovingRefusal> {
    if lines.is_empty() {
        return Err(MovingRefusal::NothingChosen);
    }
    let mut taken: Vec<(&Shelf, Amount)> = Vec::with_capacity(lines.len());
    for line in lines {
        let Some(shelf) = facts.shelves.iter().find(|s| s.lot == line.lot) else {
            return Err(MovingRefusal::LotNotHere);
        };
        if taken.iter().any(|(other, _)| other.lot == line.lot) {
            return Err(MovingRefusal::LotTwice);
        }
        let Ok(amount) = Amount::new(line.quantity) else {
            return Err(MovingRefusal::QuantityNotPositive);
        };
        if line.quantity > shelf.left || line.quantity > QUANTITY_MAX {
            return Err(MovingRefusal::NotEnough { left: shelf.left, asked: line.quantity });
        }
        taken.push((shelf, amount));
    }
    Ok(taken)
}
