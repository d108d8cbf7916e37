//! Sheets, schemes and cards as text.

use domain::Refusal;
use domain::redemption::Code;
use domain::scheme::{Level, Scheme, lint};
use domain::scoring::{Mark, Scores, Sums, Tally, compute};

use crate::bytes::Bytes;

/// The check character by trying all of them: the one for which the whole number leaves one.
fn is_card(text: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let values: Vec<u32> =
        text.chars().filter_map(|c| ALPHABET.find(c)).map(|place| place as u32).collect();
    let (body, check) = values.split_at(values.len().saturating_sub(1));
    // ISO 7064, hybrid system, modulus 32, written as its recursion is.
    let mut p = 32;
    for value in body {
        let s = p % 33 + value;
        let s = if s % 32 == 0 { 32 } else { s % 32 };
        p = 2 * s;
    }
    text.len() == 12 && values.len() == 12 && (p % 33 + check[0]) % 32 == 1
}

/// A card's code as it is typed or scanned.
pub fn card(bytes: &[u8]) {
    let random = Bytes::new(bytes).word();
    let made = Code::new(random);
    assert!(is_card(&made.to_string()), "{made}");
    assert_eq!(Code::parse(&made.printed()), Some(made));
    assert_eq!(Code::parse(&made.to_string().to_lowercase()), Some(made));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let code = Code::parse(text);
    if let Some(code) = code {
        assert!(is_card(&code.to_string()), "{text:?} is read as {code}");
        assert_eq!(Code::parse(&code.printed()), Some(code));
    }
    assert!(code.is_some() || !is_card(text), "{text:?} is refused");
}

/// The marks of a sheet: one text for each, and what they come to under the shipped scheme.
pub fn scores(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Sums::parse(text) {
        Ok(sums) => assert_eq!(sums.to_string(), text),
        Err(no) => assert!(!no.code().is_empty()),
    }
    let scores = match Scores::parse(text) {
        Ok(scores) => scores,
        Err(no) => return assert!(!no.code().is_empty()),
    };
    assert_eq!(scores.to_string(), text, "a sheet is written in one way");
    let again = Scores::new(scores.iter().map(|(item, mark)| (item.to_owned(), mark.clone())));
    assert_eq!(again, scores);
    for able in [true, false] {
        under(&shipped(), &scores, able);
    }
}

pub(crate) fn shipped() -> std::sync::Arc<Scheme> {
    use std::sync::{Arc, LazyLock};
    static SCHEME: LazyLock<Arc<Scheme>> = LazyLock::new(|| {
        let json = include_str!("../../../../data/scheme/default_points_scheme.json");
        Arc::new(store::scheme::parse(json).expect("the shipped scheme"))
    });
    SCHEME.clone()
}

/// What these marks come to, counted in long arithmetic.
fn under(scheme: &Scheme, scores: &Scores, able: bool) {
    let score = compute(scheme, scores, able);
    let items = scheme.items_for(able);
    let is_known = |code: &str| items.iter().any(|item| item.code == code);
    let is_whole = items.iter().all(|item| match scores.get(&item.code) {
        Some(Mark::Points(points)) => item.choices().iter().any(|c| c.points == *points),
        Some(Mark::NotApplicable(why)) => item.na.iter().any(|reason| reason.code == *why),
        None => false,
    });
    if !is_whole || !scores.iter().all(|(code, _)| is_known(code)) {
        return assert!(score.is_err_and(|no| !no.code().is_empty()), "{scores}");
    }
    let assessed = || {
        items.iter().filter_map(|item| match scores.get(&item.code) {
            Some(Mark::Points(points)) => Some((*item, i128::from(*points))),
            _ => None,
        })
    };
    let given: i128 = assessed().map(|(_, points)| points).sum();
    let most: i128 = assessed().map(|(item, _)| i128::from(item.max)).sum();
    let count = assessed().count();
    let counts = count >= scheme.min_assessed && most > 0;
    assert_eq!(score.is_ok(), counts);
    let total = Tally::new(scheme, able).total(&scores.to_string());
    let Ok(score) = score else { return assert_eq!(total, None) };
    // The whole number nearest to it, the higher one where two are as near.
    let exact = |n: i128| n * most - i128::from(scheme.monthly_max) * given;
    let (n, half) = (i128::from(score.total), most);
    assert!(2 * exact(n) <= half && 2 * exact(n) > -half, "{} of {given}/{most}", score.total);
    assert_eq!(total, Some(score.total));
    assert_eq!(score.assessed, count);
    assert_eq!(score.sums.iter().map(|(_, sum)| i128::from(sum)).sum::<i128>(), given);
    assert_eq!(Sums::parse(&score.sums.to_string()).as_ref(), Ok(&score.sums));
}

/// A file that somebody uploads as a scheme.
pub fn scheme(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let scheme = match store::scheme::parse(text) {
        Ok(scheme) => scheme,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    let findings = lint(&scheme);
    let is_unlawful = findings.iter().any(|finding| finding.level == Level::Error);
    for item in scheme.items.iter().chain(scheme.substitute.as_ref().map(|s| &s.item)) {
        let choices = item.choices();
        let mut points: Vec<i64> = choices.iter().map(|c| c.points).collect();
        points.dedup();
        assert_eq!(points.len(), choices.len(), "a value stands twice among {points:?}");
        assert!(points.iter().all(|p| item.is_choice(*p)));
        assert!(points.is_sorted_by(|a, b| a > b), "{points:?}");
    }
    if is_unlawful {
        return;
    }
    // Every household's best and worst month under a scheme that may be adopted.
    for able in [true, false] {
        for best in [true, false] {
            let marks = scheme.items_for(able).into_iter().filter_map(|item| {
                let choices = item.choices();
                let choice = if best { choices.first() } else { choices.last() };
                Some((item.code.clone(), Mark::Points(choice?.points)))
            });
            let scores = Scores::new(marks);
            if Scores::parse(&scores.to_string()).as_ref() == Ok(&scores) {
                under(&scheme, &scores, able);
            }
            if let Ok(score) = compute(&scheme, &scores, able) {
                let max = scheme.monthly_max.max(0);
                assert!((0..=max).contains(&score.total), "{} of {max}", score.total);
            }
        }
    }
}
