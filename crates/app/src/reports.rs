//! Counted from all the rooms; decides nothing.

mod audit;
mod household;
pub mod papers;

use domain::Date;
use domain::access::{Permission, Role, Scope};
use domain::scoring::BatchState;
use store::Tx;
use store::reports::{Stock, Waiting};
use store::scoring::Batch;

pub use audit::{SeenPage, each_log_line, log, seen};
pub use household::{HouseholdPage, household};

use crate::{Failure, Never, Who};

pub fn zone_name(tx: &mut Tx) -> Result<Option<String>, Failure<Never>> {
    Ok(store::reports::zone_name(tx)?)
}

/// What waits for one person today.
#[derive(Default)]
pub struct Todo {
    pub to_visit: i64,
    /// Village months with the next step that this person may take, and whether it can be taken now.
    pub steps: Vec<Step>,
    pub objections: i64,
    pub objections_due: Option<Date>,
    /// Lists with sealed values that others want and this person may allow.
    pub takeouts: i64,
    pub market_days: i64,
    pub expiring_lots: i64,
    /// The month whose round is not open yet.
    pub round_to_open: Option<String>,
    pub register_is_empty: bool,
}

pub struct Step {
    pub waiting: Waiting,
    /// `review`, `post`, `certify`, `close`.
    pub act: &'static str,
}

/// One bar of the coverage picture.
pub struct Bar {
    pub name: String,
    /// Where the bar leads: a village's batch.
    pub batch: Option<domain::Id>,
    pub state: Option<String>,
    pub households: i64,
    pub sheets: i64,
}

impl Bar {
    /// Two sheets for each household, in percent, rounded down.
    pub fn percent(&self) -> i64 {
        if self.households == 0 { 0 } else { (self.sheets * 100) / (self.households * 2) }
    }
}

/// Points in and out of one month.
pub struct Flow {
    pub month: String,
    pub credited: i64,
    pub redeemed: i64,
}

pub struct Today {
    pub todo: Todo,
    /// What a person without posts at an area does not see.
    pub picture: Option<Picture>,
    pub stock: Vec<Stock>,
}

pub struct Picture {
    pub households: i64,
    pub month: Option<String>,
    pub coverage: Vec<Bar>,
    pub totals: store::points::Totals,
    pub flows: Vec<Flow>,
}

impl Picture {
    pub fn percent(&self) -> i64 {
        let (households, sheets) =
            self.coverage.iter().fold((0, 0), |a, b| (a.0 + b.households, a.1 + b.sheets));
        if households == 0 { 0 } else { sheets * 100 / (households * 2) }
    }
}

/// Goods that go bad within this many days are worth a word.
const EXPIRING_DAYS: i32 = 30;
const STOCK_SHOWN: i64 = 8;
const STEPS_SHOWN: i64 = 200;

pub fn today(tx: &mut Tx, who: &Who) -> Result<Today, Failure<Never>> {
    let stock = match who.may(Permission::ReadGoods) {
        true => {
            let places = crate::goods::places(tx, who)?;
            store::reports::stock(tx, &crate::goods::ids(&places), STOCK_SHOWN)?
        }
        false => Vec::new(),
    };
    let scope = who.scope(Permission::ReadHouseholds);
    let picture = if scope.paths.is_empty() { None } else { Some(picture(tx, who, &scope)?) };
    Ok(Today { todo: todo(tx, who)?, picture, stock })
}

