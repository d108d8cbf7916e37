//! What the product's code does not do, so that whole kinds of attack have nowhere to begin: it
//! starts no program but itself, puts no text between the quotes of an SQL statement, calls nobody
//! but the OpenID provider that the operator named, and draws its secrets from the system.

use super::source::{self, line_at};
use super::{Finding, House};

/// The crates that run in an office.
const FLOORS: [&str; 7] = ["seal", "domain", "store", "sheets", "app", "web", "siji"];

/// Where a program is started, and which.
const STARTED: [(&str, &str); 2] = [
    ("crates/sheets/src/read.rs", "the worker, which is this program"),
    ("crates/siji/src/bench/", "the bench starts and stops servers of its own"),
];

/// Crates the product does not build on, and why.
const UNWANTED: [(&str, &str); 8] = [
    ("rand", "secrets come from the system (getrandom)"),
    ("fastrand", "secrets come from the system (getrandom)"),
    ("regex", "nobody's pattern is run"),
    ("reqwest", "the server calls nobody"),
    ("ureq", "the server calls nobody"),
    ("openssl", "one set of ciphers, in Rust"),
    ("serde_yaml", "one format in, JSON"),
    ("bincode", "one format in, JSON"),
];

/// Crates that may have one all the same.
const EXCUSED: [(&str, &str); 2] = [("siji", "ureq"), ("web", "ureq")];

/// Marks of a secret that stands in a file.
const SECRETS: [&str; 4] = ["PRIVATE KEY-----", "AKIA", "ghp_", "xoxb-"];

/// Finds each of them by file and line.
pub fn check(house: &House) -> Vec<Finding> {
    let mut findings = unwanted(house);
    findings.extend(overflow(house));
    for floor in FLOORS {
        let folder = format!("crates/{floor}/src/");
        for (path, text) in house.under(&folder, ".rs") {
            let source = source::read(text);
            findings.extend(started(path, &source.code));
            findings.extend(quoted(path, &source.strings));
            findings.extend(called(path, &source.code));
        }
    }
    for (path, text) in house.under("", "") {
        // This file names them.
        if path != "xtask/src/tidy/walls.rs" {
            let found = SECRETS.iter().filter_map(|mark| text.find(mark));
            findings.extend(found.map(|at| finding(path, line_at(text, at), "a secret in a file")));
        }
    }
    findings
}

fn finding(path: &str, line: usize, what: &str) -> Finding {
    Finding { path: path.to_owned(), line, what: what.to_owned() }
}

fn started(path: &str, code: &str) -> Vec<Finding> {
    if STARTED.iter().any(|(allowed, _)| path.starts_with(allowed)) {
        return Vec::new();
    }
    let found = code.match_indices("Command::new");
    found.map(|(at, _)| finding(path, line_at(code, at), "starts a program")).collect()
}

/// Where somebody is called, and who.
const CALLED: [(&str, &str); 2] = [
    ("crates/siji/src/bench", "the bench's own server"),
    ("crates/web/src/access/provider.rs", "the OpenID provider that the operator named"),
];

fn called(path: &str, code: &str) -> Vec<Finding> {
    if CALLED.iter().any(|(allowed, _)| path.starts_with(allowed)) {
        return Vec::new();
    }
    let found = code.match_indices("ureq::").chain(code.match_indices("TcpStream::connect"));
    found.map(|(at, _)| finding(path, line_at(code, at), "calls somebody")).collect()
}

/// A value goes into a statement as `$1`; between quotes it could end them.
fn quoted(path: &str, strings: &[(usize, String)]) -> Vec<Finding> {
    const VERBS: [&str; 9] = [
        "SELECT ", "INSERT ", "UPDATE ", "DELETE ", " WHERE ", " LIKE ", " AND ", " FROM ", "SET ",
    ];
    let is_sql = |text: &str| VERBS.iter().any(|verb| text.contains(verb));
    let is_open = |text: &str| text.contains("'{") || text.contains("}'") || text.contains("%{");
    if PLAIN.iter().any(|(plain, _)| path == *plain) {
        return Vec::new();
    }
    strings
        .iter()
        .filter(|(_, text)| is_sql(text) && is_open(text))
        .map(|(line, _)| finding(path, *line, "a value between the quotes of a statement"))
        .collect()
}

/// Statements that take no parameter; where their words come from.
const PLAIN: [(&str, &str); 2] = [
    ("crates/store/src/postgres_pool.rs", "a reach: digits and dots, checked as it is made"),
    ("crates/store/src/wall/postgres.rs", "the zone's role, named by whoever runs the server"),
];

fn unwanted(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for floor in FLOORS {
        let path = format!("crates/{floor}/Cargo.toml");
        let manifest = house.file(&path).unwrap_or_default();
        let lines = manifest.split("[dev-dependencies]").next().unwrap_or_default().lines();
        for (at, line) in lines.enumerate() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let reason = UNWANTED.iter().find(|(unwanted, _)| *unwanted == name);
            if let Some((_, why)) = reason.filter(|_| !EXCUSED.contains(&(floor, name))) {
                findings.push(finding(&path, at + 1, &format!("builds on `{name}`: {why}")));
            }
        }
    }
    findings
}

fn overflow(house: &House) -> Vec<Finding> {
    let manifest = house.file("Cargo.toml").unwrap_or_default();
    let release = manifest.split("[profile.release]").nth(1).unwrap_or_default();
    let release = release.split("\n[").next().unwrap_or_default();
    if release.contains("overflow-checks = true") {
        return Vec::new();
    }
    vec![finding("Cargo.toml", 0, "the release does not check sums for overflow")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: (&str, &str) = ("Cargo.toml", "[profile.release]\noverflow-checks = true\n");

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&House::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_program_started_anywhere_else_is_named() {
        let code = "fn f() {\n    std::process::Command::new(\"ls\");\n}\n";
        assert_eq!(found(&[SOUND, ("crates/sheets/src/read.rs", code)]), [""; 0]);
        let seen = found(&[SOUND, ("crates/web/src/page.rs", code)]);
        assert_eq!(seen, ["crates/web/src/page.rs:2: starts a program"]);
    }

    #[test]
    fn a_value_between_the_quotes_of_a_statement_is_named() {
        let bad = "fn f(q: &str) { let s = format!(\"SELECT id FROM t WHERE n = '{q}'\"); }\n";
        let seen = found(&[SOUND, ("crates/store/src/goods.rs", bad)]);
        let what = "crates/store/src/goods.rs:1: a value between the quotes of a statement";
        assert_eq!(seen, [what]);
        let good = "fn f() { let s = format!(\"SELECT {COLUMNS} FROM t WHERE n = $1\"); }\n";
        assert_eq!(found(&[SOUND, ("crates/store/src/goods.rs", good)]), [""; 0]);
    }

    #[test]
    fn unwanted_crates_secrets_and_unchecked_sums_are_named() {
        let seen = found(&[
            ("Cargo.toml", "[profile.release]\n"),
            ("crates/app/Cargo.toml", "[dependencies]\nureq.workspace = true\n"),
            ("docs/x.md", concat!("-----BEGIN PRIVATE", " KEY-----\n")),
            ("crates/web/src/access/provider.rs", "fn f() { ureq::get(u); }\n"),
            ("crates/web/src/page.rs", "fn f() { ureq::get(u); }\n"),
        ]);
        assert_eq!(
            seen,
            [
                "crates/app/Cargo.toml:2: builds on `ureq`: the server calls nobody",
                "Cargo.toml: the release does not check sums for overflow",
                "crates/web/src/page.rs:1: calls somebody",
                "docs/x.md:1: a secret in a file",
            ]
        );
    }
}
