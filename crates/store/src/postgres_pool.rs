//! PostgreSQL: a pool of connections, each with a thread; serializable writes, retried with the
//! same ids, which makes a retry harmless. Writes are tried side by side; one that another kept from
//! being done goes alone.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::access::Reach;

use crate::db::{Commits, Doors, Job, Options, Tally, Verdict};
use crate::door::{Inbox, door};
use crate::postgres_alone::{Alone, Gate};
use crate::tx::{Client, Engine};
use crate::{Broken, Keys, Result, Tx, migrate, wall};

const TRIES: u32 = 40;
const TRIES_BESIDE: u64 = 3;
pub(crate) const AWAY: &str = "the database does not answer";

const BESIDE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
/// Of all servers on one database, one at a time works alone. The lock is taken before the
/// transaction first looks at anything, and on a table that is hardly ever written.
const ALONE: &str =
    "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE key_proof IN SHARE ROW EXCLUSIVE MODE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(Clone)]
pub(crate) struct Address {
    config: postgres::Config,
    schema: String,
    /// Zones lie on the nodes of a Citus cluster.
    spread: bool,
}

pub(crate) fn open(url: &str, options: &Options) -> Result<Doors> {
    let address = Address::of(url)?;
    let mut first = address.connect()?;
    first.client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", address.schema))?;
    let moved = migrate::postgres(&mut first.client)?;
    wall::postgres::build(&mut first.client, &address.schema, moved)?;
    let citus = "SELECT 1 FROM pg_extension WHERE extname = 'citus'";
    let address = Address { spread: first.client.query_opt(citus, &[])?.is_some(), ..address };
    drop(first);

    let (write, work) = door();
    let (read, looks) = door();
    let (tally, silence) = (Arc::new(Tally::default()), Arc::new(Silence::default()));
    let gate = Arc::new(Gate::default());
    let one = |inbox: &Arc<Inbox>, begin: &'static str, tally: Option<&Arc<Tally>>| Worker {
        address: address.clone(),
        inbox: inbox.clone(),
        begin,
        keys: options.keys.clone(),
        tally: tally.cloned(),
        silence: silence.clone(),
        gate: gate.clone(),
    };
    let mut threads = Vec::new();
    // Each may hand one over and hold one more; whatever comes then waits at the door.
    let (hand_over, sent) = sync_channel(options.writers);
    for n in 0..options.writers {
        let (worker, hand_over) = (one(&work, BESIDE, Some(&tally)), hand_over.clone());
        threads.push(spawn(&format!("siji-writer-{n}"), move || worker.run_beside(&hand_over))?);
    }
    let is_single = options.commits == Commits::Each;
    let alone = Alone { worker: one(&work, ALONE, Some(&tally)), sent, is_single };
    threads.push(spawn("siji-writer-alone", move || alone.run())?);
    for n in 0..options.readers.max(1) {
        let worker = one(&looks, READ, None);
        threads.push(spawn(&format!("siji-reader-{n}"), move || worker.run())?);
    }
    // A server of its own looks after its disk.
    let (_, lost) = tokio::sync::watch::channel(false);
    let (write, read, threads) = (Some(write), Some(read), threads.into());
    Ok(Doors { lost, write, read, tally, threads, is_sqlite: false })
}

/// A connection of the owner's, in the zone's schema, which is made where it is missing.
pub(crate) fn connect_as_owner(url: &str) -> Result<Client> {
    let address = Address::of(url)?;
    let mut made = address.connect()?;
    made.client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", address.schema))?;
    made.client.batch_execute("SET siji.scope = 'system'")?;
    Ok(made)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(run)?)
}

