//! The month's review sheet 评议表, to be signed. It has names in full and never hangs.

use app::reports::papers::{Review, ReviewLine};
use serde_json::{Value, json};

use crate::press::{Paper, paper};

pub fn review(r: &Review) -> Paper {
    let categories = r.scheme.categories.iter();
    let data = json!({
        "zone": r.zone,
        "township": r.township,
        "village": r.village,
        "month": r.month.to_string(),
        "scheme": r.scheme.title.zh,
        "version": r.scheme.version,
        "categories": categories
            .map(|c| json!({ "name": c.name.zh, "max": c.max })).collect::<Vec<_>>(),
        "lines": r.lines.iter().map(line).collect::<Vec<_>>(),
    });
    paper!("review", data)
}

fn line(l: &ReviewLine) -> Value {
    json!({
        "number": l.number, "name": l.name, "sums": l.sums, "total": l.total,
        "outcome": l.outcome, "note": l.note,
    })
}
