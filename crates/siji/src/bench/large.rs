//! The large zone that several suites look at: a month certified and credited, a month open.

use super::ground::Ground;
use crate::zone::Zone;

/// Played once.
pub fn zone(ground: &Ground) -> anyhow::Result<Zone> {
    Ok(ground.played("large", ground.households, 2)?.0)
}
