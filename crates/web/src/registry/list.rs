//! The list of households and its export, by the same predicate.

use app::Never;
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::registry::{Table, code};
use sheets::write::Value;
use store::registry::{Filter, Listed, Order};

use crate::export::{self, ExportForm, Sheet};
use crate::{Ask, Lang, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "registry/households.html")]
struct HouseholdsPage {
    p: Page,
    filter: Filter,
    order: &'static str,
    /// (path, kind, name)
    places: Vec<(String, String, String)>,
    rows: Vec<Listed>,
    export: Option<ExportForm>,
    may_import: bool,
    /// By citizen number.
    may_find: bool,
    may_print_cards: bool,
    paging: Paging,
    before: String,
    after: String,
}

impl HouseholdsPage {
    fn graduation(&self, row: &Listed) -> String {
        graduation(self.p.lang, row)
    }
    fn area(&self) -> &str {
        self.filter.area.as_deref().unwrap_or("")
    }
    fn is_unfiltered(&self) -> bool {
        self.filter.search.is_empty() && self.filter.area.is_none() && !self.filter.inactive
    }
}

fn graduation(lang: Lang, row: &Listed) -> String {
    let code = row.graduation.as_deref();
    code.map_or_else(String::new, |c| code::label(Table::Graduation, c, lang == Lang::En))
}

fn order(asked: Option<&str>) -> (Order, &'static str) {
    match asked {
        Some("number") => (Order::Number, "number"),
        Some("name") => (Order::Name, "name"),
        _ => (Order::Village, "village"),
    }
}

fn filter(ask: &Ask) -> Filter {
    // A path and nothing else: it ends up beside '/' in a range.
    let area = ask.query("area").filter(|a| a.chars().all(|c| c.is_ascii_digit() || c == '.'));
    Filter {
        search: ask.query("q").unwrap_or("").chars().take(60).collect(),
        area: area.map(str::to_owned),
        inactive: ask.query("inactive").is_some(),
    }
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let filter = filter(&ask);
    let (sorted, order) = order(ask.query("order"));
    let paging = Paging::asked(&ask);
    let asked = filter.clone();
    let ((rows, total), places) = ask
        .read::<_, Never>(move |tx, who| {
            let found = app::registry::list(tx, who, &asked, sorted, paging.offset(), paging.size)?;
            Ok((found, app::registry::places(tx, who)?))
        })
        .await?;
    if ask.wants_json {
        let rows: Vec<_> = rows.iter().map(json).collect();
        return ask.json(&serde_json::json!({ "total": total, "households": rows }));
    }
    let may = |permission| ask.who.as_ref().is_some_and(|w| w.may(permission));
    ask.page(&HouseholdsPage {
        p: Page::new(&ask, "households-title", Season::Summer),
        filter,
        order,
        places,
        rows,
        export: ExportForm::of(&ask, total),
        may_import: may(Permission::ImportRegister),
        may_find: may(Permission::Reveal),
        may_print_cards: may(Permission::ManageCards) && may(Permission::Export),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

fn json(row: &Listed) -> serde_json::Value {
    serde_json::json!({
        "id": row.id,
        "number": row.number,
        "head_name": row.head_name,
        "size": row.size,
        "village": row.village,
        "hamlet": row.hamlet,
        "graduation": row.graduation,
        "able_to_work": row.able_to_work,
        "cadre": row.cadre,
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let (filter, (order, _)) = (filter(&ask), order(ask.query("order")));
    let header = [
        "household-col-household-number",
        "household-col-head",
        "household-col-members",
        "household-col-village",
        "household-col-hamlet",
        "household-col-graduation",
        "household-col-work",
        "household-col-cadre",
    ];
    let mut sheet = Sheet::new(&ask, "households", "households-title", &header);
    sheet.path = filter.area.clone();
    let p = Page::new(&ask, "households-title", Season::Summer);
    let (lang, able, unable) = (ask.lang, p.t("household-work-able"), p.t("household-work-unable"));
    export::stream(&ask, sheet, move |tx, who, write| {
        app::registry::each_listed(tx, who, &filter, order, |row| {
            let work = if row.able_to_work { &able } else { &unable };
            write(&[
                row.number.as_str().into(),
                row.head_name.as_str().into(),
                row.size.into(),
                row.village.as_str().into(),
                row.hamlet.clone().into(),
                graduation(lang, &row).into(),
                Value::Text(work.clone()),
                row.cadre.clone().into(),
            ])
        })
    })
    .await
}
