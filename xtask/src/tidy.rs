//! The house rules that the compiler cannot see. Each check reads the house and names what it
//! finds wrong by file and line; a test of each plants a fault and looks for it to be named.

mod proofs;
mod purity;
mod rooms;
mod source;
mod texts;
mod walls;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::bail;

use crate::glossary;

/// The files of the repository that the checks read, by path.
pub struct House {
    files: BTreeMap<String, String>,
}

/// Something out of order.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    /// From one; zero when the whole file is meant.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Prints what is out of order; fails if anything is.
pub fn report(root: &Path) -> anyhow::Result<()> {
    let findings = check(&House::read(root)?);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} things are out of order"),
    }
}

fn check(house: &House) -> Vec<Finding> {
    let checks =
        [rooms::check, purity::check, texts::check, walls::check, proofs::check, glossary::check];
    checks.iter().flat_map(|check| check(house)).collect()
}

impl House {
    /// Reads every text file that the checks know, outside what is built or fetched.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        read_folder(root, root, &mut files)?;
        Ok(Self { files })
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
        Self { files }
    }

    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The files whose path starts and ends so.
    pub fn under<'a>(
        &'a self,
        start: &'a str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.starts_with(start) && path.ends_with(end))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

fn read_folder(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<String, String>,
) -> anyhow::Result<()> {
    const KINDS: [&str; 9] = ["rs", "html", "ftl", "toml", "md", "csv", "txt", "mjs", "py"];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "out"].contains(&&*name) {
                read_folder(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) {
            let within = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.insert(within, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let house = House::read(&crate::root()).expect("the repository can be read");
        let findings: Vec<String> = check(&house).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
