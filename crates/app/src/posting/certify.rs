//! Certification: state, seal and every household's credit in one transaction.

use std::collections::HashMap;

use domain::access::{Permission, Scope};
use domain::audit::Digest;
use domain::posting::certify::{self, Facts, Household};
use domain::posting::post::hangs_as;
use domain::posting::seal::Seal;
use domain::posting::{PostedRow, Posting, Serial};
use domain::scheme::Scheme;
use domain::scoring::BatchState;
use domain::{Arg, Date, Id, Refusal};
use store::posting::Batch;
use store::{Broken, Tx};

use super::post::{Read, find_batch, household_of, read_body, read_sums};
use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub struct Certify {
    pub key: Id,
    pub batch: Id,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Certified {
    pub batch: Id,
    pub points: i64,
    pub seal: [u8; 32],
}

#[derive(Debug, PartialEq, Eq)]
pub enum CertifyRefusal {
    Rules(certify::Refusal),
    Ledger(domain::points::Refusal),
}

impl Refusal for CertifyRefusal {
    fn code(&self) -> &'static str {
        match self {
            CertifyRefusal::Rules(r) => r.code(),
            CertifyRefusal::Ledger(r) => r.code(),
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            CertifyRefusal::Rules(r) => r.args(),
            CertifyRefusal::Ledger(r) => r.args(),
        }
    }
}

/// Certifies a batch whose lists have hung their time, and credits every household of it.
pub fn certify(tx: &mut Tx, who: &Who, r: &Certify) -> Result<Certified, Failure<CertifyRefusal>> {
    let batch = find_batch(tx, who, Permission::Certify, r.batch)?;
    let asked = Digest::of("certify").id(r.batch);
    if audit::is_repeat(tx, r.key, &asked)? {
        return first_answer(&batch).ok_or(Failure::NotFound);
    }
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let postings = store::posting::of_batch(tx, batch.id)?;
    let settled = read_sums(store::posting::settled(tx, batch.id, None)?)?;
    let facts = facts(tx, who, &batch, &scheme, &postings, &settled)?;
    let decision = certify::decide(&facts, who.now)
        .map_err(|refused| Failure::Refused(CertifyRefusal::Rules(refused)))?;
    crate::points::transfer(tx, &decision.transfers)
        .map_err(|failure| failure.map(CertifyRefusal::Ledger))?;
    let seal = seal(tx, &batch, &postings)?;
    let certified = store::posting::Certified {
        batch: batch.id,
        person: who.person,
        at: who.now,
        points: decision.points,
        seal,
    };
    store::posting::record_certified(tx, &certified)?;
    let c = Command {
        key: r.key,
        verb: "certify",
        subject: Some(batch.id),
        path: Some(&batch.path),
        asked,
    };
    audit::record(tx, who, c)?;
    Ok(Certified { batch: batch.id, points: decision.points, seal })
}

fn first_answer(batch: &Batch) -> Option<Certified> {
    let seal = batch.seal.as_deref()?.try_into().ok()?;
    Some(Certified { batch: batch.id, points: batch.credited_points?, seal })
}

fn facts<'a>(
    tx: &mut Tx,
    who: &Who,
    batch: &Batch,
    scheme: &'a Scheme,
    postings: &[Posting],
    settled: &[Read],
) -> Result<Facts<'a>, Broken> {
    // Twelve full months are within the cap of most schemes; then nobody can reach it.
    let credited: HashMap<Id, i64> = if scheme.annual_cap < 12 * scheme.monthly_max {
        let year = batch.month.year();
        store::posting::credited_in_year(tx, batch.id, year)?.into_iter().collect()
    } else {
        HashMap::new()
    };
    let household = |read: &Read| Household {
        id: read.settled.household,
        total: read.settled.total,
        credited_this_year: credited.get(&read.settled.household).copied().unwrap_or(0),
    };
    Ok(Facts {
        batch: batch.id,
        state: batch.state,
        today: who.today(),
        posted_to: postings.iter().map(|p| p.to).collect(),
        objections_open: usize::try_from(store::posting::objections_open(tx, batch.id)?)
            .unwrap_or(usize::MAX),
        not_in_log: usize::try_from(store::posting::log::missing_of(tx, batch.id)?)
            .unwrap_or(usize::MAX),
        certifier_scored: store::posting::has_scored(tx, who.person, batch.id, None)?,
        not_as_posted: not_as_posted(scheme, postings, settled)?,
        scheme,
        households: settled.iter().map(household).collect(),
    })
}

