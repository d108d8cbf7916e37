//! What an import has to say about a row: where, what is wrong, and the values of the sentence that
//! tells what to do. The sentence stands in the catalogue of texts under `finding-<kind>`.

use std::borrow::Cow;

use super::areas::AreaFault;
use super::citizen::CitizenNumberFault;
use super::header::Field;
use crate::Arg;

/// One remark on one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub sheet: String,
    /// As the spreadsheet counts, from one.
    pub row: u32,
    /// From zero; `None` when the row or sheet as a whole is meant.
    pub column: Option<u16>,
    /// The column's title as written in the workbook.
    pub title: String,
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    NoPeopleSheet,
    NoRows,
    ColumnMissing {
        field: Field,
    },
    Missing {
        field: Field,
    },
    FormulaText {
        field: Field,
    },
    CellError {
        field: Field,
        value: String,
    },
    /// A long number that went through a number cell: all but its first fifteen digits are lost.
    AsNumber {
        field: Field,
    },
    NotANumber {
        field: Field,
        value: String,
    },
    OutOfRange {
        field: Field,
        value: String,
        min: i64,
        max: i64,
    },
    NotYesNo {
        field: Field,
        value: String,
    },
    TooLong {
        field: Field,
        characters_max: usize,
    },
    Unknown {
        field: Field,
        value: String,
    },
    UnlistedValue {
        field: Field,
        value: String,
    },
    Village(AreaFault),
    CitizenNumber(CitizenNumberFault),
    CitizenNumberTwice {
        first_row: u32,
    },
    CitizenNumberInRegister {
        household_number: String,
    },
    MemberNumberTwice {
        first_row: u32,
    },
    HouseholdWithoutHead {
        household_number: String,
    },
    HouseholdWithTwoHeads {
        household_number: String,
        first_row: u32,
    },
    RowsDisagree {
        field: Field,
        value: String,
        first_value: String,
        first_row: u32,
    },
    SexDiffers,
    SizeDiffers {
        said: i64,
        rows: i64,
    },
    Age {
        years: i64,
    },
    OfficerTwice {
        first_row: u32,
    },
}

impl Fault {
    /// A notice is shown and hinders nothing.
    pub fn is_error(&self) -> bool {
        match self {
            Fault::UnlistedValue { .. }
            | Fault::SexDiffers
            | Fault::SizeDiffers { .. }
            | Fault::Age { .. }
            | Fault::OfficerTwice { .. } => false,
            Fault::RowsDisagree { field, .. } => {
                matches!(field, Field::Village | Field::CadreName)
            }
            _ => true,
        }
    }

