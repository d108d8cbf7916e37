//! The zone's bulletin of a month: four columns with charts, on A3. Names only those who agreed.

use app::reports::papers::{Bulletin, Coverage};
use serde_json::{Value, json};

use crate::press::{Paper, paper};

/// What a column has room for.
const GOODS_SHOWN: usize = 14;
const DAYS_SHOWN: usize = 18;
const GIVEN_SHOWN: usize = 16;

pub fn bulletin(b: &Bulletin) -> Paper {
    let (due, came) =
        b.coverage.iter().fold((0, 0), |(due, came), c| (due + 2 * c.households, came + c.sheets));
    let last = b.flows.last();
    let data = json!({
        "zone": b.zone,
        "month": b.month.to_string(),
        "households": b.households,
        "visited-percent": percent(came, due),
        "sheets-due": due,
        "sheets-in": came,
        "certified": b.certified,
        "villages": b.villages,
        "credited": last.map_or(0, |flow| flow.credited),
        "redeemed": last.map_or(0, |flow| flow.redeemed),
        "coverage": b.coverage.iter().map(coverage).collect::<Vec<_>>(),
        "flows": b.flows.iter().map(|f| json!({
            "month": f.month, "credited": f.credited, "redeemed": f.redeemed,
        })).collect::<Vec<_>>(),
        "bought": b.bought.iter().take(GOODS_SHOWN).map(|(name, measure, quantity, points)| json!({
            "name": name, "measure": measure, "quantity": quantity, "points": points,
        })).collect::<Vec<_>>(),
        "given": b.given.iter().take(GIVEN_SHOWN).map(|g| json!({
            "donor": g.donor, "money-fen": g.money_fen, "pieces": g.pieces,
        })).collect::<Vec<_>>(),
        "market-days": b.market_days.iter().take(DAYS_SHOWN).map(|(day, village, spot)| json!({
            "day": day.to_string(), "village": village, "spot": spot,
        })).collect::<Vec<_>>(),
        "market-days-more": b.market_days.len().saturating_sub(DAYS_SHOWN),
        "objections-filed": b.objections_filed,
        "objections-answered": b.objections_answered,
        "honours": b.honours.iter().map(|h| json!({
            "name": h.name.to_string(), "village": h.village.as_str(), "what": h.what.as_str(),
        })).collect::<Vec<_>>(),
    });
    paper!("bulletin", data).tagged()
}

fn coverage(c: &Coverage) -> Value {
    let percent = percent(c.sheets, 2 * c.households);
    json!({ "name": c.name, "households": c.households, "percent": percent })
}

/// Rounded down; nought of nought is nought.
fn percent(part: i64, whole: i64) -> i64 {
    (part * 100).checked_div(whole).unwrap_or(0)
}
