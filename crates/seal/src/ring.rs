//! The keys as they stand in the file, one on each line:
//!
//! ```text
//! find 9f…            # finds a value by its keyed hash
//! fingerprint 03…     # keeps the rows' fingerprints from saying what they are made of
//! seal 1 aes-256-gcm-siv 7c…
//! active 1            # new values are sealed with this one
//! log ed25519 5d…     # signs the posting log
//! log sm2-sm3 77…     # signs it too, for zones that must use the national algorithms
//! ```

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::cipher::{Cipher, SealKey};
use crate::sign::{Curve, SignKey};
use crate::{Fault, Listed, Result};

pub(crate) type Hash = Hmac<Sha256>;

pub(crate) struct Ring {
    pub find: Hash,
    pub fingerprint: Hash,
    pub proofs: Vec<(String, [u8; 32])>,
    pub signs: Vec<SignKey>,
    seals: BTreeMap<u16, SealKey>,
    active: u16,
}

/// What a sealing key is called where keys are named.
pub(crate) fn name(id: u16) -> String {
    format!("seal {id}")
}

pub(crate) fn mac(hash: &Hash, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = hash.clone();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into_bytes().into()
}

fn hash(key: &[u8]) -> Result<Hash> {
    Hash::new_from_slice(key).map_err(|_| Fault::Closed)
}

impl Ring {
    pub fn parse(text: &str) -> Result<Ring> {
        let (mut find, mut fingerprint, mut active) = (None, None, None);
        let (mut seals, mut signs) = (BTreeMap::new(), Vec::new());
        let mut proofs = Vec::new();
        for (at, line) in text.split(['\n', ';']).enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            let wrong = || Fault::Line(at + 1);
            let mut prove = |name: String, key: &[u8]| -> Result<()> {
                if proofs.iter().any(|(known, _)| *known == name) {
                    return Err(Fault::Twice(name));
                }
                proofs.push((name, mac(&hash(key)?, &[b"siji: known by this"])));
                Ok(())
            };
            match words.as_slice() {
                [] => {}
                [kind @ ("find" | "fingerprint"), hex] => {
                    let key = from_hex(hex).filter(|k| k.len() == 32).ok_or_else(wrong)?;
                    prove((*kind).to_owned(), &key)?;
                    let slot = if *kind == "find" { &mut find } else { &mut fingerprint };
                    *slot = Some(hash(&key)?);
                }
                ["seal", id, cipher, hex] => {
                    let id = id.parse().map_err(|_| wrong())?;
                    let cipher = Cipher::from_name(cipher).ok_or_else(wrong)?;
                    let key = from_hex(hex).filter(|k| k.len() == cipher.key_length());
                    let key = key.ok_or_else(wrong)?;
                    prove(name(id), &key)?;
                    seals.insert(id, SealKey::new(id, cipher, &key).ok_or_else(wrong)?);
                }
                ["log", curve, hex] => {
                    let curve = Curve::from_name(curve).ok_or_else(wrong)?;
                    let key = from_hex(hex).filter(|k| k.len() == 32).ok_or_else(wrong)?;
                    prove(format!("log {}", curve.name()), &key)?;
                    signs.push(SignKey::new(curve, &key).ok_or_else(wrong)?);
                }
                ["active", id] => active = Some(id.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            }
        }
        let active: u16 = active.ok_or(Fault::Lacks("the line `active`"))?;
        if !seals.contains_key(&active) {
            return Err(Fault::Missing(name(active)));
        }
        Ok(Ring {
            find: find.ok_or(Fault::Lacks("the key `find`"))?,
            fingerprint: fingerprint.ok_or(Fault::Lacks("the key `fingerprint`"))?,
            proofs,
            signs,
            seals,
            active,
        })
    }

    pub fn key(&self, id: u16) -> Option<&SealKey> {
        self.seals.get(&id)
    }

    pub fn active(&self) -> &SealKey {
        &self.seals[&self.active]
    }

    pub fn list(&self) -> Vec<Listed> {
        let listed =
            |k: &SealKey| Listed { id: k.id, cipher: k.cipher, is_active: k.id == self.active };
        self.seals.values().map(listed).collect()
    }
}

pub(crate) fn from_hex(hex: &str) -> Option<Zeroizing<Vec<u8>>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16));
    bytes.collect::<std::result::Result<Vec<u8>, _>>().ok().map(Zeroizing::new)
}

pub(crate) fn to_hex(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
