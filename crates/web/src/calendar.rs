//! The pages of the calendar room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
