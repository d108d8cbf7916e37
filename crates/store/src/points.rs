//! The SQL of the points room: accounts and transfers, of points and of goods.

use std::collections::HashMap;

use domain::access::Scope;
use domain::points::{
    Account, Amount, Balance, Cause, CauseKind, Decision, Entry, Facts, Kept, Kind, Settled,
    Statement, Step, Transfer,
};
use domain::{Date, Id};

use crate::{Broken, Result, Row, Tx, Type, Val, Within, args};

const BALANCE: &str = "SELECT a.id, a.unit, a.kind, a.owner, a.place, a.debits_posted, \
                       a.credits_posted, a.debits_pending, a.credits_pending FROM account a";

const TRANSFER: &str = "SELECT t.id, t.step, t.hold, t.amount, t.cause_kind, t.cause, t.on_date, \
                        t.at, t.unit, d.kind, d.owner, d.place, c.kind, c.owner, c.place, t.seq, \
                        h.amount FROM transfer t JOIN account d ON d.id = t.debit \
                        JOIN account c ON c.id = t.credit LEFT JOIN transfer h ON h.id = t.hold";

/// Everything that `domain::points::decide` asks about these transfers.
pub fn facts(tx: &mut Tx, transfers: &[Transfer]) -> Result<Facts> {
    let mut accounts: Vec<Id> = transfers.iter().map(|t| t.debit.id()).collect();
    accounts.extend(transfers.iter().map(|t| t.credit.id()));
    accounts.sort_unstable();
    accounts.dedup();
    let mut facts = Facts::default();
    tx.each_of(BALANCE, "a.id", &accounts, |r| {
        facts.balances.insert(r.id(0)?, balance_row(r)?);
        Ok(())
    })?;

    let mut ids: Vec<Id> = transfers.iter().map(|t| t.id).collect();
    ids.extend(transfers.iter().filter_map(|t| t.step.hold()));
    ids.sort_unstable();
    ids.dedup();
    tx.each_of(TRANSFER, "t.id", &ids, |r| {
        facts.kept.insert(r.id(0)?, Kept { transfer: entry(r)?.transfer, settled: None });
        Ok(())
    })?;
    let is_hold = |kept: &&mut Kept| kept.transfer.step == Step::Hold;
    for kept in facts.kept.values_mut().filter(is_hold) {
        kept.settled = settled(tx, kept.transfer.id)?;
    }
    Ok(facts)
}

fn settled(tx: &mut Tx, hold: Id) -> Result<Option<Settled>> {
    let step = tx.opt("SELECT step FROM transfer WHERE hold = $1", &args![hold], |r| r.text(0))?;
    Ok(step.map(|step| if step == "void" { Settled::Voided } else { Settled::Posted }))
}

/// Writes the transfers behind the last one, and every touched balance once.
pub fn record(tx: &mut Tx, decision: &Decision) -> Result<()> {
    let paths = paths(tx, decision)?;
    let balances = decision.balances.iter().map(|(id, b)| {
        let path = b.account.owner.and_then(|owner| paths.get(&owner));
        vec![
            Val::Id(*id),
            Val::Id(b.account.unit),
            b.account.kind.code().into(),
            b.account.owner.into(),
            b.account.place.into(),
            Val::Int(b.debits_posted),
            Val::Int(b.credits_posted),
            Val::Int(b.debits_pending),
            Val::Int(b.credits_pending),
            path.map_or("", String::as_str).into(),
        ]
    });
    tx.insert_all(
        "account",
        &[
            ("id", Type::Id),
            ("unit", Type::Id),
            ("kind", Type::Text),
            ("owner", Type::Id),
            ("place", Type::Id),
            ("debits_posted", Type::Int),
            ("credits_posted", Type::Int),
            ("debits_pending", Type::Int),
            ("credits_pending", Type::Int),
            ("path", Type::Text),
        ],
        "ON CONFLICT (id) DO UPDATE SET debits_posted = excluded.debits_posted, \
         credits_posted = excluded.credits_posted, debits_pending = excluded.debits_pending, \
         credits_pending = excluded.credits_pending",
        balances,
    )?;
    let last = crate::wall::last_transfer(tx)?;
    // Written in the order of their ids, which are scattered: each leaf of the index is met once.
    let mut numbered: Vec<_> = (last + 1..).zip(&decision.transfers).collect();
    numbered.sort_unstable_by_key(|(_, t)| t.id);
    let rows = numbered.into_iter().map(|(seq, t)| {
        vec![
            Val::Id(t.id),
            Val::Int(seq),
            Val::Id(t.unit()),
            t.step.code().into(),
            Val::Id(t.debit.id()),
            Val::Id(t.credit.id()),
            Val::Int(t.amount.get()),
            t.step.hold().into(),
            t.cause.kind.code().into(),
            Val::Id(t.cause.id),
            t.on_date.into(),
            Val::Int(t.at),
            t.digest(seq).into(),
        ]
    });
    tx.insert_all("transfer", &COLUMNS, "", rows)?;
    Ok(())
}

