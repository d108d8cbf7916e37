//! The worker: this program once more, started as `siji read-workbook FILE`, with limits on memory
//! and time that it sets itself before it opens the file. It may fall; its parent lives.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::frame::{self, push_cell};
use crate::read::Event;
use crate::source;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "read-workbook";
/// Address space, bytes.
const MEMORY_MAX: u64 = 512 << 20;
const CPU_SECONDS_MAX: u64 = 60;

/// The program that has [`main`] behind [`SUBCOMMAND`]: this one, unless `SIJI_WORKER` names another.
pub fn program() -> std::io::Result<PathBuf> {
    match std::env::var_os("SIJI_WORKER") {
        Some(path) => Ok(path.into()),
        None => std::env::current_exe(),
    }
}

/// Reads the file named by the second argument and writes its cells to standard output.
pub fn main() -> ExitCode {
    let limit =
        |resource, max: u64| setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) });
    let limited = limit(Resource::As, MEMORY_MAX)
        .and_then(|()| limit(Resource::Cpu, CPU_SECONDS_MAX))
        .and_then(|()| limit(Resource::Core, 0));
    let (Ok(()), Some(path)) = (limited, std::env::args_os().nth(2)) else {
        return ExitCode::FAILURE;
    };
    match run(Path::new(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut body = Vec::new();
    let outcome = source::read(path, &mut |event| match event {
        Event::Sheet(name) => frame::send(&mut out, frame::SHEET, name.as_bytes()),
        Event::Row(number, cells) => {
            body.clear();
            body.extend(number.to_le_bytes());
            cells.iter().for_each(|(column, cell)| push_cell(&mut body, *column, *cell));
            frame::send(&mut out, frame::ROW, &body)
        }
    });
    match outcome {
        Ok(()) => frame::send(&mut out, frame::END, &[])?,
        Err(fault) => frame::send(&mut out, frame::FAULT, fault.reason().as_bytes())?,
    }
    out.flush()
}
