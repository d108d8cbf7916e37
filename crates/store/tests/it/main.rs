//! The store on both engines.

mod engines;
mod points;
mod schema;