fn todo(tx: &mut Tx, who: &Who) -> Result<Todo, Failure<Never>> {
    let today = who.today();
    let mut todo = Todo::default();
    if who.may(Permission::Score) {
        todo.to_visit = store::reports::to_visit(tx, who.person)?;
    }
    let acts =
        [Permission::Review, Permission::Post, Permission::Certify].iter().any(|p| who.may(*p));
    if acts {
        let scope = who.scope(Permission::Certify);
        for waiting in store::reports::waiting(tx, &scope, STEPS_SHOWN)? {
            if let Some(act) = next_act(who, &waiting, today) {
                todo.steps.push(Step { waiting, act });
            }
        }
    }
    if who.may(Permission::AnswerObjection) {
        let scope = who.scope(Permission::AnswerObjection);
        let (open, due) = store::reports::open_objections(tx, &scope)?;
        (todo.objections, todo.objections_due) = (open, due);
    }
    if who.may(Permission::AllowTakeout) {
        let scope = who.scope(Permission::AllowTakeout);
        todo.takeouts = store::reports::takeouts_to_allow(tx, who.person, &scope)?;
    }
    if who.may(Permission::Redeem) {
        let places: Vec<_> = who
            .posts
            .iter()
            .filter(|p| p.role == Role::StoreKeeper && p.is_held_on(today))
            .filter_map(|p| p.place)
            .collect();
        todo.market_days = store::reports::market_days(tx, &places, today)?;
    }
    if who.may(Permission::ReceiveGoods) {
        let until = today.saturating_add(jiff::Span::new().days(EXPIRING_DAYS));
        let places = crate::goods::own_places(tx, who)?;
        todo.expiring_lots = store::reports::expiring_lots(tx, &crate::goods::ids(&places), until)?;
    }
    if who.may(Permission::OpenRound) {
        let month = today.to_string()[..7].to_owned();
        let newest = store::reports::newest_round(tx)?;
        if newest.is_none_or(|(_, m)| m < month) {
            todo.round_to_open = Some(month);
        }
    }
    if who.may(Permission::ImportRegister) {
        let scope = who.scope(Permission::ImportRegister);
        todo.register_is_empty = store::registry::count(tx, &scope)? == 0;
    }
    Ok(todo)
}

/// The step that is next for a village's month, if it is this person's and can be taken.
fn next_act(who: &Who, w: &Waiting, today: Date) -> Option<&'static str> {
    let (act, permission, ready) = match BatchState::from_code(&w.state)? {
        BatchState::Draft => ("close", Permission::Review, w.sheets >= 2 * w.households),
        BatchState::Scored => ("review", Permission::Review, true),
        BatchState::Reviewed => ("post", Permission::Post, true),
        BatchState::InPublicity => (
            "certify",
            Permission::Certify,
            w.open_objections == 0 && w.posted_until.is_some_and(|until| until < today),
        ),
        BatchState::Certified | BatchState::Credited => return None,
    };
    (ready && who.may(permission)).then_some(act)
}

fn picture(tx: &mut Tx, who: &Who, scope: &Scope) -> Result<Picture, Failure<Never>> {
    let newest = store::reports::newest_round(tx)?;
    let (month, coverage) = match newest {
        None => (None, Vec::new()),
        Some((round, month)) => {
            let villages = store::scoring::coverage(tx, scope, round)?;
            (Some(month), bars(tx, scope, villages)?)
        }
    };
    let year_ago = who.today().saturating_sub(jiff::Span::new().months(11));
    let from = year_ago.first_of_month();
    let credited = store::reports::credited_by_month(tx, scope, &from.to_string()[..7])?;
    let redeemed = store::reports::redeemed_by_month(tx, scope, from)?;
    let mut months: Vec<&String> = credited.iter().chain(&redeemed).map(|m| &m.0).collect();
    months.sort();
    months.dedup();
    let of = |list: &[(String, i64)], month: &String| {
        list.iter().find(|m| m.0 == *month).map_or(0, |m| m.1)
    };
    let flows = months
        .into_iter()
        .map(|month| Flow {
            month: month.clone(),
            credited: of(&credited, month),
            redeemed: of(&redeemed, month),
        })
        .collect();
    Ok(Picture {
        households: store::registry::count(tx, scope)?,
        month,
        coverage,
        totals: store::points::totals(tx, scope)?,
        flows,
    })
}

/// Villages for a township or a village; townships for a zone.
fn bars(tx: &mut Tx, scope: &Scope, villages: Vec<Batch>) -> Result<Vec<Bar>, Failure<Never>> {
    let zone = scope.paths.iter().find(|p| !p.contains('.'));
    let Some(zone) = zone else {
        let bar = |v: Batch| Bar {
            sheets: v.sheets_in(),
            name: v.village_name,
            batch: Some(v.id),
            state: Some(v.state.code().to_owned()),
            households: v.households,
        };
        return Ok(villages.into_iter().map(bar).collect());
    };
    let mut bars = Vec::new();
    for (path, name) in store::reports::areas_below(tx, zone)? {
        let inside = villages.iter().filter(|v| domain::access::is_within(&v.path, &path));
        let (households, sheets) =
            inside.fold((0, 0), |a, v| (a.0 + v.households, a.1 + v.sheets_in()));
        if households > 0 {
            bars.push(Bar { name, batch: None, state: None, households, sheets });
        }
    }
    Ok(bars)
}
