//! One row of the workbook, cell by cell: each reading gives a value, nothing for a blank, or nothing
//! and a fault.

use super::citizen::CitizenNumber;
use super::code::{self, Table};
use super::finding::Fault;
use super::header::{Field, Layout};
use super::text::{Cell, compact, looks_like_formula, tidy, typed_number, whole_number};
use crate::Date;

const TEXT_CHARACTERS_MAX: usize = 60;

pub(super) struct Row<'a> {
    cells: [Option<Cell<'a>>; Field::ALL.len()],
    pub faults: Vec<Fault>,
}

impl<'a> Row<'a> {
    pub fn new(layout: &Layout, cells: &[(u16, Cell<'a>)]) -> Row<'a> {
        let mut row = Row { cells: [None; Field::ALL.len()], faults: Vec::new() };
        for (column, cell) in cells {
            let blank = matches!(cell, Cell::Text(text) if text.trim().is_empty());
            if let Some(Some(field)) = layout.fields.get(usize::from(*column))
                && !blank
            {
                row.cells[*field as usize] = Some(*cell);
            }
        }
        row
    }

    pub fn is_blank(&self, fields: &[Field]) -> bool {
        fields.iter().all(|f| self.cells[*f as usize].is_none())
    }

    fn fault<T>(&mut self, fault: Fault) -> Option<T> {
        self.faults.push(fault);
        None
    }

    /// Words, narrow and without stray spaces.
    pub fn text(&mut self, field: Field) -> Option<String> {
        let text = match self.cells[field as usize]? {
            Cell::Text(typed) => tidy(typed),
            Cell::Number(n) => whole_number(n).unwrap_or_else(|| n.to_string()),
            Cell::Truth(truth) => if truth { "是" } else { "否" }.to_owned(),
            Cell::Date(date) => date.to_owned(),
            Cell::Error(value) => {
                return self.fault(Fault::CellError { field, value: value.to_owned() });
            }
        };
        if text.is_empty() {
            return None;
        }
        if looks_like_formula(&text) {
            return self.fault(Fault::FormulaText { field });
        }
        if text.chars().count() > TEXT_CHARACTERS_MAX {
            return self.fault(Fault::TooLong { field, characters_max: TEXT_CHARACTERS_MAX });
        }
        Some(text)
    }

    pub fn required_text(&mut self, field: Field) -> Option<String> {
        self.required(field, Self::text)
    }

    /// A number that names something (household, account, telephone), kept as text.
    pub fn identifier(&mut self, field: Field) -> Option<String> {
        let text = match self.cells[field as usize]? {
            Cell::Text(typed) => compact(typed),
            Cell::Number(n) => match whole_number(n) {
                Some(digits) => digits,
                None => return self.fault(Fault::AsNumber { field }),
            },
            _ => self.text(field)?,
        };
        if is_scientific(&text) {
            return self.fault(Fault::AsNumber { field });
        }
        // "+86 139…" is a telephone number.
        let dialled = text
            .strip_prefix('+')
            .is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == '-'));
        if looks_like_formula(&text) && !dialled {
            return self.fault(Fault::FormulaText { field });
        }
        if text.chars().count() > TEXT_CHARACTERS_MAX {
            return self.fault(Fault::TooLong { field, characters_max: TEXT_CHARACTERS_MAX });
        }
        (!text.is_empty()).then_some(text)
    }

    pub fn required_identifier(&mut self, field: Field) -> Option<String> {
        self.required(field, Self::identifier)
    }

    fn required(
        &mut self,
        field: Field,
        read: fn(&mut Self, Field) -> Option<String>,
    ) -> Option<String> {
        let before = self.faults.len();
        let value = read(self, field);
        if value.is_none() && self.faults.len() == before {
            return self.fault(Fault::Missing { field });
        }
        value
    }

    pub fn citizen_number(&mut self, today: Date) -> Option<CitizenNumber> {
        let field = Field::CitizenNumber;
        let typed = match self.cells[field as usize] {
            Some(Cell::Text(typed)) if looks_like_formula(&compact(typed)) => {
                return self.fault(Fault::FormulaText { field });
            }
            Some(Cell::Text(typed)) if !compact(typed).is_empty() => typed.to_owned(),
            Some(Cell::Number(n)) => match whole_number(n) {
                Some(digits) => digits,
                None => return self.fault(Fault::AsNumber { field }),
            },
            _ => self.required_text(field)?,
        };
        match CitizenNumber::parse(&typed, today) {
            Ok(number) => Some(number),
            Err(fault) => self.fault(Fault::CitizenNumber(fault)),
        }
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, field: Field, min: i64, max: i64, units: &[&str]) -> Option<i64> {
        let n = self.number(field, min, max, units)?;
        if n.fract() != 0.0 {
            return self.fault(Fault::OutOfRange { field, value: n.to_string(), min, max });
        }
        // Within bounds that are themselves whole.
        Some(n as i64)
    }

    /// Yuan as fen.
    pub fn fen(&mut self, field: Field, yuan_max: i64) -> Option<i64> {
        let yuan = self.number(field, -yuan_max, yuan_max, &["元"])?;
        Some((yuan * 100.0).round() as i64)
    }

    fn number(&mut self, field: Field, min: i64, max: i64, units: &[&str]) -> Option<f64> {
        let (n, value) = match self.cells[field as usize]? {
            Cell::Number(n) => (n, n.to_string()),
            Cell::Text(typed) => {
                let text = tidy(typed);
                if text.is_empty() {
                    return None;
                }
                if looks_like_formula(&text) {
                    return self.fault(Fault::FormulaText { field });
                }
                match typed_number(&text, units) {
                    Some(n) => (n, text),
                    None => return self.fault(Fault::NotANumber { field, value: text }),
                }
            }
            _ => {
                let value = self.text(field)?;
                return self.fault(Fault::NotANumber { field, value });
            }
        };
        if !(min as f64..=max as f64).contains(&n) {
            return self.fault(Fault::OutOfRange { field, value, min, max });
        }
        Some(n)
    }

    /// A coded value as its code; in an open list an unlisted one as written, with a notice.
    pub fn coded(&mut self, field: Field, table: Table) -> Option<String> {
        let value = self.text(field)?;
        match code::read(table, &value) {
            Some(code) => Some(code.to_owned()),
            None if table.is_open() => {
                self.faults.push(Fault::UnlistedValue { field, value: value.clone() });
                Some(value)
            }
            None => self.fault(Fault::Unknown { field, value }),
        }
    }

    pub fn required_coded(&mut self, field: Field, table: Table) -> Option<String> {
        let value = self.required_text(field)?;
        match code::read(table, &value) {
            Some(code) => Some(code.to_owned()),
            None => self.fault(Fault::Unknown { field, value }),
        }
    }

    pub fn yes_no(&mut self, field: Field) -> Option<bool> {
        let value = self.text(field)?;
        let said = code::yes_no(&value);
        said.or_else(|| self.fault(Fault::NotYesNo { field, value }))
    }
}

fn is_scientific(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.split_once(['E', 'e'])
        .is_some_and(|(m, e)| m.contains('.') && digits(m) && digits(e.trim_start_matches('+')))
}
