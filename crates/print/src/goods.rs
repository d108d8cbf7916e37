//! The store's papers: the list of a market day, thanks to a donor, the sheet to count by.

use app::reports::papers::{Donated, MarketList, StockCount};
use domain::{Date, Id};
use serde_json::json;

use crate::press::{Paper, paper};
use crate::words::offered;

pub fn market_day(m: &MarketList) -> Paper {
    let households = m.households.iter();
    let data = json!({
        "zone": m.zone,
        "village": m.village,
        "place": m.place,
        "spot": m.spot,
        "on-date": m.on_date.to_string(),
        "goods": m.goods.iter().map(offered).collect::<Vec<_>>(),
        "households": households
            .map(|h| json!({ "number": h.number, "name": h.name, "balance": h.balance }))
            .collect::<Vec<_>>(),
    });
    paper!("market_day", data)
}

/// `id` is the donation's; the office finds it again by that.
pub fn acknowledgement(g: &Donated, id: Id, printed_on: Date) -> Paper {
    let lines = g.lines.iter().map(|l| {
        json!({
            "name": l.name, "measure": l.measure, "quantity": l.quantity,
            "handed-out": l.handed_out,
        })
    });
    let data = json!({
        "zone": g.zone,
        "donor": g.donor,
        "place": g.place,
        "received-on": g.received_on.to_string(),
        "printed-on": printed_on.to_string(),
        "money-fen": g.money_fen,
        "lines": lines.collect::<Vec<_>>(),
        "id": id.to_string(),
    });
    paper!("acknowledgement", data)
}

pub fn stock_count(s: &StockCount, printed_on: Date) -> Paper {
    let lines = s.lines.iter().map(|l| {
        json!({
            "sku": l.sku, "name": l.name, "measure": l.measure, "donor": l.donor,
            "expires-on": l.expires_on.map(|day| day.to_string()), "left": l.left,
        })
    });
    let data = json!({
        "zone": s.zone,
        "place": s.place,
        "printed-on": printed_on.to_string(),
        "lines": lines.collect::<Vec<_>>(),
    });
    paper!("stock_count", data)
}
