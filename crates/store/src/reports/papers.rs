//! What papers say that no page does.

use domain::access::Scope;
use domain::calendar::Month;
use domain::{Date, Id};

use crate::{Result, Tx, Val, Within, args};

/// The path of the topmost area.
pub fn zone_path(tx: &mut Tx) -> Result<Option<String>> {
    let sql = "SELECT path FROM area WHERE parent IS NULL ORDER BY path LIMIT 1";
    tx.opt(sql, &args![], |r| r.text(0))
}

/// A card in use as it is printed: (head's name, village, code).
pub type CardRow = (String, String, String);

/// Cards in use at or below an area, within a scope, in the register's order.
pub fn each_card(
    tx: &mut Tx,
    scope: &Scope,
    area: &str,
    mut see: impl FnMut(CardRow) -> Result<()>,
) -> Result<()> {
    let within = Within::of(scope, "h.path", Some("h.id"), 3);
    let mut args: Vec<Val> = vec![area.into(), format!("{area}/").into()];
    args.extend(within.args);
    let rows = tx.all(
        &format!(
            "SELECT h.head_name, v.name, c.code FROM card c JOIN household h ON h.id = c.household \
             JOIN area v ON v.id = h.village WHERE c.frozen_at IS NULL AND h.active \
             AND h.path >= $1 AND h.path < $2 AND {} ORDER BY h.path, h.number, h.id",
            within.sql
        ),
        &args,
        |r| Ok((r.text(0)?, r.text(1)?, r.text(2)?)),
    )?;
    rows.into_iter().try_for_each(&mut see)
}

/// (number, head's name, size, balance) of a village's households, for the list of a market day.
pub fn balances(tx: &mut Tx, village: Id) -> Result<Vec<(String, String, i64, i64)>> {
    tx.all(
        "SELECT h.number, h.head_name, h.size, \
         CAST(COALESCE(a.credits_posted - a.debits_posted - a.debits_pending, 0) AS BIGINT) \
         FROM household h LEFT JOIN account a ON a.owner = h.id AND a.kind = 'household' \
         WHERE h.village = $1 AND h.active ORDER BY h.number, h.id",
        &args![village],
        |r| Ok((r.text(0)?, r.text(1)?, r.int(2)?, r.int(3)?)),
    )
}

/// A good and how many pieces and points of it were had.
pub struct Bought {
    pub name_zh: String,
    pub measure: String,
    pub quantity: i64,
    pub points: i64,
}

/// What was had at market days of a month, most points first; what came back is taken off.
pub fn bought(tx: &mut Tx, scope: &Scope, month: Month) -> Result<Vec<Bought>> {
    let within = Within::of(scope, "m.path", None, 3);
    let mut args = args![month.first(), month.last()].to_vec();
    args.extend(within.args);
    tx.all(
        &format!(
            "SELECT g.name_zh, g.measure, \
             CAST(SUM(CASE WHEN r.reverses IS NULL THEN l.quantity ELSE -l.quantity END) AS BIGINT), \
             CAST(SUM(CASE WHEN r.reverses IS NULL THEN l.quantity * l.points_each \
              ELSE -l.quantity * l.points_each END) AS BIGINT) AS spent \
             FROM market_day m JOIN redemption r ON r.market_day = m.id \
             JOIN redemption_line l ON l.redemption = r.id \
             JOIN goods g ON g.goods = l.goods AND g.current \
             WHERE m.on_date >= $1 AND m.on_date <= $2 AND {} \
             GROUP BY g.sku, g.name_zh, g.measure ORDER BY spent DESC, g.sku",
            within.sql
        ),
        &args,
        |r| {
            let (name_zh, measure) = (r.text(0)?, r.text(1)?);
            Ok(Bought { name_zh, measure, quantity: r.int(2)?, points: r.int(3)? })
        },
    )
}

/// A donation of the month; the donor's name only where it may be told.
pub struct Given {
    pub donor: Option<String>,
    pub money_fen: i64,
    pub pieces: i64,
}

/// What was given to `places` in a month.
pub fn given(tx: &mut Tx, places: &[Id], month: Month) -> Result<Vec<Given>> {
    let (inside, ids) = crate::goods::one_of(places, 3);
    let mut args = args![month.first(), month.last()].to_vec();
    args.extend(ids);
    tx.all(
        &format!(
            "SELECT d.donor, d.donor_public, d.money_fen, \
             (SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM lot l \
              WHERE l.donation = d.id) FROM donation d \
             WHERE d.received_on >= $1 AND d.received_on <= $2 AND d.place IN ({inside}) \
             ORDER BY d.received_on, d.id"
        ),
        &args,
        |r| {
            let (donor, public) = (r.text(0)?, r.bool(1)?);
            let donor = Some(donor).filter(|_| public);
            Ok(Given { donor, money_fen: r.int(2)?, pieces: r.int(3)? })
        },
    )
}

