//! Authenticated encryption of one value. The envelope: version (1), key id (2), nonce (12),
//! ciphertext, tag (16). Version, key id, table, field and row are authenticated with it.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::{Fault, Result, Spot};

/// Envelopes of this form.
const VERSION: u8 = 1;
const HEAD: usize = 3;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Values are filled up to a multiple of this, so that their length says little.
const BLOCK: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// RFC 8452: a nonce that were to come twice does not give the key away.
    Aes256GcmSiv,
    /// RFC 8998, for zones that must use the national algorithms.
    Sm4Gcm,
}

impl Cipher {
    pub const ALL: [Cipher; 2] = [Cipher::Aes256GcmSiv, Cipher::Sm4Gcm];

    pub fn name(self) -> &'static str {
        match self {
            Cipher::Aes256GcmSiv => "aes-256-gcm-siv",
            Cipher::Sm4Gcm => "sm4-gcm",
        }
    }
    pub fn from_name(name: &str) -> Option<Cipher> {
        Cipher::ALL.into_iter().find(|c| c.name() == name)
    }
    /// In bytes.
    pub fn key_length(self) -> usize {
        match self {
            Cipher::Aes256GcmSiv => 32,
            Cipher::Sm4Gcm => 16,
        }
    }
}

pub(crate) enum Aead {
    Aes(Box<Aes256GcmSiv>),
    Sm4(Box<AesGcm<Sm4, U12>>),
}

/// A key, its schedule made once.
pub(crate) struct SealKey {
    pub id: u16,
    pub cipher: Cipher,
    aead: Aead,
}

impl SealKey {
    pub fn new(id: u16, cipher: Cipher, bytes: &[u8]) -> Option<SealKey> {
        let aead = match cipher {
            Cipher::Aes256GcmSiv => Aead::Aes(Box::new(Aes256GcmSiv::new_from_slice(bytes).ok()?)),
            Cipher::Sm4Gcm => Aead::Sm4(Box::new(AesGcm::new_from_slice(bytes).ok()?)),
        };
        Some(SealKey { id, cipher, aead })
    }

    /// Encrypts in place; the tag.
    pub fn encrypt(&self, nonce: &[u8; NONCE], with: &[u8], text: &mut [u8]) -> Result<[u8; TAG]> {
        let nonce = Nonce::from(*nonce);
        let text = InOutBuf::from(text);
        let tag = match &self.aead {
            Aead::Aes(aead) => aead.encrypt_inout_detached(&nonce, with, text),
            Aead::Sm4(aead) => aead.encrypt_inout_detached(&nonce, with, text),
        };
        // Only a text longer than anything a machine holds is refused.
        Ok(tag.map_err(|_| Fault::Closed)?.into())
    }

    pub fn decrypt(
        &self,
        nonce: &[u8; NONCE],
        with: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<()> {
        let (nonce, tag) = (Nonce::from(*nonce), (*tag).into());
        let text = InOutBuf::from(text);
        let done = match &self.aead {
            Aead::Aes(aead) => aead.decrypt_inout_detached(&nonce, with, text, &tag),
            Aead::Sm4(aead) => aead.decrypt_inout_detached(&nonce, with, text, &tag),
        };
        done.map_err(|_| Fault::Closed)
    }
}

fn head(key: u16) -> [u8; HEAD] {
    let [high, low] = key.to_be_bytes();
    [VERSION, high, low]
}

/// What is authenticated beside the value. Names are length-prefixed: no two places run together.
fn with(head: &[u8], spot: Spot<'_>) -> Vec<u8> {
    let mut with = Vec::with_capacity(64);
    with.extend_from_slice(head);
    for name in [spot.table, spot.field] {
        with.extend_from_slice(&(name.len() as u32).to_be_bytes());
        with.extend_from_slice(name.as_bytes());
    }
    with.extend_from_slice(spot.row);
    with
}

/// The key a value was sealed with.
pub(crate) fn key_of(sealed: &[u8]) -> Result<u16> {
    match sealed {
        [VERSION, high, low, rest @ ..] if rest.len() >= NONCE + BLOCK + TAG => {
            Ok(u16::from_be_bytes([*high, *low]))
        }
        _ => Err(Fault::Closed),
    }
}

pub(crate) fn seal(key: &SealKey, spot: Spot<'_>, plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(Fault::Random)?;
    let filled = (plain.len() / BLOCK + 1) * BLOCK;
    let mut out = Vec::with_capacity(HEAD + NONCE + filled + TAG);
    out.extend_from_slice(&head(key.id));
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    out.push(0x80);
    out.resize(HEAD + NONCE + filled, 0);
    let with = with(&out[..HEAD], spot);
    let tag = key.encrypt(&nonce, &with, &mut out[HEAD + NONCE..])?;
    out.extend_from_slice(&tag);
    Ok(out)
}

pub(crate) fn open(key: &SealKey, spot: Spot<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    key_of(sealed)?;
    let (head, rest) = sealed.split_at(HEAD);
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Fault::Closed)?;
    let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(Fault::Closed)?;
    let mut plain = Zeroizing::new(text.to_vec());
    key.decrypt(nonce, &with(head, spot), &mut plain, tag)?;
    let end = plain.iter().rposition(|b| *b != 0).filter(|at| plain[*at] == 0x80);
    plain.truncate(end.ok_or(Fault::Closed)?);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(s: &str) -> Vec<u8> {
        crate::ring::from_hex(&s.replace(' ', "")).expect("hex").to_vec()
    }

    #[test]
    fn sm4_gcm_as_rfc_8998_has_it() {
        let key = SealKey::new(1, Cipher::Sm4Gcm, &hex("0123456789ABCDEFFEDCBA9876543210"));
        let nonce: [u8; 12] = hex("00001234567800000000ABCD").try_into().unwrap();
        let with = hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let mut text = hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD\
             EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA");
        let tag = key.unwrap().encrypt(&nonce, &with, &mut text).unwrap();
        assert_eq!(
            text,
            hex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735\
                 D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D")
        );
        assert_eq!(tag.as_slice(), hex("83DE3541E4C2B58177E065A9BF7B62EC"));
    }

    #[test]
    fn aes_256_gcm_siv_as_rfc_8452_has_it() {
        let mut key = [0; 32];
        key[0] = 1;
        let key = SealKey::new(1, Cipher::Aes256GcmSiv, &key).unwrap();
        let mut nonce = [0; 12];
        nonce[0] = 3;
        let mut text = hex("0100000000000000");
        let tag = key.encrypt(&nonce, &[], &mut text).unwrap();
        assert_eq!(
            [text.as_slice(), &tag].concat(),
            hex("c2ef328e5c71c83b 843122130f7364b761e0b97427e3df28")
        );
    }
}
