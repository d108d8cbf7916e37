//! How much may be under way at once. Each kind of work has its places; a few more requests wait a
//! moment for one, and whoever comes later is told so before anything of theirs is read or looked
//! up. What was let in is finished: its places are few enough for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::route::Work;

/// Requests under way at once, of each kind of work; as many more may wait for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub public: usize,
    pub read: usize,
    pub write: usize,
    pub sign_in: usize,
    pub heavy: usize,
    pub public_heavy: usize,
    pub watch: usize,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            public: 128,
            read: 128,
            write: 512,
            sign_in: 16,
            heavy: 16,
            public_heavy: 4,
            watch: 8,
        }
    }
}

impl Places {
    /// `None` for work that needs no place.
    pub fn of(&mut self, work: Work) -> Option<&mut usize> {
        Some(match work {
            Work::Slight => return None,
            Work::Public => &mut self.public,
            Work::Read => &mut self.read,
            Work::Write => &mut self.write,
            Work::SignIn => &mut self.sign_in,
            Work::Heavy => &mut self.heavy,
            Work::PublicHeavy => &mut self.public_heavy,
            Work::Watch => &mut self.watch,
        })
    }
}

/// A place of a request, held by whatever is done for it.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

/// There is no place, and none came free in time.
#[derive(Debug)]
pub(crate) struct Full;

pub(crate) struct Gate {
    rooms: Vec<(Work, Room)>,
    wait: Duration,
}

struct Room {
    max: usize,
    places: Arc<Semaphore>,
    line: Semaphore,
}

impl Gate {
    pub fn new(mut places: Places, wait: Duration) -> Gate {
        let room = |work| {
            let max = places.of(work).map_or(Semaphore::MAX_PERMITS, |max| *max);
            let places = Arc::new(Semaphore::new(max));
            (work, Room { max, places, line: Semaphore::new(max) })
        };
        Gate { rooms: Work::ALL.map(room).into(), wait }
    }

    pub async fn enter(&self, work: Work) -> Result<Place, Full> {
        let room = self.rooms.iter().find(|(of, _)| *of == work).map(|(_, room)| room);
        let room = room.expect("every kind of work has its room");
        if let Ok(place) = room.places.clone().try_acquire_owned() {
            return Ok(Arc::new(place));
        }
        if self.wait.is_zero() {
            return Err(Full);
        }
        let _in_line = room.line.try_acquire().map_err(|_| Full)?;
        let place = timeout(self.wait, room.places.clone().acquire_owned()).await;
        place.map_err(|_| Full)?.map(Arc::new).map_err(|_| Full)
    }

    /// Of each kind: the requests under way, and those that wait.
    pub fn taken(&self) -> impl Iterator<Item = (Work, usize, usize)> {
        self.rooms.iter().filter(|(work, _)| *work != Work::Slight).map(|(work, room)| {
            let under_way = room.max - room.places.available_permits();
            (*work, under_way, room.max - room.line.available_permits())
        })
    }
}

/// What the bodies of all requests take together, in bytes.
#[derive(Default)]
pub(crate) struct Bodies(Arc<AtomicUsize>);

/// What one body takes, for as long as it lives.
pub(crate) struct Held {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Bodies {
    pub fn none(&self) -> Held {
        Held { all: self.0.clone(), bytes: 0 }
    }
}

impl Held {
    /// Refuses what would be more than `max` for all together.
    pub fn grow(&mut self, bytes: usize, max: usize) -> Result<(), Full> {
        let before = self.all.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes > max { Err(Full) } else { Ok(()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
