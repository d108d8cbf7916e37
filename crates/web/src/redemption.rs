//! The pages of the redemption room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
