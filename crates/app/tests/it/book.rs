//! The ledger's books, read and checked by the programs they are for.

use std::collections::HashMap;
use std::process::Command;

use app::Never;
use domain::points::{Account, Amount, Cause, CauseKind, Format, Step, Transfer};
use domain::{Date, Id};
use testkit::Stage;

const DAY: Date = jiff::civil::date(2026, 11, 23);

fn id(n: u128) -> Id {
    Id::from_u128(n)
}

/// Credits, goods in, a redemption, its reversal, and a hold that is still open.
fn play(stage: &Stage) {
    let cause = |kind, n| Cause { kind, id: id(n) };
    let amount = |n| Amount::new(n).expect("positive");
    let goods = stage
        .read::<_, Never>(|tx| Ok(store::goods::all(tx)?[0].goods))
        .expect("the shipped goods");
    let stock = Account::stock(goods, id(70), id(80));
    let redeem = cause(CauseKind::Redemption, 3);
    let mut all: Vec<Transfer> = (1..=300)
        .map(|n| {
            let batch = cause(CauseKind::Certification, 1);
            let earlier = if n % 2 == 0 { DAY } else { jiff::civil::date(2026, 10, 24) };
            Transfer::credit(batch, id(n), amount(100), earlier, 1)
        })
        .collect();
    let in_kind = cause(CauseKind::Donation, 2);
    all.push(Transfer::posted(in_kind, Account::donated(goods), stock, amount(9), DAY, 1));
    let spent = Transfer::posted(
        redeem,
        Account::household(id(1)),
        Account::redeemed(),
        amount(60),
        DAY,
        2,
    );
    let handed = Transfer::posted(redeem, stock, Account::handed_out(goods), amount(1), DAY, 2);
    let back = cause(CauseKind::Reversal, 4);
    all.extend([spent, handed, spent.reversed(back, DAY, 3), handed.reversed(back, DAY, 3)]);
    all.push(Transfer { id: id(900), step: Step::Hold, at: 4, ..spent });
    stage.write(move |tx| app::points::transfer(tx, &all)).expect("recorded");
}

fn book(stage: &Stage, format: Format) -> String {
    stage
        .read::<_, Never>(move |tx| {
            let skus: HashMap<Id, String> =
                store::goods::all(tx)?.into_iter().map(|g| (g.goods, g.sku)).collect();
            let mut out = Vec::new();
            app::points::write_book(tx, format, skus, &mut out)?;
            Ok(String::from_utf8(out).expect("text"))
        })
        .expect("a book")
}

/// `None` where the program is not on this machine; CI has both.
fn run(program: &str, args: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(args).output() {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        Err(e) => panic!("{program}: {e}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn hledger_and_beancount_agree_with_the_ledger() {
    let mut books = Vec::new();
    let stage = Stage::sqlite();
    play(&stage);
    let folder = tempfile::tempdir().expect("a folder");
    for (format, ending) in [(Format::Hledger, "journal"), (Format::Beancount, "beancount")] {
        let file = folder.path().join(format!("siji.{ending}"));
        std::fs::write(&file, book(&stage, format)).expect("written");
        books.push(file.to_string_lossy().into_owned());
    }
    run("hledger", &["check", "--strict", "-f", &books[0]]);
    run("bean-check", &[&books[1]]);
    let args = ["balance", "-f", &books[0], "Assets:Household", "-O", "csv", "--depth", "2"];
    if let Some(total) = run("hledger", &args) {
        assert!(total.contains("30000 POINTS"), "{total}");
    }
}

#[test]
fn a_changed_amount_is_noticed_by_the_reading_program() {
    let stage = Stage::sqlite();
    play(&stage);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("siji.journal");
    let forged = book(&stage, Format::Hledger).replacen("  60 POINTS", "  61 POINTS", 1);
    std::fs::write(&file, forged).expect("written");
    if let Ok(output) = Command::new("hledger").arg("check").arg("-f").arg(&file).output() {
        assert!(!output.status.success());
    }
}

#[test]
fn both_engines_write_the_same_book() {
    let (sqlite, postgres) = (Stage::sqlite(), Stage::postgres());
    play(&sqlite);
    play(&postgres);
    for format in Format::ALL {
        let sorted = |stage| {
            let mut lines: Vec<String> = book(stage, format).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&sqlite), sorted(&postgres));
    }
}
