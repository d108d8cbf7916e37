//! One household, whole: what the register says, its months, its points, its card.

use domain::Id;
use domain::access::Permission;
use domain::redemption::Card;
use store::Tx;
use store::reports::HouseholdMonth;

use crate::registry::HouseholdCard;
use crate::{Failure, Never, Who};

const MONTHS_MAX: i64 = 24;

pub struct HouseholdPage {
    pub card: HouseholdCard,
    pub months: Vec<HouseholdMonth>,
    /// Points to spend.
    pub balance: i64,
    /// The card in use, or the newest frozen one.
    pub points_card: Option<Card>,
    pub may_declare: bool,
    pub may_cards: bool,
    /// May see what is masked, with a reason.
    pub may_reveal: bool,
}

pub fn household(tx: &mut Tx, who: &Who, id: Id) -> Result<HouseholdPage, Failure<Never>> {
    let card = crate::registry::household(tx, who, id)?;
    let path = &card.household.path;
    let revealing = who.scope(Permission::Reveal);
    let may_reveal = store::access::covers(tx, &revealing, store::access::Resource::Household, id)?;
    let cards = store::redemption::cards(tx, id)?;
    let in_use = cards.iter().find(|c| !c.is_frozen()).or(cards.first()).cloned();
    Ok(HouseholdPage {
        months: store::reports::household_months(tx, id, MONTHS_MAX)?,
        balance: store::points::household_balance(tx, id)?,
        points_card: in_use,
        may_declare: who.scope(Permission::Review).covers(path),
        may_reveal,
        may_cards: who.scope(Permission::ManageCards).covers(path),
        card,
    })
}
