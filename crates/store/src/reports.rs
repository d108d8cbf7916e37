//! Numbers counted from all the rooms.

mod audit;
mod household;
pub mod papers;

use domain::access::Scope;
use domain::{Date, Id};

use crate::scoring::HOW_FAR;
use crate::{Result, Tx, Val, Within, args};

/// The name of the topmost area.
pub fn zone_name(tx: &mut Tx) -> Result<Option<String>> {
    tx.opt("SELECT name FROM area WHERE parent IS NULL ORDER BY path LIMIT 1", &args![], |r| {
        r.text(0)
    })
}

fn count(tx: &mut Tx, sql: &str, args: &[Val]) -> Result<i64> {
    tx.one(&format!("SELECT CAST(COUNT(*) AS BIGINT) {sql}"), args, |r| r.int(0))
}

/// Households of the open round that this person has still to visit.
pub fn to_visit(tx: &mut Tx, person: Id) -> Result<i64> {
    let mut total = 0;
    for (column, scorer) in [("officer", "assistance_officer"), ("cadre", "assigned_cadre")] {
        let sql = format!(
            "FROM roster r JOIN batch b ON b.id = r.batch \
             WHERE r.{column} = $1 AND b.state = 'draft' AND NOT EXISTS \
             (SELECT 1 FROM sheet s WHERE s.batch = r.batch AND s.household = r.household \
              AND s.scorer = $2 AND s.current)"
        );
        total += count(tx, &sql, &args![person, scorer])?;
    }
    Ok(total)
}

/// A village's month that waits for somebody, with what is left to do in it.
pub struct Waiting {
    pub batch: Id,
    pub village: String,
    pub month: String,
    pub state: String,
    pub households: i64,
    pub sheets: i64,
    pub settled: i64,
    pub open_objections: i64,
    /// The last full day of the last running posting.
    pub posted_until: Option<Date>,
}

/// Batches of a scope that are not yet credited, oldest month first.
pub fn waiting(tx: &mut Tx, scope: &Scope, limit: i64) -> Result<Vec<Waiting>> {
    let within = Within::of(scope, "b.path", None, 2);
    let mut args = args![limit].to_vec();
    args.extend(within.args);
    tx.all(
        &format!(
            "SELECT b.id, a.name, o.month, b.state, b.households, \
             CAST((SELECT COUNT(*) FROM objection j WHERE j.batch = b.id AND j.state = 'open') AS BIGINT), \
             (SELECT MAX(p.to_date) FROM posting p WHERE p.batch = b.id), {HOW_FAR} \
             FROM batch b JOIN area a ON a.id = b.village JOIN round o ON o.id = b.round \
             WHERE b.state <> 'credited' AND {} ORDER BY o.month, b.path LIMIT $1",
            within.sql
        ),
        &args,
        |r| {
            Ok(Waiting {
                batch: r.id(0)?,
                village: r.text(1)?,
                month: r.text(2)?,
                state: r.text(3)?,
                households: r.int(4)?,
                open_objections: r.int(5)?,
                posted_until: r.opt_date(6)?,
                sheets: r.int(7)? + r.int(8)?,
                settled: r.int(9)?,
            })
        },
    )
}

/// Open objections of a scope and the day the first of them is due.
pub fn open_objections(tx: &mut Tx, scope: &Scope) -> Result<(i64, Option<Date>)> {
    let within = Within::of(scope, "j.path", None, 1);
    tx.one(
        &format!(
            "SELECT CAST(COUNT(*) AS BIGINT), MIN(j.due_on) FROM objection j \
             WHERE j.state = 'open' AND {}",
            within.sql
        ),
        &within.args,
        |r| Ok((r.int(0)?, r.opt_date(1)?)),
    )
}

/// How many lists with sealed values others wait for within `decides`.
pub fn takeouts_to_allow(tx: &mut Tx, person: Id, decides: &Scope) -> Result<i64> {
    let within = Within::of(decides, "t.path", None, 3);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM takeout t \
         WHERE t.state = $1 AND t.person <> $2 AND {}",
        within.sql
    );
    let args = [args!["asked", person].to_vec(), within.args].concat();
    tx.one(&sql, &args, |r| r.int(0))
}

