//! The few free texts of a posting: names of areas, the place it hangs, whom to call.

use std::fmt;

/// Longest name of an area, a place or a category, in characters.
pub const TEXT_MAX: usize = 60;
/// A public text may hold a house number or a year, and nothing longer.
const DIGITS_MAX: usize = 5;
/// A contact is an office telephone: eleven digits, or twelve with an area code.
const CONTACT_DIGITS_MAX: usize = 12;
/// Numbers side by side are let through only when each could be a telephone by itself.
const TELEPHONE_DIGITS_MIN: usize = 7;

/// Why a text may not be made public.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    #[error("is empty")]
    Empty,
    #[error("is longer than {max} characters")]
    TooLong { max: usize },
    #[error("holds a line break, a tab or another control character")]
    Control,
    #[error("holds {digits} digits in a row")]
    Digits { digits: usize, max: usize },
}

/// The name of an area, a place or a category: short, one line, and never six digits in a row, so
/// that no citizen number, phone or account fits inside.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicText(String);

impl PublicText {
    pub fn new(text: &str) -> Result<PublicText, NotPublic> {
        checked(text, digit_run_max(text), DIGITS_MAX).map(PublicText)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom to call with an objection: an office and its telephone. Room for telephones, none for a
/// citizen number or an account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Contact(String);

impl Contact {
    pub fn new(text: &str) -> Result<Contact, NotPublic> {
        let run = digit_run_max(text);
        let telephones = words(text)
            .map(digit_run_max)
            .filter(|digits| *digits > 0)
            .all(|digits| (TELEPHONE_DIGITS_MIN..=CONTACT_DIGITS_MAX).contains(&digits));
        let apart = telephones && !has_citizen_number(text);
        checked(text, if apart { 0 } else { run }, CONTACT_DIGITS_MAX).map(Contact)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! shown {
    ($kind:ty) => {
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
shown!(PublicText);
shown!(Contact);

fn checked(text: &str, digits: usize, max: usize) -> Result<String, NotPublic> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NotPublic::Empty);
    }
    if text.chars().count() > TEXT_MAX {
        return Err(NotPublic::TooLong { max: TEXT_MAX });
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(NotPublic::Control);
    }
    if digits > max {
        return Err(NotPublic::Digits { digits, max });
    }
    Ok(text.to_owned())
}

/// The longest run of digits, of any script and width; spaces, dashes and marks of no width inside
/// a run do not break it.
pub fn digit_run_max(text: &str) -> usize {
    let (mut run, mut longest) = (0, 0);
    for c in text.chars() {
        if c.is_numeric() {
            run += 1;
            longest = longest.max(run);
        } else if !is_filler(c) {
            run = 0;
        }
    }
    longest
}

fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '-' | '_' | '.' | '·' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}')
        || matches!(c, '\u{2060}' | '\u{feff}' | '\u{ff0d}' | '\u{2212}')
}

/// Two telephones side by side are two words, not one long number.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '/' | '、' | '\u{ff0c}' | '\u{ff1b}')
    })
}

/// Eighteen digits (or seventeen and an X) in a run that carry a date of birth and the right check
/// character (GB 11643-1999), however they are spaced.
fn has_citizen_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(value).collect();
    digits.windows(18).any(is_citizen_number)
}

/// 0–9 for a digit of ordinary or full width, 10 for an X.
fn value(c: char) -> Option<u32> {
    match c {
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        'x' | 'X' | 'ｘ' | 'Ｘ' => Some(10),
        _ => c.to_digit(10),
    }
}

fn is_citizen_number(d: &[u32]) -> bool {
    const WEIGHTS: [u32; 18] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1];
    let of = |range: std::ops::Range<usize>| d[range].iter().fold(0, |n, x| n * 10 + x);
    d[..17].iter().all(|x| *x < 10)
        && (1850..2100).contains(&of(6..10))
        && (1..=12).contains(&of(10..12))
        && (1..=31).contains(&of(12..14))
        && d.iter().zip(WEIGHTS).map(|(x, w)| x * w).sum::<u32>() % 11 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_the_wall() {
        for (text, verdict) in [
            ("蒋官屯街道 张庄村", "yes"),
            ("村委会公示栏(2号)", "yes"),
            (" 三里铺 ", "yes"),
            ("", "is empty"),
            ("  ", "is empty"),
            ("12345", "yes"),
            ("123456", "holds 6 digits in a row"),
            ("１２３４５６", "holds 6 digits in a row"),
            ("村 123 456", "holds 6 digits in a row"),
            ("村 123-456", "holds 6 digits in a row"),
            ("123\u{200b}456", "holds 6 digits in a row"),
            ("٣٤٥٦٧٨", "holds 6 digits in a row"),
            ("a\tb", "holds a line break, a tab or another control character"),
            ("a\nb", "holds a line break, a tab or another control character"),
            ("a\u{2028}b", "holds a line break, a tab or another control character"),
            ("13800138000", "holds 11 digits in a row"),
            (&"村".repeat(61), "is longer than 60 characters"),
        ] {
            let got = PublicText::new(text).map_or_else(|e| e.to_string(), |_| "yes".into());
            assert_eq!(got, verdict, "{text:?}");
        }
    }

    #[test]
    fn contacts_hold_telephones_only() {
        for (text, ok) in [
            ("张庄村委会 0635-8511234", true),
            ("村委会 0635-8511234 13800138000", true),
            ("0635-8511234、13800138000", true),
            ("37150219900101001", false),
            ("371502199001010018", false),
            ("2号楼 0635-8511234", true),
            ("6222 0216 0200 1234", false),
            ("6222021602001234", false),
            ("110105194912310021", false),
            ("110105 19491231 002X", false),
            ("１１０１０５ １９４９１２３１ ００２Ｘ", false),
        ] {
            assert_eq!(Contact::new(text).is_ok(), ok, "{text:?}");
        }
    }
}
