//! Rust source taken apart far enough for the checks: code, strings and comments told from each
//! other, tests left out. Not a parser; it knows what its own tests show.

/// The parts of one source file, line by line as they stand.
pub struct Source {
    /// The code with comments, strings and characters blanked out.
    pub code: String,
    /// Every string literal as it is written, with its line.
    pub strings: Vec<(usize, String)>,
}

/// Reads a file, leaving out its modules of tests.
pub fn read(text: &str) -> Source {
    let text = without_tests(text);
    let mut source = Source { code: String::with_capacity(text.len()), strings: Vec::new() };
    let mut rest = text.as_str();
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            blank(&mut source.code, &rest[..rest.find('\n').unwrap_or(rest.len())])
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
            blank(&mut source.code, &rest[..end])
        } else if let Some(length) = raw_string(rest) {
            source.strings.push((line, rest[..length].to_owned()));
            blank(&mut source.code, &rest[..length])
        } else if first == '"' {
            let length = string(rest);
            source.strings.push((line, rest[1..length - 1].to_owned()));
            blank(&mut source.code, &rest[..length])
        } else if let Some(length) = character(rest) {
            blank(&mut source.code, &rest[..length])
        } else {
            source.code.push(first);
            first.len_utf8()
        };
        line += rest[..taken].matches('\n').count();
        rest = &rest[taken..];
    }
    source
}

/// The line, from one, at which a byte of `text` stands.
pub fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The same lines, with those of a `#[cfg(test)] mod … { … }` left empty.
pub fn without_tests(text: &str) -> String {
    let mut inside = false;
    let mut follows = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        inside |= follows && line.contains("mod ") && line.trim_end().ends_with('{');
        follows = line.trim_end() == "#[cfg(test)]";
        kept.push_str(if inside { "\n" } else { line });
        inside &= line.trim_end() != "}";
    }
    kept
}

fn blank(code: &mut String, part: &str) -> usize {
    code.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    part.len()
}

/// The length of the string literal at the start of `text`, quotes and all.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(1 + hashes + 1 + length)
}

/// The length of a character literal: `'x'` or `'\n'`, and not a lifetime.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return body[2..].find('\'').map(|at| 1 + 2 + at + 1);
    }
    let (at, quote) = chars.next()?;
    (quote == '\'').then_some(1 + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_strings_and_comments_are_told_apart() {
        let source = read("let a = \"x::y\"; // use app::b\nlet q = '\"'; r#\"raw\"#; f::<'a>()\n");
        assert!(!source.code.contains("app::b") && !source.code.contains("x::y"));
        assert!(source.code.contains("f::<'a>()"));
        let strings: Vec<_> = source.strings.iter().map(|(line, s)| (*line, s.as_str())).collect();
        assert_eq!(strings, [(1, "x::y"), (2, "r#\"raw\"#")]);
    }

    #[test]
    fn modules_of_tests_are_left_out() {
        let text =
            "fn a() {}\n#[cfg(test)]\npub(crate) mod tests {\n  use crate::b;\n}\nfn c() {}\n";
        assert_eq!(read(text).code, "fn a() {}\n#[cfg(test)]\n\n\n\nfn c() {}\n");
    }
}
