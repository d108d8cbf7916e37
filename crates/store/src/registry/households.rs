//! Households.

use domain::registry::Household;
use domain::{Id, Millis};

use crate::{Result, Row, Tx, Type, Val, args};

pub(super) const COLUMNS: &str = "h.id, h.number, h.village, h.path, h.hamlet, h.head_name, h.head, \
     h.size, h.graduation, h.graduated_year, h.poverty_cause, h.able_to_work, h.housing_grade, \
     h.water_safe, h.income_fen, h.phone, h.bank_name, h.bank_account, h.active, h.digest";

/// A household as it is kept.
#[derive(Clone, Debug)]
pub struct HouseholdRow {
    pub id: Id,
    pub household: Household,
    /// As written down; `siji verify` computes it again.
    pub digest: [u8; 32],
}

fn read(r: &Row) -> Result<HouseholdRow> {
    Ok(HouseholdRow {
        id: r.id(0)?,
        household: Household {
            number: r.text(1)?,
            village: r.id(2)?,
            path: r.text(3)?,
            hamlet: r.opt_text(4)?,
            head_name: r.text(5)?,
            head: r.opt_id(6)?,
            size: r.int(7)?,
            graduation: r.opt_text(8)?,
            graduated_year: r.opt_int(9)?,
            poverty_cause: r.opt_text(10)?,
            able_to_work: r.bool(11)?,
            housing_grade: r.opt_text(12)?,
            water_safe: r.opt_bool(13)?,
            income_fen: r.opt_int(14)?,
            phone: r.opt_text(15)?,
            bank_name: r.opt_text(16)?,
            bank_account: r.opt_text(17)?,
            active: r.bool(18)?,
        },
        digest: r.digest(19)?,
    })
}

/// Every household of the zone, in no order.
pub fn each_household(tx: &mut Tx, mut see: impl FnMut(HouseholdRow) -> Result<()>) -> Result<()> {
    tx.each(&format!("SELECT {COLUMNS} FROM household h"), &args![], |r| see(read(r)?))
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<HouseholdRow>> {
    tx.opt(&format!("SELECT {COLUMNS} FROM household h WHERE h.id = $1"), &args![id], read)
}

pub fn find_by_number(tx: &mut Tx, number: &str) -> Result<Option<HouseholdRow>> {
    tx.opt(&format!("SELECT {COLUMNS} FROM household h WHERE h.number = $1"), &args![number], read)
}

const WRITTEN: [(&str, Type); 21] = [
    ("number", Type::Text),
    ("village", Type::Id),
    ("path", Type::Text),
    ("hamlet", Type::Text),
    ("head_name", Type::Text),
    ("head", Type::Id),
    ("size", Type::Int),
    ("graduation", Type::Text),
    ("graduated_year", Type::Int),
    ("poverty_cause", Type::Text),
    ("able_to_work", Type::Bool),
    ("housing_grade", Type::Text),
    ("water_safe", Type::Bool),
    ("income_fen", Type::Int),
    ("phone", Type::Text),
    ("bank_name", Type::Text),
    ("bank_account", Type::Text),
    ("search", Type::Text),
    ("active", Type::Bool),
    ("changed_at", Type::Int),
    ("digest", Type::Bytes),
];

fn values(id: Id, h: &Household, search: String, at: Millis) -> Vec<Val> {
    args![
        id,
        &h.number,
        h.village,
        &h.path,
        h.hamlet.as_deref(),
        &h.head_name,
        h.head,
        h.size,
        h.graduation.as_deref(),
        h.graduated_year,
        h.poverty_cause.as_deref(),
        h.able_to_work,
        h.housing_grade.as_deref(),
        h.water_safe,
        h.income_fen,
        h.phone.as_deref(),
        h.bank_name.as_deref(),
        h.bank_account.as_deref(),
        search,
        h.active,
        at,
        h.digest(id),
    ]
    .into()
}

/// Each with the words it is found by.
pub fn record_households<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Household, String)>,
    at: Millis,
) -> Result<u64> {
    let columns: Vec<_> = std::iter::once(("id", Type::Id)).chain(WRITTEN).collect();
    let rows = rows.into_iter().map(|(id, h, search)| values(id, h, search, at));
    tx.insert_all("household", &columns, "", rows)
}

pub fn update_households<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Household, String)>,
    at: Millis,
) -> Result<u64> {
    let rows = rows.into_iter().map(|(id, h, search)| values(id, h, search, at));
    tx.update_all("household", ("id", Type::Id), &WRITTEN, rows)
}
