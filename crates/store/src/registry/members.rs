//! The persons of households.

use domain::Id;
use domain::registry::Member;

use crate::sealed::{In, until_broken};
use crate::{Keys, Result, Row, Tx, Type, Val, args};

const COLUMNS: &str = "m.id, m.household, m.number, m.name, m.relation, m.sex, m.id_kind, \
     m.citizen_number, m.born_on, m.ethnic, m.political, m.education, m.student, m.health, \
     m.work_skill, m.work_area, m.work_months, m.medical_insurance, m.dibao, m.active, m.digest";

fn read(keys: &Keys, r: &Row) -> Result<(Id, Member, [u8; 32])> {
    let id = r.id(0)?;
    let sealed = In::new(keys, "member", id);
    let member = Member {
        household: r.id(1)?,
        number: r.text(2)?,
        name: r.text(3)?,
        relation: r.text(4)?,
        sex: r.text(5)?,
        id_kind: r.text(6)?,
        citizen_number: sealed.text("citizen_number", r, 7)?,
        born_on: r.opt_date(8)?,
        ethnic: r.opt_text(9)?,
        political: r.opt_text(10)?,
        education: r.opt_text(11)?,
        student: r.opt_text(12)?,
        health: sealed.text("health", r, 13)?,
        work_skill: r.opt_text(14)?,
        work_area: r.opt_text(15)?,
        work_months: r.opt_int(16)?,
        medical_insurance: r.opt_bool(17)?,
        dibao: r.opt_bool(18)?,
        active: r.bool(19)?,
    };
    Ok((id, member, r.digest(20)?))
}

/// Every member of the zone with the fingerprint written down, in no order.
pub fn each_member(
    tx: &mut Tx,
    mut see: impl FnMut(Id, Member, [u8; 32]) -> Result<()>,
) -> Result<()> {
    let keys = tx.keys();
    tx.each(&format!("SELECT {COLUMNS} FROM member m"), &args![], |r| {
        let (id, member, digest) = read(&keys, r)?;
        see(id, member, digest)
    })
}

/// Of one household, head first.
pub fn members(tx: &mut Tx, household: Id) -> Result<Vec<(Id, Member)>> {
    let keys = tx.keys();
    tx.all(
        &format!(
            "SELECT {COLUMNS} FROM member m WHERE m.household = $1 \
             ORDER BY CASE WHEN m.relation = '02' THEN 0 ELSE 1 END, m.number"
        ),
        &args![household],
        |r| read(&keys, r).map(|(id, member, _)| (id, member)),
    )
}

/// The household of the person with this citizen number.
pub fn find_by_citizen_number(tx: &mut Tx, number: &str) -> Result<Option<Id>> {
    let hash = citizen_hash(&tx.keys(), number);
    tx.opt("SELECT household FROM member WHERE citizen_hash = $1", &args![hash], |r| r.id(0))
}

/// What a citizen number is found by.
pub(crate) fn citizen_hash(keys: &Keys, number: &str) -> [u8; 32] {
    keys.find("member.citizen_number", number)
}

const WRITTEN: [(&str, Type); 21] = [
    ("household", Type::Id),
    ("number", Type::Text),
    ("name", Type::Text),
    ("relation", Type::Text),
    ("sex", Type::Text),
    ("id_kind", Type::Text),
    ("citizen_number", Type::Bytes),
    ("citizen_hash", Type::Bytes),
    ("born_on", Type::Text),
    ("ethnic", Type::Text),
    ("political", Type::Text),
    ("education", Type::Text),
    ("student", Type::Text),
    ("health", Type::Bytes),
    ("work_skill", Type::Text),
    ("work_area", Type::Text),
    ("work_months", Type::Int),
    ("medical_insurance", Type::Bool),
    ("dibao", Type::Bool),
    ("active", Type::Bool),
    ("digest", Type::Bytes),
];

fn values(keys: &Keys, id: Id, m: &Member) -> Result<Vec<Val>> {
    let sealed = In::new(keys, "member", id);
    Ok(args![
        id,
        m.household,
        &m.number,
        &m.name,
        &m.relation,
        &m.sex,
        &m.id_kind,
        sealed.put("citizen_number", m.citizen_number.as_deref())?,
        m.citizen_number.as_deref().map(|number| citizen_hash(keys, number)),
        m.born_on,
        m.ethnic.as_deref(),
        m.political.as_deref(),
        m.education.as_deref(),
        m.student.as_deref(),
        sealed.put("health", m.health.as_deref())?,
        m.work_skill.as_deref(),
        m.work_area.as_deref(),
        m.work_months,
        m.medical_insurance,
        m.dibao,
        m.active,
        keys.fingerprint(&m.digest(id)),
    ]
    .into())
}

pub fn record_members<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Member)>,
) -> Result<u64> {
    let columns: Vec<_> = std::iter::once(("id", Type::Id)).chain(WRITTEN).collect();
    let (keys, mut broken) = (tx.keys(), None);
    let rows = rows.into_iter().map(|(id, m)| values(&keys, id, m));
    let written = tx.insert_all("member", &columns, "", until_broken(rows, &mut broken))?;
    broken.map_or(Ok(written), Err)
}

pub fn update_members<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Member)>,
) -> Result<u64> {
    let (keys, mut broken) = (tx.keys(), None);
    let rows = rows.into_iter().map(|(id, m)| values(&keys, id, m));
    let rows = until_broken(rows, &mut broken);
    let written = tx.update_all("member", ("id", Type::Id), &WRITTEN, rows)?;
    broken.map_or(Ok(written), Err)
}

/// Lets go of the numbers of members that are about to get others, so that two may change places.
pub fn free_numbers(tx: &mut Tx, ids: impl IntoIterator<Item = Id>) -> Result<u64> {
    let columns = [("number", Type::Text), ("citizen_hash", Type::Bytes)];
    let rows = ids.into_iter().map(|id| args![id, format!("~{id}"), None::<Vec<u8>>]);
    tx.update_all("member", ("id", Type::Id), &columns, rows)
}
