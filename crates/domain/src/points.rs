//! The ledger: accounts, transfers, balances, for points and for goods alike. Double entry,
//! append-only. Knows nothing of households' names, of cards or of prices.

mod book;
mod decide;
mod statement;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use crate::audit::Digest;
use crate::{Arg, Id, Millis};

pub use book::{Book, Format};
pub use decide::{Decision, Facts, Kept, Recorded, Refused, Settled, decide};
pub use statement::{Entry, Line, Statement};

/// The unit of account of points. A good's id is the unit of that good.
pub const POINTS: Id = Id::from_u128(0x53494a49_0000_8000_8000_706f696e7473);

/// What an account stands for. Every unit has one source; what left it is in a holder or a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Points come from here.
    Issued,
    /// What one household may spend.
    Household,
    /// Points that were spent.
    Redeemed,
    /// Goods come from here.
    Donated,
    /// One lot at one place.
    Stock,
    /// Goods that went to households.
    HandedOut,
    /// Goods that were lost or went bad.
    WrittenOff,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Issued,
        Kind::Household,
        Kind::Redeemed,
        Kind::Donated,
        Kind::Stock,
        Kind::HandedOut,
        Kind::WrittenOff,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Kind::Issued => "issued",
            Kind::Household => "household",
            Kind::Redeemed => "redeemed",
            Kind::Donated => "donated",
            Kind::Stock => "stock",
            Kind::HandedOut => "handed_out",
            Kind::WrittenOff => "written_off",
        }
    }
    pub fn from_code(code: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.code() == code)
    }
    /// A source is debited when something comes into being; every other account is credited.
    pub fn is_source(self) -> bool {
        matches!(self, Kind::Issued | Kind::Donated)
    }
}

/// One account, named by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Of the fields below; hidden, so that no account is made without it.
    id: Id,
    pub unit: Id,
    pub kind: Kind,
    /// A household or a lot.
    pub owner: Option<Id>,
    pub place: Option<Id>,
}

impl std::hash::Hash for Account {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl Account {
    /// Its id follows from what the account is for, so that two machines open the same account.
    pub fn new(unit: Id, kind: Kind, owner: Option<Id>, place: Option<Id>) -> Account {
        let digest = Digest::of("account").id(unit).text(kind.code()).opt_id(owner).opt_id(place);
        Account { id: derived(digest.finish()), unit, kind, owner, place }
    }
    /// As the ledger has it. Whether the id follows is for whoever checks the books to ask.
    pub fn kept(id: Id, unit: Id, kind: Kind, owner: Option<Id>, place: Option<Id>) -> Account {
        Account { id, unit, kind, owner, place }
    }
    pub fn issued() -> Account {
        Account::new(POINTS, Kind::Issued, None, None)
    }
    pub fn household(household: Id) -> Account {
        Account::new(POINTS, Kind::Household, Some(household), None)
    }
    pub fn redeemed() -> Account {
        Account::new(POINTS, Kind::Redeemed, None, None)
    }
    pub fn donated(goods: Id) -> Account {
        Account::new(goods, Kind::Donated, None, None)
    }
    pub fn stock(goods: Id, lot: Id, place: Id) -> Account {
        Account::new(goods, Kind::Stock, Some(lot), Some(place))
    }
    pub fn handed_out(goods: Id) -> Account {
        Account::new(goods, Kind::HandedOut, None, None)
    }
    pub fn written_off(goods: Id) -> Account {
        Account::new(goods, Kind::WrittenOff, None, None)
    }

