//! Holiday years, and the month's round with its frozen rosters.

use domain::audit::Digest;
use domain::calendar::{Calendar, Month, RoundFacts};
use domain::{Date, Id, Millis, parse_day};

use crate::{Broken, Result, Tx, Type, Val, args};

// Holiday years -----------------------------------------------------------------------------------

/// One yearly notice: the days on which the weekend rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    pub year: i64,
    /// Where the notice was published.
    pub source: String,
    /// (day, is it off?)
    pub days: Vec<(Date, bool)>,
}

/// The file format of `data/calendar/*.json`.
#[derive(serde::Deserialize)]
struct YearFile {
    year: i64,
    #[serde(default)]
    papers: Vec<String>,
    days: Vec<DayLine>,
}

#[derive(serde::Deserialize)]
struct DayLine {
    date: String,
    #[serde(rename = "isOffDay")]
    is_off_day: bool,
}

impl Year {
    /// Reads a holiday file. The error is a reason in plain words.
    pub fn parse(json: &str) -> std::result::Result<Year, String> {
        let file: YearFile = serde_json::from_str(json).map_err(|e| e.to_string())?;
        // PostgreSQL holds no NUL in a text.
        if json.contains(r"\u0000") {
            return Err("NUL".into());
        }
        if !(1949..=2200).contains(&file.year) {
            return Err(format!("year {}", file.year));
        }
        let mut days = Vec::with_capacity(file.days.len());
        for line in &file.days {
            let date = parse_day(&line.date).ok_or_else(|| format!("date {}", line.date))?;
            if (i64::from(date.year()) - file.year).abs() > 1 {
                return Err(format!("date {}", line.date));
            }
            days.push((date, line.is_off_day));
        }
        let year = Year { year: file.year, source: file.papers.join(" "), days };
        let covered = i16::try_from(year.year)
            .is_ok_and(|y| Calendar::new(year.days.iter().copied()).covers(y));
        if covered { Ok(year) } else { Err(format!("{}-01-01", year.year)) }
    }

    fn text(&self) -> String {
        let line =
            |(date, off): &(Date, bool)| format!("{date} {}", if *off { "off" } else { "work" });
        self.days.iter().map(line).collect::<Vec<_>>().join(";")
    }

    fn digest(&self) -> [u8; 32] {
        Digest::of("holiday_year").number(self.year).text(&self.source).text(&self.text()).finish()
    }
}

fn read_days(text: &str) -> Option<Vec<(Date, bool)>> {
    text.split(';')
        .map(|line| {
            let (date, kind) = line.split_once(' ')?;
            Some((date.parse().ok()?, kind == "off"))
        })
        .collect()
}

/// Keeps a year, in place of what was known of it.
pub fn record_year(tx: &mut Tx, year: &Year) -> Result<()> {
    tx.exec(
        "INSERT INTO holiday_year (year, source, days, digest) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (year) DO UPDATE SET source = excluded.source, days = excluded.days, \
         digest = excluded.digest",
        &args![year.year, &year.source, year.text(), year.digest()],
    )?;
    Ok(())
}

pub fn years(tx: &mut Tx) -> Result<Vec<Year>> {
    tx.all("SELECT year, source, days FROM holiday_year ORDER BY year", &[], |r| {
        let days = r.text(2)?;
        Ok(Year {
            year: r.int(0)?,
            source: r.text(1)?,
            days: read_days(&days).ok_or_else(|| Broken::data("a holiday year is unreadable"))?,
        })
    })
}

/// Every year that is known, as one calendar.
pub fn load(tx: &mut Tx) -> Result<Calendar> {
    Ok(Calendar::new(years(tx)?.into_iter().flat_map(|y| y.days)))
}

// Rounds ------------------------------------------------------------------------------------------

/// The monthly scoring; other kinds of rounds come with other rooms.
pub const SCORING: &str = "scoring";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub id: Id,
    pub month: Month,
    pub scheme: Id,
    pub visits_from: Date,
    pub visits_to: Date,
    pub person: Option<Id>,
    pub at: Millis,
}

