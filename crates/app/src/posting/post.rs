//! Hanging a batch's list, and showing it to everybody while it hangs.

use domain::access::{Permission, Scope};
use domain::audit::Digest;
use domain::posting::post::{self, Facts, Household, Refusal, Request};
use domain::posting::{Body, PostedOutcome, Posting};
use domain::scheme::Scheme;
use domain::scoring::{BatchState, Sums};
use domain::{Date, Id};
use store::posting::{Batch, Hanging, Settled};
use store::{Broken, Tx};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

/// What the form of a new list shows before it is sent.
pub struct PostForm {
    pub batch: Batch,
    pub households: usize,
    pub days: i64,
    pub day_kind: &'static str,
    /// The last full day if it hangs today.
    pub to: Date,
    /// Where this village's last list hung, and whom to call.
    pub place: String,
    pub contact: String,
}

pub fn post_form(tx: &mut Tx, who: &Who, batch: Id) -> Result<PostForm, Failure<Never>> {
    let batch = find_batch(tx, who, Permission::Post, batch)?;
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let calendar = store::calendar::load(tx)?;
    let period = scheme.publicity;
    let (place, contact) = store::posting::last_hung(tx, &batch.path)?.unwrap_or_default();
    Ok(PostForm {
        households: store::posting::settled(tx, batch.id, None)?.len(),
        days: period.days,
        day_kind: period.kind.code(),
        to: domain::calendar::period_end(&calendar, who.today(), period.days, period.kind),
        place,
        contact,
        batch,
    })
}

pub struct Post {
    /// The id of the posting.
    pub key: Id,
    pub batch: Id,
    pub place: String,
    pub contact: String,
    pub from: Date,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Posted {
    pub id: Id,
    pub from: Date,
    /// The last full day.
    pub to: Date,
    pub rows: i64,
    pub root: [u8; 32],
}

impl From<&Posting> for Posted {
    fn from(p: &Posting) -> Posted {
        Posted { id: p.id, from: p.from, to: p.to, rows: p.rows, root: p.root }
    }
}

/// Hangs the list of a reviewed batch: from now on it can be objected to.
pub fn post(tx: &mut Tx, who: &Who, r: &Post) -> Result<Posted, Failure<Refusal>> {
    let batch = find_batch(tx, who, Permission::Post, r.batch)?;
    let asked =
        Digest::of("post").id(r.key).id(r.batch).text(&r.place).text(&r.contact).date(r.from);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(Posted::from(&store::posting::find(tx, r.key)?.ok_or(Failure::NotFound)?));
    }
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let request = Request { place: r.place.clone(), contact: r.contact.clone(), from: r.from };
    let body = with_facts(tx, who, &batch, &scheme, None, |facts| post::decide(facts, &request))?
        .map_err(Failure::Refused)?;
    let log = audit::head(tx)?;
    let posting = Posting::new(r.key, batch.id, None, &body, (who.person, who.now), log);
    store::posting::record(tx, &posting)?;
    let c = Command {
        key: r.key,
        verb: "post",
        subject: Some(batch.id),
        path: Some(&batch.path),
        asked,
    };
    audit::record(tx, who, c)?;
    Ok(Posted::from(&posting))
}

/// The batch, where the person's posts carry `permission`.
pub(super) fn find_batch<R>(
    tx: &mut Tx,
    who: &Who,
    permission: Permission,
    id: Id,
) -> Result<Batch, Failure<R>> {
    who.must(permission)?;
    let batch = store::posting::batch(tx, id)?.ok_or(Failure::NotFound)?;
    who.must_cover(permission, &batch.path)?;
    Ok(batch)
}

