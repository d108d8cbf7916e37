//! The closing table.

use std::collections::BTreeMap;

/// What one fault did and what was left.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub fired: usize,
    pub acked: usize,
    pub lost: usize,
    pub twice: usize,
    /// Panics, sums that are off, a `siji verify` that is not content.
    pub wrong: Vec<String>,
    /// Seconds from the start of the process until it was ready.
    pub recovery: Vec<f64>,
    pub note: String,
    /// What the server said of answers that were 500.
    pub heard: Vec<String>,
    /// What was acknowledged, by kind.
    pub kinds: BTreeMap<String, usize>,
}

/// One line of the table.
pub struct Line {
    pub name: &'static str,
    pub seconds: f64,
    /// A sabotage: it must lose or break something, or the test has no teeth.
    pub must_be_red: bool,
    pub outcome: Outcome,
}

pub enum Outcome {
    Ran(Row),
    /// What is missing on this machine.
    Skipped(String),
    Broke(String),
}

impl Row {
    pub fn add(&mut self, other: Row) {
        self.fired += other.fired;
        self.acked += other.acked;
        self.lost += other.lost;
        self.twice += other.twice;
        self.wrong.extend(other.wrong);
        self.recovery.extend(other.recovery);
        self.heard.extend(other.heard);
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        if self.note.is_empty() {
            self.note = other.note;
        }
    }

    pub fn is_green(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.wrong.is_empty()
    }

    fn p99_ms(&self) -> f64 {
        let mut times = self.recovery.clone();
        times.sort_by(f64::total_cmp);
        times
            .get(times.len().saturating_sub(1).min(times.len() * 99 / 100))
            .map_or(0.0, |s| s * 1000.0)
    }
}

impl Line {
    pub fn is_kept(&self) -> bool {
        match &self.outcome {
            Outcome::Ran(row) => row.fired > 0 && row.is_green() != self.must_be_red,
            Outcome::Skipped(_) => true,
            Outcome::Broke(_) => false,
        }
    }
}

pub fn print(lines: &[Line]) {
    println!(
        "\n{:<34} {:>7} {:>8} {:>6} {:>6} {:>6} {:>9} {:>7}  ",
        "fault", "fired", "acked", "lost", "twice", "wrong", "p99 ms", "s"
    );
    for line in lines {
        match &line.outcome {
            Outcome::Ran(row) => println!(
                "{:<34} {:>7} {:>8} {:>6} {:>6} {:>6} {:>9.0} {:>7.0}  {}{}",
                line.name,
                row.fired,
                row.acked,
                row.lost,
                row.twice,
                row.wrong.len(),
                row.p99_ms(),
                line.seconds,
                verdict(line, row),
                if row.note.is_empty() { String::new() } else { format!("; {}", row.note) },
            ),
            Outcome::Skipped(missing) => println!("{:<34} skipped: {missing}", line.name),
            Outcome::Broke(why) => println!("{:<34} BROKE: {why}", line.name),
        }
    }
    println!("\nacknowledged: {}", kinds(lines));
    for line in lines {
        if let (Outcome::Ran(row), false) = (&line.outcome, line.must_be_red) {
            let mut said: Vec<&String> = row.wrong.iter().collect();
            said.dedup();
            said.iter().take(8).for_each(|wrong| println!("  {}: {wrong}", line.name));
            if !row.is_green() {
                row.heard.iter().take(3).for_each(|heard| println!("  {}: {heard}", line.name));
            }
        }
    }
}

/// How many of each kind were acknowledged in all.
fn kinds(lines: &[Line]) -> String {
    let mut all = Row::default();
    for line in lines {
        if let Outcome::Ran(row) = &line.outcome {
            all.add(row.clone());
        }
    }
    let said = all.kinds.iter().map(|(kind, count)| format!("{count} {}", kind.to_lowercase()));
    said.collect::<Vec<_>>().join(", ")
}

fn verdict(line: &Line, row: &Row) -> &'static str {
    match (line.must_be_red, row.is_green()) {
        _ if row.fired == 0 => "NEVER FIRED",
        (false, true) => "ok",
        (false, false) => "RED",
        (true, false) => "red, as it must be",
        (true, true) => "GREEN, AND MUST BE RED",
    }
}
