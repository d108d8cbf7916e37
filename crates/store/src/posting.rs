//! The SQL of the posting room: postings, objections, and what a certification rests on.

pub mod log;

use domain::access::Scope;
use domain::calendar::{DayKind, Month};
use domain::posting::object::{Channel, Standing};
use domain::posting::{Objection, Posting};
use domain::scoring::BatchState;
use domain::{Date, Id, Millis};

use crate::sealed::In;
use crate::{Broken, Keys, Listing, Result, Row, Tx, Val, Within, args};

// Batches, as far as postings need them -------------------------------------------------------------

/// A village's month, with the names its list carries.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: Id,
    pub path: String,
    pub village: String,
    pub zone: String,
    pub state: BatchState,
    pub month: Month,
    pub scheme: Id,
    pub scheme_digest: [u8; 32],
    pub certified_at: Option<Millis>,
    pub certified_by: Option<String>,
    pub credited_points: Option<i64>,
    pub seal: Option<Vec<u8>>,
}

pub fn batch(tx: &mut Tx, id: Id) -> Result<Option<Batch>> {
    tx.opt(
        "SELECT b.id, b.path, v.name, z.name, b.state, r.month, r.scheme, s.digest, \
         b.certified_at, p.name, b.credited_points, b.seal \
         FROM batch b JOIN area v ON v.id = b.village JOIN round r ON r.id = b.round \
         JOIN scheme s ON s.id = r.scheme JOIN area z ON z.path = substr(b.path, 1, 3) \
         LEFT JOIN person p ON p.id = b.certified_by WHERE b.id = $1",
        &args![id],
        |r| {
            Ok(Batch {
                id: r.id(0)?,
                path: r.text(1)?,
                village: r.text(2)?,
                zone: r.text(3)?,
                state: code(r, 4, BatchState::from_code)?,
                month: code(r, 5, Month::parse)?,
                scheme: r.id(6)?,
                scheme_digest: r.digest(7)?,
                certified_at: r.opt_int(8)?,
                certified_by: r.opt_text(9)?,
                credited_points: r.opt_int(10)?,
                seal: r.opt_bytes(11)?,
            })
        },
    )
}

/// A household of a batch as it is settled now. What is not settled is not in it.
#[derive(Clone, Debug)]
pub struct Settled {
    pub household: Id,
    pub serial: i64,
    pub head_name: String,
    pub hamlet: Option<String>,
    pub outcome: String,
    pub sums: String,
    pub total: i64,
}

/// Every household of the batch in the roster's order, or one of them.
pub fn settled(tx: &mut Tx, batch: Id, household: Option<Id>) -> Result<Vec<Settled>> {
    let one = if household.is_some() { "AND ro.household = $2" } else { "" };
    let sql = format!(
        "SELECT ro.household, ro.position, ro.head_name, h.hamlet, s.outcome, s.sums, s.total \
         FROM roster ro JOIN household h ON h.id = ro.household \
         JOIN settlement s ON s.batch = ro.batch AND s.household = ro.household AND s.current \
         WHERE ro.batch = $1 {one} ORDER BY ro.position"
    );
    let args: Vec<Val> = std::iter::once(batch).chain(household).map(Val::from).collect();
    tx.all(&sql, &args, |r| {
        Ok(Settled {
            household: r.id(0)?,
            serial: r.int(1)?,
            head_name: r.text(2)?,
            hamlet: r.opt_text(3)?,
            outcome: r.text(4)?,
            sums: r.text(5)?,
            total: r.int(6)?,
        })
    })
}

/// The household on this line of the roster.
pub fn household_at(tx: &mut Tx, batch: Id, serial: i64) -> Result<Option<Id>> {
    tx.opt(
        "SELECT household FROM roster WHERE batch = $1 AND position = $2",
        &args![batch, serial],
        |r| r.id(0),
    )
}

/// Did this person fill in a sheet of this batch, for this household or for any?
pub fn has_scored(tx: &mut Tx, person: Id, batch: Id, household: Option<Id>) -> Result<bool> {
    let one = if household.is_some() { "AND household = $3" } else { "" };
    let sql = format!("SELECT 1 FROM sheet WHERE person = $1 AND batch = $2 {one} LIMIT 1");
    let args: Vec<Val> = [person, batch].into_iter().chain(household).map(Val::from).collect();
    Ok(tx.opt(&sql, &args, |_| Ok(()))?.is_some())
}

