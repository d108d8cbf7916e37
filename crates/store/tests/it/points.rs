//! The ledger's SQL against its rules.

use app::{Failure, Never, Reach};
use domain::points::{Account, Amount, Cause, CauseKind, Refusal, Step, Transfer};
use domain::{Date, Id};
use testkit::{Stage, on_both};

const DAY: Date = jiff::civil::date(2026, 11, 23);

fn id(n: u128) -> Id {
    Id::from_u128(n)
}

fn credit(batch: u128, household: u128, points: i64) -> Transfer {
    let cause = Cause { kind: CauseKind::Certification, id: id(batch) };
    Transfer::credit(cause, id(household), Amount::new(points).expect("fits"), DAY, 7)
}

fn send(stage: &Stage, transfers: Vec<Transfer>) -> Result<usize, Failure<Refusal>> {
    stage.write(move |tx| app::points::transfer(tx, &transfers))
}

fn balance(stage: &Stage, household: u128) -> i64 {
    stage
        .read::<_, Never>(move |tx| Ok(store::points::household_balance(tx, id(household))?))
        .expect("fits")
}

#[test]
fn what_was_recorded_is_read_back() {
    on_both(|stage| {
        assert_eq!(send(stage, vec![credit(1, 1, 80), credit(1, 2, 60)]).unwrap(), 2);
        assert_eq!(send(stage, vec![credit(1, 1, 80), credit(1, 3, 5)]).unwrap(), 1);
        assert_eq!([balance(stage, 1), balance(stage, 2), balance(stage, 3)], [80, 60, 5]);

        let spend = |points| {
            let cause = Cause { kind: CauseKind::Redemption, id: id(9) };
            let (from, to) = (Account::household(id(1)), Account::redeemed());
            Transfer::posted(cause, from, to, Amount::new(points).unwrap(), DAY, 8)
        };
        let hold = Transfer { step: Step::Hold, id: id(77), ..spend(30) };
        assert_eq!(send(stage, vec![hold]).unwrap(), 1);
        let refused = send(stage, vec![spend(51)]);
        let Err(Failure::Refused(Refusal::WouldOverdraw { balance: 50, need: 51, .. })) = refused
        else {
            panic!("{refused:?}")
        };
        let post = Transfer { step: Step::Post(id(77)), id: id(78), ..spend(20) };
        assert_eq!(send(stage, vec![post]).unwrap(), 1);
        let again = Transfer { id: id(79), ..post };
        let refused = send(stage, vec![again]);
        assert!(matches!(refused, Err(Failure::Refused(Refusal::HoldAlreadyPosted { .. }))));

        let (all, second_page) = stage
            .read::<_, Never>(|tx| {
                let household = Account::household(id(1));
                let all = store::points::statement(tx, &household, None, 10)?;
                Ok((all, store::points::statement(tx, &household, Some(5), 1)?))
            })
            .unwrap();
        let picture = |s: &domain::points::Statement| {
            s.lines.iter().map(|l| (l.seq, l.effect, l.balance)).collect::<Vec<_>>()
        };
        assert_eq!(picture(&all), [(5, 10, 60), (4, -30, 50), (1, 80, 80)], "{}", stage.engine);
        assert_eq!(picture(&second_page), [(4, -30, 50)]);
        assert_eq!((all.opening, second_page.opening), (0, 80));
    });
}

#[test]
fn the_fingerprint_is_of_what_is_read_back() {
    on_both(|stage| {
        send(stage, (1..=20).map(|n| credit(1, n, 10)).collect()).unwrap();
        let fits = stage
            .read::<_, Never>(|tx| {
                let mut expected = Vec::new();
                store::points::each(tx, |entry| {
                    expected.push((entry.seq, entry.transfer.digest(entry.seq)));
                    Ok(())
                })?;
                let sql = "SELECT seq, digest FROM transfer ORDER BY seq";
                let kept = tx.all(sql, &[], |r| Ok((r.int(0)?, r.digest(1)?)))?;
                Ok(kept == expected && kept.iter().map(|k| k.0).eq(1..=20))
            })
            .unwrap();
        assert!(fits, "{}", stage.engine);
    });
}

/// A household spends its last point from many sides at once.
#[test]
fn one_of_many_spends_the_last_point() {
    on_both(|stage| {
        send(stage, vec![credit(1, 1, 1)]).unwrap();
        let threads: Vec<_> = (0..50u128)
            .map(|n| {
                let app = stage.app.clone();
                std::thread::spawn(move || {
                    let cause = Cause { kind: CauseKind::Redemption, id: id(1_000 + n) };
                    let (from, to) = (Account::household(id(1)), Account::redeemed());
                    let one = Amount::new(1).unwrap();
                    let spend = [Transfer::posted(cause, from, to, one, DAY, 8)];
                    app.write(Reach::System, move |tx| app::points::transfer(tx, &spend)).wait()
                })
            })
            .collect();
        let mut won = 0;
        for thread in threads {
            match thread.join().unwrap() {
                Ok(1) => won += 1,
                Err(Failure::Refused(Refusal::WouldOverdraw { .. })) => {}
                other => panic!("{}: {other:?}", stage.engine),
            }
        }
        assert_eq!((won, balance(stage, 1)), (1, 0), "{}", stage.engine);
    });
}

/// Prints what a large certification costs; the limit is for a slow debug build.
#[test]
fn a_hundred_thousand_in_one_call() {
    on_both(|stage| {
        let transfers: Vec<_> = (1..=100_000).map(|n| credit(1, n, 50)).collect();
        let begun = std::time::Instant::now();
        assert_eq!(send(stage, transfers).unwrap(), 100_000);
        let took = begun.elapsed();
        println!("{}: 100,000 transfers in {took:.1?}", stage.engine);
        assert!(took.as_secs() < 60, "{} took {took:?}", stage.engine);
    });
}
