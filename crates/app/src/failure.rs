//! The ways a use case can end without its answer.

use domain::Refusal;
use store::{Broken, Fault};

/// `R` is the decision's own refusal; the rest is the same for every use case.
#[derive(Debug)]
pub enum Failure<R> {
    /// The rules said no, with a sentence for the person.
    Refused(R),
    /// The person's posts do not carry this.
    NotAllowed,
    /// There is no such record, or none that this person may know of.
    NotFound,
    /// The key was used before for something else.
    KeyReused,
    /// Ours to mend.
    Broken(Broken),
}

impl<R> From<Broken> for Failure<R> {
    fn from(b: Broken) -> Self {
        Failure::Broken(b)
    }
}

impl<R> Fault for Failure<R> {
    fn broken(&self) -> Option<&Broken> {
        match self {
            Failure::Broken(b) => Some(b),
            _ => None,
        }
    }
}

impl<R> Failure<R> {
    /// Carries the other ways of ending over to a use case with other refusals.
    pub fn map<S>(self, refused: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Failure::Refused(r) => Failure::Refused(refused(r)),
            Failure::NotAllowed => Failure::NotAllowed,
            Failure::NotFound => Failure::NotFound,
            Failure::KeyReused => Failure::KeyReused,
            Failure::Broken(b) => Failure::Broken(b),
        }
    }
}

/// For use cases that the rules never refuse.
#[derive(Debug)]
pub enum Never {}

impl Refusal for Never {
    fn code(&self) -> &'static str {
        match *self {}
    }
}