/// A household's line on the frozen roster: serial, head, able to work.
pub fn on_roster(tx: &mut Tx, batch: Id, household: Id) -> Result<Option<(i64, String, bool)>> {
    tx.opt(
        "SELECT position, head_name, able_to_work FROM roster WHERE batch = $1 AND household = $2",
        &args![batch, household],
        |r| Ok((r.int(0)?, r.text(1)?, r.bool(2)?)),
    )
}

// Postings ------------------------------------------------------------------------------------------

const POSTING: &str = "p.id, p.batch, p.corrects, p.place, p.contact, p.from_date, p.to_date, p.days, \
                       p.day_kind, p.rows, p.body, p.root, p.person, p.at, p.log_seal, p.log_head";

fn posting(r: &Row) -> Result<Posting> {
    Ok(Posting {
        id: r.id(0)?,
        batch: r.id(1)?,
        corrects: r.opt_id(2)?,
        place: r.text(3)?,
        contact: r.text(4)?,
        from: r.date(5)?,
        to: r.date(6)?,
        days: r.int(7)?,
        day_kind: code(r, 8, DayKind::from_code)?,
        rows: r.int(9)?,
        body: r.bytes(10)?,
        root: r.digest(11)?,
        person: r.id(12)?,
        at: r.int(13)?,
        log_seal: r.int(14)?,
        log_head: r.digest(15)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Posting>> {
    tx.opt(&format!("SELECT {POSTING} FROM posting p WHERE p.id = $1"), &args![id], posting)
}

/// Where the log stood when each was hung: (posting, seal, head).
pub fn log_heads(tx: &mut Tx) -> Result<Vec<(Id, i64, [u8; 32])>> {
    tx.all("SELECT id, log_seal, log_head FROM posting ORDER BY id", &args![], |r| {
        Ok((r.id(0)?, r.int(1)?, r.digest(2)?))
    })
}

/// The order in which the postings `p` of a batch came to hang, by their entries `l` in the log: the list
/// first. Clocks go back, and two may hang in one moment.
fn as_hung(p: &str) -> String {
    format!(
        "CASE WHEN {p}.corrects IS NULL THEN 0 ELSE 1 END, \
         COALESCE(l.number, {}), {p}.at, {p}.id",
        i64::MAX
    )
}

/// Every posting of a batch in the order they hung: the list, then what amends it.
pub fn of_batch(tx: &mut Tx, batch: Id) -> Result<Vec<Posting>> {
    let sql = format!(
        "SELECT {POSTING} FROM posting p LEFT JOIN posting_log l ON l.posting = p.id \
         WHERE p.batch = $1 ORDER BY {}",
        as_hung("p")
    );
    tx.all(&sql, &args![batch], posting)
}

/// Writes the posting down, in the log too, and, if it is a batch's first, moves the batch.
pub fn record(tx: &mut Tx, p: &Posting) -> Result<()> {
    tx.exec(
        "INSERT INTO posting (id, batch, corrects, place, contact, from_date, to_date, days, \
         day_kind, rows, body, root, person, at, log_seal, log_head, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        &args![
            p.id,
            p.batch,
            p.corrects,
            &p.place,
            &p.contact,
            p.from,
            p.to,
            p.days,
            p.day_kind.code(),
            p.rows,
            p.body.as_slice(),
            p.root,
            p.person,
            p.at,
            p.log_seal,
            p.log_head,
            p.digest()
        ],
    )?;
    log::append(tx, p)?;
    if p.corrects.is_none() {
        tx.exec(
            "UPDATE batch SET state = $2, posted_at = $3 WHERE id = $1",
            &args![p.batch, BatchState::InPublicity.code(), p.at],
        )?;
    }
    Ok(())
}

/// The postings that amend this one, in order.
pub fn corrections_of(tx: &mut Tx, posting: Id) -> Result<Vec<Id>> {
    let sql = format!(
        "SELECT c.id FROM posting p JOIN posting c ON c.batch = p.batch \
         LEFT JOIN posting_log l ON l.posting = c.id \
         WHERE p.id = $1 AND c.corrects = p.id ORDER BY {}",
        as_hung("c")
    );
    tx.all(&sql, &args![posting], |r| r.id(0))
}

/// Where this village's latest list hung, and whom to call.
pub fn last_hung(tx: &mut Tx, path: &str) -> Result<Option<(String, String)>> {
    tx.opt(
        "SELECT p.place, p.contact FROM posting p JOIN batch b ON b.id = p.batch \
         WHERE b.path = $1 ORDER BY p.at DESC, p.id DESC LIMIT 1",
        &args![path],
        |r| Ok((r.text(0)?, r.text(1)?)),
    )
}

/// A posting that hangs today, for everybody.
#[derive(Clone, Debug)]
pub struct Hanging {
    pub id: Id,
    pub township: String,
    pub village: String,
    pub month: Month,
    pub place: String,
    pub from: Date,
    pub to: Date,
    pub rows: i64,
    pub corrects: Option<Id>,
}

/// What hangs today, by township and village; `search` looks in the names of areas only. The count
/// is of all that match.
pub fn hanging(
    tx: &mut Tx,
    today: Date,
    search: &str,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Hanging>, i64)> {
    const FROM: &str = "FROM posting p JOIN batch b ON b.id = p.batch JOIN round r ON r.id = b.round \
         JOIN area v ON v.id = b.village LEFT JOIN area t ON t.id = v.parent \
         WHERE p.from_date <= $1 AND p.to_date >= $1 AND (lower(v.name) LIKE $2 OR lower(t.name) LIKE $2)";
    let like = like(search);
    let total =
        tx.one(&format!("SELECT CAST(COUNT(*) AS BIGINT) {FROM}"), &args![today, &like], |r| {
            r.int(0)
        })?;
    let sql = format!(
        "SELECT p.id, COALESCE(t.name, ''), v.name, r.month, p.place, p.from_date, p.to_date, \
         p.rows, p.corrects {FROM} ORDER BY b.path, r.month, p.at, p.id LIMIT $3 OFFSET $4"
    );
    let rows = tx.all(&sql, &args![today, &like, limit, offset], |r| {
        Ok(Hanging {
            id: r.id(0)?,
            township: r.text(1)?,
            village: r.text(2)?,
            month: code(r, 3, Month::parse)?,
            place: r.text(4)?,
            from: r.date(5)?,
            to: r.date(6)?,
            rows: r.int(7)?,
            corrects: r.opt_id(8)?,
        })
    })?;
    Ok((rows, total))
}

// Objections ----------------------------------------------------------------------------------------

const OBJECTION: &str = "o.id, o.code, o.posting, o.batch, o.path, o.household, o.channel, o.by_name, \
     o.contact, o.text, o.filed_at, o.due_on, o.recorded_by, o.state, o.answer, o.answered_by, \
     o.answered_at, o.settlement";

fn objection(keys: &Keys, r: &Row) -> Result<Objection> {
    let id = r.id(0)?;
    let sealed = In::new(keys, "objection", id);
    Ok(Objection {
        id,
        code: r.text(1)?,
        posting: r.id(2)?,
        batch: r.id(3)?,
        path: r.text(4)?,
        household: r.opt_id(5)?,
        channel: code(r, 6, Channel::from_code)?,
        by_name: sealed.text("by_name", r, 7)?,
        contact: sealed.text("contact", r, 8)?,
        text: r.text(9)?,
        filed_at: r.int(10)?,
        due_on: r.date(11)?,
        recorded_by: r.opt_id(12)?,
        standing: code(r, 13, Standing::from_code)?,
        answer: r.opt_text(14)?,
        answered_by: r.opt_id(15)?,
        answered_at: r.opt_int(16)?,
        settlement: r.opt_id(17)?,
    })
}

pub fn find_objection(tx: &mut Tx, id: Id) -> Result<Option<Objection>> {
    let keys = tx.keys();
    let sql = format!("SELECT {OBJECTION} FROM objection o WHERE o.id = $1");
    tx.opt(&sql, &args![id], |r| objection(&keys, r))
}

pub fn find_objection_by_code(tx: &mut Tx, code: &str) -> Result<Option<Objection>> {
    let sql = format!("SELECT {OBJECTION} FROM objection o WHERE o.code = $1");
    let keys = tx.keys();
    tx.opt(&sql, &args![code], |r| objection(&keys, r))
}

pub fn record_objection(tx: &mut Tx, o: &Objection) -> Result<()> {
    let keys = tx.keys();
    let sealed = In::new(&keys, "objection", o.id);
    tx.exec(
        "INSERT INTO objection (id, code, posting, batch, path, household, channel, by_name, \
         contact, text, filed_at, due_on, recorded_by, state, answer, answered_by, answered_at, \
         settlement, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
         $15, $16, $17, $18, $19)",
        &args![
            o.id,
            &o.code,
            o.posting,
            o.batch,
            &o.path,
            o.household,
            o.channel.code(),
            sealed.put("by_name", o.by_name.as_deref())?,
            sealed.put("contact", o.contact.as_deref())?,
            &o.text,
            o.filed_at,
            o.due_on,
            o.recorded_by,
            o.standing.code(),
            o.answer.as_deref(),
            o.answered_by,
            o.answered_at,
            o.settlement,
            keys.fingerprint(&o.digest())
        ],
    )?;
    Ok(())
}

/// Writes down the answer; the rest of an objection never changes.
pub fn record_answer(tx: &mut Tx, o: &Objection) -> Result<()> {
    let keys = tx.keys();
    tx.exec(
        "UPDATE objection SET state = $2, answer = $3, answered_by = $4, answered_at = $5, \
         settlement = $6, digest = $7 WHERE id = $1",
        &args![
            o.id,
            o.standing.code(),
            o.answer.as_deref(),
            o.answered_by,
            o.answered_at,
            o.settlement,
            keys.fingerprint(&o.digest())
        ],
    )?;
    Ok(())
}

/// Which objections a list shows.
#[derive(Clone, Debug, Default)]
pub struct ObjectionFilter {
    pub standing: Option<Standing>,
    pub overdue_on: Option<Date>,
    pub batch: Option<Id>,
    /// In the code, the text, the name of the village.
    pub search: String,
}

/// A line of the list of objections.
#[derive(Clone, Debug)]
pub struct ObjectionLine {
    pub id: Id,
    pub code: String,
    pub village: String,
    pub month: Month,
    pub serial: Option<i64>,
    pub channel: Channel,
    pub filed_at: Millis,
    pub due_on: Date,
    pub standing: Standing,
    pub text: String,
}

/// Open ones first, the longest due at the top; then the answered ones, newest first.
fn objection_listing(scope: &Scope, filter: &ObjectionFilter) -> Listing {
    let mut args: Vec<Val> = Vec::new();
    let mut terms = Vec::new();
    if let Some(standing) = filter.standing {
        args.push(standing.code().into());
        terms.push(format!("o.state = ${}", args.len()));
    }
    if let Some(today) = filter.overdue_on {
        args.push(today.into());
        terms.push(format!("(o.state = 'open' AND o.due_on < ${})", args.len()));
    }
    if let Some(batch) = filter.batch {
        args.push(batch.into());
        terms.push(format!("o.batch = ${}", args.len()));
    }
    if !filter.search.trim().is_empty() {
        args.push(like(&filter.search).into());
        let n = args.len();
        terms.push(format!(
            "(lower(o.code) LIKE ${n} OR lower(o.text) LIKE ${n} OR lower(v.name) LIKE ${n})"
        ));
    }
    let within = Within::of(scope, "o.path", None, args.len() + 1);
    terms.push(within.sql);
    args.extend(within.args);
    Listing {
        select: "o.id, o.code, v.name, r.month, ro.position, o.channel, o.filed_at, o.due_on, \
                 o.state, o.text"
            .to_owned(),
        from: format!(
            "FROM objection o JOIN batch b ON b.id = o.batch JOIN round r ON r.id = b.round \
             JOIN area v ON v.id = b.village \
             LEFT JOIN roster ro ON ro.batch = o.batch AND ro.household = o.household WHERE {}",
            terms.join(" AND ")
        ),
        order: "CASE WHEN o.state = 'open' THEN 0 ELSE 1 END, \
                CASE WHEN o.state = 'open' THEN o.due_on END, o.filed_at DESC, o.id"
            .to_owned(),
        args,
        more: Vec::new(),
    }
}

fn objection_line(r: &Row) -> Result<ObjectionLine> {
    Ok(ObjectionLine {
        id: r.id(0)?,
        code: r.text(1)?,
        village: r.text(2)?,
        month: code(r, 3, Month::parse)?,
        serial: r.opt_int(4)?,
        channel: code(r, 5, Channel::from_code)?,
        filed_at: r.int(6)?,
        due_on: r.date(7)?,
        standing: code(r, 8, Standing::from_code)?,
        text: r.text(9)?,
    })
}

/// One page, and how many match in all.
pub fn objections(
    tx: &mut Tx,
    scope: &Scope,
    filter: &ObjectionFilter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<ObjectionLine>, i64)> {
    let listing = objection_listing(scope, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, offset, limit, objection_line)?, total))
}

