//! Declaring kinship.

use app::Never;
use app::registry::DeclareKinship;
use app::registry::kinship::{KinshipPage, kinship_page};
use askama::Template;
use axum::response::Response;
use domain::Id;
use serde::Deserialize;

use crate::{Ask, Page, Problem, Season};

#[derive(Template)]
#[template(path = "registry/kinship.html")]
struct FormPage {
    p: Page,
    id: Id,
    key: String,
    page: KinshipPage,
}

pub(super) async fn form(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| kinship_page(tx, who, id)).await?;
    let p = Page::new(&ask, "kinship-title", Season::Summer);
    ask.page(&FormPage { p, id, key: ask.new_key().to_string(), page })
}

#[derive(Deserialize)]
struct Declaration {
    key: Id,
    person: Id,
    relation: String,
}

pub(super) async fn declare(ask: Ask) -> Result<Response, Problem> {
    let household = ask.id("id")?;
    let form: Declaration = ask.form()?;
    let request =
        DeclareKinship { key: form.key, household, person: form.person, relation: form.relation };
    let id = ask.write(move |tx, who| app::registry::declare_kinship(tx, who, &request)).await?;
    let to = format!("/households/{household}");
    ask.done(&to, "kinship-declared", &serde_json::json!({ "id": id }))
}
