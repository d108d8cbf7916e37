//! The chain over the log. Lines are written by many at once, each with its own fingerprint; a seal
//! takes those that are not sealed yet, in the order of their numbers, and links them one by one to
//! the head before. Whoever knows a head knows everything before it.

use std::collections::{BTreeMap, HashMap};

use super::Digest;
use crate::Millis;

/// SHA-256 over everything up to here.
pub type Head = [u8; 32];

/// The head of a log without a line.
pub fn beginning() -> Head {
    Digest::of("audit_chain").finish()
}

/// One line under a seal: its number, its fingerprint.
pub type Link = (i64, [u8; 32]);

/// Some lines, linked. Seals are numbered from 1 on, without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub number: i64,
    pub at: Millis,
    pub links: Vec<Link>,
    pub head: Head,
}

impl Seal {
    /// Links `links` to what the seal before, or the beginning, ends with.
    pub fn over(number: i64, before: Head, at: Millis, links: Vec<Link>) -> Seal {
        let start = Digest::of("audit_seal").bytes(&before).number(number).number(at).finish();
        let head = links.iter().fold(start, |head, (seq, digest)| {
            Digest::of("audit_link").bytes(&head).number(*seq).bytes(digest).finish()
        });
        Seal { number, at, links, head }
    }

    /// The number of the last line.
    pub fn last(&self) -> Option<i64> {
        self.links.last().map(|link| link.0)
    }
}

/// Links as they are kept: eight bytes for the number, thirty-two for the fingerprint.
pub fn write_links(links: &[Link]) -> Vec<u8> {
    links.iter().flat_map(|(seq, digest)| seq.to_be_bytes().into_iter().chain(*digest)).collect()
}

pub fn read_links(bytes: &[u8]) -> Option<Vec<Link>> {
    let links = bytes.chunks(40).map(|link| {
        let (seq, digest) = link.split_at_checked(8)?;
        Some((i64::from_be_bytes(seq.try_into().ok()?), digest.try_into().ok()?))
    });
    links.collect()
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The seal with this number is not where it must be.
    SealMissing { number: i64 },
    /// The seal is not what its head was made of.
    SealChanged { number: i64 },
    /// One line under two seals.
    SealedTwice { seq: i64 },
    /// The line is not what its own fingerprint, or the one under the seal, was taken of.
    LineChanged { seq: i64 },
    /// A line that no seal knows, and that does not wait for one.
    LineUnknown { seq: i64 },
    /// A sealed line that is not there.
    LineMissing { seq: i64 },
}

/// Walks the chain: first every seal in order, then every line in any order, then the end.
pub struct Walk {
    number: i64,
    head: Head,
    /// Sealed lines that were not seen yet.
    left: BTreeMap<i64, [u8; 32]>,
    heads: HashMap<Head, i64>,
}

impl Default for Walk {
    fn default() -> Walk {
        let head = beginning();
        Walk { number: 0, head, left: BTreeMap::new(), heads: HashMap::from([(head, 0)]) }
    }
}

impl Walk {
    /// `links` is `None` where what is kept cannot be read.
    pub fn seal(
        &mut self,
        (number, at, head): (i64, Millis, Head),
        links: Option<Vec<Link>>,
    ) -> Result<(), Fault> {
        if number != self.number + 1 {
            return Err(Fault::SealMissing { number: self.number + 1 });
        }
        let links = links.ok_or(Fault::SealChanged { number })?;
        let seal = Seal::over(number, self.head, at, links);
        if seal.head != head || seal.links.is_empty() {
            return Err(Fault::SealChanged { number });
        }
        (self.number, self.head) = (number, head);
        self.heads.insert(head, number);
        for (seq, digest) in seal.links {
            if self.left.insert(seq, digest).is_some() {
                return Err(Fault::SealedTwice { seq });
            }
        }
        Ok(())
    }

    /// `kept` is the fingerprint beside the line, `made` the one its columns make now.
    pub fn line(
        &mut self,
        seq: i64,
        kept: [u8; 32],
        made: [u8; 32],
        waits: bool,
    ) -> Result<(), Fault> {
        match self.left.remove(&seq) {
            None if !waits => Err(Fault::LineUnknown { seq }),
            Some(sealed) if sealed != made => Err(Fault::LineChanged { seq }),
            _ if kept != made => Err(Fault::LineChanged { seq }),
            _ => Ok(()),
        }
    }

    /// Every sealed line was seen.
    pub fn end(&self) -> Result<(), Fault> {
        match self.left.first_key_value() {
            Some((seq, _)) => Err(Fault::LineMissing { seq: *seq }),
            None => Ok(()),
        }
    }

    /// The number of the seal that ends with this head; nought for the beginning. A head that was
    /// published and is not found was made of lines that are no longer there.
    pub fn number_of(&self, head: &Head) -> Option<i64> {
        self.heads.get(head).copied()
    }
}
