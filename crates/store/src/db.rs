//! The database as the house sees it: give it work, get an answer once the work is durable.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use domain::access::Reach;
use tokio::sync::{oneshot, watch};

use crate::door::{Door, Turned};
use crate::{Broken, Keys, Result, Tx};

/// How many jobs share a commit (SQLite). All but the last are there to measure what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// One for each.
    Each,
    /// One for all that wait.
    Waiting,
    /// One for all that wait and for those whose askers, by the last groups, are about to come.
    Gathered,
}

/// Where a zone is kept.
#[derive(Clone, Debug)]
pub struct Options {
    pub place: Place,
    pub commits: Commits,
    /// Connections that read at once.
    pub readers: usize,
    /// Connections that write at once; one on SQLite.
    pub writers: usize,
    /// Called on each reader's own thread as it begins (SQLite).
    pub reader_begins: fn(),
    /// What sensitive values are sealed with.
    pub keys: Arc<Keys>,
}

#[derive(Clone, Debug)]
pub enum Place {
    /// A folder; the zone is its file `siji.db`.
    Folder(PathBuf),
    /// `postgres://…`; the zone is the schema named by `?schema=`, or `siji`.
    Postgres(String),
}

impl Options {
    fn of(place: Place, readers: usize, writers: usize, keys: Arc<Keys>) -> Options {
        let commits = Commits::Gathered;
        Options { place, commits, readers, writers, reader_begins: || {}, keys }
    }
    pub fn folder(folder: impl Into<PathBuf>, keys: Arc<Keys>) -> Options {
        Options::of(Place::Folder(folder.into()), 4, 1, keys)
    }
    pub fn postgres(url: impl Into<String>, keys: Arc<Keys>) -> Options {
        Options::of(Place::Postgres(url.into()), beside(), beside(), keys)
    }
}

/// So many connections read, and so many write, beside each other: while one waits for the disk or the
/// network, the others keep the processor busy. More would do no more where the database stands on this
/// machine: they spoil each other's writes, and whoever is to be heard waits behind them.
fn beside() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(7) + 1
}

/// Lets the store see whether an error of the layer above is one of its own.
pub trait Fault: From<Broken> {
    fn broken(&self) -> Option<&Broken>;
}

impl Fault for Broken {
    fn broken(&self) -> Option<&Broken> {
        Some(self)
    }
}

/// A zone's database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Db {
    doors: Arc<Doors>,
    keys: Arc<Keys>,
}

pub(crate) struct Doors {
    /// Whether the disk has failed the writer.
    pub(crate) lost: watch::Receiver<bool>,
    pub(crate) write: Option<Door>,
    pub(crate) read: Option<Door>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) threads: std::sync::Mutex<Vec<std::thread::JoinHandle<()>>>,
    pub(crate) is_sqlite: bool,
}

/// What was made durable since the start.
#[derive(Default)]
pub(crate) struct Tally {
    commits: AtomicU64,
    jobs: AtomicU64,
}

impl Tally {
    pub(crate) fn committed(&self, jobs: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(jobs as u64, Ordering::Relaxed);
    }
}

/// How much waits and how much was done, for whoever watches over the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Jobs that wait to be begun.
    pub writes_waiting: usize,
    pub reads_waiting: usize,
    /// Commits since the start, and the jobs in them.
    pub commits: u64,
    pub committed: u64,
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.write = None;
        self.read = None;
        if let Ok(mut threads) = self.threads.lock() {
            for thread in threads.drain(..) {
                // The last clone may be dropped on one of these threads by a job's own closure.
                if thread.thread().id() != std::thread::current().id() {
                    let _ = thread.join();
                }
            }
        }
    }
}

