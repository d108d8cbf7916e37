//! One household's page.

use app::Never;
use app::reports::HouseholdPage;
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::registry::citizen::HIDDEN;
use domain::registry::{Table, code};

use crate::{Ask, Lang, Page, Problem, Season};

#[derive(Template)]
#[template(path = "reports/household.html")]
struct Shown {
    p: Page,
    h: HouseholdPage,
    /// An assigned cadre sees households, not villages.
    sees_batches: bool,
    may_see_log: bool,
}

impl Shown {
    fn label(&self, table: Table, code: &Option<String>) -> String {
        let english = self.p.lang == Lang::En;
        code.as_deref().map_or_else(String::new, |c| code::label(table, c, english))
    }
    fn relation(&self, code: &str) -> String {
        code::label(Table::Relation, code, self.p.lang == Lang::En)
    }
    fn sex(&self, code: &str) -> String {
        code::label(Table::Sex, code, self.p.lang == Lang::En)
    }
    /// (name in the form, words) of what is masked.
    fn hidden(&self) -> Vec<(String, String)> {
        let hidden = self.h.card.hidden.iter();
        hidden
            .map(|h| {
                let word = self.p.word("hidden", h.field);
                match &h.member {
                    Some((id, name)) => (format!("{}:{id}", h.field), format!("{name}: {word}")),
                    None => (h.field.to_owned(), word),
                }
            })
            .collect()
    }
    /// (name, value) of what is known of the household.
    fn facts(&self) -> Vec<(String, String)> {
        let household = &self.h.card.household;
        let field = |name: &str| self.p.t(format!("field-{name}"));
        let work = if household.able_to_work { "able" } else { "unable" };
        let year = household.graduated_year.map(|y| y.to_string());
        let mut facts = vec![
            (field("household-number"), household.number.clone()),
            (field("village"), self.h.card.village.clone()),
            (field("hamlet"), household.hamlet.clone().unwrap_or_default()),
            (field("size"), self.p.t1("household-size", "n", household.size)),
            (field("graduation"), self.label(Table::Graduation, &household.graduation)),
            (field("graduated-year"), year.unwrap_or_default()),
            (field("poverty-cause"), self.label(Table::PovertyCause, &household.poverty_cause)),
            (field("able-to-work"), self.p.word("household-work", work)),
            (field("housing-grade"), self.label(Table::HousingGrade, &household.housing_grade)),
            (
                self.p.t("household-income"),
                match self.h.card.hidden.iter().any(|h| h.field == "income_fen") {
                    true => HIDDEN.to_owned(),
                    false => household.income_fen.map(|f| self.p.yuan(f)).unwrap_or_default(),
                },
            ),
            (field("phone"), household.phone.clone().unwrap_or_default()),
            (field("bank-account"), household.bank_account.clone().unwrap_or_default()),
        ];
        facts.retain(|(_, value)| !value.is_empty());
        facts
    }
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let h = ask.read::<_, Never>(move |tx, who| app::reports::household(tx, who, id)).await?;
    if ask.wants_json {
        let months: Vec<_> = h
            .months
            .iter()
            .map(|m| {
                serde_json::json!({
                    "batch": m.batch, "month": m.month, "state": m.state,
                    "outcome": m.outcome, "points": m.points, "sheets": m.sheets,
                })
            })
            .collect();
        let members: Vec<_> = h
            .card
            .members
            .iter()
            .map(|(id, m)| {
                serde_json::json!({
                    "id": id, "number": m.number, "name": m.name, "relation": m.relation,
                    "sex": m.sex, "citizen_number_masked": m.citizen_number, "active": m.active,
                })
            })
            .collect();
        return ask.json(&serde_json::json!({
            "id": id,
            "number": h.card.household.number,
            "head_name": h.card.household.head_name,
            "village": h.card.village,
            "size": h.card.household.size,
            "active": h.card.household.active,
            "balance": h.balance,
            "members": members,
            "months": months,
        }));
    }
    let p = Page::new(&ask, "households-title", Season::Summer);
    let household = &h.card.household;
    let title = p.t2("household-title", "name", &household.head_name, "number", &household.number);
    let sees_batches = !ask.scope.paths.is_empty();
    let may_see_log = ask
        .who
        .as_ref()
        .is_some_and(|w| w.scope(Permission::ReadSeen).covers(&h.card.household.path));
    ask.page(&Shown { p: p.titled(title), h, sees_batches, may_see_log })
}
