//! A posting with all that shows it to be in the log, to be checked by itself: the posting's bytes,
//! the salt, the entry, the way to the root (C2SP tlog-proof) and the signed checkpoint.

use base64ct::{Base64, Encoding};

use super::super::body::Body;
use super::super::merkle::leaf;
use super::{
    Check, Checkpoint, Entry, Hash, Kind, NoteFault, Salt, VerifierKey, commitment, open,
    root_by_inclusion,
};

const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// Where an entry stands and how it leads to the checkpoint's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub index: u64,
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

impl Proof {
    pub fn written(&self) -> String {
        let mut out = format!("{HEAD}\nindex {}\n", self.index);
        for hash in &self.path {
            out.push_str(&Base64::encode_string(hash));
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint);
        out
    }

    pub fn read(text: &str) -> Option<Proof> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        (lines.next()? == HEAD).then_some(())?;
        let index: u64 = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let hash = |line: &str| Base64::decode_vec(line).ok()?.try_into().ok();
        let path = lines.map(hash).collect::<Option<_>>()?;
        let proof = Proof { index, path, checkpoint: checkpoint.to_owned() };
        (proof.written() == text).then_some(proof)
    }
}

/// What a proof showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub entry: Entry,
    pub index: u64,
    pub checkpoint: Checkpoint,
}

/// Why a posting is not shown to be in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    #[error("the posting's bytes do not read as its format says")]
    Content,
    #[error("the entry does not read as its format says")]
    Entry,
    #[error("the entry commits to other bytes than these")]
    Commitment,
    #[error("the entry says another period, or another kind, than the posting")]
    Says,
    #[error("the proof does not read as its format says")]
    Proof,
    #[error("the entry corrects none that was before it")]
    Later,
    #[error("the checkpoint {0}")]
    Note(NoteFault),
    #[error("the checkpoint's note holds no checkpoint, or one of another log")]
    Checkpoint,
    #[error("the entry does not lead to the checkpoint's root")]
    Root,
}

/// Checks a posting from its bytes to the signature.
pub fn check(
    content: &[u8],
    salt: &Salt,
    entry: &[u8],
    proof: &str,
    keys: &[VerifierKey],
    checker: &dyn Check,
) -> Result<Checked, NotProven> {
    let read = Entry::read(entry).map_err(|_| NotProven::Entry)?;
    if commitment(salt, content) != read.commitment {
        return Err(NotProven::Commitment);
    }
    let header = Body::read(content).map_err(|_| NotProven::Content)?.header;
    let corrects = matches!(read.kind, Kind::Correction(_));
    if (header.from, header.to, header.corrects.is_some()) != (read.from, read.to, corrects) {
        return Err(NotProven::Says);
    }
    let proof = Proof::read(proof).ok_or(NotProven::Proof)?;
    if matches!(read.kind, Kind::Correction(amended) if amended >= proof.index) {
        return Err(NotProven::Later);
    }
    let opened = open(&proof.checkpoint, keys, checker).map_err(NotProven::Note)?;
    let checkpoint = Checkpoint::read(opened.text).map_err(|_| NotProven::Checkpoint)?;
    if keys.iter().all(|key| key.name() != checkpoint.origin) {
        return Err(NotProven::Checkpoint);
    }
    let root = root_by_inclusion(leaf(entry), proof.index, checkpoint.size, &proof.path);
    if root != Some(checkpoint.root) {
        return Err(NotProven::Root);
    }
    Ok(Checked { entry: read, index: proof.index, checkpoint })
}
