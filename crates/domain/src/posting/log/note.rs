//! Signed notes (C2SP signed-note): a text, a blank line, one line for each signature.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 8032; every log signs with it.
    Ed25519,
    /// GB/T 32918.2 with SM3, beside the other, for zones that must use the national algorithms.
    Sm2,
}

impl Algorithm {
    /// The bytes before the public key in a verifier key. What the registry of signature types does
    /// not know begins with 0xff.
    fn mark(self) -> &'static [u8] {
        match self {
            Algorithm::Ed25519 => &[0x01],
            Algorithm::Sm2 => b"\xffsm2-sm3\x0a",
        }
    }
    /// In bytes.
    fn public_length(self) -> usize {
        match self {
            Algorithm::Ed25519 => 32,
            // Uncompressed, as GM/T 0009 writes it.
            Algorithm::Sm2 => 65,
        }
    }
}

/// A public key with the name it signs under: `name+1a2b3c4d+AQ…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    public: Vec<u8>,
}

impl VerifierKey {
    /// `None`: no name of a key, or no public key of this length.
    pub fn new(name: &str, algorithm: Algorithm, public: &[u8]) -> Option<VerifierKey> {
        let is_name = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+');
        let fits = is_name && public.len() == algorithm.public_length();
        fits.then(|| VerifierKey { name: name.to_owned(), algorithm, public: public.to_vec() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    fn marked(&self) -> Vec<u8> {
        [self.algorithm.mark(), &self.public].concat()
    }

    /// By which a signature line names it.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name).chain_update(b"\n");
        let hash: [u8; 32] = hash.chain_update(self.marked()).finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    pub fn parse(text: &str) -> Option<VerifierKey> {
        let (name, rest) = text.split_once('+')?;
        let (_, key) = rest.split_once('+')?;
        let key = Base64::decode_vec(key).ok()?;
        let algorithm =
            [Algorithm::Ed25519, Algorithm::Sm2].into_iter().find(|a| key.starts_with(a.mark()))?;
        let key = VerifierKey::new(name, algorithm, &key[algorithm.mark().len()..])?;
        (key.to_string() == text).then_some(key)
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name, Base64::encode_string(&self.marked()))
    }
}

/// The name a log signs under, made of its Ed25519 key, so that no two zones share one.
pub fn origin(public: &[u8]) -> String {
    let hash = Sha256::digest(public);
    let start: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("siji-posting-log/{start}")
}

/// Signs notes.
pub trait Sign {
    fn key(&self) -> &VerifierKey;
    fn sign(&self, text: &[u8]) -> Vec<u8>;
}

/// Checks signatures.
pub trait Check {
    fn holds(&self, key: &VerifierKey, text: &[u8], signature: &[u8]) -> bool;
}

/// The text, which ends with a line feed, with a line for each signature.
pub fn signed(text: &str, signers: &[&dyn Sign]) -> String {
    let mut note = format!("{text}\n");
    for signer in signers {
        let key = signer.key();
        let signature = [&key.id()[..], &signer.sign(text.as_bytes())].concat();
        note.push_str(&format!("\u{2014} {} {}\n", key.name(), Base64::encode_string(&signature)));
    }
    note
}

/// Why a note is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    #[error("is not a signed note")]
    Form,
    #[error("is signed by none of the keys")]
    Unsigned,
    #[error("bears a signature that does not hold")]
    Signature,
}

/// A note's text, and how many of the keys signed it.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    pub text: &'a str,
    pub signed_by: usize,
}

/// The text of a note that one of the keys signed. Lines of other keys count for nothing; a line of
/// one of the keys must hold.
pub fn open<'a>(
    note: &'a str,
    keys: &[VerifierKey],
    check: &dyn Check,
) -> Result<Opened<'a>, NoteFault> {
    if note.chars().any(|c| c.is_ascii_control() && c != '\n') {
        return Err(NoteFault::Form);
    }
    let end = note.rfind("\n\n").ok_or(NoteFault::Form)? + 1;
    let (text, lines) = (&note[..end], &note[end + 1..]);
    let lines = lines.strip_suffix('\n').ok_or(NoteFault::Form)?;
    let mut signed_by = 0;
    for line in lines.split('\n') {
        let rest = line.strip_prefix("\u{2014} ").ok_or(NoteFault::Form)?;
        let (name, signature) = rest.split_once(' ').ok_or(NoteFault::Form)?;
        let bytes = Base64::decode_vec(signature).map_err(|_| NoteFault::Form)?;
        let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteFault::Form)?;
        let Some(key) = keys.iter().find(|key| key.name() == name && key.id() == *id) else {
            continue;
        };
        if !check.holds(key, text.as_bytes(), signature) {
            return Err(NoteFault::Signature);
        }
        signed_by += 1;
    }
    if signed_by == 0 { Err(NoteFault::Unsigned) } else { Ok(Opened { text, signed_by }) }
}
