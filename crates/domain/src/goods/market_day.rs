//! The day the travelling store comes to a village.

use jiff::civil::Date;

use crate::audit::Digest;
use crate::{Arg, Id, Millis};

/// A village hears of a market day this many days ahead; less is allowed, with a warning.
pub const NOTICE_DAYS: i32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketDay {
    pub id: Id,
    pub place: Id,
    pub village: Id,
    /// The village's place in the management tree.
    pub path: String,
    pub on_date: Date,
    /// Where in the village the truck stands.
    pub spot: String,
    pub person: Id,
    pub announced_at: Millis,
}

impl MarketDay {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("market_day")
            .id(self.id)
            .id(self.place)
            .id(self.village)
            .text(&self.path)
            .date(self.on_date)
            .text(&self.spot)
            .id(self.person)
            .number(self.announced_at)
            .finish()
    }
}

#[derive(Clone, Debug)]
pub struct MarketDayFacts {
    pub today: Date,
    /// Is there already one for this store in this village on this day?
    pub announced: bool,
    /// Is the village inside the store's area?
    pub village_served: bool,
}

pub type MarketDayRequest = MarketDay;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub market_day: MarketDay,
    /// Days of notice, where they are fewer than they should be.
    pub short_notice: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketDayRefusal {
    InThePast { today: Date },
    SpotMissing,
    AlreadyAnnounced,
    VillageNotServed,
}

impl crate::Refusal for MarketDayRefusal {
    fn code(&self) -> &'static str {
        match self {
            MarketDayRefusal::InThePast { .. } => "market-day-in-the-past",
            MarketDayRefusal::SpotMissing => "market-day-spot-missing",
            MarketDayRefusal::AlreadyAnnounced => "market-day-already-announced",
            MarketDayRefusal::VillageNotServed => "market-day-village-not-served",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match *self {
            MarketDayRefusal::InThePast { today } => vec![("today", today.into())],
            _ => Vec::new(),
        }
    }
}

pub fn decide_market_day(
    facts: &MarketDayFacts,
    request: MarketDayRequest,
) -> Result<Announcement, MarketDayRefusal> {
    if request.on_date < facts.today {
        return Err(MarketDayRefusal::InThePast { today: facts.today });
    }
    if request.spot.trim().is_empty() {
        return Err(MarketDayRefusal::SpotMissing);
    }
    if !facts.village_served {
        return Err(MarketDayRefusal::VillageNotServed);
    }
    if facts.announced {
        return Err(MarketDayRefusal::AlreadyAnnounced);
    }
    let notice = (request.on_date - facts.today).get_days();
    let short_notice = (notice < NOTICE_DAYS).then_some(notice);
    Ok(Announcement { market_day: request, short_notice })
}
