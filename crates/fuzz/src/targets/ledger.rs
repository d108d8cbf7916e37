//! Transfers against a ledger so plain that it cannot be wrong: a list of what was taken, counted
//! anew for every question.

use std::collections::HashMap;

use domain::points::{
    Account, Amount, Balance, Cause, CauseKind, Facts, Kept, Settled, Step, Transfer, decide,
};
use domain::{Id, Refusal as _};

use super::register::TODAY;
use crate::bytes::Bytes;

fn id(n: usize) -> Id {
    Id::from_u128(n as u128)
}

#[derive(Default)]
pub struct Plain {
    pub taken: Vec<Transfer>,
}

impl Plain {
    fn find(&self, id: Id) -> Option<&Transfer> {
        self.taken.iter().find(|t| t.id == id)
    }

    fn settled(&self, hold: Id) -> Option<Settled> {
        self.taken.iter().find_map(|t| match t.step {
            Step::Post(of) if of == hold => Some(Settled::Posted),
            Step::Void(of) if of == hold => Some(Settled::Voided),
            _ => None,
        })
    }

    /// Debits and credits of an account, posted, then pending.
    pub fn count(&self, account: Account) -> [i128; 4] {
        let mut sums = [0; 4];
        for t in &self.taken {
            let at = match t.step {
                Step::Void(_) => continue,
                Step::Hold if self.settled(t.id).is_some() => continue,
                Step::Hold => 2,
                Step::Posted | Step::Post(_) => 0,
            };
            let amount = i128::from(t.amount.get());
            sums[at] += if t.debit == account { amount } else { 0 };
            sums[at + 1] += if t.credit == account { amount } else { 0 };
        }
        sums
    }

    /// The code with which it is refused.
    fn refuses(&self, t: &Transfer) -> Option<&'static str> {
        if t.debit == t.credit {
            return Some("transfer-accounts-equal");
        }
        if t.debit.unit != t.credit.unit {
            return Some("transfer-unit-mismatch");
        }
        if let Some(hold) = t.step.hold() {
            let Some(held) = self.find(hold).filter(|held| held.step == Step::Hold) else {
                return Some("transfer-hold-not-found");
            };
            let is_void = matches!(t.step, Step::Void(_));
            return match self.settled(hold) {
                Some(Settled::Posted) => Some("transfer-hold-already-posted"),
                Some(Settled::Voided) => Some("transfer-hold-already-voided"),
                None if (held.debit, held.credit) != (t.debit, t.credit) => {
                    Some("transfer-hold-differs")
                }
                None if is_void && held.amount != t.amount => Some("transfer-hold-differs"),
                None if !is_void && held.amount < t.amount => Some("transfer-hold-exceeded"),
                None => None,
            };
        }
        let amount = i128::from(t.amount.get());
        let (debit, credit) = (self.count(t.debit), self.count(t.credit));
        let max = i128::from(i64::MAX);
        if debit[0] + debit[2] + amount > max || credit[1] + credit[3] + amount > max {
            return Some("transfer-too-large");
        }
        let left = debit[1] - debit[0] - debit[2];
        let out = credit[0] - credit[1] - credit[3];
        let overdrawn = (!t.debit.kind.is_source() && left < amount)
            || (t.credit.kind.is_source() && out < amount);
        overdrawn.then_some("transfer-would-overdraw")
    }

    /// Takes all of a request or nothing; which are refused, and with which code.
    pub fn send(&mut self, request: &[Transfer]) -> Vec<(usize, &'static str)> {
        let before = self.taken.len();
        let mut refused = Vec::new();
        for (index, t) in request.iter().enumerate() {
            match self.find(t.id) {
                Some(first) if first.is_same_as(t) => {}
                Some(_) => refused.push((index, "transfer-id-reused")),
                None => match self.refuses(t) {
                    Some(code) => refused.push((index, code)),
                    None => self.taken.push(*t),
                },
            }
        }
        if !refused.is_empty() {
            self.taken.truncate(before);
        }
        refused
    }
}