/// Where the households lie whose balances are touched.
fn paths(tx: &mut Tx, decision: &Decision) -> Result<HashMap<Id, String>> {
    let accounts = decision.balances.values().map(|b| &b.account);
    let households: Vec<Id> =
        accounts.filter(|a| a.kind == Kind::Household).filter_map(|a| a.owner).collect();
    let mut paths = HashMap::with_capacity(households.len());
    tx.each_of("SELECT h.id, h.path FROM household h", "h.id", &households, |r| {
        paths.insert(r.id(0)?, r.text(1)?);
        Ok(())
    })?;
    Ok(paths)
}

const COLUMNS: [(&str, Type); 13] = [
    ("id", Type::Id),
    ("seq", Type::Int),
    ("unit", Type::Id),
    ("step", Type::Text),
    ("debit", Type::Id),
    ("credit", Type::Id),
    ("amount", Type::Int),
    ("hold", Type::Id),
    ("cause_kind", Type::Text),
    ("cause", Type::Id),
    ("on_date", Type::Text),
    ("at", Type::Int),
    ("digest", Type::Bytes),
];

/// An account's balance; zero for one that was never opened.
pub fn balance(tx: &mut Tx, account: &Account) -> Result<Balance> {
    let sql = format!("{BALANCE} WHERE a.id = $1");
    let known = tx.opt(&sql, &args![account.id()], balance_row)?;
    Ok(known.unwrap_or(Balance::zero(*account)))
}

/// What a household may spend.
pub fn household_balance(tx: &mut Tx, household: Id) -> Result<i64> {
    Ok(balance(tx, &Account::household(household))?.available())
}

/// Movements of an account, newest first, before the `seq` given; each with the balance after it.
pub fn statement(
    tx: &mut Tx,
    account: &Account,
    before: Option<i64>,
    limit: i64,
) -> Result<Statement> {
    let mut balance = balance(tx, account)?.available();
    let id = account.id();
    let before = before.unwrap_or(i64::MAX);
    let newer = format!("{TRANSFER} WHERE (t.debit = $1 OR t.credit = $1) AND t.seq >= $2");
    tx.each(&newer, &args![id, before], |r| {
        balance -= entry(r)?.effect_on(account);
        Ok(())
    })?;
    let page = format!(
        "{TRANSFER} WHERE (t.debit = $1 OR t.credit = $1) AND t.seq < $2 \
         ORDER BY t.seq DESC LIMIT $3"
    );
    let entries = tx.all(&page, &args![id, before, limit], entry)?;
    Ok(Statement::of(account, balance, &entries))
}

/// What a record moved, in order.
pub fn caused_by(tx: &mut Tx, cause: Cause) -> Result<Vec<Transfer>> {
    let sql = format!("{TRANSFER} WHERE t.cause = $1 AND t.cause_kind = $2 ORDER BY t.seq");
    tx.all(&sql, &args![cause.id, cause.kind.code()], |r| Ok(entry(r)?.transfer))
}

/// Every transfer from the first one on, without holding them all.
pub fn each(tx: &mut Tx, mut see: impl FnMut(Entry) -> Result<()>) -> Result<()> {
    tx.each(&format!("{TRANSFER} ORDER BY t.seq"), &args![], |r| see(entry(r)?))
}

/// Every account with its balance, by unit, kind, owner and place.
pub fn each_balance(tx: &mut Tx, mut see: impl FnMut(Balance) -> Result<()>) -> Result<()> {
    let sql = format!("{BALANCE} ORDER BY a.unit, a.kind, a.owner, a.place");
    tx.each(&sql, &args![], |r| see(balance_row(r)?))
}

/// Points of the households within a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub credited: i64,
    /// Less what was reversed.
    pub redeemed: i64,
    pub outstanding: i64,
}

