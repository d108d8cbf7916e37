//! Rosters, sheets, settlements and where each batch stands. A correction is a new row; of an old
//! one only `current` changes.

mod batches;
mod hand_over;
mod roster;
mod settlements;
mod sheets;
mod visits;

pub use batches::*;
pub use hand_over::*;
pub use roster::*;
pub use settlements::*;
pub use sheets::*;
pub use visits::*;

use domain::calendar::Month;
use domain::scoring::{BatchState, Scorer, Scores};

use crate::{Broken, Result, Row};

fn state(r: &Row, i: usize) -> Result<BatchState> {
    let code = r.text(i)?;
    BatchState::from_code(&code).ok_or_else(|| Broken::data(format!("unknown state {code}")))
}

fn month(r: &Row, i: usize) -> Result<Month> {
    let text = r.text(i)?;
    Month::parse(&text).ok_or_else(|| Broken::data(format!("not a month: {text}")))
}

fn scores(text: &str) -> Result<Scores> {
    Scores::parse(text).map_err(|e| Broken::data(format!("scores {text:?}: {e}")))
}

fn scorer(r: &Row, i: usize) -> Result<Scorer> {
    let code = r.text(i)?;
    Scorer::from_code(&code).ok_or_else(|| Broken::data(format!("unknown scorer {code}")))
}
