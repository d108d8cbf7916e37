//! Plays months: visits, scores, review, posting, objections, certification, market days. Every
//! step goes through the same use case as the page does, in the name of the person who does it.

use std::collections::HashMap;

use app::{Never, Reach, Who};
use domain::calendar::Month;
use domain::posting::answer::Verdict;
use domain::posting::object::Channel;
use domain::redemption::{Proxy, Wish};
use domain::scheme::{Item, Scheme};
use domain::scoring::{Mark, Outcome, Scores};
use domain::{Date, Id, Millis};
use indicatif::ProgressBar;
use store::scoring::{Batch, BatchFilter, Line};

use super::chance::Chance;
use super::zone::People;
use super::{Play, must};

const HOUR: Millis = 3_600_000;
/// Answers waited for at once: what fills a group commit.
const AT_ONCE: usize = 256;
/// Of a hundred households, so many get the same marks from both scorers.
const AGREE: u64 = 76;
const REDEEM: u64 = 70;

pub fn play(play: &mut Play, people: &People, months: u32) -> anyhow::Result<()> {
    let this = Month::of(domain::local_date(play.now));
    let mut month = this;
    for _ in 1..months {
        month = month.previous();
    }
    adopt(play, people, month)?;
    while month < this {
        Finished { month }.play(play, people)?;
        month = month.next();
    }
    Open { month }.play(play, people)
}

fn adopt(play: &mut Play, people: &People, from: Month) -> anyhow::Result<()> {
    let before = from.first().yesterday()?;
    let office = people.office.at(moment(before, 10));
    let request = app::scheme::Adopt {
        key: play.chance.id(office.now),
        scheme: app::scheme::shipped_id(),
        adoption: domain::scheme::Adoption {
            from_month: from,
            resolved_on: before,
            number: play.texts.word("resolution_number"),
            text: play.texts.word("resolution"),
        },
    };
    must(play.app.write(office.reach(), move |tx| app::scheme::adopt(tx, &office, &request)).wait())
}

/// A local hour of a day.
fn moment(day: Date, hour: i64) -> Millis {
    let midnight = jiff::tz::Offset::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .map_or(0, jiff::Timestamp::as_millisecond);
    midnight - 8 * HOUR + hour * HOUR
}

/// What a month's batches are scored by.
struct Round {
    batches: Vec<Batch>,
    scheme: std::sync::Arc<Scheme>,
}

fn open_round(
    play: &mut Play,
    people: &People,
    month: Month,
    now: Millis,
) -> anyhow::Result<Round> {
    let office = people.office.at(now);
    let last = month.last();
    let request = app::calendar::OpenRound {
        key: play.chance.id(now),
        month,
        visits_from: month.first(),
        visits_to: month.first().checked_add(jiff::Span::new().days(19))?.min(last),
    };
    let scope = office.scope(domain::access::Permission::ReadHouseholds);
    must(
        play.app
            .write(office.reach(), move |tx| app::calendar::open_round(tx, &office, &request))
            .wait(),
    )?;
    let round = play.app.read::<_, Never>(Reach::System, move |tx| {
        let filter = BatchFilter { month: Some(month), ..BatchFilter::default() };
        let (batches, _) = store::scoring::list(tx, &scope, &filter, 0, 100_000)?;
        let scheme = batches.first().map_or(app::scheme::shipped_id(), |b| b.scheme);
        Ok(Round { batches, scheme: store::scheme::load(tx, scheme)? })
    });
    must(round.wait())
}

fn lines(play: &Play, batch: Id) -> anyhow::Result<Vec<Line>> {
    must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| Ok(store::scoring::lines(tx, batch)?))
            .wait(),
    )
}

// Scoring -----------------------------------------------------------------------------------------

/// What one household is like; the two scorers see the same house, not always with the same eyes.
fn marks(
    chance: &mut Chance,
    items: &[&Item],
    no_session: bool,
    quality: u64,
) -> Vec<(String, Mark)> {
    // A household lives from its field or from wages; the other item does not apply.
    let without = if chance.happens(50) { "C1" } else { "C2" };
    items
        .iter()
        .map(|item| {
            let left_out = (no_session && item.code == "A3") || item.code == without;
            if let (true, Some(reason)) = (left_out, item.na.first()) {
                return (item.code.clone(), Mark::NotApplicable(reason.code.clone()));
            }
            let choices = item.choices();
            let deducts = item.mode == domain::scheme::Mode::DeductFromMax;
            let chance_of_best = if deducts { 97 } else { quality };
            let mut at = 0;
            while at + 1 < choices.len() && !chance.happens(chance_of_best) {
                at += 1;
            }
            (item.code.clone(), Mark::Points(choices[at].points))
        })
        .collect()
}

