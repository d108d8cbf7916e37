//! A batch between its review and its credit: hang it, see what was said, certify it.

use app::Never;
use app::posting::{BatchPart, Certify, Post, PostForm};
use askama::Template;
use axum::response::Response;
use domain::{Date, Id, parse_day};
use serde::Deserialize;

use crate::{Ask, Page, Problem, Season};

#[derive(Template)]
#[template(path = "posting/batch.html")]
struct BatchPage {
    p: Page,
    b: BatchPart,
    form: Option<PostForm>,
    today: Date,
    seal: Option<String>,
    /// Every period has run and every objection is answered.
    is_ripe: bool,
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let (b, form) = ask
        .read::<_, Never>(move |tx, who| {
            let part = app::posting::of_batch(tx, who, id)?;
            let form =
                if part.may_post { Some(app::posting::post_form(tx, who, id)?) } else { None };
            Ok((part, form))
        })
        .await?;
    let today = ask.today();
    let p = Page::new(&ask, "batch-posting-title", Season::Autumn);
    let month = p.month(b.batch.month.to_string());
    let title = p.t2("batch-posting-title-of", "village", &b.batch.village, "month", month);
    ask.page(&BatchPage {
        p: p.titled(title),
        seal: b.batch.seal.as_deref().map(domain::posting::body::hex),
        is_ripe: b.objections_open == 0 && b.certify_from.is_some_and(|from| from <= today),
        b,
        form,
        today,
    })
}

#[derive(Deserialize)]
struct NewPosting {
    key: Id,
    #[serde(default)]
    place: String,
    #[serde(default)]
    contact: String,
    from: String,
}

pub(super) async fn post(ask: Ask) -> Result<Response, Problem> {
    let form: NewPosting = ask.form()?;
    let batch = ask.id("id")?;
    let request = Post {
        key: form.key,
        batch,
        place: form.place,
        contact: form.contact,
        from: parse_day(form.from.trim()).ok_or_else(|| Problem::field("from"))?,
    };
    let posted = ask.write(move |tx, who| app::posting::post(tx, who, &request)).await?;
    let record = serde_json::json!({
        "id": posted.id,
        "from": posted.from.to_string(),
        "to": posted.to.to_string(),
        "rows": posted.rows,
        "root": domain::posting::body::hex(&posted.root),
    });
    ask.done(&format!("/batches/{batch}/posting"), "posted", &record)
}

#[derive(Deserialize)]
struct NewCertification {
    key: Id,
}

pub(super) async fn certify(ask: Ask) -> Result<Response, Problem> {
    let form: NewCertification = ask.form()?;
    let batch = ask.id("id")?;
    let request = Certify { key: form.key, batch };
    let certified = ask.write(move |tx, who| app::posting::certify(tx, who, &request)).await?;
    let record = serde_json::json!({
        "batch": certified.batch,
        "points": certified.points,
        "seal": domain::posting::body::hex(&certified.seal),
    });
    ask.done(&format!("/batches/{batch}/posting"), "certified", &record)
}
