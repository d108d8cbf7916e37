//! A zone in a folder, made once for a run, in which every input's commands are undone again: one
//! transaction holds them all, each in a savepoint of its own, as a group of commands is.

use app::{Failure, Tx, Who};
use domain::{Date, Id, Millis, Refusal};
use jiff::civil::DateTime;
use store::args;
use testkit::Stage;

/// The day's work is over, and nothing of it is kept.
#[derive(Debug)]
pub struct Over;

/// Runs `play` in a transaction that is undone.
pub fn undone(stage: &Stage, mut play: impl FnMut(&mut Tx) + Send + 'static) {
    let over = stage.write::<(), Over>(move |tx| {
        play(tx);
        Err(Failure::Refused(Over))
    });
    assert!(matches!(over, Err(Failure::Refused(Over))), "{over:?}");
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<T> {
    Yes(T),
    /// Refused by the rules, with this code.
    No(&'static str),
    NotFound,
    KeyReused,
}

impl<T> Said<T> {
    pub fn yes(self) -> Option<T> {
        match self {
            Said::Yes(answer) => Some(answer),
            _ => None,
        }
    }
    pub fn code(&self) -> &'static str {
        match self {
            Said::Yes(_) => "yes",
            Said::No(code) => code,
            Said::NotFound => "not-found",
            Said::KeyReused => "key-reused",
        }
    }
}

/// One command of a group: undone by itself where it does not end with its answer.
pub fn command<T, R: Refusal>(
    tx: &mut Tx,
    run: impl FnOnce(&mut Tx) -> Result<T, Failure<R>>,
) -> Said<T> {
    let say = |tx: &mut Tx, sql| _ = tx.exec(sql, &args![]).expect("a savepoint");
    say(tx, "SAVEPOINT command");
    let said = match run(tx) {
        Ok(answer) => Said::Yes(answer),
        Err(Failure::Refused(no)) => {
            assert!(!no.code().is_empty(), "{no:?} has no code");
            Said::No(no.code())
        }
        Err(Failure::NotFound) => Said::NotFound,
        Err(Failure::KeyReused) => Said::KeyReused,
        Err(Failure::NotAllowed) => panic!("the cast may do all that it does"),
        Err(Failure::Broken(broken)) => panic!("a use case broke: {broken}"),
    };
    if !matches!(said, Said::Yes(_)) {
        say(tx, "ROLLBACK TO command");
    }
    say(tx, "RELEASE command");
    said
}

/// Everything recomputes from the first record on.
pub fn verify(tx: &mut Tx) {
    let report = app::verify::verify(tx, |_| {}).expect("the zone can be read");
    assert_eq!(report.finding, None);
}

/// A clock that goes forward, and ids that follow from it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub now: Millis,
    ids: u64,
}

impl Clock {
    pub fn at(local: &str) -> Clock {
        let time: DateTime = local.parse().expect("a local time");
        let utc = jiff::tz::Offset::UTC.to_timestamp(time).expect("a time that exists");
        Clock { now: utc.as_millisecond() - 8 * 3_600_000, ids: 0 }
    }

    pub fn go(&mut self, hours: u8) {
        self.now += i64::from(hours) * 3_600_000;
    }

    pub fn today(&self) -> Date {
        domain::local_date(self.now)
    }

    pub fn id(&mut self) -> Id {
        self.ids += 1;
        let mut random = [0xf; 10];
        random[2..].copy_from_slice(&self.ids.to_be_bytes());
        domain::id::new(self.now, random)
    }

    pub fn who(&self, who: &Who) -> Who {
        Who { now: self.now, ..who.clone() }
    }
}
