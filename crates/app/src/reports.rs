//! Counted from all the rooms; decides nothing.

use store::Tx;

use crate::{Failure, Never};

pub fn zone_name(tx: &mut Tx) -> Result<Option<String>, Failure<Never>> {
    Ok(store::reports::zone_name(tx)?)
}
