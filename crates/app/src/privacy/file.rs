//! One household's complete file: every fact that is held about it, for the household itself
//! (PIPL, article 45) and for nobody without a reason.

use domain::Id;
use domain::access::Permission;
use domain::privacy::{Reason, Refusal, Stated};
use domain::redemption::Card;
use store::Tx;
use store::privacy::{Bonus, Goods, Hung, Moved, Objected, Scored, Settled, Stood};
use store::reports::LogLine;

use crate::audit;
use crate::registry::HouseholdCard;
use crate::{Failure, Who};

pub struct FileOf {
    pub household: Id,
    pub reason: Option<Reason>,
    pub words: String,
    /// Sealed values in clear, for the household's own hands.
    pub in_clear: bool,
}

pub struct File {
    /// Masked, unless asked for in clear.
    pub card: HouseholdCard,
    pub in_clear: bool,
    pub stated: Stated,
    pub stood: Vec<Stood>,
    pub sheets: Vec<Scored>,
    pub settlements: Vec<Settled>,
    pub hung: Vec<Hung>,
    pub moved: Vec<Moved>,
    pub balance: i64,
    pub goods: Vec<Goods>,
    pub bonuses: Vec<Bonus>,
    pub objections: Vec<Objected>,
    pub cards: Vec<Card>,
    /// Who has seen it, this look among them.
    pub seen: Vec<LogLine>,
}

/// Lines of the log on it at most, newest first.
const SEEN_MAX: i64 = 1_000;

pub fn file(tx: &mut Tx, who: &Who, r: &FileOf) -> Result<File, Failure<Refusal>> {
    let id = r.household;
    who.must(Permission::Reveal)?;
    let scope = who.scope(Permission::Reveal);
    if !store::access::covers(tx, &scope, store::access::Resource::Household, id)? {
        return Err(Failure::NotFound);
    }
    let mut card = crate::registry::household(tx, who, id).map_err(|f| f.map(|n| match n {}))?;
    let stated = Stated::new(r.reason, &r.words).map_err(Failure::Refused)?;
    let what = if r.in_clear { "household_file_in_clear" } else { "household_file" };
    audit::revealed(tx, who, id, what, &stated.line())?;
    if r.in_clear {
        card.household = store::registry::find(tx, id)?.ok_or(Failure::NotFound)?.household;
        card.members = store::registry::members(tx, id)?;
        card.hidden.clear();
    }
    Ok(File {
        in_clear: r.in_clear,
        stated,
        stood: store::privacy::stood(tx, id)?,
        sheets: store::privacy::sheets(tx, id)?,
        settlements: store::privacy::settlements(tx, id)?,
        hung: store::privacy::hung(tx, id)?,
        moved: store::privacy::moved(tx, id)?,
        balance: store::points::household_balance(tx, id)?,
        goods: store::privacy::goods(tx, id)?,
        bonuses: store::privacy::bonuses(tx, id)?,
        objections: store::privacy::objections(tx, id)?,
        cards: store::redemption::cards(tx, id)?,
        seen: store::reports::seen(tx, id, &card.household.path, SEEN_MAX)?,
        card,
    })
}
