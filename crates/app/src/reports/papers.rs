//! What is printed: plain data for the papers, each read within a scope. What lies outside is not
//! there. Decides nothing, and knows no paper sizes.

mod goods;
mod household;
mod month;

use domain::Id;
use domain::access::Scope;
use store::Tx;
use store::reports::papers as rows;

use crate::{Failure, Never};

pub use goods::{
    CountLine, Donated, GivenLine, ListLine, MarketList, Offered, StockCount, acknowledgement,
    market_list, stock_count,
};
pub use household::{
    CardFace, Receipt, ReceiptLine, Statement, StatementLine, Whose, Why, card_faces, receipt,
    statement,
};
pub use month::{
    Bulletin, Coverage, Flow, Given, Honour, Leaflet, Notice, Poster, Review, ReviewLine, bulletin,
    first_bulletin, leaflet, notice, poster, review,
};
pub use store::reports::papers::Newest;

type Read<T> = Result<T, Failure<Never>>;

/// The whole zone: what whoever runs the program prints.
pub fn zone(tx: &mut Tx) -> Read<Scope> {
    let path = rows::zone_path(tx)?.ok_or(Failure::NotFound)?;
    Ok(Scope { person: Id::nil(), paths: vec![path], assigned: false })
}

/// The month of the newest certified batch.
pub fn newest_month(tx: &mut Tx) -> Read<domain::calendar::Month> {
    let batch = newest(tx, Newest::Certified)?;
    Ok(store::posting::batch(tx, batch)?.ok_or(Failure::NotFound)?.month)
}

/// What of a kind was written down last, for whoever names none.
pub fn newest(tx: &mut Tx, what: Newest) -> Read<Id> {
    rows::newest(tx, what)?.ok_or(Failure::NotFound)
}

/// The household with a number in the register.
pub fn household_numbered(tx: &mut Tx, scope: &Scope, number: &str) -> Read<Id> {
    rows::household_by_number(tx, scope, number)?.ok_or(Failure::NotFound)
}

/// The receipt with a number.
pub fn receipt_numbered(tx: &mut Tx, number: &str) -> Read<Id> {
    rows::receipt_numbered(tx, number)?.ok_or(Failure::NotFound)
}

/// The one village of that name; none where several share it.
pub fn village_named(tx: &mut Tx, scope: &Scope, name: &str) -> Read<Id> {
    match rows::villages_named(tx, scope, name)?.as_slice() {
        [(id, _)] => Ok(*id),
        _ => Err(Failure::NotFound),
    }
}

/// The path of that village.
pub fn village_path(tx: &mut Tx, scope: &Scope, name: &str) -> Read<String> {
    match rows::villages_named(tx, scope, name)?.as_slice() {
        [(_, path)] => Ok(path.clone()),
        _ => Err(Failure::NotFound),
    }
}

/// A village's batch of a month.
pub fn batch_of(tx: &mut Tx, village: Id, month: domain::calendar::Month) -> Read<Id> {
    rows::batch_of(tx, village, month)?.ok_or(Failure::NotFound)
}

pub fn zone_name(tx: &mut Tx) -> Read<String> {
    Ok(store::reports::zone_name(tx)?.unwrap_or_default())
}

fn covered<T>(is_covered: bool, found: T) -> Read<T> {
    if is_covered { Ok(found) } else { Err(Failure::NotFound) }
}
