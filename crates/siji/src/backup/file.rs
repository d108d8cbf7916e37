//! A backup's file: pieces, each compressed and then sealed with the zone's keys.
//!
//! ```text
//! SIJIBAK1  salt (16)  proof of the keys (32)
//! { length (4, big-endian)  envelope }…
//! ```
//!
//! An envelope is sealed for its place: this file's salt and its number in it. A piece that was
//! changed, moved, left out or brought from elsewhere does not open. The last one says that it is.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use seal::{Keys, Spot};
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"SIJIBAK1";
/// Larger than any piece that is ever written.
const LONGEST: usize = 8 << 20;

/// What a backup is of; the first piece.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Manifest {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The program that made it, and the tables it knew.
    pub program: String,
    pub tables: i64,
    /// Milliseconds since 1970, UTC: everything answered before it is in it.
    pub at: i64,
    /// The log's newest seal.
    pub log_seal: i64,
    pub log_head: String,
    /// The backup that this one rests on: its file's name and salt.
    pub after: Option<(String, String)>,
    /// SQLite: bytes of the whole file.
    pub size: u64,
}

/// A piece, by its first byte.
#[derive(Debug)]
pub enum Piece {
    Manifest(Manifest),
    /// SQLite: the hashes of all chunks, in order.
    Index(Vec<[u8; 32]>),
    /// SQLite: one chunk by its number.
    Chunk(u32, Vec<u8>),
    /// PostgreSQL: a table's name and columns.
    Table(String, Vec<String>),
    Lines(Vec<u8>),
    End,
}

pub struct Writer<'k> {
    out: BufWriter<File>,
    keys: &'k Keys,
    salt: [u8; 16],
    number: u32,
    pub bytes: u64,
}

fn proof(keys: &Keys) -> anyhow::Result<[u8; 32]> {
    let proofs = keys.proofs();
    let found = proofs.iter().find(|(name, _)| name == "fingerprint");
    Ok(found.context("the keys lack `fingerprint`")?.1)
}

impl<'k> Writer<'k> {
    pub fn create(path: &Path, keys: &'k Keys) -> anyhow::Result<Writer<'k>> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut open = File::options();
        let file = open.write(true).create_new(true).mode(0o600).open(path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let salt: [u8; 16] = web::random();
        out.write_all(MAGIC)?;
        out.write_all(&salt)?;
        out.write_all(&proof(keys)?)?;
        Ok(Writer { out, keys, salt, number: 0, bytes: 56 })
    }

    pub fn piece(&mut self, piece: &Piece) -> anyhow::Result<()> {
        let (kind, body) = piece.written()?;
        let mut packed = vec![kind];
        DeflateEncoder::new(body.as_slice(), Compression::fast()).read_to_end(&mut packed)?;
        let field = self.number.to_string();
        let spot = Spot { table: "backup", field: &field, row: &self.salt };
        let sealed = self.keys.seal(spot, &packed)?;
        ensure!(sealed.len() <= LONGEST, "a piece is too long");
        self.out.write_all(&u32::try_from(sealed.len())?.to_be_bytes())?;
        self.out.write_all(&sealed)?;
        self.number += 1;
        self.bytes += sealed.len() as u64 + 4;
        Ok(())
    }

    /// Says that it is whole, and waits until it is on the disk.
    pub fn end(mut self) -> anyhow::Result<u64> {
        self.piece(&Piece::End)?;
        let file = self.out.into_inner()?;
        file.sync_all()?;
        Ok(self.bytes)
    }
}

pub struct Reader<'k> {
    from: BufReader<File>,
    keys: &'k Keys,
    salt: [u8; 16],
    number: u32,
    path: PathBuf,
}

impl<'k> Reader<'k> {
    /// Opens it and reads what it is of.
    pub fn open(path: &Path, keys: &'k Keys) -> anyhow::Result<(Reader<'k>, Manifest)> {
        let named = || path.display().to_string();
        let file = File::open(path).with_context(named)?;
        let mut from = BufReader::with_capacity(1 << 20, file);
        let mut head = [0; 56];
        let is_read = from.read_exact(&mut head).is_ok();
        ensure!(
            is_read && head.starts_with(MAGIC),
            "{} is no backup of Siji, or its first bytes are damaged",
            named()
        );
        let (salt, of_keys) = (head[8..24].try_into()?, &head[24..]);
        ensure!(
            of_keys == proof(keys)?,
            "{} was not sealed with these keys: it is another zone's, or the key file is, or its first bytes are damaged",
            named()
        );
        let mut reader = Reader { from, keys, salt, number: 0, path: path.to_path_buf() };
        let Piece::Manifest(manifest) = reader.piece()? else { bail!(reader.damaged()) };
        Ok((reader, manifest))
    }

    pub fn salt(&self) -> String {
        hex(&self.salt)
    }

    fn damaged(&self) -> String {
        format!(
            "{} is damaged at piece {}: take another backup; nothing was restored",
            self.path.display(),
            self.number
        )
    }

    pub fn piece(&mut self) -> anyhow::Result<Piece> {
        let read = self.read();
        let piece = read.map_err(|why| why.context(self.damaged()))?;
        self.number += 1;
        Ok(piece)
    }

    fn read(&mut self) -> anyhow::Result<Piece> {
        let mut long = [0; 4];
        self.from.read_exact(&mut long)?;
        let long = u32::from_be_bytes(long) as usize;
        ensure!(long <= LONGEST, "a piece of {long} bytes");
        let mut sealed = vec![0; long];
        self.from.read_exact(&mut sealed)?;
        let field = self.number.to_string();
        let spot = Spot { table: "backup", field: &field, row: &self.salt };
        let packed = self.keys.open(spot, &sealed)?;
        let (kind, packed) = packed.split_first().context("an empty piece")?;
        let mut body = Vec::new();
        DeflateDecoder::new(packed).read_to_end(&mut body)?;
        let piece = Piece::read(*kind, body)?;
        if matches!(piece, Piece::End) {
            ensure!(self.from.read(&mut [0])? == 0, "something stands after its end");
        }
        Ok(piece)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Piece {
    fn written(&self) -> anyhow::Result<(u8, Vec<u8>)> {
        Ok(match self {
            Piece::Manifest(manifest) => (1, serde_json::to_vec(manifest)?),
            Piece::Index(hashes) => (2, hashes.concat()),
            Piece::Chunk(number, bytes) => (3, [&number.to_be_bytes(), bytes.as_slice()].concat()),
            Piece::Table(name, columns) => (4, serde_json::to_vec(&(name, columns))?),
            Piece::Lines(bytes) => (5, bytes.clone()),
            Piece::End => (6, Vec::new()),
        })
    }

    fn read(kind: u8, body: Vec<u8>) -> anyhow::Result<Piece> {
        Ok(match kind {
            1 => Piece::Manifest(serde_json::from_slice(&body)?),
            2 => {
                let hashes = body.chunks(32).map(<[u8; 32]>::try_from);
                Piece::Index(hashes.collect::<Result<_, _>>()?)
            }
            3 => {
                let (number, bytes) = body.split_first_chunk().context("a short chunk")?;
                Piece::Chunk(u32::from_be_bytes(*number), bytes.to_vec())
            }
            4 => {
                let (name, columns) = serde_json::from_slice(&body)?;
                Piece::Table(name, columns)
            }
            5 => Piece::Lines(body),
            6 => Piece::End,
            _ => bail!("a piece of no known kind"),
        })
    }
}
