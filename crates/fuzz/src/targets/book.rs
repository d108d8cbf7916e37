//! A workbook of arbitrary cells, written and read back: raw bytes seldom get past the container.

use rust_xlsxwriter::Workbook;
use sheets::mark::{Marks, SheetMarks};
use sheets::{Event, ReadError};

use super::register::{self, Book, Kept};
use crate::bytes::Bytes;

/// Of the column of marks; in no file but a marked one.
const TITLE: &str = "what is wrong";

/// Titles that name columns, so that rows below them are read as people.
const TITLES: [&str; 14] = [
    "户编号",
    "人员编号",
    "姓名",
    "身份证号码",
    "与户主关系",
    "村",
    "性别",
    "民族",
    "家庭人口",
    "人均纯收入",
    "联系电话",
    "银行账号",
    "脱贫年度",
    "备注",
];

/// Values that such columns hold.
const VALUES: [&str; 14] = [
    "11010519491231002X",
    "34052419800101001X",
    "02",
    "户主",
    "配偶",
    "九和社区",
    "男",
    "H1",
    "H2",
    "1",
    "2",
    "=1+1",
    "2019年",
    "-0.005",
];

fn cell(choices: &mut Bytes<'_>) -> Kept {
    match choices.below(8) {
        0..3 => Kept::Text((*choices.pick(&VALUES)).to_owned()),
        3 => Kept::Text(printable(&choices.text())),
        4 => Kept::Number(choices.number() as f64),
        5 => Kept::Number(number(choices.word())),
        6 => Kept::Truth(choices.truth()),
        _ => Kept::Text((*choices.pick(&TITLES)).to_owned()),
    }
}

/// Any number that a workbook can hold.
fn number(bits: u64) -> f64 {
    let n = f64::from_bits(bits);
    if n.is_finite() { n } else { bits as f64 }
}

/// XML holds no control characters, and a reader makes one line feed of every line's end.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

fn drawn(choices: &mut Bytes<'_>) -> Book {
    let mut book = Book::new();
    while !choices.is_empty() && book.len() < 4 {
        let mut rows = Vec::new();
        let mut number = 0;
        if choices.truth() {
            number += 1 + choices.below(3) as u32;
            let title =
                |(column, title): (usize, &&str)| (column as u16, Kept::Text((**title).to_owned()));
            rows.push((number, TITLES.iter().enumerate().map(title).collect()));
        }
        for _ in 0..choices.below(12) {
            number += 1 + choices.below(20) as u32;
            let mut cells: Vec<(u16, Kept)> = Vec::new();
            for _ in 0..choices.below(15) {
                let after = cells.last().map_or(0, |(column, _)| column + 1);
                let column = after + choices.below(3) as u16;
                let cell = cell(choices);
                if cell != Kept::Text(String::new()) {
                    cells.push((column, cell));
                }
            }
            if !cells.is_empty() {
                rows.push((number, cells));
            }
        }
        book.push((format!("sheet {}", book.len() + 1), rows));
    }
    book
}

fn written(book: &Book) -> Vec<u8> {
    let mut file = Workbook::new();
    for (name, rows) in book {
        let page = file.add_worksheet();
        page.set_name(name).expect("a name for a sheet");
        for (number, cells) in rows {
            for (column, cell) in cells {
                let (row, column) = (number - 1, *column);
                let put = match cell {
                    Kept::Text(s) | Kept::Date(s) | Kept::Error(s) => {
                        page.write_string(row, column, s)
                    }
                    Kept::Number(n) => page.write_number(row, column, *n),
                    Kept::Truth(b) => page.write_boolean(row, column, *b),
                };
                put.map(drop).expect("a cell within the limits");
            }
        }
    }
    file.save_to_buffer().expect("a workbook in memory")
}

/// Reads back what was written, and once more with marks beside its rows.
pub fn book(bytes: &[u8]) {
    let meant = drawn(&mut Bytes::new(bytes));
    let file = written(&meant);
    let read = register::read(&file).expect("a workbook of ours");
    let meant_read: &[_] = if meant.is_empty() { &read } else { &meant };
    assert_eq!(read, meant_read);
    register::workbook(&file);

    let rows = |rows: &[register::Row]| rows.iter().map(|(n, _)| (*n, format!("m{n}"))).collect();
    let marks = |(name, all): &(String, Vec<register::Row>)| {
        let header_row = all.first().map_or(0, |(number, _)| *number);
        (name.clone(), SheetMarks { header_row, rows: rows(all.get(1..).unwrap_or_default()) })
    };
    let marks = Marks { title: TITLE.into(), sheets: meant.iter().map(marks).collect() };
    let mut marked = Vec::new();
    sheets::mark::copy(&marks, &mut marked, |see| shown(&meant, see)).expect("it can be marked");
    let marked = register::read(&marked).expect("a marked workbook of ours");
    for ((name, before), (marked_name, after)) in meant.iter().zip(&marked) {
        assert_eq!((name, before.len()), (marked_name, after.len()));
        // The marks are put in after the last title; nothing of the file is lost for them.
        let Some((_, titles)) = before.first() else { continue };
        let column = titles.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
        for ((number, before), (_, after)) in before.iter().zip(after) {
            let is_titles = number == &marked_row(&meant, name);
            let mark = if is_titles { TITLE.to_owned() } else { format!("m{number}") };
            let mut all: Vec<(u16, Kept)> = before
                .iter()
                .map(|(at, kept)| (at + u16::from(*at >= column), kept.clone()))
                .chain([(column, Kept::Text(mark))])
                .collect();
            all.sort_by_key(|(at, _)| *at);
            assert_eq!(*after, all, "row {number} of {name}");
        }
    }
}

/// The row that names a sheet's columns.
fn marked_row(book: &Book, name: &str) -> u32 {
    let sheet = book.iter().find(|(known, _)| known == name);
    sheet.and_then(|(_, rows)| rows.first()).map_or(0, |(number, _)| *number)
}

fn shown(book: &Book, see: &mut dyn FnMut(Event<'_>)) -> Result<(), ReadError> {
    for (name, rows) in book {
        see(Event::Sheet(name));
        for (number, cells) in rows {
            let cells: Vec<_> = cells.iter().map(|(c, kept)| (*c, kept.cell())).collect();
            see(Event::Row(*number, &cells));
        }
    }
    Ok(())
}
