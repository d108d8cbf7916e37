//! Signatures under the posting log: Ed25519 (RFC 8032), and SM2 with SM3 (GB/T 32918.2) beside it
//! for zones that must use the national algorithms.

use ed25519_dalek::Signer as _;
use sm2::dsa::signature::Verifier as _;

use crate::{Fault, Result};

/// In the order in which they sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Curve {
    Ed25519,
    Sm2,
}

impl Curve {
    pub const ALL: [Curve; 2] = [Curve::Ed25519, Curve::Sm2];

    pub fn name(self) -> &'static str {
        match self {
            Curve::Ed25519 => "ed25519",
            Curve::Sm2 => "sm2-sm3",
        }
    }
    pub fn from_name(name: &str) -> Option<Curve> {
        Curve::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// Who signs, where nobody says otherwise: the standard's own default.
const SIGNER: &str = "1234567812345678";

enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Sm2(Box<sm2::dsa::SigningKey>),
}

/// A secret key, and its public one as it is published.
pub(crate) struct SignKey {
    secret: Secret,
    public: Vec<u8>,
}

impl SignKey {
    /// From 32 bytes; `None` where they are no key of this curve.
    pub fn new(curve: Curve, bytes: &[u8]) -> Option<SignKey> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        Some(match curve {
            Curve::Ed25519 => {
                let secret = ed25519_dalek::SigningKey::from_bytes(bytes);
                let public = secret.verifying_key().to_bytes().to_vec();
                SignKey { secret: Secret::Ed25519(Box::new(secret)), public }
            }
            Curve::Sm2 => {
                let secret = sm2::dsa::SigningKey::from_slice(SIGNER, bytes).ok()?;
                let public = secret.verifying_key().to_sec1_bytes().to_vec();
                SignKey { secret: Secret::Sm2(Box::new(secret)), public }
            }
        })
    }

    pub fn curve(&self) -> Curve {
        match self.secret {
            Secret::Ed25519(_) => Curve::Ed25519,
            Secret::Sm2(_) => Curve::Sm2,
        }
    }

    pub fn public(&self) -> &[u8] {
        &self.public
    }

    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        match &self.secret {
            Secret::Ed25519(key) => Ok(key.sign(text).to_bytes().to_vec()),
            Secret::Sm2(key) => {
                let signature: sm2::dsa::Signature =
                    sm2::dsa::signature::Signer::try_sign(&**key, text)
                        .map_err(|_| Fault::Closed)?;
                Ok(signature.to_bytes().to_vec())
            }
        }
    }
}

/// Does this signature of 64 bytes hold? Ed25519 strictly: no key or point of small order.
pub fn verify(curve: Curve, public: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return false };
    match curve {
        Curve::Ed25519 => {
            let Ok(public) = <&[u8; 32]>::try_from(public) else { return false };
            let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(public) else { return false };
            key.verify_strict(text, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
        }
        Curve::Sm2 => {
            let Ok(key) = sm2::dsa::VerifyingKey::from_sec1_bytes(SIGNER, public) else {
                return false;
            };
            let Ok(signature) = sm2::dsa::Signature::from_bytes(signature.into()) else {
                return false;
            };
            key.verify(text, &signature).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::from_hex;

    #[test]
    fn ed25519_as_rfc_8032_has_it() {
        let secret = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
        let key = SignKey::new(Curve::Ed25519, &from_hex(secret).unwrap()).unwrap();
        let public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
        assert_eq!(key.public(), from_hex(public).unwrap().as_slice());
        let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        assert_eq!(key.sign(b"\xaf\x82").unwrap(), *from_hex(signature).unwrap());
    }

    #[test]
    fn a_signature_holds_for_its_text_and_key_alone() {
        for curve in Curve::ALL {
            let key = |n: u8| SignKey::new(curve, &[n; 32]).unwrap();
            let (one, other) = (key(1), key(2));
            let signature = one.sign(b"17").unwrap();
            assert_eq!(signature.len(), 64);
            assert_eq!(one.sign(b"17").unwrap(), signature, "no dice are thrown");
            assert!(verify(curve, one.public(), b"17", &signature));
            assert!(!verify(curve, one.public(), b"18", &signature));
            assert!(!verify(curve, other.public(), b"17", &signature));
            assert!(!verify(curve, one.public(), b"17", &signature[1..]));
            assert!(!verify(curve, &[0; 7], b"17", &signature));
            for at in 0..64 {
                let mut bent = signature.clone();
                bent[at] ^= 1;
                assert!(!verify(curve, one.public(), b"17", &bent), "{curve:?} byte {at}");
            }
        }
        assert!(SignKey::new(Curve::Sm2, &[0; 32]).is_none());
        assert!(SignKey::new(Curve::Ed25519, &[0; 31]).is_none());
    }
}
