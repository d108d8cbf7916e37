//! The notice of certification, laid out as official documents are (GB/T 9704-2012).

use app::reports::papers::Notice;
use domain::Date;
use serde_json::json;

use crate::press::{Paper, paper};
use crate::words::{period, short};

/// `number` is the document's, as the office gives it, or empty; `dated` the day it is signed.
pub fn notice(n: &Notice, number: &str, dated: Date) -> Paper {
    let data = json!({
        "organ": n.zone,
        "number": number,
        "to": n.township,
        "village": n.village,
        "month": n.month.to_string(),
        "scheme": n.scheme,
        "posted": n.posted.iter().map(period).collect::<Vec<_>>(),
        "objections": n.objections,
        "households": n.households,
        "assessed": n.assessed,
        "points": n.points,
        "certified-on": n.certified_on.to_string(),
        "dated": dated.to_string(),
        "seal": short(&n.seal),
    });
    paper!("notice", data).with_official_fonts()
}
