//! The design that everybody writes first: a row for each transfer with an index by account, and a
//! balance that is written with it. SQLite: batches of the same size, decided by the same rules.
//! PostgreSQL: one transaction for each transfer, from thirty-two clients.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use domain::points::{Balance, Facts, Kept, Transfer, decide};
use domain::{Id, Millis};
use rusqlite::{Connection, OptionalExtension, params};

use super::Measured;
use super::model::Model;

const CLIENTS: usize = 32;

const SQLITE: &str = "
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;
PRAGMA cache_size = -64000; PRAGMA temp_store = MEMORY;
CREATE TABLE account (id BLOB PRIMARY KEY, debits INTEGER NOT NULL, credits INTEGER NOT NULL) STRICT;
CREATE TABLE transfer (
  id BLOB PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, debit BLOB NOT NULL, credit BLOB NOT NULL,
  amount INTEGER NOT NULL, cause_kind TEXT NOT NULL, cause BLOB NOT NULL, on_date TEXT NOT NULL,
  at INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX transfer_debit ON transfer (debit, seq);
CREATE INDEX transfer_credit ON transfer (credit, seq);
CREATE INDEX transfer_cause ON transfer (cause);
";

pub fn sqlite(folder: &Path, transfers: u64) -> anyhow::Result<Measured> {
    let file = folder.join("plain.db");
    let connection = Connection::open(&file)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(SQLITE)?;
    let mut model = Model::new();
    let mut last = 0;
    record(&connection, &model.opening(), &mut last)?;
    let (batches, _) = model.batches(transfers);
    let (begun, mut per_second) = (Instant::now(), Vec::new());
    for batch in batches {
        let one = Instant::now();
        record(&connection, &batch, &mut last)?;
        per_second.push(batch.len() as f64 / one.elapsed().as_secs_f64());
    }
    let overall = transfers as f64 / begun.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(file)?.len();
    Ok(Measured { per_second, overall, statement_p99: None, bytes })
}

fn record(connection: &Connection, batch: &[Transfer], last: &mut i64) -> anyhow::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut facts = Facts { last: *last, ..Facts::default() };
    {
        let mut known =
            connection.prepare_cached("SELECT debits, credits FROM account WHERE id = ?1")?;
        let mut used = connection.prepare_cached("SELECT 1 FROM transfer WHERE id = ?1")?;
        for t in batch {
            for account in [t.debit, t.credit] {
                if facts.balances.contains_key(&account.id()) {
                    continue;
                }
                let zero = Balance::zero(account);
                let found =
                    known.query_row([account.id().as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)));
                if let Some((debits_posted, credits_posted)) = found.optional()? {
                    let found = Balance { debits_posted, credits_posted, ..zero };
                    facts.balances.insert(account.id(), found);
                }
            }
            if used.exists([t.id.as_bytes()])? {
                facts.kept.insert(t.id, Kept { transfer: *t, settled: None });
            }
        }
    }
    let decision = decide(facts, batch).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    {
        let mut keep = connection.prepare_cached(
            "INSERT INTO account VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET \
             debits = excluded.debits, credits = excluded.credits",
        )?;
        for b in decision.opened.iter().chain(&decision.moved) {
            keep.execute(params![b.account.id().as_bytes(), b.debits_posted, b.credits_posted])?;
        }
        let mut put = connection
            .prepare_cached("INSERT INTO transfer VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")?;
        for r in &decision.transfers {
            let t = &r.transfer;
            put.execute(params![
                t.id.as_bytes(),
                r.seq,
                t.debit.id().as_bytes(),
                t.credit.id().as_bytes(),
                t.amount.get(),
                t.cause.kind.code(),
                t.cause.id.as_bytes(),
                t.on_date.to_string(),
                t.at,
                r.digest(),
            ])?;
        }
    }
    connection.execute_batch("COMMIT")?;
    *last += decision.transfers.len() as i64;
    Ok(())
}

