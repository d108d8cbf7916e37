//! The program's own log, on standard error: what went wrong, and a line for each request. A thread of
//! its own writes it, so that nobody is answered late because a disk is slow to take a line, or because
//! nobody reads what was written.

use std::io::{IsTerminal as _, Write};

use clap::ValueEnum;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// Lines that may wait to be written, some three megabytes. Further ones are lost, and counted.
const WAITING: usize = 16_384;

/// What was said is written before this goes.
pub struct Log {
    _writer: WorkerGuard,
    lost: ErrorCounter,
}

impl Log {
    /// `usual`: what is said where `SIJI_LOG` does not tell.
    pub fn begin(format: Format, usual: &str) -> Log {
        let (lines, log) = Log::to(std::io::stderr(), WAITING);
        let said = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_from_env("SIJI_LOG").unwrap_or_else(|_| usual.into()))
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(lines);
        match format {
            Format::Text => said.init(),
            Format::Json => said.json().flatten_event(true).init(),
        }
        log
    }

    fn to(writer: impl Write + Send + 'static, waiting: usize) -> (NonBlocking, Log) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(waiting).lossy(true);
        let (lines, writer) = builder.thread_name("siji-log").finish(writer);
        let lost = lines.error_counter();
        (lines, Log { _writer: writer, lost })
    }

    /// Says how many lines were lost, once they can be written again. Polled for as long as the program
    /// serves.
    pub fn tell_losses(&self) -> impl Future<Output = ()> + Send + 'static {
        let (lost, mut told) = (self.lost.clone(), 0);
        async move {
            let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
            loop {
                second.tick().await;
                // A line that says so and is lost itself is told with the next.
                let lines = lost.dropped_lines() - told;
                if lines > 0 {
                    told += lines;
                    tracing::warn!(
                        lines,
                        "lines of the log were lost: they were not taken in time"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn nobody_waits_for_a_reader_who_does_not_read() {
        let (mut read, write) = std::io::pipe().expect("a pipe");
        let (mut lines, log) = Log::to(write, 8);
        let line = [b'x'; 1 << 10];
        // A pipe takes sixty-four of them at most, its writer holds one, eight wait.
        for _ in 0..1_000 {
            lines.write_all(&line).expect("nobody waits");
        }
        let kept = 1_000 - log.lost.dropped_lines();
        assert!((8..=73).contains(&kept), "{kept} lines were kept");
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            read.read_to_end(&mut all).expect("all of it");
            all.len()
        });
        drop((lines, log));
        assert_eq!(reading.join().expect("read"), kept * line.len());
    }
}