    pub fn id(&self) -> Id {
        self.id
    }
}

/// First 16 bytes of a SHA-256 as an identifier of version 8 (RFC 9562, 5.8).
fn derived(sha256: [u8; 32]) -> Id {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A positive count of a unit: points, bags, bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    pub fn new(count: i64) -> Result<Amount, Refusal> {
        if count < 1 {
            Err(Refusal::AmountNotPositive { amount: count })
        } else {
            Ok(Amount(count))
        }
    }
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A movement at once, or the two halves of one in two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Posted,
    /// Reserves; what is held can be spent by nobody else.
    Hold,
    /// Makes the named hold real, in full or in part; the rest is released.
    Post(Id),
    /// Releases the named hold.
    Void(Id),
}

impl Step {
    pub fn code(self) -> &'static str {
        match self {
            Step::Posted => "posted",
            Step::Hold => "hold",
            Step::Post(_) => "post",
            Step::Void(_) => "void",
        }
    }
    pub fn hold(self) -> Option<Id> {
        match self {
            Step::Post(hold) | Step::Void(hold) => Some(hold),
            Step::Posted | Step::Hold => None,
        }
    }
    /// `None` for an unknown code, and for a hold named where there is none or missing where there is.
    pub fn from_code(code: &str, hold: Option<Id>) -> Option<Step> {
        match (code, hold) {
            ("posted", None) => Some(Step::Posted),
            ("hold", None) => Some(Step::Hold),
            ("post", Some(hold)) => Some(Step::Post(hold)),
            ("void", Some(hold)) => Some(Step::Void(hold)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseKind {
    Certification,
    Bonus,
    Redemption,
    Reversal,
    Donation,
    Move,
    WriteOff,
}

impl CauseKind {
    pub const ALL: [CauseKind; 7] = [
        CauseKind::Certification,
        CauseKind::Bonus,
        CauseKind::Redemption,
        CauseKind::Reversal,
        CauseKind::Donation,
        CauseKind::Move,
        CauseKind::WriteOff,
    ];
    pub fn code(self) -> &'static str {
        match self {
            CauseKind::Certification => "certification",
            CauseKind::Bonus => "bonus",
            CauseKind::Redemption => "redemption",
            CauseKind::Reversal => "reversal",
            CauseKind::Donation => "donation",
            CauseKind::Move => "move",
            CauseKind::WriteOff => "write_off",
        }
    }
    pub fn from_code(code: &str) -> Option<CauseKind> {
        CauseKind::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// The record that a transfer follows from: a batch, a redemption, a donation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    pub kind: CauseKind,
    pub id: Id,
}

fn named_by(cause: Cause, debit: Account, credit: Account) -> String {
    format!("{} {} {}", cause.kind.code(), debit.id(), credit.id())
}

/// One movement of one unit from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub id: Id,
    pub step: Step,
    pub debit: Account,
    pub credit: Account,
    pub amount: Amount,
    pub cause: Cause,
    pub on_date: Date,
    pub at: Millis,
}

impl Transfer {
    /// A movement at once. Its id follows from the cause and the two accounts, so that the same
    /// cause moves the same thing between the same accounts once, however often it is sent. Movements
    /// of one cause stand together in an index.
    pub fn posted(
        cause: Cause,
        debit: Account,
        credit: Account,
        amount: Amount,
        on_date: Date,
        at: Millis,
    ) -> Transfer {
        let id = crate::id::derive_beside(cause.id, &named_by(cause, debit, credit), 0);
        Transfer { id, step: Step::Posted, debit, credit, amount, cause, on_date, at }
    }

    /// What it would have been called by zones of the first programs, which looked all over the index
    /// for each movement of a month.
    pub fn former_id(&self) -> Id {
        crate::id::derive(self.cause.id, &named_by(self.cause, self.debit, self.credit), 0)
    }

    /// Points for one household.
    pub fn credit(
        cause: Cause,
        household: Id,
        points: Amount,
        on_date: Date,
        at: Millis,
    ) -> Transfer {
        let household = Account::household(household);
        Transfer::posted(cause, Account::issued(), household, points, on_date, at)
    }

    /// The movement that undoes this one.
    pub fn reversed(&self, cause: Cause, on_date: Date, at: Millis) -> Transfer {
        Transfer::posted(cause, self.credit, self.debit, self.amount, on_date, at)
    }

    pub fn unit(&self) -> Id {
        self.debit.unit
    }

    /// Is this the same movement, sent again? The moment it arrived does not count.
    pub fn is_same_as(&self, other: &Transfer) -> bool {
        Transfer { at: 0, ..*self } == Transfer { at: 0, ..*other }
    }

    /// The fingerprint of the stored row; `seq` is its place in the ledger.
    pub fn digest(&self, seq: i64) -> [u8; 32] {
        Digest::of("transfer")
            .id(self.id)
            .number(seq)
            .id(self.unit())
            .text(self.step.code())
            .id(self.debit.id)
            .id(self.credit.id)
            .number(self.amount.get())
            .opt_id(self.step.hold())
            .text(self.cause.kind.code())
            .id(self.cause.id)
            .date(self.on_date)
            .number(self.at)
            .finish()
    }
}

/// What an account was debited and credited, and what is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub account: Account,
    pub debits_posted: i64,
    pub credits_posted: i64,
    pub debits_pending: i64,
    pub credits_pending: i64,
    /// The number of the newest transfer that moved it; 0: none did.
    pub last: i64,
}

impl Balance {
    pub fn zero(account: Account) -> Balance {
        Balance {
            account,
            debits_posted: 0,
            credits_posted: 0,
            debits_pending: 0,
            credits_pending: 0,
            last: 0,
        }
    }
    /// What may still leave the account; for a source, what may still be taken back into it.
    /// Never negative: this is the one limit of the ledger.
    pub fn available(&self) -> i64 {
        if self.account.kind.is_source() {
            self.debits_posted - self.credits_posted - self.credits_pending
        } else {
            self.credits_posted - self.debits_posted - self.debits_pending
        }
    }
    /// Credits less debits without what is only reserved: sums to zero over all accounts of a unit.
    pub fn posted(&self) -> i64 {
        self.credits_posted - self.debits_posted
    }
}

/// Why one transfer may not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    AmountNotPositive {
        amount: i64,
    },
    IdReused {
        id: Id,
    },
    AccountsEqual,
    UnitMismatch,
    HoldNotFound {
        hold: Id,
    },
    HoldAlreadyPosted {
        hold: Id,
    },
    HoldAlreadyVoided {
        hold: Id,
    },
    /// Other accounts than the hold's, or a release of another amount than was held.
    HoldDiffers {
        hold: Id,
    },
    HoldExceeded {
        held: i64,
        asked: i64,
    },
    WouldOverdraw {
        account: Account,
        balance: i64,
        need: i64,
    },
    TooLarge {
        account: Account,
    },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::AmountNotPositive { .. } => "transfer-amount-not-positive",
            Refusal::IdReused { .. } => "transfer-id-reused",
            Refusal::AccountsEqual => "transfer-accounts-equal",
            Refusal::UnitMismatch => "transfer-unit-mismatch",
            Refusal::HoldNotFound { .. } => "transfer-hold-not-found",
            Refusal::HoldAlreadyPosted { .. } => "transfer-hold-already-posted",
            Refusal::HoldAlreadyVoided { .. } => "transfer-hold-already-voided",
            Refusal::HoldDiffers { .. } => "transfer-hold-differs",
            Refusal::HoldExceeded { .. } => "transfer-hold-exceeded",
            Refusal::WouldOverdraw { .. } => "transfer-would-overdraw",
            Refusal::TooLarge { .. } => "transfer-too-large",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match *self {
            Refusal::AmountNotPositive { amount } => vec![("amount", amount.into())],
            Refusal::HoldExceeded { held, asked } => {
                vec![("held", held.into()), ("asked", asked.into())]
            }
            Refusal::WouldOverdraw { account, balance, need } => vec![
                ("account", account.kind.code().into()),
                ("balance", balance.into()),
                ("need", need.into()),
            ],
            Refusal::TooLarge { account } => vec![("account", account.kind.code().into())],
            _ => Vec::new(),
        }
    }
}
