//! Who stands for whom: cadres for households, assistance officers for villages.

use domain::access::Role;
use domain::{Date, Id};

use crate::access::{NewPerson, NewPost};
use crate::sealed::In;
use crate::{Result, Tx, Type, args};

/// Somebody the programme knows, with or without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somebody {
    pub id: Id,
    pub name: String,
    pub phone: Option<String>,
    pub unit: Option<String>,
}

pub fn everybody(tx: &mut Tx) -> Result<Vec<Somebody>> {
    let keys = tx.keys();
    tx.all("SELECT id, name, phone, unit FROM person ORDER BY id", &args![], |r| {
        let id = r.id(0)?;
        let phone = In::new(&keys, "person", id).text("phone", r, 2)?;
        Ok(Somebody { id, name: r.text(1)?, phone, unit: r.opt_text(3)? })
    })
}

pub fn record_people(tx: &mut Tx, people: &[NewPerson]) -> Result<()> {
    people.iter().try_for_each(|p| crate::access::record_person(tx, p))
}

pub fn set_units(tx: &mut Tx, units: &[(Id, &str)]) -> Result<()> {
    let rows = units.iter().map(|(id, unit)| args![*id, *unit]);
    tx.update_all("person", ("id", Type::Id), &[("unit", Type::Text)], rows)?;
    Ok(())
}

/// (post, person, village) of every assistance officer in office.
pub fn officer_posts(tx: &mut Tx) -> Result<Vec<(Id, Id, Id)>> {
    tx.all(
        "SELECT id, person, area FROM post \
         WHERE role = $1 AND area IS NOT NULL AND to_date IS NULL ORDER BY id",
        &args![Role::AssistanceOfficer.code()],
        |r| Ok((r.id(0)?, r.id(1)?, r.id(2)?)),
    )
}

/// Everybody who holds a cadre's post.
pub fn cadre_posts(tx: &mut Tx) -> Result<Vec<Id>> {
    tx.all(
        "SELECT person FROM post WHERE role = $1 AND to_date IS NULL",
        &args![Role::AssignedCadre.code()],
        |r| r.id(0),
    )
}

pub fn record_posts(tx: &mut Tx, posts: &[NewPost]) -> Result<()> {
    posts.iter().try_for_each(|p| crate::access::record_post(tx, p))
}

pub fn end_posts(tx: &mut Tx, posts: &[Id], on: Date) -> Result<()> {
    let rows = posts.iter().map(|id| args![*id, on]);
    tx.update_all("post", ("id", Type::Id), &[("to_date", Type::Text)], rows)?;
    Ok(())
}

/// An assignment that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub id: Id,
    pub household: Id,
    pub person: Id,
}

pub fn assignments(tx: &mut Tx) -> Result<Vec<Assignment>> {
    tx.all("SELECT id, household, person FROM assignment WHERE to_date IS NULL", &args![], |r| {
        Ok(Assignment { id: r.id(0)?, household: r.id(1)?, person: r.id(2)? })
    })
}

pub fn record_assignments(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = Assignment>,
    from: Date,
) -> Result<u64> {
    let columns = [
        ("id", Type::Id),
        ("household", Type::Id),
        ("person", Type::Id),
        ("from_date", Type::Text),
    ];
    let rows = rows.into_iter().map(|a| args![a.id, a.household, a.person, from]);
    tx.insert_all("assignment", &columns, "", rows)
}

pub fn end_assignments(tx: &mut Tx, ids: &[Id], on: Date) -> Result<u64> {
    let rows = ids.iter().map(|id| args![*id, on]);
    tx.update_all("assignment", ("id", Type::Id), &[("to_date", Type::Text)], rows)
}

/// Who stands for a household now.
pub struct Cadre {
    pub name: String,
    pub unit: Option<String>,
    pub phone: Option<String>,
    pub from: String,
}

pub fn cadre_of(tx: &mut Tx, household: Id) -> Result<Option<Cadre>> {
    let keys = tx.keys();
    tx.opt(
        "SELECT p.name, p.unit, p.phone, a.from_date, p.id FROM assignment a \
         JOIN person p ON p.id = a.person \
         WHERE a.household = $1 AND a.to_date IS NULL ORDER BY a.id DESC LIMIT 1",
        &args![household],
        |r| {
            Ok(Cadre {
                name: r.text(0)?,
                unit: r.opt_text(1)?,
                phone: In::new(&keys, "person", r.id(4)?).text("phone", r, 2)?,
                from: r.text(3)?,
            })
        },
    )
}

pub struct Officer {
    pub name: String,
    pub phone: Option<String>,
}

/// The assistance officers of a village.
pub fn officers_of(tx: &mut Tx, village: Id, today: Date) -> Result<Vec<Officer>> {
    let keys = tx.keys();
    tx.all(
        "SELECT p.name, p.phone, p.id FROM post t JOIN person p ON p.id = t.person \
         WHERE t.area = $1 AND t.role = $2 AND (t.to_date IS NULL OR t.to_date >= $3) \
         ORDER BY t.id",
        &args![village, Role::AssistanceOfficer.code(), today],
        |r| {
            let phone = In::new(&keys, "person", r.id(2)?).text("phone", r, 1)?;
            Ok(Officer { name: r.text(0)?, phone })
        },
    )
}
