//! What differs between the two engines, in one place. Statements are written once, with `$1`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

static FOR_SQLITE: LazyLock<RwLock<HashMap<String, Arc<str>>>> = LazyLock::new(Default::default);

/// `$n` becomes `?n`: SQLite takes `$1` for a *name*, numbers names by first appearance and would
/// bind the wrong value without a word. And what is written to is the table itself: its plain name
/// is the wall's view, which only shows. Done once for each statement.
pub fn for_sqlite(sql: &str) -> Arc<str> {
    if let Ok(known) = FOR_SQLITE.read()
        && let Some(done) = known.get(sql)
    {
        return done.clone();
    }
    let done: Arc<str> = numbered(&addressed(sql)).into();
    if let Ok(mut known) = FOR_SQLITE.write() {
        known.insert(sql.to_owned(), done.clone());
    }
    done
}

fn addressed(sql: &str) -> String {
    for verb in ["INSERT INTO ", "UPDATE ", "DELETE FROM "] {
        if let Some(rest) = sql.strip_prefix(verb) {
            return format!("{verb}main.{rest}");
        }
    }
    sql.to_owned()
}

fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut quoted = false;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        quoted ^= c == '\'';
        let is_parameter = c == '$' && !quoted && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if is_parameter { '?' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::for_sqlite;

    #[test]
    fn parameters_keep_their_numbers() {
        let sql = "SELECT $2, '$1', $1, '$', $10";
        assert_eq!(&*for_sqlite(sql), "SELECT ?2, '$1', ?1, '$', ?10");
        assert_eq!(&*for_sqlite(sql), "SELECT ?2, '$1', ?1, '$', ?10");
        assert_eq!(&*for_sqlite("DELETE FROM card"), "DELETE FROM main.card");
    }
}
