//! The pages of the registry room.

pub mod words;

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
