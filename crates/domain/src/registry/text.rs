//! Cells as a workbook gives them, and their text as people meant it: full-width letters and digits
//! made narrow, stray and ideographic spaces taken out.

/// One cell. A formula comes as the value it last had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Truth(bool),
    /// `YYYY-MM-DD`, when the cell is formatted as a date.
    Date(&'a str),
    /// `#N/A` and its like.
    Error(&'a str),
}

/// A full-width character's narrow sister, the ideographic space's plain one.
pub fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' | '\t' | '\r' | '\n' => ' ',
        _ => c,
    }
}

/// The text as meant: narrow, no invisible characters, one space where Latin words need it and none
/// beside a Chinese character. Blank and the usual signs for "nothing" become the empty string.
pub fn tidy(typed: &str) -> String {
    let mut text = String::with_capacity(typed.len());
    let mut space = false;
    for c in typed.chars().map(narrow) {
        if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}') {
            continue;
        }
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) && c.is_ascii() && text.ends_with(|l: char| l.is_ascii()) {
            text.push(' ');
        }
        text.push(c);
    }
    if matches!(text.as_str(), "-" | "--" | "/" | "\\" | "—" | "——") {
        String::new()
    } else {
        text
    }
}

/// A number or code: tidy, and without any space or leading apostrophe.
pub fn compact(typed: &str) -> String {
    tidy(typed).chars().filter(|c| !matches!(c, ' ' | '\'')).collect()
}

/// Would a spreadsheet take this text for a formula?
pub fn looks_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err()
}

/// The middle dot of names from the border regions, however it was typed.
pub fn person_name(tidied: &str) -> String {
    tidied
        .chars()
        .map(|c| if matches!(c, '•' | '・' | '‧' | '⋅' | '∙') { '·' } else { c })
        .collect()
}

/// A number kept in a number cell, written out in full when a double holds it exactly.
pub fn whole_number(n: f64) -> Option<String> {
    const EXACT_MAX: f64 = 1e15;
    (n.fract() == 0.0 && n.abs() < EXACT_MAX).then(|| format!("{n:.0}"))
}

/// A number typed as text: `1,234.5` and a trailing unit of the given ones are taken.
pub fn typed_number(text: &str, units: &[&str]) -> Option<f64> {
    let bare = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text).trim();
    let digits: String = bare.chars().filter(|c| *c != ',').collect();
    let plain = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
    (plain && !digits.is_empty()).then(|| digits.parse().ok()).flatten()
}

/// Records of a small table kept in the repository: commas, no line breaks in a field.
pub(crate) fn records(csv: &str) -> impl Iterator<Item = Vec<&str>> {
    csv.lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.split(',').map(|f| f.trim().trim_matches('"')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tidying() {
        let check = |typed: &str, meant: &str| assert_eq!(tidy(typed), meant, "{typed:?}");
        check(" 张 三 ", "张三");
        check("张\u{3000}三", "张三");
        check("02户主", "02户主");
        check("02 户主", "02户主");
        check("\u{feff}A  B", "A B");
        check("—", "");
        check(" \n", "");
        check("(享受政策)", "(享受政策)");
    }

    #[test]
    fn numbers() {
        assert_eq!(typed_number("1,234.5", &[]), Some(1234.5));
        assert_eq!(typed_number("2017年", &["年"]), Some(2017.0));
        assert_eq!(typed_number("约5000", &["元"]), None);
        assert_eq!(typed_number("1e9", &[]), None);
        assert_eq!(typed_number("", &[]), None);
        assert_eq!(whole_number(13800000000.0).as_deref(), Some("13800000000"));
        assert_eq!(whole_number(3.71599195411016e17), None);
        assert_eq!(whole_number(1.5), None);
        assert!(looks_like_formula("=HYPERLINK(\"http://x\")"));
        assert!(looks_like_formula("@SUM(A1)"));
        assert!(!looks_like_formula("-5"));
    }

    proptest! {
        #[test]
        fn tidying_twice_is_tidying_once(typed in "\\PC{0,40}") {
            let once = tidy(&typed);
            prop_assert_eq!(tidy(&once), once);
        }
    }
}
