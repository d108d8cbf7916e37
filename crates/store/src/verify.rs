//! Every record as it is stored, one after another, for `siji verify`. Reads what is there, also
//! where it is not what it should be.

use domain::Id;
use domain::audit::Digest;
use domain::points::{Account, Kind};

use crate::registry::citizen_hash;
use crate::sealed::{In, has_sealed, is_sealed};
use crate::{Broken, Keys, Result, Row, Tx, Type, args};

/// A table whose rows carry a fingerprint, and the columns it covers, in order.
pub struct Table {
    pub name: &'static str,
    /// The first one names the row.
    columns: &'static [(&'static str, Type)],
}

macro_rules! table {
    ($name:literal, $($column:literal $kind:ident),+ $(,)?) => {{
        const COLUMNS: &[(&str, Type)] = &[$(($column, Type::$kind)),+];
        Table { name: $name, columns: COLUMNS }
    }};
}

/// From the first record on: what came first stands first. A redemption's fingerprint also covers
/// its lines, and is read by [`redemptions`].
pub const TABLES: [Table; 18] = [
    table!("holiday_year", "year" Int, "source" Text, "days" Text),
    table!("scheme", "id" Id, "definition" Text, "created_at" Int, "created_by" Id),
    table!(
        "adoption", "id" Id, "scheme" Id, "from_month" Text, "resolved_on" Text,
        "resolution_number" Text, "resolution_text" Text, "person" Id, "at" Int
    ),
    table!(
        "household", "id" Id, "number" Text, "village" Id, "path" Text, "hamlet" Text,
        "head_name" Text, "head" Id, "size" Int, "graduation" Text, "graduated_year" Int,
        "poverty_cause" Text, "able_to_work" Bool, "housing_grade" Text, "water_safe" Bool,
        "income_fen" Int, "phone" Text, "bank_name" Text, "bank_account" Text, "active" Bool
    ),
    table!(
        "member", "id" Id, "household" Id, "number" Text, "name" Text, "relation" Text,
        "sex" Text, "id_kind" Text, "citizen_number" Text, "born_on" Text, "ethnic" Text,
        "political" Text, "education" Text, "student" Text, "health" Text, "work_skill" Text,
        "work_area" Text, "work_months" Int, "medical_insurance" Bool, "dibao" Bool,
        "active" Bool
    ),
    table!(
        "kinship", "id" Id, "person" Id, "household" Id, "relation" Text, "declared_at" Int,
        "declared_by" Id
    ),
    table!(
        "round", "id" Id, "kind" Text, "month" Text, "scheme" Id, "visits_from" Text,
        "visits_to" Text, "person" Id, "at" Int
    ),
    table!(
        "sheet", "id" Id, "batch" Id, "household" Id, "scorer" Text, "person" Id,
        "visited_on" Text, "scores" Text, "remark" Text, "opened_at" Int, "at" Int, "replaces" Id
    ),
    table!(
        "settlement", "id" Id, "batch" Id, "household" Id, "outcome" Text, "basis" Text,
        "scores" Text, "sums" Text, "total" Int, "note" Text, "person" Id, "at" Int,
        "replaces" Id
    ),
    table!(
        "posting", "id" Id, "batch" Id, "corrects" Id, "place" Text, "contact" Text,
        "from_date" Text, "to_date" Text, "days" Int, "day_kind" Text, "rows" Int, "body" Bytes,
        "root" Bytes, "person" Id, "at" Int, "log_seal" Int, "log_head" Bytes
    ),
    table!(
        "objection", "id" Id, "code" Text, "posting" Id, "batch" Id, "path" Text,
        "household" Id, "channel" Text, "by_name" Text, "contact" Text, "text" Text,
        "filed_at" Int, "due_on" Text, "recorded_by" Id, "state" Text, "answer" Text,
        "answered_by" Id, "answered_at" Int, "settlement" Id
    ),
    table!(
        "transfer", "id" Id, "seq" Int, "unit" Id, "step" Text, "debit" Id, "credit" Id,
        "amount" Int, "hold" Id, "cause_kind" Text, "cause" Id, "on_date" Text, "at" Int
    ),
    table!(
        "bonus", "id" Id, "household" Id, "event" Text, "points" Int, "document" Text,
        "person" Id, "on_date" Text, "at" Int
    ),
    table!(
        "goods", "id" Id, "goods" Id, "sku" Text, "name_zh" Text, "name_en" Text,
        "category" Text, "measure" Text, "price_fen" Int, "points" Int, "limit_month" Int,
        "active" Bool, "replaces" Id, "person" Id, "at" Int
    ),
    table!(
        "donation", "id" Id, "donor" Text, "donor_public" Bool, "place" Id, "received_on" Text,
        "money_fen" Int, "note" Text, "person" Id, "at" Int
    ),
    table!("lot", "id" Id, "donation" Id, "goods" Id, "quantity" Int, "expires_on" Text),
    table!(
        "market_day", "id" Id, "place" Id, "village" Id, "path" Text, "on_date" Text,
        "spot" Text, "person" Id, "announced_at" Int
    ),
    table!(
        "card", "id" Id, "household" Id, "code" Text, "issued_at" Int, "issued_by" Id,
        "frozen_at" Int, "frozen_reason" Text
    ),
];

