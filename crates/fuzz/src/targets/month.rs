//! A village's month over SQLite: sheets, review, list, objections, certification, in any order that
//! anybody might try. Nobody is credited before the list has hung its time and every objection is
//! answered; then each household is, once, with what hung last.

use app::posting::{Answer, Certify, Object, Post};
use app::scoring::{AgreeWhereEqual, CloseScoring, FinishReview, SaveSheet, Settle};
use app::{Tx, Who};
use domain::posting::answer::Verdict;
use domain::posting::object::Channel;
use domain::scoring::{Mark, Outcome, Scores};
use domain::{Date, Id};
use store::args;
use testkit::Stage;
use testkit::month::{FULL, Village};

use super::zone::{Clock, Said, command, undone, verify};
use crate::bytes::Bytes;

#[derive(Clone)]
struct Cast {
    officer: Who,
    cadre: Who,
    committee: Who,
    township: Who,
    batch: Id,
    households: Vec<Id>,
}

thread_local! {
    static ZONE: (Stage, Cast) = zone();
}

fn zone() -> (Stage, Cast) {
    let stage = Stage::sqlite();
    let village = Village::open(&stage, &["A", "B"]);
    let cast = Cast {
        officer: village.officer.clone(),
        cadre: village.cadre.clone(),
        committee: village.committee.clone(),
        township: village.township.clone(),
        batch: village.batch,
        households: village.households.clone(),
    };
    drop(village);
    (stage, cast)
}

/// Commands as the bytes choose them.
pub fn month(bytes: &[u8]) {
    let bytes = bytes.to_vec();
    ZONE.with(|(stage, cast)| {
        let cast = cast.clone();
        undone(stage, move |tx| {
            let mut choices = Bytes::new(&bytes);
            let mut play = Play::of(cast.clone());
            for _ in 0..40 {
                if choices.is_empty() {
                    break;
                }
                play.step(tx, &mut choices);
                play.holds(tx);
            }
            verify(tx);
        });
    });
}

/// The state of the batch, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Draft,
    Scored,
    Reviewed,
    Hanging,
    Certified,
}

struct Play {
    cast: Cast,
    clock: Clock,
    state: State,
    /// By household: the officer's and the cadre's sheet.
    sheets: Vec<[Option<Scores>; 2]>,
    /// By household: its total, where it is settled.
    totals: Vec<Option<i64>>,
    /// Last full days of the lists that hang.
    hung_to: Vec<Date>,
    posting: Option<Id>,
    /// Objections without an answer, and the household each is about.
    open: Vec<(Id, Option<usize>)>,
    credited: Option<Vec<i64>>,
    certified_by: Option<Certify>,
}

impl Play {
    fn of(cast: Cast) -> Play {
        Play {
            clock: Clock::at("2026-11-12T09:00"),
            state: State::Draft,
            sheets: vec![[None, None]; cast.households.len()],
            totals: vec![None; cast.households.len()],
            hung_to: Vec::new(),
            posting: None,
            open: Vec::new(),
            credited: None,
            certified_by: None,
            cast,
        }
    }

    fn step(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        match choices.below(16) {
            0 | 1 => self.clock.go(choices.byte() % 100),
            2..6 => self.sheet(tx, choices),
            6 => self.close(tx, choices),
            7 => self.agree(tx),
            8 | 9 => self.settle(tx, choices),
            10 => self.finish(tx),
            11 => self.post(tx, choices),
            12 => self.object(tx, choices),
            13 => self.answer(tx, choices),
            _ => self.certify(tx, choices),
        }
    }

    fn holds(&self, tx: &mut Tx) {
        let sql = "SELECT state FROM batch WHERE id = $1";
        let state = tx.one(sql, &args![self.cast.batch], |r| r.text(0)).expect("a batch");
        let mine = ["draft", "scored", "reviewed", "in_publicity", "credited"];
        assert_eq!(state, mine[self.state as usize]);
        for (n, household) in self.cast.households.iter().enumerate() {
            let kept = store::points::household_balance(tx, *household).expect("a balance");
            assert_eq!(kept, self.credited.as_ref().map_or(0, |all| all[n]));
        }
    }

    /// A full sheet, one with other marks, or one that is none.
    fn marks(choices: &mut Bytes<'_>) -> Scores {
        let full = Scores::parse(FULL).expect("a sheet");
        let scheme = super::scoring::shipped();
        let mut marks: Vec<(String, Mark)> =
            full.iter().map(|(item, mark)| (item.to_owned(), mark.clone())).collect();
        for _ in 0..choices.below(4) {
            let place = choices.below(marks.len());
            let item = scheme.item(&marks[place].0).expect("an item of the scheme");
            let values = item.choices();
            marks[place].1 = match choices.below(8) {
                7 => Mark::Points(choices.number()),
                6 => match item.na.first() {
                    Some(reason) => Mark::NotApplicable(reason.code.clone()),
                    None => Mark::NotApplicable("none".into()),
                },
                _ => Mark::Points(choices.pick(&values).points),
            };
        }
        Scores::new(marks)
    }