    /// Key of the sentence.
    pub fn kind(&self) -> &'static str {
        use AreaFault as A;
        use CitizenNumberFault as C;
        match self {
            Fault::NoPeopleSheet => "no-people-sheet",
            Fault::NoRows => "no-rows",
            Fault::ColumnMissing { .. } => "column-missing",
            Fault::Missing { .. } => "missing",
            Fault::FormulaText { .. } => "formula-text",
            Fault::CellError { .. } => "cell-error",
            Fault::AsNumber { .. } => "as-number",
            Fault::NotANumber { .. } => "not-a-number",
            Fault::OutOfRange { .. } => "out-of-range",
            Fault::NotYesNo { .. } => "not-yes-no",
            Fault::TooLong { .. } => "too-long",
            Fault::Unknown { .. } => "unknown-value",
            Fault::UnlistedValue { .. } => "unlisted-value",
            Fault::Village(A::UnknownVillage { .. }) => "unknown-village",
            Fault::Village(A::UnknownTownship { .. }) => "unknown-township",
            Fault::Village(A::AmbiguousVillage { .. }) => "ambiguous-village",
            Fault::Village(A::OtherTownship { .. }) => "village-in-other-township",
            Fault::CitizenNumber(C::Length { .. }) => "citizen-number-length",
            Fault::CitizenNumber(C::Characters) => "citizen-number-characters",
            Fault::CitizenNumber(C::Province) => "citizen-number-province",
            Fault::CitizenNumber(C::ImpossibleDate) => "citizen-number-impossible-date",
            Fault::CitizenNumber(C::DateInFuture) => "citizen-number-date-in-future",
            Fault::CitizenNumber(C::CheckDigit) => "citizen-number-check-digit",
            Fault::CitizenNumber(C::AsNumber) => "citizen-number-as-number",
            Fault::CitizenNumberTwice { .. } => "citizen-number-twice",
            Fault::CitizenNumberInRegister { .. } => "citizen-number-in-register",
            Fault::MemberNumberTwice { .. } => "member-number-twice",
            Fault::HouseholdWithoutHead { .. } => "household-without-head",
            Fault::HouseholdWithTwoHeads { .. } => "household-with-two-heads",
            Fault::RowsDisagree { .. } => "rows-disagree",
            Fault::SexDiffers => "sex-differs",
            Fault::SizeDiffers { .. } => "size-differs",
            Fault::Age { .. } => "age",
            Fault::OfficerTwice { .. } => "officer-twice",
        }
    }

    /// Stable name for programs, with the field where the kind alone does not say which.
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            Fault::ColumnMissing { field } => format!("column_missing_{}", field.name()).into(),
            Fault::Missing { field } => format!("{}_missing", field.name()).into(),
            Fault::FormulaText { field } => format!("formula_text_in_{}", field.name()).into(),
            Fault::CellError { field, .. } => format!("cell_error_in_{}", field.name()).into(),
            Fault::AsNumber { field } => format!("{}_as_number", field.name()).into(),
            Fault::NotANumber { field, .. } => format!("{}_not_a_number", field.name()).into(),
            Fault::OutOfRange { field, .. } => format!("{}_out_of_range", field.name()).into(),
            Fault::NotYesNo { field, .. } => format!("{}_not_yes_no", field.name()).into(),
            Fault::TooLong { field, .. } => format!("{}_too_long", field.name()).into(),
            Fault::Unknown { field, .. } => format!("unknown_{}", field.name()).into(),
            Fault::UnlistedValue { field, .. } => format!("unlisted_{}", field.name()).into(),
            Fault::RowsDisagree { field, .. } => {
                format!("household_rows_disagree_on_{}", field.name()).into()
            }
            _ => self.kind().replace('-', "_").into(),
        }
    }

    /// The field the sentence speaks of.
    pub fn field(&self) -> Option<Field> {
        match self {
            Fault::ColumnMissing { field }
            | Fault::Missing { field }
            | Fault::FormulaText { field }
            | Fault::CellError { field, .. }
            | Fault::AsNumber { field }
            | Fault::NotANumber { field, .. }
            | Fault::OutOfRange { field, .. }
            | Fault::NotYesNo { field, .. }
            | Fault::TooLong { field, .. }
            | Fault::Unknown { field, .. }
            | Fault::UnlistedValue { field, .. }
            | Fault::RowsDisagree { field, .. } => Some(*field),
            Fault::Village(AreaFault::UnknownTownship { .. }) => Some(Field::Township),
            Fault::Village(_) => Some(Field::Village),
            Fault::CitizenNumber(_)
            | Fault::CitizenNumberTwice { .. }
            | Fault::CitizenNumberInRegister { .. }
            | Fault::Age { .. } => Some(Field::CitizenNumber),
            Fault::MemberNumberTwice { .. } => Some(Field::MemberNumber),
            Fault::HouseholdWithoutHead { .. } | Fault::HouseholdWithTwoHeads { .. } => {
                Some(Field::Relation)
            }
            Fault::SexDiffers => Some(Field::Sex),
            Fault::SizeDiffers { .. } => Some(Field::Size),
            Fault::OfficerTwice { .. } => Some(Field::OfficerName),
            Fault::NoPeopleSheet | Fault::NoRows => None,
        }
    }

    /// Named values of the sentence. A citizen number is never among them.
    pub fn args(&self) -> Vec<(&'static str, Arg)> {
        let list = |names: &[String]| Arg::Text(names.join("、"));
        let row = |row: u32| Arg::Number(i64::from(row));
        match self {
            Fault::CellError { value, .. }
            | Fault::NotANumber { value, .. }
            | Fault::NotYesNo { value, .. }
            | Fault::Unknown { value, .. }
            | Fault::UnlistedValue { value, .. } => vec![("value", shown(value))],
            Fault::OutOfRange { value, min, max, .. } => {
                vec![("value", shown(value)), ("min", (*min).into()), ("max", (*max).into())]
            }
            Fault::TooLong { characters_max, .. } => vec![("max", (*characters_max).into())],
            Fault::Village(AreaFault::UnknownVillage { name, nearest })
            | Fault::Village(AreaFault::UnknownTownship { name, nearest }) => {
                vec![("name", shown(name)), ("nearest", list(nearest))]
            }
            Fault::Village(AreaFault::AmbiguousVillage { name, townships })
            | Fault::Village(AreaFault::OtherTownship { name, townships }) => {
                vec![("name", shown(name)), ("townships", list(townships))]
            }
            Fault::CitizenNumber(CitizenNumberFault::Length { characters }) => {
                vec![("characters", (*characters).into())]
            }
            Fault::CitizenNumberTwice { first_row }
            | Fault::MemberNumberTwice { first_row }
            | Fault::OfficerTwice { first_row } => vec![("row", row(*first_row))],
            Fault::CitizenNumberInRegister { household_number }
            | Fault::HouseholdWithoutHead { household_number } => {
                vec![("number", household_number.as_str().into())]
            }
            Fault::HouseholdWithTwoHeads { household_number, first_row } => {
                vec![("number", household_number.as_str().into()), ("row", row(*first_row))]
            }
            Fault::RowsDisagree { value, first_value, first_row, .. } => vec![
                ("value", shown(value)),
                ("first", shown(first_value)),
                ("row", row(*first_row)),
            ],
            Fault::SizeDiffers { said, rows } => {
                vec![("said", (*said).into()), ("rows", (*rows).into())]
            }
            Fault::Age { years } => vec![("years", (*years).into())],
            _ => Vec::new(),
        }
    }
}

/// A cell's text as it may stand in a sentence: not longer than one reads.
fn shown(value: &str) -> Arg {
    const CHARACTERS_MAX: usize = 30;
    if value.chars().count() <= CHARACTERS_MAX {
        return value.into();
    }
    let cut: String = value.chars().take(CHARACTERS_MAX).collect();
    format!("{cut}…").into()
}