const REDEMPTION: Table = table!(
    "redemption", "id" Id, "receipt" Text, "household" Id, "card" Id, "market_day" Id,
    "place" Id, "points" Int, "proxy_name" Text, "proxy_relation" Text, "reverses" Id,
    "reason" Text, "person" Id, "on_date" Text, "at" Int
);

/// One value as it is stored. `Odd`: not of its column's kind.
#[derive(Clone, Debug, PartialEq)]
enum Raw {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Id(Id),
    Odd(String),
}

fn raw(r: &Row, i: usize, kind: Type) -> Raw {
    match r {
        Row::Sqlite(r) => r.get_ref(i).map_or_else(|e| Raw::Odd(e.to_string()), |v| lite(v, kind)),
        Row::Postgres(r) => {
            macro_rules! get {
                ($variant:ident) => {
                    match r.try_get(i) {
                        Ok(Some(value)) => Raw::$variant(value),
                        Ok(None) => Raw::Null,
                        Err(e) => Raw::Odd(e.to_string()),
                    }
                };
            }
            match kind {
                Type::Int => get!(Int),
                Type::Bool => get!(Bool),
                Type::Text => get!(Text),
                Type::Bytes => get!(Bytes),
                Type::Id => get!(Id),
            }
        }
    }
}

fn lite(value: rusqlite::types::ValueRef<'_>, kind: Type) -> Raw {
    use rusqlite::types::ValueRef::{Blob, Integer, Null, Text};
    match (kind, value) {
        (_, Null) => Raw::Null,
        (Type::Int, Integer(n)) => Raw::Int(n),
        (Type::Bool, Integer(n @ (0 | 1))) => Raw::Bool(n == 1),
        (Type::Text, Text(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Raw::Text(text.to_owned()),
            Err(e) => Raw::Odd(e.to_string()),
        },
        (Type::Bytes, Blob(bytes)) => Raw::Bytes(bytes.to_vec()),
        (Type::Id, Blob(bytes)) => {
            Id::from_slice(bytes).map_or_else(|e| Raw::Odd(e.to_string()), Raw::Id)
        }
        (_, other) => Raw::Odd(format!("{:?}", other.data_type())),
    }
}

/// What is inside a sealed value of a row that is known.
fn opened(sealed: &In<'_>, field: &str, kind: Type, value: Raw) -> Raw {
    let Raw::Bytes(bytes) = value else { return value };
    match sealed.open(field, &bytes) {
        Err(e) => Raw::Odd(e.to_string()),
        Ok(plain) if kind == Type::Bytes => Raw::Bytes(plain),
        Ok(plain) => match (kind, String::from_utf8(plain)) {
            (Type::Int, Ok(text)) => text.parse().map_or_else(|_| Raw::Odd(text), Raw::Int),
            (_, Ok(text)) => Raw::Text(text),
            (_, Err(e)) => Raw::Odd(e.to_string()),
        },
    }
}

impl Raw {
    fn into(self, digest: Digest) -> Digest {
        match self {
            Raw::Null => digest.none(),
            Raw::Int(n) => digest.number(n),
            Raw::Bool(b) => digest.truth(b),
            Raw::Text(s) => digest.text(&s),
            Raw::Bytes(b) => digest.bytes(&b),
            Raw::Id(id) => digest.id(id),
            // Tagged like nothing that was ever written.
            Raw::Odd(why) => digest.text("odd").none().text(&why),
        }
    }
    fn name(&self) -> String {
        match self {
            Raw::Id(id) => id.to_string(),
            Raw::Int(n) => n.to_string(),
            other => format!("{other:?}"),
        }
    }
}

/// A row's name, and whether what it says is what its fingerprint says.
#[derive(Clone, Debug)]
pub struct Checked {
    pub key: String,
    pub fits: bool,
}

/// Over what the columns say; sealed ones are opened first.
fn digest_of(keys: &Keys, table: &Table, r: &Row) -> (Digest, String) {
    let mut digest = Digest::of(table.name);
    let mut key = String::new();
    let mut id = Id::nil();
    for (i, (name, kind)) in table.columns.iter().enumerate() {
        let value = match is_sealed(table.name, name) {
            false => raw(r, i, *kind),
            true => opened(&In::new(keys, table.name, id), name, *kind, raw(r, i, Type::Bytes)),
        };
        if i == 0 {
            key = value.name();
            id = if let Raw::Id(of) = &value { *of } else { id };
        }
        digest = value.into(digest);
    }
    (digest, key)
}

/// What stands in the row for this digest: where values are sealed, its keyed hash.
fn kept(keys: &Keys, table: &Table, digest: Digest) -> Raw {
    let digest = digest.finish();
    let kept = if has_sealed(table.name) { keys.fingerprint(&digest) } else { digest };
    Raw::Bytes(kept.to_vec())
}

fn columns(table: &Table, alias: &str) -> String {
    let names = table.columns.iter().map(|(name, _)| *name).chain(["digest"]);
    names.map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ")
}

/// Every row of a table in the order it is stored.
pub fn each(tx: &mut Tx, table: &Table, mut see: impl FnMut(Checked) -> Result<()>) -> Result<()> {
    let sql = format!("SELECT {} FROM {} t", columns(table, "t"), table.name);
    let at = table.columns.len();
    let keys = tx.keys();
    tx.each(&sql, &args![], |r| {
        let (digest, key) = digest_of(&keys, table, r);
        let fits = raw(r, at, Type::Bytes) == kept(&keys, table, digest);
        see(Checked { key, fits })
    })
}

/// Every redemption with its lines.
pub fn redemptions(tx: &mut Tx, mut see: impl FnMut(Checked) -> Result<()>) -> Result<()> {
    const LINE: [(&str, Type); 4] = [
        ("goods", Type::Id),
        ("lot", Type::Id),
        ("quantity", Type::Int),
        ("points_each", Type::Int),
    ];
    let sql = format!(
        "SELECT {}, l.line, l.goods, l.lot, l.quantity, l.points_each FROM redemption t \
         LEFT JOIN redemption_line l ON l.redemption = t.id ORDER BY t.id, l.line",
        columns(&REDEMPTION, "t")
    );
    let kept_at = REDEMPTION.columns.len();
    let line_at = kept_at + 1;
    // The redemption that is being gathered: its digest so far, what is stored, its lines.
    let mut open: Option<(String, Digest, Raw, i64, bool)> = None;
    let keys = tx.keys();
    let close = |(key, digest, stored, _, in_order): (String, Digest, Raw, i64, bool)| Checked {
        key,
        fits: in_order && stored == kept(&keys, &REDEMPTION, digest),
    };
    tx.each(&sql, &args![], |r| {
        let (head, key) = digest_of(&keys, &REDEMPTION, r);
        if open.as_ref().is_none_or(|o| o.0 != key) {
            if let Some(done) = open.take() {
                see(close(done))?;
            }
            open = Some((key, head, raw(r, kept_at, Type::Bytes), 0, true));
        }
        if let (Some(o), Raw::Int(line)) = (open.as_mut(), raw(r, line_at, Type::Int)) {
            o.4 &= line == o.3 + 1;
            o.3 = line;
            for (i, (_, kind)) in LINE.iter().enumerate() {
                o.1 = raw(r, line_at + 1 + i, *kind).into(o.1.clone());
            }
        }
        Ok(())
    })?;
    open.into_iter().try_for_each(|done| see(close(done)))
}

// The log -------------------------------------------------------------------------------------------

const LOG: Table = table!(
    "audit_log", "seq" Int, "key" Id, "at" Int, "person" Id, "kind" Text, "verb" Text,
    "subject" Id, "household" Id, "path" Text, "code" Text, "rows" Int, "note" Text,
    "asked" Bytes
);

/// A line of the log as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredLine {
    pub seq: i64,
    /// The fingerprint beside it; noughts where that is none.
    pub kept: [u8; 32],
    /// The one its columns make.
    pub made: [u8; 32],
    /// It waits for its seal.
    pub waits: bool,
}

