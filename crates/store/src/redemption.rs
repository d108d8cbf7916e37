//! The SQL of the redemption room.

mod bonus;
mod card;
mod explain;

use domain::access::Scope;
use domain::calendar::Month;
use domain::points::{Account, Cause, CauseKind};
use domain::redemption::{
    Facts, Line, Proxy, Redemption, Request, ReversalFacts, Wish, receipt_prefix,
};
use domain::{Date, Id};

use crate::sealed::In;
use crate::{Broken, Keys, Listing, Result, Row, Tx, Type, Val, Within, args, goods, points};

pub use bonus::{bonuses, is_bonus_given, record_bonus};
pub use card::{card_by_code, cards, find_card, issue_facts, record_card, record_frozen};
pub use explain::{CreditSource, DebitSource, bonus_sources, credit_sources, debit_sources};

/// A household as the counter sees it.
#[derive(Clone, Debug)]
pub struct Customer {
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub village: String,
    pub path: String,
    pub size: i64,
    pub active: bool,
    pub balance: i64,
}

const CUSTOMER: &str = "SELECT h.id, h.number, h.head_name, v.name, h.path, h.size, h.active, \
     CAST(COALESCE(a.credits_posted - a.debits_posted - a.debits_pending, 0) AS BIGINT) \
     FROM household h JOIN area v ON v.id = h.village \
     LEFT JOIN account a ON a.owner = h.id AND a.kind = 'household'";

fn customer(r: &Row) -> Result<Customer> {
    Ok(Customer {
        household: r.id(0)?,
        number: r.text(1)?,
        head_name: r.text(2)?,
        village: r.text(3)?,
        path: r.text(4)?,
        size: r.int(5)?,
        active: r.bool(6)?,
        balance: r.int(7)?,
    })
}

pub fn find_customer(tx: &mut Tx, household: Id) -> Result<Option<Customer>> {
    tx.opt(&format!("{CUSTOMER} WHERE h.id = $1"), &args![household], customer)
}

/// Households within a scope by a part of name or number.
pub fn customers(tx: &mut Tx, scope: &Scope, search: &str, limit: i64) -> Result<Vec<Customer>> {
    let within = Within::of(scope, "h.path", Some("h.id"), 3);
    let search = search.trim().to_lowercase();
    let sql = format!(
        "{CUSTOMER} WHERE h.active AND (h.number = $1 OR lower(h.search) LIKE $2) AND {} \
         ORDER BY h.path, h.number LIMIT ${}",
        within.sql,
        within.args.len() + 3
    );
    let mut args: Vec<Val> = vec![search.as_str().into(), format!("%{search}%").into()];
    args.extend(within.args);
    args.push(limit.into());
    tx.all(&sql, &args, customer)
}

/// Everything that the decision asks, but the year's cap, which the scheme knows.
pub fn facts(
    tx: &mut Tx,
    request: &Request,
    customer: &Customer,
    places: Vec<Id>,
) -> Result<Facts> {
    let market_day = goods::find_market_day(tx, request.market_day)?;
    let mut ids: Vec<Id> = request.wishes.iter().map(|w| w.goods).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut shelves = Vec::new();
    if let Some(day) = &market_day {
        for id in &ids {
            shelves.extend(goods::shelves_of(tx, day.place, *id)?);
        }
    }
    let card = request.card.map(|card| find_card(tx, card)).transpose()?.flatten();
    Ok(Facts {
        household_active: customer.active,
        card,
        market_day,
        places,
        balance: customer.balance,
        goods: goods::find_many(tx, &ids)?,
        shelves,
        had_this_month: had_in_month(tx, request.household, Month::of(request.today))?,
        spent_this_year: spent_in_year(tx, request.household, request.today)?,
        year_cap: None,
        receipt_last: receipt_last(tx, request.today)?,
    })
}

/// What a household has had of each good in a month, less what it gave back.
pub fn had_in_month(tx: &mut Tx, household: Id, month: Month) -> Result<Vec<Wish>> {
    tx.all(
        "SELECT l.goods, CAST(SUM(l.quantity) AS BIGINT) FROM redemption r \
         JOIN redemption_line l ON l.redemption = r.id \
         WHERE r.household = $1 AND r.on_date >= $2 AND r.on_date <= $3 AND r.reverses IS NULL \
         AND NOT EXISTS (SELECT 1 FROM redemption b WHERE b.reverses = r.id) GROUP BY l.goods",
        &args![household, month.first(), month.last()],
        |r| Ok(Wish { goods: r.id(0)?, quantity: r.int(1)? }),
    )
}