/// (filed, answered) objections to the lists of a month.
pub fn objections(tx: &mut Tx, scope: &Scope, month: Month) -> Result<(i64, i64)> {
    let within = Within::of(scope, "o.path", None, 2);
    let mut args = args![month.to_string()].to_vec();
    args.extend(within.args);
    tx.one(
        &format!(
            "SELECT CAST(COUNT(*) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN o.answered_at IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT) \
             FROM objection o JOIN batch b ON b.id = o.batch JOIN round r ON r.id = b.round \
             WHERE r.month = $1 AND {}",
            within.sql
        ),
        &args,
        |r| Ok((r.int(0)?, r.int(1)?)),
    )
}

/// The household with a number, its path and itself.
pub fn household_by_number(tx: &mut Tx, scope: &Scope, number: &str) -> Result<Option<Id>> {
    let within = Within::of(scope, "h.path", Some("h.id"), 2);
    let mut args = args![number].to_vec();
    args.extend(within.args);
    let sql = format!("SELECT h.id FROM household h WHERE h.number = $1 AND {}", within.sql);
    tx.opt(&sql, &args, |r| r.id(0))
}

/// Villages by a name.
pub fn villages_named(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Vec<(Id, String)>> {
    let within = Within::of(scope, "a.path", None, 2);
    let mut args = args![name].to_vec();
    args.extend(within.args);
    let sql = format!(
        "SELECT a.id, a.path FROM area a WHERE a.kind = 'village' AND a.name = $1 AND {} \
         ORDER BY a.path",
        within.sql
    );
    tx.all(&sql, &args, |r| Ok((r.id(0)?, r.text(1)?)))
}

/// What of a kind was written down last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newest {
    Posting,
    Receipt,
    MarketDay,
    Donation,
    Certified,
    Place,
}

pub fn newest(tx: &mut Tx, what: Newest) -> Result<Option<Id>> {
    let sql = match what {
        Newest::Posting => "SELECT id FROM posting ORDER BY at DESC, id LIMIT 1",
        Newest::Receipt => "SELECT id FROM redemption ORDER BY at DESC, id LIMIT 1",
        Newest::MarketDay => "SELECT id FROM market_day ORDER BY on_date DESC, id LIMIT 1",
        Newest::Donation => "SELECT id FROM donation ORDER BY received_on DESC, id LIMIT 1",
        Newest::Certified => {
            "SELECT id FROM batch WHERE certified_at IS NOT NULL ORDER BY certified_at DESC, id \
             LIMIT 1"
        }
        Newest::Place => "SELECT id FROM place ORDER BY name, id LIMIT 1",
    };
    tx.opt(sql, &args![], |r| r.id(0))
}

/// The receipt with a number.
pub fn receipt_numbered(tx: &mut Tx, number: &str) -> Result<Option<Id>> {
    tx.opt("SELECT id FROM redemption WHERE receipt = $1", &args![number], |r| r.id(0))
}

/// The day a batch was certified and how many of its households are assessed.
pub fn assessed(tx: &mut Tx, batch: Id) -> Result<i64> {
    tx.one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM settlement m WHERE m.batch = $1 AND m.current \
         AND m.outcome = 'assessed'",
        &args![batch],
        |r| r.int(0),
    )
}

/// Batches of a month in a village, or in all.
pub fn batch_of(tx: &mut Tx, village: Id, month: Month) -> Result<Option<Id>> {
    tx.opt(
        "SELECT b.id FROM batch b JOIN round r ON r.id = b.round \
         WHERE b.village = $1 AND r.month = $2",
        &args![village, month.to_string()],
        |r| r.id(0),
    )
}

/// Days of markets in a month: (day, village, place of the truck).
pub fn market_days_of(
    tx: &mut Tx,
    scope: &Scope,
    month: Month,
) -> Result<Vec<(Date, String, String)>> {
    let within = Within::of(scope, "m.path", None, 3);
    let mut args = args![month.first(), month.last()].to_vec();
    args.extend(within.args);
    tx.all(
        &format!(
            "SELECT m.on_date, v.name, m.spot FROM market_day m JOIN area v ON v.id = m.village \
             WHERE m.on_date >= $1 AND m.on_date <= $2 AND {} ORDER BY m.on_date, v.path",
            within.sql
        ),
        &args,
        |r| Ok((r.date(0)?, r.text(1)?, r.text(2)?)),
    )
}
