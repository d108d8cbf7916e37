//! The pages of the points room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
