//! Checkpoints (C2SP tlog-checkpoint): whose log, how many entries, which root.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding};

use super::Hash;

/// How large a log is and what its root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a checkpoint")]
pub struct NotACheckpoint;

/// Bytes of the root in the short form: enough that nobody finds two logs with the same one.
const SHORT: usize = 20;

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, Base64::encode_string(&self.root))
    }

    /// Reads the text; what others write in further lines is passed over.
    pub fn read(text: &str) -> Result<Checkpoint, NotACheckpoint> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NotACheckpoint)?.split('\n').collect();
        let [origin, size, root, others @ ..] = lines.as_slice() else {
            return Err(NotACheckpoint);
        };
        let number: u64 = size.parse().map_err(|_| NotACheckpoint)?;
        let bytes = Base64::decode_vec(root).map_err(|_| NotACheckpoint)?;
        let root = bytes.try_into().map_err(|_| NotACheckpoint)?;
        let empty_line = origin.is_empty() || others.iter().any(|line| line.is_empty());
        if empty_line || number.to_string() != *size {
            return Err(NotACheckpoint);
        }
        Ok(Checkpoint { origin: (*origin).to_owned(), size: number, root })
    }

    /// As it stands on paper: the size, then the root's first twenty bytes in groups of four digits.
    pub fn short(&self) -> String {
        let mut out = self.size.to_string();
        for pair in self.root[..SHORT].as_chunks::<2>().0 {
            write!(out, " {:02x}{:02x}", pair[0], pair[1]).expect("a String takes every write");
        }
        out
    }
}
