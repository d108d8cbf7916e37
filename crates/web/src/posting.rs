//! The pages of the posting room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
