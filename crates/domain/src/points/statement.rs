//! One account's movements, newest first, each with the balance after it.

use jiff::civil::Date;

use super::{Account, Cause, Step, Transfer};
use crate::Millis;

/// A transfer as the ledger keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub seq: i64,
    pub transfer: Transfer,
    /// For a transfer that posts or voids a hold: the amount of the hold.
    pub held: i64,
}

impl Entry {
    /// How the account's available balance changes by this entry.
    pub fn effect_on(&self, account: &Account) -> i64 {
        let amount = self.transfer.amount.get();
        if self.transfer.debit == *account {
            return match self.transfer.step {
                Step::Posted | Step::Hold => -amount,
                Step::Post(_) => self.held - amount,
                Step::Void(_) => self.held,
            };
        }
        match self.transfer.step {
            Step::Posted | Step::Post(_) if self.transfer.credit == *account => amount,
            _ => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub seq: i64,
    pub on_date: Date,
    pub at: Millis,
    pub cause: Cause,
    pub step: Step,
    /// Signed: what the line adds to the balance.
    pub effect: i64,
    /// After this line.
    pub balance: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// Newest first.
    pub lines: Vec<Line>,
    /// Before the oldest line shown.
    pub opening: i64,
}

impl Statement {
    /// `entries` newest first; `balance` is the one after the first of them.
    pub fn of(account: &Account, balance: i64, entries: &[Entry]) -> Statement {
        let mut after = balance;
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            let effect = entry.effect_on(account);
            let Transfer { on_date, at, cause, step, .. } = entry.transfer;
            lines.push(Line { seq: entry.seq, on_date, at, cause, step, effect, balance: after });
            after -= effect;
        }
        Statement { lines, opening: after }
    }
}
