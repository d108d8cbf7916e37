//! One zone under one fault: brought up, worked in, broken, brought up again and checked.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::check::{self, panicked};
use crate::dice::Dice;
use crate::drive::drive;
use crate::journal::Journal;
use crate::server::{NotServing, Place, Server, Start};
use crate::table::Row;
use crate::zone::{Cast, Zone};

pub struct Rig<'a> {
    pub start: Start,
    pub place: Place,
    pub cast: &'a Cast,
    pub journal: Journal,
    pub dice: Dice,
    pub row: Row,
    pub server: Option<Server>,
}

/// How long a command whose end is unknown is asked again before that counts as a fault.
const PATIENCE: Duration = Duration::from_secs(30);

impl<'a> Rig<'a> {
    pub fn new(
        start: &Start,
        zone: &'a Zone,
        place: Place,
        kept: &Path,
        seed: u64,
    ) -> anyhow::Result<Rig<'a>> {
        std::fs::create_dir_all(kept)?;
        Ok(Rig {
            start: start.clone(),
            place,
            cast: &zone.cast,
            journal: Journal::in_file(&kept.join("journal"))?,
            dice: Dice::new(seed),
            row: Row::default(),
            server: None,
        })
    }

    /// The row, with what this rig's journal counts.
    pub fn end(mut self) -> Row {
        self.count();
        std::mem::take(&mut self.row)
    }

    fn count(&mut self) {
        for entry in self.journal.all().iter().filter(|e| e.is_acked()) {
            self.row.acked += 1;
            *self.row.kinds.entry(format!("{:?}", entry.kind)).or_default() += 1;
        }
    }

    pub fn at(&self) -> anyhow::Result<std::net::SocketAddr> {
        Ok(self.server.as_ref().context("no server")?.at)
    }

    /// Brings it up, without a hand, and has every open question answered.
    pub fn up(&mut self) -> anyhow::Result<()> {
        let server = Server::start(&self.start, &self.place);
        let server = server.inspect_err(|error| {
            if let Some(NotServing { said }) = error.downcast_ref() {
                self.row.wrong.extend(panicked(said));
            }
        })?;
        self.row.recovery.push(server.ready_after.as_secs_f64());
        self.server = Some(server);
        self.settle()
    }

    /// Asks again, with the same key and words, what nobody has answered.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        let at = self.at()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let open = self.journal.open();
            if open.is_empty() {
                return Ok(());
            }
            for (number, entry) in open {
                match entry.asked.send(at) {
                    // Too many objections from one address: it is not done, and that is an answer.
                    Ok(answer) if answer.status == 429 => {
                        self.journal.answered(
                            number,
                            crate::http::Answer { status: check::NOT_NOW, ..answer },
                        );
                    }
                    Ok(answer) if answer.status >= 500 => {
                        self.journal.answered(number, answer);
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Ok(answer) => self.journal.answered(number, answer),
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        }
        let open = self.journal.open();
        let said: Vec<String> = open.iter().take(2).map(|(_, e)| e.asked.path.clone()).collect();
        self.row.wrong.push(format!("{} commands find no answer: {said:?}", open.len()));
        Ok(())
    }

    /// People work for this long, then `break_it` is called in the midst of it.
    pub fn work(
        &mut self,
        long: Duration,
        break_it: impl FnOnce(&mut Server, &Journal) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let at = self.at()?;
        let stop = AtomicBool::new(false);
        let (cast, journal) = (self.cast, &self.journal);
        let mut dice = Dice::new(self.dice.next());
        let server = self.server.as_mut().context("no server")?;
        std::thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || drive(at, cast, journal, &mut dice, (4, 5_000), stop));
            std::thread::sleep(long);
            let broken = break_it(server, journal);
            stop.store(true, Ordering::Relaxed);
            broken
        })
    }

    /// Ends it with SIGKILL and listens whether it had panicked.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(server) = self.server.take() {
            let said = server.kill()?;
            self.row.wrong.extend(panicked(&said));
            if self.journal.broken() > 0 {
                let broke = said.lines().filter(|line| line.contains("a use case broke"));
                self.row.heard.extend(broke.take(3).map(str::to_owned));
            }
        }
        Ok(())
    }

    /// Everything that must hold, on the zone as it is served now.
    pub fn check(&mut self) -> anyhow::Result<()> {
        let entries = self.journal.all();
        let found = check::tables(&self.place, self.cast, &entries)?;
        self.row.lost += found.lost;
        self.row.twice += found.twice;
        self.row.wrong.extend(found.wrong);
        self.row.wrong.extend(check::verify(&self.start, &self.place)?);
        self.first_answers()
    }

    /// A few commands asked once more get their first answers.
    fn first_answers(&mut self) -> anyhow::Result<()> {
        let at = self.at()?;
        let acked: Vec<_> = self.journal.all().into_iter().filter(|e| e.is_acked()).collect();
        for _ in 0..3 {
            let Some(entry) = self.dice.pick(&acked) else { break };
            let again = entry.asked.send(at)?;
            let first = entry.answer.as_ref().map(|a| (a.status, a.json()));
            if again.status != 429 && first != Some((again.status, again.json())) {
                self.row.wrong.push(format!(
                    "{} was answered {first:?} and then {} {}",
                    entry.asked.path, again.status, again.body
                ));
            }
        }
        Ok(())
    }
}
