//! The faults, one file each.

mod bits;
mod clock;
mod kill;
mod torn;

use crate::kit::{Kit, Need, Tier};
use crate::table::Row;

pub trait Fault: Sync {
    fn name(&self) -> &'static str;
    /// What must be on the machine; without it the closing table says so by name.
    fn needs(&self) -> &'static [Need] {
        &[]
    }
    /// How often it is to fire. Nought: not in this tier.
    fn times(&self, tier: Tier) -> usize;
    /// A sabotage, which must lose or break something.
    fn must_be_red(&self) -> bool {
        false
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row>;
}

/// The longest first, so that the lanes end together.
pub const FAULTS: &[&dyn Fault] = &[
    &kill::Kill,
    &torn::Torn,
    &torn::Shuffled,
    &torn::ReplyLost,
    &torn::OtherBody,
    &clock::Jumps,
    &bits::Flips,
];
