//! The key file: made once, readable by its owner alone, changed by putting a whole new file in
//! its place.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::cipher::Cipher;
use crate::ring::{Ring, to_hex};
use crate::sign::{Curve, SignKey};
use crate::{Fault, Result};

const HEAD: &str = "\
# The keys of a Siji zone. Whoever has this file and the database can read every sealed value;
# without it nobody can. Keep a copy apart from the database and its backups.
";

/// Tells one content of the file from another.
pub(crate) type Stamp = (u64, i64, i64, u64);

pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let known = fs::metadata(path).ok()?;
    Some((known.ino(), known.mtime(), known.mtime_nsec(), known.len()))
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let known = fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Fault::NoFile(path.to_owned()),
        _ => Fault::Io(e),
    })?;
    if known.permissions().mode() & 0o077 != 0 {
        return Err(Fault::Exposed(path.to_owned()));
    }
    Ok(Zeroizing::new(fs::read_to_string(path)?))
}

fn random(length: usize) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    getrandom::fill(&mut bytes).map_err(Fault::Random)?;
    Ok(to_hex(&bytes))
}

/// The line of a new sealing key.
pub fn new_key_line(id: u16, cipher: Cipher) -> Result<Zeroizing<String>> {
    let key = random(cipher.key_length())?;
    Ok(Zeroizing::new(format!("seal {id} {} {}", cipher.name(), *key)))
}

/// The line of a new key that signs the posting log.
pub fn new_log_key_line(curve: Curve) -> Result<Zeroizing<String>> {
    loop {
        let hex = random(32)?;
        let bytes = crate::ring::from_hex(&hex).ok_or(Fault::Closed)?;
        // Nearly every number is a key.
        if SignKey::new(curve, &bytes).is_some() {
            return Ok(Zeroizing::new(format!("log {} {}", curve.name(), *hex)));
        }
    }
}

/// Adds a key that signs the posting log, where the file has none of its kind.
pub fn add_log_key(path: &Path, curve: Curve) -> Result<()> {
    let text = read(path)?;
    if Ring::parse(&text)?.signs.iter().any(|key| key.curve() == curve) {
        return Ok(());
    }
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 256));
    lines.push_str(text.trim_end());
    lines.push('\n');
    lines.push_str(&new_log_key_line(curve)?);
    lines.push('\n');
    replace(path, &lines)
}

/// Makes the key file of a new zone. Never touches one that is there.
pub fn make(path: &Path, cipher: Cipher) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = Zeroizing::new(format!(
        "{HEAD}find {}\nfingerprint {}\n{}\nactive 1\n{}\n",
        *random(32)?,
        *random(32)?,
        *new_key_line(1, cipher)?,
        *new_log_key_line(Curve::Ed25519)?
    ));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// Adds a sealing key and makes it the active one; its id.
pub fn add_key(path: &Path, cipher: Cipher) -> Result<u16> {
    let text = read(path)?;
    let ring = Ring::parse(&text)?;
    let id = ring.list().iter().map(|k| k.id).max().unwrap_or(0) + 1;
    let mut lines = without_active(&text);
    lines.push_str(&new_key_line(id, cipher)?);
    lines.push_str(&format!("\nactive {id}\n"));
    replace(path, &lines)?;
    Ok(id)
}

/// Takes a sealing key out. The caller has made sure that nothing is sealed with it.
pub fn drop_key(path: &Path, id: u16) -> Result<()> {
    let text = read(path)?;
    let ring = Ring::parse(&text)?;
    if ring.active().id == id {
        return Err(Fault::InUse(id));
    }
    let start = format!("seal {id} ");
    let mut lines = Zeroizing::new(String::new());
    for line in text.lines().filter(|line| !line.trim_start().starts_with(&start)) {
        lines.push_str(line);
        lines.push('\n');
    }
    replace(path, &lines)
}

fn without_active(text: &str) -> Zeroizing<String> {
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 256));
    for line in text.lines().filter(|line| !line.trim_start().starts_with("active")) {
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// A whole new file in the place of the old one, durable before it counts.
fn replace(path: &Path, text: &str) -> Result<()> {
    Ring::parse(text)?;
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
