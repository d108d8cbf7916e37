//! Work that others kept from being done (PostgreSQL): it is run again with nobody beside it, and
//! with it, in one commit, whoever waits. While many want the same, all go this way at once.

use std::sync::mpsc::Receiver;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::access::Reach;

use crate::db::{Job, Verdict};
use crate::postgres_pool::{AWAY, Worker};
use crate::tx::{Client, Engine};
use crate::{Broken, Result, Tx};

/// A group is closed when it is this large or has been open this long. PostgreSQL keeps the numbers
/// of so many savepoints of a transaction at hand, and looks further ones up on disk.
const GROUP_MAX: usize = 60;
const GROUP_TIME: Duration = Duration::from_millis(25);
/// So long a group waits for those who began before it. Whoever takes longer is let go on beside it.
const PATIENCE: Duration = Duration::from_millis(100);
/// So many tries, half of them forgotten each time, tell whether most are in vain.
const OF_LATE: u32 = 64;
/// Where most are, so many jobs go alone, at least and at most.
const SPELL: std::ops::RangeInclusive<u32> = 8..=512;

/// Between two jobs of a group; the later finds the transaction as if it began.
const NEXT: &str = "RELEASE one; SET LOCAL enable_seqscan = on";

/// Who may begin side by side, and who goes alone.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    /// Being tried side by side.
    beside: usize,
    is_closed: bool,
    /// Tries side by side of late, and how many of them others spoilt.
    tried: u32,
    spoilt: u32,
    /// So many more jobs go alone.
    alone: u32,
    /// What `alone` was set to last.
    spell: u32,
    /// Done side by side since then.
    done: u32,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May a job be tried beside the others? Then `leave` follows.
    pub fn enter(&self) -> bool {
        let mut state = self.state();
        let is_open = !state.is_closed && state.alone == 0;
        state.beside += usize::from(is_open);
        is_open
    }

    /// `is_done`: nobody kept it from being done.
    pub fn leave(&self, is_done: bool) {
        let mut state = self.state();
        state.beside -= 1;
        if state.tried >= OF_LATE {
            (state.tried, state.spoilt) = (state.tried / 2, state.spoilt / 2);
        }
        state.tried += 1;
        state.spoilt += u32::from(!is_done);
        state.done = state.done.saturating_add(u32::from(is_done));
        drop(state);
        self.left.notify_all();
    }

    /// A job was kept from being done again and again, and goes alone. Where most tries are in vain,
    /// those who come go alone too, and for longer the sooner this is so again.
    pub fn give_up(&self) {
        let mut state = self.state();
        if state.alone > 0 || state.spoilt * 2 < state.tried {
            return;
        }
        let is_soon = state.done < state.spell;
        let spell = if is_soon { state.spell * 2 } else { state.spell / 2 };
        state.spell = spell.clamp(*SPELL.start(), *SPELL.end());
        (state.alone, state.done) = (state.spell, 0);
    }

    /// Nobody enters any more; whoever is in leaves, or has been given the time to.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let waited = self.left.wait_timeout_while(state, PATIENCE, |state| state.beside > 0);
        drop(waited);
    }

    fn open(&self, alone: usize) {
        let mut state = self.state();
        state.is_closed = false;
        state.alone = state.alone.saturating_sub(u32::try_from(alone).unwrap_or(u32::MAX));
    }
}

/// The one that works alone, with its connection and its thread.
pub(crate) struct Alone {
    pub worker: Worker,
    pub sent: Receiver<Box<dyn Job>>,
    /// One job to a commit is all that is wanted.
    pub is_single: bool,
}

type Group = Vec<Box<dyn Job>>;

/// What became of the jobs at a group's head.
enum End {
    Durable,
    /// It went away while they were made durable.
    Unsure(String),
}

impl Alone {
    pub fn run(&self) {
        let mut held = None;
        while let Ok(first) = self.sent.recv() {
            self.worker.gate.close();
            let done = self.run_group(&mut held, first);
            self.worker.gate.open(done);
        }
    }

