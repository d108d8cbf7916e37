//! The house's own ledger, through its one door.

use std::collections::HashMap;
use std::time::Instant;

use app::{Failure, Reach};
use domain::Id;
use domain::points::{Refusal, Transfer};
use store::{Broken, Db};

use super::Measured;
use super::model::{ACCOUNTS, BATCH, Model, Sums};
use crate::bench::client;
use crate::zone::Zone;

/// Batches of one stretch.
const STRETCH: usize = 100;
const STATEMENTS: u32 = 5_000;

pub fn run(zone: &Zone, transfers: u64) -> anyhow::Result<Measured> {
    let db = Db::open(&zone.options()?)?;
    let send = |batch: Vec<Transfer>| {
        let sent = batch.len();
        let work = move |tx: &mut store::Tx| app::points::transfer(tx, &batch);
        let new = db.write::<usize, Failure<Refusal>>(Reach::System, work).wait();
        let new = new.map_err(|e| anyhow::anyhow!("a batch was not recorded: {e:?}"))?;
        anyhow::ensure!(new == sent, "{sent} were sent and {new} recorded");
        Ok(())
    };
    let mut model = Model::new();
    send(model.opening())?;
    let (batches, model) = model.batches(transfers);
    let (begun, mut per_second) = (Instant::now(), Vec::new());
    let (mut since, mut moved) = (begun, 0);
    for (n, batch) in (1..).zip(batches) {
        moved += batch.len();
        send(batch)?;
        if n % STRETCH == 0 || n * BATCH >= transfers as usize {
            per_second.push(moved as f64 / since.elapsed().as_secs_f64());
            (since, moved) = (Instant::now(), 0);
        }
    }
    let overall = transfers as f64 / begun.elapsed().as_secs_f64();
    let model = model();

    let mut times = Vec::new();
    for n in 0..STATEMENTS {
        let account = Model::account((n * 7) % ACCOUNTS);
        let begun = Instant::now();
        let read = move |tx: &mut store::Tx| store::points::statement(tx, &account, None, 50);
        let statement = db.read::<_, Broken>(Reach::System, read).wait()?;
        times.push(begun.elapsed());
        anyhow::ensure!(statement.lines.len() == 50, "{} lines", statement.lines.len());
    }
    recount(&db, &model, transfers)?;
    Ok(Measured {
        per_second,
        overall,
        statement_p99: Some(client::percentile(times, 99)),
        bytes: bytes(&db, zone)?,
    })
}

/// Every transfer read back and added up anew, against the balances that stand in the ledger and
/// against what the model has counted.
fn recount(db: &Db, model: &Model, transfers: u64) -> anyhow::Result<()> {
    let read = |tx: &mut store::Tx| {
        let (mut sums, mut number) = (HashMap::<Id, Sums>::new(), 0);
        store::verify::transfers(tx, |t| {
            number += 1;
            let debit = sums.entry(t.debit).or_default();
            debit.debits += t.amount;
            debit.movements += 1;
            let credit = sums.entry(t.credit).or_default();
            credit.credits += t.amount;
            credit.movements += 1;
            match t.seq == number {
                true => Ok(()),
                false => Err(Broken::Data(format!("{} stands at {number}", t.seq))),
            }
        })?;
        let mut kept = Vec::new();
        store::points::each_balance(tx, |balance| {
            kept.push(balance);
            Ok(())
        })?;
        let account = Model::account(0);
        let whole = store::points::statement(tx, &account, None, i64::MAX)?;
        Ok((sums, kept, number, whole))
    };
    let (sums, kept, number, whole) = db.read::<_, Broken>(Reach::System, read).wait()?;
    anyhow::ensure!(number as u64 == transfers + u64::from(ACCOUNTS), "{number} are there");
    let mut of_all = 0;
    for (n, expected) in (0..).zip(&model.sums) {
        let id = Model::account(n).id();
        anyhow::ensure!(sums.get(&id) == Some(expected), "account {n}: {:?}", sums.get(&id));
    }
    for b in &kept {
        let fits = sums
            .get(&b.account.id())
            .is_some_and(|s| (s.debits, s.credits) == (b.debits_posted, b.credits_posted));
        anyhow::ensure!(fits, "account {} has a balance that no transfers make", b.account.id());
        of_all += b.posted();
    }
    anyhow::ensure!(kept.len() == model.sums.len() && of_all == 0, "all comes to {of_all}");
    let movements = model.sums[0].movements as usize;
    let is_whole = whole.lines.len() == movements && whole.opening == 0;
    anyhow::ensure!(is_whole, "followed back, account 0 has {} movements", whole.lines.len());
    Ok(())
}

/// What the database takes on disk.
fn bytes(db: &Db, zone: &Zone) -> anyhow::Result<u64> {
    if zone.database.is_none() {
        return Ok(std::fs::metadata(zone.data.join("siji.db"))?.len());
    }
    let sql = "SELECT pg_total_relation_size('transfer') + pg_total_relation_size('account')";
    let read = move |tx: &mut store::Tx| tx.one(sql, &[], |r| r.int(0));
    Ok(u64::try_from(db.read::<_, Broken>(Reach::System, read).wait()?)?)
}
