//! What an office sends in: workbooks, comma-separated files, and the words in them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io::{Seek, SeekFrom, Write};

use domain::registry::check::{Check, FINDINGS_MAX};
use domain::registry::citizen::{CitizenNumber, CitizenNumberFault, mask};
use domain::registry::code;
use domain::registry::finding::Finding;
use domain::registry::header::{Headers, SheetKind};
use domain::registry::text::{compact, tidy, typed_number, whole_number};
use domain::registry::{Area, AreaKind, Areas, Table};
use domain::{Date, Id};
use jiff::civil::date;
use sheets::{Cell, Event, ReadError};

use crate::bytes::Bytes;

pub(crate) const TODAY: Date = date(2026, 11, 23);

/// A cell that outlives its row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    Text(String),
    Number(f64),
    Truth(bool),
    Date(String),
    Error(String),
}

impl Kept {
    fn of(cell: Cell<'_>) -> Kept {
        match cell {
            Cell::Text(s) => Kept::Text(s.into()),
            Cell::Number(n) => Kept::Number(n),
            Cell::Truth(b) => Kept::Truth(b),
            Cell::Date(s) => Kept::Date(s.into()),
            Cell::Error(s) => Kept::Error(s.into()),
        }
    }
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Kept::Text(s) => Cell::Text(s),
            Kept::Number(n) => Cell::Number(*n),
            Kept::Truth(b) => Cell::Truth(*b),
            Kept::Date(s) => Cell::Date(s),
            Kept::Error(s) => Cell::Error(s),
        }
    }
}

pub(crate) type Row = (u32, Vec<(u16, Kept)>);
pub(crate) type Book = Vec<(String, Vec<Row>)>;

thread_local! {
    static FILE: RefCell<tempfile::NamedTempFile> =
        RefCell::new(tempfile::NamedTempFile::new().expect("a file for a workbook"));
}

/// Reads a file of these bytes, in this very process.
pub(crate) fn read(bytes: &[u8]) -> Result<Book, ReadError> {
    FILE.with_borrow_mut(|file| {
        let out = file.as_file_mut();
        out.set_len(0)?;
        out.seek(SeekFrom::Start(0))?;
        out.write_all(bytes)?;
        let mut book = Book::new();
        let see = &mut |event: Event<'_>| {
            match event {
                Event::Sheet(name) => book.push((name.to_owned(), Vec::new())),
                Event::Row(number, cells) => {
                    let kept = cells.iter().map(|(column, cell)| (*column, Kept::of(*cell)));
                    let (_, rows) = book.last_mut().expect("a row comes after its sheet");
                    rows.push((number, kept.collect()));
                }
            }
            Ok(())
        };
        let read = crate::as_in_a_worker(|| sheets::source::read(file.path(), see));
        read.unwrap_or(Err(ReadError::Fell))?;
        Ok(book)
    })
}

/// What a file holds lies within its limits, whatever it is.
fn is_within_limits(book: &Book) {
    assert!(book.len() <= sheets::SHEETS_MAX);
    for (_, rows) in book {
        for (number, cells) in rows {
            assert!((1..=sheets::ROWS_MAX).contains(number), "row {number}");
            assert!(!cells.is_empty(), "a blank row comes by");
            for (column, cell) in cells {
                assert!(u32::from(*column) < sheets::COLUMNS_MAX, "column {column}");
                match cell {
                    Kept::Text(text) | Kept::Error(text) => {
                        assert!(text.chars().count() <= sheets::CELL_CHARACTERS_MAX);
                    }
                    Kept::Number(n) => assert!(n.is_finite(), "{n} is no number of a cell"),
                    Kept::Date(_) | Kept::Truth(_) => {}
                }
            }
        }
    }
}

fn tree() -> Areas {
    let area = |n: u128, path: &str, kind, name: &str, code: Option<&str>| Area {
        id: Id::from_u128(n),
        parent: (n > 1).then(|| Id::from_u128(1)),
        path: path.into(),
        kind,
        name: name.into(),
        statutory_code: code.map(str::to_owned),
    };
    Areas::new(vec![
        area(1, "001", AreaKind::Zone, "Z", None),
        area(2, "001.001", AreaKind::Township, "东城街道", None),
        area(3, "001.001.001", AreaKind::Village, "九和社区", Some("371502001201")),
        area(4, "001.001.002", AreaKind::Village, "B村", None),
    ])
}

