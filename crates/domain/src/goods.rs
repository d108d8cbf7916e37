//! Donated goods: the catalogue, lots with their donor and expiry, stock by place, market days.
//! A good's id is its own unit of account; what is counted is moved by `points` transfers.

mod catalogue;
mod donation;
mod market_day;
mod moving;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use crate::Id;

pub use catalogue::{CatalogueFacts, CatalogueRefusal, Edition, Good, decide_edition};
pub use donation::{
    Donation, DonationDecision, DonationFacts, DonationLine, DonationRefusal, DonationRequest, Lot,
    decide_donation,
};
pub use market_day::{
    Announcement, MarketDay, MarketDayFacts, MarketDayRefusal, MarketDayRequest, NOTICE_DAYS,
    decide_market_day,
};
pub use moving::{
    MoveLine, MoveRequest, MovingFacts, MovingRefusal, WriteOffReason, WriteOffRequest,
    decide_move, decide_write_off,
};

/// More of one good in one movement is taken for a slip of the finger.
pub const QUANTITY_MAX: i64 = 1_000_000;

/// One lot at one place, as far as goods are left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shelf {
    pub goods: Id,
    pub lot: Id,
    pub place: Id,
    pub expires_on: Option<Date>,
    pub left: i64,
}

impl Shelf {
    /// Good through the day that is printed on it.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires_on.is_some_and(|on| on < today)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    pub lot: Id,
    pub quantity: i64,
}

/// Too little that may still be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    pub left: i64,
    /// There, but past its date.
    pub expired: i64,
}

/// Takes `quantity` off the shelves of one good: earliest expiry first, undated last, expired never.
pub fn pick(shelves: &[Shelf], quantity: i64, today: Date) -> Result<Vec<Pick>, Short> {
    let (expired, mut fresh): (Vec<&Shelf>, Vec<&Shelf>) =
        shelves.iter().filter(|s| s.left > 0).partition(|s| s.is_expired(today));
    let left: i64 = fresh.iter().map(|s| s.left).sum();
    if left < quantity {
        return Err(Short { left, expired: expired.iter().map(|s| s.left).sum() });
    }
    fresh.sort_by_key(|s| (s.expires_on.is_none(), s.expires_on, s.lot));

    let mut need = quantity;
    let mut picks = Vec::new();
    for shelf in fresh {
        if need == 0 {
            break;
        }
        let quantity = need.min(shelf.left);
        picks.push(Pick { lot: shelf.lot, quantity });
        need -= quantity;
    }
    Ok(picks)
}
