//! The persons of households.

use domain::Id;
use domain::registry::Member;

use crate::{Result, Row, Tx, Type, Val, args};

const COLUMNS: &str = "m.id, m.household, m.number, m.name, m.relation, m.sex, m.id_kind, \
     m.citizen_number, m.born_on, m.ethnic, m.political, m.education, m.student, m.health, \
     m.work_skill, m.work_area, m.work_months, m.medical_insurance, m.dibao, m.active, m.digest";

fn read(r: &Row) -> Result<(Id, Member, [u8; 32])> {
    let member = Member {
        household: r.id(1)?,
        number: r.text(2)?,
        name: r.text(3)?,
        relation: r.text(4)?,
        sex: r.text(5)?,
        id_kind: r.text(6)?,
        citizen_number: r.opt_text(7)?,
        born_on: r.opt_date(8)?,
        ethnic: r.opt_text(9)?,
        political: r.opt_text(10)?,
        education: r.opt_text(11)?,
        student: r.opt_text(12)?,
        health: r.opt_text(13)?,
        work_skill: r.opt_text(14)?,
        work_area: r.opt_text(15)?,
        work_months: r.opt_int(16)?,
        medical_insurance: r.opt_bool(17)?,
        dibao: r.opt_bool(18)?,
        active: r.bool(19)?,
    };
    Ok((r.id(0)?, member, r.digest(20)?))
}

/// Every member of the zone with the fingerprint written down, in no order.
pub fn each_member(
    tx: &mut Tx,
    mut see: impl FnMut(Id, Member, [u8; 32]) -> Result<()>,
) -> Result<()> {
    tx.each(&format!("SELECT {COLUMNS} FROM member m"), &args![], |r| {
        let (id, member, digest) = read(r)?;
        see(id, member, digest)
    })
}

/// Of one household, head first.
pub fn members(tx: &mut Tx, household: Id) -> Result<Vec<(Id, Member)>> {
    tx.all(
        &format!(
            "SELECT {COLUMNS} FROM member m WHERE m.household = $1 \
             ORDER BY CASE WHEN m.relation = '02' THEN 0 ELSE 1 END, m.number"
        ),
        &args![household],
        |r| read(r).map(|(id, member, _)| (id, member)),
    )
}

const WRITTEN: [(&str, Type); 20] = [
    ("household", Type::Id),
    ("number", Type::Text),
    ("name", Type::Text),
    ("relation", Type::Text),
    ("sex", Type::Text),
    ("id_kind", Type::Text),
    ("citizen_number", Type::Text),
    ("born_on", Type::Text),
    ("ethnic", Type::Text),
    ("political", Type::Text),
    ("education", Type::Text),
    ("student", Type::Text),
    ("health", Type::Text),
    ("work_skill", Type::Text),
    ("work_area", Type::Text),
    ("work_months", Type::Int),
    ("medical_insurance", Type::Bool),
    ("dibao", Type::Bool),
    ("active", Type::Bool),
    ("digest", Type::Bytes),
];

fn values(id: Id, m: &Member) -> Vec<Val> {
    args![
        id,
        m.household,
        &m.number,
        &m.name,
        &m.relation,
        &m.sex,
        &m.id_kind,
        m.citizen_number.as_deref(),
        m.born_on,
        m.ethnic.as_deref(),
        m.political.as_deref(),
        m.education.as_deref(),
        m.student.as_deref(),
        m.health.as_deref(),
        m.work_skill.as_deref(),
        m.work_area.as_deref(),
        m.work_months,
        m.medical_insurance,
        m.dibao,
        m.active,
        m.digest(id),
    ]
    .into()
}

pub fn record_members<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Member)>,
) -> Result<u64> {
    let columns: Vec<_> = std::iter::once(("id", Type::Id)).chain(WRITTEN).collect();
    tx.insert_all("member", &columns, "", rows.into_iter().map(|(id, m)| values(id, m)))
}

pub fn update_members<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = (Id, &'a Member)>,
) -> Result<u64> {
    tx.update_all(
        "member",
        ("id", Type::Id),
        &WRITTEN,
        rows.into_iter().map(|(id, m)| values(id, m)),
    )
}

/// Lets go of the numbers of members that are about to get others, so that two may change places.
pub fn free_numbers(tx: &mut Tx, ids: impl IntoIterator<Item = Id>) -> Result<u64> {
    let columns = [("number", Type::Text), ("citizen_number", Type::Text)];
    let rows = ids.into_iter().map(|id| args![id, format!("~{id}"), None::<String>].into());
    tx.update_all("member", ("id", Type::Id), &columns, rows)
}
