//! The corpus, read.

use std::path::{Path, PathBuf};

/// The inputs that are kept for a target, by name.
pub fn corpus(target: &str) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = folder().join(target);
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let bytes = std::fs::read(&path)?;
        inputs.push((path, bytes));
    }
    inputs.sort();
    Ok(inputs)
}

/// Where every target has its folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// A reader of days with a bug: it does not ask how long a month is, and counts on it.
pub fn planted(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('-');
    let mut number = |long: usize| {
        let digits = parts.next().filter(|p| p.len() == long)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else { return };
    if (1..=12).contains(&month) && (1..=31).contains(&day) {
        let read = jiff::civil::Date::new(year, month as i8, day as i8);
        assert!(read.is_ok(), "{text} is no day");
    }
}