impl Db {
    /// Opens a zone, making or moving forward its tables. Refuses an SQLite with the WAL-reset bug,
    /// a database made by a newer Siji, and one sealed with keys that are not here.
    pub fn open(options: &Options) -> Result<Db> {
        let doors = match &options.place {
            Place::Folder(folder) => crate::sqlite_writer::open(folder, options)?,
            Place::Postgres(url) => crate::postgres_pool::open(url, options)?,
        };
        let db = Db { doors: Arc::new(doors), keys: options.keys.clone() };
        db.write::<_, Broken>(Reach::System, crate::sealed::know_keys).wait()?;
        Ok(db)
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The same keys, for a second zone that is sealed with them.
    pub fn keys_shared(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    pub fn is_sqlite(&self) -> bool {
        self.doors.is_sqlite
    }

    pub fn figures(&self) -> Figures {
        let waiting = |door: &Option<Door>| door.as_ref().map_or(0, Door::waiting);
        Figures {
            writes_waiting: waiting(&self.doors.write),
            reads_waiting: waiting(&self.doors.read),
            commits: self.doors.tally.commits.load(Ordering::Relaxed),
            committed: self.doors.tally.jobs.load(Ordering::Relaxed),
        }
    }

    /// Ends when the disk has failed whoever writes. Nothing is written any more; a new start goes
    /// on from what is on disk.
    pub async fn lost(&self) {
        let mut lost = self.doors.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending().await
        }
    }

    /// Runs `work` in a transaction of its own and answers when it is durable. `work` may be run
    /// again after a serialization failure, so it decides from what it reads and nothing else.
    /// An error undoes all of it. What lies outside `reach` is not there and cannot be written.
    pub fn write<T, E>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> std::result::Result<T, E> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + Send + 'static,
    {
        send(self.doors.write.as_ref(), reach, work)
    }

    /// Runs `work` on one unchanging view of the data within `reach`. It cannot write.
    pub fn read<T, E>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> std::result::Result<T, E> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + Send + 'static,
    {
        send(self.doors.read.as_ref(), reach, work)
    }
}

fn send<T, E>(
    door: Option<&Door>,
    reach: Reach,
    work: impl FnMut(&mut Tx) -> std::result::Result<T, E> + Send + 'static,
) -> Answer<T, E>
where
    T: Send + 'static,
    E: Fault + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Box::new(JobOf { reach, work, outcome: None, reply });
    let refused = match door.map(|door| door.send(job)) {
        Some(Ok(())) => None,
        Some(Err(Turned::Full)) => Some(Broken::Busy("too much is waiting")),
        Some(Err(Turned::Closed)) | None => Some(Broken::Closed),
    };
    Answer { refused: refused.map(E::from), answer }
}

/// What a job will have answered. Dropped before the job is begun, it takes the job back.
#[must_use = "work that nobody waits for is not begun"]
pub struct Answer<T, E> {
    refused: Option<E>,
    answer: oneshot::Receiver<std::result::Result<T, E>>,
}

impl<T, E: Fault> Answer<T, E> {
    /// Waits on this thread. Not for use inside an async runtime.
    pub fn wait(self) -> std::result::Result<T, E> {
        match self.refused {
            Some(e) => Err(e),
            None => self.answer.blocking_recv().unwrap_or_else(|_| Err(E::from(Broken::Closed))),
        }
    }
}

impl<T, E: Fault + Unpin> Future for Answer<T, E> {
    type Output = std::result::Result<T, E>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(e) = self.refused.take() {
            return Poll::Ready(Err(e));
        }
        Pin::new(&mut self.answer)
            .poll(cx)
            .map(|got| got.unwrap_or_else(|_| Err(E::from(Broken::Closed))))
    }
}

/// How a run of a job ended, as far as the transaction is concerned.
pub(crate) enum Verdict {
    Keep,
    Undo,
    /// The engine asks for the same work again.
    Again,
    /// The connection is gone, or the disk failed under it.
    Lost,
    /// There is no room for it.
    Full,
}

pub(crate) trait Job: Send {
    fn reach(&self) -> &Reach;
    /// Does anybody still wait for the answer?
    fn is_wanted(&self) -> bool;
    fn run(&mut self, tx: &mut Tx) -> Verdict;
    /// Sends the answer; `failed` says why the work could not be made durable.
    fn answer(self: Box<Self>, failed: Option<Broken>);
}

struct JobOf<F, T, E> {
    reach: Reach,
    work: F,
    outcome: Option<std::result::Result<T, E>>,
    reply: oneshot::Sender<std::result::Result<T, E>>,
}

impl<F, T, E> Job for JobOf<F, T, E>
where
    F: FnMut(&mut Tx) -> std::result::Result<T, E> + Send,
    T: Send,
    E: Fault + Send,
{
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx) -> Verdict {
        let work = std::panic::AssertUnwindSafe(|| (self.work)(tx));
        let outcome = std::panic::catch_unwind(work)
            .unwrap_or_else(|_| Err(E::from(Broken::data("a use case panicked"))));
        let verdict = match &outcome {
            Ok(_) => Verdict::Keep,
            Err(e) => match e.broken() {
                Some(b) if b.is_transient() => Verdict::Again,
                Some(b) if b.is_disconnect() || b.is_disk_failure() => Verdict::Lost,
                Some(b) if b.is_full() => Verdict::Full,
                _ => Verdict::Undo,
            },
        };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, failed: Option<Broken>) {
        let outcome = match (failed, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(why), _) => Err(E::from(why)),
            (None, None) => Err(E::from(Broken::Closed)),
        };
        // The asker may have gone since it was begun; the work stands all the same.
        let _ = self.reply.send(outcome);
    }
}
