//! The pages of the goods room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
