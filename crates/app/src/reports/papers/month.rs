//! What a month brings forth: the posting, the sheet that is signed, the notice, the bulletin; and
//! the rules it went by.

use std::sync::Arc;

use domain::access::Scope;
use domain::calendar::Month;
use domain::posting::{Body, MaskedName, Posting, PublicText};
use domain::scheme::{Adoption, Scheme};
use domain::scoring::Sums;
use domain::{Date, Id};
use store::Tx;

use super::{Offered, Read, covered, rows, zone_name};
use crate::Failure;

/// A list as it hangs. Its rows are masked by type.
#[derive(Clone, Debug)]
pub struct Poster {
    pub posting: Posting,
    pub body: Body,
    /// The short form of the log's checkpoint that the posting stands under.
    pub checkpoint: Option<String>,
}

/// While it hangs, for everybody; later for those who may see the village.
pub fn poster(tx: &mut Tx, scope: Option<&Scope>, id: Id, today: Date) -> Read<Poster> {
    let posting = crate::posting::posting_text(tx, scope, id, today)?;
    let body = Body::read(&posting.body)
        .map_err(|e| store::Broken::data(format!("posting {}: {e}", posting.id)))?;
    let checkpoint = store::posting::log::short_form(tx, posting.id)?.map(|(_, short)| short);
    Ok(Poster { posting, body, checkpoint })
}

#[derive(Clone, Debug)]
pub struct ReviewLine {
    pub number: String,
    pub name: String,
    /// One for each category of the scheme.
    pub sums: Vec<Option<i64>>,
    pub total: Option<i64>,
    /// `assessed`, `not_assessed`, `suspended`; none: not settled yet.
    pub outcome: Option<String>,
    pub note: String,
}

/// The sheet that the villagers' group and the supervisors sign.
#[derive(Clone, Debug)]
pub struct Review {
    pub zone: String,
    pub township: String,
    pub village: String,
    pub month: Month,
    pub scheme: Arc<Scheme>,
    pub lines: Vec<ReviewLine>,
}

pub fn review(tx: &mut Tx, scope: &Scope, batch: Id) -> Read<Review> {
    let batch = store::scoring::find(tx, batch)?.ok_or(Failure::NotFound)?;
    covered(scope.covers(&batch.path), ())?;
    let scheme = store::scheme::load(tx, batch.scheme)?;
    let mut lines = Vec::new();
    for line in store::scoring::lines(tx, batch.id)? {
        let settled = line.settlement;
        let sums = match &settled {
            Some(settled) => Sums::parse(&settled.sums)
                .map_err(|_| store::Broken::data(format!("sums of {}", settled.household)))?,
            None => Sums::default(),
        };
        lines.push(ReviewLine {
            number: line.number,
            name: line.head_name,
            sums: scheme.categories.iter().map(|c| sums.get(&c.code)).collect(),
            total: settled.as_ref().map(|settled| settled.total),
            note: settled.as_ref().map_or_else(String::new, |settled| settled.note.clone()),
            outcome: settled.map(|settled| settled.outcome),
        });
    }
    Ok(Review {
        zone: zone_name(tx)?,
        township: batch.township_name,
        village: batch.village_name,
        month: batch.month,
        scheme,
        lines,
    })
}

/// A certified month, as the notice of it tells.
#[derive(Clone, Debug)]
pub struct Notice {
    pub zone: String,
    /// The names from the zone down to the village.
    pub village: String,
    pub township: String,
    pub month: Month,
    pub scheme: String,
    pub households: i64,
    pub assessed: i64,
    pub points: i64,
    pub certified_on: Date,
    pub posted: Vec<(Date, Date)>,
    pub objections: i64,
    /// What the month is sealed with.
    pub seal: Vec<u8>,
}

/// `None` for a month that is not certified: there is nothing to give notice of.
pub fn notice(tx: &mut Tx, scope: &Scope, id: Id) -> Read<Option<Notice>> {
    let batch = store::scoring::find(tx, id)?.ok_or(Failure::NotFound)?;
    covered(scope.covers(&batch.path), ())?;
    let standing = store::posting::batch(tx, id)?.ok_or(Failure::NotFound)?;
    let (Some(at), Some(points), Some(seal)) =
        (standing.certified_at, standing.credited_points, standing.seal)
    else {
        return Ok(None);
    };
    let postings = store::posting::of_batch(tx, id)?;
    Ok(Some(Notice {
        zone: standing.zone,
        village: batch.village_name,
        township: batch.township_name,
        month: batch.month,
        scheme: store::scheme::load(tx, batch.scheme)?.title.zh.clone(),
        households: batch.households,
        assessed: rows::assessed(tx, id)?,
        points,
        certified_on: domain::local_date(at),
        posted: postings.iter().map(|p| (p.from, p.to)).collect(),
        objections: store::posting::objections_of(tx, id)?,
        seal,
    }))
}

/// The rules in force, in plain words.
#[derive(Clone, Debug)]
pub struct Leaflet {
    pub zone: String,
    pub scheme: Arc<Scheme>,
    /// None: shipped, and not adopted by a meeting yet.
    pub adoption: Option<Adoption>,
    pub goods: Vec<Offered>,
}