/// Market days of one day at the places given.
pub fn market_days(tx: &mut Tx, places: &[Id], on: Date) -> Result<i64> {
    let mut total = 0;
    for place in places {
        let sql = "FROM market_day m WHERE m.on_date = $1 AND m.place = $2";
        total += count(tx, sql, &args![on, *place])?;
    }
    Ok(total)
}

/// Lots still in stock that go bad by `until`.
pub fn expiring_lots(tx: &mut Tx, places: &[Id], until: Date) -> Result<i64> {
    let (inside, mut args) = crate::goods::one_of(places, 1);
    args.push(until.into());
    let sql = format!(
        "FROM account c JOIN lot l ON l.id = c.owner WHERE c.kind = 'stock' \
         AND c.place IN ({inside}) AND l.expires_on <= ${} \
         AND c.credits_posted - c.debits_posted > 0",
        args.len()
    );
    count(tx, &sql, &args)
}

/// The newest round: its month, and the month's own.
pub fn newest_round(tx: &mut Tx) -> Result<Option<(Id, String)>> {
    tx.opt("SELECT id, month FROM round ORDER BY month DESC LIMIT 1", &args![], |r| {
        Ok((r.id(0)?, r.text(1)?))
    })
}

/// (path, name) of the areas right below `path`.
pub fn areas_below(tx: &mut Tx, path: &str) -> Result<Vec<(String, String)>> {
    tx.all(
        "SELECT c.path, c.name FROM area a JOIN area c ON c.parent = a.id \
         WHERE a.path = $1 ORDER BY c.path",
        &args![path],
        |r| Ok((r.text(0)?, r.text(1)?)),
    )
}

/// Points credited by certification in a scope, by month.
pub fn credited_by_month(tx: &mut Tx, scope: &Scope, from: &str) -> Result<Vec<(String, i64)>> {
    let within = Within::of(scope, "b.path", None, 2);
    let mut args = args![from].to_vec();
    args.extend(within.args);
    tx.all(
        &format!(
            "SELECT o.month, CAST(SUM(b.credited_points) AS BIGINT) FROM batch b \
             JOIN round o ON o.id = b.round WHERE o.month >= $1 \
             AND b.credited_points IS NOT NULL AND {} GROUP BY o.month ORDER BY o.month",
            within.sql
        ),
        &args,
        |r| Ok((r.text(0)?, r.int(1)?)),
    )
}

/// Points spent at the market days of a scope's villages, by month; reversals taken off.
pub fn redeemed_by_month(tx: &mut Tx, scope: &Scope, from: Date) -> Result<Vec<(String, i64)>> {
    let within = Within::of(scope, "m.path", None, 2);
    let mut args = args![from].to_vec();
    args.extend(within.args);
    tx.all(
        &format!(
            "SELECT substr(m.on_date, 1, 7), CAST(SUM(m.points) AS BIGINT) FROM market_day m \
             WHERE m.on_date >= $1 AND m.redemptions > 0 AND {} GROUP BY 1 ORDER BY 1",
            within.sql
        ),
        &args,
        |r| Ok((r.text(0)?, r.int(1)?)),
    )
}

/// One good's stock over all places; the goods of which least is left, first.
pub struct Stock {
    pub name_zh: String,
    pub name_en: String,
    pub measure: String,
    pub left: i64,
    pub points: i64,
}

pub fn stock(tx: &mut Tx, places: &[Id], limit: i64) -> Result<Vec<Stock>> {
    let (inside, mut args) = crate::goods::one_of(places, 1);
    args.push(limit.into());
    let sql = format!(
        "SELECT g.name_zh, g.name_en, g.measure, g.points, \
         CAST(SUM(c.credits_posted - c.debits_posted) AS BIGINT) FROM account c \
         JOIN goods g ON g.goods = c.unit AND g.current \
         WHERE c.kind = 'stock' AND c.place IN ({inside}) \
         GROUP BY g.goods, g.name_zh, g.name_en, g.measure, g.points ORDER BY 5, 1 LIMIT ${}",
        args.len()
    );
    tx.all(&sql, &args, |r| {
        Ok(Stock {
            name_zh: r.text(0)?,
            name_en: r.text(1)?,
            measure: r.text(2)?,
            points: r.int(3)?,
            left: r.int(4)?,
        })
    })
}

pub use audit::{LogFilter, LogLine, LogReader, each_log_line, log, seen};
pub use household::{HouseholdMonth, household_months};