    fn total(scores: &Scores) -> Option<i64> {
        domain::scoring::compute(&super::scoring::shipped(), scores, true).ok().map(|s| s.total)
    }

    fn is_whole(scores: &Scores) -> bool {
        let scheme = super::scoring::shipped();
        scheme.items_for(true).iter().all(|item| match scores.get(&item.code) {
            Some(Mark::Points(points)) => item.is_choice(*points),
            Some(Mark::NotApplicable(why)) => item.na_reason(why).is_some(),
            None => false,
        })
    }

    fn sheet(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let (n, scorer) = (choices.below(self.cast.households.len()), choices.below(2));
        let who = self.clock.who([&self.cast.officer, &self.cast.cadre][scorer]);
        let scores = match (choices.below(3), &self.sheets[n][1 - scorer]) {
            (0, Some(other)) => other.clone(),
            _ => Play::marks(choices),
        };
        let visited_on = who.today();
        let request = SaveSheet {
            key: self.clock.id(),
            batch: self.cast.batch,
            household: self.cast.households[n],
            scores: scores.clone(),
            remark: String::new(),
            visited_on: Some(visited_on),
            opened_at: None,
        };
        let said = command(tx, |tx| app::scoring::save_sheet(tx, &who, &request));
        let in_time = visited_on <= jiff::civil::date(2026, 11, 20);
        let is_fit = self.state == State::Draft && Play::is_whole(&scores) && in_time;
        assert_eq!(said.code() == "yes", is_fit, "{scores}: {}", said.code());
        if is_fit {
            self.sheets[n][scorer] = Some(scores);
            let again = command(tx, |tx| app::scoring::save_sheet(tx, &who, &request));
            assert_eq!(again, said, "the same key again");
        }
    }

