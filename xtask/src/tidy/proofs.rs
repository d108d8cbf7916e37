//! The list of what is promised about security (`docs/security/asvs.md`): every line names a test
//! that is there, or says why not.

use super::{Finding, House};

const LIST: &str = "docs/security/asvs.md";

/// Lines under the first heading, as many as the standard has for us.
const ASVS: usize = 70;

/// Finds lines without a proof, and proofs that are not there.
pub fn check(house: &House) -> Vec<Finding> {
    let Some(list) = house.file(LIST) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut asvs = 0;
    let mut heading = "";
    for (at, line) in list.lines().enumerate() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title;
        }
        let Some(cells) = row(line) else { continue };
        asvs += usize::from(heading.contains("ASVS"));
        let proof = cells.last().copied().unwrap_or_default();
        findings.extend(wrong(house, proof).into_iter().map(|what| Finding {
            path: LIST.to_owned(),
            line: at + 1,
            what: format!("{}: {what}", cells[0]),
        }));
    }
    if asvs != ASVS {
        let what = format!("{asvs} lines of the ASVS, not {ASVS}");
        findings.push(Finding { path: LIST.to_owned(), line: 0, what });
    }
    findings
}

/// The cells of a line of a table, headings and rules aside.
fn row(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<&str> = inner.split(" | ").map(str::trim).collect();
    let is_body = !cells[0].starts_with('-') && cells.last() != Some(&"Proof");
    (is_body && cells.len() > 2).then_some(cells)
}

fn wrong(house: &House, proof: &str) -> Vec<String> {
    if let Some(whose) = proof.split("PENDING").nth(1) {
        return vec![format!("still to be proven{}", whose.split('.').next().unwrap_or_default())];
    }
    let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
    if names.is_empty() && !proof.contains("Deviation: ") {
        return vec!["neither a test nor a deviation".to_owned()];
    }
    let missing = names.into_iter().filter(|name| !is_there(house, name));
    missing.map(|name| format!("there is no `{name}`")).collect()
}

/// `floor::module::function`, `screens: story`, `xtask test STEP`.
fn is_there(house: &House, name: &str) -> bool {
    if let Some(story) = name.strip_prefix("screens: ") {
        return house.file(&format!("tests/screens/{story}.mjs")).is_some();
    }
    if let Some(step) = name.strip_prefix("xtask test ") {
        let steps = house.file("xtask/src/test.rs").unwrap_or_default();
        return steps.contains(&format!("name: \"{step}\""));
    }
    let parts: Vec<&str> = name.split("::").collect();
    let [floor, within @ .., function] = &parts[..] else { return false };
    let folder = if *floor == "xtask" { "xtask/".to_owned() } else { format!("crates/{floor}/") };
    let is_at = |path: &str| {
        let places: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        within.iter().all(|part| places.contains(part))
    };
    let head = format!("fn {function}(");
    house.under(&folder, ".rs").any(|(path, text)| is_at(path) && text.contains(&head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        let list = format!("## 等保\n\n| No. | What | Proof |\n|---|---|---|\n{line}\n");
        let house = House::of(&[
            (LIST, &list),
            ("crates/web/tests/it/doors.rs", "#[test]\nfn a_door() {}\n"),
            ("xtask/src/test.rs", "Step { name: \"hostile\" }"),
            ("tests/screens/month.mjs", ""),
        ]);
        let findings = check(&house).into_iter().filter(|finding| finding.line > 0);
        findings.map(|finding| finding.what).collect()
    }

    #[test]
    fn a_proof_that_is_there_is_one() {
        for proof in [
            "`web::doors::a_door`",
            "`xtask test hostile`, `screens: month`",
            "Deviation: nothing of the kind is there.",
        ] {
            assert_eq!(found(&format!("| 1 | doors | {proof} |")), [""; 0], "{proof}");
        }
    }

    #[test]
    fn a_proof_that_is_not_there_is_named() {
        for (proof, what) in [
            ("`web::doors::a_wall`", "1: there is no `web::doors::a_wall`"),
            ("`web::walls::a_door`", "1: there is no `web::walls::a_door`"),
            ("`xtask test doors`", "1: there is no `xtask test doors`"),
            ("`screens: doors`", "1: there is no `screens: doors`"),
            ("somebody looks now and then", "1: neither a test nor a deviation"),
            ("PENDING: edge. More", "1: still to be proven: edge"),
        ] {
            assert_eq!(found(&format!("| 1 | doors | {proof} |")), [what], "{proof}");
        }
    }

    #[test]
    fn the_list_is_whole() {
        let house = House::of(&[(LIST, "## ASVS\n\n| 1.1.1 | once | Deviation: none. |\n")]);
        let what = check(&house).into_iter().map(|finding| finding.what).collect::<Vec<_>>();
        assert_eq!(what, ["1 lines of the ASVS, not 70"]);
    }
}
