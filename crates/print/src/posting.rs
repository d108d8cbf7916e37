//! The posting 公示 on A4 or A3.

use app::reports::papers::Poster;
use domain::posting::body::{hex, short_root};
use domain::posting::{Category, PostedRow};
use serde_json::{Value, json};

use crate::press::{Paper, paper};
use crate::qr;

/// The paper a posting hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    A4,
    A3,
}

/// Read out by a machine, a list longer than this is no help, and its structure is most of its size.
const TAGGED_ROWS_MAX: usize = 300;

/// `url` is where everybody finds the posting.
pub fn posting(p: &Poster, sheet: Sheet, url: &str) -> Paper {
    let head = &p.body.header;
    let data = json!({
        "sheet": match sheet { Sheet::A4 => "a4", Sheet::A3 => "a3" },
        "zone": head.zone.as_str(),
        "village": head.village.as_str(),
        "month": head.month.to_string(),
        "corrects": p.posting.corrects.is_some(),
        "scheme": head.scheme.as_str(),
        "version": head.scheme_version,
        "place": head.place.as_str(),
        "from": head.from.to_string(),
        "to": head.to.to_string(),
        "days": head.days,
        "day-kind": head.day_kind.code(),
        "contact": head.contact.as_str(),
        "categories": head.categories.iter().map(category).collect::<Vec<_>>(),
        "rows": p.body.rows.iter().map(row).collect::<Vec<_>>(),
        "root": short_root(&p.posting.root),
        "hung-on": domain::local_date(p.posting.at).to_string(),
        "log-seal": p.posting.log_seal,
        "log-head": p.posting.log_head.chunks(4).map(hex).collect::<Vec<_>>().join(" "),
        "checkpoint": p.checkpoint,
        "url": url,
        "qr": qr::svg(url),
    });
    let paper = paper!("posting", data);
    if p.body.rows.len() <= TAGGED_ROWS_MAX { paper.tagged() } else { paper }
}

fn category(c: &Category) -> Value {
    json!({ "name": c.name.as_str(), "max": c.points_max })
}

fn row(r: &PostedRow) -> Value {
    json!({
        "serial": r.serial.get(),
        "name": r.name.to_string(),
        "hamlet": r.hamlet.as_ref().map_or("", |hamlet| hamlet.as_str()),
        "sums": r.sums,
        "total": r.total,
        "outcome": r.outcome.code(),
    })
}
