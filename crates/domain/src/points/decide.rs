//! Transfers against balances: all of a request, or nothing of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Account, Balance, Refusal, Step, Transfer};
use crate::Id;

/// What the ledger says of the accounts and identifiers that a request names. An account or a
/// transfer that is not here does not exist yet.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The number of the last transfer.
    pub last: i64,
    /// By the account's id.
    pub balances: HashMap<Id, Balance>,
    /// Transfers with an id of the request, and holds that the request names.
    pub kept: HashMap<Id, Kept>,
}

/// A transfer already in the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub transfer: Transfer,
    /// For a hold: what became of it.
    pub settled: Option<Settled>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Posted,
    Voided,
}

/// A transfer with its place in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub seq: i64,
    pub transfer: Transfer,
    /// The number of the transfer that moved the debited account before this one; 0: none did. By
    /// these two an account's movements are followed back, newest first.
    pub debit_before: i64,
    /// The same of the credited account.
    pub credit_before: i64,
}

impl Recorded {
    /// The fingerprint of the stored row.
    pub fn digest(&self) -> [u8; 32] {
        self.transfer.digest(self.seq)
    }
}

/// What is to be recorded: the new transfers in order, and each touched balance once, by account id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub transfers: Vec<Recorded>,
    /// Of accounts that the ledger has.
    pub moved: Vec<Balance>,
    /// Of accounts that are opened by this request.
    pub opened: Vec<Balance>,
}

/// One refused transfer of a request, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub index: usize,
    pub refusal: Refusal,
}

/// Decides a request of any length. A transfer that the ledger already has is left out silently;
/// if one is refused none is recorded, and the list names every one that the rules refuse.
pub fn decide(facts: Facts, transfers: &[Transfer]) -> Result<Decision, Vec<Refused>> {
    let mut ledger = Ledger::over(facts, transfers.len());
    let mut refused = Vec::new();
    for (index, transfer) in transfers.iter().enumerate() {
        if let Err(refusal) = ledger.apply(transfer) {
            refused.push(Refused { index, refusal });
        }
    }
    if refused.is_empty() { Ok(ledger.decision()) } else { Err(refused) }
}

/// The facts, moved on by this request's own transfers.
struct Ledger {
    facts: Facts,
    /// Accounts that were not there.
    opened: Vec<Id>,
    new: Vec<Recorded>,
    index_of_new: HashMap<Id, usize>,
    settled: HashMap<Id, Settled>,
}

impl Ledger {
    fn over(facts: Facts, transfers: usize) -> Ledger {
        Ledger {
            facts,
            opened: Vec::new(),
            new: Vec::with_capacity(transfers),
            index_of_new: HashMap::with_capacity(transfers),
            settled: HashMap::new(),
        }
    }

    fn find(&self, id: Id) -> Option<Kept> {
        match self.index_of_new.get(&id) {
            Some(&index) => Some(Kept {
                transfer: self.new[index].transfer,
                settled: self.settled.get(&id).copied(),
            }),
            None => self.facts.kept.get(&id).map(|kept| Kept {
                settled: self.settled.get(&id).copied().or(kept.settled),
                ..*kept
            }),
        }
    }

    /// Opens those of the accounts that are not there.
    fn open(&mut self, accounts: [&Account; 2]) {
        for account in accounts {
            if let Entry::Vacant(vacant) = self.facts.balances.entry(account.id()) {
                vacant.insert(Balance::zero(*account));
                self.opened.push(account.id());
            }
        }
    }

    fn apply(&mut self, transfer: &Transfer) -> Result<(), Refusal> {
        if let Some(kept) = self.find(transfer.id) {
            return match kept.transfer.is_same_as(transfer) {
                true => Ok(()),
                false => Err(Refusal::IdReused { id: transfer.id }),
            };
        }
        let accounts = [&transfer.debit.id(), &transfer.credit.id()];
        if accounts[0] == accounts[1] {
            return Err(Refusal::AccountsEqual);
        }
        if transfer.debit.unit != transfer.credit.unit {
            return Err(Refusal::UnitMismatch);
        }
        let hold = transfer.step.hold().map(|id| self.open_hold(id, transfer)).transpose()?;
        let seq = self.facts.last + self.new.len() as i64 + 1;
        let recorded = loop {
            match self.facts.balances.get_disjoint_mut(accounts) {
                [Some(debit), Some(credit)] => break record(debit, credit, transfer, hold, seq)?,
                _ => self.open([&transfer.debit, &transfer.credit]),
            }
        };

        // Nothing below can fail.
        match transfer.step {
            Step::Post(hold) => self.settled.insert(hold, Settled::Posted),
            Step::Void(hold) => self.settled.insert(hold, Settled::Voided),
            Step::Posted | Step::Hold => None,
        };
        self.index_of_new.insert(transfer.id, self.new.len());
        self.new.push(recorded);
        Ok(())
    }