/// Runs a decision on the settled households of a batch: all of them, or the one that changed.
pub(super) fn with_facts<T>(
    tx: &mut Tx,
    who: &Who,
    batch: &Batch,
    scheme: &Scheme,
    household: Option<Id>,
    decide: impl FnOnce(&Facts<'_>) -> T,
) -> Result<T, Broken> {
    let settled = read_sums(store::posting::settled(tx, batch.id, household)?)?;
    let calendar = store::calendar::load(tx)?;
    let facts = Facts {
        state: batch.state,
        zone: &batch.zone,
        village: &batch.village,
        month: batch.month,
        scheme,
        calendar: &calendar,
        today: who.today(),
        households: settled.iter().map(household_of).collect::<Result<_, _>>()?,
    };
    Ok(decide(&facts))
}

/// A settled household with its sums taken apart.
pub(crate) struct Read {
    pub settled: Settled,
    sums: Sums,
}

pub(crate) fn read_sums(settled: Vec<Settled>) -> Result<Vec<Read>, Broken> {
    settled
        .into_iter()
        .map(|settled| {
            let sums = Sums::parse(&settled.sums)
                .map_err(|_| Broken::data(format!("sums of {}", settled.household)))?;
            Ok(Read { settled, sums })
        })
        .collect()
}

pub(crate) fn household_of(read: &Read) -> Result<Household<'_>, Broken> {
    let settled = &read.settled;
    let outcome = PostedOutcome::from_code(&settled.outcome)
        .ok_or_else(|| Broken::data(format!("unknown outcome {}", settled.outcome)))?;
    Ok(Household {
        serial: settled.serial,
        head_name: &settled.head_name,
        hamlet: settled.hamlet.as_deref(),
        sums: read.sums.iter().collect(),
        total: settled.total,
        outcome,
    })
}

// For everybody -------------------------------------------------------------------------------------

/// A posting as anybody may see it. The rows are there only while it hangs: what the law lets the
/// wall say for some days, the network does not say for ever.
pub struct PublicPosting {
    pub posting: Posting,
    pub body: Body,
    pub hangs: bool,
    /// Whole days left, today among them; nought when it is over.
    pub days_left: i64,
    pub open_to_objections: bool,
    /// The postings that amend this one.
    pub corrections: Vec<Id>,
    /// Its number in the posting log, and the checkpoint it came in with, in short.
    pub logged: Option<(u64, String)>,
}

pub fn public(tx: &mut Tx, id: Id, today: Date) -> Result<PublicPosting, Failure<Never>> {
    let posting = store::posting::find(tx, id)?.ok_or(Failure::NotFound)?;
    if posting.is_erased() {
        return Err(Failure::NotFound);
    }
    let mut body = read_body(&posting)?;
    let batch = store::posting::batch(tx, posting.batch)?.ok_or(Failure::NotFound)?;
    let hangs = hangs_on(&posting, today);
    if !hangs {
        body.rows.clear();
    }
    let days_left = today
        .until((jiff::Unit::Day, posting.to))
        .map_or(0, |span| i64::from(span.get_days()) + 1)
        .clamp(0, 36_600);
    Ok(PublicPosting {
        open_to_objections: hangs && batch.state == BatchState::InPublicity,
        corrections: store::posting::corrections_of(tx, id)?,
        logged: store::posting::log::short_form(tx, id)?,
        hangs,
        days_left,
        posting,
        body,
    })
}

/// The exact bytes, for everybody while the list hangs; later for those who may see the village.
pub fn posting_text(
    tx: &mut Tx,
    scope: Option<&Scope>,
    id: Id,
    today: Date,
) -> Result<Posting, Failure<Never>> {
    let posting = store::posting::find(tx, id)?.ok_or(Failure::NotFound)?;
    if posting.is_erased() {
        return Err(Failure::NotFound);
    }
    if hangs_on(&posting, today) {
        return Ok(posting);
    }
    let batch = store::posting::batch(tx, posting.batch)?.ok_or(Failure::NotFound)?;
    match scope {
        Some(scope) if scope.covers(&batch.path) => Ok(posting),
        _ => Err(Failure::NotFound),
    }
}

fn hangs_on(posting: &Posting, today: Date) -> bool {
    posting.from <= today && today <= posting.to
}

pub(super) fn read_body(posting: &Posting) -> Result<Body, Broken> {
    Body::read(&posting.body).map_err(|e| Broken::data(format!("posting {}: {e}", posting.id)))
}

/// Everything that hangs today.
pub fn hanging(
    tx: &mut Tx,
    today: Date,
    search: &str,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Hanging>, i64), Failure<Never>> {
    Ok(store::posting::hanging(tx, today, search, offset, limit)?)
}