pub fn accounts() -> [Account; 8] {
    [
        Account::issued(),
        Account::household(id(1)),
        Account::household(id(2)),
        Account::redeemed(),
        Account::donated(id(9)),
        Account::stock(id(9), id(1), id(1)),
        Account::stock(id(9), id(1), id(2)),
        Account::handed_out(id(9)),
    ]
}

/// Moves that make sense more often than any two accounts do.
pub fn drawn(choices: &mut Bytes<'_>, plain: &Plain) -> Transfer {
    let accounts = accounts();
    let usual = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 1), (4, 5), (5, 6), (6, 7), (7, 6), (1, 0)];
    let (debit, credit) = match choices.below(12) {
        n if n < usual.len() => usual[n],
        _ => (choices.below(8), choices.below(8)),
    };
    let amount = choices.number();
    let mut t = Transfer {
        id: id(1 + choices.below(50)),
        step: Step::Posted,
        debit: accounts[debit],
        credit: accounts[credit],
        amount: Amount::new(amount).or(Amount::new(1)).expect("positive"),
        cause: Cause { kind: CauseKind::Certification, id: id(7) },
        on_date: TODAY,
        at: 0,
    };
    let hold = id(1 + choices.below(50));
    t.step = match choices.below(8) {
        0..3 => Step::Posted,
        3 | 4 => Step::Hold,
        5 | 6 => Step::Post(hold),
        _ => Step::Void(hold),
    };
    if let (Some(held), Some(_), true) = (plain.find(hold), t.step.hold(), choices.truth()) {
        (t.debit, t.credit) = (held.debit, held.credit);
        t.amount = if choices.truth() { held.amount } else { t.amount };
    }
    if let (Some(first), true) = (plain.find(t.id).copied(), choices.truth()) {
        t = first;
    }
    t
}

/// Requests of one to three transfers, each answered as the plain ledger answers.
pub fn ledger(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let mut facts = Facts::default();
    let mut plain = Plain::default();
    for _ in 0..60 {
        if choices.is_empty() {
            break;
        }
        let count = 1 + choices.below(3);
        let request: Vec<Transfer> = (0..count).map(|_| drawn(&mut choices, &plain)).collect();
        let before = plain.taken.len();
        let refused = plain.send(&request);
        match decide(facts.clone(), &request) {
            Ok(decision) => {
                assert_eq!(refused, []);
                let taken: Vec<Transfer> = decision.transfers.iter().map(|r| r.transfer).collect();
                assert_eq!(taken, plain.taken[before..]);
                keep(&mut facts, &taken, decision.moved.into_iter().chain(decision.opened));
            }
            Err(list) => {
                let said: Vec<_> = list.iter().map(|r| (r.index, r.refusal.code())).collect();
                assert_eq!(said, refused, "{request:?}");
            }
        }
        is_sound(&facts, &plain);
    }
}

fn keep(facts: &mut Facts, transfers: &[Transfer], balances: impl Iterator<Item = Balance>) {
    facts.last += transfers.len() as i64;
    for t in transfers {
        if let Some(hold) = t.step.hold() {
            let is_void = matches!(t.step, Step::Void(_));
            let settled = if is_void { Settled::Voided } else { Settled::Posted };
            facts.kept.get_mut(&hold).expect("held before").settled = Some(settled);
        }
        facts.kept.insert(t.id, Kept { transfer: *t, settled: None });
    }
    facts.balances.extend(balances.map(|balance| (balance.account.id(), balance)));
}

/// Balances are what the list adds up to, no holder is below nought, every unit sums to nought.
fn is_sound(facts: &Facts, plain: &Plain) {
    let mut units: HashMap<Id, i128> = HashMap::new();
    for account in accounts() {
        let sums = plain.count(account);
        let balance = facts.balances.get(&account.id()).copied().unwrap_or(Balance::zero(account));
        let kept = [
            balance.debits_posted,
            balance.credits_posted,
            balance.debits_pending,
            balance.credits_pending,
        ];
        assert_eq!(sums, kept.map(i128::from), "{account:?}");
        assert!(balance.available() >= 0, "{account:?} is below nought");
        *units.entry(account.unit).or_default() += sums[0] - sums[1];
    }
    assert!(units.values().all(|sum| *sum == 0));
}
