//! Small shapes that many papers have.

use app::reports::papers::Offered;
use domain::Date;
use serde_json::{Value, json};

/// A period as its first and last day.
pub fn period(&(from, to): &(Date, Date)) -> Value {
    json!([from.to_string(), to.to_string()])
}

pub fn offered(good: &Offered) -> Value {
    json!({
        "name": good.name, "measure": good.measure, "points": good.points, "left": good.left,
        "limit": good.limit_month,
    })
}

/// The first sixteen digits of a seal, in groups of four.
pub fn short(seal: &[u8]) -> String {
    let groups = seal.chunks(2).take(4);
    groups.map(domain::posting::body::hex).collect::<Vec<_>>().join(" ")
}
