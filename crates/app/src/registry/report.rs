//! What an import came to, as it is kept beside the upload, shown on its page and printed as JSON.
//! Holds codes and values; the sentences are made where somebody reads them.

use std::collections::BTreeMap;

use domain::Arg;
use domain::registry::compare::Tally;
use domain::registry::{Changes, Checked, Counts, Fate, Finding, Plan};
use serde::{Deserialize, Serialize};

/// Changed records named one by one; beyond these only counted.
const DETAILS_MAX: usize = 500;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub households: usize,
    pub persons: usize,
    pub officers: usize,
    pub cadres: usize,
    pub errors: usize,
    pub notices: usize,
    pub remarks: Vec<Remark>,
    pub changes: ChangesReport,
    /// (sheet, header row), for the workbook sent back.
    pub sheets: Vec<(String, u32)>,
    /// Why the file could not be read at all: `sheet-<code>`.
    pub unreadable: Option<String>,
}

/// One finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remark {
    pub sheet: String,
    pub row: u32,
    /// As spreadsheets name it: A, B … AA.
    pub column: Option<String>,
    /// The column's title in the workbook.
    pub title: String,
    pub code: String,
    /// The sentence is `finding-<kind>`.
    pub kind: String,
    pub field: Option<String>,
    pub args: BTreeMap<String, Value>,
    pub is_error: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangesReport {
    pub households: Counted,
    /// Households of the register that the file does not speak of; left as they are.
    pub households_elsewhere: usize,
    pub persons: Counted,
    pub persons_gone: usize,
    pub officers_appointed: usize,
    pub officers_ended: usize,
    pub assignments_made: usize,
    pub assignments_ended: usize,
    pub people_added: usize,
    pub details: Vec<Detail>,
}

impl ChangesReport {
    /// Would applying it change anything?
    pub fn is_nothing(&self) -> bool {
        let moved = [
            self.households.created,
            self.households.updated,
            self.persons.created,
            self.persons.updated,
            self.persons_gone,
            self.officers_appointed,
            self.officers_ended,
            self.assignments_made,
            self.assignments_ended,
            self.people_added,
        ];
        moved.iter().all(|n| *n == 0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
}

impl From<Tally> for Counted {
    fn from(t: Tally) -> Counted {
        Counted { created: t.created, updated: t.updated, unchanged: t.unchanged }
    }
}

/// A record that changes, and in which columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// household, person, person_gone
    pub what: String,
    pub number: String,
    pub name: String,
    pub fields: Vec<String>,
}

impl Report {
    pub fn of(checked: &Checked) -> Report {
        let Counts { households, persons, officers, cadres, errors, notices } = checked.counts;
        Report {
            households,
            persons,
            officers,
            cadres,
            errors,
            notices,
            remarks: checked.findings.iter().map(remark).collect(),
            sheets: checked.plan.headers().map(|(name, row)| (name.to_owned(), row)).collect(),
            ..Report::default()
        }
    }

    pub fn unreadable(code: &str) -> Report {
        Report { errors: 1, unreadable: Some(code.to_owned()), ..Report::default() }
    }

    pub(super) fn add_changes(&mut self, plan: &Plan, changes: &Changes) {
        self.errors += changes.findings.len();
        self.remarks.extend(changes.findings.iter().map(remark));
        self.changes.households = changes.household_tally().into();
        self.changes.persons = changes.member_tally().into();
        self.changes.households_elsewhere = changes.households_elsewhere;
        self.changes.persons_gone = changes.gone.len();
        let owned = |fields: &[&str]| fields.iter().map(|f| (*f).to_owned()).collect();
        let details = &mut self.changes.details;
        let each = plan.households.iter().zip(&changes.households).zip(&changes.members);
        for ((planned, fate), members) in each {
            if let Fate::Updated { fields, .. } = fate {
                details.push(Detail {
                    what: "household".to_owned(),
                    number: planned.household.number.clone(),
                    name: planned.household.head_name.clone(),
                    fields: owned(fields),
                });
            }
            for (planned, fate) in planned.members.iter().zip(members) {
                if let Fate::Updated { fields, .. } = fate {
                    details.push(Detail {
                        what: "person".to_owned(),
                        number: planned.member.number.clone(),
                        name: planned.member.name.clone(),
                        fields: owned(fields),
                    });
                }
            }
            if details.len() >= DETAILS_MAX {
                break;
            }
        }
        details.extend(changes.gone.iter().map(|gone| Detail {
            what: "person_gone".to_owned(),
            number: gone.number.clone(),
            name: gone.name.clone(),
            fields: Vec::new(),
        }));
        details.truncate(DETAILS_MAX);
    }
}

fn remark(finding: &Finding) -> Remark {
    let value = |arg: Arg| match arg {
        Arg::Number(n) => Value::Number(n),
        Arg::Text(s) => Value::Text(s),
        Arg::Date(d) => Value::Text(d.to_string()),
        Arg::Words { zh, .. } => Value::Text(zh),
    };
    let fault = &finding.fault;
    Remark {
        sheet: finding.sheet.clone(),
        row: finding.row,
        column: finding.column.map(letters),
        title: finding.title.clone(),
        code: fault.code().into_owned(),
        kind: fault.kind().to_owned(),
        field: fault.field().map(|f| f.name().to_owned()),
        args: fault.args().into_iter().map(|(name, arg)| (name.to_owned(), value(arg))).collect(),
        is_error: fault.is_error(),
    }
}

/// A column from zero, as spreadsheets name it.
fn letters(column: u16) -> String {
    let mut n = u32::from(column) + 1;
    let mut name = Vec::new();
    while n > 0 {
        n -= 1;
        name.push(char::from(b'A' + (n % 26) as u8));
        n /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_as_spreadsheets_name_them() {
        let named = [0, 25, 26, 35, 255].map(letters);
        assert_eq!(named, ["A", "Z", "AA", "AJ", "IV"]);
    }
}
