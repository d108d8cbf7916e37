//! Workbooks and comma-separated files, in and out. Knows nothing of what stands in them.
//!
//! Reading happens in a worker process with limits of its own, because a small file can be made
//! that fells whoever reads it: see [`read`] and [`worker`]. Writing streams: see [`write`].

mod frame;
pub mod mark;
pub mod read;
pub mod source;
pub mod worker;
pub mod write;

pub use frame::Cell;
pub use read::{Event, ReadError, read};

/// What a file may hold at most.
pub const BYTES_MAX: u64 = 64 << 20;
pub const SHEETS_MAX: usize = 20;
pub const ROWS_MAX: u32 = 300_000;
pub const COLUMNS_MAX: u32 = 256;
pub const CELL_CHARACTERS_MAX: usize = 32_767;