/// Every line of the log, in order.
pub fn log_lines(tx: &mut Tx, mut see: impl FnMut(StoredLine) -> Result<()>) -> Result<()> {
    let sql = format!(
        "SELECT {}, o.seq FROM audit_log t LEFT JOIN audit_open o ON o.seq = t.seq ORDER BY t.seq",
        columns(&LOG, "t")
    );
    let kept_at = LOG.columns.len();
    tx.each(&sql, &args![], |r| {
        // The number is the database's own; the seal binds it to the line.
        let digest = LOG.columns.iter().enumerate().skip(1);
        let digest =
            digest.fold(Digest::of(LOG.name), |d, (i, (_, kind))| raw(r, i, *kind).into(d));
        see(StoredLine {
            seq: r.int(0)?,
            kept: r.opt_bytes(kept_at)?.and_then(|d| d.try_into().ok()).unwrap_or_default(),
            made: digest.finish(),
            waits: r.opt_int(kept_at + 1)?.is_some(),
        })
    })
}

/// A seal as it is stored: its number, when, its head, and what it links, where that can be read.
pub type StoredSeal = ((i64, domain::Millis, [u8; 32]), Option<Vec<domain::audit::chain::Link>>);

/// Every seal, in order.
pub fn log_seals(tx: &mut Tx, mut see: impl FnMut(StoredSeal) -> Result<()>) -> Result<()> {
    let sql = "SELECT number, at, head, links, last_seq FROM audit_seal ORDER BY number";
    tx.each(sql, &args![], |r| {
        let head = r.bytes(2)?.try_into().unwrap_or_default();
        let links = domain::audit::chain::read_links(&r.bytes(3)?);
        let last = r.int(4)?;
        let fits = |l: &Vec<(i64, [u8; 32])>| l.last().is_some_and(|link| link.0 == last);
        see(((r.int(0)?, r.int(1)?, head), links.filter(fits)))
    })
}

