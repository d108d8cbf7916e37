//! SQLite: one thread owns the write connection and commits all waiting work at once.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::access::Reach;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

use crate::db::{Commits, Doors, Job, Options, Tally, Verdict};
use crate::door::{Inbox, door};
use crate::tx::Engine;
use crate::wall::sqlite::{Held, build, close_tables, guard_writes};
use crate::{Broken, Keys, Result, Tx, migrate};

/// Before 3.51.3 a checkpoint during a commit could corrupt a WAL database.
const OLDEST: i32 = 3_051_003;

/// Is this SQLite one that does not corrupt a database?
pub fn is_safe() -> bool {
    rusqlite::version_number() >= OLDEST
}

/// The SQLite that is built in.
pub fn version() -> &'static str {
    rusqlite::version()
}

/// A group is closed when it is this large or has been open this long.
const GROUP_MAX: usize = 512;
const GROUP_TIME: Duration = Duration::from_millis(25);
/// Of the last flush's time, so much is waited for more of a group to come.
const PATIENCE: u32 = 4;

pub(crate) fn open(folder: &Path, options: &Options) -> Result<Doors> {
    if !is_safe() {
        return Err(Broken::data(format!(
            "SQLite {} can corrupt a database; 3.51.3 or later is needed",
            rusqlite::version()
        )));
    }
    std::fs::create_dir_all(folder)?;
    let file = folder.join("siji.db");
    let mut writer = connect(&file, OpenFlags::default())?;
    writer.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000; \
         PRAGMA cache_size = -64000;",
    )?;
    #[cfg(feature = "sabotage")]
    forget_the_promise(&writer)?;
    migrate::sqlite(&mut writer)?;

    let held = build(&writer)?;
    guard_writes(&writer)?;
    let (write, work) = door();
    let (read, looks) = door();
    let (losing, lost) = watch::channel(false);
    let tally = Arc::new(Tally::default());
    let mut writing = Writer {
        connection: writer,
        held,
        inbox: work,
        commits: options.commits,
        keys: options.keys.clone(),
        tally: tally.clone(),
        rhythm: Rhythm::default(),
    };
    let writing = move || {
        if writing.run().is_err() {
            let _ = losing.send(true);
        }
    };
    let mut threads = vec![spawn("siji-writer", writing)?];
    for n in 0..options.readers.max(1) {
        let open = Reader::open(&file)?;
        let walled = Reader::walled(&file)?;
        let (looks, keys) = (looks.clone(), options.keys.clone());
        let begin = options.reader_begins;
        let reading = move || {
            begin();
            read_loop(&open, &walled, &looks, &keys)
        };
        threads.push(spawn(&format!("siji-reader-{n}"), reading)?);
    }
    let (write, read, threads) = (Some(write), Some(read), threads.into());
    Ok(Doors { lost, write, read, tally, threads, is_sqlite: true })
}

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("the sabotage is for the fault kit, never for a release");

/// Shows that the fault kit would see it if a commit were answered before it is durable.
#[cfg(feature = "sabotage")]
fn forget_the_promise(writer: &Connection) -> Result<()> {
    match std::env::var("SIJI_SABOTAGE_SYNCHRONOUS").as_deref() {
        Ok("NORMAL") => writer.execute_batch("PRAGMA synchronous = NORMAL")?,
        Ok("OFF") => writer.execute_batch("PRAGMA synchronous = OFF")?,
        _ => {}
    }
    Ok(())
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.to_owned()).stack_size(4 << 20).spawn(run)?)
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
         PRAGMA secure_delete = ON; \
         PRAGMA mmap_size = 0; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;",
    )?;
    // One plan for a statement, whatever is bound to it; without this SQLite plans anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// A connection that only reads.
struct Reader {
    connection: Connection,
    held: Held,
}

impl Reader {
    /// For the program's own work: the tables themselves.
    fn open(file: &Path) -> Result<Reader> {
        let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        Ok(Reader { connection, held: Held::default() })
    }

    /// For everybody else: what is within reach.
    fn walled(file: &Path) -> Result<Reader> {
        let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let held = build(&connection)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        close_tables(&mut connection)?;
        Ok(Reader { connection, held })
    }
}

/// The disk failed. A flush that failed once may be reported as done the next time, with the data
/// gone: nothing is tried again on the same connection.
struct DiskFailed;

struct Writer {
    connection: Connection,
    held: Held,
    inbox: Arc<Inbox>,
    commits: Commits,
    keys: Arc<Keys>,
    tally: Arc<Tally>,
    rhythm: Rhythm,
}

