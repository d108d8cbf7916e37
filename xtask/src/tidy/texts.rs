//! Texts stand in the catalogue alone, in both languages, and every one is used.

use std::collections::{BTreeMap, BTreeSet};

use super::source;
use super::{Finding, House};

const TEXTS: &str = "crates/web/texts/";
const LANGUAGES: [&str; 2] = ["zh", "en"];

/// Files and folders whose Chinese is data, one path and its reason a line.
const DATA: &str = "xtask/chinese-data.txt";

/// One message of one language.
#[derive(Default)]
struct Message {
    line: usize,
    /// The names in `{ $name }`.
    values: BTreeSet<String>,
}

/// Finds texts outside the catalogue, and gaps, strays and misfits within it.
pub fn check(house: &House) -> Vec<Finding> {
    let mut findings = chinese_outside(house);
    findings.extend(languages_differ(house));
    let wanted = Wanted::read(house);
    findings.extend(unused(house, &wanted));
    findings.extend(undefined(house, &wanted));
    findings
}

// ---- Chinese outside the catalogue ----

fn chinese_outside(house: &House) -> Vec<Finding> {
    let data: Vec<&str> =
        house.file(DATA).unwrap_or_default().lines().filter_map(|l| l.split(' ').next()).collect();
    let is_data = |path: &str| data.iter().any(|data| path.starts_with(data));
    let mut findings = Vec::new();
    let what = || "Chinese text; it belongs in the catalogue".to_owned();
    for (path, text) in house.under("crates/", ".rs") {
        let is_test =
            path.contains("/tests/") || path.contains("/testkit/") || path.ends_with("tests.rs");
        if is_test || is_data(path) {
            continue;
        }
        let chinese = source::read(text).strings.into_iter().filter(|(_, s)| has_chinese(s));
        findings.extend(chinese.map(|(line, _)| Finding {
            path: path.to_owned(),
            line,
            what: what(),
        }));
    }
    for (path, text) in house.under("crates/", ".html") {
        let lines = text.lines().enumerate().filter(|(_, line)| has_chinese(line));
        let lines = lines.filter(|_| !is_data(path));
        findings.extend(lines.map(|(at, _)| Finding {
            path: path.to_owned(),
            line: at + 1,
            what: what(),
        }));
    }
    findings
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{3001}'..='\u{3011}' | '\u{ff01}'..='\u{ff5e}'))
}

// ---- the two languages ----

fn languages_differ(house: &House) -> Vec<Finding> {
    let [zh, en] = LANGUAGES.map(|language| catalogue(house, language));
    let mut findings = missing("zh", &zh, "en", &en);
    findings.extend(missing("en", &en, "zh", &zh));
    for (place, message) in &zh {
        if en.get(place).is_some_and(|other| other.values != message.values) {
            let what = "the two languages have other values in it";
            findings.push(finding("zh", place, message.line, what));
        }
    }
    findings
}

/// File and key.
type Place = (String, String);

type Catalogue = BTreeMap<Place, Message>;

fn missing(language: &str, here: &Catalogue, other: &str, there: &Catalogue) -> Vec<Finding> {
    let what = format!("it is missing in {other}");
    here.iter()
        .filter(|(place, _)| !there.contains_key(*place))
        .map(|(place, message)| finding(language, place, message.line, &what))
        .collect()
}

fn finding(language: &str, (file, key): &Place, line: usize, what: &str) -> Finding {
    Finding { path: format!("{TEXTS}{language}/{file}"), line, what: format!("`{key}`: {what}") }
}

/// The messages of one language.
fn catalogue(house: &House, language: &str) -> Catalogue {
    let folder = format!("{TEXTS}{language}/");
    let mut messages: Catalogue = BTreeMap::new();
    for (path, text) in house.under(&folder, ".ftl") {
        let file = &path[folder.len()..];
        let mut place = None;
        for (at, line) in text.lines().enumerate() {
            if let Some(key) = key_of(line) {
                place = Some((file.to_owned(), key.to_owned()));
            }
            if let Some(place) = &place {
                let message = messages.entry(place.clone()).or_default();
                message.line = if message.line == 0 { at + 1 } else { message.line };
                message.values.extend(values_in(line));
            }
        }
    }
    messages
}

/// `points-left = …` defines `points-left`; terms (`-siji = …`) are the catalogue's own affair.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim_end();
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    is_key.then_some(key)
}

fn values_in(line: &str) -> Vec<String> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    line.split('$').skip(1).filter_map(|rest| rest.split(ends).next()).map(str::to_owned).collect()
}

// ---- use ----

