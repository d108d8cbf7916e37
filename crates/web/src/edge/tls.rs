//! TLS 1.2 and 1.3 with a certificate from two files, read again when they change.

use std::io::{Error, Result};
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Kept>,
}

struct Kept {
    acceptor: TlsAcceptor,
    /// Of both files, to see whether they have changed.
    digest: [u8; 32],
}

impl Tls {
    /// `certificate` is a chain in PEM, the host's own first; `key` its private key in PEM.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Tls> {
        let kept = kept(&certificate, &key)?;
        Ok(Tls { certificate, key, now: RwLock::new(kept) })
    }

    /// Reads the files again if they have changed; true when they had. Files that do not fit leave
    /// the certificate that was there.
    pub fn renew(&self) -> Result<bool> {
        let fresh = kept(&self.certificate, &self.key)?;
        let mut now = self.now.write().map_err(|_| Error::other("another renewal failed"))?;
        let changed = now.digest != fresh.digest;
        *now = fresh;
        Ok(changed)
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        match self.now.read() {
            Ok(now) => now.acceptor.clone(),
            Err(now) => now.into_inner().acceptor.clone(),
        }
    }
}

fn kept(certificate: &PathBuf, key: &PathBuf) -> Result<Kept> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
    };
    let (certificate, key) = (read(certificate)?, read(key)?);
    let mut digest = Sha256::new();
    digest.update(&certificate);
    digest.update(&key);
    Ok(Kept { acceptor: acceptor(&certificate, &key)?, digest: digest.finalize().into() })
}

fn acceptor(certificate: &[u8], key: &[u8]) -> Result<TlsAcceptor> {
    let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(certificate)
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| Error::other(format!("the certificate is not in PEM: {e}")))?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|e| Error::other(format!("the certificate's key is not in PEM: {e}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| Error::other(format!("certificate and key do not fit: {e}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
