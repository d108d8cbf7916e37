//! What a sheet says, its one canonical text, and what it adds up to.

use std::collections::BTreeMap;
use std::fmt;

use super::Refusal;
use crate::scheme::Scheme;

/// What one item was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Points(i64),
    /// The reason's code.
    NotApplicable(String),
}

/// The marks of one sheet by item code. Its text is canonical: `A1 8;A2 6;A3 - no_session`,
/// items in order, so that equal sheets are equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scores(BTreeMap<String, Mark>);

impl Scores {
    pub fn new(marks: impl IntoIterator<Item = (String, Mark)>) -> Scores {
        Scores(marks.into_iter().collect())
    }
    pub fn get(&self, item: &str) -> Option<&Mark> {
        self.0.get(item)
    }
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Mark)> {
        self.0.iter().map(|(item, mark)| (item.as_str(), mark))
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads the canonical text and nothing else: what was read prints the same again.
    pub fn parse(text: &str) -> Result<Scores, Refusal> {
        let mut scores = Scores::default();
        for part in text.split(';').filter(|_| !text.is_empty()) {
            let unreadable = || Refusal::ScoresUnreadable { part: part.to_owned() };
            let (item, mark) = parse_part(part).ok_or_else(unreadable)?;
            let in_order = scores.0.last_key_value().is_none_or(|(last, _)| *last < item);
            if !in_order {
                return Err(unreadable());
            }
            scores.0.insert(item, mark);
        }
        Ok(scores)
    }
}

fn parse_part(part: &str) -> Option<(String, Mark)> {
    let (item, mark) = part.split_once(' ')?;
    let code = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !code(item) {
        return None;
    }
    let mark = match mark.strip_prefix("- ") {
        Some(reason) if code(reason) => Mark::NotApplicable(reason.to_owned()),
        Some(_) => return None,
        None => {
            let points: i64 = mark.parse().ok()?;
            if points.to_string() != mark {
                return None;
            }
            Mark::Points(points)
        }
    };
    Some((item.to_owned(), mark))
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (item, mark)) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(";")?;
            }
            match mark {
                Mark::Points(points) => write!(f, "{item} {points}")?,
                Mark::NotApplicable(reason) => write!(f, "{item} - {reason}")?,
            }
        }
        Ok(())
    }
}

/// Points by category, as given, in the scheme's order. Canonical text: `A 14;B 20`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(Vec<(String, i64)>);

impl Sums {
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(category, points)| (category.as_str(), *points))
    }
    pub fn get(&self, category: &str) -> Option<i64> {
        self.iter().find(|(c, _)| *c == category).map(|(_, points)| points)
    }
    pub fn parse(text: &str) -> Result<Sums, Refusal> {
        let parts = text.split(';').filter(|_| !text.is_empty());
        let sums: Option<Vec<_>> = parts
            .map(|part| {
                let (category, points) = part.split_once(' ')?;
                Some((category.to_owned(), points.parse().ok()?))
            })
            .collect();
        let sums = Sums(sums.unwrap_or_default());
        if sums.to_string() == text {
            Ok(sums)
        } else {
            Err(Refusal::ScoresUnreadable { part: text.to_owned() })
        }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (category, points)) in self.0.iter().enumerate() {
            let between = if n > 0 { ";" } else { "" };
            write!(f, "{between}{category} {points}")?;
        }
        Ok(())
    }
}

/// What a month's scores add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthScore {
    /// 0 to the scheme's monthly maximum.
    pub total: i64,
    pub sums: Sums,
    /// Items that were assessed.
    pub assessed: usize,
}

/// Are these marks a whole sheet under this scheme: every item put to the household, each with one
/// of its values or a reason of its own, and nothing else?
pub fn check(scheme: &Scheme, scores: &Scores, able_to_work: bool) -> Result<(), Refusal> {
    let items = scheme.items_for(able_to_work);
    for item in &items {
        match scores.get(&item.code) {
            None => return Err(Refusal::ItemMissing { item: item.code.clone() }),
            Some(Mark::Points(points)) if !item.is_choice(*points) => {
                return Err(Refusal::NotABand { item: item.code.clone(), points: *points });
            }
            Some(Mark::NotApplicable(reason)) if item.na_reason(reason).is_none() => {
                return Err(Refusal::NaWithoutReason { item: item.code.clone() });
            }
            Some(_) => {}
        }
    }
    match scores.iter().find(|(code, _)| !items.iter().any(|i| i.code == *code)) {
        Some((code, _)) => Err(Refusal::ItemUnknown { item: code.to_owned() }),
        None => Ok(()),
    }
}