const POSTGRES: &str = "
CREATE TABLE plain_account (id uuid PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL);
CREATE TABLE plain_transfer (
  id uuid PRIMARY KEY, seq bigserial NOT NULL UNIQUE, debit uuid NOT NULL, credit uuid NOT NULL,
  amount bigint NOT NULL, at bigint NOT NULL
);
CREATE INDEX plain_transfer_debit ON plain_transfer (debit, seq);
CREATE INDEX plain_transfer_credit ON plain_transfer (credit, seq);
";

pub fn postgres(url: &str, transfers: u64) -> anyhow::Result<Measured> {
    let server = url.split(['?', '&']).find(|part| !part.starts_with("schema=")).unwrap_or(url);
    let connect = || -> anyhow::Result<postgres::Client> {
        let mut client = postgres::Client::connect(server, postgres::NoTls)?;
        client.batch_execute("SET search_path TO bench_plain")?;
        Ok(client)
    };
    let mut first = connect()?;
    first.batch_execute("DROP SCHEMA IF EXISTS bench_plain CASCADE; CREATE SCHEMA bench_plain;")?;
    first.batch_execute(POSTGRES)?;
    let mut model = Model::new();
    for t in model.opening() {
        let sql = "INSERT INTO plain_account VALUES ($1, 0, $2)";
        first.execute(sql, &[&t.credit.id(), &t.amount.get()])?;
    }
    let clients = (0..CLIENTS).map(|_| connect()).collect::<anyhow::Result<Vec<_>>>()?;
    let (batches, _) = model.batches(transfers);
    let all: Vec<Transfer> = batches.into_iter().flatten().collect();
    let waiting = Mutex::new(all.into_iter());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                let waiting = &waiting;
                scope.spawn(move || -> anyhow::Result<()> {
                    let mut one = Singly::new(&mut client)?;
                    loop {
                        let next = waiting.lock().ok().and_then(|mut waiting| waiting.next());
                        let Some(t) = next else { return Ok(()) };
                        one.record(&t)?;
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|t| t.join().unwrap_or_else(|_| anyhow::bail!("a client fell")))
    })?;
    let overall = transfers as f64 / begun.elapsed().as_secs_f64();
    first.batch_execute("DROP SCHEMA bench_plain CASCADE")?;
    Ok(Measured { per_second: vec![overall], overall, statement_p99: None, bytes: 0 })
}

/// One client's statements.
struct Singly<'c> {
    client: &'c mut postgres::Client,
    look: postgres::Statement,
    take: postgres::Statement,
    give: postgres::Statement,
    put: postgres::Statement,
}

impl<'c> Singly<'c> {
    fn new(client: &'c mut postgres::Client) -> anyhow::Result<Singly<'c>> {
        let look = "SELECT id, credits - debits FROM plain_account WHERE id = ANY($1) \
                    ORDER BY id FOR UPDATE";
        Ok(Singly {
            look: client.prepare(look)?,
            take: client.prepare("UPDATE plain_account SET debits = debits + $2 WHERE id = $1")?,
            give: client
                .prepare("UPDATE plain_account SET credits = credits + $2 WHERE id = $1")?,
            put: client.prepare(
                "INSERT INTO plain_transfer (id, debit, credit, amount, at) \
                 VALUES ($1, $2, $3, $4, $5)",
            )?,
            client,
        })
    }

    fn record(&mut self, t: &Transfer) -> anyhow::Result<()> {
        let (debit, credit, amount) = (t.debit.id(), t.credit.id(), t.amount.get());
        let at: Millis = t.at;
        let mut tx = self.client.transaction()?;
        let found = tx.query(&self.look, &[&vec![debit, credit]])?;
        let available = found.iter().find(|r| r.get::<_, Id>(0) == debit).map(|r| r.get(1));
        anyhow::ensure!(available.is_some_and(|left: i64| left >= amount), "{available:?} left");
        tx.execute(&self.take, &[&debit, &amount])?;
        tx.execute(&self.give, &[&credit, &amount])?;
        tx.execute(&self.put, &[&t.id, &debit, &credit, &amount, &at])?;
        Ok(tx.commit()?)
    }
}