/// What cannot come into being without a command under its own key.
const COMMANDED: [(&str, &str); 7] = [
    ("sheet", ""),
    ("posting", "AND t.corrects IS NULL"),
    ("objection", ""),
    ("bonus", ""),
    ("redemption", ""),
    ("donation", ""),
    ("market_day", ""),
];

/// The first record that somebody's command made and no line of the log knows: (table, id).
pub fn without_line(tx: &mut Tx) -> Result<Option<(&'static str, Id)>> {
    for (table, more) in COMMANDED {
        let sql = format!(
            "SELECT t.id FROM {table} t WHERE NOT EXISTS \
             (SELECT 1 FROM audit_log a WHERE a.key = t.id) {more} ORDER BY t.id LIMIT 1"
        );
        if let Some(id) = tx.opt(&sql, &args![], |r| r.id(0))? {
            return Ok(Some((table, id)));
        }
    }
    Ok(None)
}

/// What the engine itself finds wrong with its file (SQLite).
pub fn engine(tx: &mut Tx) -> Result<Option<String>> {
    if !tx.is_sqlite() {
        return Ok(None);
    }
    let found = tx.one("PRAGMA integrity_check(1)", &args![], |r| r.text(0))?;
    Ok(Some(found).filter(|found| found != "ok"))
}

/// Rows of a table where a new one takes the place of an old one, and only the newest counts.
#[derive(Clone, Copy, Debug)]
pub struct Succession {
    pub id: Id,
    pub replaces: Option<Id>,
    pub current: bool,
}

/// `table`: sheet, settlement or goods.
pub fn successions(
    tx: &mut Tx,
    table: &'static str,
    mut see: impl FnMut(Succession) -> Result<()>,
) -> Result<()> {
    tx.each(&format!("SELECT id, replaces, current FROM {table}"), &args![], |r| {
        see(Succession { id: r.id(0)?, replaces: r.opt_id(1)?, current: r.bool(2)? })
    })
}