    /// How many jobs were answered.
    fn run_group(&self, held: &mut Option<Client>, first: Box<dyn Job>) -> usize {
        let mut group = vec![first];
        let (head, end) = match is_for_groups(group[0].as_ref()) {
            true => self.run_together(held, &mut group),
            false => (0, End::Durable),
        };
        let (all, rest) = (group.len(), group.split_off(head));
        for job in group {
            job.answer(match &end {
                End::Durable => None,
                End::Unsure(why) => Some(Broken::Unsure(why.clone())),
            });
        }
        // Each of these by itself.
        let mut is_away = false;
        for mut job in rest {
            let failed = match is_away {
                true => Some(Broken::Busy(AWAY)),
                false => self.worker.run_job(held, job.as_mut()),
            };
            is_away = matches!(failed, Some(Broken::Busy(AWAY)));
            job.answer(failed);
        }
        all
    }

    /// How many at the head of the group are done with, and how. None of the others has left a
    /// trace.
    fn run_together(&self, held: &mut Option<Client>, group: &mut Group) -> (usize, End) {
        let Some(client) = self.worker.connected(held) else { return (0, End::Durable) };
        match self.try_together(client, group) {
            Ok(head) => (head, End::Durable),
            Err((head, e)) => {
                // Whatever is wrong with it, each of them finds out by itself.
                let is_unsure = head > 0 && e.is_disconnect();
                if e.is_disconnect() || self.end(client, "ROLLBACK").is_err() {
                    *held = None;
                }
                match is_unsure {
                    true => (head, End::Unsure(e.to_string())),
                    false => (0, End::Durable),
                }
            }
        }
    }

    /// Of an error: so many were about to be made durable; nought where it came before that.
    fn try_together(
        &self,
        client: &mut Client,
        group: &mut Group,
    ) -> std::result::Result<usize, (usize, Broken)> {
        let before = |e| (0, e);
        let (opened, mut head, mut kept) = (Instant::now(), 0, 0);
        while let Some(job) = group.get_mut(head).filter(|job| is_for_groups(job.as_ref())) {
            let begin = if head == 0 { self.worker.begin } else { NEXT };
            let begin = format!("{begin}; SAVEPOINT one");
            self.worker.address.begin(client, &begin, job.reach()).map_err(before)?;
            let keys = self.worker.keys.clone();
            match job.run(&mut Tx { engine: Engine::Postgres(client), keys }) {
                Verdict::Keep => kept += 1,
                Verdict::Undo | Verdict::Full => {
                    self.end(client, "ROLLBACK TO one").map_err(before)?
                }
                // Others of another process, or who have been at work for long. What stands before
                // it in the group may be kept.
                Verdict::Again => {
                    self.end(client, "ROLLBACK TO one").map_err(before)?;
                    break;
                }
                Verdict::Lost => return Err((0, Broken::Closed)),
            }
            head += 1;
            if !self.is_single && head < GROUP_MAX && opened.elapsed() < GROUP_TIME {
                group.extend(self.next());
            }
        }
        // A job that has broken the transaction unseen cannot be released.
        let end = if kept > 0 { "RELEASE one; COMMIT" } else { "ROLLBACK" };
        self.end(client, end).map_err(|e| (head, e))?;
        if let (Some(tally), true) = (&self.worker.tally, kept > 0) {
            tally.committed(kept);
        }
        Ok(head)
    }

    fn end(&self, client: &mut Client, statements: &str) -> Result<()> {
        self.worker.address.run(client, statements)
    }

    /// Whoever waits.
    fn next(&self) -> Option<Box<dyn Job>> {
        let sent = self.sent.try_recv().ok();
        sent.or_else(|| self.worker.inbox.next_within(Duration::ZERO))
    }
}

/// The program's own work may set up its transaction as it likes, and so has one to itself.
fn is_for_groups(job: &dyn Job) -> bool {
    *job.reach() != Reach::System
}
