//! Requests that come torn, doubled, shuffled, with another body under the same key, and answers
//! that are lost on the way.

use std::io::Write;
use std::time::Duration;

use super::Fault;
use crate::drive::ask;
use crate::http::connect;
use crate::journal::{Entry, Kind};
use crate::kit::{Kit, Tier};
use crate::table::Row;

/// Cut at a random byte; later sent whole.
pub struct Torn;

impl Fault for Torn {
    fn name(&self) -> &'static str {
        "request torn at any byte"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(200, 2_000, 20_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("torn", &kit.start, zone)?;
        rig.up()?;
        rig.row.recovery.clear();
        for _ in 0..self.times(kit.tier) {
            let dice = &mut rig.dice;
            let Some(entry) = zone.cast.command(dice, &[]) else { continue };
            let bytes = entry.asked.bytes();
            let cut = dice.below(bytes.len());
            let mut stream = connect(rig.at()?)?;
            stream.write_all(&bytes[..cut])?;
            // Every other one is a clean end, the rest a reset: something is left unread.
            if rig.dice.below(2) == 0 {
                stream.shutdown(std::net::Shutdown::Write)?;
            }
            drop(stream);
            rig.row.fired += 1;
            // Now and then the same is sent again, whole.
            if rig.dice.below(4) == 0 {
                ask(rig.at()?, &rig.journal, entry);
            }
        }
        rig.settle()?;
        rig.check()?;
        Ok(rig.end())
    }
}

/// Each sent five times, in any order, by several at once.
pub struct Shuffled;

impl Fault for Shuffled {
    fn name(&self) -> &'static str {
        "sent five times, shuffled"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(500, 10_000, 100_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let mut total = Row::default();
        for turn in 0..self.times(kit.tier).div_ceil(500) {
            let zone = kit.zone_of(turn)?;
            let mut rig = kit.rig("shuffled", &kit.start, zone)?;
            rig.up()?;
            rig.row.recovery.clear();
            let dice = &mut rig.dice;
            let once: Vec<Entry> = std::iter::repeat_with(|| zone.cast.command(dice, &[]))
                .take(100)
                .flatten()
                .collect();
            let mut sent: Vec<usize> = (0..once.len()).flat_map(|n| [n; 5]).collect();
            dice.shuffle(&mut sent);
            let at = rig.at()?;
            let answers: Vec<std::sync::Mutex<Vec<String>>> =
                once.iter().map(|_| std::sync::Mutex::default()).collect();
            std::thread::scope(|scope| {
                for part in sent.chunks(sent.len().div_ceil(4)) {
                    let (once, answers) = (&once, &answers);
                    scope.spawn(move || {
                        for number in part {
                            if let Ok(answer) = once[*number].asked.send(at)
                                && answer.status < 300
                                && let Ok(mut said) = answers[*number].lock()
                            {
                                said.push(answer.body);
                            }
                        }
                    });
                }
            });
            rig.row.fired += sent.len();
            for said in answers {
                let mut said = said.into_inner().unwrap_or_default();
                said.dedup();
                if said.len() > 1 {
                    rig.row.wrong.push(format!("one key, answers {said:?}"));
                }
            }
            once.into_iter().for_each(|entry| drop(ask(at, &rig.journal, entry)));
            rig.settle()?;
            rig.check()?;
            total.add(rig.end());
        }
        Ok(total)
    }
}

/// The request arrives whole; whoever asked is gone before the answer.
pub struct ReplyLost;

impl Fault for ReplyLost {
    fn name(&self) -> &'static str {
        "reply lost on the way"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(100, 1_000, 10_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("reply-lost", &kit.start, zone)?;
        rig.up()?;
        rig.row.recovery.clear();
        for _ in 0..self.times(kit.tier) {
            let Some(entry) = zone.cast.command(&mut rig.dice, &[]) else { continue };
            let bytes = entry.asked.bytes();
            rig.journal.sending(entry);
            let mut stream = connect(rig.at()?)?;
            stream.write_all(&bytes)?;
            std::thread::sleep(Duration::from_micros(rig.dice.below(3_000) as u64));
            drop(stream);
            rig.row.fired += 1;
        }
        rig.settle()?;
        rig.check()?;
        Ok(rig.end())
    }
}

/// The same key with other contents is refused, and changes nothing.
pub struct OtherBody;

impl Fault for OtherBody {
    fn name(&self) -> &'static str {
        "same key, another body"
    }
    fn times(&self, tier: Tier) -> usize {
        tier.of_three(50, 500, 5_000)
    }
    fn run(&self, kit: &Kit) -> anyhow::Result<Row> {
        let zone = kit.zone()?;
        let mut rig = kit.rig("other-body", &kit.start, zone)?;
        rig.up()?;
        rig.row.recovery.clear();
        for turn in 0..self.times(kit.tier) {
            let dice = &mut rig.dice;
            let made = match turn % 3 {
                0 => zone.cast.sheet(dice),
                1 => zone.cast.redeem(dice),
                _ => zone.cast.phone(dice),
            };
            let Some(entry) = made else { continue };
            let Some(done) = ask(rig.at()?, &rig.journal, entry) else { continue };
            if !done.is_acked() {
                continue;
            }
            let text = String::from_utf8_lossy(&done.asked.body).into_owned();
            let other = match done.kind {
                Kind::Sheet | Kind::Sheets => text.replace("\"remark\":\"", "\"remark\":\"no: "),
                _ => text.replace(":\"1\"}", ":\"2\"}"),
            };
            let mut asked = done.asked.clone();
            asked.body = other.into_bytes();
            let answer = asked.send(rig.at()?)?;
            rig.row.fired += 1;
            let reused = (Some(409), Some("key-reused"));
            let told = |told: &serde_json::Value| {
                let status = told["status"].as_u64();
                (status, told["code"].as_str()) == reused
            };
            let is_refused = match answer.json()["sheets"].as_array() {
                Some(each) => each.len() == done.keys.len() && each.iter().all(told),
                None => answer.status == 409 && told(&answer.json()),
            };
            if !is_refused {
                let said = format!("{} {}", answer.status, answer.body);
                rig.row.wrong.push(format!("another body under the same key: {said}"));
            }
            // The first is what stands.
            let again = done.asked.send(rig.at()?)?;
            if done.answer.is_none_or(|first| first.json() != again.json()) {
                rig.row.wrong.push(format!("the first body is answered {}", again.body));
            }
        }
        rig.check()?;
        Ok(rig.end())
    }
}
