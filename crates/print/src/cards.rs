//! Points cards 积分卡, ten to a sheet, and a village's or a zone's cards in parts.

use std::io::Write;

use app::reports::papers::CardFace;
use serde_json::{Value, json};

use crate::join::Joined;
use crate::press::{Fault, Paper, paper};
use crate::qr;

/// Cards set at a time: fifty sheets.
pub const CARDS_PER_PART: usize = 500;

/// At most [`CARDS_PER_PART`] cards as one paper.
pub fn cards(zone: &str, faces: &[CardFace]) -> Paper {
    let cards: Vec<Value> = faces.iter().map(card).collect();
    paper!("cards", json!({ "zone": zone, "cards": cards }))
}

/// However many cards, set in parts that are written as they come; `done` hears how many are. The
/// number of pages.
pub fn all_cards(
    zone: &str,
    faces: &[CardFace],
    out: impl Write,
    mut done: impl FnMut(usize),
) -> Result<usize, Fault> {
    let mut joined = Joined::new(out)?;
    let mut count = 0;
    for some in faces.chunks(CARDS_PER_PART) {
        joined.add(&cards(zone, some).pdf()?)?;
        count += some.len();
        done(count);
    }
    joined.finish()
}

fn card(face: &CardFace) -> Value {
    json!({
        "name": face.name,
        "village": face.village,
        "code": face.code.printed(),
        "qr": qr::svg(&face.code.to_string()),
    })
}
