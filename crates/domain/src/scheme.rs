//! The points scheme as a version: categories, items and their bands, periods, caps. A score keeps
//! the version it was made under. Knows no households and no months.

mod lint;

pub use lint::{Finding, Level, lint};

use jiff::civil::Date;

use crate::Arg;
use crate::calendar::{DayKind, Month};

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Words {
    pub zh: String,
    pub en: String,
}

/// A number of full days, and which days count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub days: i64,
    pub kind: DayKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    pub code: String,
    pub version: i64,
    pub title: Words,
    /// Points of a full month.
    pub monthly_max: i64,
    pub points_per_yuan: i64,
    /// Points a household can be credited with in a calendar year by monthly scores.
    pub annual_cap: i64,
    pub categories: Vec<Category>,
    pub items: Vec<Item>,
    /// What stands in for one category in a household without work capacity.
    pub substitute: Option<Substitute>,
    /// Items that must be assessed for a month to have a score.
    pub min_assessed: usize,
    /// How long scores hang on the wall.
    pub publicity: Period,
    /// How long an objection may wait for its answer.
    pub objection: Period,
    pub bonus_events: Vec<BonusEvent>,
    /// Words this scheme forbids beside those the lint always refuses.
    pub forbidden_terms: Vec<String>,
    pub forbidden_effects: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub code: String,
    pub name: Words,
    pub max: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub code: String,
    pub category: String,
    pub name: Words,
    pub max: i64,
    pub mode: Mode,
    pub bands: Vec<Band>,
    /// How the score is shown to be true; empty is a weak rule.
    pub evidence: String,
    pub note: String,
    /// Grounds on which the item may be left out; empty: it is always assessed.
    pub na: Vec<NaReason>,
}

/// How an item's points come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One of the bands.
    Banded,
    /// One band: its points for each event, up to the maximum. Several: one of them, or none.
    PerEvent,
    /// From the maximum down by the negative bands, never below nought.
    DeductFromMax,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Banded, Mode::PerEvent, Mode::DeductFromMax];
    pub fn code(self) -> &'static str {
        match self {
            Mode::Banded => "banded",
            Mode::PerEvent => "per_event",
            Mode::DeductFromMax => "deduct_from_max",
        }
    }
    pub fn from_code(code: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|m| m.code() == code)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    pub score: i64,
    pub words: Words,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaReason {
    /// `[a-z0-9_]+`: it stands in the canonical text of a sheet.
    pub code: String,
    pub words: Words,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    pub category: String,
    pub item: Item,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusEvent {
    pub code: String,
    pub name: Words,
    pub points: i64,
}

/// One value an item can be given, and how it comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    pub points: i64,
    /// The band it comes from; none: nothing happened.
    pub band: Option<&'a Band>,
    /// How often the band counted; nought where counting says nothing.
    pub times: i64,
}

impl Item {
    /// Every value this item can be given, highest first, each value once.
    pub fn choices(&self) -> Vec<Choice<'_>> {
        let mut choices: Vec<Choice<'_>> = match (self.mode, self.bands.as_slice()) {
            (Mode::PerEvent, [band]) if band.score > 0 => (0..=self.max / band.score)
                .map(|times| Choice {
                    points: times * band.score,
                    band: (times > 0).then_some(band),
                    times,
                })
                .collect(),
            (Mode::DeductFromMax, bands) => self.deductions(bands),
            (_, bands) => bands
                .iter()
                .map(|band| Choice { points: band.score, band: Some(band), times: 0 })
                .collect(),
        };
        if self.mode == Mode::PerEvent && choices.iter().all(|c| c.points != 0) {
            choices.push(Choice { points: 0, band: None, times: 0 });
        }
        choices.sort_by_key(|c| std::cmp::Reverse(c.points));
        choices.dedup_by_key(|c| c.points);
        choices
    }

    /// The maximum, then each negative band counted once, twice … until nothing is left.
    fn deductions<'a>(&self, bands: &'a [Band]) -> Vec<Choice<'a>> {
        let full = bands.iter().find(|b| b.score >= 0);
        let mut choices = vec![Choice { points: self.max, band: full, times: 0 }];
        for band in bands.iter().filter(|b| b.score < 0) {
            let enough = (self.max - band.score - 1) / -band.score;
            for times in 1..=enough {
                let points = (self.max + times * band.score).max(0);
                choices.push(Choice { points, band: Some(band), times });
            }
        }
        // Where two ways lead to the same value, the one of fewer times names it.
        choices.sort_by_key(|c| (std::cmp::Reverse(c.points), c.times));
        choices
    }

    pub fn is_choice(&self, points: i64) -> bool {
        self.choices().iter().any(|c| c.points == points)
    }
    pub fn na_reason(&self, code: &str) -> Option<&NaReason> {
        self.na.iter().find(|r| r.code == code)
    }
}

