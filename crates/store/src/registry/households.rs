//! Households.

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::registry::Household;
use domain::{Id, Millis};

use crate::sealed::{In, until_broken};
use crate::{Keys, Result, Row, Tx, Type, Val, Within, args};

pub(super) const COLUMNS: &str = "h.id, h.number, h.village, h.path, h.hamlet, h.head_name, h.head, \
     h.size, h.graduation, h.graduated_year, h.poverty_cause, h.able_to_work, h.housing_grade, \
     h.water_safe, h.income_fen, h.phone, h.bank_name, h.bank_account, h.active, h.digest";

/// A household as it is kept.
#[derive(Clone, Debug)]
pub struct HouseholdRow {
    pub id: Id,
    pub household: Household,
    /// As written down, keyed; `siji verify` computes it again.
    pub digest: [u8; 32],
}

fn read(keys: &Keys, r: &Row) -> Result<HouseholdRow> {
    let id = r.id(0)?;
    let sealed = In::new(keys, "household", id);
    Ok(HouseholdRow {
        id,
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
            poverty_cause: sealed.text("poverty_cause", r, 10)?,
            able_to_work: r.bool(11)?,
            housing_grade: r.opt_text(12)?,
            water_safe: r.opt_bool(13)?,
            income_fen: sealed.int("income_fen", r, 14)?,
            phone: sealed.text("phone", r, 15)?,
            bank_name: sealed.text("bank_name", r, 16)?,
            bank_account: sealed.text("bank_account", r, 17)?,
            active: r.bool(18)?,
        },
        digest: r.digest(19)?,
    })
}

/// Every household of the zone, in no order.
pub fn each_household(tx: &mut Tx, mut see: impl FnMut(HouseholdRow) -> Result<()>) -> Result<()> {
    let keys = tx.keys();
    tx.each(&format!("SELECT {COLUMNS} FROM household h"), &args![], |r| see(read(&keys, r)?))
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<HouseholdRow>> {
    let keys = tx.keys();
    let sql = format!("SELECT {COLUMNS} FROM household h WHERE h.id = $1");
    tx.opt(&sql, &args![id], |r| read(&keys, r))
}

pub fn find_by_number(tx: &mut Tx, number: &str) -> Result<Option<HouseholdRow>> {
    let keys = tx.keys();
    let sql = format!("SELECT {COLUMNS} FROM household h WHERE h.number = $1");
    tx.opt(&sql, &args![number], |r| read(&keys, r))
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
    ("poverty_cause", Type::Bytes),
    ("able_to_work", Type::Bool),
    ("housing_grade", Type::Text),
    ("water_safe", Type::Bool),
    ("income_fen", Type::Bytes),
    ("phone", Type::Bytes),
    ("bank_name", Type::Bytes),
    ("bank_account", Type::Bytes),
    ("search", Type::Text),
    ("active", Type::Bool),
    ("changed_at", Type::Int),
    ("digest", Type::Bytes),
];

fn values(keys: &Keys, id: Id, h: &Household, search: String, at: Millis) -> Result<Vec<Val>> {
    let sealed = In::new(keys, "household", id);
    Ok(args![
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
        sealed.put("poverty_cause", h.poverty_cause.as_deref())?,
        h.able_to_work,
        h.housing_grade.as_deref(),
        h.water_safe,
        sealed.put_int("income_fen", h.income_fen)?,
        sealed.put("phone", h.phone.as_deref())?,
        sealed.put("bank_name", h.bank_name.as_deref())?,
        sealed.put("bank_account", h.bank_account.as_deref())?,
        search,
        h.active,
        at,
        keys.fingerprint(&h.digest(id)),
    ]
    .into())
}

/// The households on the register that live right in an area.
const COUNTED: &str =
    "(SELECT COUNT(*) FROM household h WHERE h.village = area.id AND h.active = TRUE)";

/// How many are on the register. Where whole areas are asked for, what they say of themselves is
/// added up.
pub fn count(tx: &mut Tx, scope: &Scope) -> Result<i64> {
    let (sql, args) = if scope.assigned {
        let Within { sql, args } = Within::of(scope, "h.path", Some("h.id"), 1);
        (format!("COUNT(*) AS BIGINT) FROM household h WHERE h.active = TRUE AND {sql}"), args)
    } else {
        let Within { sql, args } = Within::of(scope, "a.path", None, 1);
        (format!("COALESCE(SUM(a.households), 0) AS BIGINT) FROM area a WHERE {sql}"), args)
    };
    tx.one(&format!("SELECT CAST({sql}"), &args, |r| r.int(0))
}

/// The first area that says another number of households than live there.
pub fn miscounted(tx: &mut Tx) -> Result<Option<Id>> {
    let sql = format!("SELECT id FROM area WHERE households <> {COUNTED} ORDER BY id LIMIT 1");
    tx.opt(&sql, &[], |r| r.id(0))
}

/// Each with the words it is found by.
pub fn record_households<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Household, String)>,
    at: Millis,
) -> Result<u64> {
    let columns: Vec<_> = std::iter::once(("id", Type::Id)).chain(WRITTEN).collect();
    let (keys, mut broken, mut villages) = (tx.keys(), None, BTreeSet::new());
    let rows = rows.into_iter().map(|(id, h, search)| {
        villages.insert(h.village);
        values(&keys, id, h, search, at)
    });
    let written = tx.insert_all("household", &columns, "", until_broken(rows, &mut broken))?;
    for village in villages {
        tx.exec(&format!("UPDATE area SET households = {COUNTED} WHERE id = $1"), &args![village])?;
    }
    broken.map_or(Ok(written), Err)
}

pub fn update_households<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Household, String)>,
    at: Millis,
) -> Result<u64> {
    let (keys, mut broken) = (tx.keys(), None);
    let rows = rows.into_iter().map(|(id, h, search)| values(&keys, id, h, search, at));
    let rows = until_broken(rows, &mut broken);
    let written = tx.update_all("household", ("id", Type::Id), &WRITTEN, rows)?;
    if written > 0 {
        crate::wall::follow_households(tx)?;
        // From which villages they have gone, nobody has said.
        tx.exec(
            &format!("UPDATE area SET households = {COUNTED} WHERE households <> {COUNTED}"),
            &[],
        )?;
    }
    broken.map_or(Ok(written), Err)
}
