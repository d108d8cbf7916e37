//! Writing lists out, row by row, without holding them: a workbook or a comma-separated file.
//! Text stays text: nothing written here runs as a formula where it is opened.

use std::io::{BufWriter, Write};

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, XlsxError};

/// One value of an exported row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Empty,
    Text(String),
    Number(i64),
    /// Hundredths, such as fen.
    Hundredths(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Number(n)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Empty, Into::into)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{0}")]
    Xlsx(#[from] XlsxError),
    #[error("{0}")]
    Csv(#[from] csv::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Either kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Xlsx,
    Csv,
}

impl Kind {
    pub fn extension(self) -> &'static str {
        match self {
            Kind::Xlsx => "xlsx",
            Kind::Csv => "csv",
        }
    }
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Kind::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// A table being written. A spreadsheet program takes 1,048,576 rows and no more.
pub struct Table<W: Write + Send> {
    to: Target<W>,
    row: u32,
}

enum Target<W: Write + Send> {
    Xlsx { book: Box<Workbook>, out: W },
    Csv(Box<csv::Writer<BufWriter<W>>>),
}

impl<W: Write + Send> Table<W> {
    /// `note` stands above the header: who took this out, when, why.
    pub fn new(
        kind: Kind,
        mut out: W,
        sheet: &str,
        note: Option<&str>,
        header: &[String],
    ) -> Result<Table<W>, WriteError> {
        let to = match kind {
            Kind::Xlsx => {
                let mut book = Box::new(Workbook::new());
                let page = book.add_worksheet_with_constant_memory()?;
                page.set_name(sheet_name(sheet))?;
                if let Some(note) = note {
                    page.set_footer(format!("&L&8{}&R&8&P/&N", foot(note)));
                }
                Target::Xlsx { book, out }
            }
            Kind::Csv => {
                // Without the mark, spreadsheet programs here take UTF-8 for GB 18030.
                out.write_all("\u{feff}".as_bytes())?;
                let writer =
                    csv::WriterBuilder::new().flexible(true).from_writer(BufWriter::new(out));
                Target::Csv(Box::new(writer))
            }
        };
        let mut table = Table { to, row: 0 };
        if let Some(note) = note {
            table.row(&[Value::Text(note.to_owned())])?;
        }
        table.header(header)?;
        Ok(table)
    }

    fn header(&mut self, titles: &[String]) -> Result<(), WriteError> {
        if let Target::Xlsx { book, .. } = &mut self.to {
            let page = book.worksheet_from_index(0)?;
            let bold = Format::new().set_bold().set_align(FormatAlign::VerticalCenter);
            for (column, title) in (0u16..).zip(titles) {
                page.write_string_with_format(self.row, column, title, &bold)?;
            }
            page.set_freeze_panes(self.row + 1, 0)?;
            self.row += 1;
            return Ok(());
        }
        let values: Vec<Value> = titles.iter().map(|t| Value::Text(t.clone())).collect();
        self.row(&values)
    }

    pub fn row(&mut self, values: &[Value]) -> Result<(), WriteError> {
        match &mut self.to {
            Target::Xlsx { book, .. } => {
                let page = book.worksheet_from_index(0)?;
                for (column, value) in (0u16..).zip(values) {
                    match value {
                        Value::Empty => {}
                        Value::Text(text) => _ = page.write_string(self.row, column, text)?,
                        Value::Number(n) if is_long(*n) => {
                            page.write_string(self.row, column, n.to_string())?;
                        }
                        Value::Number(n) => _ = page.write_number(self.row, column, *n as f64)?,
                        Value::Hundredths(n) => {
                            page.write_number(self.row, column, *n as f64 / 100.0)?;
                        }
                    }
                }
            }
            Target::Csv(writer) => {
                for value in values {
                    match value {
                        Value::Empty => writer.write_field("")?,
                        Value::Text(text) => writer.write_field(harmless(text).as_ref())?,
                        Value::Number(n) => writer.write_field(n.to_string())?,
                        Value::Hundredths(n) => {
                            writer.write_field(format!("{:.2}", *n as f64 / 100.0))?;
                        }
                    }
                }
                writer.write_record(None::<&[u8]>)?;
            }
        }
        self.row += 1;
        Ok(())
    }

    /// Ends the file. A workbook's bytes are written now.
    pub fn finish(self) -> Result<(), WriteError> {
        match self.to {
            Target::Xlsx { mut book, out } => book.save_to_writer(BufWriter::new(out))?,
            Target::Csv(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

/// What stands at the foot of each printed page; there is room for 255 characters, codes and all.
fn foot(note: &str) -> String {
    note.chars().take(100).collect::<String>().replace('&', "&&")
}

/// Twelve digits and more a spreadsheet shows as 1.23E+11.
fn is_long(n: i64) -> bool {
    n.unsigned_abs() >= 100_000_000_000
}

/// A text that a spreadsheet program would take for a formula gets an apostrophe before it.
fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    // Wide signs run as formulas where the spreadsheet speaks Chinese.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// Spreadsheet programs take 31 characters and none of `[]:*?/\`.
pub(crate) fn sheet_name(name: &str) -> String {
    let fit: String = name
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\'))
        .take(31)
        .collect();
    let fit = fit.trim_matches('\'').to_owned();
    if fit.is_empty() { "1".to_owned() } else { fit }
}

/// The colour of a row that wants mending.
pub(crate) fn wrong() -> Format {
    Format::new().set_background_color(Color::RGB(0xFDE9E7))
}
pub(crate) fn wrong_mark() -> Format {
    wrong().set_font_color(Color::RGB(0x9C1C1C))
}
pub(crate) fn bold() -> Format {
    Format::new().set_bold()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_text_never_runs() {
        let mut out = Vec::new();
        let header = ["姓名".to_owned(), "数".to_owned()];
        let mut table = Table::new(Kind::Csv, &mut out, "x", Some("note"), &header).unwrap();
        table.row(&["=1+1".into(), 5.into()]).unwrap();
        table.row(&["a,\"b\"".into(), Value::Hundredths(1234), Value::Empty]).unwrap();
        table.row(&["-5".into(), Value::Number(-5)]).unwrap();
        table.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\u{feff}note\n姓名,数\n'=1+1,5\n\"a,\"\"b\"\"\",12.34,\n'-5,-5\n");
    }

    #[test]
    fn sheet_names() {
        assert_eq!(sheet_name("a/b:c"), "abc");
        assert_eq!(sheet_name("''"), "1");
        assert_eq!(sheet_name(&"长".repeat(40)).chars().count(), 31);
    }
}