// The ledger ----------------------------------------------------------------------------------------

/// An account as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredAccount {
    pub id: Id,
    pub account: Account,
    pub debits_posted: i64,
    pub credits_posted: i64,
    pub debits_pending: i64,
    pub credits_pending: i64,
    pub last: i64,
}

pub fn accounts(tx: &mut Tx) -> Result<Vec<StoredAccount>> {
    tx.all(
        "SELECT id, unit, kind, owner, place, debits_posted, credits_posted, debits_pending, \
         credits_pending, last FROM account",
        &args![],
        |r| {
            let kind = r.text(2)?;
            let kind = Kind::from_code(&kind)
                .ok_or_else(|| Broken::data(format!("account {}: kind {kind}", r.name(0))))?;
            let account = Account::new(r.id(1)?, kind, r.opt_id(3)?, r.opt_id(4)?);
            Ok(StoredAccount {
                id: r.id(0)?,
                account,
                debits_posted: r.int(5)?,
                credits_posted: r.int(6)?,
                debits_pending: r.int(7)?,
                credits_pending: r.int(8)?,
                last: r.int(9)?,
            })
        },
    )
}

impl Row<'_> {
    /// A row's id, for a message.
    fn name(&self, i: usize) -> String {
        raw(self, i, Type::Id).name()
    }
}

/// A transfer as it is stored.
#[derive(Clone, Debug)]
pub struct StoredTransfer {
    pub id: Id,
    pub seq: i64,
    pub unit: Id,
    pub step: String,
    pub debit: Id,
    pub credit: Id,
    pub amount: i64,
    pub hold: Option<Id>,
    pub cause_kind: String,
    pub cause: Id,
    pub debit_before: i64,
    pub credit_before: i64,
}

const TRANSFER: &str = "SELECT id, seq, unit, step, debit, credit, amount, hold, cause_kind, cause, \
                        debit_before, credit_before FROM transfer";

fn transfer(r: &Row) -> Result<StoredTransfer> {
    Ok(StoredTransfer {
        id: r.id(0)?,
        seq: r.int(1)?,
        unit: r.id(2)?,
        step: r.text(3)?,
        debit: r.id(4)?,
        credit: r.id(5)?,
        amount: r.int(6)?,
        hold: r.opt_id(7)?,
        cause_kind: r.text(8)?,
        cause: r.id(9)?,
        debit_before: r.int(10)?,
        credit_before: r.int(11)?,
    })
}

/// In the order they were recorded.
pub fn transfers(tx: &mut Tx, mut see: impl FnMut(StoredTransfer) -> Result<()>) -> Result<()> {
    tx.each(&format!("{TRANSFER} ORDER BY seq"), &args![], |r| see(transfer(r)?))
}

/// What one record caused: (debit, credit, amount), sorted.
pub fn caused(tx: &mut Tx, kind: &str, cause: Id) -> Result<Vec<(Id, Id, i64)>> {
    let sql = format!("{TRANSFER} WHERE cause = $1 AND cause_kind = $2");
    let mut caused = tx.all(&sql, &args![cause, kind], |r| {
        let t = transfer(r)?;
        Ok((t.debit, t.credit, t.amount))
    })?;
    caused.sort_unstable();
    Ok(caused)
}

/// The first transfer whose cause is not there: no certified batch, bonus, redemption or donation.
pub fn without_cause(tx: &mut Tx) -> Result<Option<(Id, String)>> {
    tx.opt(
        "SELECT t.id, t.cause_kind FROM transfer t WHERE NOT CASE t.cause_kind \
         WHEN 'certification' THEN \
          EXISTS (SELECT 1 FROM batch b WHERE b.id = t.cause AND b.state = 'credited') \
         WHEN 'bonus' THEN EXISTS (SELECT 1 FROM bonus b WHERE b.id = t.cause) \
         WHEN 'redemption' THEN \
          EXISTS (SELECT 1 FROM redemption r WHERE r.id = t.cause AND r.reverses IS NULL) \
         WHEN 'reversal' THEN \
          EXISTS (SELECT 1 FROM redemption r WHERE r.id = t.cause AND r.reverses IS NOT NULL) \
         WHEN 'donation' THEN EXISTS (SELECT 1 FROM donation d WHERE d.id = t.cause) \
         WHEN 'move' THEN EXISTS (SELECT 1 FROM audit_log c WHERE c.key = t.cause) \
         WHEN 'write_off' THEN EXISTS (SELECT 1 FROM audit_log c WHERE c.key = t.cause) \
         ELSE FALSE END ORDER BY t.seq LIMIT 1",
        &args![],
        |r| Ok((r.id(0)?, r.text(1)?)),
    )
}

