//! What must hold after any fault: nothing acknowledged is gone, nothing counted twice, the ledger
//! sums, every household holds what the journal says, and `siji verify` agrees.

use std::collections::{HashMap, HashSet};

use crate::base::{Base, plain};
use crate::journal::{Entry, Kind};
use crate::server::{Place, Start};
use crate::zone::Cast;

/// Written into the journal for an answer that says to come back later: whether an earlier request
/// was done, it does not say.
pub const NOT_NOW: u16 = 428;

/// Tables whose rows the journal must explain.
pub const EFFECTS: [&str; 4] = ["sheet", "redemption", "objection", "import"];

#[derive(Clone, Debug, Default)]
pub struct Found {
    pub lost: usize,
    pub twice: usize,
    /// Anything else that must not be, in words.
    pub wrong: Vec<String>,
}

impl Kind {
    fn table(self) -> Option<&'static str> {
        match self {
            Kind::Sheet | Kind::Sheets => Some("sheet"),
            Kind::Redeem | Kind::Reverse => Some("redemption"),
            Kind::Objection => Some("objection"),
            Kind::Import => Some("import"),
            Kind::Answer | Kind::Certify => None,
        }
    }
}

/// Ids of what stands in these tables.
pub fn standing(base: &mut Base) -> anyhow::Result<HashMap<&'static str, HashSet<String>>> {
    let mut standing = HashMap::new();
    for table in EFFECTS {
        let ids = base.list(&format!("SELECT ID(id)DI FROM {table}"))?;
        standing.insert(table, ids.into_iter().collect());
    }
    Ok(standing)
}

/// Everything but `siji verify`.
pub fn tables(place: &Place, cast: &Cast, entries: &[Entry]) -> anyhow::Result<Found> {
    let base = &mut Base::open(place)?;
    let mut found = Found::default();
    let counted = base.rows(
        "SELECT ID(key)DI, CAST(COUNT(*) AS text) FROM audit_log WHERE key IS NOT NULL GROUP BY key",
    )?;
    let logged: HashMap<String, String> =
        counted.into_iter().filter_map(|mut r| Some((r.swap_remove(0), r.pop()?))).collect();
    let standing = standing(base)?;
    for (entry, key, status) in entries.iter().flat_map(each) {
        let is_logged = logged.contains_key(&key);
        let stands = entry.kind.table().is_none_or(|table| standing[table].contains(&key));
        if status.is_some_and(|s| s < 300) && !(is_logged && stands) {
            found.lost += 1;
        }
        if logged.get(&key).is_some_and(|n| n != "1") {
            found.twice += 1;
        }
        if status.is_some_and(|s| s >= 400 && s != NOT_NOW) && is_logged {
            found.wrong.push(format!("{key} was refused and is in the log"));
        }
        if entry.kind == Kind::Sheets && is_logged != stands {
            found.wrong.push(format!("half of sheet {key} is there"));
        }
    }
    for table in EFFECTS {
        let of_table = entries.iter().filter(|e| e.kind.table() == Some(table));
        let known: HashSet<String> = of_table.flat_map(each).map(|(_, key, _)| key).collect();
        let new = standing[table].difference(&cast.before[table]);
        found.twice += new.filter(|id| !known.contains(*id)).count();
    }
    sums(base, &mut found)?;
    balances(base, cast, entries, &logged, &mut found)?;
    Ok(found)
}

fn each(entry: &Entry) -> impl Iterator<Item = (&Entry, String, Option<u16>)> {
    entry.each().into_iter().map(move |(key, status)| (entry, plain(key), status))
}

fn sums(base: &mut Base, found: &mut Found) -> anyhow::Result<()> {
    let off = base.list(
        "SELECT ID(unit)DI FROM account GROUP BY unit \
         HAVING SUM(debits_posted) <> SUM(credits_posted)",
    )?;
    found.wrong.extend(off.iter().map(|unit| format!("unit {unit} does not sum to nought")));
    Ok(())
}

/// A second ledger, kept from the answers alone.
fn balances(
    base: &mut Base,
    cast: &Cast,
    entries: &[Entry],
    logged: &HashMap<String, String>,
    found: &mut Found,
) -> anyhow::Result<()> {
    let is_certified =
        entries.iter().any(|e| e.kind == Kind::Certify && logged.contains_key(&plain(&e.key)));
    let is_open = entries.iter().any(|e| e.answer.is_none());
    if is_certified || is_open {
        return Ok(());
    }
    let points = |e: &Entry| e.answer.as_ref().and_then(|a| a.json()["points"].as_i64());
    let redeemed: HashMap<&str, i64> = entries
        .iter()
        .filter(|e| e.kind == Kind::Redeem && e.is_acked())
        .filter_map(|e| Some((e.key.as_str(), points(e)?)))
        .collect();
    let mut held: HashMap<&str, i64> =
        cast.households.iter().map(|(id, balance)| (id.as_str(), *balance)).collect();
    for entry in entries.iter().filter(|e| e.is_acked()) {
        let change = match entry.kind {
            Kind::Redeem => -redeemed.get(entry.key.as_str()).copied().unwrap_or(0),
            Kind::Reverse => {
                let of = entry.asked.path.split('/').nth(2).unwrap_or_default();
                redeemed.get(of).copied().unwrap_or(0)
            }
            _ => continue,
        };
        *held.entry(entry.household.as_str()).or_default() += change;
    }
    let stored = base.rows(
        "SELECT ID(owner)DI, CAST(credits_posted - debits_posted AS text) FROM account \
         WHERE kind = 'household'",
    )?;
    for row in stored {
        let (expected, stored) = (held.get(row[0].as_str()), row[1].parse::<i64>().ok());
        if expected.copied() != stored {
            found.wrong.push(format!("household {} holds {stored:?}, not {expected:?}", row[0]));
        }
    }
    Ok(())
}

/// `siji verify` ends with nought.
pub fn verify(start: &Start, place: &Place) -> anyhow::Result<Option<String>> {
    let (status, said) = start.run(&["verify"], place)?;
    Ok((!status.success()).then(|| format!("verify ended with {status}: {}", said.trim())))
}

/// Signs of an end that no program should have.
pub fn panicked(said: &str) -> Option<String> {
    let signs = ["panicked at", "memory allocation of", "stack overflow", "SIGABRT"];
    said.lines().find(|line| signs.iter().any(|sign| line.contains(sign))).map(str::to_owned)
}
