//! The ledger from its first transfer on: no gap, nothing below zero, every balance, every account
//! followed back without a gap, zero in all.

use std::collections::{BTreeMap, HashMap};

use domain::Id;
use domain::points::{Cause, CauseKind, Transfer};
use store::Tx;
use store::verify::{StoredAccount, StoredTransfer};

use super::{Check, Finding, First, Stop};

/// The sums of an account as the transfers make them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    debits: i128,
    credits: i128,
    debits_held: i128,
    credits_held: i128,
}

/// A hold that is neither posted nor voided yet.
struct Held {
    debit: Id,
    credit: Id,
    amount: i64,
}

struct Books {
    accounts: HashMap<Id, StoredAccount>,
    sums: HashMap<Id, Sums>,
    held: HashMap<Id, Held>,
    last: i64,
    /// The newest transfer of each account so far.
    last_of: HashMap<Id, i64>,
}

/// How many accounts there are.
pub(super) fn check(tx: &mut Tx) -> Result<u64, Stop> {
    let stored = store::verify::accounts(tx)?;
    for a in &stored {
        if a.id != a.account.id() {
            return Err(Finding::new("account", a.id, "is not named by what it is for").into());
        }
    }
    let mut books = Books {
        accounts: stored.into_iter().map(|a| (a.id, a)).collect(),
        sums: HashMap::new(),
        held: HashMap::new(),
        last: 0,
        last_of: HashMap::new(),
    };
    let mut first = First::default();
    store::verify::transfers(tx, |t| {
        if first.0.is_none()
            && let Err(what) = books.take(&t)
        {
            first.note(|| Finding::new("transfer", t.id, what));
        }
        Ok(())
    })?;
    first.end()?;
    balances(&books)?;
    if let Some((id, kind)) = store::verify::without_cause(tx)? {
        let what = format!("there is no {kind} it could come from");
        return Err(Finding::new("transfer", id, what).into());
    }
    Ok(books.accounts.len() as u64)
}

impl Books {
    fn take(&mut self, t: &StoredTransfer) -> Result<(), String> {
        if t.seq != self.last + 1 {
            return Err(format!("has number {} after {}", t.seq, self.last));
        }
        self.last = t.seq;
        let account = |id: Id| self.accounts.get(&id).copied();
        let (Some(debit), Some(credit)) = (account(t.debit), account(t.credit)) else {
            return Err("moves between accounts that are not there".into());
        };
        if debit.account.unit != t.unit || credit.account.unit != t.unit || t.debit == t.credit {
            return Err("moves between accounts of other units, or one account".into());
        }
        if t.amount < 1 {
            return Err(format!("moves {}", t.amount));
        }
        for (account, before) in [(t.debit, t.debit_before), (t.credit, t.credit_before)] {
            let last = self.last_of.insert(account, t.seq).unwrap_or(0);
            if before != last {
                return Err(format!("follows {before} of account {account}, not {last}"));
            }
        }
        self.step(t, &debit, &credit)?;
        for account in [debit, credit] {
            if self.available(&account) < 0 {
                return Err(format!("leaves account {} below zero", account.id));
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        t: &StoredTransfer,
        debit: &StoredAccount,
        credit: &StoredAccount,
    ) -> Result<(), String> {
        let amount = i128::from(t.amount);
        match t.step.as_str() {
            "posted" => {
                let named = expected(t, debit, credit)?;
                // What one cause moved is added up elsewhere: a second name hides no second movement.
                if t.id != named.id && t.id != named.former_id() {
                    return Err("is not named by its cause and its accounts".into());
                }
                self.sums.entry(t.debit).or_default().debits += amount;
                self.sums.entry(t.credit).or_default().credits += amount;
            }
            "hold" => {
                let held = Held { debit: t.debit, credit: t.credit, amount: t.amount };
                self.held.insert(t.id, held);
                self.sums.entry(t.debit).or_default().debits_held += amount;
                self.sums.entry(t.credit).or_default().credits_held += amount;
            }
            "post" | "void" => {
                let hold = t.hold.and_then(|hold| self.held.remove(&hold));
                let Some(hold) = hold else { return Err("settles no open hold".into()) };
                let fits = hold.debit == t.debit && hold.credit == t.credit;
                if !fits || t.amount > hold.amount {
                    return Err("settles a hold of other accounts or less".into());
                }
                let is_post = t.step == "post";
                let held = i128::from(hold.amount);
                let sums = self.sums.entry(t.debit).or_default();
                sums.debits_held -= held;
                sums.debits += if is_post { amount } else { 0 };
                let sums = self.sums.entry(t.credit).or_default();
                sums.credits_held -= held;
                sums.credits += if is_post { amount } else { 0 };
            }
            other => return Err(format!("is a {other}")),
        }
        Ok(())
    }

    fn available(&self, account: &StoredAccount) -> i128 {
        let s = self.sums.get(&account.id).copied().unwrap_or_default();
        if account.account.kind.is_source() {
            s.debits - s.credits - s.credits_held
        } else {
            s.credits - s.debits - s.debits_held
        }
    }
}

fn expected(
    t: &StoredTransfer,
    debit: &StoredAccount,
    credit: &StoredAccount,
) -> Result<Transfer, String> {
    let kind = CauseKind::from_code(&t.cause_kind).ok_or("has no known cause")?;
    let amount = domain::points::Amount::new(t.amount).map_err(|_| "moves nothing")?;
    let cause = Cause { kind, id: t.cause };
    let date = domain::Date::default();
    Ok(Transfer::posted(cause, debit.account, credit.account, amount, date, 0))
}

/// Every stored balance is what the transfers make it, and each unit comes to nought.
fn balances(books: &Books) -> Check {
    let mut totals: BTreeMap<Id, i128> = BTreeMap::new();
    let mut ids: Vec<&Id> = books.accounts.keys().collect();
    ids.sort_unstable();
    for id in ids {
        let a = &books.accounts[id];
        let stored = Sums {
            debits: a.debits_posted.into(),
            credits: a.credits_posted.into(),
            debits_held: a.debits_pending.into(),
            credits_held: a.credits_pending.into(),
        };
        if stored != books.sums.get(id).copied().unwrap_or_default() {
            return Err(Finding::new("account", id, "has a balance no transfers make").into());
        }
        let last = books.last_of.get(id).copied().unwrap_or(0);
        if a.last != last {
            let what = format!("names {} for its last transfer, not {last}", a.last);
            return Err(Finding::new("account", id, what).into());
        }
        *totals.entry(a.account.unit).or_default() += stored.credits - stored.debits;
    }
    match totals.iter().find(|(_, total)| **total != 0) {
        Some((unit, total)) => {
            Err(Finding::new("account", unit, format!("this unit comes to {total}, not to 0"))
                .into())
        }
        None => Ok(()),
    }
}