pub fn totals(tx: &mut Tx, scope: &Scope) -> Result<Totals> {
    let is_whole_zone = scope.paths.iter().any(|path| !path.contains('.'));
    let (redeemed, outstanding) = if is_whole_zone {
        let redeemed = balance(tx, &Account::redeemed())?.available();
        (redeemed, balance(tx, &Account::issued())?.available() - redeemed)
    } else {
        let within = Within::of(scope, "r.path", Some("r.household"), 1);
        let redeemed = format!(
            "SELECT CAST(COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN r.points \
             ELSE -r.points END), 0) AS BIGINT) FROM redemption r WHERE {}",
            within.sql
        );
        let redeemed = tx.one(&redeemed, &within.args, |r| r.int(0))?;
        let within = Within::of(scope, "a.path", Some("a.owner"), 1);
        let outstanding = format!(
            "SELECT CAST(COALESCE(SUM(a.credits_posted - a.debits_posted), 0) AS BIGINT) \
             FROM account a WHERE a.kind = 'household' AND {}",
            within.sql
        );
        (redeemed, tx.one(&outstanding, &within.args, |r| r.int(0))?)
    };
    Ok(Totals { credited: outstanding + redeemed, redeemed, outstanding })
}

/// Points credited and redeemed in the households of a scope, month by month (`YYYY-MM`).
pub fn totals_by_month(tx: &mut Tx, scope: &Scope, from: Date) -> Result<Vec<(String, i64, i64)>> {
    let within = Within::of(scope, "h.path", Some("h.id"), 2);
    let sql = format!(
        "SELECT substr(t.on_date, 1, 7) AS month, \
         CAST(SUM(CASE WHEN t.cause_kind IN ('certification', 'bonus') THEN t.amount ELSE 0 END) \
         AS BIGINT), \
         CAST(SUM(CASE t.cause_kind WHEN 'redemption' THEN t.amount \
         WHEN 'reversal' THEN -t.amount ELSE 0 END) AS BIGINT) \
         FROM household h JOIN account a ON a.owner = h.id AND a.kind = 'household' \
         JOIN transfer t ON (t.credit = a.id OR t.debit = a.id) \
         WHERE t.step = 'posted' AND t.on_date >= $1 AND {} GROUP BY 1 ORDER BY 1",
        within.sql
    );
    let mut args = vec![from.into()];
    args.extend(within.args);
    tx.all(&sql, &args, |r| Ok((r.text(0)?, r.int(1)?, r.int(2)?)))
}

/// The household's number behind each household account, for books that others read.
pub fn household_numbers(tx: &mut Tx) -> Result<HashMap<Id, String>> {
    let mut numbers = HashMap::new();
    tx.each(
        "SELECT h.id, h.number FROM account a JOIN household h ON h.id = a.owner \
         WHERE a.kind = 'household'",
        &args![],
        |r| {
            numbers.insert(r.id(0)?, r.text(1)?);
            Ok(())
        },
    )?;
    Ok(numbers)
}

fn account(r: &Row, unit: Id, first: usize) -> Result<Account> {
    let kind = r.text(first)?;
    let kind = Kind::from_code(&kind)
        .ok_or_else(|| Broken::data(format!("unknown kind of account {kind}")))?;
    Ok(Account { unit, kind, owner: r.opt_id(first + 1)?, place: r.opt_id(first + 2)? })
}

fn balance_row(r: &Row) -> Result<Balance> {
    Ok(Balance {
        account: account(r, r.id(1)?, 2)?,
        debits_posted: r.int(5)?,
        credits_posted: r.int(6)?,
        debits_pending: r.int(7)?,
        credits_pending: r.int(8)?,
    })
}

fn entry(r: &Row) -> Result<Entry> {
    let id = r.id(0)?;
    let not = |what: &str| Broken::data(format!("transfer {id}: {what} cannot be read"));
    let unit = r.id(8)?;
    let transfer = Transfer {
        id,
        step: Step::from_code(&r.text(1)?, r.opt_id(2)?).ok_or_else(|| not("step"))?,
        debit: account(r, unit, 9)?,
        credit: account(r, unit, 12)?,
        amount: Amount::new(r.int(3)?).map_err(|_| not("amount"))?,
        cause: Cause {
            kind: CauseKind::from_code(&r.text(4)?).ok_or_else(|| not("cause"))?,
            id: r.id(5)?,
        },
        on_date: r.date(6)?,
        at: r.int(7)?,
    };
    Ok(Entry { seq: r.int(15)?, transfer, held: r.opt_int(16)?.unwrap_or(0) })
}
