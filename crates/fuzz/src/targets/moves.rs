//! The same transfers over SQLite: as the rules decide and the plain ledger answers, and the balances
//! as the tables keep them.

use domain::points::Transfer;
use testkit::Stage;

use super::ledger::{Plain, accounts, drawn};
use super::zone::{Said, command, undone};
use crate::bytes::Bytes;

thread_local! {
    static STAGE: Stage = Stage::sqlite();
}

pub fn moves(bytes: &[u8]) {
    let bytes = bytes.to_vec();
    STAGE.with(|stage| {
        undone(stage, move |tx| {
            let mut choices = Bytes::new(&bytes);
            let mut plain = Plain::default();
            for _ in 0..25 {
                if choices.is_empty() {
                    break;
                }
                let count = 1 + choices.below(3);
                let request: Vec<Transfer> =
                    (0..count).map(|_| drawn(&mut choices, &plain)).collect();
                let before = plain.taken.len();
                let refused = plain.send(&request);
                let said = command(tx, |tx| app::points::transfer(tx, &request));
                match refused.first() {
                    None => assert_eq!(said, Said::Yes(plain.taken.len() - before)),
                    Some((_, code)) => assert_eq!(said.code(), *code, "{request:?}"),
                }
            }
            for account in accounts() {
                let kept = store::points::balance(tx, &account).expect("a balance");
                let kept = [
                    kept.debits_posted,
                    kept.credits_posted,
                    kept.debits_pending,
                    kept.credits_pending,
                ];
                assert_eq!(kept.map(i128::from), plain.count(account), "{account:?}");
            }
        });
    });
}
