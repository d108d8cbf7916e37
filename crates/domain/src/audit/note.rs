//! What people typed, made fit to stand in the log.

/// Longest note, in characters.
pub const NOTE_MAX: usize = 200;
/// So many digits in a row are a telephone, an account or a citizen number, and are not kept.
const DIGITS: usize = 11;

/// One line of at most [`NOTE_MAX`] characters: no control characters, none that turn the direction
/// of writing or cannot be seen, no long numbers. `None` where nothing is left.
pub fn note(typed: &str) -> Option<String> {
    let mut line = String::new();
    for c in typed.chars() {
        match c {
            _ if c.is_control() || c.is_whitespace() => {
                if !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            _ if is_unseen(c) => {}
            _ => line.push(c),
        }
    }
    let masked = mask(line.trim());
    let short: String = masked.chars().take(NOTE_MAX).collect();
    (!short.is_empty()).then_some(short)
}

fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Long numbers as `***`, also where they are written with gaps.
fn mask(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = if is_digit(c) { number_end(&chars, at) } else { at + 1 };
        let digits = chars[at..end].iter().filter(|c| is_digit(**c)).count();
        if digits >= DIGITS {
            out.push_str("***");
        } else {
            out.extend(&chars[at..end]);
        }
        at = end;
    }
    out
}

/// Where the number that begins at `at` ends; one gap between two digits belongs to it.
fn number_end(chars: &[char], at: usize) -> usize {
    let digit_at = |i: usize| chars.get(i).is_some_and(|c| is_digit(*c));
    let mut end = at;
    loop {
        let is_gap = chars.get(end).is_some_and(|c| matches!(c, ' ' | '-' | '－' | '.' | '·'));
        if digit_at(end) {
            end += 1;
        } else if is_gap && digit_at(end + 1) {
            end += 2;
        } else {
            return end;
        }
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}