/// The month's score: `round_half_up(monthly_max × given / maximum of the assessed items)`, in
/// whole numbers. Items left out leave the denominator; too few assessed is no score at all.
pub fn compute(
    scheme: &Scheme,
    scores: &Scores,
    able_to_work: bool,
) -> Result<MonthScore, Refusal> {
    check(scheme, scores, able_to_work)?;
    let mut sums: Vec<(String, i64)> =
        scheme.categories.iter().map(|c| (c.code.clone(), 0)).collect();
    let (mut given, mut most, mut assessed) = (0, 0, 0);
    for item in scheme.items_for(able_to_work) {
        let Some(Mark::Points(points)) = scores.get(&item.code) else { continue };
        given += points;
        most += item.max;
        assessed += 1;
        if let Some((_, sum)) = sums.iter_mut().find(|(c, _)| *c == item.category) {
            *sum += points;
        }
    }
    if assessed < scheme.min_assessed || most == 0 {
        return Err(Refusal::TooFewAssessed { assessed, needed: scheme.min_assessed });
    }
    let total = rounded(scheme.monthly_max, given, most);
    Ok(MonthScore { total, sums: Sums(sums), assessed })
}

/// Totals of many sheets that were checked when they were kept: reads their text where it stands.
pub struct Tally<'a> {
    /// (code, maximum) of the items put to a household.
    items: Vec<(&'a str, i64)>,
    monthly_max: i64,
    min_assessed: usize,
}

