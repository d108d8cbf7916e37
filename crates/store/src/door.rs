//! Where jobs wait for the database: so many and no more, and none for an asker who has gone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::db::Job;

/// Jobs that may wait at one door; one more is told to come back later. More than the edge lets in
/// at once: what comes from inside, seals and lines of the log, finds room too.
pub(crate) const QUEUE: usize = 1_024;

struct Waiting {
    job: Box<dyn Job>,
    since: Instant,
}

/// The askers' side.
pub(crate) struct Door {
    sender: SyncSender<Waiting>,
    waiting: Arc<AtomicUsize>,
}

/// The side of whoever does the work; several may share it.
pub(crate) struct Inbox {
    receiver: Mutex<Receiver<Waiting>>,
    waiting: Arc<AtomicUsize>,
}

/// Why a job was not taken.
pub(crate) enum Turned {
    Full,
    Closed,
}

pub(crate) fn door() -> (Door, Arc<Inbox>) {
    let (sender, receiver) = sync_channel(QUEUE);
    let waiting = Arc::new(AtomicUsize::new(0));
    let door = Door { sender, waiting: waiting.clone() };
    (door, Arc::new(Inbox { receiver: Mutex::new(receiver), waiting }))
}

impl Door {
    pub fn send(&self, job: Box<dyn Job>) -> Result<(), Turned> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.sender.try_send(Waiting { job, since: Instant::now() });
        sent.map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => Turned::Full,
                TrySendError::Disconnected(_) => Turned::Closed,
            }
        })
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Inbox {
    /// The next job that somebody still waits for, and since when it waits; `None` when the last
    /// `Db` is gone.
    pub fn next(&self) -> Option<(Box<dyn Job>, Instant)> {
        loop {
            let taken = self.receiver.lock().ok()?.recv().ok()?;
            if let Some(wanted) = self.taken(taken) {
                return Some(wanted);
            }
        }
    }

    /// The same, of those that come within this time; nought: of those that are there.
    pub fn next_within(&self, time: Duration) -> Option<Box<dyn Job>> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let receiver = self.receiver.lock().ok()?;
            let taken = match left.is_zero() {
                true => receiver.try_recv().ok()?,
                false => match receiver.recv_timeout(left) {
                    Ok(taken) => taken,
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
                },
            };
            drop(receiver);
            if let Some((job, _)) = self.taken(taken) {
                return Some(job);
            }
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn taken(&self, taken: Waiting) -> Option<(Box<dyn Job>, Instant)> {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        taken.job.is_wanted().then_some((taken.job, taken.since))
    }
}