/// What the code and the templates ask the catalogue for.
#[derive(Default)]
struct Wanted {
    /// Keys that are surely asked for, with where.
    keys: BTreeMap<String, (String, usize)>,
    /// Everything between quotation marks, which may be a key on its way.
    literals: BTreeSet<String>,
    /// Starts of keys that are put together: `state-{code}`.
    starts: BTreeSet<String>,
}

/// Where the refusals are that a person reads.
const REFUSERS: [&str; 2] = ["crates/domain/", "crates/app/"];

/// Keys whose end is a code that stands alone in the source.
const CODED: [&str; 2] = ["refusal-", "notice-"];

impl Wanted {
    fn read(house: &House) -> Self {
        let mut wanted = Self::default();
        for (path, text) in house.under("crates/", ".rs") {
            if !path.contains("/tests/") {
                wanted.read_source(path, text);
            }
        }
        for (path, text) in house.under("crates/", ".html") {
            text.split('"').for_each(|part| wanted.note(part));
            for (at, key) in asked_for(text) {
                wanted.ask(key, path, source::line_at(text, at));
            }
            wanted.read_words(text);
        }
        wanted
    }

    fn read_source(&mut self, path: &str, text: &str) {
        let text = &source::without_tests(text);
        let source = source::read(text);
        if REFUSERS.iter().any(|floor| path.starts_with(floor)) {
            for (line, code) in refusal_codes(&source) {
                self.ask(&format!("refusal-{code}"), path, line);
            }
        }
        for (at, code) in literals_after(text, "Problem::bad(") {
            self.ask(&format!("refusal-{code}"), path, source::line_at(text, at));
        }
        for (at, key) in asked_for(text).into_iter().chain(titles(text)) {
            self.ask(key, path, source::line_at(text, at));
        }
        self.read_words(text);
        source.strings.iter().for_each(|(_, literal)| self.note(literal));
    }

    fn ask(&mut self, key: &str, path: &str, line: usize) {
        if key_of(&format!("{key}=")).is_some() {
            self.keys.entry(key.to_owned()).or_insert((path.to_owned(), line));
        }
    }

    /// `p.word("state", code)` asks for some `state-…`.
    fn read_words(&mut self, text: &str) {
        let lists = literals_after(text, ".word(");
        self.starts.extend(lists.into_iter().map(|(_, list)| format!("{list}-")));
    }

    fn note(&mut self, literal: &str) {
        let start = literal.find('{').map_or(literal, |at| &literal[..at]);
        let is_start = start.len() > 1 && start.ends_with('-') && !CODED.contains(&start);
        if is_start {
            self.starts.insert(start.to_owned());
        }
        self.literals.insert(literal.to_owned());
    }

    fn has(&self, key: &str) -> bool {
        let is_coded =
            |start: &str| key.strip_prefix(start).is_some_and(|code| self.literals.contains(code));
        self.keys.contains_key(key)
            || self.literals.contains(key)
            || CODED.into_iter().any(is_coded)
            || self.starts.iter().any(|start| key.starts_with(start.as_str()))
    }
}

/// The codes inside `fn code(&self)` of a refusal, with their lines.
fn refusal_codes(source: &source::Source) -> Vec<(usize, String)> {
    let mut codes = Vec::new();
    for (at, _) in source.code.match_indices("fn code(&self) -> &'static str {") {
        let from = source::line_at(&source.code, at);
        let body = &source.code[at..];
        let to = from + body.find("\n    }").map_or(0, |end| body[..end].matches('\n').count());
        let inside = source.strings.iter().filter(|(line, _)| (from..=to).contains(line));
        codes.extend(inside.cloned());
    }
    codes
}

/// The keys in `p.t("key")`, `texts.say("key", …)` and the like.
fn asked_for(text: &str) -> Vec<(usize, &str)> {
    const CALLS: [&str; 5] = [".t(", ".t1(", ".t2(", ".t3(", ".say("];
    CALLS.iter().flat_map(|call| literals_after(text, call)).collect()
}

/// The title's key in `Page::new(&ask, "key", …)`.
fn titles(text: &str) -> Vec<(usize, &str)> {
    let calls = text.match_indices("Page::new(").filter_map(|(at, call)| {
        let comma = at + call.len() + text[at + call.len()..].find(',')? + 1;
        Some((comma, literal(&text[comma..])?))
    });
    calls.collect()
}

/// The string literal that is the first argument of each call.
fn literals_after<'a>(text: &'a str, call: &str) -> Vec<(usize, &'a str)> {
    text.match_indices(call)
        .filter_map(|(at, call)| Some((at, literal(&text[at + call.len()..])?)))
        .collect()
}

