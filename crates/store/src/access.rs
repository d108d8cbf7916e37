//! People, posts, and the one predicate of what lies within a scope.

mod secrets;
mod sessions;

pub use secrets::*;
pub use sessions::*;

use std::collections::BTreeMap;

use domain::access::{Post, Role, Scope};
use domain::{Id, Millis};

use crate::{Broken, Result, Tx, Within, args};

pub struct Person {
    pub id: Id,
    pub name: String,
    pub unit: Option<String>,
    pub login: Option<String>,
    pub must_change: bool,
    pub disabled_at: Option<Millis>,
    /// When the password was set; none: nobody can sign in as them by password.
    pub password_at: Option<Millis>,
    pub signed_in_at: Option<Millis>,
    pub has_second_factor: bool,
    /// Who they are at the zone's OpenID provider.
    pub subject: Option<String>,
    /// Since when; none for a link from before this was kept.
    pub subject_at: Option<Millis>,
}

const PERSON: &str = "p.id, p.name, p.unit, p.login, p.must_change, p.disabled_at, \
     p.password_at, p.signed_in_at, p.totp_step, p.subject, p.subject_at";
/// The next column after those of a person.
const NEXT: usize = 11;

fn person(r: &crate::Row) -> Result<Person> {
    Ok(Person {
        id: r.id(0)?,
        name: r.text(1)?,
        unit: r.opt_text(2)?,
        login: r.opt_text(3)?,
        must_change: r.bool(4)?,
        disabled_at: r.opt_int(5)?,
        password_at: r.opt_int(6)?,
        signed_in_at: r.opt_int(7)?,
        has_second_factor: r.opt_int(8)?.is_some(),
        subject: r.opt_text(9)?,
        subject_at: r.opt_int(10)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Person>> {
    tx.opt(&format!("SELECT {PERSON} FROM person p WHERE p.id = $1"), &args![id], person)
}

/// The person of a login name and the stored password (PHC string).
pub fn find_by_login(tx: &mut Tx, login: &str) -> Result<Option<(Person, Option<String>)>> {
    tx.opt(
        &format!("SELECT {PERSON}, p.password FROM person p WHERE p.login = $1"),
        &args![login],
        |r| Ok((person(r)?, r.opt_text(NEXT)?)),
    )
}

pub fn find_by_subject(tx: &mut Tx, subject: &str) -> Result<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM person p WHERE p.subject = $1");
    tx.opt(&sql, &args![subject], person)
}

/// Links somebody to who they are at the provider, or takes the link away.
pub fn set_subject(tx: &mut Tx, id: Id, subject: Option<&str>, at: Millis) -> Result<()> {
    let sql = "UPDATE person SET subject = $2, subject_at = $3 WHERE id = $1";
    tx.exec(sql, &args![id, subject, subject.map(|_| at)])?;
    Ok(())
}

pub fn posts(tx: &mut Tx, of: Id) -> Result<Vec<Post>> {
    tx.all(
        "SELECT t.role, a.path, t.place, t.from_date, t.to_date \
         FROM post t LEFT JOIN area a ON a.id = t.area WHERE t.person = $1 ORDER BY t.id",
        &args![of],
        |r| {
            let role = r.text(0)?;
            Ok(Post {
                role: Role::from_code(&role)
                    .ok_or_else(|| Broken::data(format!("unknown role {role}")))?,
                path: r.opt_text(1)?,
                place: r.opt_id(2)?,
                from: r.date(3)?,
                to: r.opt_date(4)?,
            })
        },
    )
}

pub struct NewPerson<'a> {
    pub id: Id,
    pub name: &'a str,
    pub phone: Option<&'a str>,
    pub unit: Option<&'a str>,
    pub login: Option<&'a str>,
    pub password: Option<&'a str>,
    pub must_change: bool,
    pub at: Millis,
}

/// A person in whose name nobody signs in yet.
pub fn without_login<'a>(
    id: Id,
    name: &'a str,
    phone: Option<&'a str>,
    unit: Option<&'a str>,
    at: Millis,
) -> NewPerson<'a> {
    NewPerson { id, name, phone, unit, login: None, password: None, must_change: false, at }
}

pub fn record_person(tx: &mut Tx, p: &NewPerson) -> Result<()> {
    let keys = tx.keys();
    let phone = crate::sealed::In::new(&keys, "person", p.id).put("phone", p.phone)?;
    tx.exec(
        "INSERT INTO person (id, name, phone, unit, login, password, must_change, created_at, \
         password_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            p.id,
            p.name,
            phone,
            p.unit,
            p.login,
            p.password,
            p.must_change,
            p.at,
            p.password.map(|_| p.at)
        ],
    )?;
    Ok(())
}

