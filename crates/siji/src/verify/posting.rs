//! `siji verify posting`, `checkpoints` and `log`: what anybody can check without a database, from
//! files or addresses.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use app::posting::ProofFile;
use clap::Args;
use domain::posting::log::{self, Checked, Entry, Kind, Misfit, SALT, Tile, VerifierKey};
use store::posting::log::Curves;

/// Larger than any file of a log, or any list.
const FILE_MAX: u64 = 64 << 20;

#[derive(Args)]
pub struct Posting {
    /// The proof file of a list, or the address of the list's page.
    #[arg(value_name = "FILE-or-URL")]
    from: String,
    /// The log's public key, NAME+HEX+BASE64; may be given more than once. Without it the file's own
    /// is taken, and said so.
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Vec<VerifierKey>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Checkpoints {
    /// A checkpoint that was saved earlier.
    #[arg(value_name = "OLD")]
    old: String,
    /// A later one.
    #[arg(value_name = "NEW")]
    new: String,
    /// The log's files: a folder, or an address that ends in /log [default: the folder of NEW]
    #[arg(long, value_name = "DIR-or-URL")]
    files: Option<String>,
    /// The log's public key, NAME+HEX+BASE64.
    #[arg(long, value_name = "KEY", value_parser = key, required = true)]
    key: Vec<VerifierKey>,
}

#[derive(Args)]
pub struct Log {
    /// The log's files: a folder, or an address that ends in /log.
    #[arg(value_name = "DIR-or-URL")]
    files: String,
    /// The log's public key, NAME+HEX+BASE64.
    #[arg(long, value_name = "KEY", value_parser = key, required = true)]
    key: Vec<VerifierKey>,
}

fn key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).ok_or_else(|| "a key is NAME+HEX+BASE64".into())
}

fn is_url(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

/// What is there, or `None`.
fn find(place: &str) -> anyhow::Result<Option<Vec<u8>>> {
    if !is_url(place) {
        return match std::fs::read(place) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| place.to_owned()),
        };
    }
    let mut answer = web::outgoing().get(place).header("accept", "application/json").call()?;
    if answer.status() == 404 {
        return Ok(None);
    }
    anyhow::ensure!(answer.status() == 200, "{place} answered {}", answer.status());
    Ok(Some(answer.body_mut().with_config().limit(FILE_MAX).read_to_vec()?))
}

fn read(place: &str) -> anyhow::Result<Vec<u8>> {
    find(place)?.with_context(|| format!("there is nothing at {place}"))
}

/// The way to a file of the log.
fn place_of(log: &str, path: &str) -> String {
    if is_url(log) {
        format!("{}/{path}", log.trim_end_matches('/'))
    } else {
        Path::new(log).join(path).to_string_lossy().into_owned()
    }
}

impl Posting {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut from = self.from.clone();
        if is_url(&from) && !from.ends_with(".json") {
            from = format!("{}/proof.json", from.trim_end_matches('/'));
        }
        let file: ProofFile = serde_json::from_slice(&read(&from)?)
            .with_context(|| format!("{from} is not a proof file"))?;
        anyhow::ensure!(file.format == ProofFile::FORMAT, "{} is another format", file.format);
        let is_own = self.key.is_empty();
        let keys = if is_own {
            file.keys.iter().filter_map(|key| VerifierKey::parse(key)).collect()
        } else {
            self.key
        };
        let checked = checked(&file, &keys);
        let mut out = std::io::stdout().lock();
        if self.json {
            let said = match &checked {
                Ok(checked) => serde_json::json!({
                    "ok": true, "posting": checked.entry.posting.to_string(), "number": checked.index,
                    "short": checked.checkpoint.short(), "key_given": !is_own,
                }),
                Err(why) => serde_json::json!({ "ok": false, "why": why }),
            };
            writeln!(out, "{said}")?;
        } else {
            match &checked {
                Ok(checked) => {
                    tell(&mut out, checked, if is_own { file.keys.first() } else { None })?
                }
                Err(why) => writeln!(out, "DOES NOT HOLD: {why}")?,
            }
        }
        Ok(ExitCode::from(u8::from(checked.is_err())))
    }
}

