//! What last month would have been under another version, and what a year of it would cost.

use super::{Mark, Scores, compute};
use crate::Id;
use crate::scheme::{Item, Scheme};

/// A household's settled month under the old version.
#[derive(Clone, Debug)]
pub struct PastScore {
    pub household: Id,
    pub able_to_work: bool,
    pub scores: Scores,
    pub total: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunRow {
    pub household: Id,
    pub old: i64,
    /// None: too little of the old sheet says anything under the new version.
    pub new: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    pub rows: Vec<DryRunRow>,
    pub gain: usize,
    pub lose: usize,
    pub same: usize,
    pub unknown: usize,
    /// Points of the month, over the households that could be computed.
    pub old_points: i64,
    pub new_points: i64,
    /// Twelve such months, each household within the yearly cap, in fen.
    pub yearly_fen: i64,
    pub fund_fen: i64,
}

impl DryRun {
    pub fn fund_suffices(&self) -> bool {
        self.yearly_fen <= self.fund_fen
    }
}

/// Carries each old sheet over to the new version. An item that kept its code keeps its value, or
/// the nearest to the same share of the maximum; one that is new has no data and is left out.
pub fn dry_run(old: &Scheme, new: &Scheme, past: &[PastScore], fund_fen: i64) -> DryRun {
    let mut run = DryRun {
        rows: Vec::with_capacity(past.len()),
        gain: 0,
        lose: 0,
        same: 0,
        unknown: 0,
        old_points: 0,
        new_points: 0,
        yearly_fen: 0,
        fund_fen,
    };
    for month in past {
        let total = carried(old, new, month);
        match total {
            None => run.unknown += 1,
            Some(total) if total > month.total => run.gain += 1,
            Some(total) if total < month.total => run.lose += 1,
            Some(_) => run.same += 1,
        }
        if let Some(total) = total {
            run.old_points += month.total;
            run.new_points += total;
            let year = (12 * total).min(new.annual_cap);
            run.yearly_fen += year * 100 / new.points_per_yuan.max(1);
        }
        run.rows.push(DryRunRow { household: month.household, old: month.total, new: total });
    }
    run
}

fn carried(old: &Scheme, new: &Scheme, month: &PastScore) -> Option<i64> {
    // Only items with data are put; the rest leave the denominator like any n/a.
    let mut trial = new.clone();
    let mut marks = Vec::new();
    for item in new.items_for(month.able_to_work) {
        match (old.item(&item.code), month.scores.get(&item.code)) {
            (Some(before), Some(Mark::Points(points))) => {
                marks.push((item.code.clone(), Mark::Points(nearest(before, item, *points)?)));
            }
            _ => {
                trial.items.retain(|i| i.code != item.code);
                trial.substitute = trial.substitute.filter(|s| s.item.code != item.code);
            }
        }
    }
    if !month.able_to_work
        && trial.substitute.is_none()
        && let Some(substitute) = &new.substitute
    {
        trial.items.retain(|i| i.category != substitute.category);
    }
    compute(&trial, &Scores::new(marks), month.able_to_work).ok().map(|m| m.total)
}

/// The value of `item` nearest to the same share of the maximum; of two, the higher.
fn nearest(before: &Item, item: &Item, points: i64) -> Option<i64> {
    if item.is_choice(points) && before.max == item.max {
        return Some(points);
    }
    let away = |choice: i64| (choice * before.max - points * item.max).abs();
    item.choices().iter().map(|c| c.points).min_by_key(|points| away(*points))
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::change;
    use super::*;
    use crate::scheme::tests::shipped;

    fn past(n: u128, changes: &str) -> PastScore {
        let scores = change(changes);
        let total = compute(&shipped(), &scores, true).unwrap().total;
        PastScore { household: Id::from_u128(n), able_to_work: true, scores, total }
    }

    fn picture(run: &DryRun) -> String {
        let rows: Vec<_> = run
            .rows
            .iter()
            .map(|r| format!("{}→{}", r.old, r.new.map_or("?".into(), |n| n.to_string())))
            .collect();
        format!("{} | +{} -{} ={}", rows.join(" "), run.gain, run.lose, run.same)
    }

    #[test]
    fn the_same_version_changes_nothing() {
        let scheme = shipped();
        let months = [past(1, ""), past(2, "A1 5;C1 - illness"), past(3, "E2 1;D3 - unable")];
        let run = dry_run(&scheme, &scheme, &months, 40_000);
        assert_eq!(picture(&run), "100→100 97→97 94→94 | +0 -0 =3");
        // 12 × 291 points at 10 to the yuan: 349.20 yuan.
        assert_eq!((run.yearly_fen, run.fund_suffices()), (34_920, true));
        assert!(!dry_run(&scheme, &scheme, &months, 30_000).fund_suffices());
    }

    #[test]
    fn heavier_hygiene_lighter_work() {
        let scheme = shipped();
        let mut new = scheme.clone();
        let weigh = |new: &mut Scheme, code: &str, max: i64| {
            let item = new.items.iter_mut().find(|i| i.code == code).unwrap();
            let before = item.max;
            for band in &mut item.bands {
                band.score = band.score * max / before;
            }
            item.max = max;
        };
        weigh(&mut new, "B1", 20);
        new.items.retain(|i| i.code != "C1");
        let months = [past(1, ""), past(2, "B1 0"), past(3, "C1 0"), past(4, "B1 7;C1 6")];
        let run = dry_run(&scheme, &new, &months, 0);
        assert_eq!(picture(&run), "100→100 90→80 90→100 93→94 | +2 -1 =1");
    }

    #[test]
    fn households_without_work_capacity() {
        let scheme = shipped();
        let sheet = "A1 8;A2 6;A3 6;B1 10;B2 8;B3 7;C0 15;D1 6;D2 5;D3 4;E1 8;E2 7";
        let month = PastScore {
            household: Id::nil(),
            able_to_work: false,
            scores: Scores::parse(sheet).unwrap(),
            total: 90,
        };
        let run = dry_run(&scheme, &scheme, std::slice::from_ref(&month), 0);
        assert_eq!(picture(&run), "90→90 | +0 -0 =1");
        let mut without = scheme.clone();
        without.substitute = None;
        let run = dry_run(&scheme, &without, &[month], 0);
        assert_eq!(picture(&run), "90→100 | +1 -0 =0", "category C has no data then");
    }
}