/// What the last group tells of the next one.
#[derive(Default)]
struct Rhythm {
    /// Who was in it, and who came while it was flushed: as many may come again.
    askers: usize,
    /// How long its commit took.
    flush: Duration,
}

type Group = Vec<Box<dyn Job>>;

impl Writer {
    fn run(&mut self) -> std::result::Result<(), DiskFailed> {
        while let Some((first, _)) = self.inbox.next() {
            let mut group = Vec::new();
            let Err(e) = self.run_group(first, &mut group) else {
                group.into_iter().for_each(|job| job.answer(None));
                continue;
            };
            let _ = self.connection.execute_batch("ROLLBACK");
            tracing::error!(error = %e, jobs = group.len(), "a commit failed");
            group.into_iter().for_each(|job| job.answer(Some(e.again())));
            if e.is_disk_failure() {
                return Err(DiskFailed);
            }
        }
        Ok(())
    }

    fn run_group(&mut self, first: Box<dyn Job>, group: &mut Group) -> Result<()> {
        let opened = Instant::now();
        if let Err(e) = exec(&self.connection, "BEGIN IMMEDIATE") {
            group.push(first);
            return Err(e);
        }
        // Alone in the transaction it needs no savepoint, for which SQLite keeps a copy of every
        // page in memory and goes through all of them with each statement: much for a whole
        // village's month.
        if !self.run_job(first, group)? {
            return exec(&self.connection, "ROLLBACK");
        }
        let max = if self.commits == Commits::Each { 1 } else { GROUP_MAX };
        let (mut kept, mut patience) = (1, self.rhythm.flush / PATIENCE);
        while group.len() < max && opened.elapsed() < GROUP_TIME {
            let Some(job) = self.next_of_group(group.len(), &mut patience) else { break };
            exec(&self.connection, "SAVEPOINT one")?;
            match self.run_job(job, group)? {
                true => kept += 1,
                false => exec(&self.connection, "ROLLBACK TO one")?,
            }
            exec(&self.connection, "RELEASE one")?;
        }
        let flushing = Instant::now();
        exec(&self.connection, "COMMIT")?;
        self.rhythm.flush = flushing.elapsed();
        self.rhythm.askers = group.len() + self.inbox.waiting();
        self.tally.committed(kept);
        Ok(())
    }

    /// Whoever waits already; else, while fewer are in the group than were lately under way, whoever
    /// comes within what is left of the patience. Without it the askers fall into two halves, each
    /// of which comes while the other is flushed, and a flush serves only one of them.
    fn next_of_group(&self, len: usize, patience: &mut Duration) -> Option<Box<dyn Job>> {
        let waits = self.inbox.next_within(Duration::ZERO);
        let is_whole = len >= self.rhythm.askers || self.commits != Commits::Gathered;
        if waits.is_some() || is_whole {
            return waits;
        }
        let begun = Instant::now();
        let came = self.inbox.next_within(*patience);
        *patience = patience.saturating_sub(begun.elapsed());
        came
    }

    /// Did it leave something to be kept?
    fn run_job(&self, mut job: Box<dyn Job>, group: &mut Group) -> Result<bool> {
        self.held.hold(Some(job.reach()));
        let engine = Engine::Sqlite(&self.connection);
        let verdict = job.run(&mut Tx { engine, keys: self.keys.clone() });
        self.held.hold(None);
        group.push(job);
        match verdict {
            Verdict::Keep => Ok(true),
            Verdict::Undo | Verdict::Again => Ok(false),
            // The engine may have undone the whole transaction: the others in it know nothing.
            Verdict::Full => Err(Broken::Full),
            Verdict::Lost => Err(disk_failed()),
        }
    }
}

fn disk_failed() -> Broken {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    rusqlite::Error::SqliteFailure(code, None).into()
}

fn exec(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn read_loop(open: &Reader, walled: &Reader, inbox: &Inbox, keys: &Arc<Keys>) {
    while let Some((mut job, _)) = inbox.next() {
        let Reader { connection, held } = if *job.reach() == Reach::System { open } else { walled };
        let begun = exec(connection, "BEGIN");
        if begun.is_ok() {
            held.hold(Some(job.reach()));
            job.run(&mut Tx { engine: Engine::Sqlite(connection), keys: keys.clone() });
            held.hold(None);
            let _ = connection.execute_batch("ROLLBACK");
        }
        job.answer(begun.err().map(|e| e.again()));
    }
}