/// Households with a bonus, and its points.
pub fn bonuses(tx: &mut Tx) -> Result<Vec<(Id, Id, i64)>> {
    tx.all("SELECT id, household, points FROM bonus", &args![], |r| {
        Ok((r.id(0)?, r.id(1)?, r.int(2)?))
    })
}

/// A lot as it came in.
#[derive(Clone, Copy, Debug)]
pub struct StoredLot {
    pub donation: Id,
    pub place: Id,
    pub goods: Id,
    pub lot: Id,
    pub quantity: i64,
}

/// Lots, those of a donation side by side.
pub fn lots(tx: &mut Tx) -> Result<Vec<StoredLot>> {
    tx.all(
        "SELECT d.id, d.place, l.goods, l.id, l.quantity FROM donation d \
         JOIN lot l ON l.donation = d.id ORDER BY d.id",
        &args![],
        |r| {
            Ok(StoredLot {
                donation: r.id(0)?,
                place: r.id(1)?,
                goods: r.id(2)?,
                lot: r.id(3)?,
                quantity: r.int(4)?,
            })
        },
    )
}

/// One redemption's head.
#[derive(Clone, Debug)]
pub struct StoredRedemption {
    pub id: Id,
    pub household: Id,
    pub place: Id,
    pub points: i64,
    pub reverses: Option<Id>,
    /// (goods, lot, quantity, points each)
    pub lines: Vec<(Id, Id, i64, i64)>,
}

pub fn each_redemption(
    tx: &mut Tx,
    mut see: impl FnMut(StoredRedemption) -> Result<()>,
) -> Result<()> {
    let mut open: Option<StoredRedemption> = None;
    tx.each(
        "SELECT r.id, r.household, r.place, r.points, r.reverses, l.goods, l.lot, l.quantity, \
         l.points_each FROM redemption r LEFT JOIN redemption_line l ON l.redemption = r.id \
         ORDER BY r.id, l.line",
        &args![],
        |r| {
            let id = r.id(0)?;
            if open.as_ref().is_none_or(|o| o.id != id) {
                let next = StoredRedemption {
                    id,
                    household: r.id(1)?,
                    place: r.id(2)?,
                    points: r.int(3)?,
                    reverses: r.opt_id(4)?,
                    lines: Vec::new(),
                };
                if let Some(done) = open.replace(next) {
                    see(done)?;
                }
            }
            if let (Some(o), Some(goods)) = (open.as_mut(), r.opt_id(5)?) {
                o.lines.push((goods, r.id(6)?, r.int(7)?, r.int(8)?));
            }
            Ok(())
        },
    )?;
    open.into_iter().try_for_each(see)
}

// Months --------------------------------------------------------------------------------------------

/// Every batch, month by month.
pub fn batches(tx: &mut Tx) -> Result<Vec<Id>> {
    tx.all(
        "SELECT b.id FROM batch b JOIN round r ON r.id = b.round ORDER BY r.month, b.path",
        &args![],
        |r| r.id(0),
    )
}

/// A settlement with what it rests on.
#[derive(Clone, Debug)]
pub struct StoredSettlement {
    pub id: Id,
    pub scheme: Id,
    /// None: the household is not on the batch's roster.
    pub able_to_work: Option<bool>,
    pub outcome: String,
    pub basis: String,
    pub scores: String,
    pub sums: String,
    pub total: i64,
    pub officer: Option<String>,
    pub cadre: Option<String>,
}