impl Address {
    fn of(url: &str) -> Result<Address> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut schema = "siji".to_owned();
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            match pair.split_once('=') {
                Some(("schema", name)) => schema = name.to_owned(),
                _ => rest.push(pair),
            }
        }
        let is_plain = !schema.is_empty()
            && schema.len() <= 58
            && schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !schema.starts_with(|c: char| c.is_ascii_digit());
        if !is_plain {
            return Err(Broken::data("a schema is named in lower-case letters, digits and _"));
        }
        let url =
            if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: postgres::Config = url.parse()?;
        config.application_name("siji").connect_timeout(Duration::from_secs(5));
        Ok(Address { config, schema, spread: false })
    }

    /// A connection that works: not as the owner, but as the role that the wall is for.
    ///
    /// Its statements are prepared once and planned once: planning through the wall takes long. None is
    /// compiled, which would take longer than our pages, and be done each time anew.
    fn working(&self) -> Result<Client> {
        let mut made = self.connect()?;
        made.client.batch_execute("SET plan_cache_mode TO force_generic_plan; SET jit TO off")?;
        made.client.batch_execute(&format!("SET ROLE {}", wall::postgres::role(&self.schema)))?;
        if self.spread {
            made.client.batch_execute("SET citus.propagate_set_commands TO 'local'")?;
        }
        Ok(made)
    }

    /// Opens a transaction with its reach: what is `SET LOCAL` is handed on to Citus' workers, what
    /// `set_config()` sets never is.
    pub(crate) fn begin(&self, client: &mut Client, begin: &str, reach: &Reach) -> Result<()> {
        let settings = wall::postgres::settings(reach)?;
        client.is_by_index = false;
        self.run(client, &format!("{begin}; {}", settings.join("; ")))
    }

    /// Statements parted by `; `, up to the first that fails; Citus takes one at a time.
    pub(crate) fn run(&self, client: &mut Client, statements: &str) -> Result<()> {
        if self.spread {
            return statements.split("; ").try_for_each(|s| Ok(client.client.batch_execute(s)?));
        }
        Ok(client.client.batch_execute(statements)?)
    }

    fn connect(&self) -> Result<Client> {
        let mut client = self.config.connect(postgres::NoTls)?;
        client.batch_execute(&format!(
            "SET search_path TO {}; SET client_min_messages TO warning;",
            self.schema
        ))?;
        Ok(Client { client, statements: HashMap::new(), is_by_index: false })
    }
}

/// When a connection was last tried for long in vain.
#[derive(Default)]
struct Silence(Mutex<Option<Instant>>);

/// Longer than a server that is there takes to say yes or no.
const LONG: Duration = Duration::from_secs(1);

impl Silence {
    fn heard(&self, tried_since: Instant) {
        if let (true, Ok(mut last)) = (tried_since.elapsed() > LONG, self.0.lock()) {
            *last = Some(Instant::now());
        }
    }

    fn has_fallen_since(&self, since: Instant) -> bool {
        self.0.lock().is_ok_and(|last| last.is_some_and(|last| since <= last))
    }
}

/// One connection and its thread.
pub(crate) struct Worker {
    pub(crate) address: Address,
    pub(crate) inbox: Arc<Inbox>,
    /// Statements that a transaction begins with, parted by `; `.
    pub(crate) begin: &'static str,
    pub(crate) keys: Arc<Keys>,
    /// Of those that write.
    pub(crate) tally: Option<Arc<Tally>>,
    silence: Arc<Silence>,
    pub(crate) gate: Arc<Gate>,
}

impl Worker {
    /// Of those that read.
    fn run(&self) {
        let mut held: Option<Client> = None;
        while let Some(mut job) = self.next(held.is_some()) {
            let failed = self.run_job(&mut held, job.as_mut());
            job.answer(failed);
        }
    }

    /// Of those that write: what others keep from being done is handed over.
    fn run_beside(&self, hand_over: &SyncSender<Box<dyn Job>>) {
        let mut held: Option<Client> = None;
        while let Some(mut job) = self.next(held.is_some()) {
            match self.try_beside(&mut held, job.as_mut()) {
                Some(failed) => {
                    job.answer(failed);
                    continue;
                }
                None => self.gate.give_up(),
            }
            // Its thread ends after this one.
            let _ = hand_over.send(job);
        }
    }

