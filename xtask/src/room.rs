//! A new room's files, laid out the same on every floor.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

/// What each floor's file says of itself, to be filled in.
const FLOORS: [(&str, &str); 4] = [
    ("domain", "what the rules decide"),
    ("store", "the SQL"),
    ("app", "the use cases"),
    ("web", "pages and doors"),
];

/// Makes the room's file on every floor, its texts in both languages and its folder of templates,
/// and opens it in each crate.
pub fn lay_out(root: &Path, name: &str) -> anyhow::Result<()> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    ensure!(is_plain, "a room's name is made of small letters and _");
    for (floor, what) in FLOORS {
        let source = root.join("crates").join(floor).join("src");
        write_new(&source.join(format!("{name}.rs")), &format!("//! {}: {what}.\n", title(name)))?;
        open_in(&source.join("lib.rs"), name)?;
    }
    for language in ["zh", "en"] {
        let texts = root.join(format!("crates/web/texts/{language}/{name}.ftl"));
        write_new(&texts, &format!("# {}\n", title(name)))?;
    }
    fs::create_dir_all(root.join(format!("crates/web/templates/{name}")))?;
    println!("laid out {name}; now give it its place in the list of rooms in ARCHITECTURE.md");
    Ok(())
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    ensure!(!path.exists(), "{} is there already", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Adds `pub mod name;` among the others, where rustfmt would put it.
fn open_in(path: &Path, name: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    fs::write(path, with_module(&text, name)).with_context(|| path.display().to_string())
}

fn with_module(text: &str, name: &str) -> String {
    let new = format!("pub mod {name};");
    let mut lines: Vec<&str> = text.lines().collect();
    let before = lines.iter().position(|line| is_module(line) && **line > *new);
    let after_last = lines.iter().rposition(is_module).map(|at| at + 1);
    lines.insert(before.or(after_last).unwrap_or(lines.len()), &new);
    lines.join("\n") + "\n"
}

fn is_module(line: &&str) -> bool {
    line.starts_with("pub mod ") && line.ends_with(';')
}

fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::with_module;

    #[test]
    fn a_room_is_opened_in_its_place() {
        let text = "//! Rooms.\n\npub mod access;\npub mod points;\n\npub use x::Y;\n";
        let between =
            "//! Rooms.\n\npub mod access;\npub mod goods;\npub mod points;\n\npub use x::Y;\n";
        assert_eq!(with_module(text, "goods"), between);
        let last =
            "//! Rooms.\n\npub mod access;\npub mod points;\npub mod visits;\n\npub use x::Y;\n";
        assert_eq!(with_module(text, "visits"), last);
    }
}