impl Round {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("round")
            .id(self.id)
            .text(SCORING)
            .text(&self.month.to_string())
            .id(self.scheme)
            .date(self.visits_from)
            .date(self.visits_to)
            .opt_id(self.person)
            .number(self.at)
            .finish()
    }
}

const ROUND: &str = "r.id, r.month, r.scheme, r.visits_from, r.visits_to, r.person, r.at";

fn round(r: &crate::Row) -> Result<Round> {
    let month = r.text(1)?;
    Ok(Round {
        id: r.id(0)?,
        month: Month::parse(&month).ok_or_else(|| Broken::data(format!("not a month: {month}")))?,
        scheme: r.id(2)?,
        visits_from: r.date(3)?,
        visits_to: r.date(4)?,
        person: r.opt_id(5)?,
        at: r.int(6)?,
    })
}

pub fn find(tx: &mut Tx, id: Id) -> Result<Option<Round>> {
    tx.opt(&format!("SELECT {ROUND} FROM round r WHERE r.id = $1"), &args![id], round)
}

pub fn find_by_month(tx: &mut Tx, month: Month) -> Result<Option<Round>> {
    tx.opt(
        &format!("SELECT {ROUND} FROM round r WHERE r.kind = $1 AND r.month = $2"),
        &args![SCORING, month.to_string()],
        round,
    )
}

/// Newest first.
pub fn list(tx: &mut Tx) -> Result<Vec<Round>> {
    tx.all(
        &format!("SELECT {ROUND} FROM round r WHERE r.kind = $1 ORDER BY r.month DESC"),
        &args![SCORING],
        round,
    )
}

/// What opening a month's round depends on.
pub fn facts(tx: &mut Tx, month: Month) -> Result<RoundFacts> {
    let already_open = find_by_month(tx, month)?.map(|r| r.id);
    let scheme = tx.opt(
        "SELECT scheme FROM adoption WHERE from_month <= $1 ORDER BY from_month DESC LIMIT 1",
        &args![month.to_string()],
        |r| r.id(0),
    )?;
    let households =
        tx.one("SELECT CAST(COUNT(*) AS BIGINT) FROM household WHERE active", &[], |r| r.int(0))?;
    Ok(RoundFacts { already_open, scheme, households })
}

/// What a round's opening wrote down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub batches: i64,
    pub households: i64,
    /// Households for which nobody gives the officer's, or the cadre's, sheet.
    pub without_officer: i64,
    pub without_cadre: i64,
}

struct OnRegister {
    household: Id,
    village: Id,
    path: String,
    head_name: String,
    able_to_work: bool,
    cadre: Option<Id>,
}

