//! The list of households: one predicate for the page, its count and its export.

use domain::Id;
use domain::access::Scope;

use crate::{Listing, Result, Row, Tx, Val, Within, args};

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words of name, number, village.
    pub search: String,
    /// Area path of a township or village.
    pub area: Option<String>,
    /// Those struck off the register instead of those on it.
    pub inactive: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By village, then number.
    #[default]
    Village,
    Number,
    Name,
}

/// A household in a list.
pub struct Listed {
    pub id: Id,
    pub number: String,
    pub head_name: String,
    pub size: i64,
    pub village: String,
    pub path: String,
    pub hamlet: Option<String>,
    pub graduation: Option<String>,
    pub able_to_work: bool,
    pub cadre: Option<String>,
}

fn listing(scope: &Scope, filter: &Filter, order: Order) -> Listing {
    let mut args: Vec<Val> = vec![(!filter.inactive).into()];
    let mut terms = vec!["h.active = $1".to_owned()];
    let within = Within::of(scope, "h.path", Some("h.id"), args.len() + 1);
    terms.push(within.sql);
    args.extend(within.args);
    if let Some(area) = &filter.area {
        let n = args.len() + 1;
        terms.push(format!("(h.path >= ${n} AND h.path < ${})", n + 1));
        args.push(area.into());
        args.push(format!("{area}/").into());
    }
    for word in filter.search.to_lowercase().split_whitespace().take(5) {
        let escaped: String = word
            .chars()
            .flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c]))
            .collect();
        args.push(format!("%{escaped}%").into());
        terms.push(format!("h.search LIKE ${} ESCAPE '!'", args.len()));
    }
    let order = match order {
        Order::Village => "h.path, h.number",
        Order::Number => "h.number",
        Order::Name => "h.head_name, h.number",
    };
    Listing {
        select: COLUMNS.to_owned(),
        from: format!("FROM household h WHERE {}", terms.join(" AND ")),
        order: order.to_owned(),
        args,
        more: Vec::new(),
    }
}

/// One page, and how many there are in all.
pub fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Listed>, i64)> {
    let listing = listing(scope, filter, order);
    let is_whole = filter.search.trim().is_empty() && filter.area.is_none() && !filter.inactive;
    let total = match is_whole {
        true => super::count(tx, scope)?,
        false => listing.total(tx)?,
    };
    // Which ones, along an index; then what is shown of them.
    let n = listing.args.len();
    let from = format!(
        "FROM household h WHERE h.id IN (SELECT h.id {} ORDER BY {} LIMIT ${} OFFSET ${})",
        listing.from,
        listing.order,
        n + 1,
        n + 2
    );
    let args = [&listing.args[..], &args![limit, offset]].concat();
    let mut rows = Vec::new();
    Listing { from, args, ..listing }.each(tx, read, |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((rows, total))
}

/// The whole list, one household after another.
pub fn each_listed(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    see: impl FnMut(Listed) -> Result<()>,
) -> Result<()> {
    listing(scope, filter, order).each(tx, read, see)
}

const COLUMNS: &str = "h.id, h.number, h.head_name, h.size, \
     (SELECT v.name FROM area v WHERE v.id = h.village), h.path, h.hamlet, \
     h.graduation, h.able_to_work, \
     (SELECT p.name FROM assignment a JOIN person p ON p.id = a.person \
      WHERE a.household = h.id AND a.to_date IS NULL ORDER BY a.id DESC LIMIT 1)";

fn read(r: &Row) -> Result<Listed> {
    Ok(Listed {
        id: r.id(0)?,
        number: r.text(1)?,
        head_name: r.text(2)?,
        size: r.int(3)?,
        village: r.text(4)?,
        path: r.text(5)?,
        hamlet: r.opt_text(6)?,
        graduation: r.opt_text(7)?,
        able_to_work: r.bool(8)?,
        cadre: r.opt_text(9)?,
    })
}

/// (path, kind, name) of the townships and villages a scope can be narrowed to, in tree order.
pub fn places(tx: &mut Tx, scope: &Scope) -> Result<Vec<(String, String, String)>> {
    let all = tx.all(
        "SELECT path, kind, name FROM area WHERE kind IN ('township', 'village') ORDER BY path",
        &args![],
        |r| Ok((r.text(0)?, r.text(1)?, r.text(2)?)),
    )?;
    let below = |path: &str| scope.paths.iter().any(|p| domain::access::is_within(p, path));
    Ok(all.into_iter().filter(|(path, ..)| scope.covers(path) || below(path)).collect())
}