/// The whole list, one objection after another.
pub fn each_objection(
    tx: &mut Tx,
    scope: &Scope,
    filter: &ObjectionFilter,
    see: impl FnMut(ObjectionLine) -> Result<()>,
) -> Result<()> {
    objection_listing(scope, filter).each(tx, objection_line, see)
}

/// Every objection of a batch.
pub fn objections_of(tx: &mut Tx, batch: Id) -> Result<i64> {
    tx.one("SELECT CAST(COUNT(*) AS BIGINT) FROM objection WHERE batch = $1", &args![batch], |r| {
        r.int(0)
    })
}

/// Objections of a batch without an answer.
pub fn objections_open(tx: &mut Tx, batch: Id) -> Result<i64> {
    tx.one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM objection WHERE batch = $1 AND state = 'open'",
        &args![batch],
        |r| r.int(0),
    )
}

// Certification -------------------------------------------------------------------------------------

/// What the batch's households were settled at, together.
pub fn points_settled(tx: &mut Tx, batch: Id) -> Result<i64> {
    tx.one(
        "SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM settlement \
         WHERE batch = $1 AND current",
        &args![batch],
        |r| r.int(0),
    )
}

/// Points of monthly scores each household of the batch was already credited with in a year.
pub fn credited_in_year(tx: &mut Tx, batch: Id, year: i16) -> Result<Vec<(Id, i64)>> {
    let sql = format!(
        "{} SELECT a.owner, CAST(SUM(t.amount) AS BIGINT) FROM movement m CROSS JOIN transfer t \
         JOIN account a ON a.id = m.account \
         JOIN batch b ON b.id = t.cause JOIN round r ON r.id = b.round \
         WHERE t.seq = m.seq AND t.cause_kind = 'certification' \
         AND r.month >= $2 AND r.month <= $3 GROUP BY a.owner",
        crate::points::movements(
            "a.kind = 'household' AND a.owner IN (SELECT ro.household FROM roster ro \
             WHERE ro.batch = $1)"
        )
    );
    tx.all(&sql, &args![batch, format!("{year:04}-01"), format!("{year:04}-12")], |r| {
        Ok((r.id(0)?, r.int(1)?))
    })
}