/// Of one scheme, or of the one in force in a month. Rules are for everybody.
pub fn leaflet(tx: &mut Tx, scheme: Option<Id>, month: Month) -> Read<Leaflet> {
    let id = match scheme {
        Some(id) => id,
        None => store::scheme::in_force(tx, month)?.ok_or(Failure::NotFound)?,
    };
    let kept = store::scheme::find(tx, id)?.ok_or(Failure::NotFound)?;
    let adopted = store::scheme::adoptions(tx)?.into_iter().find(|a| a.scheme == id);
    let goods = store::goods::all(tx)?.into_iter().filter(|good| good.active);
    let offered = goods.map(|good| Offered {
        name: good.name_zh,
        measure: good.measure,
        points: good.points,
        left: 0,
        limit_month: good.limit_month,
    });
    Ok(Leaflet {
        zone: zone_name(tx)?,
        scheme: kept.scheme,
        adoption: adopted.map(|adopted| adopted.adoption),
        goods: offered.collect(),
    })
}

#[derive(Clone, Debug)]
pub struct Coverage {
    pub name: String,
    pub households: i64,
    pub sheets: i64,
}

#[derive(Clone, Debug)]
pub struct Flow {
    pub month: String,
    pub credited: i64,
    pub redeemed: i64,
}

#[derive(Clone, Debug)]
pub struct Given {
    pub donor: Option<String>,
    pub money_fen: i64,
    pub pieces: i64,
}

/// A household that agreed, in writing, to be named.
#[derive(Clone, Debug)]
pub struct Honour {
    pub name: MaskedName,
    pub village: PublicText,
    pub what: PublicText,
}

/// A zone's month on one page. Names nobody who did not agree.
#[derive(Clone, Debug)]
pub struct Bulletin {
    pub zone: String,
    pub month: Month,
    pub households: i64,
    pub coverage: Vec<Coverage>,
    /// The months up to this one, oldest first.
    pub flows: Vec<Flow>,
    /// (name, measure, pieces, points)
    pub bought: Vec<(String, String, i64, i64)>,
    pub given: Vec<Given>,
    pub objections_filed: i64,
    pub objections_answered: i64,
    /// Villages whose month is certified, of all.
    pub certified: i64,
    pub villages: i64,
    pub market_days: Vec<(Date, String, String)>,
    pub honours: Vec<Honour>,
}

/// No programme is older; the months before a bulletin's stand in it too.
pub fn first_bulletin() -> Month {
    Month::of(jiff::civil::date(2000, 1, 1))
}

/// `stores`: where the reader may see goods; donors are told of there alone.
pub fn bulletin(
    tx: &mut Tx,
    scope: &Scope,
    stores: &Scope,
    month: Month,
    honours: Vec<Honour>,
) -> Read<Bulletin> {
    let round = store::calendar::find_by_month(tx, month)?;
    let villages = match &round {
        Some(round) => store::scoring::coverage(tx, scope, round.id)?,
        None => Vec::new(),
    };
    let mut certified = 0;
    for village in &villages {
        let standing = store::posting::batch(tx, village.id)?;
        certified += i64::from(standing.is_some_and(|b| b.certified_at.is_some()));
    }
    let mut coverage: Vec<Coverage> = Vec::new();
    for village in &villages {
        let name = &village.township_name;
        let at = coverage.iter().position(|c| c.name == *name).unwrap_or_else(|| {
            coverage.push(Coverage { name: name.clone(), households: 0, sheets: 0 });
            coverage.len() - 1
        });
        coverage[at].households += village.households;
        coverage[at].sheets += village.sheets_in();
    }
    let (filed, answered) = rows::objections(tx, scope, month)?;
    let places: Vec<Id> = store::goods::places(tx)?
        .into_iter()
        .filter(|place| stores.covers(&place.path))
        .map(|place| place.id)
        .collect();
    let given = rows::given(tx, &places, month)?.into_iter().map(|given| Given {
        donor: given.donor,
        money_fen: given.money_fen,
        pieces: given.pieces,
    });
    let bought = rows::bought(tx, scope, month)?.into_iter();
    Ok(Bulletin {
        zone: zone_name(tx)?,
        month,
        households: store::registry::count(tx, scope)?,
        coverage,
        flows: flows(tx, scope, month)?,
        bought: bought.map(|b| (b.name_zh, b.measure, b.quantity, b.points)).collect(),
        given: given.collect(),
        objections_filed: filed,
        objections_answered: answered,
        certified,
        villages: i64::try_from(villages.len()).unwrap_or(i64::MAX),
        market_days: rows::market_days_of(tx, scope, month)?,
        honours,
    })
}

/// Six months back, this one among them.
const FLOW_MONTHS: usize = 6;

fn flows(tx: &mut Tx, scope: &Scope, month: Month) -> Read<Vec<Flow>> {
    let mut months = vec![month];
    while months.len() < FLOW_MONTHS {
        months.push(months[months.len() - 1].previous());
    }
    months.reverse();
    let first = months[0];
    let credited = store::reports::credited_by_month(tx, scope, &first.to_string())?;
    let redeemed = store::reports::redeemed_by_month(tx, scope, first.first())?;
    let of =
        |list: &[(String, i64)], month: &str| list.iter().find(|m| m.0 == month).map_or(0, |m| m.1);
    let flow = |month: Month| {
        let month = month.to_string();
        Flow { credited: of(&credited, &month), redeemed: of(&redeemed, &month), month }
    };
    Ok(months.into_iter().map(flow).collect())
}
