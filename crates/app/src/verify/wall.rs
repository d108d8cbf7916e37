//! What hung on the wall: the bytes, their root, the period, and nothing in them that may not be.

use domain::Id;
use domain::calendar::{Calendar, period_end};
use domain::posting::{Body, Posting, digit_run_max, merkle};
use domain::scheme::Scheme;
use store::Tx;

use super::{Check, Finding};

/// Digits in a row as a citizen number or an account has them.
const NUMBER_DIGITS: usize = 15;

pub(super) fn check(tx: &mut Tx) -> Check {
    let calendar = store::calendar::load(tx)?;
    for batch in store::verify::batches(tx)? {
        let Some(batch) = store::posting::batch(tx, batch)? else { continue };
        let postings = store::posting::of_batch(tx, batch.id)?;
        if postings.is_empty() {
            continue;
        }
        let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
        for posting in &postings {
            let amended = posting.corrects.map(|id| amended(&postings, id));
            posting_fits(posting, amended, &scheme, &calendar)
                .map_err(|what| Finding::new("posting", posting.id, what))?;
        }
    }
    Ok(())
}

fn amended(postings: &[Posting], id: Id) -> Option<&Posting> {
    postings.iter().find(|p| p.id == id)
}

fn posting_fits(
    posting: &Posting,
    amended: Option<Option<&Posting>>,
    scheme: &Scheme,
    calendar: &Calendar,
) -> Result<(), String> {
    if posting.is_erased() {
        return Ok(());
    }
    if merkle::root_of_text(&posting.body) != posting.root {
        return Err("has another root than its bytes make".into());
    }
    // Before the format is: bytes that do not read may hold anything.
    for (n, line) in String::from_utf8_lossy(&posting.body).lines().enumerate() {
        if line.starts_with("contact\t") {
            // Telephones side by side; what else it may hold is seen when it is read.
            continue;
        }
        let longest = line.split('\t').filter(|f| !is_root(f)).map(digit_run_max).max();
        if longest.is_some_and(|digits| digits >= NUMBER_DIGITS) {
            return Err(format!("holds a number like a citizen's in line {}", n + 1));
        }
    }
    let body = Body::read(&posting.body).map_err(|e| e.to_string())?;
    let header = &body.header;
    let same = header.place.as_str() == posting.place
        && header.contact.as_str() == posting.contact
        && (header.from, header.to) == (posting.from, posting.to)
        && (i64::from(header.days), header.day_kind) == (posting.days, posting.day_kind)
        && body.rows.len() as i64 == posting.rows;
    if !same {
        return Err("says other things than its bytes".into());
    }
    let period = scheme.publicity;
    if (posting.days, posting.day_kind) != (period.days, period.kind) {
        return Err("hung for another period than the scheme's".into());
    }
    if period_end(calendar, posting.from, posting.days, posting.day_kind) != posting.to {
        return Err("ends on another day than the calendar says".into());
    }
    let corrects = match amended {
        None => None,
        Some(None) => return Err("amends a list that is not there".into()),
        Some(Some(amended)) => Some(amended.root),
    };
    if header.corrects != corrects {
        return Err("names another list than the one it amends".into());
    }
    Ok(())
}

/// The root of the list that is amended is digits too, and nobody's number.
fn is_root(field: &&str) -> bool {
    field.len() == 64 && field.bytes().all(|b| b.is_ascii_hexdigit())
}
