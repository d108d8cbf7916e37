//! People, posts, sessions, and the one predicate of what lies within a scope.

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
}

const PERSON: &str = "p.id, p.name, p.unit, p.login, p.must_change, p.disabled_at";

fn person(r: &crate::Row) -> Result<Person> {
    Ok(Person {
        id: r.id(0)?,
        name: r.text(1)?,
        unit: r.opt_text(2)?,
        login: r.opt_text(3)?,
        must_change: r.bool(4)?,
        disabled_at: r.opt_int(5)?,
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
        |r| Ok((person(r)?, r.opt_text(6)?)),
    )
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

pub fn record_person(tx: &mut Tx, p: &NewPerson) -> Result<()> {
    let keys = tx.keys();
    let phone = crate::sealed::In::new(&keys, "person", p.id).put("phone", p.phone)?;
    tx.exec(
        "INSERT INTO person (id, name, phone, unit, login, password, must_change, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &args![p.id, p.name, phone, p.unit, p.login, p.password, p.must_change, p.at],
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
}

pub fn record_post(tx: &mut Tx, p: &NewPost) -> Result<()> {
    tx.exec(
        "INSERT INTO post (id, person, role, area, place, from_date, to_date) \
         VALUES ($1, $2, $3, $4, $5, $6, NULL)",
        &args![p.id, p.person, p.role.code(), p.area, p.place, p.from],
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

pub fn set_login(
    tx: &mut Tx,
    id: Id,
    login: &str,
    password: &str,
    must_change: bool,
) -> Result<()> {
    tx.exec(
        "UPDATE person SET login = $2, password = $3, must_change = $4 WHERE id = $1",
        &args![id, login, password, must_change],
    )?;
    Ok(())
}

pub fn set_disabled(tx: &mut Tx, id: Id, at: Option<Millis>) -> Result<()> {
    tx.exec("UPDATE person SET disabled_at = $2 WHERE id = $1", &args![id, at])?;
    end_sessions(tx, id)
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
    pub to: Option<String>,
}

/// People by name, login or unit, with their posts; `total` counts all that match.
pub fn list(tx: &mut Tx, search: &str, offset: i64, limit: i64) -> Result<(Vec<PersonRow>, i64)> {
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
    let mut rows = Vec::with_capacity(people.len());
    for person in people {
        let posts = tx.all(
            "SELECT t.id, t.role, a.name, pl.name, t.to_date FROM post t \
             LEFT JOIN area a ON a.id = t.area LEFT JOIN place pl ON pl.id = t.place \
             WHERE t.person = $1 ORDER BY t.id",
            &args![person.id],
            |r| {
                Ok(PostRow {
                    id: r.id(0)?,
                    role: r.text(1)?,
                    area: r.opt_text(2)?,
                    place: r.opt_text(3)?,
                    to: r.opt_text(4)?,
                })
            },
        )?;
        rows.push(PersonRow { person, posts });
    }
    Ok((rows, total))
}

// Sessions: the cookie's token is never stored, only its SHA-256.

pub fn record_session(
    tx: &mut Tx,
    hash: [u8; 32],
    of: Id,
    at: Millis,
    until: Millis,
) -> Result<()> {
    tx.exec(
        "INSERT INTO session (token_hash, person, created_at, seen_at, expires_at) \
         VALUES ($1, $2, $3, $3, $4)",
        &args![hash, of, at, until],
    )?;
    Ok(())
}

pub struct Session {
    pub person: Person,
    pub seen_at: Millis,
    pub expires_at: Millis,
}

pub fn find_session(tx: &mut Tx, hash: [u8; 32]) -> Result<Option<Session>> {
    tx.opt(
        &format!(
            "SELECT {PERSON}, s.seen_at, s.expires_at FROM session s \
             JOIN person p ON p.id = s.person WHERE s.token_hash = $1"
        ),
        &args![hash],
        |r| Ok(Session { person: person(r)?, seen_at: r.int(6)?, expires_at: r.int(7)? }),
    )
}

pub fn touch_session(tx: &mut Tx, hash: [u8; 32], at: Millis) -> Result<()> {
    tx.exec("UPDATE session SET seen_at = $2 WHERE token_hash = $1", &args![hash, at])?;
    Ok(())
}

pub fn end_session(tx: &mut Tx, hash: [u8; 32]) -> Result<()> {
    tx.exec("DELETE FROM session WHERE token_hash = $1", &args![hash])?;
    Ok(())
}

pub fn end_sessions(tx: &mut Tx, of: Id) -> Result<()> {
    tx.exec("DELETE FROM session WHERE person = $1", &args![of])?;
    Ok(())
}

pub fn failures_since(tx: &mut Tx, login: &str, since: Millis) -> Result<i64> {
    tx.one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM login_failure WHERE login = $1 AND at > $2",
        &args![login, since],
        |r| r.int(0),
    )
}

pub fn record_failure(tx: &mut Tx, login: &str, at: Millis, forget_before: Millis) -> Result<()> {
    tx.exec("DELETE FROM login_failure WHERE at < $1", &args![forget_before])?;
    tx.exec("INSERT INTO login_failure (login, at) VALUES ($1, $2)", &args![login, at])?;
    Ok(())
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
