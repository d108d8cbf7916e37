//! `siji restore`: a backup into an empty place. The file is read through first, so that a damaged
//! one changes nothing; the restored zone is verified before it is said to be there.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clap::Args;
use seal::Keys;
use sha2::{Digest, Sha256};
use store::backup::{Given, Table, restore_tables, tables_version};

use super::CHUNK;
use super::file::{Manifest, Piece, Reader};
use crate::zone::Zone;

#[derive(Args)]
pub struct Restore {
    /// The backup. One that rests on an earlier one finds it beside itself.
    file: PathBuf,
    #[command(flatten)]
    zone: Zone,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let begun = Instant::now();
        let keys = self.zone.keys().context(
            "a backup opens with its zone's keys alone: put their copy in place, or name it with --keys",
        )?;
        let manifest = read_through(&self.file, &keys)?;
        let newest = tables_version();
        ensure!(
            manifest.tables <= newest,
            "this backup was made by a newer Siji ({}, tables {}; this program knows {newest}): \
             restore it with that one",
            manifest.program,
            manifest.tables
        );
        match (&self.zone.database, manifest.engine.as_str()) {
            (Some(url), "postgres") => into_schema(url, &self.file, &keys, &manifest)?,
            (None, "sqlite") => into_folder(&self.zone.data, &self.file, &keys)?,
            (Some(_), _) => bail!("this is a backup of a folder: restore it with --data"),
            (None, _) => bail!("this is a backup of PostgreSQL: restore it with --database"),
        }
        let app = self.zone.open_existing()?;
        let report = crate::verify::report(&app, Vec::new(), !self.json)?;
        if let Some(f) = report.finding {
            bail!("restored, but it does not fit: {} {} {}", f.table, f.id, f.what);
        }
        let seconds = begun.elapsed().as_secs_f64();
        if self.json {
            let said = serde_json::json!({
                "ok": true, "at": manifest.at, "log_seal": manifest.log_seal,
                "log_head": manifest.log_head, "seconds": seconds,
            });
            println!("{said}");
        } else {
            let at = jiff::Timestamp::from_millisecond(manifest.at).unwrap_or_default();
            println!("restored as of {at}, and everything fits, in {seconds:.1} s");
            println!("log {} {}", manifest.log_seal, manifest.log_head);
        }
        std::io::stdout().flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Every piece of it opens, to the end; those it rests on as well.
pub(super) fn read_through(path: &Path, keys: &Keys) -> anyhow::Result<Manifest> {
    let (mut reader, manifest) = Reader::open(path, keys)?;
    while !matches!(reader.piece()?, Piece::End) {}
    if let Some(before) = before(path, keys, &manifest)? {
        read_through(&before, keys)?;
    }
    Ok(manifest)
}

/// The backup that this one rests on: the very one, not just one of that name.
fn before(path: &Path, keys: &Keys, manifest: &Manifest) -> anyhow::Result<Option<PathBuf>> {
    let Some((name, salt)) = &manifest.after else { return Ok(None) };
    let before = path.with_file_name(name);
    let (reader, _) = Reader::open(&before, keys)
        .with_context(|| format!("{} rests on {name}, which must lie beside it", path.display()))?;
    ensure!(reader.salt() == *salt, "{name} is not the backup that {} rests on", path.display());
    Ok(Some(before))
}

fn into_folder(folder: &Path, path: &Path, keys: &Keys) -> anyhow::Result<()> {
    let database = folder.join("siji.db");
    ensure!(
        !database.exists() && !folder.join("siji.db-wal").exists(),
        "there is a zone in {}: a backup is restored into an empty place",
        folder.display()
    );
    std::fs::create_dir_all(folder)?;
    let half = folder.join("siji.db.part");
    let filled = fill(&half, path, keys);
    filled.inspect_err(|_| drop(std::fs::remove_file(&half)))?;
    std::fs::rename(&half, &database)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// The whole file, from the first backup of the chain on, and each chunk as its hash says.
fn fill(half: &Path, path: &Path, keys: &Keys) -> anyhow::Result<()> {
    let mut chain = vec![path.to_path_buf()];
    loop {
        let last = chain.last().context("a backup")?.clone();
        let (_, manifest) = Reader::open(&last, keys)?;
        match before(&last, keys, &manifest)? {
            Some(before) => chain.push(before),
            None => break,
        }
    }
    let _ = std::fs::remove_file(half);
    let out = File::options().read(true).write(true).create_new(true).open(half)?;
    let (mut wanted, mut size) = (Vec::new(), 0);
    for path in chain.iter().rev() {
        let (mut reader, manifest) = Reader::open(path, keys)?;
        size = manifest.size;
        loop {
            match reader.piece()? {
                Piece::Index(index) => wanted = index,
                Piece::Chunk(number, bytes) => {
                    out.write_all_at(&bytes, u64::from(number) * CHUNK as u64)?;
                }
                Piece::End => break,
                _ => bail!("{} is not of a folder", path.display()),
            }
        }
    }
    out.set_len(size)?;
    let mut at = 0;
    super::each_chunk(half, |chunk| {
        let hash: [u8; 32] = Sha256::digest(chunk).into();
        ensure!(wanted.get(at) == Some(&hash), "chunk {at} is not what the backup says it is");
        at += 1;
        Ok(())
    })?;
    ensure!(at == wanted.len(), "the backup lacks chunks");
    out.sync_all()?;
    Ok(())
}

fn into_schema(url: &str, path: &Path, keys: &Keys, manifest: &Manifest) -> anyhow::Result<()> {
    let (mut reader, _) = Reader::open(path, keys)?;
    let next = || {
        let piece = reader.piece().map_err(|e| store::Broken::data(format!("{e:#}")))?;
        Ok(match piece {
            Piece::Table(name, columns) => Given::Table(Table { name, columns }),
            Piece::Lines(lines) => Given::Lines(lines),
            Piece::End => Given::End,
            _ => return Err(store::Broken::data("this backup is not of PostgreSQL")),
        })
    };
    restore_tables(url, manifest.tables, next)
        .map_err(|e| anyhow::anyhow!("nothing was restored: {e}"))
}
