//! A household's statement 积分明细: each line, and where it came from.

use app::reports::papers::{Statement, StatementLine, Why};
use domain::Date;
use serde_json::{Value, json};

use crate::press::{Paper, paper};
use crate::words::period;

pub fn statement(s: &Statement, printed_on: Date) -> Paper {
    let data = json!({
        "zone": s.zone,
        "household": s.household,
        "name": s.name,
        "village": s.village,
        "printed-on": printed_on.to_string(),
        "opening": s.opening,
        "balance": s.balance,
        "lines": s.lines.iter().map(line).collect::<Vec<_>>(),
    });
    paper!("statement", data)
}

fn line(l: &StatementLine) -> Value {
    json!({
        "on-date": l.on_date.to_string(), "effect": l.effect, "balance": l.balance,
        "why": why(&l.why),
    })
}

fn why(why: &Why) -> Value {
    match why {
        Why::Month { month, scheme, version, total, visits, posted } => json!({
            "kind": "month", "month": month, "scheme": scheme, "version": version, "total": total,
            "visits": visits.iter().map(Date::to_string).collect::<Vec<_>>(),
            "posted": posted.iter().map(period).collect::<Vec<_>>(),
        }),
        Why::Bonus { event, document } => {
            json!({ "kind": "bonus", "event": event, "document": document })
        }
        Why::Receipt { number, place, reason } => {
            json!({ "kind": "receipt", "number": number, "place": place, "reason": reason })
        }
        Why::Other => json!({ "kind": "other" }),
    }
}