fn literal(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

fn unused(house: &House, wanted: &Wanted) -> Vec<Finding> {
    catalogue(house, LANGUAGES[0])
        .iter()
        .filter(|((_, key), _)| !wanted.has(key) && !is_referred_to(house, key))
        .map(|(place, message)| finding(LANGUAGES[0], place, message.line, "nothing asks for it"))
        .collect()
}

/// Another message includes it: `{ points-left }`.
fn is_referred_to(house: &House, key: &str) -> bool {
    house.under(TEXTS, ".ftl").any(|(_, text)| text.contains(&format!("{{ {key} }}")))
}

fn undefined(house: &House, wanted: &Wanted) -> Vec<Finding> {
    let defined: BTreeSet<String> =
        catalogue(house, LANGUAGES[0]).into_keys().map(|(_, key)| key).collect();
    if defined.is_empty() {
        return Vec::new();
    }
    wanted
        .keys
        .iter()
        .filter(|(key, _)| !defined.contains(*key))
        .map(|(key, (path, line))| Finding {
            path: path.clone(),
            line: *line,
            what: format!("`{key}` is in no text"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZH: &str = "points-left = 还剩 { $n } 分\nrefusal-card-frozen = 卡已停用\n";
    const EN: &str = "points-left = { $n } points left\nrefusal-card-frozen = The card is frozen\n";
    const RULE: &str = "impl Refusal for R {\n    fn code(&self) -> &'static str {\n        \
        match self {\n            R::Frozen => \"card-frozen\",\n        }\n    }\n}\n";
    const PAGE: &str = "<p>{{ p.t(\"points-left\") }}</p>";

    /// A sound house with some files laid over it.
    fn found(over: &[(&str, &str)]) -> Vec<String> {
        let mut files = BTreeMap::from([
            ("crates/web/texts/zh/points.ftl", ZH),
            ("crates/web/texts/en/points.ftl", EN),
            ("crates/domain/src/redemption.rs", RULE),
            ("crates/web/templates/points/left.html", PAGE),
        ]);
        files.extend(over.iter().copied());
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        check(&House::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_house_has_no_findings() {
        assert_eq!(found(&[]), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named_at_its_place() {
        let cases: &[(&str, &str, &str)] = &[
            (
                "crates/web/src/points.rs",
                "fn a() -> &'static str {\n    \"还剩\"\n}\n",
                "crates/web/src/points.rs:2: Chinese text; it belongs in the catalogue",
            ),
            (
                "crates/web/templates/points/left.html",
                "{{ p.t(\"points-left\") }}\n分",
                "crates/web/templates/points/left.html:2: Chinese text; it belongs in the catalogue",
            ),
            (
                "crates/web/texts/en/points.ftl",
                "refusal-card-frozen = The card is frozen\n",
                "crates/web/texts/zh/points.ftl:1: `points-left`: it is missing in en",
            ),
            (
                "crates/web/texts/en/points.ftl",
                "points-left = { $count } points left\nrefusal-card-frozen = The card is frozen\n",
                "crates/web/texts/zh/points.ftl:1: `points-left`: the two languages have other values in it",
            ),
            (
                "crates/web/templates/points/left.html",
                "<p></p>",
                "crates/web/texts/zh/points.ftl:1: `points-left`: nothing asks for it",
            ),
            (
                "crates/web/templates/points/other.html",
                "<p>\n{{ p.t(\"points-right\") }}</p>",
                "crates/web/templates/points/other.html:2: `points-right` is in no text",
            ),
            (
                "crates/web/src/points.rs",
                "let page = Page::new(\n    ask,\n    \"points-title\",\n);",
                "crates/web/src/points.rs:2: `points-title` is in no text",
            ),
            (
                "crates/web/src/points.rs",
                "Err(Problem::bad(\"field-twice\"))",
                "crates/web/src/points.rs:1: `refusal-field-twice` is in no text",
            ),
            (
                "crates/domain/src/goods.rs",
                "    fn code(&self) -> &'static str {\n        \"out-of-stock\"\n    }\n",
                "crates/domain/src/goods.rs:2: `refusal-out-of-stock` is in no text",
            ),
        ];
        for (path, text, expected) in cases {
            assert_eq!(found(&[(path, text)]), [*expected], "{path}: {text}");
        }
    }

    #[test]
    fn data_and_keys_put_together_are_let_be() {
        assert!(
            found(&[("crates/web/src/points.rs", "// 还剩\nmatch c { '、' => 1 }")]).is_empty()
        );
        let surnames = ("crates/domain/src/name.rs", "const A: &str = \"欧阳\";");
        assert!(found(&[surnames, (DATA, "crates/domain/src/name.rs surnames\n")]).is_empty());
        let parts = [
            ("crates/web/src/points.rs", "format!(\"points-{what}\")"),
            ("crates/web/templates/points/other.html", "{{ p.word(\"points\", what) }}"),
        ];
        for part in parts {
            assert!(found(&[("crates/web/templates/points/left.html", ""), part]).is_empty());
        }
    }
}