/// Checks a book as an import does, and that what is planned has what a register needs.
fn check(book: &Book) {
    thread_local! {
        static KNOWN: (Headers, Areas) = (Headers::shipped(), tree());
    }
    KNOWN.with(|(headers, areas)| {
        let mut check = Check::new(headers, areas, TODAY);
        for (name, rows) in book {
            check.sheet(name);
            for (number, cells) in rows {
                use domain::registry::Cell as Checked;
                let cells: Vec<_> = cells
                    .iter()
                    .map(|(column, cell)| {
                        let cell = match cell {
                            Kept::Text(s) => Checked::Text(s),
                            Kept::Number(n) => Checked::Number(*n),
                            Kept::Truth(b) => Checked::Truth(*b),
                            Kept::Date(s) => Checked::Date(s),
                            Kept::Error(s) => Checked::Error(s),
                        };
                        (*column, cell)
                    })
                    .collect();
                check.row(*number, &cells);
            }
        }
        let checked = check.finish();
        assert!(checked.findings.len() <= FINDINGS_MAX);
        let errors = checked.findings.iter().filter(|f| f.fault.is_error()).count();
        assert!(errors <= checked.counts.errors);
        for Finding { fault, .. } in &checked.findings {
            assert!(!fault.code().is_empty(), "{fault:?} has no code");
        }
        let (mut numbers, mut citizens) = (HashSet::new(), HashSet::new());
        for planned in &checked.plan.households {
            let household = &planned.household;
            assert!(!household.number.is_empty() && !household.path.is_empty());
            assert!(numbers.insert(&household.number), "{} is planned twice", household.number);
            assert_eq!(household.size, planned.members.len() as i64);
            let fen = household.income_fen.unwrap_or(0).unsigned_abs();
            assert!(fen <= 1_000_000_000, "{fen} fen");
            let heads = planned.members.iter().filter(|m| m.member.relation == code::HEAD);
            assert_eq!(heads.count(), 1, "heads of {}", household.number);
            for member in &planned.members {
                let member = &member.member;
                assert!(!member.name.is_empty() && !member.number.is_empty());
                let of_kind = !["passport", "permit", "none"].contains(&member.id_kind.as_str());
                match &member.citizen_number {
                    Some(number) => {
                        assert!(citizens.insert(number), "a citizen's number is planned twice");
                        assert!(!of_kind || is_valid(number), "{number} is planned");
                    }
                    None => assert!(!of_kind, "nobody without a number but by kind"),
                }
            }
        }
    });
}

/// Any bytes as a file.
pub fn workbook(bytes: &[u8]) {
    match read(bytes) {
        Ok(book) => {
            is_within_limits(&book);
            check(&book);
        }
        Err(no) => assert!(!matches!(no, ReadError::Io(_)), "{no}: {}", no.reason()),
    }
}

/// Text as a comma-separated file: the fields are those that were written.
pub fn csv(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let mut table: Vec<Vec<String>> = Vec::new();
    while !choices.is_empty() && table.len() < 40 {
        let width = choices.below(12);
        table.push((0..width).map(|_| choices.text().replace('\0', " ")).collect());
    }
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    table.iter().for_each(|row| writer.write_record(row).expect("it is written in memory"));
    let written = writer.into_inner().expect("it is written in memory");
    // What begins so is another kind of file, or none.
    let is_csv = !(written.is_empty() || written.starts_with(b"PK\x03\x04"));
    let text = String::from_utf8(written).expect("it was text");
    if is_csv && !text.starts_with('\u{feff}') {
        let book = read(text.as_bytes()).expect("a file of this text");
        is_within_limits(&book);
        check(&book);
        let read: Vec<&(u16, Kept)> = book[0].1.iter().flat_map(|(_, cells)| cells).collect();
        let meant: Vec<(u16, Kept)> = table
            .iter()
            .flat_map(|row| row.iter().enumerate().filter(|(_, field)| !field.is_empty()))
            .map(|(column, field)| (column as u16, Kept::Text(field.clone())))
            .collect();
        assert!(read.into_iter().eq(meant.iter()), "{text:?}");
    }
}

/// Frames as a worker might send them: one that fell, or one that means harm.
pub fn frames(bytes: &[u8]) {
    let mut rows = 0_u64;
    let outcome = sheets::read::follow(&mut &bytes[..], &mut |event| {
        if let Event::Row(_, cells) = event {
            rows += 1 + cells.len() as u64;
        }
    });
    assert!(rows <= bytes.len() as u64, "more comes out than went in");
    if let Err(no) = outcome {
        assert!(!no.reason().is_empty());
    }
}

/// Titles as columns: each field once, where it was first named.
pub fn headers(bytes: &[u8]) {
    thread_local! {
        static SHIPPED: Headers = Headers::shipped();
    }
    let text = String::from_utf8_lossy(bytes);
    let titles: Vec<&str> = text.split('\n').take(sheets::COLUMNS_MAX as usize).collect();
    let cells = || titles.iter().enumerate().map(|(column, title)| (column as u16, *title));
    let Some(layout) = SHIPPED.with(|known| known.layout(cells())) else { return };
    assert!(layout.fields.len() <= titles.len() && layout.titles.len() == layout.fields.len());
    let named: Vec<_> = layout.fields.iter().flatten().collect();
    let once: HashSet<_> = named.iter().collect();
    assert_eq!(named.len(), once.len(), "a field has two columns: {titles:?}");
    for field in layout.kind.required() {
        let is_there = layout.column(*field).is_some();
        assert_eq!(is_there, !layout.missing.contains(field), "{field:?}");
    }
    assert!(layout.kind == SheetKind::Officers || named.len() >= 4);
    // A title is the same with spaces around it, a star before it and a colon after it.
    let dressed: Vec<String> = titles.iter().map(|t| format!(" *{t}: ")).collect();
    let cells = dressed.iter().enumerate().map(|(column, title)| (column as u16, title.as_str()));
    let again = SHIPPED.with(|known| known.layout(cells)).expect("the same titles");
    assert!(again.fields.iter().eq(layout.fields.iter()), "{titles:?}");
}

