//! What a crate may depend on and mention: the rules without I/O, the store without the use cases,
//! nothing below the edge that reads the clock.

use super::source::{self, line_at};
use super::{Finding, House};

/// What stands in `[dependencies]` of the crates whose purity is promised.
const DEPENDENCIES: [(&str, &[&str]); 2] = [
    ("domain", &["base64ct", "jiff", "sha2", "thiserror", "uuid"]),
    (
        "store",
        &[
            "domain",
            "getrandom",
            "jiff",
            "postgres",
            "rusqlite",
            "seal",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
];

/// Words that the code of a crate does not say, and why.
const UNSAID: [(&str, &[&str], &str); 4] = [
    (
        "domain",
        &["std::fs", "std::io", "std::net", "std::env", "std::process", "std::thread", "async fn"],
        "the rules do no I/O",
    ),
    ("domain", &["serde::", "Serialize"], "a type that cannot be serialised cannot leak"),
    ("store", &["app::", "web::"], "the store knows nothing of who asks"),
    ("app", &["web::", "axum", "http::"], "the use cases know nothing of the edge"),
];

const CLOCKS: [&str; 5] =
    ["SystemTime::now", "Timestamp::now", "Zoned::now", "now_v7", "std::time::SystemTime"];

/// Where each dependency has its line.
const REASONS: &str = "docs/adr/0007-dependencies.md";

/// Finds dependencies, mentions and clocks where they do not belong.
pub fn check(house: &House) -> Vec<Finding> {
    let mut findings = dependencies(house);
    findings.extend(without_reason(house));
    for (floor, words, why) in UNSAID {
        findings.extend(mentions(house, floor, words, why));
    }
    for floor in ["domain", "store", "app"] {
        findings.extend(mentions(house, floor, &CLOCKS, "time comes in as an argument"));
    }
    findings
}

fn dependencies(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (floor, allowed) in DEPENDENCIES {
        let path = format!("crates/{floor}/Cargo.toml");
        for (line, name) in depended_on(house.file(&path).unwrap_or_default()) {
            if !allowed.contains(&name) {
                let what = format!("`{floor}` may not depend on `{name}`");
                findings.push(Finding { path: path.clone(), line, what });
            }
        }
    }
    findings
}

/// What comes from others and has no line that says why.
fn without_reason(house: &House) -> Vec<Finding> {
    let manifest = house.file("Cargo.toml").unwrap_or_default();
    let reasons = house.file(REASONS).unwrap_or_default();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter(|line| line.contains('=') && !line.contains("path ="))
        .filter_map(|line| line.split([' ', '=', '.']).next())
        .filter(|name| !reasons.contains(&format!("`{name}`")))
        .map(|name| Finding {
            path: REASONS.to_owned(),
            line: 0,
            what: format!("no line says why `{name}` is a dependency"),
        })
        .collect()
}

/// The names under `[dependencies]`, with their lines.
fn depended_on(manifest: &str) -> Vec<(usize, &str)> {
    let mut section = "";
    let mut names = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim();
            let table = section.strip_prefix("[dependencies.").and_then(|s| s.strip_suffix(']'));
            names.extend(table.map(|name| (at + 1, name)));
        } else if section == "[dependencies]" {
            let name = line.split(['.', '=', ' ', '#']).next().unwrap_or_default();
            names.extend((!name.is_empty()).then_some((at + 1, name)));
        }
    }
    names
}

fn mentions(house: &House, floor: &str, words: &[&str], why: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in house.under(&format!("crates/{floor}/src/"), ".rs") {
        let code = source::read(text).code;
        for word in words {
            let found = code.match_indices(word).filter(|(at, _)| is_whole(&code, *at));
            findings.extend(found.map(|(at, _)| Finding {
                path: path.to_owned(),
                line: line_at(&code, at),
                what: format!("`{}` in {floor}: {why}", word.trim_end_matches("::")),
            }));
        }
    }
    findings
}

fn is_whole(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&House::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_dependency_outside_the_list_is_named() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\njiff.workspace = true\n\
            tokio = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n[dependencies.reqwest]\n";
        let names = found("crates/domain/Cargo.toml", manifest);
        assert_eq!(
            names,
            [
                "crates/domain/Cargo.toml:5: `domain` may not depend on `tokio`",
                "crates/domain/Cargo.toml:8: `domain` may not depend on `reqwest`",
            ]
        );
    }

    #[test]
    fn a_dependency_without_a_reason_is_named() {
        let manifest =
            "[workspace.dependencies]\nstore = { path = \"x\" }\nbytes = \"1\"\n[profile]\nx = 1\n";
        let named = format!("{REASONS}: no line says why `bytes` is a dependency");
        assert_eq!(found("Cargo.toml", manifest), [named]);
    }

    #[test]
    fn io_clocks_and_callers_are_named() {
        let cases = [
            ("crates/domain/src/points.rs", "use std::fs;"),
            ("crates/domain/src/points.rs", "let now = jiff::Timestamp::now();"),
            ("crates/store/src/tx.rs", "use app::App;"),
            ("crates/app/src/lib.rs", "fn a(r: http::Request) {}"),
            ("crates/app/src/lib.rs", "let id = Uuid::now_v7();"),
        ];
        for (path, text) in cases {
            assert_eq!(found(path, text).len(), 1, "{text}");
        }
        assert!(found("crates/web/src/lib.rs", "use app::App; Timestamp::now()").is_empty());
        assert!(found("crates/store/src/tx.rs", "// called by app::App\nmyapp::x()").is_empty());
    }
}
