//! A posting as bytes: what hung on the wall, line by line, the same on every machine.
//!
//! UTF-8; every line ends with a line feed; fields are parted by tabs; no field holds a tab, a line
//! break or another control character. First the head, in this order, then one line for each row:
//!
//! ```text
//! format    siji-posting  1
//! zone      <name>
//! village   <name>
//! month     2026-10
//! scheme    <code>  <version>
//! place     <where it hangs>
//! from      2026-10-24
//! to        2026-10-29
//! days      5  calendar            (or: working)
//! contact   <office and telephone>
//! corrects  <root of the posting it amends, 64 hex digits, or ->
//! category  A  <name>  20          (one line each, in the scheme's order)
//! rows      38
//! 1  张**  <village>  <hamlet>  18  20    12  15  65  assessed
//! ```
//!
//! An empty hamlet or sum is an empty field. The root is the Merkle root over all lines, head and
//! rows, without their line feeds (see [`super::merkle`]).

use std::fmt::Write as _;

use jiff::civil::Date;

use super::merkle::{self, Root};
use super::{Contact, MaskedName, PublicText};
use crate::calendar::{DayKind, Month};

/// Points of a category or of a month. Small by type: no telephone fits.
pub type Sum = u16;

const FORMAT: &str = "siji-posting\t1";

/// A row's number on the list: the household's place on the frozen roster, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(u32);

impl Serial {
    const MAX: u32 = 999_999;
    pub fn new(n: u32) -> Option<Serial> {
        (1..=Serial::MAX).contains(&n).then_some(Serial(n))
    }
    pub fn get(self) -> u32 {
        self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostedOutcome {
    Assessed,
    NotAssessed,
    Suspended,
}

impl PostedOutcome {
    pub const ALL: [PostedOutcome; 3] =
        [PostedOutcome::Assessed, PostedOutcome::NotAssessed, PostedOutcome::Suspended];
    pub fn code(self) -> &'static str {
        match self {
            PostedOutcome::Assessed => "assessed",
            PostedOutcome::NotAssessed => "not_assessed",
            PostedOutcome::Suspended => "suspended",
        }
    }
    pub fn from_code(code: &str) -> Option<PostedOutcome> {
        PostedOutcome::ALL.into_iter().find(|o| o.code() == code)
    }
}

/// A household on the wall. This is the allow-list: what has no field here cannot be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedRow {
    pub serial: Serial,
    pub name: MaskedName,
    pub village: PublicText,
    pub hamlet: Option<PublicText>,
    /// One for each category of the head, `None` where nothing was assessed.
    pub sums: Vec<Option<Sum>>,
    pub total: Sum,
    pub outcome: PostedOutcome,
}

/// A column of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub code: PublicText,
    pub name: PublicText,
    pub points_max: Sum,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub zone: PublicText,
    pub village: PublicText,
    pub month: Month,
    pub scheme: PublicText,
    pub scheme_version: u16,
    pub place: PublicText,
    pub from: Date,
    /// The last full day.
    pub to: Date,
    pub days: u16,
    pub day_kind: DayKind,
    pub contact: Contact,
    /// Root of the posting this one amends.
    pub corrects: Option<Root>,
    pub categories: Vec<Category>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub header: Header,
    pub rows: Vec<PostedRow>,
}

/// These bytes are no posting. `line` counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} does not read as the format says")]
pub struct NotAPosting {
    pub line: usize,
}

impl Body {
    /// The exact bytes. Reading them back with [`Body::read`] gives an equal body.
    pub fn written(&self) -> Vec<u8> {
        let mut out = String::with_capacity(512 + self.rows.len() * 64);
        self.write(&mut out).expect("a String takes every write");
        out.into_bytes()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let h = &self.header;
        writeln!(out, "format\t{FORMAT}")?;
        writeln!(out, "zone\t{}", h.zone)?;
        writeln!(out, "village\t{}", h.village)?;
        writeln!(out, "month\t{}", h.month)?;
        writeln!(out, "scheme\t{}\t{}", h.scheme, h.scheme_version)?;
        writeln!(out, "place\t{}", h.place)?;
        writeln!(out, "from\t{}", h.from)?;
        writeln!(out, "to\t{}", h.to)?;
        writeln!(out, "days\t{}\t{}", h.days, h.day_kind.code())?;
        writeln!(out, "contact\t{}", h.contact)?;
        writeln!(out, "corrects\t{}", h.corrects.map_or_else(|| "-".to_owned(), |r| hex(&r)))?;
        for c in &h.categories {
            writeln!(out, "category\t{}\t{}\t{}", c.code, c.name, c.points_max)?;
        }
        writeln!(out, "rows\t{}", self.rows.len())?;
        for row in &self.rows {
            write!(out, "{}\t{}\t{}\t", row.serial.0, row.name, row.village)?;
            if let Some(hamlet) = &row.hamlet {
                write!(out, "{hamlet}")?;
            }
            for sum in &row.sums {
                match sum {
                    Some(sum) => write!(out, "\t{sum}")?,
                    None => out.push('\t'),
                }
            }
            writeln!(out, "\t{}\t{}", row.total, row.outcome.code())?;
        }
        Ok(())
    }