fn spent_in_year(tx: &mut Tx, household: Id, today: Date) -> Result<i64> {
    tx.one(
        "SELECT CAST(COALESCE(SUM(CASE WHEN reverses IS NULL THEN points ELSE -points END), 0) \
         AS BIGINT) FROM redemption WHERE household = $1 AND on_date >= $2",
        &args![household, format!("{:04}-01-01", today.year())],
        |r| r.int(0),
    )
}

fn receipt_last(tx: &mut Tx, today: Date) -> Result<Option<String>> {
    let prefix = receipt_prefix(today);
    crate::wall::last_receipt(tx, &prefix, &format!("{prefix}a"))
}

/// The redemption and its lines; points and goods are moved by the ledger.
pub fn record(tx: &mut Tx, r: &Redemption) -> Result<()> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "redemption", r.id);
    tx.exec(
        "INSERT INTO redemption (id, receipt, household, card, market_day, place, points, \
         proxy_name, proxy_relation, reverses, reason, person, on_date, at, digest, path) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
         COALESCE((SELECT h.path FROM household h WHERE h.id = $3), ''))",
        &args![
            r.id,
            &r.receipt,
            r.household,
            r.card,
            r.market_day,
            r.place,
            r.points,
            sealed.put("proxy_name", r.proxy.as_ref().map(|p| p.name.as_str()))?,
            r.proxy.as_ref().map(|p| p.relation.as_str()),
            r.reverses,
            r.reason.as_deref(),
            r.person,
            r.on_date,
            r.at,
            keys.fingerprint(&r.digest())
        ],
    )?;
    let lines = (1i64..).zip(&r.lines).map(|(number, line)| {
        vec![
            Val::Id(r.id),
            Val::Int(number),
            Val::Id(line.goods),
            Val::Id(line.lot),
            Val::Int(line.quantity),
            Val::Int(line.points_each),
        ]
    });
    let columns = [
        ("redemption", Type::Id),
        ("line", Type::Int),
        ("goods", Type::Id),
        ("lot", Type::Id),
        ("quantity", Type::Int),
        ("points_each", Type::Int),
    ];
    tx.insert_all("redemption_line", &columns, "", lines)?;
    let (one, points) = if r.reverses.is_none() { (1, r.points) } else { (-1, -r.points) };
    tx.exec(
        "UPDATE market_day SET redemptions = redemptions + $2, points = points + $3 WHERE id = $1",
        &args![r.market_day, one, points],
    )?;
    Ok(())
}

/// The first market day that says something else than its redemptions add up to.
pub fn miscounted(tx: &mut Tx) -> Result<Option<Id>> {
    tx.opt(
        "SELECT m.id FROM market_day m LEFT JOIN (SELECT r.market_day AS day, \
         SUM(CASE WHEN r.reverses IS NULL THEN 1 ELSE -1 END) AS redemptions, \
         SUM(CASE WHEN r.reverses IS NULL THEN r.points ELSE -r.points END) AS points \
         FROM redemption r GROUP BY r.market_day) d ON d.day = m.id \
         WHERE m.redemptions <> COALESCE(d.redemptions, 0) OR m.points <> COALESCE(d.points, 0) \
         ORDER BY m.id LIMIT 1",
        &[],
        |r| r.id(0),
    )
}

const REDEMPTION: &str = "r.id, r.receipt, r.household, r.card, r.market_day, r.place, r.points, \
                          r.proxy_name, r.proxy_relation, r.reverses, r.reason, r.person, \
                          r.on_date, r.at";

