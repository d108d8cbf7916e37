//! The citizen number of GB 11643-1999: six digits of area, eight of date, three of sequence (odd is
//! male), one check digit by ISO 7064 MOD 11-2. The area need not exist today, codes retire.

use std::fmt;

use super::code;
use super::text::narrow;
use crate::Date;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10X98765432";

/// A valid number, 18 characters, upper case. Its `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CitizenNumber {
    digits: [u8; 18],
    born_on: Date,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CitizenNumberFault {
    Length {
        characters: usize,
    },
    Characters,
    Province,
    ImpossibleDate,
    DateInFuture,
    CheckDigit,
    /// Eighteen digits that went through a number cell: a spreadsheet keeps fifteen and writes zeros.
    AsNumber,
}

impl CitizenNumber {
    /// Reads a number as people type it: full-width digits, stray spaces, a leading apostrophe, a
    /// small x; fifteen digits of the 1989 form are brought up to eighteen.
    pub fn parse(typed: &str, today: Date) -> Result<CitizenNumber, CitizenNumberFault> {
        use CitizenNumberFault as F;
        let text: String = typed
            .chars()
            .map(narrow)
            .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '`' | '\u{200b}' | '\u{feff}'))
            .collect::<String>()
            .to_ascii_uppercase();
        if is_scientific(&text) {
            return Err(F::AsNumber);
        }
        let digits = match text.len() {
            15 => upgrade(text.as_bytes())?,
            18 => <[u8; 18]>::try_from(text.as_bytes()).map_err(|_| F::Characters)?,
            _ => return Err(F::Length { characters: text.chars().count() }),
        };
        if !digits[..17].iter().all(u8::is_ascii_digit)
            || !(digits[17].is_ascii_digit() || digits[17] == b'X')
        {
            return Err(F::Characters);
        }
        let truncated = text.len() == 18 && &digits[15..] == b"000";
        let or_truncated = |fault| if truncated { F::AsNumber } else { fault };
        if !code::is_province(&digits[..2]) {
            return Err(F::Province);
        }
        let born_on = date(&digits).ok_or(F::ImpossibleDate)?;
        if born_on > today {
            return Err(F::DateInFuture);
        }
        if check_digit(&digits) != digits[17] {
            return Err(or_truncated(F::CheckDigit));
        }
        Ok(CitizenNumber { digits, born_on })
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII digits and X were let in.
        std::str::from_utf8(&self.digits).unwrap_or_default()
    }
    pub fn born_on(&self) -> Date {
        self.born_on
    }
    /// GB/T 2261.1: 1 male, 2 female.
    pub fn sex(&self) -> &'static str {
        if self.digits[16] % 2 == 1 { "1" } else { "2" }
    }
}

impl fmt::Debug for CitizenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(self.as_str()))
    }
}

/// For screens: a value of which nothing is shown.
pub const HIDDEN: &str = "***";

/// For screens: the first three and the last two characters at most.
pub fn mask(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    if characters.len() < 8 {
        return "*".repeat(characters.len());
    }
    let hidden = characters.len() - 5;
    let (first, last) = (&characters[..3], &characters[characters.len() - 2..]);
    first
        .iter()
        .copied()
        .chain(std::iter::repeat_n('*', hidden))
        .chain(last.iter().copied())
        .collect()
}

/// For screens: a bank account or phone shows its last four.
pub fn mask_account(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let shown = if characters.len() > 7 { 4 } else { 0 };
    let hidden = characters.len() - shown;
    std::iter::repeat_n('*', hidden).chain(characters[hidden..].iter().copied()).collect()
}

fn is_scientific(text: &str) -> bool {
    text.split_once('E').is_some_and(|(mantissa, exponent)| {
        let number = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit() || c == '.');
        number(mantissa) && number(exponent.trim_start_matches('+'))
    })
}

fn upgrade(old: &[u8]) -> Result<[u8; 18], CitizenNumberFault> {
    if !old.iter().all(u8::is_ascii_digit) {
        return Err(CitizenNumberFault::Characters);
    }
    let mut new = [b'0'; 18];
    new[..6].copy_from_slice(&old[..6]);
    new[6..8].copy_from_slice(b"19");
    new[8..17].copy_from_slice(&old[6..15]);
    new[17] = check_digit(&new);
    Ok(new)
}

