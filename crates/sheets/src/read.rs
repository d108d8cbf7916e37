//! Reading through the worker, row by row.

use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::frame::{self, Cell};
use crate::worker;

/// What comes by: a sheet's name, then its rows in order. Rows count from one, columns from zero;
/// blank cells and blank rows are left out.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    Sheet(&'a str),
    Row(u32, &'a [(u16, Cell<'a>)]),
}

/// Why a file cannot be read. Each has a sentence in the catalogue of texts under `sheet-<reason>`.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MB", crate::BYTES_MAX >> 20)]
    FileTooLarge,
    #[error("this is no .xlsx workbook and no .csv file, or it is damaged")]
    NotAWorkbook,
    #[error("an old .xls file, or one locked with a password: save it as .xlsx without a password")]
    OldOrLocked,
    #[error("more than {} sheets", crate::SHEETS_MAX)]
    TooManySheets,
    #[error("a cell below row {}", crate::ROWS_MAX)]
    TooManyRows,
    #[error("a cell beyond column {}", crate::COLUMNS_MAX)]
    TooManyColumns,
    #[error("a cell of more than {} characters", crate::CELL_CHARACTERS_MAX)]
    CellTooLong,
    #[error("reading took too much memory or the file is damaged")]
    Fell,
    #[error("reading took longer than {} seconds", WALL_CLOCK.as_secs())]
    TooSlow,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl ReadError {
    /// Stable name.
    pub fn reason(&self) -> &'static str {
        match self {
            ReadError::Empty => "empty",
            ReadError::FileTooLarge => "file-too-large",
            ReadError::NotAWorkbook => "not-a-workbook",
            ReadError::OldOrLocked => "old-or-locked",
            ReadError::TooManySheets => "too-many-sheets",
            ReadError::TooManyRows => "too-many-rows",
            ReadError::TooManyColumns => "too-many-columns",
            ReadError::CellTooLong => "cell-too-long",
            ReadError::Fell => "fell",
            ReadError::TooSlow => "too-slow",
            ReadError::Io(_) => "io",
        }
    }

    fn from_reason(reason: &[u8]) -> ReadError {
        let known = [
            ReadError::Empty,
            ReadError::FileTooLarge,
            ReadError::NotAWorkbook,
            ReadError::OldOrLocked,
            ReadError::TooManySheets,
            ReadError::TooManyRows,
            ReadError::TooManyColumns,
            ReadError::CellTooLong,
        ];
        known.into_iter().find(|e| e.reason().as_bytes() == reason).unwrap_or(ReadError::Fell)
    }
}

/// From start to end; the parent then ends the worker.
const WALL_CLOCK: Duration = Duration::from_secs(120);

/// Reads `file` in a worker of `program` (see [`worker::program`]) and shows what comes by to `see`.
pub fn read(program: &Path, file: &Path, mut see: impl FnMut(Event<'_>)) -> Result<(), ReadError> {
    let mut child = Command::new(program)
        .arg(worker::SUBCOMMAND)
        .arg(file)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = child.stdout.take().ok_or(ReadError::Fell)?;
    let child = Watched::over(child);
    let outcome = follow(&mut BufReader::with_capacity(1 << 16, stdout), &mut see);
    match child.end() {
        Ended::TooSlow => Err(ReadError::TooSlow),
        Ended::InTime => outcome,
    }
}

/// Shows to `see` what a worker sends, which may be anything.
pub fn follow(
    from: &mut impl std::io::Read,
    see: &mut impl FnMut(Event<'_>),
) -> Result<(), ReadError> {
    let mut body = Vec::new();
    loop {
        match frame::receive(from, &mut body) {
            Some(frame::SHEET) => {
                see(Event::Sheet(std::str::from_utf8(&body).map_err(|_| ReadError::Fell)?));
            }
            Some(frame::ROW) => {
                let (number, rest) = body.split_first_chunk().ok_or(ReadError::Fell)?;
                let mut cells = Vec::with_capacity(64);
                frame::cells(rest, &mut cells).ok_or(ReadError::Fell)?;
                see(Event::Row(u32::from_le_bytes(*number), &cells));
            }
            Some(frame::END) => return Ok(()),
            Some(frame::FAULT) => return Err(ReadError::from_reason(&body)),
            _ => return Err(ReadError::Fell),
        }
    }
}

/// A worker and the clock that ends it.
struct Watched {
    child: Arc<Mutex<Child>>,
    done: std::sync::mpsc::Sender<()>,
    clock: std::thread::JoinHandle<Ended>,
}

#[derive(PartialEq, Eq)]
enum Ended {
    InTime,
    TooSlow,
}

impl Watched {
    fn over(child: Child) -> Watched {
        let child = Arc::new(Mutex::new(child));
        let (done, wait) = channel();
        let watched = child.clone();
        let clock = std::thread::spawn(move || match wait.recv_timeout(WALL_CLOCK) {
            Err(RecvTimeoutError::Timeout) => {
                // It may have ended this very moment, which is as good.
                let _ = watched.lock().unwrap_or_else(PoisonError::into_inner).kill();
                Ended::TooSlow
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ended::InTime,
        });
        Watched { child, done, clock }
    }

    /// Leaves no worker behind, whether it had finished or not.
    fn end(self) -> Ended {
        drop(self.done);
        let ended = self.clock.join().unwrap_or(Ended::InTime);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
        ended
    }
}
