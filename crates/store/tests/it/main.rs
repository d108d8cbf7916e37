//! The store on both engines.

mod engines;
mod schema;