/// The first household whose settlement is not what its latest row on the wall says.
fn not_as_posted(
    scheme: &Scheme,
    postings: &[Posting],
    settled: &[Read],
) -> Result<Option<Serial>, Broken> {
    let rows = latest_rows(postings)?;
    for read in settled {
        let household = household_of(read)?;
        let serial = u32::try_from(household.serial).ok().and_then(Serial::new);
        let row = serial.and_then(|serial| rows.get(&serial));
        if !row.is_some_and(|row| hangs_as(row, &household, scheme)) {
            return Ok(serial.or(Serial::new(1)));
        }
    }
    Ok(None)
}

/// The rows as they hang after every correction.
pub(crate) fn latest_rows(postings: &[Posting]) -> Result<HashMap<Serial, PostedRow>, Broken> {
    let mut rows = HashMap::new();
    for posting in postings {
        rows.extend(read_body(posting)?.rows.into_iter().map(|row| (row.serial, row)));
    }
    Ok(rows)
}

fn seal(tx: &mut Tx, batch: &Batch, postings: &[Posting]) -> Result<[u8; 32], Broken> {
    let mut seal = Seal::of(batch.id, &batch.scheme_digest);
    store::posting::each_sheet_digest(tx, batch.id, |digest| seal.sheet(&digest))?;
    store::posting::each_settlement_digest(tx, batch.id, |digest| seal.settlement(&digest))?;
    for posting in postings {
        seal.posting(&posting.root);
    }
    Ok(seal.finish())
}

// What the batch's page shows of all this -----------------------------------------------------------

/// The posting room's part of a batch's page.
pub struct BatchPart {
    pub batch: Batch,
    pub postings: Vec<PostingLine>,
    pub objections: i64,
    pub objections_open: i64,
    /// The first day on which it can be certified, once it hangs.
    pub certify_from: Option<Date>,
    pub may_post: bool,
    pub may_record: bool,
    pub may_certify: bool,
    pub forecast: Option<Forecast>,
}

pub struct PostingLine {
    pub id: Id,
    pub place: String,
    pub from: Date,
    pub to: Date,
    pub rows: i64,
    pub root: String,
    pub is_correction: bool,
}

/// What certifying would put on the programme's account. For information: it refuses nothing.
pub struct Forecast {
    pub points: i64,
    /// Points of the whole zone not yet redeemed, this batch among them.
    pub outstanding: i64,
    pub outstanding_fen: i64,
    /// Money given since the year began.
    pub fund_fen: i64,
}

impl Forecast {
    pub fn is_covered(&self) -> bool {
        self.fund_fen >= self.outstanding_fen
    }
}

/// For the page of a batch; the person may already see it.
pub fn of_batch(tx: &mut Tx, who: &Who, batch: Id) -> Result<BatchPart, Failure<Never>> {
    let batch = find_batch(tx, who, Permission::ReadHouseholds, batch)?;
    let postings = store::posting::of_batch(tx, batch.id)?;
    let certify_from = postings.iter().map(|p| p.to).max().and_then(|to| to.tomorrow().ok());
    let (objections, objections_open) = (
        store::posting::objections_of(tx, batch.id)?,
        store::posting::objections_open(tx, batch.id)?,
    );
    let may = |permission| who.scope(permission).covers(&batch.path);
    let in_publicity = batch.state == BatchState::InPublicity;
    let forecast = if in_publicity && may(Permission::Certify) {
        Some(forecast(tx, who, &batch)?)
    } else {
        None
    };
    let line = |p: &Posting| PostingLine {
        id: p.id,
        place: p.place.clone(),
        from: p.from,
        to: p.to,
        rows: p.rows,
        root: domain::posting::body::hex(&p.root),
        is_correction: p.corrects.is_some(),
    };
    Ok(BatchPart {
        postings: postings.iter().map(line).collect(),
        objections,
        objections_open,
        certify_from,
        may_post: batch.state == BatchState::Reviewed && may(Permission::Post),
        may_record: in_publicity && may(Permission::RecordObjection),
        may_certify: in_publicity && may(Permission::Certify),
        forecast,
        batch,
    })
}

fn forecast(tx: &mut Tx, who: &Who, batch: &Batch) -> Result<Forecast, Broken> {
    let scheme = store::scheme::load_known(tx, batch.scheme, batch.scheme_digest)?;
    let zone = batch.path.get(..3).unwrap_or(&batch.path).to_owned();
    let scope = Scope { person: who.person, paths: vec![zone], assigned: false };
    let points = store::posting::points_settled(tx, batch.id)?;
    let outstanding = store::points::totals(tx, &scope)?.outstanding + points;
    let year = who.today().first_of_year();
    Ok(Forecast {
        points,
        outstanding,
        outstanding_fen: outstanding * 100 / scheme.points_per_yuan.max(1),
        fund_fen: store::scheme::fund_fen(tx, year)?,
    })
}
