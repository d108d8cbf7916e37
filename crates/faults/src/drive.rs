//! Several people at work at once, until somebody says stop or nobody answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::dice::Dice;
use crate::journal::{Entry, Journal, Kind};
use crate::zone::Cast;

/// One command, written down, sent, and its answer written down.
pub fn ask(at: SocketAddr, journal: &Journal, entry: Entry) -> Option<Entry> {
    let asked = entry.asked.clone();
    let number = journal.sending(entry.clone());
    let answer = asked.send(at).ok()?;
    journal.answered(number, answer.clone());
    Some(Entry { answer: Some(answer), ..entry })
}

/// Works with `people` at once until `stop`, or for `commands` each.
pub fn drive(
    at: SocketAddr,
    cast: &Cast,
    journal: &Journal,
    dice: &mut Dice,
    (people, commands): (usize, usize),
    stop: &AtomicBool,
) {
    std::thread::scope(|scope| {
        for _ in 0..people {
            let mut dice = Dice::new(dice.next());
            scope.spawn(move || {
                let mut redeemed = Vec::new();
                for _ in 0..commands {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let Some(entry) = cast.command(&mut dice, &redeemed) else { continue };
                    let Some(done) = ask(at, journal, entry) else { break };
                    if done.kind == Kind::Redeem && done.is_acked() {
                        redeemed.push(done);
                    }
                }
            });
        }
    });
}