impl Scheme {
    /// The items put to a household, in the scheme's order: with the substitute in place of its
    /// category where nobody in the household can work.
    pub fn items_for(&self, able_to_work: bool) -> Vec<&Item> {
        let substitute = self.substitute.as_ref().filter(|_| !able_to_work);
        let Some(substitute) = substitute else {
            return self.items.iter().collect();
        };
        let mut items = Vec::with_capacity(self.items.len());
        let mut put = false;
        for item in &self.items {
            if item.category != substitute.category {
                items.push(item);
            } else if !put {
                items.push(&substitute.item);
                put = true;
            }
        }
        items
    }

    /// An item by code, the substitute among them.
    pub fn item(&self, code: &str) -> Option<&Item> {
        let substitute = self.substitute.as_ref().map(|s| &s.item);
        self.items.iter().chain(substitute).find(|i| i.code == code)
    }
    pub fn category(&self, code: &str) -> Option<&Category> {
        self.categories.iter().find(|c| c.code == code)
    }
    pub fn bonus_event(&self, code: &str) -> Option<&BonusEvent> {
        self.bonus_events.iter().find(|e| e.code == code)
    }
}

/// What taking up an uploaded version depends on.
#[derive(Clone, Copy, Debug)]
pub struct VersionFacts {
    /// Highest version already kept under this code.
    pub latest: Option<i64>,
}

/// Why a scheme is not taken up, or not adopted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    /// The file is not a scheme.
    Unreadable {
        reason: String,
    },
    /// The lint found what may not be in a scheme.
    Unlawful {
        count: usize,
        first: String,
    },
    VersionNotNewer {
        code: String,
        version: i64,
        latest: i64,
    },
    /// A month that has been opened keeps its rules.
    MonthAlreadyOpen {
        month: Month,
    },
    MonthAlreadyAdopted {
        month: Month,
    },
    ResolutionInFuture {
        resolved_on: Date,
    },
    /// A meeting cannot adopt rules for a month that was over.
    ResolutionAfterMonth {
        month: Month,
        resolved_on: Date,
    },
    ResolutionIncomplete,
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::Unreadable { .. } => "scheme-unreadable",
            Refusal::Unlawful { .. } => "scheme-unlawful",
            Refusal::VersionNotNewer { .. } => "scheme-version-not-newer",
            Refusal::MonthAlreadyOpen { .. } => "scheme-month-already-open",
            Refusal::MonthAlreadyAdopted { .. } => "scheme-month-already-adopted",
            Refusal::ResolutionInFuture { .. } => "scheme-resolution-in-future",
            Refusal::ResolutionAfterMonth { .. } => "scheme-resolution-after-month",
            Refusal::ResolutionIncomplete => "scheme-resolution-incomplete",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::Unreadable { reason } => vec![("reason", reason.as_str().into())],
            Refusal::Unlawful { count, first } => {
                vec![("count", (*count).into()), ("first", first.as_str().into())]
            }
            Refusal::VersionNotNewer { code, version, latest } => vec![
                ("code", code.as_str().into()),
                ("version", (*version).into()),
                ("latest", (*latest).into()),
            ],
            Refusal::MonthAlreadyOpen { month } | Refusal::MonthAlreadyAdopted { month } => {
                vec![("month", month.to_string().into())]
            }
            Refusal::ResolutionInFuture { resolved_on } => vec![("date", (*resolved_on).into())],
            Refusal::ResolutionAfterMonth { month, resolved_on } => {
                vec![("month", month.to_string().into()), ("date", (*resolved_on).into())]
            }
            Refusal::ResolutionIncomplete => Vec::new(),
        }
    }
}

