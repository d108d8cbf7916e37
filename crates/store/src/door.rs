//! Where jobs wait for the database: so many and no more, and none for an asker who has gone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
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
    /// Whoever has nothing to do, the last to have had something at the end.
    idle: Vec<Thread>,
    is_closed: bool,
}

/// Several take from it, and none of them holds it while there is nothing to take. Who worked last is
/// called first: their connection has its statements planned and its pages at hand, and where one is
/// enough the others stay asleep.
#[derive(Default)]
struct Room {
    line: Mutex<Line>,
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
        let called = line.idle.pop();
        drop(line);
        if let Some(called) = called {
            called.unpark();
        }
        Ok(())
    }

    pub fn waiting(&self) -> usize {
        self.0.line().waiting.len()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.is_closed = true;
        line.idle.drain(..).for_each(|idle| idle.unpark());
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
        let me = std::thread::current();
        let mut line = self.0.line();
        loop {
            // Whoever was called takes what there is, their time over or not: nobody else was called.
            let taken = line.waiting.pop_front();
            if taken.is_some() || line.is_closed {
                return taken;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return None;
            }
            line.idle.push(me.clone());
            drop(line);
            match left {
                None => std::thread::park(),
                Some(left) => std::thread::park_timeout(left),
            }
            line = self.0.line();
            // Woken by nobody's call, they still stand there.
            line.idle.retain(|idle| idle.id() != me.id());
        }
    }
}