    fn open_hold(&self, id: Id, transfer: &Transfer) -> Result<Transfer, Refusal> {
        let kept = self.find(id).filter(|kept| kept.transfer.step == Step::Hold);
        let Some(kept) = kept else {
            return Err(Refusal::HoldNotFound { hold: id });
        };
        match kept.settled {
            Some(Settled::Posted) => return Err(Refusal::HoldAlreadyPosted { hold: id }),
            Some(Settled::Voided) => return Err(Refusal::HoldAlreadyVoided { hold: id }),
            None => {}
        }
        let hold = kept.transfer;
        if hold.debit != transfer.debit || hold.credit != transfer.credit {
            return Err(Refusal::HoldDiffers { hold: id });
        }
        Ok(hold)
    }

    fn decision(mut self) -> Decision {
        let (last, mut opened) = (self.facts.last, Vec::with_capacity(self.opened.len()));
        let take = |id| self.facts.balances.remove(&id);
        opened.extend(self.opened.into_iter().filter_map(take).filter(|b| b.last > last));
        let mut moved: Vec<Balance> =
            self.facts.balances.into_values().filter(|balance| balance.last > last).collect();
        // Each is moved once: they are large.
        opened.sort_by_cached_key(|balance| balance.account.id());
        moved.sort_by_cached_key(|balance| balance.account.id());
        Decision { transfers: self.new, moved, opened }
    }
}

/// Moves both balances, or refuses and leaves them as they are.
fn record(
    debit: &mut Balance,
    credit: &mut Balance,
    transfer: &Transfer,
    hold: Option<Transfer>,
    seq: i64,
) -> Result<Recorded, Refusal> {
    let (mut debited, mut credited) = match (transfer.step, hold) {
        (Step::Post(_), Some(hold)) => post(*debit, *credit, transfer, hold)?,
        (Step::Void(_), Some(hold)) => void(*debit, *credit, transfer, hold)?,
        (Step::Hold, _) => self::hold(*debit, *credit, transfer)?,
        (Step::Posted, _) => move_now(*debit, *credit, transfer)?,
        (Step::Post(hold) | Step::Void(hold), None) => {
            return Err(Refusal::HoldNotFound { hold });
        }
    };
    let (debit_before, credit_before) = (debit.last, credit.last);
    (debited.last, credited.last) = (seq, seq);
    (*debit, *credit) = (debited, credited);
    Ok(Recorded { seq, transfer: *transfer, debit_before, credit_before })
}

type Both = Result<(Balance, Balance), Refusal>;

fn move_now(mut debit: Balance, mut credit: Balance, transfer: &Transfer) -> Both {
    check_limits(&debit, &credit, transfer)?;
    debit.debits_posted += transfer.amount.get();
    credit.credits_posted += transfer.amount.get();
    Ok((debit, credit))
}

fn hold(mut debit: Balance, mut credit: Balance, transfer: &Transfer) -> Both {
    check_limits(&debit, &credit, transfer)?;
    debit.debits_pending += transfer.amount.get();
    credit.credits_pending += transfer.amount.get();
    Ok((debit, credit))
}

fn post(mut debit: Balance, mut credit: Balance, transfer: &Transfer, hold: Transfer) -> Both {
    let (held, asked) = (hold.amount.get(), transfer.amount.get());
    if asked > held {
        return Err(Refusal::HoldExceeded { held, asked });
    }
    debit.debits_pending -= held;
    debit.debits_posted += asked;
    credit.credits_pending -= held;
    credit.credits_posted += asked;
    Ok((debit, credit))
}

fn void(mut debit: Balance, mut credit: Balance, transfer: &Transfer, hold: Transfer) -> Both {
    if transfer.amount != hold.amount {
        return Err(Refusal::HoldDiffers { hold: hold.id });
    }
    debit.debits_pending -= hold.amount.get();
    credit.credits_pending -= hold.amount.get();
    Ok((debit, credit))
}

/// Neither account below zero, neither count beyond 64 bits. What is pending counts as if it were
/// posted, so that a hold can always be posted.
fn check_limits(debit: &Balance, credit: &Balance, transfer: &Transfer) -> Result<(), Refusal> {
    let need = transfer.amount.get();
    let fits = |posted: i64, pending: i64| {
        posted.checked_add(pending).and_then(|sum| sum.checked_add(need)).is_some()
    };
    if !fits(debit.debits_posted, debit.debits_pending) {
        return Err(Refusal::TooLarge { account: debit.account });
    }
    if !fits(credit.credits_posted, credit.credits_pending) {
        return Err(Refusal::TooLarge { account: credit.account });
    }
    if !debit.account.kind.is_source() && debit.available() < need {
        let (account, balance) = (debit.account, debit.available());
        return Err(Refusal::WouldOverdraw { account, balance, need });
    }
    if credit.account.kind.is_source() && credit.available() < need {
        let (account, balance) = (credit.account, credit.available());
        return Err(Refusal::WouldOverdraw { account, balance, need });
    }
    Ok(())
}