fn redemption(keys: &Keys, r: &Row) -> Result<Redemption> {
    let id = r.id(0)?;
    let proxy_name = In::new(keys, "redemption", id).text("proxy_name", r, 7)?;
    let proxy = match (proxy_name, r.opt_text(8)?) {
        (Some(name), Some(relation)) => Some(Proxy { name, relation }),
        _ => None,
    };
    Ok(Redemption {
        id,
        receipt: r.text(1)?,
        household: r.id(2)?,
        card: r.opt_id(3)?,
        market_day: r.id(4)?,
        place: r.id(5)?,
        points: r.int(6)?,
        proxy,
        reverses: r.opt_id(9)?,
        reason: r.opt_text(10)?,
        person: r.id(11)?,
        on_date: r.date(12)?,
        at: r.int(13)?,
        lines: Vec::new(),
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Redemption>> {
    let sql = format!("SELECT {REDEMPTION} FROM redemption r WHERE r.id = $1");
    let keys = tx.keys();
    let found = tx.opt(&sql, &args![id], |r| redemption(&keys, r))?;
    let Some(mut found) = found else { return Ok(None) };
    found.lines = lines(tx, id)?;
    Ok(Some(found))
}

fn lines(tx: &mut Tx, id: Id) -> Result<Vec<Line>> {
    tx.all(
        "SELECT goods, lot, quantity, points_each FROM redemption_line WHERE redemption = $1 \
         ORDER BY line",
        &args![id],
        |r| {
            Ok(Line { goods: r.id(0)?, lot: r.id(1)?, quantity: r.int(2)?, points_each: r.int(3)? })
        },
    )
}

pub fn reversal_facts(tx: &mut Tx, redemption: Redemption, today: Date) -> Result<ReversalFacts> {
    let cause = Cause { kind: CauseKind::Redemption, id: redemption.id };
    Ok(ReversalFacts {
        reversed: reversed_by(tx, redemption.id)?.is_some(),
        transfers: points::caused_by(tx, cause)?,
        balance: points::household_balance(tx, redemption.household)?,
        receipt_last: receipt_last(tx, today)?,
        redemption,
    })
}

/// The reversal of a redemption: its id and receipt number.
fn reversed_by(tx: &mut Tx, id: Id) -> Result<Option<(Id, String)>> {
    let sql = "SELECT id, receipt FROM redemption WHERE reverses = $1";
    tx.opt(sql, &args![id], |r| Ok((r.id(0)?, r.text(1)?)))
}

/// One good on a receipt, its lots together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptLine {
    pub name_zh: String,
    pub name_en: String,
    pub measure: String,
    pub quantity: i64,
    pub points_each: i64,
}

/// A receipt as it is shown and printed.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub redemption: Redemption,
    pub number: String,
    pub head_name: String,
    pub village: String,
    pub path: String,
    pub place: String,
    pub spot: String,
    pub keeper: String,
    pub card_code: Option<String>,
    pub lines: Vec<ReceiptLine>,
    pub balance_after: i64,
    pub reversed_by: Option<(Id, String)>,
    /// For a reversal: the number of the receipt that it undoes.
    pub undoes: Option<String>,
}

pub fn receipt(tx: &mut Tx, id: Id) -> Result<Option<Receipt>> {
    let Some(redemption) = find(tx, id)? else { return Ok(None) };
    let lines = tx.all(
        "SELECT g.name_zh, g.name_en, g.measure, CAST(SUM(l.quantity) AS BIGINT), l.points_each \
         FROM redemption_line l JOIN goods g ON g.goods = l.goods AND g.current \
         WHERE l.redemption = $1 \
         GROUP BY g.sku, g.name_zh, g.name_en, g.measure, l.points_each ORDER BY g.sku",
        &args![id],
        |r| {
            Ok(ReceiptLine {
                name_zh: r.text(0)?,
                name_en: r.text(1)?,
                measure: r.text(2)?,
                quantity: r.int(3)?,
                points_each: r.int(4)?,
            })
        },
    )?;
    let balance_after = balance_after(tx, &redemption)?;
    let reversed_by = reversed_by(tx, id)?;
    tx.opt(
        "SELECT h.number, h.head_name, v.name, h.path, p.name, m.spot, k.name, c.code, o.receipt \
         FROM redemption r JOIN household h ON h.id = r.household JOIN area v ON v.id = h.village \
         JOIN place p ON p.id = r.place JOIN market_day m ON m.id = r.market_day \
         JOIN person k ON k.id = r.person LEFT JOIN card c ON c.id = r.card \
         LEFT JOIN redemption o ON o.id = r.reverses WHERE r.id = $1",
        &args![id],
        |r| {
            Ok(Receipt {
                redemption: redemption.clone(),
                number: r.text(0)?,
                head_name: r.text(1)?,
                village: r.text(2)?,
                path: r.text(3)?,
                place: r.text(4)?,
                spot: r.text(5)?,
                keeper: r.text(6)?,
                card_code: r.opt_text(7)?,
                undoes: r.opt_text(8)?,
                lines: lines.clone(),
                balance_after,
                reversed_by: reversed_by.clone(),
            })
        },
    )
}

fn balance_after(tx: &mut Tx, redemption: &Redemption) -> Result<i64> {
    let account = Account::household(redemption.household);
    let seq = tx.opt(
        "SELECT seq FROM transfer WHERE cause = $1 AND (debit = $2 OR credit = $2)",
        &args![redemption.id, account.id()],
        |r| r.int(0),
    )?;
    let seq =
        seq.ok_or_else(|| Broken::data(format!("redemption {} moved no points", redemption.id)))?;
    let statement = points::statement(tx, &account, Some(seq + 1), 1)?;
    Ok(statement.lines.first().map_or(0, |line| line.balance))
}

#[derive(Clone, Debug, Default)]
pub struct RedemptionFilter {
    /// In receipt number, household number and head's name.
    pub search: String,
    pub market_day: Option<Id>,
    pub household: Option<Id>,
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub offset: i64,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct RedemptionRow {
    pub id: Id,
    pub receipt: String,
    pub household: Id,
    pub number: String,
    pub head_name: String,
    pub village: String,
    pub points: i64,
    /// Pieces of all goods.
    pub quantity: i64,
    pub on_date: Date,
    pub at: domain::Millis,
    pub is_reversal: bool,
    pub is_reversed: bool,
}

/// A list's own sums: how many there are, and what they come to less what was reversed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub rows: i64,
    pub points: i64,
    pub quantity: i64,
}

const PIECES: &str = "(SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) \
                      FROM redemption_line l WHERE l.redemption = r.id)";

/// Newest first.
fn listing(scope: &Scope, filter: &RedemptionFilter) -> Listing {
    let mut args: Vec<Val> = vec![format!("%{}%", filter.search.trim().to_lowercase()).into()];
    let within = Within::of(scope, "h.path", Some("h.id"), 2);
    args.extend(within.args);
    let mut matches = format!(
        "{} AND (lower(r.receipt) LIKE $1 OR lower(h.number) LIKE $1 \
         OR lower(h.head_name) LIKE $1)",
        within.sql
    );
    let mut add = |condition: &str, value: Option<Val>| {
        if let Some(value) = value {
            args.push(value);
            matches.push_str(&format!(" AND {condition} ${}", args.len()));
        }
    };
    add("r.market_day =", filter.market_day.map(Val::Id));
    add("r.household =", filter.household.map(Val::Id));
    add("r.on_date >=", filter.from.map(Val::from));
    add("r.on_date <=", filter.to.map(Val::from));
    Listing {
        select: format!(
            "r.id, r.receipt, r.household, h.number, h.head_name, v.name, r.points, {PIECES}, \
             r.on_date, r.at, r.reverses IS NOT NULL, \
             EXISTS (SELECT 1 FROM redemption b WHERE b.reverses = r.id)"
        ),
        from: format!(
            "FROM redemption r JOIN household h ON h.id = r.household \
             JOIN area v ON v.id = h.village WHERE {matches}"
        ),
        order: "r.at DESC, r.id DESC".to_owned(),
        args,
        more: Vec::new(),
    }
}

fn redemption_row(r: &Row) -> Result<RedemptionRow> {
    Ok(RedemptionRow {
        id: r.id(0)?,
        receipt: r.text(1)?,
        household: r.id(2)?,
        number: r.text(3)?,
        head_name: r.text(4)?,
        village: r.text(5)?,
        points: r.int(6)?,
        quantity: r.int(7)?,
        on_date: r.date(8)?,
        at: r.int(9)?,
        is_reversal: r.bool(10)?,
        is_reversed: r.bool(11)?,
    })
}

/// One page of the redemptions within a scope, and the sums of all that match.
pub fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &RedemptionFilter,
) -> Result<(Vec<RedemptionRow>, Sums)> {
    let listing = listing(scope, filter);
    let sums = format!(
        "SELECT CAST(COUNT(*) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN r.points ELSE -r.points END), 0) \
         AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN {PIECES} ELSE -{PIECES} END), 0) \
         AS BIGINT) {}",
        listing.from
    );
    let sums = tx.one(&sums, &listing.args, |r| {
        Ok(Sums { rows: r.int(0)?, points: r.int(1)?, quantity: r.int(2)? })
    })?;
    Ok((listing.page(tx, filter.offset, filter.limit, redemption_row)?, sums))
}