/// Writes the round, one batch for each village with households, and the frozen rosters.
pub fn record(tx: &mut Tx, round: &Round, today: Date) -> Result<Opened> {
    tx.exec(
        "INSERT INTO round (id, kind, month, scheme, visits_from, visits_to, person, at, digest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args![
            round.id,
            SCORING,
            round.month.to_string(),
            round.scheme,
            round.visits_from,
            round.visits_to,
            round.person,
            round.at,
            round.digest(),
        ],
    )?;
    let officers = officers(tx, today)?;
    let households = on_register(tx)?;
    let mut opened = Opened::default();
    let mut batches = Vec::new();
    let mut roster = Vec::with_capacity(households.len());
    for (n, village) in households.chunk_by(|a, b| a.village == b.village).enumerate() {
        let batch = domain::id::derive(round.id, "batch", n as u64);
        batches.push(vec![
            Val::Id(batch),
            Val::Id(round.id),
            Val::Id(village[0].village),
            Val::from(&village[0].path),
            Val::from("draft"),
            Val::Int(village.len() as i64),
        ]);
        let here = of_village(&officers, &village[0].path);
        for (position, household) in village.iter().enumerate() {
            // Several officers share a village in the order of its list.
            let officer = here.get(position * here.len() / village.len()).copied();
            let cadre = household.cadre.filter(|cadre| Some(*cadre) != officer);
            opened.without_officer += i64::from(officer.is_none());
            opened.without_cadre += i64::from(cadre.is_none());
            roster.push(vec![
                Val::Id(batch),
                Val::Id(household.household),
                Val::Int(position as i64 + 1),
                Val::from(&household.head_name),
                Val::Bool(household.able_to_work),
                Val::from(officer),
                Val::from(cadre),
                Val::from(&village[0].path),
            ]);
        }
    }
    opened.batches = batches.len() as i64;
    opened.households = roster.len() as i64;
    const BATCH: [(&str, Type); 6] = [
        ("id", Type::Id),
        ("round", Type::Id),
        ("village", Type::Id),
        ("path", Type::Text),
        ("state", Type::Text),
        ("households", Type::Int),
    ];
    const ROSTER: [(&str, Type); 8] = [
        ("batch", Type::Id),
        ("household", Type::Id),
        ("position", Type::Int),
        ("head_name", Type::Text),
        ("able_to_work", Type::Bool),
        ("officer", Type::Id),
        ("cadre", Type::Id),
        ("path", Type::Text),
    ];
    tx.insert_all("batch", &BATCH, "", batches)?;
    tx.insert_all("roster", &ROSTER, "", roster)?;
    Ok(opened)
}

/// Assistance officers of today: (path of the post, person), in the order they were appointed.
fn officers(tx: &mut Tx, today: Date) -> Result<Vec<(String, Id)>> {
    tx.all(
        "SELECT a.path, t.person FROM post t JOIN area a ON a.id = t.area \
         JOIN person p ON p.id = t.person \
         WHERE t.role = 'assistance_officer' AND t.from_date <= $1 \
         AND (t.to_date IS NULL OR t.to_date >= $1) AND p.disabled_at IS NULL \
         ORDER BY t.from_date, t.id",
        &args![today],
        |r| Ok((r.text(0)?, r.id(1)?)),
    )
}

/// The officers of a village: those appointed to it, else those of the nearest area above.
fn of_village(officers: &[(String, Id)], village: &str) -> Vec<Id> {
    let nearest = officers
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| domain::access::is_within(village, path))
        .max_by_key(|path| path.len());
    officers.iter().filter(|(path, _)| Some(path.as_str()) == nearest).map(|(_, id)| *id).collect()
}

fn on_register(tx: &mut Tx) -> Result<Vec<OnRegister>> {
    tx.all(
        "SELECT h.id, h.village, a.path, h.head_name, h.able_to_work, \
         (SELECT s.person FROM assignment s WHERE s.household = h.id AND s.to_date IS NULL \
          ORDER BY s.from_date DESC, s.id DESC LIMIT 1) \
         FROM household h JOIN area a ON a.id = h.village \
         WHERE h.active ORDER BY a.path, h.number",
        &[],
        |r| {
            Ok(OnRegister {
                household: r.id(0)?,
                village: r.id(1)?,
                path: r.text(2)?,
                head_name: r.text(3)?,
                able_to_work: r.bool(4)?,
                cadre: r.opt_id(5)?,
            })
        },
    )
}

/// What a round's opening wrote down, counted again.
pub fn opened(tx: &mut Tx, round: Id) -> Result<Opened> {
    tx.one(
        "SELECT COUNT(DISTINCT b.id), COUNT(*), \
         CAST(SUM(CASE WHEN o.officer IS NULL THEN 1 ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN o.cadre IS NULL THEN 1 ELSE 0 END) AS BIGINT) \
         FROM batch b JOIN roster o ON o.batch = b.id WHERE b.round = $1",
        &args![round],
        |r| {
            Ok(Opened {
                batches: r.int(0)?,
                households: r.int(1)?,
                without_officer: r.opt_int(2)?.unwrap_or(0),
                without_cadre: r.opt_int(3)?.unwrap_or(0),
            })
        },
    )
}