/// One or two items seen differently.
fn otherwise(
    chance: &mut Chance,
    items: &[&Item],
    marks: &[(String, Mark)],
) -> Vec<(String, Mark)> {
    let mut seen = marks.to_vec();
    for _ in 0..1 + chance.below(2) {
        let at = chance.below(items.len());
        if let Mark::Points(_) = seen[at].1 {
            let choices = items[at].choices();
            seen[at].1 = Mark::Points(chance.pick(&choices).points);
        }
    }
    seen
}

/// Which sheets of a batch are handed in.
struct Visits {
    /// Of a hundred households.
    officer: u64,
    cadre: u64,
    /// First and last day somebody came.
    days: (Date, Date),
}

fn score(
    play: &mut Play,
    people: &People,
    round: &Round,
    batch: &Batch,
    visits: &Visits,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let no_session = play.chance.happens(20);
    let remark = play.texts.word("remark");
    let days = i64::from((visits.days.1 - visits.days.0).get_days()) + 1;
    let mut waiting = Vec::with_capacity(AT_ONCE);
    for (n, line) in lines(play, batch.id)?.into_iter().enumerate() {
        let items = round.scheme.items_for(line.able_to_work);
        let quality = 45 + u64::from(line.household.as_bytes()[15]) % 50;
        let seen = marks(&mut play.chance, &items, no_session, quality);
        let also = match play.chance.happens(AGREE) {
            true => seen.clone(),
            false => otherwise(&mut play.chance, &items, &seen),
        };
        let day = (n as i64 * days / batch.households.max(1)).min(days - 1);
        let on = visits.days.0.checked_add(jiff::Span::new().days(day))?;
        for (person, marks, share) in
            [(line.officer, seen, visits.officer), (line.cadre, also, visits.cadre)]
        {
            let Some(person) = person.filter(|_| play.chance.happens(share)) else { continue };
            let at = (moment(on, 9) + (n as Millis % 120) * 240_000).min(play.now);
            let who = people.who(person, at)?;
            let request = app::scoring::SaveSheet {
                key: play.chance.id(at),
                batch: batch.id,
                household: line.household,
                scores: Scores::new(marks),
                remark: if play.chance.happens(3) { remark.clone() } else { String::new() },
                visited_on: Some(on),
                opened_at: Some(at - 180_000),
            };
            let saved =
                play.app.write(who.reach(), move |tx| app::scoring::save_sheet(tx, &who, &request));
            waiting.push(saved);
            if waiting.len() == AT_ONCE {
                settle_all(&mut waiting, bar)?;
            }
        }
    }
    settle_all(&mut waiting, bar)
}

/// The marks of a stored sheet.
fn read(scores: &str) -> anyhow::Result<Scores> {
    Scores::parse(scores).map_err(|e| anyhow::anyhow!("a stored sheet cannot be read: {e:?}"))
}

fn settle_all<T, R: std::fmt::Debug>(
    waiting: &mut Vec<store::Answer<T, app::Failure<R>>>,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    for answer in waiting.drain(..) {
        must(answer.wait())?;
        bar.inc(1);
    }
    Ok(())
}

fn close(play: &mut Play, people: &People, batch: &Batch, now: Millis) -> anyhow::Result<()> {
    let who = people.committee(batch.village, 0, now)?;
    let key = play.chance.id(now);
    let request = app::scoring::CloseScoring { key, batch: batch.id, accept_missing: true };
    must(
        play.app
            .write(who.reach(), move |tx| app::scoring::close_scoring(tx, &who, &request))
            .wait(),
    )?;
    Ok(())
}

/// Settles a batch: what is equal at once, what differs one by one.
fn review(
    play: &mut Play,
    people: &People,
    batch: &Batch,
    now: Millis,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let who = people.committee(batch.village, 0, now)?;
    let request = app::scoring::AgreeWhereEqual { key: play.chance.id(now), batch: batch.id };
    let by = who.clone();
    let agreed = must(
        play.app
            .write(by.reach(), move |tx| app::scoring::agree_where_equal(tx, &by, &request))
            .wait(),
    )?;
    bar.inc(u64::try_from(agreed.settled).unwrap_or(0));
    let (note, one, absent) =
        (play.texts.word("settle_note"), play.texts.word("one_sheet"), play.texts.word("absent"));
    let mut waiting = Vec::with_capacity(AT_ONCE);
    for line in lines(play, batch.id)?.into_iter().filter(|l| l.settlement.is_none()) {
        let (outcome, note) = match (line.officer_sheet, line.cadre_sheet) {
            (Some(a), Some(b)) => {
                let kept = if play.chance.happens(50) { a.scores } else { b.scores };
                (Outcome::Assessed(read(&kept)?), note.clone())
            }
            (Some(only), None) | (None, Some(only)) => {
                (Outcome::Assessed(read(&only.scores)?), one.clone())
            }
            (None, None) => (Outcome::NotAssessed, absent.clone()),
        };
        let key = play.chance.id(now);
        let household = line.household;
        let request = app::scoring::Settle { key, batch: batch.id, household, outcome, note };
        let by = who.clone();
        waiting.push(play.app.write(by.reach(), move |tx| app::scoring::settle(tx, &by, &request)));
        if waiting.len() == AT_ONCE {
            settle_all(&mut waiting, bar)?;
        }
    }
    settle_all(&mut waiting, bar)
}

