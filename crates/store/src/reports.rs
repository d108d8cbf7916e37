//! Numbers counted from all the rooms.

use crate::{Result, Tx, args};

/// The name of the topmost area.
pub fn zone_name(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt("SELECT name FROM area WHERE parent IS NULL ORDER BY path LIMIT 1", &args![], |r| {
        r.text(0)
    })
}
