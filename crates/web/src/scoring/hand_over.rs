//! An officer changes: whose households, and to whom.

use app::Never;
use app::scoring::HandOver;
use askama::Template;
use axum::response::Response;
use domain::Id;
use serde::Deserialize;
use store::scoring::Visitor;

use crate::{Ask, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "scoring/hand_over.html")]
struct HandOverPage {
    p: Page,
    q: String,
    /// Whose households: (id, name), once that is chosen.
    from: Option<(Id, String)>,
    rows: Vec<Visitor>,
    paging: Paging,
    before: String,
    after: String,
}

impl HandOverPage {
    fn is_from(&self, row: &Visitor) -> bool {
        self.from.as_ref().is_some_and(|(id, _)| *id == row.id)
    }
}

pub(super) async fn form(ask: Ask) -> Result<Response, Problem> {
    let q = ask.query("q").unwrap_or("").to_owned();
    let from: Option<Id> = match ask.query("from") {
        Some(id) => Some(id.parse().map_err(|_| Problem::not_found())?),
        None => None,
    };
    let paging = Paging::asked(&ask);
    let search = q.clone();
    let ((rows, total), from) = ask
        .read::<_, Never>(move |tx, who| {
            let page = (paging.offset(), paging.size);
            let name = match from {
                Some(id) => Some((id, app::scoring::visitor_name(tx, who, id)?)),
                None => None,
            };
            Ok((app::scoring::visitors(tx, who, &search, page)?, name))
        })
        .await?;
    ask.page(&HandOverPage {
        p: Page::new(&ask, "hand-over-title", Season::Summer),
        q,
        from,
        rows,
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    key: Id,
    from: Id,
    to: Id,
}

pub(super) async fn hand_over(ask: Ask) -> Result<Response, Problem> {
    let form: Pass = ask.form()?;
    let request = HandOver { key: form.key, from: form.from, to: form.to };
    let households = ask.write(move |tx, who| app::scoring::hand_over(tx, who, &request)).await?;
    ask.done("/hand-over", "handed-over", &serde_json::json!({ "households": households }))
}
