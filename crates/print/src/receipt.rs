//! The receipt 兑换单: A6, or the roll of a small printer, 80 mm wide.

use app::reports::papers::{Receipt, ReceiptLine};
use serde_json::{Value, json};

use crate::press::{Paper, paper};
use crate::qr;

/// What a receipt is printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    A6,
    Mm80,
}

pub fn receipt(r: &Receipt, on: Roll) -> Paper {
    let data = json!({
        "roll": on == Roll::Mm80,
        "zone": r.zone,
        "number": r.number,
        "on-date": r.on_date.to_string(),
        "household": r.household,
        "name": r.name,
        "village": r.village,
        "place": r.place,
        "spot": r.spot,
        "keeper": r.keeper,
        "code": r.code.map(|code| code.printed()),
        "proxy": r.proxy.as_ref().map(|(name, relation)| format!("{name} · {relation}")),
        "lines": r.lines.iter().map(line).collect::<Vec<_>>(),
        "points": r.points,
        "balance": r.balance_after,
        "undoes": r.undoes,
        "undone-by": r.undone_by,
        "qr": qr::svg(&r.number),
    });
    paper!("receipt", data)
}

fn line(l: &ReceiptLine) -> Value {
    json!({ "name": l.name, "measure": l.measure, "quantity": l.quantity, "each": l.points_each })
}
