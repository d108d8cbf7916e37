//! The transfers that are measured, and what they must come to: plain sums, kept beside.

use std::sync::mpsc::{Receiver, sync_channel};

use domain::points::{Account, Amount, Cause, CauseKind, Step, Transfer};
use domain::{Date, Id};

pub const ACCOUNTS: u32 = 10_000;
/// Transfers of one request.
pub const BATCH: usize = 8_190;
/// What each account begins with: more than it can ever spend here.
const OPENING: i64 = 100_000_000;
const DAY: Date = jiff::civil::date(2026, 11, 30);

/// What every account was debited and credited, and how often it was moved.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Sums {
    pub debits: i64,
    pub credits: i64,
    pub movements: u64,
}

/// The accounts by their numbers; the last one is where points come from.
pub struct Model {
    pub sums: Vec<Sums>,
    dice: u64,
    ids: u64,
}

impl Model {
    pub fn new() -> Model {
        let sums = vec![Sums::default(); ACCOUNTS as usize + 1];
        Model { sums, dice: 0x9e37_79b9_7f4a_7c15, ids: 0 }
    }

    pub fn account(n: u32) -> Account {
        match n {
            ACCOUNTS => Account::issued(),
            // Scattered, as the ids of households are.
            _ => Account::household(domain::id::derive(Id::nil(), "household", n.into())),
        }
    }

    /// Something to spend for every account.
    pub fn opening(&mut self) -> Vec<Transfer> {
        (0..ACCOUNTS).map(|n| self.transfer(ACCOUNTS, n, OPENING)).collect()
    }

    /// From any account to any other, 1 to 16 points.
    pub fn next(&mut self) -> Transfer {
        let from = self.throw(ACCOUNTS);
        let to = (from + 1 + self.throw(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = 1 + i64::from(self.throw(16));
        self.transfer(from, to, amount)
    }

    fn transfer(&mut self, from: u32, to: u32, amount: i64) -> Transfer {
        self.sums[from as usize].debits += amount;
        self.sums[to as usize].credits += amount;
        self.sums[from as usize].movements += 1;
        self.sums[to as usize].movements += 1;
        self.ids += 1;
        // A thousand a millisecond, each with a part that nobody can foresee.
        let at = 1_790_000_000_000 + (self.ids / 1_000) as i64;
        let mut by_chance = [0; 10];
        by_chance[..2].copy_from_slice(&((self.ids % 1_000) as u16).to_be_bytes());
        by_chance[2..].copy_from_slice(&self.dice.to_be_bytes());
        let id = domain::id::new(at, by_chance);
        Transfer {
            id,
            step: Step::Posted,
            debit: self.account_of(from),
            credit: self.account_of(to),
            amount: Amount::new(amount).unwrap_or_else(|_| unreachable!("{amount} is positive")),
            cause: Cause { kind: CauseKind::Bonus, id },
            on_date: DAY,
            at,
        }
    }

    fn account_of(&self, n: u32) -> Account {
        Model::account(n)
    }

    /// Below `n`.
    fn throw(&mut self, n: u32) -> u32 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice % u64::from(n)) as u32
    }

    /// Batches made beside the work that is measured, up to so many transfers; then the model.
    pub fn batches(mut self, transfers: u64) -> (Receiver<Vec<Transfer>>, impl FnOnce() -> Model) {
        let (give, take) = sync_channel(2);
        let thread = std::thread::spawn(move || {
            let mut left = transfers;
            while left > 0 {
                let n = left.min(BATCH as u64);
                left -= n;
                let batch: Vec<Transfer> = (0..n).map(|_| self.next()).collect();
                if give.send(batch).is_err() {
                    break;
                }
            }
            self
        });
        (take, move || thread.join().unwrap_or_else(|_| unreachable!("the model counts")))
    }
}
