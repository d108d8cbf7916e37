//! A disk that writes down what it is told: one file in a FUSE file system, under a loop device. From
//! its notes every state is made that a power cut may leave: writes since the last flush in order, or
//! any of them without the others, or the last one torn between sectors.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyWrite, Request, WriteFlags,
};

use crate::dice::Dice;

#[derive(Clone)]
pub enum Note {
    Write(u64, Vec<u8>),
    Flush,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    notes: Vec<Note>,
}

/// The disk as its notes tell it.
#[derive(Clone, Default)]
pub struct Noted {
    kept: Arc<Mutex<Kept>>,
    /// How many notes there are: the journal's clock.
    pub count: Arc<AtomicUsize>,
}

impl Noted {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: Note) {
        let mut kept = self.kept();
        if let Note::Write(at, bytes) = &note {
            let at = *at as usize;
            let end = (at + bytes.len()).min(kept.bytes.len());
            kept.bytes[at..end].copy_from_slice(&bytes[..end - at]);
        }
        kept.notes.push(note);
        self.count.store(kept.notes.len(), Ordering::SeqCst);
    }

    /// The disk as it is now, and nothing noted yet.
    pub fn begin(&self) -> Vec<u8> {
        let mut kept = self.kept();
        kept.notes.clear();
        self.count.store(0, Ordering::SeqCst);
        kept.bytes.clone()
    }

    pub fn notes(&self) -> Vec<Note> {
        self.kept().notes.clone()
    }
}

/// How the writes since the last flush before the cut come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    InOrder,
    AnySubset,
    /// The last one in part, by sectors of 512 bytes.
    Torn,
}

/// The disk after a cut at this note.
pub fn state(before: &[u8], notes: &[Note], cut: usize, mode: Mode, dice: &mut Dice) -> Vec<u8> {
    let mut disk = before.to_vec();
    let mut put = |at: u64, bytes: &[u8]| {
        let at = at as usize;
        let end = (at + bytes.len()).min(disk.len());
        disk[at..end].copy_from_slice(&bytes[..end - at]);
    };
    let cut = cut.min(notes.len());
    let flushed = notes[..cut].iter().rposition(|n| matches!(n, Note::Flush)).unwrap_or(0);
    for (number, note) in notes[..cut].iter().enumerate() {
        let Note::Write(at, bytes) = note else { continue };
        let is_settled = number < flushed;
        let is_last = number + 1 == cut;
        if is_settled || mode == Mode::InOrder {
            put(*at, bytes);
        } else if mode == Mode::AnySubset {
            if dice.below(2) == 0 {
                put(*at, bytes);
            }
        } else if is_last {
            for (sector, part) in bytes.chunks(512).enumerate() {
                if dice.below(2) == 0 {
                    put(at + 512 * sector as u64, part);
                }
            }
        } else {
            put(*at, bytes);
        }
    }
    disk
}

struct Disk(Noted);

const TTL: Duration = Duration::from_secs(60);
const FILE: u64 = 2;

impl Disk {
    fn attributes(&self, ino: u64) -> FileAttr {
        let size = if ino == FILE { self.0.kept().bytes.len() as u64 } else { 0 };
        FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if ino == FILE { FileType::RegularFile } else { FileType::Directory },
            perm: 0o755,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 4096,
        }
    }
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match name.to_str() {
            Some("disk") => reply.entry(&TTL, &self.attributes(FILE), Generation(0)),
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attributes(u64::from(ino)));
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let kept = self.0.kept();
        let long = kept.bytes.len();
        let (from, to) = ((offset as usize).min(long), (offset as usize + size as usize).min(long));
        reply.data(&kept.bytes[from..to]);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.0.note(Note::Write(offset, data.to_vec()));
        reply.written(data.len() as u32);
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.0.note(Note::Flush);
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }
}

/// Serves these bytes as the file `disk` in a folder, until the session is dropped.
pub fn serve(bytes: Vec<u8>, at: &Path) -> anyhow::Result<(Noted, PathBuf, BackgroundSession)> {
    std::fs::create_dir_all(at)?;
    let noted = Noted::default();
    noted.kept().bytes = bytes;
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("siji-faults".into()), MountOption::RW];
    let session = fuser::spawn_mount(Disk(noted.clone()), at, &config)?;
    Ok((noted, at.join("disk"), session))
}
