//! The stories: a life in plain lines, told on SQLite and on PostgreSQL.

mod posting;
mod redemption;
mod registry;
mod rounds;
mod schemes;
mod scoring;
mod village;
