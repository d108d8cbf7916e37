//! Lists with sealed values: who asked for which, what was said of it, and the rows.

use domain::access::Scope;
use domain::privacy::takeout::{Column, Standing};
use domain::{Id, Millis};

use crate::sealed::In;
use crate::{Broken, Listing, Result, Row, Tx, Within, args};

/// A request, as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takeout {
    pub id: Id,
    pub person: Id,
    pub by: String,
    pub path: String,
    pub area: String,
    pub columns: Vec<Column>,
    pub reason: String,
    pub words: String,
    pub at: Millis,
    pub standing: Standing,
    pub decided_by: Option<String>,
    pub decided_at: Option<Millis>,
    pub answer: Option<String>,
}

const COLUMNS: &str = "t.id, t.person, p.name, t.path, a.name, t.columns, t.reason, t.words, t.at, \
                       t.state, q.name, t.decided_at, t.answer";
const TABLES: &str = "takeout t JOIN person p ON p.id = t.person JOIN area a ON a.path = t.path \
                      LEFT JOIN person q ON q.id = t.decided_by";

fn read(r: &Row) -> Result<Takeout> {
    let state = r.text(9)?;
    Ok(Takeout {
        id: r.id(0)?,
        person: r.id(1)?,
        by: r.text(2)?,
        path: r.text(3)?,
        area: r.text(4)?,
        columns: Column::read(&r.text(5)?),
        reason: r.text(6)?,
        words: r.text(7)?,
        at: r.int(8)?,
        standing: Standing::from_code(&state)
            .ok_or_else(|| Broken::data(format!("a list asked for in the state {state}")))?,
        decided_by: r.opt_text(10)?,
        decided_at: r.opt_int(11)?,
        answer: r.opt_text(12)?,
    })
}

pub struct NewTakeout<'a> {
    pub id: Id,
    pub person: Id,
    pub path: &'a str,
    pub columns: &'a [Column],
    pub reason: &'a str,
    pub words: &'a str,
    pub at: Millis,
}

pub fn record_takeout(tx: &mut Tx, t: &NewTakeout) -> Result<()> {
    tx.exec(
        "INSERT INTO takeout (id, person, path, columns, reason, words, at, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &args![
            t.id,
            t.person,
            t.path,
            Column::line(t.columns),
            t.reason,
            t.words,
            t.at,
            Standing::Asked.code()
        ],
    )?;
    Ok(())
}

/// What the second person said.
pub struct Decided<'a> {
    pub id: Id,
    pub standing: Standing,
    pub by: Id,
    pub at: Millis,
    pub answer: &'a str,
}

/// False: somebody was faster.
pub fn decide_takeout(tx: &mut Tx, d: &Decided) -> Result<bool> {
    let n = tx.exec(
        "UPDATE takeout SET state = $2, decided_by = $3, decided_at = $4, answer = $5 \
         WHERE id = $1 AND state = $6",
        &args![d.id, d.standing.code(), d.by, d.at, d.answer, Standing::Asked.code()],
    )?;
    Ok(n > 0)
}

pub fn find_takeout(tx: &mut Tx, id: Id) -> Result<Option<Takeout>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE t.id = $1");
    tx.opt(&sql, &args![id], read)
}

/// One's own, and those within `decides`, the areas for which one may say yes or no.
fn listing(person: Id, decides: &Scope, standing: Option<Standing>) -> Listing {
    let within = Within::of(decides, "t.path", None, 2);
    let mut sql = format!("(t.person = $1 OR {})", within.sql);
    let mut args = args![person].to_vec();
    args.extend(within.args);
    if let Some(standing) = standing {
        args.push(standing.code().into());
        sql.push_str(&format!(" AND t.state = ${}", args.len()));
    }
    Listing {
        select: COLUMNS.to_owned(),
        from: format!("FROM {TABLES} WHERE {sql}"),
        order: "t.at DESC, t.id DESC".to_owned(),
        args,
        more: Vec::new(),
    }
}

/// Newest first, and how many there are.
pub fn takeouts(
    tx: &mut Tx,
    person: Id,
    decides: &Scope,
    standing: Option<Standing>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Takeout>, i64)> {
    let listing = listing(person, decides, standing);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, read)?, total))
}

/// One person on the register, in clear.
pub struct Taken {
    pub household: String,
    pub village: String,
    pub hamlet: Option<String>,
    pub name: String,
    pub relation: String,
    /// In the order they were asked for.
    pub values: Vec<Option<String>>,
}

/// Those on the register within the scope and at or below `path`, village by village: everybody where
/// a column is of each member, else the heads of households.
pub fn each_taken(
    tx: &mut Tx,
    scope: &Scope,
    path: &str,
    columns: &[Column],
    mut see: impl FnMut(Taken) -> Result<()>,
) -> Result<()> {
    let keys = tx.keys();
    let within = Within::of(scope, "h.path", Some("h.id"), 3);
    let whom = match columns.iter().any(|c| c.is_of_member()) {
        true => "m.active",
        false => "m.active AND m.relation = '02'",
    };
    let named = columns.iter().map(|c| format!(", {}.{}", table(*c), c.code()));
    let sql = format!(
        "SELECT h.id, h.number, a.name, h.hamlet, m.id, m.name, m.relation{} \
         FROM household h JOIN member m ON m.household = h.id JOIN area a ON a.id = h.village \
         WHERE h.active AND {whom} AND (h.path = $1 OR (h.path >= $1 AND h.path < $2)) AND {} \
         ORDER BY h.path, h.number, CASE WHEN m.relation = '02' THEN 0 ELSE 1 END, m.number",
        named.collect::<String>(),
        within.sql
    );
    let args = [args![path, format!("{path}/")].to_vec(), within.args].concat();
    tx.each(&sql, &args, |r| {
        let (of_household, of_member) =
            (In::new(&keys, "household", r.id(0)?), In::new(&keys, "member", r.id(4)?));
        let value = |(n, column): (usize, &Column)| {
            let sealed = if column.is_of_member() { &of_member } else { &of_household };
            sealed.text(column.code(), r, 7 + n)
        };
        see(Taken {
            household: r.text(1)?,
            village: r.text(2)?,
            hamlet: r.opt_text(3)?,
            name: r.text(5)?,
            relation: r.text(6)?,
            values: columns.iter().enumerate().map(value).collect::<Result<_>>()?,
        })
    })
}

fn table(column: Column) -> &'static str {
    if column.is_of_member() { "m" } else { "h" }
}
