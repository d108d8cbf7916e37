//! Scheme versions as they were uploaded, and their adoptions. A definition never changes once it
//! is kept, so it is read from its text once for each process.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use domain::audit::Digest;
use domain::calendar::{DayKind, Month};
use domain::scheme::{
    Adoption, AdoptionFacts, Band, BonusEvent, Category, Item, Mode, NaReason, Period, Scheme,
    Substitute, VersionFacts, Words,
};
use domain::{Date, Id, Millis};
use serde::Deserialize;

use crate::{Broken, Result, Tx, args};

// The file format ---------------------------------------------------------------------------------

#[derive(Deserialize)]
struct SchemeFile {
    code: String,
    version: i64,
    name_zh: String,
    name_en: String,
    monthly_max: i64,
    points_value: PointsValue,
    annual_cap_per_household: i64,
    min_assessed: usize,
    publicity: PeriodFile,
    objection: PeriodFile,
    categories: Vec<CategoryFile>,
    items: Vec<ItemFile>,
    #[serde(default)]
    substitute: Option<SubstituteFile>,
    #[serde(default)]
    bonus_events: Vec<BonusFile>,
    #[serde(default)]
    lint_forbidden_terms: Vec<String>,
    #[serde(default)]
    lint_forbidden_effects: Vec<String>,
}

#[derive(Deserialize)]
struct PointsValue {
    points_per_yuan: i64,
}

#[derive(Deserialize)]
struct PeriodFile {
    days: i64,
    kind: String,
}

#[derive(Deserialize)]
struct CategoryFile {
    code: String,
    zh: String,
    en: String,
    max: i64,
}

#[derive(Deserialize)]
struct ItemFile {
    code: String,
    category: String,
    zh: String,
    en: String,
    max: i64,
    mode: String,
    bands: Vec<BandFile>,
    #[serde(default)]
    evidence: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    na: Vec<NaFile>,
}