pub fn settlements(tx: &mut Tx, mut see: impl FnMut(StoredSettlement) -> Result<()>) -> Result<()> {
    tx.each(
        "SELECT s.id, r.scheme, o.able_to_work, s.outcome, s.basis, s.scores, s.sums, s.total, \
         f.scores, c.scores FROM settlement s JOIN batch b ON b.id = s.batch \
         JOIN round r ON r.id = b.round \
         LEFT JOIN roster o ON o.batch = s.batch AND o.household = s.household \
         LEFT JOIN sheet f ON f.batch = s.batch AND f.household = s.household AND f.current \
          AND f.scorer = 'assistance_officer' \
         LEFT JOIN sheet c ON c.batch = s.batch AND c.household = s.household AND c.current \
          AND c.scorer = 'assigned_cadre'",
        &args![],
        |r| {
            see(StoredSettlement {
                id: r.id(0)?,
                scheme: r.id(1)?,
                able_to_work: r.opt_bool(2)?,
                outcome: r.text(3)?,
                basis: r.text(4)?,
                scores: r.text(5)?,
                sums: r.text(6)?,
                total: r.int(7)?,
                officer: r.opt_text(8)?,
                cadre: r.opt_text(9)?,
            })
        },
    )
}

/// What a batch says of itself.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    pub households: i64,
    pub on_roster: i64,
    pub settled: i64,
    pub certified_at: Option<i64>,
    pub credited_at: Option<i64>,
    pub objections_unanswered_at_certification: i64,
    /// By the officer, by the cadre.
    pub sheets: (i64, i64),
    pub sheets_said: (Option<i64>, Option<i64>),
}

pub fn batch(tx: &mut Tx, id: Id) -> Result<StoredBatch> {
    tx.one(
        "SELECT b.households, \
         (SELECT COUNT(*) FROM roster o WHERE o.batch = b.id), \
         (SELECT COUNT(*) FROM settlement s WHERE s.batch = b.id AND s.current), \
         b.certified_at, b.credited_at, \
         (SELECT COUNT(*) FROM objection j WHERE j.batch = b.id \
          AND (j.state = 'open' OR j.answered_at > b.certified_at)), \
         (SELECT COUNT(*) FROM sheet s WHERE s.batch = b.id AND s.current \
          AND s.scorer = 'assistance_officer'), \
         (SELECT COUNT(*) FROM sheet s WHERE s.batch = b.id AND s.current \
          AND s.scorer = 'assigned_cadre'), b.officer_sheets, b.cadre_sheets \
         FROM batch b WHERE b.id = $1",
        &args![id],
        |r| {
            Ok(StoredBatch {
                households: r.int(0)?,
                on_roster: r.int(1)?,
                settled: r.int(2)?,
                certified_at: r.opt_int(3)?,
                credited_at: r.opt_int(4)?,
                objections_unanswered_at_certification: r.int(5)?,
                sheets: (r.int(6)?, r.int(7)?),
                sheets_said: (r.opt_int(8)?, r.opt_int(9)?),
            })
        },
    )
}

/// A scheme version's columns beside its definition.
#[derive(Clone, Debug)]
pub struct ListedScheme {
    pub id: Id,
    pub code: String,
    pub version: i64,
    pub title_zh: String,
    pub title_en: String,
}

pub fn schemes(tx: &mut Tx) -> Result<Vec<ListedScheme>> {
    let sql = "SELECT id, code, version, title_zh, title_en FROM scheme ORDER BY created_at";
    tx.all(sql, &args![], |r| {
        Ok(ListedScheme {
            id: r.id(0)?,
            code: r.text(1)?,
            version: r.int(2)?,
            title_zh: r.text(3)?,
            title_en: r.text(4)?,
        })
    })
}

/// The first member who would not be found by their citizen number.
pub fn misfiled(tx: &mut Tx) -> Result<Option<Id>> {
    let (keys, mut first) = (tx.keys(), None);
    tx.each("SELECT id, citizen_number, citizen_hash FROM member", &args![], |r| {
        let id = r.id(0)?;
        let sealed = In::new(&keys, "member", id);
        let number = opened(&sealed, "citizen_number", Type::Text, raw(r, 1, Type::Bytes));
        let made = match number {
            Raw::Text(number) => Raw::Bytes(citizen_hash(&keys, &number).to_vec()),
            _ => Raw::Null,
        };
        if made != raw(r, 2, Type::Bytes) {
            first = first.or(Some(id));
        }
        Ok(())
    })?;
    Ok(first)
}
