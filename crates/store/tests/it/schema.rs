//! The two folders of migrations make the same tables.

use std::collections::BTreeMap;

/// table → (columns with type and NOT NULL; keys), in the words of one engine's file, folded.
fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    let folded =
        sql.lines().filter(|l| !l.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    for statement in folded.split(';') {
        let statement = statement.trim();
        if let Some(rest) = statement.strip_prefix("CREATE TABLE ") {
            let (name, body) = rest.split_once('(').unwrap();
            let body = body.trim().trim_end_matches("STRICT").trim().trim_end_matches(')');
            let columns = body
                .split(",\n")
                .map(|c| c.split_whitespace().map(fold).collect::<Vec<_>>().join(" "))
                .collect();
            out.insert(name.trim().to_owned(), columns);
        } else if statement.starts_with("CREATE INDEX") || statement.starts_with("CREATE UNIQUE") {
            out.insert(statement.split_whitespace().collect::<Vec<_>>().join(" "), vec![]);
        }
    }
    out
}

/// The types that stand for each other.
fn fold(word: &str) -> String {
    match word {
        "uuid" | "bytea" => "BLOB".into(),
        "bigint" | "boolean" => "INTEGER".into(),
        "text" => "TEXT".into(),
        other => other.into(),
    }
}

#[test]
fn both_engines_have_the_same_tables() {
    let sqlite = tables(include_str!("../../migrations/sqlite/0001_month.sql"));
    let postgres = tables(include_str!("../../migrations/postgres/0001_month.sql"));
    assert!(sqlite.len() > 40);
    for (name, columns) in &postgres {
        // A column named `text` folds with its type; compare without case.
        let lower = |c: &Vec<String>| c.iter().map(|c| c.to_lowercase()).collect::<Vec<_>>();
        assert_eq!(sqlite.get(name).map(lower), Some(lower(columns)), "{name}");
    }
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
}
