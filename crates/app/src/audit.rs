//! Every write once: the same key again gives the first answer, with other content it is refused.

use domain::audit::Digest;
use domain::{Id, Millis};
use store::Tx;
use store::audit::Seen;

use crate::{Failure, Who};

/// A command as it is written down.
pub struct Command<'a> {
    pub key: Id,
    pub verb: &'a str,
    pub subject: Option<Id>,
    pub path: Option<&'a str>,
    /// What was asked, in full: `Digest::of(verb)…` over every field of the request.
    pub asked: Digest,
}

/// Has this command been done already? `Ok(true)`: yes, give the first answer again.
pub fn is_repeat<R>(tx: &mut Tx, key: Id, asked: &Digest) -> Result<bool, Failure<R>> {
    match store::audit::seen(tx, key, asked.clone().finish())? {
        Seen::Never => Ok(false),
        Seen::Same => Ok(true),
        Seen::Other => Err(Failure::KeyReused),
    }
}

/// Writes the command down. Call it in the transaction of its effect.
pub fn record(tx: &mut Tx, who: &Who, c: Command) -> Result<(), store::Broken> {
    record_by(tx, Some(who.person), who.now, c, None)
}

/// The same for a command with a note, or by nobody who is signed in.
pub fn record_by(
    tx: &mut Tx,
    person: Option<Id>,
    at: Millis,
    c: Command,
    note: Option<&str>,
) -> Result<(), store::Broken> {
    store::audit::record(
        tx,
        &store::audit::Command {
            key: c.key,
            verb: c.verb,
            person,
            subject: c.subject,
            path: c.path,
            at,
            note,
            digest: c.asked.finish(),
        },
    )
}
