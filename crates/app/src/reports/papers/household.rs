//! What goes home with a household: its card, a receipt, its statement.

use domain::access::Scope;
use domain::redemption::Code;
use domain::{Date, Id};
use store::Tx;
use store::access::{Resource, covers};

use super::{Read, covered, rows, zone_name};
use crate::Failure;
use crate::redemption::Source;

/// The front of a points card. Its code says nothing of whose it is.
#[derive(Clone, Debug)]
pub struct CardFace {
    pub name: String,
    pub village: String,
    pub code: Code,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    Household(Id),
    /// Everybody at or below an area, as far as the scope goes.
    Area(String),
}

/// Cards in use; an empty list where there are none.
pub fn card_faces(tx: &mut Tx, scope: &Scope, whose: &Whose) -> Read<Vec<CardFace>> {
    let mut faces = Vec::new();
    let mut add = |(name, village, code): rows::CardRow| {
        let known = Code::parse(&code);
        let code =
            known.ok_or_else(|| store::Broken::data(format!("not a card's code: {code}")))?;
        faces.push(CardFace { name, village, code });
        Ok(())
    };
    match whose {
        Whose::Household(id) => {
            let is_covered = covers(tx, scope, Resource::Household, *id)?;
            covered(is_covered, ())?;
            let found = store::redemption::find_customer(tx, *id)?.ok_or(Failure::NotFound)?;
            let cards = store::redemption::cards(tx, *id)?;
            for card in cards.into_iter().filter(|card| !card.is_frozen()) {
                add((found.head_name.clone(), found.village.clone(), card.code))?;
            }
        }
        Whose::Area(path) => rows::each_card(tx, scope, path, add)?,
    }
    Ok(faces)
}

#[derive(Clone, Debug)]
pub struct ReceiptLine {
    pub name: String,
    pub measure: String,
    pub quantity: i64,
    pub points_each: i64,
}

#[derive(Clone, Debug)]
pub struct Receipt {
    pub zone: String,
    pub number: String,
    pub on_date: Date,
    pub household: String,
    pub name: String,
    pub village: String,
    pub place: String,
    pub spot: String,
    pub keeper: String,
    pub code: Option<Code>,
    /// (name, relation) of whoever came in the household's place.
    pub proxy: Option<(String, String)>,
    pub lines: Vec<ReceiptLine>,
    pub points: i64,
    pub balance_after: i64,
    /// The receipt that this one undoes.
    pub undoes: Option<String>,
    /// The receipt that undid this one.
    pub undone_by: Option<String>,
}

pub fn receipt(tx: &mut Tx, scope: &Scope, id: Id) -> Read<Receipt> {
    let r = store::redemption::receipt(tx, id)?.ok_or(Failure::NotFound)?;
    let is_covered = covers(tx, scope, Resource::Household, r.redemption.household)?;
    covered(is_covered, ())?;
    let line = |line: store::redemption::ReceiptLine| ReceiptLine {
        name: line.name_zh,
        measure: line.measure,
        quantity: line.quantity,
        points_each: line.points_each,
    };
    Ok(Receipt {
        zone: zone_name(tx)?,
        number: r.redemption.receipt,
        on_date: r.redemption.on_date,
        household: r.number,
        name: r.head_name,
        village: r.village,
        place: r.place,
        spot: r.spot,
        keeper: r.keeper,
        code: r.card_code.as_deref().and_then(Code::parse),
        proxy: r.redemption.proxy.map(|proxy| (proxy.name, proxy.relation)),
        lines: r.lines.into_iter().map(line).collect(),
        points: r.redemption.points,
        balance_after: r.balance_after,
        undoes: r.undoes,
        undone_by: r.reversed_by.map(|(_, number)| number),
    })
}

/// Where the points of a line came from, or where they went.
#[derive(Clone, Debug)]
pub enum Why {
    /// A month's score: how it was made, shown and certified.
    Month {
        month: String,
        scheme: String,
        version: i64,
        total: Option<i64>,
        visits: Vec<Date>,
        posted: Vec<(Date, Date)>,
    },
    Bonus {
        event: String,
        document: String,
    },
    Receipt {
        number: String,
        place: String,
        reason: Option<String>,
    },
    Other,
}

#[derive(Clone, Debug)]
pub struct StatementLine {
    pub on_date: Date,
    /// Signed.
    pub effect: i64,
    pub balance: i64,
    pub why: Why,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub zone: String,
    pub household: String,
    pub name: String,
    pub village: String,
    pub opening: i64,
    pub balance: i64,
    /// Oldest first.
    pub lines: Vec<StatementLine>,
}

/// Lines on a statement: three years of months and what was had for them.
const LINES_MAX: i64 = 400;

pub fn statement(tx: &mut Tx, scope: &Scope, household: Id) -> Read<Statement> {
    let found = crate::redemption::explain_within(tx, scope, household, None, LINES_MAX)?;
    let mut lines: Vec<StatementLine> = found
        .lines
        .into_iter()
        .map(|explained| StatementLine {
            on_date: explained.line.on_date,
            effect: explained.line.effect,
            balance: explained.line.balance,
            why: why(explained.source),
        })
        .collect();
    lines.reverse();
    Ok(Statement {
        zone: zone_name(tx)?,
        household: found.customer.number,
        name: found.customer.head_name,
        village: found.customer.village,
        opening: found.opening,
        balance: found.customer.balance,
        lines,
    })
}

fn why(source: Source) -> Why {
    match source {
        Source::Month(credit) => Why::Month {
            month: credit.month,
            scheme: credit.scheme_zh,
            version: credit.scheme_version,
            total: credit.total,
            visits: credit.sheets.into_iter().filter_map(|(_, _, _, day)| day).collect(),
            posted: credit.postings.into_iter().map(|(_, from, to)| (from, to)).collect(),
        },
        Source::Bonus { event, document } => Why::Bonus { event, document },
        Source::Receipt(debit) => {
            Why::Receipt { number: debit.receipt, place: debit.place, reason: debit.reason }
        }
        Source::Other => Why::Other,
    }
}
