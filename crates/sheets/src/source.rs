//! Reading a file in this very process. Only the worker does so, and who tries what it can stand.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::frame::Cell;
use crate::read::{Event, ReadError};
use crate::{BYTES_MAX, CELL_CHARACTERS_MAX, COLUMNS_MAX, ROWS_MAX, SHEETS_MAX};

/// Takes what comes by.
pub type See<'s> = dyn FnMut(Event<'_>) -> std::io::Result<()> + 's;

pub fn read(path: &Path, see: &mut See<'_>) -> Result<(), ReadError> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > BYTES_MAX {
        return Err(ReadError::FileTooLarge);
    }
    let mut head = [0; 8];
    let read = file.read(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    match &head[..read] {
        [b'P', b'K', 3, 4, ..] => read_xlsx(file, see),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(ReadError::OldOrLocked),
        [] => Err(ReadError::Empty),
        _ => read_csv(file, see),
    }
}

fn read_xlsx(file: File, see: &mut See<'_>) -> Result<(), ReadError> {
    let mut book = Xlsx::new(BufReader::new(file)).map_err(unreadable)?;
    let sheets: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|s| s.typ == SheetType::WorkSheet && s.visible == SheetVisible::Visible)
        .map(|s| s.name.clone())
        .collect();
    if sheets.len() > SHEETS_MAX {
        return Err(ReadError::TooManySheets);
    }
    for name in sheets {
        see(Event::Sheet(&name))?;
        let mut cells = book.worksheet_cells_reader(&name).map_err(unreadable)?;
        let mut row = RowInHand::default();
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (number, column) = cell.get_position();
            if number >= ROWS_MAX {
                return Err(ReadError::TooManyRows);
            }
            if row.number != number {
                row.send(see)?;
                row.number = number;
            }
            let value = cell.get_value();
            if matches!(value, DataRef::Empty) {
                continue;
            }
            // A sheet may be formatted far to the right; only what is written there counts.
            if column >= COLUMNS_MAX {
                return Err(ReadError::TooManyColumns);
            }
            row.push(u16::try_from(column).unwrap_or(u16::MAX), value)?;
        }
        row.send(see)?;
    }
    Ok(())
}

/// A row's cells until the next row begins.
#[derive(Default)]
struct RowInHand {
    number: u32,
    cells: Vec<(u16, Owned)>,
}

enum Owned {
    Text(String),
    Number(f64),
    Truth(bool),
    Date(String),
    Error(String),
}

impl RowInHand {
    fn push(&mut self, column: u16, value: &DataRef<'_>) -> Result<(), ReadError> {
        let text = |s: &str| -> Result<String, ReadError> {
            if s.chars().count() > CELL_CHARACTERS_MAX {
                return Err(ReadError::CellTooLong);
            }
            Ok(s.to_owned())
        };
        let cell = match value {
            DataRef::Empty => return Ok(()),
            DataRef::Int(n) => Owned::Number(*n as f64),
            DataRef::Float(n) => Owned::Number(*n),
            DataRef::Bool(b) => Owned::Truth(*b),
            DataRef::String(s) => Owned::Text(text(s)?),
            DataRef::SharedString(s) => Owned::Text(text(s)?),
            DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => Owned::Date(text(s)?),
            DataRef::DateTime(moment) => {
                let (year, month, day, ..) = moment.to_ymd_hms_milli();
                Owned::Date(format!("{year:04}-{month:02}-{day:02}"))
            }
            DataRef::Error(error) => Owned::Error(error.to_string()),
        };
        self.cells.push((column, cell));
        Ok(())
    }

    fn send(&mut self, see: &mut See<'_>) -> Result<(), ReadError> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let cells: Vec<(u16, Cell<'_>)> = self
            .cells
            .iter()
            .map(|(column, cell)| {
                let cell = match cell {
                    Owned::Text(s) => Cell::Text(s),
                    Owned::Number(n) => Cell::Number(*n),
                    Owned::Truth(b) => Cell::Truth(*b),
                    Owned::Date(s) => Cell::Date(s),
                    Owned::Error(s) => Cell::Error(s),
                };
                (*column, cell)
            })
            .collect();
        see(Event::Row(self.number + 1, &cells))?;
        self.cells.clear();
        Ok(())
    }
}

fn unreadable(error: XlsxError) -> ReadError {
    match error {
        XlsxError::Password => ReadError::OldOrLocked,
        _ => ReadError::NotAWorkbook,
    }
}

/// UTF-8 with or without its mark, else GB 18030, which every spreadsheet program here writes.
fn read_csv(mut file: File, see: &mut See<'_>) -> Result<(), ReadError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(_) => {
            let (text, _, wrong) = encoding_rs::GB18030.decode(&bytes);
            if wrong {
                return Err(ReadError::NotAWorkbook);
            }
            text
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.contains('\0') {
        return Err(ReadError::NotAWorkbook);
    }
    see(Event::Sheet("CSV"))?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut number = 0;
    while reader.read_record(&mut record).map_err(|_| ReadError::NotAWorkbook)? {
        number += 1;
        if number > ROWS_MAX {
            return Err(ReadError::TooManyRows);
        }
        let mut cells = Vec::with_capacity(record.len());
        for (column, field) in record.iter().enumerate().filter(|(_, f)| !f.is_empty()) {
            if column >= COLUMNS_MAX as usize {
                return Err(ReadError::TooManyColumns);
            }
            if field.chars().count() > CELL_CHARACTERS_MAX {
                return Err(ReadError::CellTooLong);
            }
            cells.push((u16::try_from(column).unwrap_or(u16::MAX), Cell::Text(field)));
        }
        if !cells.is_empty() {
            see(Event::Row(number, &cells))?;
        }
    }
    Ok(())
}
