//! The SQL of the points room: accounts and transfers, of points and of goods.

use std::collections::HashMap;

use domain::Id;
use domain::access::Scope;
use domain::points::{
    Account, Amount, Balance, Cause, CauseKind, Decision, Entry, Facts, Kept, Kind, Settled,
    Statement, Step, Transfer,
};

use crate::{Broken, Result, Row, Tx, Type, Val, Within, args};

const BALANCE: &str = "SELECT a.id, a.unit, a.kind, a.owner, a.place, a.debits_posted, \
                       a.credits_posted, a.debits_pending, a.credits_pending, a.last FROM account a";

/// Of an account that is known by its id.
const KEPT: &str = "SELECT a.id, a.debits_posted, a.credits_posted, a.debits_pending, \
                    a.credits_pending, a.last FROM account a";

const TRANSFER: &str = "SELECT t.id, t.step, t.hold, t.amount, t.cause_kind, t.cause, t.on_date, \
                        t.at, t.unit, d.kind, d.owner, d.place, c.kind, c.owner, c.place, t.seq, \
                        h.amount, t.debit, t.credit FROM transfer t JOIN account d ON d.id = t.debit \
                        JOIN account c ON c.id = t.credit LEFT JOIN transfer h ON h.id = t.hold";

/// The transfer before `t` that moved the account of movement `m`.
const BEFORE: &str = "CASE WHEN t.debit = m.account THEN t.debit_before ELSE t.credit_before END";

/// A common table `movement (account, seq)`: the movements of the accounts `a` that fit `of`, each
/// account's newest first. There is no index by account: a transfer names the one before it.
pub(crate) fn movements(of: &str) -> String {
    format!(
        "WITH RECURSIVE movement (account, seq) AS (\
           SELECT a.id, a.last FROM account a WHERE a.last > 0 AND {of} \
           UNION ALL SELECT m.account, {BEFORE} FROM movement m \
           JOIN transfer t ON t.seq = m.seq WHERE {BEFORE} > 0)"
    )
}