/// Fingerprints of the current sheets by household and scorer, as the seal takes them.
pub fn each_sheet_digest(tx: &mut Tx, batch: Id, mut see: impl FnMut([u8; 32])) -> Result<()> {
    tx.each(
        "SELECT digest FROM sheet WHERE batch = $1 AND current ORDER BY household, scorer",
        &args![batch],
        |r| {
            see(r.digest(0)?);
            Ok(())
        },
    )
}

/// Fingerprints of the current settlements by household, as the seal takes them.
pub fn each_settlement_digest(tx: &mut Tx, batch: Id, mut see: impl FnMut([u8; 32])) -> Result<()> {
    tx.each(
        "SELECT digest FROM settlement WHERE batch = $1 AND current ORDER BY household",
        &args![batch],
        |r| {
            see(r.digest(0)?);
            Ok(())
        },
    )
}

/// What a certified batch keeps of its certification.
pub struct Certified {
    pub batch: Id,
    pub person: Id,
    pub at: Millis,
    pub points: i64,
    pub seal: [u8; 32],
}

/// Certified and credited are one step here: the credits are in the same transaction.
pub fn record_certified(tx: &mut Tx, c: &Certified) -> Result<()> {
    tx.exec(
        "UPDATE batch SET state = $2, certified_at = $3, certified_by = $4, credited_at = $3, \
         credited_points = $5, seal = $6 WHERE id = $1",
        &args![c.batch, BatchState::Credited.code(), c.at, c.person, c.points, c.seal],
    )?;
    Ok(())
}

/// What `LIKE` compares in lower case, the same on both engines.
fn like(search: &str) -> String {
    format!("%{}%", search.trim().to_lowercase())
}

fn code<T>(r: &Row, i: usize, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    let text = r.text(i)?;
    read(&text).ok_or_else(|| Broken::data(format!("column {i}: unknown word {text}")))
}
