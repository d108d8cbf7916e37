//! Cards: issued, printed, frozen when lost.

use domain::Id;
use domain::access::Permission;
use domain::audit::Digest;
use domain::redemption::{Card, CardRefusal, Code, FreezeRequest};
use store::Tx;
use store::redemption::Customer;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub struct IssueCard {
    pub key: Id,
    pub household: Id,
    /// Chance from the edge; the code is made of it.
    pub random: u64,
}

/// Issues a card; answers its code. Sent again, the code of the first time.
pub fn issue_card(tx: &mut Tx, who: &Who, r: &IssueCard) -> Result<String, Failure<CardRefusal>> {
    let customer = own_customer(tx, who, r.household)?;
    let asked = Digest::of("issue_card").id(r.household);
    if audit::is_repeat(tx, r.key, &asked)? {
        let card = store::redemption::find_card(tx, r.key)?.ok_or(Failure::NotFound)?;
        return Ok(card.code);
    }
    let facts = store::redemption::issue_facts(tx, r.household)?.ok_or(Failure::NotFound)?;
    domain::redemption::decide_issue(facts).map_err(Failure::Refused)?;
    let mut card = Card {
        id: r.key,
        household: r.household,
        code: Code::new(r.random).to_string(),
        issued_at: who.now,
        issued_by: who.person,
        frozen_at: None,
        frozen_reason: None,
    };
    let mut random = r.random;
    while !store::redemption::record_card(tx, &card)? {
        // By chance it is another card's: then the next one.
        random = random.wrapping_add(1);
        card.code = Code::new(random).to_string();
    }
    let c = Command {
        key: r.key,
        verb: "issue_card",
        subject: Some(r.household),
        path: Some(&customer.path),
        asked,
    };
    audit::record_on(tx, who, c.subject, c)?;
    Ok(card.code)
}

pub struct FreezeCard {
    pub key: Id,
    pub card: Id,
    pub reason: String,
}

/// Freezes a lost card; nothing can be had with it from then on.
pub fn freeze_card(tx: &mut Tx, who: &Who, r: &FreezeCard) -> Result<(), Failure<CardRefusal>> {
    let card = store::redemption::find_card(tx, r.card)?.ok_or(Failure::NotFound)?;
    let customer = own_customer(tx, who, card.household)?;
    let asked = Digest::of("freeze_card").id(r.card).text(&r.reason);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(());
    }
    let request = FreezeRequest { card: r.card, reason: r.reason.clone(), at: who.now };
    let frozen = domain::redemption::decide_freeze(&card, &request).map_err(Failure::Refused)?;
    store::redemption::record_frozen(tx, &frozen)?;
    let c = Command {
        key: r.key,
        verb: "freeze_card",
        subject: Some(card.household),
        path: Some(&customer.path),
        asked,
    };
    Ok(audit::record_on(tx, who, c.subject, c)?)
}

fn own_customer<R>(tx: &mut Tx, who: &Who, household: Id) -> Result<Customer, Failure<R>> {
    let customer = store::redemption::find_customer(tx, household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::ManageCards, &customer.path)?;
    Ok(customer)
}

/// A household's cards, newest first.
pub struct Cards {
    pub customer: Customer,
    pub cards: Vec<Card>,
}

pub fn cards(tx: &mut Tx, who: &Who, household: Id) -> Result<Cards, Failure<Never>> {
    let customer = own_customer(tx, who, household)?;
    Ok(Cards { customer, cards: store::redemption::cards(tx, household)? })
}

/// The same to take out.
pub fn cards_taken_out(tx: &mut Tx, who: &Who, household: Id) -> Result<Cards, Failure<Never>> {
    let found = cards(tx, who, household)?;
    who.must_cover(Permission::Export, &found.customer.path)?;
    Ok(found)
}
