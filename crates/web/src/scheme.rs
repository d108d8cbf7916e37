//! The pages of the scheme room.

use crate::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