/// Everything that `domain::points::decide` asks about these transfers.
pub fn facts(tx: &mut Tx, transfers: &[Transfer]) -> Result<Facts> {
    let mut facts = Facts { last: crate::wall::last_transfer(tx)?, ..Facts::default() };
    let named = transfers.iter().flat_map(|t| [&t.debit, &t.credit]);
    let named: HashMap<Id, &Account> = named.map(|account| (account.id(), account)).collect();
    let mut ids: Vec<Id> = named.keys().copied().collect();
    ids.sort_unstable();
    facts.balances.reserve(ids.len());
    tx.each_of(KEPT, &[], "a.id", &ids, |r| {
        let id = r.id(0)?;
        let account = named.get(&id).ok_or_else(|| Broken::data("an account that none asked"))?;
        facts.balances.insert(id, counts_row(r, **account, 1)?);
        Ok(())
    })?;

    // Ids are drawn in the order of time: most are later than every id the ledger has.
    let newest = crate::wall::newest_transfer(tx)?;
    let mut ids: Vec<Id> =
        transfers.iter().map(|t| t.id).filter(|id| Some(*id) <= newest).collect();
    ids.extend(transfers.iter().filter_map(|t| t.step.hold()));
    ids.sort_unstable();
    ids.dedup();
    tx.each_of(TRANSFER, &[], "t.id", &ids, |r| {
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
    let paths = paths(tx, &decision.opened)?;
    let opened = decision.opened.iter().map(|b| {
        let path = b.account.owner.and_then(|owner| paths.get(&owner));
        let for_what = [
            Val::Id(b.account.unit),
            b.account.kind.code().into(),
            b.account.owner.into(),
            b.account.place.into(),
            path.map_or("", String::as_str).into(),
        ];
        counts(b).into_iter().chain(for_what)
    });
    let columns: Vec<_> = std::iter::once(KEY).chain(COUNTS).chain(FOR_WHAT).collect();
    tx.insert_all("account", &columns, "", opened)?;
    tx.update_all("account", KEY, &COUNTS, decision.moved.iter().map(counts))?;

    let rows = decision.transfers.iter().map(|r| {
        let t = &r.transfer;
        [
            Val::Int(r.seq),
            Val::Id(t.id),
            Val::Id(t.unit()),
            Val::Code(t.step.code()),
            Val::Id(t.debit.id()),
            Val::Id(t.credit.id()),
            Val::Int(t.amount.get()),
            Val::Int(r.debit_before),
            Val::Int(r.credit_before),
            t.step.hold().into(),
            Val::Code(t.cause.kind.code()),
            Val::Id(t.cause.id),
            t.on_date.into(),
            Val::Int(t.at),
            r.digest().into(),
        ]
    });
    tx.insert_made("transfer", &COLUMNS, rows)?;
    Ok(())
}

fn counts(b: &Balance) -> [Val; 6] {
    [
        Val::Id(b.account.id()),
        Val::Int(b.debits_posted),
        Val::Int(b.credits_posted),
        Val::Int(b.debits_pending),
        Val::Int(b.credits_pending),
        Val::Int(b.last),
    ]
}

const KEY: (&str, Type) = ("id", Type::Id);

const COUNTS: [(&str, Type); 5] = [
    ("debits_posted", Type::Int),
    ("credits_posted", Type::Int),
    ("debits_pending", Type::Int),
    ("credits_pending", Type::Int),
    ("last", Type::Int),
];

const FOR_WHAT: [(&str, Type); 5] = [
    ("unit", Type::Id),
    ("kind", Type::Text),
    ("owner", Type::Id),
    ("place", Type::Id),
    ("path", Type::Text),
];

/// Where the households lie whose accounts are opened.
fn paths(tx: &mut Tx, opened: &[Balance]) -> Result<HashMap<Id, String>> {
    let accounts = opened.iter().map(|b| &b.account);
    let households: Vec<Id> =
        accounts.filter(|a| a.kind == Kind::Household).filter_map(|a| a.owner).collect();
    let mut paths = HashMap::with_capacity(households.len());
    tx.each_of("SELECT h.id, h.path FROM household h", &[], "h.id", &households, |r| {
        paths.insert(r.id(0)?, r.text(1)?);
        Ok(())
    })?;
    Ok(paths)
}

const COLUMNS: [(&str, Type); 15] = [
    ("seq", Type::Int),
    ("id", Type::Id),
    ("unit", Type::Id),
    ("step", Type::Text),
    ("debit", Type::Id),
    ("credit", Type::Id),
    ("amount", Type::Int),
    ("debit_before", Type::Int),
    ("credit_before", Type::Int),
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
/// `limit` is at least 1.
pub fn statement(
    tx: &mut Tx,
    account: &Account,
    before: Option<i64>,
    limit: i64,
) -> Result<Statement> {
    let mut balance = balance(tx, account)?.available();
    // Counted from the newest one on, so that it ends with the page.
    let sql = format!(
        "WITH RECURSIVE movement (account, next, line, seq, id, step, hold, amount, cause_kind, cause, \
           on_date, at, unit, debit, credit) AS (\
           SELECT a.id, a.last, CAST(0 AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS UUID), \
             CAST(NULL AS TEXT), CAST(NULL AS UUID), CAST(NULL AS BIGINT), CAST(NULL AS TEXT), \
             CAST(NULL AS UUID), CAST(NULL AS TEXT), CAST(NULL AS BIGINT), CAST(NULL AS UUID), \
             CAST(NULL AS UUID), CAST(NULL AS UUID) \
           FROM account a WHERE a.id = $1 \
           UNION ALL SELECT m.account, {BEFORE}, m.line + CASE WHEN t.seq < $2 THEN 1 ELSE 0 END, \
             t.seq, t.id, t.step, t.hold, t.amount, t.cause_kind, t.cause, t.on_date, t.at, t.unit, \
             t.debit, t.credit \
           FROM movement m JOIN transfer t ON t.seq = m.next WHERE m.line < $3) \
         {} WHERE t.seq > 0 ORDER BY t.seq DESC",
        TRANSFER.replacen("FROM transfer t", "FROM movement t", 1)
    );
    let before = before.unwrap_or(i64::MAX);
    let mut entries = Vec::new();
    tx.each(&sql, &args![account.id(), before, limit], |r| {
        let entry = entry(r)?;
        match entry.seq < before {
            true => entries.push(entry),
            false => balance -= entry.effect_on(account),
        }
        Ok(())
    })?;
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

/// Its unit, and its kind, owner and place from column `first` on.
fn account(r: &Row, id: Id, unit: Id, first: usize) -> Result<Account> {
    let kind = r.text(first)?;
    let kind = Kind::from_code(&kind)
        .ok_or_else(|| Broken::data(format!("unknown kind of account {kind}")))?;
    Ok(Account::kept(id, unit, kind, r.opt_id(first + 1)?, r.opt_id(first + 2)?))
}

fn balance_row(r: &Row) -> Result<Balance> {
    counts_row(r, account(r, r.id(0)?, r.id(1)?, 2)?, 5)
}

fn counts_row(r: &Row, account: Account, first: usize) -> Result<Balance> {
    Ok(Balance {
        account,
        debits_posted: r.int(first)?,
        credits_posted: r.int(first + 1)?,
        debits_pending: r.int(first + 2)?,
        credits_pending: r.int(first + 3)?,
        last: r.int(first + 4)?,
    })
}

fn entry(r: &Row) -> Result<Entry> {
    let id = r.id(0)?;
    let not = |what: &str| Broken::data(format!("transfer {id}: {what} cannot be read"));
    let unit = r.id(8)?;
    let transfer = Transfer {
        id,
        step: Step::from_code(&r.text(1)?, r.opt_id(2)?).ok_or_else(|| not("step"))?,
        debit: account(r, r.id(17)?, unit, 9)?,
        credit: account(r, r.id(18)?, unit, 12)?,
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