    /// What kept it from being made durable, if anything did; `None` where others kept it from being
    /// done, or it is not to be tried beside them.
    fn try_beside(&self, held: &mut Option<Client>, job: &mut dyn Job) -> Option<Option<Broken>> {
        for tried in 0..TRIES_BESIDE {
            std::thread::sleep(Duration::from_millis(tried));
            if !self.gate.enter() {
                return None;
            }
            let done = self.run_tries(held, job, 1);
            self.gate.leave(done.is_some());
            if done.is_some() {
                return done;
            }
        }
        None
    }

    fn next(&self, is_connected: bool) -> Option<Box<dyn Job>> {
        loop {
            let (job, since) = self.inbox.next()?;
            // Whoever waited while nobody answered is told so; else each would wait for a try of
            // their own, one after another.
            if is_connected || !self.silence.has_fallen_since(since) {
                return Some(job);
            }
            job.answer(Some(Broken::Busy(AWAY)));
        }
    }

    /// What kept it from being made durable, if anything did.
    pub(crate) fn run_job(&self, held: &mut Option<Client>, job: &mut dyn Job) -> Option<Broken> {
        let done = self.run_tries(held, job, TRIES);
        done.unwrap_or(Some(Broken::Busy("too many want the same")))
    }

    /// The same; `None` where others kept it from being done so many times.
    fn run_tries(
        &self,
        held: &mut Option<Client>,
        job: &mut dyn Job,
        tries: u32,
    ) -> Option<Option<Broken>> {
        let (mut tried, mut lost) = (0, 0);
        loop {
            let Some(client) = self.connected(held) else { return Some(Some(Broken::Busy(AWAY))) };
            match self.run_once(client, job) {
                Ok(Verdict::Keep | Verdict::Undo | Verdict::Full) => return Some(None),
                Ok(Verdict::Lost) if lost < TRIES => {
                    (*held, lost) = (None, lost + 1);
                }
                Ok(Verdict::Again | Verdict::Lost) => tried += 1,
                Err(e) if e.is_transient() => tried += 1,
                Err(e) => {
                    // A commit without an answer is not tried again here: the asker's key decides.
                    *held = None;
                    return Some(Some(match e.is_disconnect() {
                        true => Broken::Unsure(e.to_string()),
                        false => e.again(),
                    }));
                }
            }
            if tried >= tries {
                return None;
            }
            std::thread::sleep(Duration::from_millis(u64::from((tried + lost).min(10))));
        }
    }

    /// A connection, where one can be had.
    pub(crate) fn connected<'c>(&self, held: &'c mut Option<Client>) -> Option<&'c mut Client> {
        let trying = Instant::now();
        match held.take().map_or_else(|| self.address.working(), Ok) {
            Ok(client) => Some(held.insert(client)),
            Err(e) => {
                self.silence.heard(trying);
                tracing::error!(error = %e, "the database does not answer");
                None
            }
        }
    }

    fn run_once(&self, client: &mut Client, job: &mut dyn Job) -> Result<Verdict> {
        if let Err(e) = self.address.begin(client, self.begin, job.reach()) {
            let is_gone = client.client.is_closed() || e.is_disconnect();
            // A lock that was not had has begun the transaction all the same.
            let is_over = is_gone || client.client.batch_execute("ROLLBACK").is_err();
            return if is_over { Ok(Verdict::Lost) } else { Err(e) };
        }
        let verdict =
            job.run(&mut Tx { engine: Engine::Postgres(client), keys: self.keys.clone() });
        match verdict {
            Verdict::Keep => {
                // PostgreSQL takes a commit of what is spoilt for a rollback, and does not complain;
                // of anything else it does.
                self.address.run(client, "SAVEPOINT sound; COMMIT")?;
                if let Some(tally) = &self.tally {
                    tally.committed(1);
                }
            }
            Verdict::Undo | Verdict::Again | Verdict::Full => {
                client.client.batch_execute("ROLLBACK")?
            }
            Verdict::Lost => {}
        }
        Ok(verdict)
    }
}