fn check_digit(digits: &[u8; 18]) -> u8 {
    let sum: u32 = WEIGHTS.iter().zip(digits).map(|(w, d)| w * u32::from(d - b'0')).sum();
    CHECKS[(sum % 11) as usize]
}

fn date(digits: &[u8; 18]) -> Option<Date> {
    let number = |d: &[u8]| d.iter().fold(0i16, |n, c| n * 10 + i16::from(c - b'0'));
    let day = |d: &[u8]| i8::try_from(number(d)).ok();
    Date::new(number(&digits[6..10]), day(&digits[10..12])?, day(&digits[12..14])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;
    use proptest::prelude::*;

    const TODAY: Date = day(2026, 11, 23);

    #[test]
    fn the_published_vectors() {
        for line in include_str!("../../../../data/id/citizen_id_vectors.csv").lines().skip(1) {
            let mut fields = line.splitn(3, ',');
            let (value, expect) = (fields.next().unwrap(), fields.next().unwrap());
            let read = CitizenNumber::parse(value, TODAY);
            match expect {
                "valid" => assert_eq!(read.unwrap().as_str(), value),
                "valid_after_normalise" => {
                    assert_eq!(read.unwrap().as_str(), value.to_ascii_uppercase());
                }
                "legacy15" => assert_eq!(read.unwrap().as_str(), "11010519491231002X"),
                _ => assert!(read.is_err(), "{line}"),
            }
        }
    }

    #[test]
    fn as_people_type_it() {
        use CitizenNumberFault as F;
        let check = |typed: &str, expected: Result<&str, F>| {
            let read = CitizenNumber::parse(typed, TODAY);
            assert_eq!(
                read.as_ref().map(CitizenNumber::as_str),
                expected.as_ref().map(|s| *s),
                "{typed}"
            );
        };
        check("11010519491231002x", Ok("11010519491231002X"));
        check(" 110105 19491231\u{3000}002X ", Ok("11010519491231002X"));
        check("'11010519491231002X", Ok("11010519491231002X"));
        check("3.71599195411016e+17", Err(F::AsNumber));
        check("3.71599E+17", Err(F::AsNumber));
        check("371599195411016000", Err(F::AsNumber));
        check("371599209913401230", Err(F::ImpossibleDate));
        check("371599200303164440", Err(F::CheckDigit));
        check("990105194912310023", Err(F::Province));
        check("11010549123100", Err(F::Length { characters: 14 }));
        check("1101051949123100YX", Err(F::Characters));
        check("", Err(F::Length { characters: 0 }));
        check("一二三四五六", Err(F::Characters));
    }

    #[test]
    fn born_today_is_born_and_tomorrow_is_not() {
        let number = "34052419800101001X";
        assert!(CitizenNumber::parse(number, day(1980, 1, 1)).is_ok());
        let fault = CitizenNumber::parse(number, day(1979, 12, 31)).unwrap_err();
        assert_eq!(fault, CitizenNumberFault::DateInFuture);
    }

    #[test]
    fn masks() {
        assert_eq!(mask("11010519491231002X"), "110*************2X");
        assert_eq!(mask("123"), "***");
        assert_eq!(mask_account("6223198733402904412"), "***************4412");
        let number = CitizenNumber::parse("11010519491231002X", TODAY).unwrap();
        assert_eq!(format!("{number:?}"), "110*************2X");
    }

    proptest! {
        #[test]
        fn anything_may_be_typed(typed in "\\PC{0,24}") {
            if let Ok(number) = CitizenNumber::parse(&typed, TODAY) {
                prop_assert_eq!(CitizenNumber::parse(number.as_str(), TODAY), Ok(number));
            }
        }

        #[test]
        fn one_wrong_digit_is_always_seen(place in 0usize..17, other in 0u8..10) {
            let good = "11010519491231002X";
            let mut typed = good.as_bytes().to_vec();
            typed[place] = b'0' + other;
            let typed = String::from_utf8(typed).unwrap();
            prop_assert_eq!(CitizenNumber::parse(&typed, TODAY).is_ok(), typed == good);
        }
    }
}
