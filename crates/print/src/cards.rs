//! Points cards 积分卡, ten to a sheet, and a village's or a zone's cards in parts.

use app::reports::papers::CardFace;
use serde_json::{Value, json};

use crate::press::{Fault, Paper, paper};
use crate::qr;

/// Cards set at a time: fifty sheets.
pub const CARDS_PER_PART: usize = 500;

/// At most [`CARDS_PER_PART`] cards as one paper.
pub fn cards(zone: &str, faces: &[CardFace]) -> Paper {
    let cards: Vec<Value> = faces.iter().map(card).collect();
    paper!("cards", json!({ "zone": zone, "cards": cards }))
}

/// However many cards, in parts that are set one after another; `done` hears how many are.
pub fn each_part(
    zone: &str,
    faces: &[CardFace],
    mut done: impl FnMut(usize),
) -> Result<Vec<Vec<u8>>, Fault> {
    let mut parts = Vec::with_capacity(faces.len().div_ceil(CARDS_PER_PART));
    let mut count = 0;
    for some in faces.chunks(CARDS_PER_PART) {
        parts.push(cards(zone, some).pdf()?);
        count += some.len();
        done(count);
    }
    Ok(parts)
}

fn card(face: &CardFace) -> Value {
    json!({
        "name": face.name,
        "village": face.village,
        "code": face.code.printed(),
        "qr": qr::svg(&face.code.to_string()),
    })
}