/// The whole list, one redemption after another.
pub fn each_redemption(
    tx: &mut Tx,
    scope: &Scope,
    filter: &RedemptionFilter,
    see: impl FnMut(RedemptionRow) -> Result<()>,
) -> Result<()> {
    listing(scope, filter).each(tx, redemption_row, see)
}

/// Pieces of each good handed out on a market day, less what came back.
pub fn handed_out(tx: &mut Tx, market_day: Id) -> Result<Vec<ReceiptLine>> {
    tx.all(
        "SELECT g.name_zh, g.name_en, g.measure, \
         CAST(SUM(CASE WHEN r.reverses IS NULL THEN l.quantity ELSE -l.quantity END) AS BIGINT), \
         l.points_each FROM redemption r JOIN redemption_line l ON l.redemption = r.id \
         JOIN goods g ON g.goods = l.goods AND g.current WHERE r.market_day = $1 \
         GROUP BY g.sku, g.name_zh, g.name_en, g.measure, l.points_each ORDER BY g.sku",
        &args![market_day],
        |r| {
            Ok(ReceiptLine {
                name_zh: r.text(0)?,
                name_en: r.text(1)?,
                measure: r.text(2)?,
                quantity: r.int(3)?,
                points_each: r.int(4)?,
            })
        },
    )
}
