//! The names that routes can bear: the rows of `policy.csv`, and no others. `row!("room.verb")` is
//! the row of that name; a name without a row does not build.

/// A row of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Row(&'static str);

impl Row {
    pub fn name(self) -> &'static str {
        self.0
    }
}

include!(concat!(env!("OUT_DIR"), "/rows.rs"));