    fn close(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.committee);
        let accept_missing = choices.truth();
        let (key, batch) = (self.clock.id(), self.cast.batch);
        let close = CloseScoring { key, batch, accept_missing };
        let said = command(tx, |tx| app::scoring::close_scoring(tx, &who, &close));
        let is_full = self.sheets.iter().flatten().all(Option::is_some);
        let is_fit = self.state == State::Draft && (is_full || accept_missing);
        assert_eq!(said.code() == "yes", is_fit, "{}", said.code());
        if is_fit {
            self.state = State::Scored;
        }
    }

    fn agree(&mut self, tx: &mut Tx) {
        let who = self.clock.who(&self.cast.committee);
        let agree = AgreeWhereEqual { key: self.clock.id(), batch: self.cast.batch };
        let said = command(tx, |tx| app::scoring::agree_where_equal(tx, &who, &agree));
        assert_eq!(said.code() == "yes", self.state == State::Scored, "{}", said.code());
        let Some(agreed) = said.yes() else { return };
        let mut settled = 0;
        for (sheets, total) in self.sheets.iter().zip(&mut self.totals) {
            if let ([Some(one), Some(other)], None) = (sheets, *total)
                && one == other
                && let Some(sum) = Play::total(one)
            {
                *total = Some(sum);
                settled += 1;
            }
        }
        assert_eq!(agreed.settled, settled);
    }

    fn settle(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.committee);
        let n = choices.below(self.cast.households.len());
        let note = if choices.truth() { "N" } else { "" };
        let outcome = match (choices.below(8), &self.sheets[n]) {
            (0, _) => Outcome::NotAssessed,
            (1, _) => Outcome::Suspended,
            (2, _) => Outcome::Assessed(Play::marks(choices)),
            (3..5, [_, Some(scores)]) | (_, [Some(scores), _]) => Outcome::Assessed(scores.clone()),
            _ => Outcome::Assessed(Play::marks(choices)),
        };
        let settle = Settle {
            key: self.clock.id(),
            batch: self.cast.batch,
            household: self.cast.households[n],
            outcome: outcome.clone(),
            note: note.into(),
        };
        let said = command(tx, |tx| app::scoring::settle(tx, &who, &settle));
        let total = match &outcome {
            Outcome::Assessed(scores) => Play::total(scores),
            Outcome::NotAssessed | Outcome::Suspended => Some(0),
        };
        let sheets = self.sheets[n].iter().flatten().count();
        let is_assessed = matches!(outcome, Outcome::Assessed(_));
        let may = self.state == State::Scored
            && total.is_some()
            && (!is_assessed || sheets > 0)
            && (!note.is_empty() || (is_assessed && sheets == 2));
        let is_yes = said.code() == "yes";
        assert!(may || !is_yes, "{settle:?} is taken");
        assert!(is_yes || !may || note.is_empty(), "{settle:?}: {}", said.code());
        if let Some(settled) = said.yes() {
            assert_eq!(Some(settled.total), total);
            self.totals[n] = total;
        }
    }

    fn finish(&mut self, tx: &mut Tx) {
        let who = self.clock.who(&self.cast.committee);
        let finish = FinishReview { key: self.clock.id(), batch: self.cast.batch };
        let said = command(tx, |tx| app::scoring::finish_review(tx, &who, &finish));
        let is_fit = self.state == State::Scored && self.totals.iter().all(Option::is_some);
        assert_eq!(said.code() == "yes", is_fit, "{}", said.code());
        if is_fit {
            self.state = State::Reviewed;
        }
    }

    fn post(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.committee);
        let place = if choices.truth() { "W".to_owned() } else { choices.text() };
        let contact = "0635-8511234".to_owned();
        let key = self.clock.id();
        let post = Post { key, batch: self.cast.batch, place, contact, from: who.today() };
        let said = command(tx, |tx| app::posting::post(tx, &who, &post));
        let may = self.state == State::Reviewed;
        assert!(may || said.code() != "yes");
        assert!(!may || post.place != "W" || said.code() == "yes", "{}", said.code());
        let Some(posted) = said.yes() else { return };
        assert_eq!(posted.rows, self.totals.len() as i64);
        assert!(posted.to > posted.from);
        self.state = State::Hanging;
        self.hung_to.push(posted.to);
        self.posting = Some(key);
    }

    fn object(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let Some(posting) = self.posting else { return };
        let serial = choices.truth().then(|| i64::from(choices.byte() % 4));
        let key = self.clock.id();
        let object = Object {
            key,
            posting,
            channel: Channel::Page,
            serial,
            text: if choices.truth() { "I object.".into() } else { choices.text() },
            by_name: choices.truth().then(|| choices.text()),
            contact: None,
        };
        let now = self.clock.now;
        let said = command(tx, |tx| app::posting::object(tx, now, &object));
        let hangs = self.state == State::Hanging && self.clock.today() <= self.hung_to[0];
        let is_row = serial.is_none_or(|n| (1..=self.totals.len() as i64).contains(&n));
        assert!((hangs && is_row) || said.code() != "yes");
        let is_plain = object.text == "I object." && object.by_name.is_none();
        assert!(!(hangs && is_row && is_plain) || said.code() == "yes", "{}", said.code());
        if said.yes().is_some() {
            self.open.push((key, serial.map(|n| n as usize - 1)));
        }
    }

    fn answer(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        if self.open.is_empty() {
            return;
        }
        let who = self.clock.who(&self.cast.township);
        let place = choices.below(self.open.len());
        let (objection, household) = self.open[place];
        let is_upheld = choices.truth();
        let scores = Play::marks(choices);
        let answer = Answer {
            key: self.clock.id(),
            objection,
            verdict: if is_upheld { Verdict::Upheld } else { Verdict::Rejected },
            text: "It was looked into.".into(),
            new_scores: is_upheld.then(|| Outcome::Assessed(scores.clone())),
        };
        let said = command(tx, |tx| app::posting::answer(tx, &who, &answer));
        if !is_upheld {
            assert_eq!(said.code(), "yes");
        }
        let Said::Yes(_) = said else { return };
        self.open.remove(place);
        if let (true, Some(n)) = (is_upheld, household) {
            let total = Play::total(&scores).expect("an answer with a whole sheet");
            if self.totals[n] != Some(total) {
                self.totals[n] = Some(total);
            }
            // What changed hangs a period of its own.
            let sql = "SELECT MAX(to_date) FROM posting WHERE batch = $1";
            let to = tx.one(sql, &args![self.cast.batch], |r| r.text(0)).expect("a list");
            self.hung_to.push(to.parse().expect("a day"));
        }
    }

    fn certify(&mut self, tx: &mut Tx, choices: &mut Bytes<'_>) {
        let who = self.clock.who(&self.cast.township);
        let again = choices.truth().then_some(()).and(self.certified_by.as_ref()).map(|c| c.key);
        let key = again.unwrap_or_else(|| self.clock.id());
        let certify = Certify { key, batch: self.cast.batch };
        let said = command(tx, |tx| app::posting::certify(tx, &who, &certify));
        let is_over = self.hung_to.iter().all(|to| *to < self.clock.today());
        let is_fit = self.state == State::Hanging && is_over && self.open.is_empty();
        let is_repeat = again.is_some();
        assert_eq!(said.code() == "yes", is_fit || is_repeat, "{}", said.code());
        if is_fit {
            let credited: Vec<i64> = self.totals.iter().map(|t| t.unwrap_or(0)).collect();
            let certified = said.yes().expect("it was certified");
            assert_eq!(certified.points, credited.iter().sum::<i64>());
            self.state = State::Certified;
            self.credited = Some(credited);
            self.certified_by = Some(certify);
        }
    }
}
