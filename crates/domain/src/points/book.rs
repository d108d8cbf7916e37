//! The ledger as a book that other programs read and check: hledger, Beancount, comma-separated.
//! What came to an account is positive, what left it negative. Accounts bear household numbers and
//! ids, never names of people.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;

use super::{Account, Balance, Entry, Kind, POINTS, Step};
use crate::Id;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Hledger,
    Beancount,
    Csv,
}

impl Format {
    pub const ALL: [Format; 3] = [Format::Hledger, Format::Beancount, Format::Csv];

    pub fn code(self) -> &'static str {
        match self {
            Format::Hledger => "hledger",
            Format::Beancount => "beancount",
            Format::Csv => "csv",
        }
    }
    pub fn from_code(code: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.code() == code)
    }
}

/// Writes a book piece by piece: `opening` with every account, `entry` for each transfer in order,
/// `closing` with every account again, which the reading program then checks.
#[derive(Clone, Debug)]
pub struct Book {
    format: Format,
    /// A household's number in the register.
    numbers: HashMap<Id, String>,
    /// A good's number in the catalogue.
    skus: HashMap<Id, String>,
    last: Option<Date>,
}

impl Book {
    pub fn new(format: Format, numbers: HashMap<Id, String>, skus: HashMap<Id, String>) -> Book {
        Book { format, numbers, skus, last: None }
    }

    /// What stands before the accounts.
    pub fn head(&self, units: impl IntoIterator<Item = Id>) -> String {
        let units: BTreeSet<String> = units.into_iter().map(|unit| self.unit(unit)).collect();
        let declared = |line: fn(&str) -> String| units.iter().map(|unit| line(unit)).collect();
        match self.format {
            Format::Hledger => declared(|unit| format!("commodity 1000. {}\n", quoted(unit))),
            Format::Beancount => declared(|unit| format!("1970-01-01 commodity {unit}\n")),
            Format::Csv => {
                "seq,date,at,unit,step,debit,credit,amount,cause_kind,cause,id,hold,sha256\n".into()
            }
        }
    }

    pub fn opening(&self, balance: &Balance) -> String {
        let (name, unit) = (self.name(&balance.account), self.unit(balance.account.unit));
        match self.format {
            Format::Hledger => format!("account {name}\n"),
            Format::Beancount => format!("1970-01-01 open {name} {unit}\n"),
            Format::Csv => String::new(),
        }
    }

    /// One transfer. What is only held moves nothing yet, and stands in the comma-separated book alone.
    pub fn entry(&mut self, entry: &Entry) -> String {
        let t = &entry.transfer;
        if self.format == Format::Csv {
            return self.row(entry);
        }
        if !matches!(t.step, Step::Posted | Step::Post(_)) {
            return String::new();
        }
        self.last = self.last.max(Some(t.on_date));
        let (debit, credit) = (self.name(&t.debit), self.name(&t.credit));
        let (unit, amount) = (self.unit(t.unit()), t.amount.get());
        let (date, cause) = (t.on_date, t.cause.kind.code());
        match self.format {
            Format::Hledger => {
                let unit = quoted(&unit);
                format!(
                    "\n{date} * ({}) {cause} | {}\n    {credit}  {amount} {unit}\n    {debit}  -{amount} {unit}\n",
                    entry.seq, t.cause.id
                )
            }
            _ => format!(
                "\n{date} * \"{cause}\" \"{}\"\n  seq: {}\n  {credit}  {amount} {unit}\n  {debit}  -{amount} {unit}\n",
                t.cause.id, entry.seq
            ),
        }
    }

    fn row(&self, entry: &Entry) -> String {
        let t = &entry.transfer;
        let sha256: String = t.digest(entry.seq).iter().map(|byte| format!("{byte:02x}")).collect();
        let fields = [
            entry.seq.to_string(),
            t.on_date.to_string(),
            t.at.to_string(),
            self.unit(t.unit()),
            t.step.code().to_owned(),
            self.name(&t.debit),
            self.name(&t.credit),
            t.amount.get().to_string(),
            t.cause.kind.code().to_owned(),
            t.cause.id.to_string(),
            t.id.to_string(),
            t.step.hold().map_or(String::new(), |hold| hold.to_string()),
            sha256,
        ];
        fields.join(",") + "\n"
    }

