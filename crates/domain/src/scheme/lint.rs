//! What may not stand in a scheme (error) and what makes it weak (warning). The words are looked
//! for with everything but letters and digits taken out, so that 上 访 and 上·访 are 上访.
//!
//! Refused: petitions and complaints, belief, births, debts; a tie to welfare or public services;
//! the amount of an income; public shaming. Ground: 中央农办、农业农村部 2020 on points schemes.

use std::collections::BTreeSet;

use super::{Item, Mode, Scheme, Words};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The scheme may not be used.
    Error,
    /// It may, but somebody should look.
    Warning,
}

/// One thing the lint has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// Kebab-case; its sentence is `lint-<code>` in the catalogue.
    pub code: &'static str,
    /// The item, category or event it is about; empty: the scheme as a whole.
    pub place: String,
    /// The word or number that gave rise to it.
    pub found: String,
}

/// Never a basis for points, whatever a scheme's own list says.
const TERMS: [&str; 27] = [
    "上访",
    "信访",
    "举报",
    "投诉",
    "宗教",
    "信教",
    "教徒",
    "生育",
    "超生",
    "未婚",
    "离婚",
    "欠缴",
    "拒签",
    "拆迁",
    "征地",
    "维权",
    "访民",
    "缠访",
    "闹访",
    "petition",
    "complaint",
    "religion",
    "childbirth",
    "unmarried",
    "demolition",
    "landexpropriation",
    "whistleblow",
];
/// Never an effect of points.
const EFFECTS: [&str; 25] = [
    "低保",
    "医保",
    "社保",
    "养老金",
    "养老保险",
    "医疗保险",
    "特困供养",
    "救助金",
    "最低生活保障",
    "入学",
    "落户",
    "参军",
    "入党",
    "贷款资格",
    "公共服务办理",
    "集体经济组织成员权益",
    "宅基地审批",
    "承包地",
    "取消补贴",
    "停发",
    "welfarebenefit",
    "pension",
    "schooladmission",
    "loaneligibility",
    "minimumlivingallowance",
];
const SHAMING: [&str; 20] = [
    "黑榜",
    "黑名单",
    "曝光",
    "示众",
    "点名批评",
    "通报批评",
    "公开批评",
    "公开检讨",
    "羞辱",
    "游街",
    "丑行",
    "落后户",
    "挂黑牌",
    "大喇叭批评",
    "失信户",
    "blacklist",
    "publicshaming",
    "nameandshame",
    "publiclycriticised",
    "publiclycriticized",
];
/// Wording that two scorers will read in two ways.
const VAGUE: [&str; 12] = [
    "表现好",
    "表现较好",
    "酌情",
    "视情况",
    "适当加分",
    "适当扣分",
    "其他情况",
    "思想觉悟",
    "政治觉悟",
    "态度端正",
    "asappropriate",
    "goodattitude",
];
/// Harmless words that a forbidden one happens to lie in: 晚上访问, but not 上访问题.
const HARMLESS: [(&str, &str, &str); 5] = [
    ("上访", "上访问", "上访问题"),
    ("上访", "上访谈", ""),
    ("入学", "入学习", ""),
    ("生育", "养生育种", ""),
    ("pension", "suspension", ""),
];

/// Everything the lint has to say, errors first.
pub fn lint(scheme: &Scheme) -> Vec<Finding> {
    let mut report = Report { findings: Vec::new() };
    structure(scheme, &mut report);
    for item in scheme.items.iter().chain(scheme.substitute.as_ref().map(|s| &s.item)) {
        words_of_item(scheme, item, &mut report);
        arithmetic(item, &mut report);
        weakness(scheme, item, &mut report);
    }
    for category in &scheme.categories {
        forbidden(scheme, &category.code, &[&category.name], &mut report);
    }
    for event in &scheme.bonus_events {
        forbidden(scheme, &event.code, &[&event.name], &mut report);
        if event.points <= 0 {
            report.error("bonus-not-positive", &event.code, event.points);
        }
    }
    forbidden(scheme, "", &[&scheme.title], &mut report);
    report.findings.sort_by_key(|f| f.level);
    report.findings
}

struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn say(&mut self, level: Level, code: &'static str, place: &str, found: String) {
        let finding = Finding { level, code, place: place.to_owned(), found };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
    fn error(&mut self, code: &'static str, place: &str, found: impl ToString) {
        self.say(Level::Error, code, place, found.to_string());
    }
    fn warn(&mut self, code: &'static str, place: &str, found: impl ToString) {
        self.say(Level::Warning, code, place, found.to_string());
    }
}

fn structure(scheme: &Scheme, report: &mut Report) {
    let sum: i64 = scheme.categories.iter().map(|c| c.max).sum();
    if sum != scheme.monthly_max || scheme.monthly_max <= 0 {
        report.error("month-does-not-add-up", "", sum);
    }
    for category in &scheme.categories {
        let sum: i64 = of_category(scheme, &category.code).map(|i| i.max).sum();
        if sum != category.max {
            report.error("category-does-not-add-up", &category.code, sum);
        }
    }
    let mut seen = BTreeSet::new();
    for item in scheme.items.iter().chain(scheme.substitute.as_ref().map(|s| &s.item)) {
        if !seen.insert(&item.code) {
            report.error("code-twice", &item.code, &item.code);
        }
        if !is_code(&item.code, |c| c.is_ascii_uppercase()) {
            report.error("code-unusable", &item.code, &item.code);
        }
        for reason in item.na.iter().filter(|r| !is_code(&r.code, |c| c.is_ascii_lowercase())) {
            report.error("code-unusable", &item.code, &reason.code);
        }
        if scheme.category(&item.category).is_none() {
            report.error("category-unknown", &item.code, &item.category);
        }
    }
    if let Some(substitute) = &scheme.substitute {
        let max = scheme.category(&substitute.category).map_or(0, |c| c.max);
        if substitute.item.max != max || substitute.item.category != substitute.category {
            report.error("substitute-unequal", &substitute.item.code, substitute.item.max);
        }
    }
    let fewest = scheme.items_for(true).len().min(scheme.items_for(false).len());
    if scheme.min_assessed == 0 || scheme.min_assessed > fewest {
        report.error("min-assessed-impossible", "", scheme.min_assessed);
    }
    if scheme.points_per_yuan <= 0 {
        report.error("rate-impossible", "", scheme.points_per_yuan);
    }
    if scheme.publicity.days < 1 {
        report.error("publicity-missing", "", scheme.publicity.days);
    } else if scheme.publicity.days < 5 {
        report.warn("publicity-short", "", scheme.publicity.days);
    }
    if scheme.objection.days < 1 {
        report.error("objection-missing", "", scheme.objection.days);
    } else if scheme.objection.days > 15 {
        report.warn("objection-slow", "", scheme.objection.days);
    }
    if scheme.annual_cap < scheme.monthly_max {
        report.error("cap-below-month", "", scheme.annual_cap);
    }
}

fn of_category<'a>(scheme: &'a Scheme, code: &'a str) -> impl Iterator<Item = &'a Item> {
    scheme.items.iter().filter(move |i| i.category == code)
}

fn is_code(code: &str, letter: impl Fn(char) -> bool) -> bool {
    (1..=32).contains(&code.len())
        && code.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '_')
}

fn arithmetic(item: &Item, report: &mut Report) {
    let highest = item.choices().first().map_or(0, |c| c.points);
    if item.max <= 0 || highest != item.max {
        report.error("item-max-unreachable", &item.code, highest);
    }
    if item.mode != Mode::DeductFromMax {
        for band in item.bands.iter().filter(|b| b.score < 0) {
            report.error("band-below-nought", &item.code, band.score);
        }
    }
}

fn weakness(scheme: &Scheme, item: &Item, report: &mut Report) {
    if item.evidence.trim().is_empty() {
        report.warn("no-evidence", &item.code, "");
    }
    let choices = item.choices();
    if choices.len() < 2 {
        report.warn("one-value-only", &item.code, item.max);
    }
    let mut scores = item.bands.iter().map(|b| b.score);
    let first = scores.next();
    if item.bands.len() > 1 && scores.all(|s| Some(s) == first) {
        report.warn("bands-equal", &item.code, item.max);
    }
    if item.max * 4 > scheme.monthly_max {
        report.warn("item-too-heavy", &item.code, item.max);
    }
    if item.na.is_empty() && item.mode != Mode::DeductFromMax {
        report.warn("no-way-out", &item.code, "");
    }
    if item.name.zh.trim().is_empty() || item.name.en.trim().is_empty() {
        report.warn("one-language-only", &item.code, "");
    }
    let wording = std::iter::once(&item.name).chain(item.bands.iter().map(|b| &b.words));
    for text in wording.flat_map(|w| [bare(&w.zh), bare(&w.en)]) {
        for word in VAGUE.iter().filter(|v| text.contains(**v)) {
            report.warn("vague", &item.code, word);
        }
    }
    let others = scheme.items.iter().filter(|i| i.code != item.code);
    for other in others.filter(|i| !i.name.zh.is_empty() && bare(&i.name.zh) == bare(&item.name.zh))
    {
        report.warn("said-twice", &item.code, &other.code);
    }
}

