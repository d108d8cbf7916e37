//! Texts stand in the catalogue alone, in both languages, and every one is used.

use std::collections::{BTreeMap, BTreeSet};

use super::source;
use super::{Finding, House};

const TEXTS: &str = "crates/web/texts/";
const LANGUAGES: [&str; 2] = ["zh", "en"];

/// Files whose Chinese is data, one path and its reason a line.
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
    let mut findings = Vec::new();
    let what = || "Chinese text; it belongs in the catalogue".to_owned();
    for (path, text) in house.under("crates/", ".rs") {
        let is_test =
            path.contains("/tests/") || path.contains("/testkit/") || path.ends_with("tests.rs");
        if is_test || data.contains(&path) {
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
        let lines = lines.filter(|_| !data.contains(&path));
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
    let [first, second] = LANGUAGES.map(|language| catalogue(house, language));
    let mut findings = missing(&first, &second, LANGUAGES[1]);
    findings.extend(missing(&second, &first, LANGUAGES[0]));
    for (place, message) in &first {
        if second.get(place).is_some_and(|other| other.values != message.values) {
            findings.push(finding(
                place,
                message.line,
                "the two languages have other values in it",
            ));
        }
    }
    findings
}

/// A message's place: language folder left out.
type Place = (String, String, String);

fn missing(
    here: &BTreeMap<Place, Message>,
    there: &BTreeMap<Place, Message>,
    language: &str,
) -> Vec<Finding> {
    let keys: BTreeSet<_> = there.keys().map(|(_, file, key)| (file, key)).collect();
    here.iter()
        .filter(|((_, file, key), _)| !keys.contains(&(file, key)))
        .map(|(place, message)| {
            finding(place, message.line, &format!("it is missing in {language}"))
        })
        .collect()
}

fn finding((language, file, key): &Place, line: usize, what: &str) -> Finding {
    Finding { path: format!("{TEXTS}{language}/{file}"), line, what: format!("`{key}`: {what}") }
}

/// The messages of one language; places are told apart by file and key.
fn catalogue(house: &House, language: &str) -> BTreeMap<Place, Message> {
    let folder = format!("{TEXTS}{language}/");
    let mut messages = BTreeMap::new();
    for (path, text) in house.under(&folder, ".ftl") {
        let mut place = None;
        for (at, line) in text.lines().enumerate() {
            if let Some(key) = key_of(line) {
                let new = ("".to_owned(), path[folder.len()..].to_owned(), key.to_owned());
                messages.insert(new.clone(), Message { line: at + 1, ..Message::default() });
                place = Some(new);
            }
            if let Some(message) = place.as_ref().and_then(|place| messages.get_mut(place)) {
                message.values.extend(values_in(line));
            }
        }
    }
    messages.into_iter().map(|((_, file, key), m)| ((language.to_owned(), file, key), m)).collect()
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
struct Wanted {
    /// Keys written out, with where.
    keys: BTreeMap<String, (String, usize)>,
    /// Everything else between quotation marks, which may be a key on its way.
    literals: BTreeSet<String>,
    /// Starts of keys that are put together: `refusal-{code}`.
    starts: BTreeSet<String>,
}

impl Wanted {
    fn read(house: &House) -> Self {
        let mut wanted =
            Self { keys: BTreeMap::new(), literals: BTreeSet::new(), starts: BTreeSet::new() };
        for (path, text) in house.under("crates/", ".rs") {
            let strings = source::read(text).strings;
            for (line, literal) in strings {
                wanted.note(path, line, &literal);
            }
            if path.starts_with("crates/domain/") {
                for (line, code) in refusal_codes(text) {
                    wanted.keys.insert(format!("refusal-{code}"), (path.to_owned(), line));
                }
            }
        }
        for (path, text) in house.under("crates/", ".html") {
            for (at, line) in text.lines().enumerate() {
                for literal in line.split('"').skip(1) {
                    wanted.note(path, at + 1, literal);
                }
                for key in asked_for(line) {
                    wanted.keys.insert(key.to_owned(), (path.to_owned(), at + 1));
                }
            }
        }
        wanted
    }

    fn note(&mut self, _path: &str, _line: usize, literal: &str) {
        match literal.find(['{', '$']) {
            Some(at) if literal[..at].ends_with('-') => {
                self.starts.insert(literal[..at].to_owned());
            }
            _ if literal.ends_with('-') => {
                self.starts.insert(literal.to_owned());
            }
            _ => {
                self.literals.insert(literal.to_owned());
            }
        }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
            || self.literals.contains(key)
            || self
                .starts
                .iter()
                .any(|start| start != "refusal-" && key.starts_with(start.as_str()))
    }
}

/// The codes inside `fn code(&self)` of a refusal, with their lines.
fn refusal_codes(text: &str) -> Vec<(usize, String)> {
    let source = source::read(text);
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

/// The keys in `t.text("key")` and the like within one line of a template.
fn asked_for(line: &str) -> impl Iterator<Item = &str> {
    ["t.of(\"", "t.with(\""]
        .into_iter()
        .flat_map(move |call| line.split(call).skip(1).filter_map(|rest| rest.split('"').next()))
}

fn unused(house: &House, wanted: &Wanted) -> Vec<Finding> {
    catalogue(house, LANGUAGES[0])
        .iter()
        .filter(|((_, _, key), _)| !wanted.has(key) && !is_referred_to(house, key))
        .map(|(place, message)| finding(place, message.line, "nothing asks for it"))
        .collect()
}

/// Another message includes it: `{ points-left }`.
fn is_referred_to(house: &House, key: &str) -> bool {
    house.under(TEXTS, ".ftl").any(|(_, text)| text.contains(&format!("{{ {key} }}")))
}

fn undefined(house: &House, wanted: &Wanted) -> Vec<Finding> {
    let defined: BTreeSet<String> =
        catalogue(house, LANGUAGES[0]).into_keys().map(|(_, _, key)| key).collect();
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
