//! The program's own log, on standard error: what went wrong, and a line for each request. A thread of
//! its own writes it, so that nobody is answered late because a disk is slow to take a line, or because
//! nobody reads what was written.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

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
            let mut second = tokio::time::interval(Duration::from_secs(1));
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
    use std::sync::Mutex;

    use super::*;

    /// A log that nobody has read of a thousand lines, and how many of them it kept.
    fn unread() -> (std::io::PipeReader, NonBlocking, Log, usize) {
        let (read, write) = std::io::pipe().expect("a pipe");
        let (mut lines, log) = Log::to(write, 8);
        // A pipe takes sixty-four of them at most, its writer holds one, eight wait.
        for _ in 0..1_000 {
            lines.write_all(&LINE).expect("nobody waits");
        }
        let kept = 1_000 - log.lost.dropped_lines();
        assert!((8..=73).contains(&kept), "{kept} lines were kept");
        (read, lines, log, kept)
    }

    const LINE: [u8; 1 << 10] = [b'x'; 1 << 10];

    #[test]
    fn nobody_waits_for_a_reader_who_does_not_read() {
        let (mut read, lines, log, kept) = unread();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            read.read_to_end(&mut all).expect("all of it");
            all.len()
        });
        drop((lines, log));
        assert_eq!(reading.join().expect("read"), kept * LINE.len());
    }

    #[test]
    fn it_is_said_how_many_lines_were_lost() {
        let (_read, _lines, log, kept) = unread();
        let (mut heard, words) = std::io::pipe().expect("a pipe");
        let words = Mutex::new(words);
        let to = tracing_subscriber::fmt().with_writer(words).with_ansi(false).finish();
        tracing::subscriber::with_default(to, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let told = async {
                tokio::time::timeout(Duration::from_millis(1_500), log.tell_losses()).await
            };
            assert!(runtime.expect("a runtime").block_on(told).is_err(), "it goes on");
        });
        let mut said = String::new();
        heard.read_to_string(&mut said).expect("words");
        let count = format!("lines={}", 1_000 - kept);
        assert_eq!(said.matches("were lost").count(), 1, "{said}");
        assert!(said.contains(&count), "{said}");
    }
}
