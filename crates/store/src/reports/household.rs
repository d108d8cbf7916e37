//! One household's months.

use domain::Id;

use crate::{Result, Tx, args};

/// A month as it stands for one household.
pub struct HouseholdMonth {
    pub batch: Id,
    pub month: String,
    pub state: String,
    /// assessed, not_assessed, suspended; none before it is settled.
    pub outcome: Option<String>,
    pub points: Option<i64>,
    pub sheets: i64,
}

/// Newest first.
pub fn household_months(tx: &mut Tx, household: Id, limit: i64) -> Result<Vec<HouseholdMonth>> {
    tx.all(
        "SELECT b.id, r.month, b.state, s.outcome, s.total, \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM sheet t \
          WHERE t.batch = b.id AND t.household = x.household AND t.current) \
         FROM roster x JOIN batch b ON b.id = x.batch JOIN round r ON r.id = b.round \
         LEFT JOIN settlement s ON s.batch = b.id AND s.household = x.household AND s.current \
         WHERE x.household = $1 ORDER BY r.month DESC LIMIT $2",
        &args![household, limit],
        |r| {
            Ok(HouseholdMonth {
                batch: r.id(0)?,
                month: r.text(1)?,
                state: r.text(2)?,
                outcome: r.opt_text(3)?,
                points: r.opt_int(4)?,
                sheets: r.int(5)?,
            })
        },
    )
}
