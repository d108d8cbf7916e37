//! A zone carried over from SQLite to PostgreSQL, as it stands: both databases are measured on the
//! very same rows, and what takes minutes to play is played once.

use std::sync::mpsc::sync_channel;

use app::{Failure, Never, Reach};
use store::backup::{Given, carry, restore_tables, shapes, tables_version};

use super::ground::Ground;
use crate::zone::Zone;

/// Pieces that wait between the two databases.
const AHEAD: usize = 16;

/// Both have the same keys; the second is empty.
pub fn over(ground: &Ground, from: &Zone, to: &Zone) -> anyhow::Result<()> {
    let url = to.database.as_deref().unwrap_or_default();
    let shaped = ground.empty_zone("shaped")?.open_or_make(seal::Cipher::Aes256GcmSiv)?;
    let shapes = shaped.read::<_, Never>(Reach::System, |tx| Ok(shapes(tx)?)).wait();
    let shapes = shapes.map_err(|e| anyhow::anyhow!("no tables to carry into: {e:?}"))?;
    let (give, given) = sync_channel::<Given>(AHEAD);
    let app = from.open()?;
    let carried = app.read::<_, Never>(Reach::System, move |tx| {
        let gone = |_| store::Broken::Closed;
        carry(tx, &shapes, |piece| give.send(piece).map_err(gone)).map_err(Failure::Broken)
    });
    restore_tables(url, tables_version(), || given.recv().map_err(|_| store::Broken::Closed))?;
    carried.wait().map_err(|e| anyhow::anyhow!("the zone was not carried over: {e:?}"))
}