    pub fn root(&self) -> Root {
        merkle::root_of_text(&self.written())
    }

    /// Reads bytes back; refuses everything that [`Body::written`] would have written otherwise.
    pub fn read(bytes: &[u8]) -> Result<Body, NotAPosting> {
        let mut lines = Lines { rest: bytes, line: 0 };
        let body = read_body(&mut lines).ok_or(NotAPosting { line: lines.line })?;
        if let Some(line) = first_difference(&body.written(), bytes) {
            return Err(NotAPosting { line });
        }
        Ok(body)
    }
}

/// 64 lower-case hex digits.
pub fn hex(root: &[u8]) -> String {
    root.iter().fold(String::with_capacity(64), |mut out, b| {
        write!(out, "{b:02x}").expect("a String takes every write");
        out
    })
}

/// The first bytes of a root as people compare them: sixteen hex digits in four groups.
pub fn short_root(root: &Root) -> String {
    let hex = hex(&root[..8]);
    [&hex[..4], &hex[4..8], &hex[8..12], &hex[12..]].join(" ")
}

pub(super) fn from_hex(text: &str) -> Option<Root> {
    let mut root = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in root.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(root)
}

struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<Vec<&'a str>> {
        self.line += 1;
        let end = self.rest.iter().position(|b| *b == b'\n')?;
        let line = std::str::from_utf8(&self.rest[..end]).ok()?;
        self.rest = &self.rest[end + 1..];
        Some(line.split('\t').collect())
    }
    /// The one value of a head line.
    fn one<T>(&mut self, name: &str, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        match self.next()?.as_slice() {
            [first, value] if *first == name => read(value),
            _ => None,
        }
    }
    /// The two values of a head line.
    fn two<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a str, &'a str) -> Option<T>,
    ) -> Option<T> {
        match self.next()?.as_slice() {
            [first, a, b] if *first == name => read(a, b),
            _ => None,
        }
    }
    fn text(&mut self, name: &str) -> Option<PublicText> {
        self.one(name, |text| PublicText::new(text).ok())
    }
}

fn read_body(lines: &mut Lines<'_>) -> Option<Body> {
    lines.two("format", |name, version| (format!("{name}\t{version}") == FORMAT).then_some(()))?;
    let zone = lines.text("zone")?;
    let village = lines.text("village")?;
    let month = lines.one("month", Month::parse)?;
    let (scheme, scheme_version) = lines.two("scheme", |code, version| {
        Some((PublicText::new(code).ok()?, version.parse().ok()?))
    })?;
    let place = lines.text("place")?;
    let from = lines.one("from", |date| date.parse().ok())?;
    let to = lines.one("to", |date| date.parse().ok())?;
    let (days, day_kind) =
        lines.two("days", |days, kind| Some((days.parse().ok()?, DayKind::from_code(kind)?)))?;
    let contact = lines.one("contact", |text| Contact::new(text).ok())?;
    let corrects = lines.one("corrects", |root| match root {
        "-" => Some(None),
        root => from_hex(root).map(Some),
    })?;
    let (categories, count) = read_categories(lines)?;
    let header = Header {
        zone,
        village,
        month,
        scheme,
        scheme_version,
        place,
        from,
        to,
        days,
        day_kind,
        contact,
        corrects,
        categories,
    };
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push(read_row(&lines.next()?, header.categories.len())?);
    }
    lines.line += 1;
    lines.rest.is_empty().then_some(Body { header, rows })
}

/// The category lines and the count of rows that ends the head.
fn read_categories(lines: &mut Lines<'_>) -> Option<(Vec<Category>, u32)> {
    let mut categories = Vec::new();
    loop {
        match lines.next()?.as_slice() {
            ["category", code, name, points_max] => categories.push(Category {
                code: PublicText::new(code).ok()?,
                name: PublicText::new(name).ok()?,
                points_max: points_max.parse().ok()?,
            }),
            ["rows", count] => return Some((categories, count.parse().ok()?)),
            _ => return None,
        }
    }
}

fn read_row(fields: &[&str], categories: usize) -> Option<PostedRow> {
    let [serial, name, village, hamlet, sums @ .., total, outcome] = fields else { return None };
    if sums.len() != categories {
        return None;
    }
    let sum = |s: &&str| if s.is_empty() { Some(None) } else { s.parse().ok().map(Some) };
    Some(PostedRow {
        serial: Serial::new(serial.parse().ok()?)?,
        name: MaskedName::of(name),
        village: PublicText::new(village).ok()?,
        hamlet: if hamlet.is_empty() { None } else { Some(PublicText::new(hamlet).ok()?) },
        sums: sums.iter().map(sum).collect::<Option<_>>()?,
        total: total.parse().ok()?,
        outcome: PostedOutcome::from_code(outcome)?,
    })
}

