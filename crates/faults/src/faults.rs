//! The faults, one file each.

mod bits;
mod blocks;
mod clock;
mod drill;
pub mod fuzz;
mod io;
mod kill;
mod postgres;
mod power;
mod scarce;
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
    &io::WALKS[0],
    &io::WALKS[1],
    &io::WALKS[2],
    &io::WALKS[3],
    &io::WALKS[4],
    &io::WALKS[5],
    &io::WALKS[6],
    &io::WALKS[7],
    &io::WALKS[8],
    &io::WALKS[9],
    &io::WALKS[10],
    &io::WALKS[11],
    &io::WALKS[12],
    &io::WALKS[13],
    &postgres::BACKEND,
    &postgres::POSTMASTER,
    &postgres::IMMEDIATE,
    &postgres::FULL,
    &blocks::FULL,
    &blocks::NORMAL,
    &blocks::OFF,
    &power::EXT4,
    &power::XFS,
    &power::NORMAL,
    &power::NORMAL_XFS,
    &power::OFF,
    &drill::Folder,
    &drill::Schema,
    &scarce::FullDisk,
    &scarce::LittleMemory,
    &scarce::FewFiles,
    &scarce::FewPlaces,
    &torn::Torn,
    &torn::Shuffled,
    &torn::ReplyLost,
    &torn::OtherBody,
    &clock::Jumps,
    &bits::Flips,
];
