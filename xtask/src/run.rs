//! Running programs: shown as they run, timed, and their counts of tests added up.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, bail};

/// How many tests a run has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs a program with its output passed through; fails when the program fails.
pub fn shown(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| named(command))?;
    if !status.success() {
        bail!("{} ended with {status}", named(command));
    }
    Ok(())
}

/// How a test runner begins the line with which it closes.
#[derive(Clone, Copy)]
pub enum Runner {
    Nextest,
    Libtest,
    /// `N passed, N failed`, alone on a line.
    Plain,
}

/// Runs a program with its output passed through, and reads the tests it counted.
pub fn counted(command: &mut Command, runner: Runner) -> (Tally, anyhow::Result<()>) {
    match try_counted(command, runner) {
        Ok((tally, true)) => (tally, Ok(())),
        Ok((tally, false)) => (tally, Err(anyhow::anyhow!("{} failed", named(command)))),
        Err(error) => (Tally::default(), Err(error)),
    }
}

fn try_counted(command: &mut Command, runner: Runner) -> anyhow::Result<(Tally, bool)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| named(command))?;
    let (send, lines) = mpsc::channel();
    pass_through(child.stdout.take().context("its output")?, std::io::stdout(), send.clone());
    pass_through(child.stderr.take().context("its errors")?, std::io::stderr(), send);
    let mut tally = Tally::default();
    for line in lines {
        if let Some(counts) = closing_line(&line, runner) {
            tally += counts;
        }
    }
    Ok((tally, child.wait()?.success()))
}

/// Runs a program in silence and gives what it printed; shows its errors when it fails.
pub fn captured(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| named(command))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}\n{said}", named(command), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A program as one would type it.
pub fn named(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// "41 s", or "2 min 5 s".
pub fn took(since: Instant) -> String {
    match since.elapsed().as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn pass_through(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    lines: mpsc::Sender<String>,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            // A closed terminal is no reason to lose the count.
            drop(writeln!(to, "{line}"));
            drop(lines.send(line));
        }
    });
}

/// The counts in the line with which the runner closes, if this is it.
fn closing_line(line: &str, runner: Runner) -> Option<Tally> {
    let line = without_colour(line);
    let line = line.trim();
    let is_closing = match runner {
        Runner::Nextest => line.starts_with("Summary ["),
        Runner::Libtest => line.starts_with("test result:"),
        Runner::Plain => {
            line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(" passed, ")
        }
    };
    let count = |word: &str| number_before(line, word).unwrap_or(0);
    is_closing.then(|| Tally { passed: count(" passed"), failed: count(" failed") })
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    let before = &line[..line.find(word)?];
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find('\u{1b}') {
        plain.push_str(&rest[..start]);
        let code = &rest[start..];
        rest = code.find('m').map_or("", |end| &code[end + 1..]);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        use Runner::{Libtest, Nextest, Plain};
        let cases = [
            (Nextest, "     Summary [   0.005s] 2 tests run: 2 passed, 0 skipped", Some((2, 0))),
            (Nextest, "Summary [ 1s] 9/12 tests run: 7 passed (1 slow), 2 failed", Some((7, 2))),
            (
                Nextest,
                "\u{1b}[32;1m Summary\u{1b}[0m [ 1s] 3 tests run: \u{1b}[1m3\u{1b}[0m passed",
                Some((3, 0)),
            ),
            (Nextest, "test result: FAILED. 0 passed; 1 failed", None),
            (Libtest, "test result: ok. 41 passed; 0 failed; 0 ignored; in 0.1s", Some((41, 0))),
            (Plain, "12 passed, 1 failed", Some((12, 1))),
            (Plain, "the officer passed, nobody failed", None),
            (Plain, "", None),
        ];
        for (runner, line, expected) in cases {
            let expected = expected.map(|(passed, failed)| Tally { passed, failed });
            assert_eq!(closing_line(line, runner), expected, "{line:?}");
        }
    }

    #[test]
    fn a_failing_program_fails_with_its_counts() {
        let (tally, result) = counted(
            Command::new("sh").args(["-c", "echo 3 passed, 1 failed; exit 1"]),
            Runner::Plain,
        );
        assert_eq!(tally, Tally { passed: 3, failed: 1 });
        assert!(result.is_err());
    }
}
