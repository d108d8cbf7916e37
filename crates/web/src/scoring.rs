//! The pages of the scoring room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