pub struct NewPost {
    pub id: Id,
    pub person: Id,
    pub role: Role,
    pub area: Option<Id>,
    pub place: Option<Id>,
    pub from: domain::Date,
    pub to: Option<domain::Date>,
}

pub fn record_post(tx: &mut Tx, p: &NewPost) -> Result<()> {
    tx.exec(
        "INSERT INTO post (id, person, role, area, place, from_date, to_date) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &args![p.id, p.person, p.role.code(), p.area, p.place, p.from, p.to],
    )?;
    Ok(())
}

pub fn end_post(tx: &mut Tx, id: Id, on: domain::Date) -> Result<bool> {
    let n = tx.exec(
        "UPDATE post SET to_date = $2 WHERE id = $1 AND (to_date IS NULL OR to_date > $2)",
        &args![id, on],
    )?;
    Ok(n > 0)
}

/// Whose post this is, and of which role.
pub fn find_post(tx: &mut Tx, id: Id) -> Result<Option<(Id, Role)>> {
    tx.opt("SELECT person, role FROM post WHERE id = $1", &args![id], |r| {
        let role = r.text(1)?;
        let known = Role::from_code(&role);
        Ok((r.id(0)?, known.ok_or_else(|| Broken::data(format!("unknown role {role}")))?))
    })
}

/// Does anybody who can sign in hold this role on this day?
pub fn is_held(tx: &mut Tx, role: Role, today: domain::Date) -> Result<bool> {
    let sql = "SELECT 1 FROM post t JOIN person p ON p.id = t.person \
               WHERE t.role = $1 AND t.from_date <= $2 AND (t.to_date IS NULL OR t.to_date >= $2) \
               AND p.disabled_at IS NULL AND p.password IS NOT NULL LIMIT 1";
    Ok(tx.opt(sql, &args![role.code(), today], |_| Ok(()))?.is_some())
}

pub fn area_path(tx: &mut Tx, id: Id) -> Result<Option<String>> {
    tx.opt("SELECT path FROM area WHERE id = $1", &args![id], |r| r.text(0))
}

pub fn is_place(tx: &mut Tx, id: Id) -> Result<bool> {
    Ok(tx.opt("SELECT 1 FROM place WHERE id = $1", &args![id], |_| Ok(()))?.is_some())
}

pub fn set_disabled(tx: &mut Tx, id: Id, at: Option<Millis>) -> Result<()> {
    tx.exec("UPDATE person SET disabled_at = $2 WHERE id = $1", &args![id, at])?;
    end_sessions(tx, id, None)
}

pub struct PersonRow {
    pub person: Person,
    pub posts: Vec<PostRow>,
}

pub struct PostRow {
    pub id: Id,
    pub role: String,
    pub area: Option<String>,
    pub place: Option<String>,
    pub from: String,
    pub to: Option<String>,
}

/// People by name, login or unit, or the `only` one, with their posts; `total` counts all that match.
pub fn list(
    tx: &mut Tx,
    search: &str,
    only: Option<Id>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<PersonRow>, i64)> {
    if let Some(person) = only {
        let rows: Vec<PersonRow> = match find(tx, person)? {
            Some(person) => {
                let posts = posts_of(tx, &[person.id])?.remove(&person.id).unwrap_or_default();
                vec![PersonRow { person, posts }]
            }
            None => Vec::new(),
        };
        let total = i64::try_from(rows.len()).unwrap_or(0);
        return Ok((rows, total));
    }
    let like = format!("%{}%", search.trim().to_lowercase());
    const MATCH: &str = "(lower(p.name) LIKE $1 OR lower(COALESCE(p.login, '')) LIKE $1 \
                         OR lower(COALESCE(p.unit, '')) LIKE $1)";
    let total = tx.one(
        &format!("SELECT CAST(COUNT(*) AS BIGINT) FROM person p WHERE {MATCH}"),
        &args![&like],
        |r| r.int(0),
    )?;
    let people = tx.all(
        &format!(
            "SELECT {PERSON} FROM person p WHERE {MATCH} \
             ORDER BY CASE WHEN p.login IS NULL THEN 1 ELSE 0 END, p.name, p.id LIMIT $2 OFFSET $3"
        ),
        &args![&like, limit, offset],
        person,
    )?;
    let ids: Vec<Id> = people.iter().map(|p| p.id).collect();
    let mut posts = posts_of(tx, &ids)?;
    let rows = people
        .into_iter()
        .map(|person| {
            let posts = posts.remove(&person.id).unwrap_or_default();
            PersonRow { person, posts }
        })
        .collect();
    Ok((rows, total))
}

