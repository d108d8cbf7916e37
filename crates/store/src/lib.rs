//! The SQL of Siji, on SQLite and on PostgreSQL. Knows nothing of who asks: no rights, no texts.
//!
//! `Db` runs use cases as plain functions over a `Tx`; everything below the edge is synchronous.
//! Rooms stand in order, as in `domain`.

pub mod backup;
mod bulk;
mod db;
mod dialect;
pub mod doctor;
mod door;
mod listing;
mod migrate;
mod postgres_alone;
mod postgres_pool;
mod row;
mod sealed;
mod sqlite_writer;
mod tx;
pub mod wall;

pub mod access;
pub mod audit;
pub mod calendar;
pub mod goods;
pub mod points;
pub mod posting;
pub mod privacy;
pub mod redemption;
pub mod registry;
pub mod reports;
pub mod scheme;
pub mod scoring;
pub mod verify;

pub use bulk::Type;
pub use db::{Answer, Commits, Db, Fault, Figures, Options, Place};
pub(crate) use listing::Listing;
pub use migrate::FILES as MIGRATIONS;
pub use row::{Row, Val};
pub use seal::Keys;
pub use sealed::{Columns, InUse, SEALED, Turn, forget_key, keys_in_use, renew, sealed_rows};
pub use sqlite_writer::{is_safe as is_sqlite_safe, version as sqlite_version};
pub use tx::{Tx, Within};

/// What went wrong below the rules: ours to mend. Logged once, at the edge.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL: {}", postgres_words(.0))]
    Postgres(#[from] postgres::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A value that does not open, or keys that are not this zone's.
    #[error("{0}")]
    Keys(#[from] seal::Fault),
    /// The database holds something that it cannot hold.
    #[error("{0}")]
    Data(String),
    /// The database does not answer, or has no free place.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// The disk has no room; what was asked for is not done, and reading goes on.
    #[error("the disk is full")]
    Full,
    /// It went away while the work was being made durable: it is done, or it is not. The same key
    /// sent again tells.
    #[error("{0}")]
    Unsure(String),
    #[error("the store is closed")]
    Closed,
}

pub type Result<T> = std::result::Result<T, Broken>;

impl Broken {
    pub fn data(what: impl Into<String>) -> Broken {
        Broken::Data(what.into())
    }

    /// Would the very same work pass if it were done again? (PostgreSQL 40001, 40P01, and 23505
    /// where two transactions counted on from the same last number or opened the same account.)
    pub fn is_transient(&self) -> bool {
        use postgres::error::SqlState;
        match self {
            Broken::Postgres(e) => {
                e.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
                    || e.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED)
                    || e.as_db_error()
                        .and_then(|db| db.constraint())
                        .is_some_and(|name| COUNTED.contains(&name))
            }
            _ => false,
        }
    }

    /// The same once more, for another asker.
    pub(crate) fn again(&self) -> Broken {
        match self {
            Broken::Busy(why) => Broken::Busy(why),
            Broken::Closed => Broken::Closed,
            _ if self.is_full() => Broken::Full,
            _ if self.is_disk_failure() => Broken::Unsure(self.to_string()),
            other => Broken::Data(other.to_string()),
        }
    }

    /// No room left. The engine has undone the work and can go on with the same file.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Broken::Full) || self.sqlite_code() == Some(rusqlite::ErrorCode::DiskFull)
    }

    /// The file could not be read or written, or is not what it was. What the system still holds of
    /// it in memory need not be what is on disk: whoever writes must begin anew from the disk.
    pub(crate) fn is_disk_failure(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
        matches!(self.sqlite_code(), Some(SystemIoFailure | DatabaseCorrupt | NotADatabase))
    }

    fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Broken::Sqlite(e) => e.sqlite_error_code(),
            _ => None,
        }
    }

    /// Did the connection itself go?
    pub fn is_disconnect(&self) -> bool {
        use postgres::error::SqlState;
        match self {
            Broken::Postgres(e) => {
                let is_cut = std::error::Error::source(e).is_some_and(|s| s.is::<std::io::Error>());
                e.is_closed()
                    || is_cut
                    || matches!(
                        e.code(),
                        Some(&SqlState::ADMIN_SHUTDOWN)
                            | Some(&SqlState::CRASH_SHUTDOWN)
                            | Some(&SqlState::CANNOT_CONNECT_NOW)
                    )
            }
            _ => false,
        }
    }
}

/// Unique keys that a transaction derives from what it read, or looked up and found free.
const COUNTED: [&str; 9] = [
    "transfer_seq_key",
    "account_pkey",
    "redemption_receipt_key",
    "audit_log_key",
    "sheet_pkey",
    "sheet_current",
    "audit_seal_pkey",
    "posting_log_pkey",
    "posting_checkpoint_pkey",
];

fn postgres_words(e: &postgres::Error) -> String {
    match e.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => e.to_string(),
    }
}
