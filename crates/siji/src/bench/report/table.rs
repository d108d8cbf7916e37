//! The table on the terminal.

use super::{Promise, Report, Row};
use crate::bench::MIB;

pub fn tell(report: &Report, before: Option<&Report>) {
    println!("{}\n", head(report));
    if let Some(before) = before {
        println!("{}\n", beside(report, before));
    }
    println!(
        "{:<52} {:>8} {:>12} {:>10} {:>10} {:>9} {:>10} {:>8} {:>7}",
        "", "on", "median", "min", "max", "unit", "promised", "peak MiB", "ratio"
    );
    for row in &report.rows {
        let mark = if row.is_kept() { "" } else { "  NOT KEPT" };
        println!(
            "{:<52} {:>8} {:>12} {:>10} {:>10} {:>9} {:>10} {:>8} {:>7}{mark}",
            row.name,
            row.database,
            figure(row.median),
            figure(row.min),
            figure(row.max),
            row.unit,
            promised(row),
            peak(row),
            ratio(row, before),
        );
    }
    for skipped in &report.skipped {
        println!("{}", not_measured(skipped));
    }
}

/// What the figures were measured on.
pub fn head(report: &Report) -> String {
    let machine = &report.machine;
    format!(
        "Siji {} on {} cores ({}), {:.1} GiB; the disk flushes {:.0} times a second, a core hashes \
         {:.0} MiB a second (SHA-256).",
        machine.version,
        machine.cores,
        machine.processor,
        machine.memory_bytes as f64 / MIB / 1024.0,
        report.fsync_per_second,
        machine.sha256_mib_per_second,
    )
}

/// How this machine stands to the one before: what a ratio has to be read by.
pub fn beside(report: &Report, before: &Report) -> String {
    format!(
        "The ratio is to the run before, on a machine whose disk flushed {:.0} times a second ({:.2} \
         times that now) and whose core hashed {:.0} MiB ({:.2} times that now).",
        before.fsync_per_second,
        report.fsync_per_second / before.fsync_per_second,
        before.machine.sha256_mib_per_second,
        report.machine.sha256_mib_per_second / before.machine.sha256_mib_per_second,
    )
}

pub fn not_measured(skipped: &super::Skipped) -> String {
    let what = if skipped.failed { "failed" } else { "skipped" };
    format!("{} on {}: {what}, {}", skipped.suite, skipped.database, skipped.why)
}

pub fn promised(row: &Row) -> String {
    match row.promised {
        None => String::new(),
        Some(Promise::AtMost(limit)) => format!("<= {limit}"),
        Some(Promise::AtLeast(limit)) => format!(">= {limit}"),
    }
}

pub fn peak(row: &Row) -> String {
    row.peak_rss_bytes.map_or(String::new(), |bytes| format!("{:.0}", bytes as f64 / MIB))
}

pub fn ratio(row: &Row, before: Option<&Report>) -> String {
    before.and_then(|b| b.ratio(row)).map_or(String::new(), |ratio| format!("{ratio:.2}"))
}

/// Three figures that count.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