fn finish_review(
    play: &mut Play,
    people: &People,
    batch: &Batch,
    now: Millis,
) -> anyhow::Result<()> {
    let who = people.committee(batch.village, 0, now)?;
    let request = app::scoring::FinishReview { key: play.chance.id(now), batch: batch.id };
    must(
        play.app
            .write(who.reach(), move |tx| app::scoring::finish_review(tx, &who, &request))
            .wait(),
    )
}

// Posting -----------------------------------------------------------------------------------------

fn post(play: &mut Play, people: &People, batch: &Batch, now: Millis) -> anyhow::Result<Id> {
    let who = people.committee(batch.village, 0, now)?;
    let [wall, _] = play.chance.pick(&play.texts.spots).clone();
    let request = app::posting::Post {
        key: play.chance.id(now),
        batch: batch.id,
        place: wall,
        contact: play.texts.word("contact"),
        from: domain::local_date(now),
    };
    Ok(must(play.app.write(who.reach(), move |tx| app::posting::post(tx, &who, &request)).wait())?
        .id)
}

/// One person of the village says something to the list; `answered` at this time, or not yet.
fn object(
    play: &mut Play,
    people: &People,
    batch: &Batch,
    posting: Id,
    now: Millis,
    answered: Option<Millis>,
) -> anyhow::Result<()> {
    let n = play.chance.below(play.texts.objections.len());
    let [text, answer, upheld] = play.texts.objections[n].clone();
    let serial = 1 + i64::try_from(play.chance.below(batch.households.try_into()?))?;
    let request = app::posting::Object {
        key: play.chance.id(now),
        posting,
        channel: *play.chance.pick(&Channel::ALL),
        serial: Some(serial),
        text,
        by_name: None,
        contact: None,
    };
    let filed = match request.channel {
        Channel::Page => must(
            play.app.write(Reach::System, move |tx| app::posting::object(tx, now, &request)).wait(),
        )?,
        Channel::Phone | Channel::Paper => {
            let who = people.committee(batch.village, 0, now)?;
            let recorded = play
                .app
                .write(who.reach(), move |tx| app::posting::record_objection(tx, &who, &request));
            must(recorded.wait())?
        }
    };
    let Some(at) = answered else { return Ok(()) };
    let line = lines(play, batch.id)?.into_iter().find(|l| l.position == serial);
    let settled = line.as_ref().and_then(|l| l.settlement.as_ref());
    let mut new_scores = None;
    if let (true, Some(line), Some(settled)) = (upheld == "yes", &line, settled) {
        let scheme = round_scheme(play, batch)?;
        new_scores = better(&scheme, line, &read(&settled.scores)?);
    }
    let verdict = if new_scores.is_some() { Verdict::Upheld } else { Verdict::Rejected };
    let who = people.committee(batch.village, 1, at)?;
    let key = play.chance.id(at);
    let request =
        app::posting::Answer { key, objection: filed.id, verdict, text: answer, new_scores };
    must(play.app.write(who.reach(), move |tx| app::posting::answer(tx, &who, &request)).wait())?;
    Ok(())
}

fn round_scheme(play: &Play, batch: &Batch) -> anyhow::Result<std::sync::Arc<Scheme>> {
    let scheme = batch.scheme;
    must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| Ok(store::scheme::load(tx, scheme)?))
            .wait(),
    )
}

/// The same marks with the first item that is below its best raised to it.
fn better(scheme: &Scheme, line: &Line, scores: &Scores) -> Option<Outcome> {
    let raised = scheme.items_for(line.able_to_work).into_iter().find_map(|item| {
        let best = item.choices().first().map(|c| c.points)?;
        match scores.get(&item.code)? {
            Mark::Points(points) if *points < best => Some((item.code.clone(), best)),
            _ => None,
        }
    })?;
    let marks = scores.iter().map(|(code, mark)| {
        let mark = if code == raised.0 { Mark::Points(raised.1) } else { mark.clone() };
        (code.to_owned(), mark)
    });
    Some(Outcome::Assessed(Scores::new(marks)))
}

