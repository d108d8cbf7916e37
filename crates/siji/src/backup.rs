//! `siji backup`: one moment of the zone into one file, while others write; read again and checked
//! before it is said to be made.

mod file;
mod restore;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use app::{App, Failure, Never, Reach};
use clap::Args;
use sha2::{Digest, Sha256};
use store::backup::{Part, copy_file, copy_tables, log_head, tables_version};

use crate::keys::said;
use crate::zone::Zone;
use file::{Manifest, Piece, Reader, Writer, hex};

pub use restore::Restore;

/// How backups are named: `siji-20261127-101500.siji-backup`.
pub const ENDING: &str = "siji-backup";

/// Pieces of an SQLite file: what has not changed since the backup before is not written again.
const CHUNK: usize = 1 << 16;

#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    zone: Zone,
    /// Folder for the backups; not on the zone's own disk, if it is to be of use.
    to: PathBuf,
    /// SQLite: write only what has changed since the newest backup in the folder, which is needed to
    /// restore this one.
    #[arg(long)]
    incremental: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let begun = Instant::now();
        let app = self.zone.open_existing()?;
        std::fs::create_dir_all(&self.to)?;
        let now = web::now();
        // Every line of the log under a seal, so that the backup's head says all of it.
        app.seal(now)?;
        let after = match self.incremental {
            true => newest(&self.to)?,
            false => None,
        };
        let name = format!("siji-{}.{ENDING}", stamp(now));
        let (half, whole) = (self.to.join(format!("{name}.part")), self.to.join(&name));
        ensure!(!whole.exists(), "{} is there already", whole.display());
        let _ = std::fs::remove_file(&half);
        let made = make(&app, &half, after.as_deref(), now);
        let (bytes, manifest) = made.inspect_err(|_| drop(std::fs::remove_file(&half)))?;
        std::fs::rename(&half, &whole)?;
        std::fs::File::open(&self.to)?.sync_all()?;
        let seconds = begun.elapsed().as_secs_f64();
        if self.json {
            let said = serde_json::json!({
                "file": whole, "bytes": bytes, "engine": manifest.engine, "tables": manifest.tables,
                "log_seal": manifest.log_seal, "log_head": manifest.log_head,
                "after": manifest.after.map(|(name, _)| name), "seconds": seconds,
            });
            println!("{said}");
        } else {
            println!("{}\n{bytes} bytes, checked, in {seconds:.1} s", whole.display());
            println!("log {} {}", manifest.log_seal, manifest.log_head);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `20261127-101500`, UTC.
fn stamp(now: domain::Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(now).unwrap_or_default();
    at.strftime("%Y%m%d-%H%M%S").to_string()
}

/// The newest whole backup in a folder.
pub fn newest(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .collect();
    found.sort();
    Ok(found.pop())
}

fn make(
    app: &App,
    to: &Path,
    after: Option<&Path>,
    now: domain::Millis,
) -> anyhow::Result<(u64, Manifest)> {
    match app.db.is_sqlite() {
        true => of_file(app, to, after, now),
        false => of_tables(app, to, now),
    }
}

fn manifest(app: &App, now: domain::Millis, head: Option<(i64, Vec<u8>)>) -> Manifest {
    let (log_seal, head) = head.unwrap_or_default();
    Manifest {
        engine: if app.db.is_sqlite() { "sqlite" } else { "postgres" }.into(),
        program: env!("CARGO_PKG_VERSION").into(),
        tables: tables_version(),
        at: now,
        log_seal,
        log_head: hex(&head),
        after: None,
        size: 0,
    }
}

/// SQLite: the copy is verified as a zone of its own before it is packed.
fn of_file(
    app: &App,
    to: &Path,
    after: Option<&Path>,
    now: domain::Millis,
) -> anyhow::Result<(u64, Manifest)> {
    let beside = to.parent().unwrap_or(Path::new("."));
    let copy = tempfile::Builder::new().prefix(".siji-copy-").tempdir_in(beside)?;
    let place = copy.path().join("siji.db");
    let head = said(
        app.read::<_, Never>(Reach::System, move |tx| {
            copy_file(tx, &place)?;
            Ok(log_head(tx)?)
        })
        .wait(),
    )?;
    let mut manifest = manifest(app, now, head);
    let before = after.map(|path| index_of(app, path)).transpose()?;
    let database = copy.path().join("siji.db");
    check_copy(app, &copy, &database)?;
    manifest.size = std::fs::metadata(&database)?.len();
    manifest.after = before.as_ref().map(|(name, salt, _)| (name.clone(), salt.clone()));
    let known = before.map(|(.., index)| index).unwrap_or_default();

    let mut index = Vec::new();
    each_chunk(&database, |chunk| {
        index.push(Sha256::digest(chunk).into());
        Ok(())
    })?;
    let mut writer = Writer::create(to, app.db.keys())?;
    writer.piece(&Piece::Manifest(manifest.clone()))?;
    writer.piece(&Piece::Index(index.clone()))?;
    let mut number = 0_u32;
    each_chunk(&database, |chunk| {
        let at = number as usize;
        if known.get(at) != index.get(at) {
            writer.piece(&Piece::Chunk(number, chunk.to_vec()))?;
        }
        number += 1;
        Ok(())
    })?;
    let bytes = writer.end()?;
    restore::read_through(to, app.db.keys())?;
    Ok((bytes, manifest))
}

/// The copy is opened with the keys as they are and recomputed from the first record on.
fn check_copy(app: &App, copy: &tempfile::TempDir, database: &Path) -> anyhow::Result<()> {
    let keys = app.db.keys_shared();
    let verified = copy.path().join("verified");
    std::fs::create_dir(&verified)?;
    // Opening writes a little; what is packed stays as it was copied.
    std::fs::copy(database, verified.join("siji.db"))?;
    let opened = App::open(&store::Options::folder(&verified, keys))
        .map_err(|e| anyhow::anyhow!("the copy does not open: {e}"))?;
    let report = crate::verify::report(&opened, Vec::new(), false)?;
    if let Some(f) = report.finding {
        anyhow::bail!(
            "the zone itself does not fit, so this is no backup: {} {} {}",
            f.table,
            f.id,
            f.what
        );
    }
    drop(opened);
    std::fs::remove_dir_all(verified)?;
    Ok(())
}

fn each_chunk(path: &Path, mut see: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut from = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(path)?);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        from.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(());
        }
        see(&chunk)?;
    }
}