/// The posts of the people on one page.
fn posts_of(tx: &mut Tx, people: &[Id]) -> Result<BTreeMap<Id, Vec<PostRow>>> {
    let mut posts: BTreeMap<Id, Vec<PostRow>> = BTreeMap::new();
    if people.is_empty() {
        return Ok(posts);
    }
    let places: Vec<String> = (1..=people.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT t.person, t.id, t.role, a.name, pl.name, t.from_date, t.to_date FROM post t \
         LEFT JOIN area a ON a.id = t.area LEFT JOIN place pl ON pl.id = t.place \
         WHERE t.person IN ({}) ORDER BY t.id",
        places.join(", ")
    );
    let args: Vec<crate::Val> = people.iter().map(|id| (*id).into()).collect();
    tx.each(&sql, &args, |r| {
        let post = PostRow {
            id: r.id(1)?,
            role: r.text(2)?,
            area: r.opt_text(3)?,
            place: r.opt_text(4)?,
            from: r.text(5)?,
            to: r.opt_text(6)?,
        };
        posts.entry(r.id(0)?).or_default().push(post);
        Ok(())
    })?;
    Ok(posts)
}

/// What a request may be about, and thereby where its area is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Area,
    Household,
    Batch,
    Posting,
    Objection,
    Place,
    MarketDay,
    Redemption,
    Card,
    Takeout,
}

impl Resource {
    /// (tables, the column with the area path, the column with the household)
    fn tables(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Resource::Area => ("area x", "x.path", None),
            Resource::Household => ("household x", "x.path", Some("x.id")),
            Resource::Batch => ("batch x", "x.path", None),
            Resource::Posting => ("posting x JOIN batch b ON b.id = x.batch", "b.path", None),
            Resource::Objection => ("objection x", "x.path", None),
            Resource::Takeout => ("takeout x", "x.path", None),
            Resource::Place => ("place x", "x.path", None),
            Resource::MarketDay => ("market_day x", "x.path", None),
            Resource::Redemption => {
                ("redemption x JOIN household h ON h.id = x.household", "h.path", Some("h.id"))
            }
            Resource::Card => {
                ("card x JOIN household h ON h.id = x.household", "h.path", Some("h.id"))
            }
        }
    }
}

/// Is this record within the scope? A record that is not there is not within it either.
pub fn covers(tx: &mut Tx, scope: &Scope, resource: Resource, id: Id) -> Result<bool> {
    let (tables, path, household) = resource.tables();
    let within = Within::of(scope, path, household, 2);
    let sql = format!("SELECT 1 FROM {tables} WHERE x.id = $1 AND {}", within.sql);
    let mut args = vec![id.into()];
    args.extend(within.args);
    Ok(tx.opt(&sql, &args, |_| Ok(()))?.is_some())
}

/// (id, name), as a list to choose from shows them.
pub type Choices = Vec<(String, String)>;

/// (id, name) of every area in tree order, indented by depth, and of every place.
pub fn areas_and_places(tx: &mut Tx) -> Result<(Choices, Choices)> {
    let areas = tx.all("SELECT id, path, name FROM area ORDER BY path", &args![], |r| {
        let depth = r.text(1)?.matches('.').count();
        Ok((r.id(0)?.to_string(), format!("{}{}", "\u{3000}".repeat(depth), r.text(2)?)))
    })?;
    let places = tx.all("SELECT id, name FROM place ORDER BY name", &args![], |r| {
        Ok((r.id(0)?.to_string(), r.text(1)?))
    })?;
    Ok((areas, places))
}

/// Is there anybody, or any area, yet?
pub fn is_peopled(tx: &mut Tx) -> Result<bool> {
    let sql = "SELECT 1 FROM person UNION ALL SELECT 1 FROM area LIMIT 1";
    Ok(tx.opt(sql, &args![], |_| Ok(()))?.is_some())
}

/// The topmost area.
pub fn record_zone(tx: &mut Tx, id: Id, name: &str) -> Result<()> {
    tx.exec(
        "INSERT INTO area (id, parent, path, kind, name) VALUES ($1, NULL, '001', 'zone', $2)",
        &args![id, name],
    )?;
    Ok(())
}

pub fn topmost(tx: &mut Tx) -> Result<Option<Id>> {
    tx.opt("SELECT id FROM area WHERE parent IS NULL", &args![], |r| r.id(0))
}