#[derive(Deserialize)]
struct BandFile {
    score: i64,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
struct NaFile {
    code: String,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
struct SubstituteFile {
    category: String,
    item: ItemFile,
}

#[derive(Deserialize)]
struct BonusFile {
    code: String,
    zh: String,
    en: String,
    points: i64,
}

/// No number in a scheme is larger; what is beyond is a slip of the pen, or meant to hurt.
const LARGEST: i64 = 100_000;

/// Reads a scheme file. The error is a reason in plain words.
pub fn parse(json: &str) -> std::result::Result<Scheme, String> {
    let file: SchemeFile = serde_json::from_str(json).map_err(|e| e.to_string())?;
    // PostgreSQL holds no NUL in a text.
    if json.contains(r"\u0000") {
        return Err("NUL".into());
    }
    if file.code.trim().is_empty() || file.code.len() > 60 {
        return Err("code".into());
    }
    if file.items.len() > 100 || file.categories.len() > 26 || file.bonus_events.len() > 100 {
        return Err("too many items".into());
    }
    Ok(Scheme {
        code: file.code,
        version: within("version", file.version)?,
        title: Words { zh: file.name_zh, en: file.name_en },
        monthly_max: within("monthly_max", file.monthly_max)?,
        points_per_yuan: within("points_per_yuan", file.points_value.points_per_yuan)?,
        annual_cap: within("annual_cap_per_household", file.annual_cap_per_household)?,
        min_assessed: file.min_assessed,
        publicity: period("publicity", &file.publicity)?,
        objection: period("objection", &file.objection)?,
        categories: file
            .categories
            .into_iter()
            .map(|c| {
                let max = within(&c.code, c.max)?;
                Ok(Category { code: c.code, name: Words { zh: c.zh, en: c.en }, max })
            })
            .collect::<std::result::Result<_, String>>()?,
        items: file.items.into_iter().map(item).collect::<std::result::Result<_, String>>()?,
        substitute: file
            .substitute
            .map(|s| Ok::<_, String>(Substitute { category: s.category, item: item(s.item)? }))
            .transpose()?,
        bonus_events: file
            .bonus_events
            .into_iter()
            .map(|e| {
                let points = within(&e.code, e.points)?;
                Ok(BonusEvent { code: e.code, name: Words { zh: e.zh, en: e.en }, points })
            })
            .collect::<std::result::Result<_, String>>()?,
        forbidden_terms: file.lint_forbidden_terms,
        forbidden_effects: file.lint_forbidden_effects,
    })
}

fn within(what: &str, n: i64) -> std::result::Result<i64, String> {
    if (-LARGEST..=LARGEST).contains(&n) { Ok(n) } else { Err(format!("{what}: {n}")) }
}

fn period(what: &str, file: &PeriodFile) -> std::result::Result<Period, String> {
    let kind = DayKind::from_code(&file.kind).ok_or_else(|| format!("{what}: {}", file.kind))?;
    if !(0..=366).contains(&file.days) {
        return Err(format!("{what}: {}", file.days));
    }
    Ok(Period { days: file.days, kind })
}

fn item(file: ItemFile) -> std::result::Result<Item, String> {
    let mode =
        Mode::from_code(&file.mode).ok_or_else(|| format!("{}: {}", file.code, file.mode))?;
    if !(0..=1_000).contains(&file.max) || file.bands.len() > 20 || file.na.len() > 20 {
        return Err(format!("{}: {}", file.code, file.max));
    }
    let bands = file.bands.into_iter().map(|b| {
        let score = within(&file.code, b.score)?;
        Ok(Band { score, words: Words { zh: b.zh, en: b.en } })
    });
    let bands = bands.collect::<std::result::Result<_, String>>()?;
    let na = file.na.into_iter();
    Ok(Item {
        bands,
        mode,
        code: file.code,
        category: file.category,
        name: Words { zh: file.zh, en: file.en },
        max: file.max,
        evidence: file.evidence,
        note: file.note,
        na: na.map(|n| NaReason { code: n.code, words: Words { zh: n.zh, en: n.en } }).collect(),
    })
}

// Versions ----------------------------------------------------------------------------------------

/// A version as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: Id,
    pub scheme: Arc<Scheme>,
    /// The file, byte for byte.
    pub definition: String,
    pub created_at: Millis,
    /// None: it came with the program.
    pub created_by: Option<Id>,
    pub digest: [u8; 32],
}

impl Kept {
    /// What the digest should be: `siji verify` holds it against the one that is stored.
    pub fn recomputed(&self) -> [u8; 32] {
        digest(self.id, &self.definition, self.created_at, self.created_by)
    }
}

fn digest(id: Id, definition: &str, at: Millis, by: Option<Id>) -> [u8; 32] {
    Digest::of("scheme").id(id).text(definition).number(at).opt_id(by).finish()
}

static READ: LazyLock<RwLock<HashMap<[u8; 32], Arc<Scheme>>>> = LazyLock::new(Default::default);

fn read_once(digest: [u8; 32], definition: &str) -> Result<Arc<Scheme>> {
    let scheme = Arc::new(parse(definition).map_err(|e| Broken::data(format!("scheme: {e}")))?);
    if let Ok(mut read) = READ.write() {
        read.insert(digest, scheme.clone());
    }
    Ok(scheme)
}

fn known(digest: [u8; 32]) -> Option<Arc<Scheme>> {
    READ.read().ok()?.get(&digest).cloned()
}

/// The rules of a version. Its text is read the first time only.
pub fn load(tx: &mut Tx, id: Id) -> Result<Arc<Scheme>> {
    let digest = tx.one("SELECT digest FROM scheme WHERE id = $1", &args![id], |r| r.digest(0))?;
    load_known(tx, id, digest)
}

/// The same where the digest was read along with something else.
pub fn load_known(tx: &mut Tx, id: Id, digest: [u8; 32]) -> Result<Arc<Scheme>> {
    if let Some(scheme) = known(digest) {
        return Ok(scheme);
    }
    let sql = "SELECT definition FROM scheme WHERE id = $1";
    let definition = tx.one(sql, &args![id], |r| r.text(0))?;
    read_once(digest, &definition)
}

const KEPT: &str = "s.id, s.definition, s.created_at, s.created_by, s.digest";

fn kept(r: &crate::Row) -> Result<Kept> {
    let definition = r.text(1)?;
    let scheme = parse(&definition).map_err(|e| Broken::data(format!("scheme: {e}")))?;
    Ok(Kept {
        id: r.id(0)?,
        scheme: Arc::new(scheme),
        definition,
        created_at: r.int(2)?,
        created_by: r.opt_id(3)?,
        digest: r.digest(4)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Kept>> {
    tx.opt(&format!("SELECT {KEPT} FROM scheme s WHERE s.id = $1"), &args![id], kept)
}

/// Newest first.
pub fn list(tx: &mut Tx) -> Result<Vec<Kept>> {
    tx.all(&format!("SELECT {KEPT} FROM scheme s ORDER BY s.code, s.version DESC"), &[], kept)
}

pub fn version_facts(tx: &mut Tx, code: &str) -> Result<VersionFacts> {
    let latest =
        tx.one("SELECT MAX(version) FROM scheme WHERE code = $1", &args![code], |r| r.opt_int(0))?;
    Ok(VersionFacts { latest })
}

pub fn record(
    tx: &mut Tx,
    id: Id,
    scheme: &Scheme,
    definition: &str,
    at: Millis,
    by: Option<Id>,
) -> Result<()> {
    tx.exec(
        "INSERT INTO scheme (id, code, version, title_zh, title_en, definition, created_at, \
         created_by, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            id,
            &scheme.code,
            scheme.version,
            &scheme.title.zh,
            &scheme.title.en,
            definition,
            at,
            by,
            digest(id, definition, at, by),
        ],
    )?;
    Ok(())
}

// Adoptions ---------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub struct Adopted {
    pub id: Id,
    pub scheme: Id,
    pub adoption: Adoption,
    pub person: Option<Id>,
    pub at: Millis,
    pub digest: [u8; 32],
}

impl Adopted {
    pub fn recomputed(&self) -> [u8; 32] {
        adoption_digest(self.id, self.scheme, &self.adoption, self.person, self.at)
    }
}

fn adoption_digest(
    id: Id,
    scheme: Id,
    adoption: &Adoption,
    person: Option<Id>,
    at: Millis,
) -> [u8; 32] {
    Digest::of("adoption")
        .id(id)
        .id(scheme)
        .text(&adoption.from_month.to_string())
        .date(adoption.resolved_on)
        .text(&adoption.number)
        .text(&adoption.text)
        .opt_id(person)
        .number(at)
        .finish()
}

pub fn adoption_facts(tx: &mut Tx, month: Month, today: Date) -> Result<AdoptionFacts> {
    let exists = |tx: &mut Tx, sql: &str| -> Result<bool> {
        Ok(tx.opt(sql, &args![month.to_string()], |_| Ok(()))?.is_some())
    };
    Ok(AdoptionFacts {
        today,
        // A later month that is open was opened under the rules of then as well.
        month_open: exists(tx, "SELECT 1 FROM round WHERE kind = 'scoring' AND month >= $1")?,
        month_adopted: exists(tx, "SELECT 1 FROM adoption WHERE from_month = $1")?,
    })
}

pub fn record_adoption(
    tx: &mut Tx,
    id: Id,
    scheme: Id,
    adoption: &Adoption,
    person: Option<Id>,
    at: Millis,
) -> Result<()> {
    tx.exec(
        "INSERT INTO adoption (id, scheme, from_month, resolved_on, resolution_number, \
         resolution_text, person, at, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            id,
            scheme,
            adoption.from_month.to_string(),
            adoption.resolved_on,
            &adoption.number,
            &adoption.text,
            person,
            at,
            adoption_digest(id, scheme, adoption, person, at),
        ],
    )?;
    Ok(())
}

/// Newest first.
pub fn adoptions(tx: &mut Tx) -> Result<Vec<Adopted>> {
    tx.all(
        "SELECT id, scheme, from_month, resolved_on, resolution_number, resolution_text, person, \
         at, digest FROM adoption ORDER BY from_month DESC",
        &[],
        |r| {
            let month = r.text(2)?;
            Ok(Adopted {
                id: r.id(0)?,
                scheme: r.id(1)?,
                adoption: Adoption {
                    from_month: Month::parse(&month)
                        .ok_or_else(|| Broken::data(format!("not a month: {month}")))?,
                    resolved_on: r.date(3)?,
                    number: r.text(4)?,
                    text: r.text(5)?,
                },
                person: r.opt_id(6)?,
                at: r.int(7)?,
                digest: r.digest(8)?,
            })
        },
    )
}

/// The version in force in a month.
pub fn in_force(tx: &mut Tx, month: Month) -> Result<Option<Id>> {
    tx.opt(
        "SELECT scheme FROM adoption WHERE from_month <= $1 ORDER BY from_month DESC LIMIT 1",
        &args![month.to_string()],
        |r| r.id(0),
    )
}

/// Money given to the programme since a day, in fen: what a year of points is held against.
pub fn fund_fen(tx: &mut Tx, since: Date) -> Result<i64> {
    tx.one(
        "SELECT CAST(COALESCE(SUM(money_fen), 0) AS BIGINT) FROM donation WHERE received_on >= $1",
        &args![since],
        |r| r.int(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beyond_the_largest_is_refused_with_its_name() {
        let shipped = include_str!("../../../data/scheme/default_points_scheme.json");
        let parsed = |n: i64| {
            let file = shipped.replace("\"monthly_max\": 100", &format!("\"monthly_max\": {n}"));
            assert!(n == 100 || file != shipped);
            parse(&file).map(|scheme| scheme.monthly_max)
        };
        for n in [100, 0, LARGEST, -LARGEST] {
            assert_eq!(parsed(n), Ok(n));
        }
        for n in [LARGEST + 1, -LARGEST - 1, i64::MAX, i64::MIN] {
            assert_eq!(parsed(n), Err(format!("monthly_max: {n}")));
        }
    }
}