/// Name, salt and chunk hashes of the backup to build on.
fn index_of(app: &App, path: &Path) -> anyhow::Result<(String, String, Vec<[u8; 32]>)> {
    let (mut reader, manifest) = Reader::open(path, app.db.keys())?;
    ensure!(manifest.engine == "sqlite", "{} is of another database", path.display());
    let Piece::Index(index) = reader.piece()? else {
        anyhow::bail!("{} is damaged", path.display())
    };
    let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
    Ok((name, reader.salt(), index))
}

/// PostgreSQL: verified and copied within one snapshot.
fn of_tables(app: &App, to: &Path, now: domain::Millis) -> anyhow::Result<(u64, Manifest)> {
    let (to, shared) = (to.to_path_buf(), app.clone());
    let path = to.clone();
    let made = app.read::<_, Never>(Reach::System, move |tx| {
        let report = app::verify::verify(tx, |_| ())?;
        if let Some(f) = report.finding {
            let what = format!("the zone itself does not fit: {} {} {}", f.table, f.id, f.what);
            return Err(Failure::Broken(store::Broken::data(what)));
        }
        let manifest = manifest(&shared, now, log_head(tx)?);
        // A second run, after a lost connection, begins anew.
        let _ = std::fs::remove_file(&path);
        let broken = |e: anyhow::Error| store::Broken::data(format!("{e:#}"));
        let mut writer = Writer::create(&path, shared.db.keys()).map_err(broken)?;
        writer.piece(&Piece::Manifest(manifest.clone())).map_err(broken)?;
        copy_tables(tx, |part| {
            let piece = match part {
                Part::Table(table) => Piece::Table(table.name.clone(), table.columns.clone()),
                Part::Lines(lines) => Piece::Lines(lines.to_vec()),
            };
            writer.piece(&piece).map_err(broken)
        })?;
        Ok((writer.end().map_err(broken)?, manifest))
    });
    let made = said(made.wait())?;
    restore::read_through(&to, app.db.keys())?;
    std::io::stdout().flush()?;
    Ok(made)
}
