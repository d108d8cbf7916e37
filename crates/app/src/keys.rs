//! Sealing everything anew with the active key, a few hundred rows at a time, so that whoever works
//! meanwhile hardly waits.

use store::{SEALED, Tx};

use crate::{App, Failure, Never, Reach};

/// Goes through every sealed row until a whole pass finds nothing to do; rows that somebody wrote
/// with the former key meanwhile are met by the next pass. `see` is told (rows done, rows in all).
/// The number of rows sealed anew.
pub fn rotate(app: &App, mut see: impl FnMut(u64, u64)) -> Result<u64, Failure<Never>> {
    let mut renewed = 0;
    loop {
        let all = app.read::<_, Never>(Reach::System, |tx| Ok(store::sealed_rows(tx)?)).wait()?;
        let (mut done, mut found) = (0, 0);
        for columns in &SEALED {
            let mut after = None;
            loop {
                let work = move |tx: &mut Tx| -> Result<_, Failure<Never>> {
                    Ok(store::renew(tx, columns, after)?)
                };
                let turn = app.write(Reach::System, work).wait()?;
                done += turn.rows;
                found += turn.renewed;
                see(done, all.max(done));
                after = turn.last;
                if after.is_none() {
                    break;
                }
            }
        }
        renewed += found;
        if found == 0 && is_done(app)? {
            return Ok(renewed);
        }
        if found == 0 {
            // A server looks at its key file every second.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }
}

/// Is everything sealed with the active key?
fn is_done(app: &App) -> Result<bool, Failure<Never>> {
    let active = app.db.keys().list().into_iter().find(|k| k.is_active).map(|k| k.id);
    let in_use = app.read::<_, Never>(Reach::System, |tx| Ok(store::keys_in_use(tx)?)).wait()?;
    Ok(in_use.iter().all(|(id, n)| Some(*id) == active || *n == 0))
}
