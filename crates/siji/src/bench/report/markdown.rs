//! The table in a Markdown file: what is generated stands between two marks, everything else is
//! somebody's own words and stays.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::table::{beside, figure, head, not_measured, peak, promised, ratio};
use super::{Report, Row, plot};

const BEGINS: &str = "<!-- siji bench: the table begins -->";
const ENDS: &str = "<!-- siji bench: the table ends -->";

/// Writes the table into the file; beside it the figures as `performance.json` and, where months were
/// closed, how they grow as `performance-close.svg`.
pub fn write(file: &Path, report: &Report, before: Option<&Report>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|_| format!("{BEGINS}\n{ENDS}\n"));
    let text = between(&text, &table(report, before)).with_context(|| {
        format!("{} lacks the marks between which the table stands", file.display())
    })?;
    std::fs::write(file, text)?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(figures(file), json)?;
    if let Some(svg) = plot::svg(report) {
        std::fs::write(file.with_file_name("performance-close.svg"), svg)?;
    }
    Ok(())
}

/// What stands beside the file; none where nothing does.
pub fn beside_file(file: &Path) -> anyhow::Result<Option<Report>> {
    let figures = figures(file);
    if figures.exists() { Report::before(Some(&figures)) } else { Ok(None) }
}

fn figures(file: &Path) -> PathBuf {
    file.with_file_name("performance.json")
}

pub(super) fn between(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGINS)?;
    let (_, after) = rest.split_once(ENDS)?;
    Some(format!("{before}{BEGINS}\n\n{table}\n{ENDS}{after}"))
}

pub(super) fn table(report: &Report, before: Option<&Report>) -> String {
    let mut text = head(report) + "\n\n";
    if let Some(before) = before {
        text += &(beside(report, before) + "\n\n");
    }
    text += "| | on | median | min | max | unit | promised | peak MiB | ratio |\n";
    text += "|---|---|--:|--:|--:|---|---|--:|--:|\n";
    for row in &report.rows {
        text += &line(row, before);
    }
    if !report.skipped.is_empty() {
        text += "\nNot measured:\n\n";
        for skipped in &report.skipped {
            text += &format!("- {}\n", not_measured(skipped));
        }
    }
    text
}

fn line(row: &Row, before: Option<&Report>) -> String {
    let median = figure(row.median);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        row.name,
        row.database,
        if row.is_kept() { median } else { format!("**{median}**") },
        figure(row.min),
        figure(row.max),
        row.unit,
        promised(row),
        peak(row),
        ratio(row, before),
    )
}
