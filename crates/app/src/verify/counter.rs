//! The counter and the warehouse: every redemption, bonus and lot moved what it says, once.

use domain::Id;
use domain::points::Account;
use store::Tx;
use store::verify::StoredRedemption;

use super::{Check, Finding};

type Moves = Vec<(Id, Id, i64)>;

pub(super) fn check(tx: &mut Tx) -> Check {
    let mut redemptions = Vec::new();
    store::verify::each_redemption(tx, |r| {
        redemptions.push(r);
        Ok(())
    })?;
    let by_id: std::collections::HashMap<Id, &StoredRedemption> =
        redemptions.iter().map(|r| (r.id, r)).collect();
    for r in &redemptions {
        let no = |what: &str| Finding::new("redemption", r.id, what);
        let points: i64 = r.lines.iter().map(|l| l.2 * l.3).sum();
        if points != r.points {
            return Err(no("costs other points than its lines").into());
        }
        let (kind, mut expected) = match r.reverses {
            None => ("redemption", moves(r)),
            Some(original) => {
                let original = by_id.get(&original).copied();
                if !original.is_some_and(|o| o.reverses.is_none() && is_undone_by(o, r)) {
                    return Err(no("undoes another redemption than it says").into());
                }
                let back = moves(r).into_iter().map(|(debit, credit, n)| (credit, debit, n));
                ("reversal", back.collect())
            }
        };
        expected.sort_unstable();
        if store::verify::caused(tx, kind, r.id)? != expected {
            return Err(no("moved other things than it says").into());
        }
    }
    bonuses(tx)?;
    lots(tx)
}

/// Points of the household to the redeemed, each line out of stock.
fn moves(r: &StoredRedemption) -> Moves {
    let points = (Account::household(r.household).id(), Account::redeemed().id(), r.points);
    let goods = r.lines.iter().map(|(goods, lot, quantity, _)| {
        let from = Account::stock(*goods, *lot, r.place).id();
        (from, Account::handed_out(*goods).id(), *quantity)
    });
    std::iter::once(points).chain(goods).collect()
}

fn is_undone_by(original: &StoredRedemption, reversal: &StoredRedemption) -> bool {
    (original.household, original.place, original.points, &original.lines)
        == (reversal.household, reversal.place, reversal.points, &reversal.lines)
}

fn bonuses(tx: &mut Tx) -> Check {
    for (id, household, points) in store::verify::bonuses(tx)? {
        let expected = [(Account::issued().id(), Account::household(household).id(), points)];
        if store::verify::caused(tx, "bonus", id)? != expected {
            return Err(Finding::new("bonus", id, "credited other points than it says").into());
        }
    }
    Ok(())
}

fn lots(tx: &mut Tx) -> Check {
    let lots = store::verify::lots(tx)?;
    for of_one in lots.chunk_by(|a, b| a.donation == b.donation) {
        let donation = of_one[0].donation;
        let mut expected: Moves = of_one
            .iter()
            .map(|l| {
                let to = Account::stock(l.goods, l.lot, l.place).id();
                (Account::donated(l.goods).id(), to, l.quantity)
            })
            .collect();
        expected.sort_unstable();
        if store::verify::caused(tx, "donation", donation)? != expected {
            let what = "put other goods in stock than it says";
            return Err(Finding::new("donation", donation, what).into());
        }
    }
    Ok(())
}