/// The check digit by plain arithmetic: weights are powers of two modulo eleven.
fn is_valid(number: &str) -> bool {
    let digit = |c: char| c.to_digit(10).or((c == 'X').then_some(10)).unwrap_or(99);
    let digits: Vec<u32> = number.chars().map(digit).collect();
    // They repeat after ten.
    let sum: u32 = digits.iter().rev().enumerate().map(|(n, d)| d * ((1 << (n % 10)) % 11)).sum();
    let day = |range: std::ops::Range<usize>| {
        let (year, rest) = number.get(range).unwrap_or_default().split_at(4);
        let date = format!("{year}-{}-{}", &rest[..2], &rest[2..]);
        date.parse::<Date>().is_ok()
    };
    digits.len() == 18
        && digits[..17].iter().all(|d| *d < 10)
        && digits[17] < 11
        && sum % 11 == 1
        && day(6..14)
}

/// A citizen number as somebody types it.
pub fn citizen(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let shown = mask(text);
    assert_eq!(shown.chars().count(), text.chars().count());
    match CitizenNumber::parse(text, TODAY) {
        Ok(number) => {
            let plain = number.as_str();
            assert!(is_valid(plain), "{plain} is taken");
            assert!(number.born_on() <= TODAY);
            let born = number.born_on().to_string().replace('-', "");
            assert_eq!(born, plain[6..14]);
            let is_male = plain.as_bytes()[16] % 2 == 1;
            assert_eq!(number.sex(), if is_male { "1" } else { "2" });
            assert_eq!(CitizenNumber::parse(plain, TODAY).as_ref(), Ok(&number));
            assert_eq!(format!("{number:?}").matches('*').count(), 13);
            for place in 0..17 {
                let mut wrong = plain.as_bytes().to_vec();
                wrong[place] = b'0' + (wrong[place] - b'0' + 1) % 10;
                let wrong = String::from_utf8(wrong).expect("digits");
                assert!(CitizenNumber::parse(&wrong, TODAY).is_err(), "{wrong} for {plain}");
            }
        }
        Err(fault) => {
            use CitizenNumberFault as F;
            let may = !is_valid(text) || matches!(fault, F::Province | F::DateInFuture);
            assert!(may, "{text} is refused: {fault:?}");
        }
    }
}

/// Coded values and numbers as people write them.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let tidied = tidy(text);
    assert_eq!(tidy(&tidied), tidied);
    let compacted = compact(text);
    assert!(!compacted.contains([' ', '\'']));
    for table in Table::ALL {
        if let Some(code) = code::read(table, &tidied) {
            let label = code::label(table, code, false);
            assert_eq!(code::read(table, &tidy(&label)), Some(code), "{table:?} {text:?}");
        }
    }
    let known: BTreeMap<&str, bool> = [("Y", true), ("N", false), ("1", true), ("0", false)].into();
    if let (Some(known), Some(said)) = (known.get(tidied.as_str()), code::yes_no(&tidied)) {
        assert_eq!(*known, said);
    }
    if let Some(n) = typed_number(&tidied, &["元"]) {
        assert!(n.is_finite(), "{tidied:?} is {n}");
        if let Some(whole) = whole_number(n) {
            assert_eq!(whole.parse::<f64>().ok(), Some(n), "{tidied:?}");
        }
    }
}

/// A list of administrative units.
pub fn areas(bytes: &[u8]) {
    use app::registry::areas::{ImportAreas, planned, read};
    use domain::Refusal as _;
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let units = match read(text) {
        Ok(units) => units,
        Err(no) => return assert!(!no.code().is_empty()),
    };
    assert!(units.len() < text.lines().count());
    let key = Id::from_u128(1);
    let import = ImportAreas { key, zone: "Z".into(), units, person: None, at: 0 };
    let Ok(once) = planned(Vec::new(), &import) else { return };
    let paths: HashSet<&str> = once.iter().map(|area| area.path.as_str()).collect();
    assert_eq!(paths.len(), once.len(), "two areas at one path");
    for area in &once {
        let steps: Vec<&str> = area.path.split('.').collect();
        assert!(steps.len() <= 3 && steps.iter().all(|step| step.len() == 3), "{}", area.path);
        let above = area.path.rsplit_once('.').map(|(above, _)| above);
        assert!(above.is_none_or(|above| paths.contains(above)), "{} hangs in the air", area.path);
    }
    let twice = planned(once.clone(), &import).expect("what was taken is taken again");
    let names =
        |areas: &[Area]| areas.iter().map(|a| (a.id, a.path.clone())).collect::<HashSet<_>>();
    assert_eq!(names(&twice), names(&once), "a second time something is new");
}
