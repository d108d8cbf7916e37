//! Every dependency, direct or not, is under a licence that Apache-2.0 can live with.

use anyhow::{Context, ensure};
use serde_json::Value;

/// Any of these will do.
const FINE: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Asks for the source of its own files alone, which we use as they are published.
const OF_ITS_FILES: [(&str, &str); 1] = [("option-ext", "MPL-2.0")];

/// Reads `cargo metadata` and names each package that is not fine.
pub fn check(metadata: &str) -> anyhow::Result<usize> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let others = packages.iter().filter(|package| package["source"].is_string());
    let unfit: Vec<String> = others
        .clone()
        .filter(|package| {
            let text = |field: &str| package[field].as_str().unwrap_or_default();
            !is_fine(text("license")) && !OF_ITS_FILES.contains(&(text("name"), text("license")))
        })
        .map(|package| {
            format!("{} {}: {}", package["name"], package["version"], package["license"])
        })
        .collect();
    ensure!(unfit.is_empty(), "licences that may not fit:\n{}", unfit.join("\n"));
    Ok(others.count())
}

/// One of the alternatives is fine in all its parts. `(A OR B) AND C` asks for a fine one in each.
fn is_fine(expression: &str) -> bool {
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    parts(&expression, " AND ").all(|part| {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        parts(part, " OR ").any(|licence| FINE.contains(&licence.trim()))
    })
}

/// Splits where no bracket is open.
fn parts<'a>(expression: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = Some(expression);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = text
            .match_indices(word)
            .map(|(at, _)| at)
            .find(|at| text[..*at].matches('(').count() == text[..*at].matches(')').count());
        rest = at.map(|at| &text[at + word.len()..]);
        Some(at.map_or(text, |at| &text[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        let fine = [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
        ];
        let unfit = ["", "GPL-3.0-only", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND MPL-2.0"];
        assert!(fine.iter().all(|expression| is_fine(expression)));
        assert!(!unfit.iter().any(|expression| is_fine(expression)));
    }

    #[test]
    fn an_unfit_package_is_named() {
        let metadata = r#"{"packages": [
            {"name": "ours", "version": "1", "license": null, "source": null},
            {"name": "theirs", "version": "2.0.0", "license": "GPL-3.0", "source": "registry"}]}"#;
        let error = check(metadata).expect_err("it is unfit").to_string();
        assert!(error.contains("theirs") && !error.contains("ours"), "{error}");
    }
}