fn checked(file: &ProofFile, keys: &[VerifierKey]) -> Result<Checked, String> {
    let byte =
        |i: usize| file.salt.get(2 * i..2 * i + 2).and_then(|d| u8::from_str_radix(d, 16).ok());
    let salt: Option<Vec<u8>> = (0..SALT).map(byte).collect();
    let salt = salt.filter(|_| file.salt.len() == 2 * SALT).and_then(|salt| salt.try_into().ok());
    let salt = salt.ok_or("the salt is not 32 hexadecimal digits")?;
    let (content, entry) = (file.content.as_bytes(), file.entry.as_bytes());
    log::check(content, &salt, entry, &file.proof, keys, &Curves).map_err(|fault| fault.to_string())
}

fn tell(out: &mut impl Write, checked: &Checked, own: Option<&String>) -> anyhow::Result<()> {
    let Checked { entry, index, checkpoint } = checked;
    let Entry { posting, from, to, kind, .. } = entry;
    let what = match kind {
        Kind::List => String::new(),
        Kind::Correction(amended) => format!(", corrects number {amended}"),
    };
    writeln!(out, "genuine: hung from {from} to {to}{what}")?;
    writeln!(out, "posting {posting}, number {index} in the log")?;
    writeln!(out, "log, short form: {}", checkpoint.short())?;
    if let Some(key) = own {
        writeln!(out, "The key came with the file; trust nobody and give it with --key: {key}")?;
    }
    Ok(())
}

impl Checkpoints {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let beside = || match self.new.rsplit_once('/') {
            Some((folder, _)) => folder.to_owned(),
            None => ".".to_owned(),
        };
        let log = self.files.clone().unwrap_or_else(beside);
        let fetch = |tile: Tile| fetch(&log, tile);
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        let mut out = std::io::stdout().lock();
        match log::consistent(&old, &new, &self.key, &Curves, fetch) {
            Ok((old, new)) => {
                writeln!(out, "grew honestly from {} to {} entries", old.size, new.size)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(misfit) => {
                writeln!(out, "DOES NOT HOLD: {misfit}")?;
                Ok(ExitCode::from(1))
            }
        }
    }
}

/// A tile, or as much of the full one where the log has grown since.
fn fetch(log: &str, tile: Tile) -> Result<Vec<u8>, Misfit> {
    let misfit = |what: String| Misfit { path: tile.path(), what };
    let get = |path: String| find(&place_of(log, &path)).map_err(|e| misfit(format!("{e:#}")));
    if let Some(bytes) = get(tile.path())? {
        return Ok(bytes);
    }
    let full = Tile { width: 256, ..tile };
    let mut bytes = get(full.path())?.ok_or_else(|| misfit("is not there".into()))?;
    bytes.truncate(32 * usize::from(tile.width));
    Ok(bytes)
}

impl Log {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut failed = None;
        let read = |path: &str| match find(&place_of(&self.files, path)) {
            Ok(found) => found,
            Err(error) => {
                failed.get_or_insert(error);
                None
            }
        };
        let audited = log::audit(read, &self.key, &Curves, |_, _| {});
        if let Some(error) = failed {
            bail!(error);
        }
        let mut out = std::io::stdout().lock();
        match audited {
            Ok(audited) => {
                let checkpoint = audited.checkpoint;
                writeln!(out, "the whole log holds: {} entries", checkpoint.size)?;
                writeln!(out, "log, short form: {}", checkpoint.short())?;
                Ok(ExitCode::SUCCESS)
            }
            Err(misfit) => {
                writeln!(out, "DOES NOT HOLD: {misfit}")?;
                Ok(ExitCode::from(1))
            }
        }
    }
}