impl<'a> Tally<'a> {
    pub fn new(scheme: &'a Scheme, able_to_work: bool) -> Tally<'a> {
        let items = scheme.items_for(able_to_work);
        Tally {
            items: items.iter().map(|i| (i.code.as_str(), i.max)).collect(),
            monthly_max: scheme.monthly_max,
            min_assessed: scheme.min_assessed,
        }
    }

    /// The same total that `compute` gives; none where that refuses for too few items.
    pub fn total(&self, text: &str) -> Option<i64> {
        let (mut given, mut most, mut assessed) = (0, 0, 0);
        for part in text.split(';') {
            let (item, mark) = part.split_once(' ')?;
            if mark.starts_with("- ") {
                continue;
            }
            given += mark.parse::<i64>().ok()?;
            most += self.items.iter().find(|(code, _)| *code == item)?.1;
            assessed += 1;
        }
        let counts = assessed >= self.min_assessed && most > 0;
        counts.then(|| rounded(self.monthly_max, given, most))
    }
}

/// Half up, in whole numbers.
fn rounded(monthly_max: i64, given: i64, most: i64) -> i64 {
    (2 * monthly_max * given + most) / (2 * most)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Refusal as _;
    use crate::scheme::tests::shipped;
    use proptest::prelude::*;

    pub const FULL: &str =
        "A1 8;A2 6;A3 6;B1 10;B2 8;B3 7;C1 10;C2 10;C3 5;D1 6;D2 5;D3 4;E1 8;E2 7";

    /// The full sheet with some marks changed: `change("A1 5;B3 - away")`.
    pub fn change(changes: &str) -> Scores {
        let mut scores = Scores::parse(FULL).unwrap();
        scores.0.extend(changes.split(';').filter_map(parse_part));
        scores
    }

    #[test]
    fn what_a_month_adds_up_to() {
        let scheme = shipped();
        let table = [
            // (changes to a full sheet, able to work, outcome)
            ("", true, "100 of 14: A 20;B 25;C 25;D 15;E 15"),
            ("A1 5", true, "97 of 14: A 17;B 25;C 25;D 15;E 15"),
            // 84 of 90: 93.33
            ("C1 - wage_household;D1 0", true, "93 of 13: A 20;B 25;C 15;D 9;E 15"),
            // 91 of 94: 96.8
            ("A3 - no_session;A1 5", true, "97 of 13: A 11;B 25;C 25;D 15;E 15"),
            (
                "A1 0;A2 0;A3 0;B1 0;B2 0;B3 0;C1 0;C2 0;C3 0;D1 0;D2 0;D3 0;E1 0;E2 0",
                true,
                "0 of 14: A 0;B 0;C 0;D 0;E 0",
            ),
            ("A1 7", true, "not-a-band"),
            ("A1 - away", true, "na-without-reason"),
            ("E1 - away", true, "na-without-reason"),
            ("Z1 3", true, "item-unknown"),
            ("", false, "item-missing"),
            (
                "A1 - no_policy;A2 - no_visit;A3 - no_session;B1 - away;B2 - away;B3 - away;\
              C1 - illness",
                true,
                "too-few-assessed",
            ),
        ];
        for (changes, able, said) in table {
            let answer = match compute(&scheme, &change(changes), able) {
                Ok(m) => format!("{} of {}: {}", m.total, m.assessed, m.sums),
                Err(no) => no.code().to_owned(),
            };
            assert_eq!(answer, said, "{changes}");
        }
    }

    #[test]
    fn without_work_capacity_the_substitute_stands_in() {
        let scheme = shipped();
        let sheet = "A1 8;A2 6;A3 6;B1 10;B2 8;B3 7;C0 15;D1 6;D2 5;D3 - unable;E1 8;E2 7";
        let month = compute(&scheme, &Scores::parse(sheet).unwrap(), false).unwrap();
        // 86 of 96: 89.58
        assert_eq!((month.total, month.assessed), (90, 11));
        assert_eq!(month.sums.get("C"), Some(15));
    }

    #[test]
    fn halves_go_up() {
        let mut scheme = shipped();
        scheme.monthly_max = 1;
        // 50 of 100 given: one half of one.
        let half = change("A1 0;A2 0;A3 0;B1 0;B2 8;B3 7;C1 0;C2 0;C3 5;D1 6;D2 5;D3 4;E1 8;E2 7");
        assert_eq!(compute(&scheme, &half, true).unwrap().total, 1);
        let less = change("A1 0;A2 0;A3 0;B1 0;B2 8;B3 7;C1 0;C2 0;C3 5;D1 6;D2 5;D3 4;E1 8;E2 4");
        assert_eq!(compute(&scheme, &less, true).unwrap().total, 0);
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        for wrong in [
            ";",
            "A1",
            "A1 ",
            "A1 8;",
            "A1 8;A1 8",
            "A2 6;A1 8",
            "A1 08",
            "A1 +8",
            "A1  8",
            "A1 -",
            "A1 - ",
            "A1 - a b",
            "A1 8 ;A2 6",
            "A1 8,A2 6",
            "一 8",
            "A1 8;;A2 6",
        ] {
            assert!(Scores::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Scores::parse("").unwrap().is_empty());
        assert!(Sums::parse("A 14;B 020").is_err());
        assert_eq!(Sums::parse("A 14;B 20").unwrap().get("B"), Some(20));
    }

    fn marks() -> impl Strategy<Value = Vec<(String, Mark)>> {
        let mark = prop_oneof![
            any::<i64>().prop_map(Mark::Points),
            "[a-z0-9_]{1,12}".prop_map(Mark::NotApplicable),
        ];
        proptest::collection::vec(("[A-Z][0-9]{1,2}", mark), 0..20)
    }

    proptest! {
        #[test]
        fn text_and_back(marks in marks()) {
            let scores = Scores::new(marks);
            let text = scores.to_string();
            prop_assert_eq!(Scores::parse(&text).unwrap(), scores);
        }

        #[test]
        fn what_is_read_prints_the_same(text in "[A-C][0-9] (-?[0-9]{1,3}|- [a-z]{0,3})(;[A-C][0-9] [0-9])?") {
            if let Ok(scores) = Scores::parse(&text) {
                prop_assert_eq!(scores.to_string(), text);
            }
        }

        #[test]
        fn never_outside_the_month(picks in proptest::collection::vec(0usize..6, 14), able: bool) {
            let scheme = shipped();
            let scores = Scores::new(scheme.items_for(able).iter().zip(&picks).map(|(item, pick)| {
                let choices = item.choices();
                let mark = match choices.get(*pick) {
                    Some(choice) => Mark::Points(choice.points),
                    None => item.na.first().map_or(Mark::Points(item.max), |r| Mark::NotApplicable(r.code.clone())),
                };
                (item.code.clone(), mark)
            }));
            let tallied = Tally::new(&scheme, able).total(&scores.to_string());
            prop_assert_eq!(tallied, compute(&scheme, &scores, able).ok().map(|m| m.total));
            match compute(&scheme, &scores, able) {
                Ok(month) => {
                    prop_assert!((0..=100).contains(&month.total));
                    let text = month.sums.to_string();
                    prop_assert_eq!(Sums::parse(&text).unwrap(), month.sums);
                }
                Err(no) => prop_assert_eq!(no.code(), "too-few-assessed"),
            }
        }
    }
}
