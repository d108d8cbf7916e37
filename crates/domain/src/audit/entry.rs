//! One line of the log as it is kept, with its fingerprint.

use super::Digest;
use crate::{Id, Millis};

/// What a line of the log tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something was done.
    Command,
    /// Something was asked for and not done.
    Refusal,
    /// A sensitive field was shown in full.
    Reveal,
    /// A list was taken out as a file.
    Export,
    /// A household's papers were printed.
    Print,
    Login,
    Logout,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Command,
        Kind::Refusal,
        Kind::Reveal,
        Kind::Export,
        Kind::Print,
        Kind::Login,
        Kind::Logout,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Kind::Command => "command",
            Kind::Refusal => "refusal",
            Kind::Reveal => "reveal",
            Kind::Export => "export",
            Kind::Print => "print",
            Kind::Login => "login",
            Kind::Logout => "logout",
        }
    }
    pub fn from_code(code: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// How a line ends that tells of something that was done.
pub const DONE: &str = "done";

/// A line of the log. Never changed once it is written down; its number is given by the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The command's key: what has one was asked for with it, and is done once.
    pub key: Option<Id>,
    pub at: Millis,
    pub person: Option<Id>,
    pub kind: Kind,
    /// The command; of a refusal the route, of an export the list.
    pub verb: &'a str,
    /// The record it is about.
    pub subject: Option<Id>,
    pub household: Option<Id>,
    /// The area it is about.
    pub path: Option<&'a str>,
    /// How it ended: `done`, the refusal's code; of a reveal the field.
    pub code: &'a str,
    /// How many: rows of an export, refusals that one line stands for.
    pub rows: Option<i64>,
    /// Fit for the log: see [`super::note`].
    pub note: Option<&'a str>,
    /// Fingerprint of the command's content.
    pub asked: Option<[u8; 32]>,
}

impl Entry<'_> {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("audit_log")
            .opt_id(self.key)
            .number(self.at)
            .opt_id(self.person)
            .text(self.kind.code())
            .text(self.verb)
            .opt_id(self.subject)
            .opt_id(self.household)
            .opt_text(self.path)
            .text(self.code)
            .opt_number(self.rows)
            .opt_text(self.note)
            .opt(self.asked, |d, asked| d.bytes(&asked))
            .finish()
    }
}
