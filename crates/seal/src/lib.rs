//! Values that only the holder of the zone's keys can read: sealing, opening, and the keyed hashes
//! that find a value without opening it or show that a row was not changed; and the signatures under
//! the posting log. Knows no SQL, no rules
//! and no clock but the one that says when to look at the key file again.

mod cipher;
mod file;
mod ring;
mod sign;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use cipher::Cipher;
pub use file::{add_key, add_log_key, drop_key, make, new_key_line, new_log_key_line};
use ring::Ring;
pub use sign::{Curve, verify};

/// What goes wrong with keys and sealed values. The sentences are read by the operator.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "there are no keys in {}: put the zone's key file back from its copy, or name it with --keys",
        .0.display()
    )]
    NoFile(PathBuf),
    #[error("{} can be read by others: chmod 600 it", .0.display())]
    Exposed(PathBuf),
    #[error("the key file could not be used: {0}")]
    Io(#[from] std::io::Error),
    #[error("line {0} of the keys is not a key")]
    Line(usize),
    #[error("the keys lack {0}")]
    Lacks(&'static str),
    #[error("key {0} stands twice among the keys")]
    Twice(String),
    #[error(
        "the zone's key `{0}` is missing: values are sealed with it. Put it back from the copy of the keys"
    )]
    Missing(String),
    #[error(
        "the key `{0}` is not the one this zone was sealed with: these are the keys of another zone"
    )]
    Other(String),
    #[error("key {0} is still in use: run `siji keys rotate` first")]
    InUse(u16),
    #[error("a sealed value does not open: it was changed, or it was sealed for another place")]
    Closed,
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
}

pub type Result<T> = std::result::Result<T, Fault>;

/// Where a value belongs. A value sealed for one place opens in no other.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    pub table: &'a str,
    pub field: &'a str,
    pub row: &'a [u8; 16],
}

/// A key as the operator sees it in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: u16,
    pub cipher: Cipher,
    pub is_active: bool,
}

/// How often the key file is looked at for a new key.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The keys of a zone. A key added to the file while the zone is served is found by itself.
pub struct Keys {
    ring: RwLock<Arc<Ring>>,
    file: Option<PathBuf>,
    looked: Mutex<(Instant, Option<file::Stamp>)>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// From text, such as an environment variable holds; lines may end with `;`.
    pub fn of_text(text: &str) -> Result<Keys> {
        Ok(Keys::with(Ring::parse(text)?, None))
    }

    pub fn of_file(path: impl Into<PathBuf>) -> Result<Keys> {
        let path = path.into();
        let ring = Ring::parse(&file::read(&path)?)?;
        Ok(Keys::with(ring, Some(path)))
    }

    fn with(ring: Ring, file: Option<PathBuf>) -> Keys {
        let stamp = file.as_deref().and_then(file::stamp);
        Keys {
            ring: RwLock::new(Arc::new(ring)),
            file,
            looked: Mutex::new((Instant::now(), stamp)),
        }
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ring as the file has it now, looked at once a second at most.
    fn fresh(&self) -> Arc<Ring> {
        if let Some(path) = &self.file {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.0.elapsed() >= LOOK_EVERY {
                looked.0 = Instant::now();
                let stamp = file::stamp(path);
                if stamp != looked.1 && self.reload().is_ok() {
                    looked.1 = stamp;
                }
            }
        }
        self.ring()
    }

    /// Reads the file again; what it held before stays where it cannot be read.
    fn reload(&self) -> Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let ring = Ring::parse(&file::read(path)?)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    /// Seals with the active key. The length is hidden up to a multiple of sixteen.
    pub fn seal(&self, spot: Spot<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        let ring = self.fresh();
        let key = ring.active();
        cipher::seal(key, spot, plain)
    }

    pub fn open(&self, spot: Spot<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let id = cipher::key_of(sealed)?;
        let ring = self.ring();
        if let Some(key) = ring.key(id) {
            return cipher::open(key, spot, sealed);
        }
        // A key that came into the file since.
        self.reload()?;
        let ring = self.ring();
        let key = ring.key(id).ok_or_else(|| Fault::Missing(ring::name(id)))?;
        cipher::open(key, spot, sealed)
    }

    /// Is this value sealed with another key than the active one?
    pub fn is_stale(&self, sealed: &[u8]) -> bool {
        cipher::key_of(sealed).ok() != Some(self.fresh().active().id)
    }

    /// The hash a value is found by. `what` keeps the hashes of different fields apart.
    pub fn find(&self, what: &str, value: &str) -> [u8; 32] {
        ring::mac(&self.ring().find, &[what.as_bytes(), &[0], value.as_bytes()])
    }

    /// A row's digest, made so that it says nothing to whoever has no key.
    pub fn fingerprint(&self, digest: &[u8; 32]) -> [u8; 32] {
        ring::mac(&self.ring().fingerprint, &[digest])
    }

    /// The keys that sign the posting log, the one that every log has first: curve, public key.
    pub fn log_keys(&self) -> Vec<(Curve, Vec<u8>)> {
        let ring = self.ring();
        let mut keys: Vec<_> =
            ring.signs.iter().map(|key| (key.curve(), key.public().to_vec())).collect();
        keys.sort_by_key(|(curve, _)| *curve);
        keys
    }

    /// Signs a text of the posting log.
    pub fn sign_log(&self, curve: Curve, text: &[u8]) -> Result<Vec<u8>> {
        let ring = self.ring();
        let key = ring.signs.iter().find(|key| key.curve() == curve);
        key.ok_or(Fault::Lacks("a key `log`"))?.sign(text)
    }

    pub fn list(&self) -> Vec<Listed> {
        self.ring().list()
    }

    /// What each key is known by, without telling anything of it: (`find`, `fingerprint` or
    /// `seal <id>`, proof).
    pub fn proofs(&self) -> Vec<(String, [u8; 32])> {
        self.ring().proofs.clone()
    }
}

#[cfg(test)]
mod tests;
