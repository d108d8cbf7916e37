//! `docs/GLOSSARY.md`, written from `data/glossary.csv`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::tidy::{Finding, House};

const SOURCE: &str = "data/glossary.csv";
const PAGE: &str = "docs/GLOSSARY.md";

/// Writes the page anew.
pub fn write(root: &Path) -> anyhow::Result<()> {
    let terms = std::fs::read_to_string(root.join(SOURCE)).context(SOURCE)?;
    std::fs::write(root.join(PAGE), page(&terms)?).context(PAGE)
}

/// The page says what the table says.
pub fn check(house: &House) -> Vec<Finding> {
    let Some(terms) = house.file(SOURCE) else { return Vec::new() };
    let what = match page(terms) {
        Ok(page) if house.file(PAGE) == Some(&page) => return Vec::new(),
        Ok(_) => format!("not in step with {SOURCE}; run: cargo xtask glossary"),
        Err(error) => format!("{SOURCE} cannot be read: {error:#}"),
    };
    vec![Finding { path: PAGE.to_owned(), line: 0, what }]
}

fn page(terms: &str) -> anyhow::Result<String> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut order = Vec::new();
    for row in csv::Reader::from_reader(terms.as_bytes()).into_records() {
        let row = row?;
        let cell = |at: usize| row.get(at).unwrap_or_default().replace('|', "\\|");
        let rows = fields.entry(cell(0)).or_insert_with(|| {
            order.push(cell(0));
            String::new()
        });
        writeln!(rows, "| {} | {} | `{}` | {} |", cell(1), cell(2), cell(3), cell(4))?;
    }
    let mut page = format!(
        "# Glossary\n\nThe words of the field, chosen once: the code, the screens and the papers \
         use these. Written from\n`{SOURCE}` by `cargo xtask glossary`; change the table, not this \
         page.\n"
    );
    for field in order {
        let title = capitalised(&field.replace('_', " "));
        write!(page, "\n## {title}\n\n| 中文 | English | In code | Note |\n|---|---|---|---|\n")?;
        page.push_str(&fields[&field]);
    }
    Ok(page)
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: &str = "domain,zh,en,identifier,note\npoints,积分,points,points,\n";

    #[test]
    fn a_page_behind_its_table_is_named() {
        let page = page(TERMS).expect("a page");
        assert!(page.contains("| 积分 | points | `points` |  |"));
        assert!(check(&House::of(&[(SOURCE, TERMS), (PAGE, &page)])).is_empty());
        let found = check(&House::of(&[(SOURCE, TERMS), (PAGE, "# Glossary\n")]));
        assert_eq!(
            found[0].to_string(),
            format!("{PAGE}: not in step with {SOURCE}; run: cargo xtask glossary")
        );
    }
}
