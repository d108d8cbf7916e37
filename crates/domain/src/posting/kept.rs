//! A posting and an objection as they are kept, each with its fingerprint.

use jiff::civil::Date;

use super::merkle::{self, Root};
use super::object::{Channel, Standing};
use crate::audit::Digest;
use crate::audit::chain::Head;
use crate::calendar::DayKind;
use crate::{Id, Millis};

/// A posting. Never changed once it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub id: Id,
    pub batch: Id,
    /// The posting this one amends.
    pub corrects: Option<Id>,
    pub place: String,
    pub contact: String,
    pub from: Date,
    /// The last full day.
    pub to: Date,
    pub days: i64,
    pub day_kind: DayKind,
    pub rows: i64,
    /// The exact bytes that hang: see [`super::body`]. Empty once their retention is over.
    pub body: Vec<u8>,
    pub root: Root,
    pub person: Id,
    pub at: Millis,
    /// Where the log stood when it was hung; printed on the paper.
    pub log_seal: i64,
    pub log_head: Head,
}

impl Posting {
    pub fn new(
        id: Id,
        batch: Id,
        corrects: Option<Id>,
        body: &super::Body,
        by: (Id, Millis),
        log: (i64, Head),
    ) -> Posting {
        let header = &body.header;
        let bytes = body.written();
        Posting {
            id,
            batch,
            corrects,
            place: header.place.to_string(),
            contact: header.contact.as_str().to_owned(),
            from: header.from,
            to: header.to,
            days: header.days.into(),
            day_kind: header.day_kind,
            rows: i64::try_from(body.rows.len()).unwrap_or(i64::MAX),
            root: merkle::root_of_text(&bytes),
            body: bytes,
            person: by.0,
            at: by.1,
            log_seal: log.0,
            log_head: log.1,
        }
    }

    /// Its content went with its retention; its root and its entry in the log stay.
    pub fn is_erased(&self) -> bool {
        self.body.is_empty()
    }

    pub fn digest(&self) -> [u8; 32] {
        Digest::of("posting")
            .id(self.id)
            .id(self.batch)
            .opt_id(self.corrects)
            .text(&self.place)
            .text(&self.contact)
            .date(self.from)
            .date(self.to)
            .number(self.days)
            .text(self.day_kind.code())
            .number(self.rows)
            .bytes(&self.body)
            .bytes(&self.root)
            .id(self.person)
            .number(self.at)
            .number(self.log_seal)
            .bytes(&self.log_head)
            .finish()
    }
}

/// An objection, with its answer once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    pub id: Id,
    /// Under which the answer is looked up.
    pub code: String,
    pub posting: Id,
    pub batch: Id,
    /// The village's place in the management tree.
    pub path: String,
    pub household: Option<Id>,
    pub channel: Channel,
    pub by_name: Option<String>,
    pub contact: Option<String>,
    pub text: String,
    pub filed_at: Millis,
    pub due_on: Date,
    /// Who wrote down what came by telephone or on paper.
    pub recorded_by: Option<Id>,
    pub standing: Standing,
    pub answer: Option<String>,
    pub answered_by: Option<Id>,
    pub answered_at: Option<Millis>,
    /// The settlement that an upheld objection led to.
    pub settlement: Option<Id>,
}

impl Objection {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("objection")
            .id(self.id)
            .text(&self.code)
            .id(self.posting)
            .id(self.batch)
            .text(&self.path)
            .opt_id(self.household)
            .text(self.channel.code())
            .opt_text(self.by_name.as_deref())
            .opt_text(self.contact.as_deref())
            .text(&self.text)
            .number(self.filed_at)
            .date(self.due_on)
            .opt_id(self.recorded_by)
            .text(self.standing.code())
            .opt_text(self.answer.as_deref())
            .opt_id(self.answered_by)
            .opt_number(self.answered_at)
            .opt_id(self.settlement)
            .finish()
    }
}
