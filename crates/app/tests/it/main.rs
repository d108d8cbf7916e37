//! The stories: a life in plain lines, told on SQLite and on PostgreSQL.

mod book;
mod posting;
mod redemption;
mod registry;
mod rounds;
mod schemes;
mod scoring;
mod verify;
mod village;