fn words_of_item(scheme: &Scheme, item: &Item, report: &mut Report) {
    let note = Words { zh: item.note.clone(), en: String::new() };
    let mut words = vec![&item.name, &note];
    words.extend(item.bands.iter().map(|b| &b.words));
    words.extend(item.na.iter().map(|r| &r.words));
    forbidden(scheme, &item.code, &words, report);
}

/// Each text by itself: bands are read one by one on the wall.
fn forbidden(scheme: &Scheme, place: &str, words: &[&Words], report: &mut Report) {
    for text in words.iter().flat_map(|w| [w.zh.as_str(), w.en.as_str()]) {
        let text = bare(text);
        let own = |list: &[String]| list.iter().map(|t| bare(t)).collect::<Vec<_>>();
        let all = |fixed: &[&str], own: Vec<String>| {
            fixed.iter().map(|t| (*t).to_owned()).chain(own).collect::<BTreeSet<_>>()
        };
        for (code, list) in [
            ("forbidden-basis", all(&TERMS, own(&scheme.forbidden_terms))),
            ("forbidden-effect", all(&EFFECTS, own(&scheme.forbidden_effects))),
            ("public-shaming", all(&SHAMING, Vec::new())),
        ] {
            for term in list.iter().filter(|t| !t.is_empty() && holds(&text, t)) {
                report.error(code, place, term);
            }
        }
        if let Some(found) = income_amount(&text) {
            report.error("income-amount", place, found);
        }
    }
}

/// Letters and digits alone: full-width ones made narrow, capitals small, the traditional forms
/// of the listed words made simple, everything between the letters taken out.
fn bare(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => {
                char::from_u32(c as u32 - 0xfee0).expect("narrow forms are characters")
            }
            _ => simple(c),
        })
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn simple(c: char) -> char {
    const FORMS: [(char, char); 24] = [
        ('訪', '访'),
        ('舉', '举'),
        ('報', '报'),
        ('訴', '诉'),
        ('醫', '医'),
        ('養', '养'),
        ('學', '学'),
        ('貸', '贷'),
        ('遷', '迁'),
        ('徵', '征'),
        ('繳', '缴'),
        ('簽', '签'),
        ('戶', '户'),
        ('戸', '户'),
        ('黨', '党'),
        ('軍', '军'),
        ('黑', '黑'),
        ('單', '单'),
        ('資', '资'),
        ('務', '务'),
        ('辦', '办'),
        ('萬', '万'),
        ('億', '亿'),
        ('證', '证'),
    ];
    FORMS.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
}

fn holds(text: &str, term: &str) -> bool {
    text.match_indices(term).any(|(at, _)| {
        !HARMLESS.iter().any(|(word, harmless, unless)| {
            *word == term
                && harmless.find(term).is_some_and(|lead| {
                    let from = at.checked_sub(lead);
                    from.and_then(|f| text.get(f..)).is_some_and(|rest| {
                        rest.starts_with(harmless)
                            && (unless.is_empty() || !rest.starts_with(unless))
                    })
                })
        })
    })
}

