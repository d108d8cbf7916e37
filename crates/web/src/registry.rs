//! The pages of the registry room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