/// Certifies on the first day it may be done; that day.
fn certify(play: &mut Play, people: &People, batch: &Batch) -> anyhow::Result<Date> {
    let id = batch.id;
    let hung = must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| Ok(store::posting::of_batch(tx, id)?))
            .wait(),
    )?;
    let until = hung.iter().map(|p| p.to).max().unwrap_or(Date::MIN);
    let on = until.tomorrow()?;
    let who = people.township(&batch.path, moment(on, 9))?;
    let request = app::posting::Certify { key: play.chance.id(who.now), batch: id };
    must(play.app.write(who.reach(), move |tx| app::posting::certify(tx, &who, &request)).wait())?;
    Ok(on)
}

// Market days --------------------------------------------------------------------------------------

struct Market {
    day: Id,
    on: Date,
}

fn announce(play: &mut Play, people: &People, batch: &Batch, on: Date) -> anyhow::Result<Market> {
    let told = on.checked_sub(jiff::Span::new().days(3))?;
    let keeper = people.keeper.at(moment(told, 10).min(play.now));
    let [_, spot] = play.chance.pick(&play.texts.spots).clone();
    let key = play.chance.id(keeper.now);
    let request = app::goods::Announce {
        key,
        place: people.store,
        village: batch.village,
        on_date: on,
        spot,
    };
    must(
        play.app
            .write(keeper.reach(), move |tx| app::goods::announce(tx, &keeper, &request))
            .wait(),
    )?;
    Ok(Market { day: key, on })
}

fn redeem_all(
    play: &mut Play,
    people: &People,
    batch: &Batch,
    market: &Market,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let path = batch.path.clone();
    let balances: HashMap<Id, i64> = must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| {
                let rows = tx.all(
                    "SELECT h.id, a.credits_posted - a.debits_posted FROM household h \
                     JOIN account a ON a.owner = h.id AND a.kind = 'household' WHERE h.path = $1",
                    &store::args![&path],
                    |r| Ok((r.id(0)?, r.int(1)?)),
                )?;
                Ok(rows.into_iter().collect())
            })
            .wait(),
    )?;
    let proxy = Proxy { name: String::new(), relation: play.texts.word("proxy_relation") };
    let mut waiting = Vec::with_capacity(AT_ONCE);
    let mut reversed = None;
    for (n, line) in lines(play, batch.id)?.into_iter().enumerate() {
        let balance = balances.get(&line.household).copied().unwrap_or(0);
        let wishes = wishes(&mut play.chance, &people.goods, balance);
        if wishes.is_empty() || !play.chance.happens(REDEEM) {
            continue;
        }
        let at = (moment(market.on, 9) + (n as Millis % 480) * 60_000).min(play.now);
        let keeper = people.keeper.at(at);
        let key = play.chance.id(at);
        let by = match people.cards.get(&line.household) {
            Some(code) => app::redemption::By::Card(code.clone()),
            None => app::redemption::By::Household(line.household),
        };
        let sent = play.chance.happens(8).then(|| Proxy {
            name: super::zone::invented_name(&mut play.chance, &play.texts),
            ..proxy.clone()
        });
        let request =
            app::redemption::Redeem { key, by, market_day: market.day, wishes, proxy: sent };
        reversed = reversed.or(Some((key, at)));
        waiting.push(
            play.app
                .write(keeper.reach(), move |tx| app::redemption::redeem(tx, &keeper, &request)),
        );
        if waiting.len() == AT_ONCE {
            settle_all(&mut waiting, bar)?;
        }
    }
    settle_all(&mut waiting, bar)?;
    if let Some((redemption, at)) = reversed.filter(|_| play.chance.happens(15)) {
        let keeper = people.keeper.at((at + 600_000).min(play.now));
        let reason = play.texts.word("reversal");
        let key = play.chance.id(keeper.now);
        let request = app::redemption::Reverse { key, redemption, reason };
        must(
            play.app
                .write(keeper.reach(), move |tx| app::redemption::reverse(tx, &keeper, &request))
                .wait(),
        )?;
    }
    Ok(())
}

/// Up to three goods that the balance pays for.
fn wishes(chance: &mut Chance, goods: &[domain::goods::Good], balance: i64) -> Vec<Wish> {
    let mut left = balance;
    let mut wishes: Vec<Wish> = Vec::new();
    for _ in 0..3 {
        let good = chance.pick(goods);
        if good.points <= left && wishes.iter().all(|w| w.goods != good.goods) {
            left -= good.points;
            wishes.push(Wish { goods: good.goods, quantity: 1 });
        }
    }
    wishes
}