    /// The balance that the reading program must find, too.
    pub fn closing(&self, balance: &Balance) -> String {
        let Some(last) = self.last else { return String::new() };
        let (name, unit) = (self.name(&balance.account), self.unit(balance.account.unit));
        let posted = balance.posted();
        match self.format {
            Format::Hledger => {
                let unit = quoted(&unit);
                format!("\n{last} balance\n    {name}  0 {unit} = {posted} {unit}\n")
            }
            Format::Beancount => {
                let after = last.tomorrow().unwrap_or(last);
                format!("{after} balance {name}  {posted} {unit}\n")
            }
            Format::Csv => String::new(),
        }
    }

    fn name(&self, account: &Account) -> String {
        let owner = account.owner.unwrap_or_default();
        let place = account.place.unwrap_or_default();
        match account.kind {
            Kind::Issued => "Equity:Issued".to_owned(),
            Kind::Donated => format!("Equity:Donated:{}", self.unit(account.unit)),
            Kind::Household => match self.numbers.get(&owner).filter(|n| is_plain(n)) {
                Some(number) => format!("Assets:Household:N{number}"),
                None => format!("Assets:Household:H-{owner}"),
            },
            Kind::Stock => format!("Assets:Stock:P-{place}:L-{owner}"),
            Kind::Redeemed => "Expenses:Redeemed".to_owned(),
            Kind::HandedOut => format!("Expenses:HandedOut:{}", self.unit(account.unit)),
            Kind::WrittenOff => format!("Expenses:WrittenOff:{}", self.unit(account.unit)),
        }
    }

    fn unit(&self, unit: Id) -> String {
        if unit == POINTS {
            return "POINTS".to_owned();
        }
        match self.skus.get(&unit).filter(|sku| is_currency(sku)) {
            Some(sku) => sku.clone(),
            None => format!("X{}", &unit.simple().to_string().to_uppercase()[12..]),
        }
    }
}

/// Units that other programs take as they are; one of ours would be taken for points.
fn is_currency(sku: &str) -> bool {
    let mut chars = sku.chars();
    (2..=20).contains(&sku.len())
        && chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && chars.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && sku != "POINTS"
        && !sku.starts_with('X')
}

fn is_plain(number: &str) -> bool {
    !number.is_empty() && number.chars().all(|c| c.is_ascii_alphanumeric())
}

/// hledger takes letters as they are, and anything else in quotes.
fn quoted(unit: &str) -> String {
    match unit.chars().all(|c| c.is_ascii_alphabetic()) {
        true => unit.to_owned(),
        false => format!("\"{unit}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::{Amount, Cause, CauseKind, Transfer};
    use jiff::civil::date;

    #[test]
    fn three_books_of_one_ledger() {
        let id = Id::from_u128;
        let household = Account::household(id(1));
        let stock = Account::stock(id(100), id(7), id(8));
        let cause = |n, kind| Cause { kind, id: id(n) };
        let (day, amount) = (date(2026, 11, 23), |n| Amount::new(n).expect("positive"));
        let redeem = cause(51, CauseKind::Redemption);
        let transfers = [
            Transfer::credit(cause(50, CauseKind::Certification), id(1), amount(80), day, 1),
            Transfer::posted(
                cause(49, CauseKind::Donation),
                Account::donated(id(100)),
                stock,
                amount(5),
                day,
                1,
            ),
            Transfer::posted(redeem, household, Account::redeemed(), amount(60), day, 2),
            Transfer::posted(redeem, stock, Account::handed_out(id(100)), amount(1), day, 2),
        ];
        let facts = crate::points::Facts::default();
        let decided = crate::points::decide(facts, &transfers).expect("allowed");
        let balances = decided.opened;
        let mut picture = String::new();
        for format in Format::ALL {
            let numbers = [(id(1), "3715001".to_owned())].into();
            let skus = [(id(100), "G001".to_owned())].into();
            let mut book = Book::new(format, numbers, skus);
            picture.push_str(&format!("--- {}\n", format.code()));
            picture.push_str(&book.head([POINTS, id(100)]));
            balances.iter().for_each(|b| picture.push_str(&book.opening(b)));
            for (seq, transfer) in (1..).zip(transfers) {
                picture.push_str(&book.entry(&Entry { seq, transfer, held: 0 }));
            }
            balances.iter().for_each(|b| picture.push_str(&book.closing(b)));
        }
        insta::assert_snapshot!(picture);
    }

    #[test]
    fn a_strange_name_becomes_an_id() {
        let id = Id::from_u128(0xabc);
        let book = Book::new(
            Format::Beancount,
            [(id, "\u{6237} 1; \"x\"".to_owned())].into(),
            [(id, "POINTS".to_owned())].into(),
        );
        assert_eq!(book.name(&Account::household(id)), format!("Assets:Household:H-{id}"));
        assert_eq!(book.unit(id), "X00000000000000000ABC");
    }
}
