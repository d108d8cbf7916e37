//! Reading and writing whole files, through the real worker.

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod register;
#[cfg(test)]
mod round_trip;

use std::path::{Path, PathBuf};

use sheets::{Event, ReadError};

fn worker() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_read-workbook"))
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/register").join(name)
}

/// Every cell as text: `Sheet!row:column kind value`.
fn dump(file: &Path) -> Result<Vec<String>, ReadError> {
    let mut out = Vec::new();
    let mut sheet = String::new();
    sheets::read(worker(), file, |event| match event {
        Event::Sheet(name) => sheet = name.to_owned(),
        Event::Row(row, cells) => {
            for (column, cell) in cells {
                out.push(format!("{sheet}!{row}:{column} {cell:?}"));
            }
        }
    })?;
    Ok(out)
}
