//! The sentences of findings, for the page, the marked workbook and the command line.

use app::registry::report::{Remark, Report, Value};
use fluent_bundle::FluentValue;
use sheets::mark::Marks;

use crate::texts::{Lang, Show, Texts};

/// What is wrong and what to do.
pub fn remark(lang: Lang, remark: &Remark) -> String {
    let texts = Texts::of(lang);
    let mut args: Vec<(&str, FluentValue)> = remark
        .args
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Number(n) => n.value(),
                Value::Text(s) => s.value(),
            };
            (name.as_str(), value)
        })
        .collect();
    if let Some(name) = &remark.field {
        args.push(("field", field(lang, name).value()));
    }
    texts.say(&format!("finding-{}", remark.kind), &args)
}

/// A column's name.
pub fn field(lang: Lang, name: &str) -> String {
    Texts::of(lang).say(&format!("field-{}", name.replace('_', "-")), &[])
}

/// Why a file could not be read.
pub fn unreadable(lang: Lang, code: &str) -> String {
    Texts::of(lang).say(&format!("sheet-{code}"), &[])
}

/// What to write beside each wrong row of the workbook that is sent back, in its own language.
pub fn marks(report: &Report) -> Marks {
    let mut marks = Marks { title: field(Lang::Zh, "mark"), ..Marks::default() };
    for (sheet, header_row) in &report.sheets {
        marks.sheets.entry(sheet.clone()).or_default().header_row = *header_row;
    }
    for found in &report.remarks {
        let sheet = marks.sheets.entry(found.sheet.clone()).or_default();
        let mark = sheet.rows.entry(found.row).or_default();
        if !mark.is_empty() {
            mark.push('\n');
        }
        mark.push_str(&remark(Lang::Zh, found));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::registry::header::Field;

    #[test]
    fn every_column_has_a_name_in_both_languages() {
        for lang in [Lang::Zh, Lang::En] {
            for named in Field::ALL {
                assert!(!field(lang, named.name()).contains('⟦'), "{}", named.name());
            }
        }
    }
}
