//! Where jobs wait for the database: so many and no more, and none for an asker who has gone.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::db::Job;

/// Jobs that may wait at one door; one more is told to come back later. More than the edge lets in
/// at once: what comes from inside, seals and lines of the log, finds room too.
pub(crate) const QUEUE: usize = 1_024;

struct Waiting {
    job: Box<dyn Job>,
    since: Instant,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    is_closed: bool,
}

/// Several take from it, and none of them holds it while there is nothing to take.
#[derive(Default)]
struct Room {
    line: Mutex<Line>,
    came: Condvar,
}

impl Room {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The askers' side.
pub(crate) struct Door(Arc<Room>);

/// The side of whoever does the work; several may share it.
pub(crate) struct Inbox(Arc<Room>);

/// Why a job was not taken.
pub(crate) enum Turned {
    Full,
    Closed,
}

pub(crate) fn door() -> (Door, Arc<Inbox>) {
    let room = Arc::new(Room::default());
    (Door(room.clone()), Arc::new(Inbox(room)))
}

impl Door {
    pub fn send(&self, job: Box<dyn Job>) -> Result<(), Turned> {
        let mut line = self.0.line();
        if line.is_closed {
            return Err(Turned::Closed);
        }
        if line.waiting.len() >= QUEUE {
            return Err(Turned::Full);
        }
        line.waiting.push_back(Waiting { job, since: Instant::now() });
        drop(line);
        self.0.came.notify_one();
        Ok(())
    }

    pub fn waiting(&self) -> usize {
        self.0.line().waiting.len()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.line().is_closed = true;
        self.0.came.notify_all();
    }
}

/// Nobody is left to do the work: whoever waits is told, and nobody comes in any more.
impl Drop for Inbox {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.is_closed = true;
        let waiting = std::mem::take(&mut line.waiting);
        drop(line);
        drop(waiting);
    }
}

impl Inbox {
    /// The next job that somebody still waits for, and since when it waits; `None` when the last
    /// `Db` is gone.
    pub fn next(&self) -> Option<(Box<dyn Job>, Instant)> {
        self.next_until(None)
    }

    /// The same, of those that come within this time; nought: of those that are there.
    pub fn next_within(&self, time: Duration) -> Option<Box<dyn Job>> {
        self.next_until(Some(Instant::now() + time)).map(|(job, _)| job)
    }

    pub fn waiting(&self) -> usize {
        self.0.line().waiting.len()
    }

    fn next_until(&self, until: Option<Instant>) -> Option<(Box<dyn Job>, Instant)> {
        loop {
            // One that nobody waits for is dropped with the line let go: it may hold the last `Db`.
            let Waiting { job, since } = self.take(until)?;
            if job.is_wanted() {
                return Some((job, since));
            }
        }
    }

    fn take(&self, until: Option<Instant>) -> Option<Waiting> {
        let mut line = self.0.line();
        loop {
            let taken = line.waiting.pop_front();
            if taken.is_some() || line.is_closed {
                return taken;
            }
            line = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.0.came.wait(line).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return None,
                Some(left) => {
                    let waited = self.0.came.wait_timeout(line, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