/// An income that is measured, not an effort: 收入 beside a number of yuan, a comparison or a rank.
fn income_amount(text: &str) -> Option<String> {
    const INCOME: [&str; 6] = ["收入", "存款", "income", "savings", "利润", "营业额"];
    const MEASURES: [&str; 20] = [
        "高于",
        "低于",
        "超过",
        "达到",
        "不低于",
        "以上",
        "以下",
        "万元",
        "排名",
        "增长",
        "翻番",
        "最高",
        "最低",
        "above",
        "below",
        "exceed",
        "atleast",
        "yuan",
        "percent",
        "rank",
    ];
    let income = INCOME.iter().find(|w| text.contains(**w))?;
    let number_of_yuan = text.match_indices('元').any(|(at, _)| {
        text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_numeric() || "一二三四五六七八九十百千万两".contains(c))
    });
    let measured = MEASURES.iter().any(|w| text.contains(*w));
    (number_of_yuan || measured).then(|| (*income).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::DayKind;
    use crate::scheme::tests::shipped;
    use crate::scheme::{Band, BonusEvent, Period};

    fn codes(scheme: &Scheme) -> Vec<String> {
        lint(scheme)
            .iter()
            .map(|f| {
                let level = if f.level == Level::Error { "no" } else { "hm" };
                format!("{level} {} {} {}", f.code, f.place, f.found).trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn the_shipped_scheme_is_clean() {
        assert_eq!(codes(&shipped()), Vec::<String>::new());
    }

    /// What the lint says when one band of D3 reads so.
    fn band(text: &str) -> Vec<String> {
        let mut scheme = shipped();
        let item = scheme.items.iter_mut().find(|i| i.code == "D3").unwrap();
        item.bands[0].words.zh = text.into();
        codes(&scheme)
    }

    #[test]
    fn unlawful_words_however_they_are_written() {
        let table = [
            ("无越级上访", "no forbidden-basis D3 上访"),
            ("无 上 访 行为", "no forbidden-basis D3 上访"),
            ("上\u{3000}访一次扣分", "no forbidden-basis D3 上访"),
            ("上·访", "no forbidden-basis D3 上访"),
            ("上\u{200b}访", "no forbidden-basis D3 上访"),
            ("上(一次)访", ""),
            ("上訪", "no forbidden-basis D3 上访"),
            ("上访问题未化解", "no forbidden-basis D3 上访"),
            ("晚上访问老人一次", ""),
            ("加入学习小组", ""),
            ("参加宗-教活动", "no forbidden-basis D3 宗教"),
            ("可优先办理低 保", "no forbidden-effect D3 低保"),
            ("取消医*保资格", "no forbidden-effect D3 医保"),
            ("家庭年收入达到2万元", "no income-amount D3 收入"),
            ("人均收入高于全村平均", "no income-amount D3 收入"),
            ("存款 5000 元", "no income-amount D3 存款"),
            ("通过劳动增加收入", ""),
            ("列入黑 榜", "no public-shaming D3 黑榜"),
            ("在广播中点名批评", "no public-shaming D3 点名批评"),
            ("ＰＥＴＩＴＩＯＮ", "no forbidden-basis D3 petition"),
            ("Black-list", "no public-shaming D3 blacklist"),
            ("表现好", "hm vague D3 表现好"),
        ];
        for (text, said) in table {
            assert_eq!(band(text).join(", "), said, "{text}");
        }
    }

    #[test]
    fn its_own_words_too() {
        let mut scheme = shipped();
        scheme.forbidden_terms = vec!["广场舞".into()];
        scheme.bonus_events.push(BonusEvent {
            code: "X9".into(),
            name: Words { zh: "组织 广 场 舞".into(), en: String::new() },
            points: 10,
        });
        assert_eq!(codes(&scheme), ["no forbidden-basis X9 广场舞"]);
    }

    #[test]
    fn what_is_weak_and_what_does_not_add_up() {
        let mut scheme = shipped();
        scheme.items[0].evidence.clear();
        scheme.items[1].na.clear();
        scheme.items[3].bands.iter_mut().for_each(|b| b.score = 10);
        scheme.items[4].max = 9;
        scheme.items[5].code = "B 3".into();
        scheme.items[6].bands.push(Band { score: -4, words: Words::default() });
        scheme.publicity = Period { days: 3, kind: DayKind::Calendar };
        scheme.min_assessed = 13;
        insta::assert_snapshot!(codes(&scheme).join("\n"));
    }

    #[test]
    fn a_quarter_of_the_month_is_the_most_one_item_weighs() {
        let mut scheme = shipped();
        let heavy = scheme.items.iter_mut().find(|i| i.code == "B1").unwrap();
        heavy.max = 26;
        assert!(codes(&scheme).contains(&"hm item-too-heavy B1 26".to_owned()));
    }
}
