//! What was asked and what was answered, kept by the asker: in memory for the checker, and in a
//! file that is only added to, for whoever wants to see how a bad run came about.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::{Answer, Asked};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Sheet,
    /// Up to fifty, sent together.
    Sheets,
    Objection,
    Answer,
    Certify,
    Redeem,
    Reverse,
    Import,
}

/// One command: asked once or more often, always the same.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub key: String,
    /// Of sheets sent together, each one's; `key` is the first.
    pub keys: Vec<String>,
    /// Whom a redemption is for.
    pub household: String,
    pub asked: Asked,
    /// The last answer that says what became of it. A 5xx says nothing of the sort.
    pub answer: Option<Answer>,
    /// What the disk's clock said when the answer was there.
    pub clock: usize,
}

impl Entry {
    pub fn is_acked(&self) -> bool {
        self.answer.as_ref().is_some_and(|a| a.status < 300)
    }

    /// Each of its keys, and the status with which that was answered.
    pub fn each(&self) -> Vec<(&str, Option<u16>)> {
        let status = self.answer.as_ref().map(|a| a.status);
        if self.kind != Kind::Sheets {
            return vec![(&self.key, status)];
        }
        let told = self.answer.as_ref().map(crate::http::Answer::json).unwrap_or_default();
        let of =
            |n: usize| told["sheets"][n]["status"].as_u64().and_then(|s| u16::try_from(s).ok());
        let each = self.keys.iter().enumerate();
        each.map(|(n, key)| (key.as_str(), of(n).or(status))).collect()
    }
}

#[derive(Default)]
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
    file: Option<Mutex<File>>,
    broken: AtomicUsize,
    /// The number of things that a disk was told, where one counts.
    pub clock: Option<Arc<AtomicUsize>>,
}

impl Journal {
    pub fn in_file(path: &Path) -> anyhow::Result<Journal> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Journal { file: Some(Mutex::new(file)), ..Journal::default() })
    }

    fn write(&self, line: &str) {
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(file, "{line}");
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Written down before it is sent.
    pub fn sending(&self, entry: Entry) -> usize {
        let body = String::from_utf8_lossy(&entry.asked.body[..entry.asked.body.len().min(400)]);
        self.write(&format!("sent {} {} {body}", entry.key, entry.asked.path));
        let mut entries = self.held();
        entries.push(entry);
        entries.len() - 1
    }

    pub fn answered(&self, at: usize, answer: Answer) {
        if answer.status == 500 {
            self.write(&format!("broke {}", answer.body));
            self.broken.fetch_add(1, Ordering::Relaxed);
        }
        // A 429 or a 5xx leaves it open: it is asked again.
        if answer.status >= 500 || answer.status == 429 {
            return;
        }
        let clock = self.clock.as_ref().map_or(0, |clock| clock.load(Ordering::SeqCst));
        let mut entries = self.held();
        if let Some(entry) = entries.get_mut(at) {
            self.write(&format!("answered {} {} {}", entry.key, answer.status, answer.body));
            entry.answer = Some(answer);
            entry.clock = clock;
        }
    }

    /// What another journal had.
    pub fn put(&self, entry: Entry) {
        self.held().push(entry);
    }

    /// How often the answer was that it does not know why it cannot.
    pub fn broken(&self) -> usize {
        self.broken.load(Ordering::Relaxed)
    }

    pub fn all(&self) -> Vec<Entry> {
        self.held().clone()
    }

    /// Asked, and nobody knows what became of them.
    pub fn open(&self) -> Vec<(usize, Entry)> {
        let entries = self.held();
        let open = entries.iter().enumerate().filter(|(_, e)| e.answer.is_none());
        open.map(|(at, e)| (at, e.clone())).collect()
    }
}