/// May this version be kept? It must be newer than what is there, and lawful.
pub fn decide_version(facts: VersionFacts, scheme: &Scheme) -> Result<(), Refusal> {
    if let Some(latest) = facts.latest.filter(|latest| scheme.version <= *latest) {
        return Err(Refusal::VersionNotNewer {
            code: scheme.code.clone(),
            version: scheme.version,
            latest,
        });
    }
    let unlawful: Vec<_> = lint(scheme).into_iter().filter(|f| f.level == Level::Error).collect();
    if let Some(first) = unlawful.first() {
        return Err(Refusal::Unlawful { count: unlawful.len(), first: first.place.clone() });
    }
    Ok(())
}

/// What an adoption depends on.
#[derive(Clone, Copy, Debug)]
pub struct AdoptionFacts {
    pub today: Date,
    /// The month's round is already open.
    pub month_open: bool,
    /// Another adoption is in force from this very month.
    pub month_adopted: bool,
}

/// The resolution of the villagers' meeting that puts a version in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    pub from_month: Month,
    pub resolved_on: Date,
    pub number: String,
    pub text: String,
}

pub fn decide_adoption(facts: AdoptionFacts, adoption: &Adoption) -> Result<(), Refusal> {
    let month = adoption.from_month;
    let resolved_on = adoption.resolved_on;
    if adoption.number.trim().is_empty() || adoption.text.trim().is_empty() {
        return Err(Refusal::ResolutionIncomplete);
    }
    if resolved_on > facts.today {
        return Err(Refusal::ResolutionInFuture { resolved_on });
    }
    if resolved_on > month.last() {
        return Err(Refusal::ResolutionAfterMonth { month, resolved_on });
    }
    if facts.month_open {
        return Err(Refusal::MonthAlreadyOpen { month });
    }
    if facts.month_adopted {
        return Err(Refusal::MonthAlreadyAdopted { month });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Refusal as _;
    use jiff::civil::date;
    use serde_json::Value;

    /// The shipped default, read by hand: the rules themselves know no file formats.
    pub fn shipped() -> Scheme {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/scheme/default_points_scheme.json");
        let v: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
        let s = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let words = |v: &Value| Words { zh: s(&v["zh"]), en: s(&v["en"]) };
        let period = |v: &Value| Period {
            days: v["days"].as_i64().unwrap(),
            kind: DayKind::from_code(v["kind"].as_str().unwrap()).unwrap(),
        };
        let item = |v: &Value| Item {
            code: s(&v["code"]),
            category: s(&v["category"]),
            name: words(v),
            max: v["max"].as_i64().unwrap(),
            mode: Mode::from_code(v["mode"].as_str().unwrap()).unwrap(),
            bands: list(&v["bands"])
                .iter()
                .map(|b| Band { score: b["score"].as_i64().unwrap(), words: words(b) })
                .collect(),
            evidence: s(&v["evidence"]),
            note: s(&v["note"]),
            na: list(&v["na"])
                .iter()
                .map(|r| NaReason { code: s(&r["code"]), words: words(r) })
                .collect(),
        };
        Scheme {
            code: s(&v["code"]),
            version: v["version"].as_i64().unwrap(),
            title: Words { zh: s(&v["name_zh"]), en: s(&v["name_en"]) },
            monthly_max: v["monthly_max"].as_i64().unwrap(),
            points_per_yuan: v["points_value"]["points_per_yuan"].as_i64().unwrap(),
            annual_cap: v["annual_cap_per_household"].as_i64().unwrap(),
            categories: list(&v["categories"])
                .iter()
                .map(|c| Category {
                    code: s(&c["code"]),
                    name: words(c),
                    max: c["max"].as_i64().unwrap(),
                })
                .collect(),
            items: list(&v["items"]).iter().map(item).collect(),
            substitute: Some(Substitute {
                category: s(&v["substitute"]["category"]),
                item: item(&v["substitute"]["item"]),
            }),
            min_assessed: v["min_assessed"].as_u64().unwrap() as usize,
            publicity: period(&v["publicity"]),
            objection: period(&v["objection"]),
            bonus_events: list(&v["bonus_events"])
                .iter()
                .map(|e| BonusEvent {
                    code: s(&e["code"]),
                    name: words(e),
                    points: e["points"].as_i64().unwrap(),
                })
                .collect(),
            forbidden_terms: list(&v["lint_forbidden_terms"]).iter().map(s).collect(),
            forbidden_effects: list(&v["lint_forbidden_effects"]).iter().map(s).collect(),
        }
    }

    #[test]
    fn what_each_item_can_be_given() {
        let scheme = shipped();
        let mut picture = String::new();
        for able in [true, false] {
            picture.push_str(if able { "able to work\n" } else { "not able to work\n" });
            for item in scheme.items_for(able) {
                let values: Vec<_> = item.choices().iter().map(|c| c.points.to_string()).collect();
                let reasons: Vec<_> = item.na.iter().map(|r| r.code.as_str()).collect();
                let code = format!("{} {}", item.category, item.code);
                picture.push_str(
                    format!("  {code:<6}{:<12}{}", values.join(" "), reasons.join(" ")).trim_end(),
                );
                picture.push('\n');
            }
        }
        insta::assert_snapshot!(picture);
    }

    #[test]
    fn a_deduction_says_how_often() {
        let scheme = shipped();
        let said: Vec<_> = scheme
            .item("E1")
            .unwrap()
            .choices()
            .iter()
            .map(|c| (c.points, c.band.map(|b| b.score), c.times))
            .collect();
        assert_eq!(said, [(8, Some(8), 0), (5, Some(-3), 1), (2, Some(-3), 2), (0, Some(-8), 1)]);
    }

    #[test]
    fn versions_and_adoptions() {
        let scheme = shipped();
        let version =
            |latest| decide_version(VersionFacts { latest }, &scheme).map_err(|r| r.code()).err();
        assert_eq!(version(None), None);
        assert_eq!(version(Some(1)), Some("scheme-version-not-newer"));

        let facts =
            AdoptionFacts { today: date(2026, 9, 10), month_open: false, month_adopted: false };
        let adoption = Adoption {
            from_month: Month::parse("2026-09").unwrap(),
            resolved_on: date(2026, 9, 5),
            number: "九和村决〔2026〕3号".into(),
            text: "同意".into(),
        };
        let code = |facts, adoption: &Adoption| {
            decide_adoption(facts, adoption).map_err(|r| r.code()).err()
        };
        assert_eq!(code(facts, &adoption), None);
        let late = Adoption { resolved_on: date(2026, 9, 11), ..adoption.clone() };
        assert_eq!(code(facts, &late), Some("scheme-resolution-in-future"));
        let past = Adoption { from_month: Month::parse("2026-08").unwrap(), ..adoption.clone() };
        assert_eq!(code(facts, &past), Some("scheme-resolution-after-month"));
        let bare = Adoption { text: " ".into(), ..adoption.clone() };
        assert_eq!(code(facts, &bare), Some("scheme-resolution-incomplete"));
        let open = AdoptionFacts { month_open: true, ..facts };
        assert_eq!(code(open, &adoption), Some("scheme-month-already-open"));
        let twice = AdoptionFacts { month_adopted: true, ..facts };
        assert_eq!(code(twice, &adoption), Some("scheme-month-already-adopted"));
    }
}