/// The number of the first line in which two texts differ.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        return None;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    Some(1 + a[..same].iter().filter(|c| **c == b'\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn text(s: &str) -> PublicText {
        PublicText::new(s).unwrap()
    }

    fn category(code: &str, name: &str, points_max: Sum) -> Category {
        Category { code: text(code), name: text(name), points_max }
    }

    fn two_rows() -> Body {
        let row = |serial, name: &str, sums: &[Option<Sum>], total, outcome| PostedRow {
            serial: Serial::new(serial).unwrap(),
            name: MaskedName::of(name),
            village: text("张庄村"),
            hamlet: None,
            sums: sums.to_vec(),
            total,
            outcome,
        };
        Body {
            header: Header {
                zone: text("东昌经济开发区"),
                village: text("张庄村"),
                month: Month::parse("2026-10").unwrap(),
                scheme: text("KFQ-DEFAULT-1"),
                scheme_version: 1,
                place: text("村委会公示栏"),
                from: date(2026, 10, 24),
                to: date(2026, 10, 29),
                days: 5,
                day_kind: DayKind::Calendar,
                contact: Contact::new("张庄村委会 0635-8511234").unwrap(),
                corrects: None,
                categories: vec![
                    category("A", "扶贫政策比知晓", 20),
                    category("B", "讲究卫生比清洁", 25),
                ],
            },
            rows: vec![
                row(1, "张三", &[Some(18), Some(20)], 84, PostedOutcome::Assessed),
                row(2, "欧阳四海", &[None, Some(0)], 0, PostedOutcome::NotAssessed),
            ],
        }
    }

    #[test]
    fn the_bytes_as_a_picture() {
        let body = two_rows();
        let picture = String::from_utf8(body.written()).unwrap().replace('\t', " | ");
        insta::assert_snapshot!(format!("{picture}root {}", hex(&body.root())));
        assert_eq!(short_root(&body.root()).len(), 19);
    }

    #[test]
    fn other_bytes_do_not_read() {
        let good = String::from_utf8(two_rows().written()).unwrap();
        assert_eq!(Body::read(good.as_bytes()), Ok(two_rows()));
        for (from, to, line) in [
            ("siji-posting\t1", "siji-posting\t2", 1),
            ("张庄村", "371502199001011234", 3),
            ("2026-10\n", "2026-13\n", 4),
            ("calendar", "lunar", 9),
            ("rows\t2", "rows\t3", 17),
            ("rows\t2", "rows\t1", 16),
            ("rows\t2", "rows\t02", 14),
            ("张**", "张三", 15),
            ("1\t张**", "01\t张**", 15),
            ("\t18\t", "\t18\t3\t", 15),
            ("\t84\t", "\t13800138000\t", 15),
            ("not_assessed\n", "not_assessed", 16),
            ("not_assessed", "poor", 16),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(Body::read(bad.as_bytes()), Err(NotAPosting { line }), "{from} -> {to}");
        }
        assert!(Body::read(b"\xff").is_err());
        assert!(Body::read(b"").is_err());
    }

    fn any_row(categories: usize) -> impl Strategy<Value = PostedRow> {
        let sums = proptest::collection::vec(proptest::option::of(any::<Sum>()), categories);
        let village =
            "[\\PC&&[^\\p{N}]]{1,8}".prop_filter_map("shown", |s| PublicText::new(&s).ok());
        let hamlet = proptest::option::of(village.clone());
        ((1..=999_999u32), "\\PC{0,6}", village, hamlet, sums, any::<Sum>(), 0..3usize).prop_map(
            |(serial, name, village, hamlet, sums, total, outcome)| PostedRow {
                serial: Serial::new(serial).unwrap(),
                name: MaskedName::of(&name),
                village,
                hamlet,
                sums,
                total,
                outcome: PostedOutcome::ALL[outcome],
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(
            rows in proptest::collection::vec(any_row(2), 0..20),
            place in "\\PC{1,10}",
            corrects in proptest::option::of(any::<[u8; 32]>()),
            working: bool,
        ) {
            let mut body = two_rows();
            body.rows = rows;
            body.header.corrects = corrects;
            if working {
                body.header.day_kind = DayKind::Working;
            }
            if let Ok(place) = PublicText::new(&place) {
                body.header.place = place;
            }
            let bytes = body.written();
            prop_assert_eq!(Body::read(&bytes).map(|b| b.written()), Ok(bytes));
            prop_assert_eq!(Body::read(&body.written()), Ok(body));
        }

        #[test]
        fn one_byte_changes_the_root(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let body = two_rows();
            let mut bytes = body.written();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_ne!(merkle::root_of_text(&bytes), body.root());
        }
    }
}