// Months ------------------------------------------------------------------------------------------

struct Finished {
    month: Month,
}

impl Finished {
    fn play(&self, play: &mut Play, people: &People) -> anyhow::Result<()> {
        let first = self.month.first();
        let day = |n: i64| first.checked_add(jiff::Span::new().days(n - 1));
        let households = people.households;
        let round = play
            .step("round", 1, |play, _| open_round(play, people, self.month, moment(first, 8)))?;
        super::zone::donate(play, people, moment(day(2)?, 15))?;
        play.step("sheets", households * 2, |play, bar| {
            let visits = Visits { officer: 100, cadre: 99, days: (first, day(16)?) };
            for batch in &round.batches {
                score(play, people, &round, batch, &visits, bar)?;
            }
            Ok(())
        })?;
        play.step("review", households, |play, bar| {
            for batch in &round.batches {
                close(play, people, batch, moment(day(17)?, 9))?;
                review(play, people, batch, moment(day(17)?, 14), bar)?;
                finish_review(play, people, batch, moment(day(17)?, 18))?;
            }
            Ok(())
        })?;
        let batches = round.batches.len() as u64;
        play.step("posting", batches, |play, bar| {
            for (n, batch) in round.batches.iter().enumerate() {
                let posting = post(play, people, batch, moment(day(18)?, 9))?;
                if n % 4 == 0 {
                    let answered = Some(moment(day(19)?, 16));
                    object(play, people, batch, posting, moment(day(19)?, 10), answered)?;
                }
                bar.inc(1);
            }
            Ok(())
        })?;
        let certified = play.step("certify", batches, |play, bar| {
            let mut days = Vec::new();
            for batch in &round.batches {
                days.push(certify(play, people, batch)?);
                bar.inc(1);
            }
            Ok(days)
        })?;
        play.step("redeem", households * REDEEM / 100, |play, bar| {
            for (batch, certified) in round.batches.iter().zip(certified) {
                let market = announce(play, people, batch, certified.tomorrow()?)?;
                redeem_all(play, people, batch, &market, bar)?;
            }
            Ok(())
        })
    }
}

struct Open {
    month: Month,
}

impl Open {
    /// Villages stand at different points of the month, so that every screen has something on it.
    fn play(&self, play: &mut Play, people: &People) -> anyhow::Result<()> {
        let first = self.month.first();
        let begun = moment(first, 0);
        // A share of the time that the month has had so far.
        let now = play.now;
        let at = move |percent: i64| begun + (now - begun) * percent / 100;
        let round = play.step("round", 1, |play, _| open_round(play, people, self.month, at(1)))?;
        let last = first.checked_add(jiff::Span::new().days(19))?.min(domain::local_date(at(50)));
        play.step("sheets", people.households * 2, |play, bar| {
            for (n, batch) in round.batches.iter().enumerate() {
                let (officer, cadre) = match stage(n) {
                    0 => (62, 48),
                    1 => (100, 85),
                    _ => (100, 100),
                };
                let visits = Visits { officer, cadre, days: (first, last) };
                score(play, people, &round, batch, &visits, bar)?;
            }
            Ok(())
        })?;
        play.step("review", people.households, |play, bar| {
            for (n, batch) in round.batches.iter().enumerate() {
                if stage(n) >= 3 {
                    close(play, people, batch, at(55))?;
                }
                if stage(n) >= 4 {
                    review(play, people, batch, at(60), bar)?;
                    finish_review(play, people, batch, at(65))?;
                }
            }
            Ok(())
        })?;
        play.step("posting", round.batches.len() as u64, |play, bar| {
            for (n, batch) in round.batches.iter().enumerate() {
                if stage(n) >= 5 {
                    let posting = post(play, people, batch, at(75))?;
                    object(play, people, batch, posting, at(85), None)?;
                }
                bar.inc(1);
            }
            Ok(())
        })?;
        // The store stops in the demo village today.
        if let Some(batch) = round.batches.iter().find(|b| b.village == people.village) {
            announce(play, people, batch, domain::local_date(now))?;
        }
        Ok(())
    }
}

/// 0, 1 being visited; 2 all in; 3 under review; 4 reviewed; 5 on the wall.
fn stage(n: usize) -> usize {
    n % 6
}

/// The person asking at another time.
pub trait At {
    fn at(&self, now: Millis) -> Who;
}

impl At for Who {
    fn at(&self, now: Millis) -> Who {
        Who { now, ..self.clone() }
    }
}
