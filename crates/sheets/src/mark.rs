//! The workbook sent back: every sheet as it came, with a column that says what is wrong in each
//! row and what to do, and the rows that want mending coloured. It can be mended and sent again.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use rust_xlsxwriter::Workbook;

use crate::frame::Cell;
use crate::read::{Event, ReadError, read};
use crate::write::{WriteError, bold, sheet_name, wrong, wrong_mark};

/// What to write beside which row, sheet by sheet.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Title of the mark column; a column of that title in the file is written over.
    pub title: String,
    pub sheets: BTreeMap<String, SheetMarks>,
}

#[derive(Clone, Debug, Default)]
pub struct SheetMarks {
    /// The row that names the columns.
    pub header_row: u32,
    /// By row, from one.
    pub rows: BTreeMap<u32, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Write(#[from] WriteError),
}

/// Reads `file` once more through the worker and writes it with its marks.
pub fn write(
    program: &Path,
    file: &Path,
    marks: &Marks,
    out: impl Write + Send,
) -> Result<(), MarkError> {
    copy(marks, out, |see| read(program, file, see))
}

/// Writes what `show` shows, with its marks.
pub fn copy(
    marks: &Marks,
    out: impl Write + Send,
    show: impl FnOnce(&mut dyn FnMut(Event<'_>)) -> Result<(), ReadError>,
) -> Result<(), MarkError> {
    let mut book = Workbook::new();
    let mut copy = Copy {
        book: &mut book,
        marks,
        name: String::new(),
        column: None,
        is_new: false,
        wrong: None,
    };
    let mut trouble: Option<WriteError> = None;
    show(&mut |event| {
        if trouble.is_none() {
            trouble = copy.take(event).err();
        }
    })?;
    match trouble {
        Some(error) => Err(error.into()),
        None => Ok(book.save_to_writer(BufWriter::new(out)).map_err(WriteError::from)?),
    }
}

struct Copy<'a> {
    book: &'a mut Workbook,
    marks: &'a Marks,
    name: String,
    /// Where the marks of this sheet stand, known from its header on.
    column: Option<u16>,
    /// It is not in the file.
    is_new: bool,
    wrong: Option<(rust_xlsxwriter::Format, rust_xlsxwriter::Format)>,
}

impl Copy<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), WriteError> {
        match event {
            Event::Sheet(name) => {
                self.name = name.to_owned();
                self.column = None;
                let page = self.book.add_worksheet_with_constant_memory()?;
                page.set_name(sheet_name(name))?;
                Ok(())
            }
            Event::Row(number, cells) => self.row(number, cells),
        }
    }

    fn row(&mut self, number: u32, cells: &[(u16, Cell<'_>)]) -> Result<(), WriteError> {
        let marks = self.marks.sheets.get(&self.name);
        let is_header = marks.is_some_and(|m| m.header_row == number);
        if is_header {
            let title = self.marks.title.as_str();
            let old = cells.iter().find(|(_, cell)| *cell == Cell::Text(title));
            let after = cells.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
            self.column = Some(old.map_or(after, |(column, _)| *column));
            self.is_new = old.is_none();
        }
        let mark = marks.and_then(|m| m.rows.get(&number));
        let (plain, loud) = self.wrong.get_or_insert_with(|| (wrong(), wrong_mark())).clone();
        let index = self.book.worksheets().len().saturating_sub(1);
        let page = self.book.worksheet_from_index(index)?;
        let row = number - 1;
        for (column, cell) in cells {
            let Some(column) = place(*column, self.column, self.is_new) else { continue };
            match (cell, mark) {
                (Cell::Text(s) | Cell::Date(s) | Cell::Error(s), Some(_)) => {
                    page.write_string_with_format(row, column, *s, &plain)?
                }
                (Cell::Text(s) | Cell::Date(s) | Cell::Error(s), None) => {
                    page.write_string(row, column, *s)?
                }
                (Cell::Number(n), Some(_)) => {
                    page.write_number_with_format(row, column, *n, &plain)?
                }
                (Cell::Number(n), None) => page.write_number(row, column, *n)?,
                (Cell::Truth(b), Some(_)) => {
                    page.write_boolean_with_format(row, column, *b, &plain)?
                }
                (Cell::Truth(b), None) => page.write_boolean(row, column, *b)?,
            };
        }
        match (self.column, mark) {
            (Some(column), _) if is_header => {
                page.write_string_with_format(row, column, &self.marks.title, &bold())?;
                page.set_column_width(column, 60)?;
            }
            (Some(column), Some(mark)) => {
                page.write_string_with_format(row, column, mark, &loud)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where a cell of the file goes. The column of marks is put in after the last title, so that what
/// stands further right without one moves on; a column that is there already is written over.
fn place(column: u16, marks: Option<u16>, is_new: bool) -> Option<u16> {
    match marks {
        Some(marks) if is_new && column >= marks => Some(column + 1),
        Some(marks) if !is_new && column == marks => None,
        _ => Some(column),
    }
}
