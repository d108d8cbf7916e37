//! Coming in by way of the zone's OpenID provider.

use std::sync::Arc;

use app::Reach;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::provider::{Away, Provider, Tokens};
use super::sign_in::{LoginPage, enter};
use super::{local, set_cookie};
use crate::ask::see_other;
use crate::edge::cookie::OIDC;
use crate::edge::csrf::is_same;
use crate::{Ask, Page, Problem, Season};

/// Seconds in which somebody who left for the provider has to be back.
const BACK_WITHIN: u32 = 600;

/// What the browser keeps while it is away.
#[derive(Serialize, Deserialize)]
struct Left {
    #[serde(flatten)]
    tokens: Tokens,
    next: String,
}

fn provider(ask: &Ask) -> Result<Arc<Provider>, Problem> {
    let none = || Problem::new(StatusCode::CONFLICT, "oidc-none");
    ask.server.provider.clone().ok_or_else(none)
}

fn problem(away: &Away) -> Problem {
    tracing::warn!(target: "siji::oidc", %away, "nobody was vouched for");
    match away {
        Away::Silent(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "oidc-silent"),
        Away::Code(_) => Problem::new(StatusCode::CONFLICT, "oidc-code"),
        Away::Token(_) => Problem::new(StatusCode::CONFLICT, "oidc-token"),
    }
}

/// Off to the provider. Changes no record: what ties its answer to this browser stays in the
/// browser.
pub(super) async fn leave(ask: Ask) -> Result<Response, Problem> {
    let provider = provider(&ask)?;
    let left = Left { tokens: Tokens::new(), next: local(ask.query("next").unwrap_or("/")) };
    let kept = serde_urlencoded::to_string(&left).map_err(|_| Problem::bad("query"))?;
    match provider.call(move |p| p.begin(&left.tokens)).await {
        Ok(to) => {
            let mut response = see_other(&to);
            set_cookie(&ask, &mut response, OIDC, &kept, Some(BACK_WITHIN));
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Err(away) => again(&ask, "/", problem(&away)),
    }
}

/// The login page once more, with a sentence.
fn again(ask: &Ask, next: &str, problem: Problem) -> Result<Response, Problem> {
    if ask.wants_json {
        return Err(problem);
    }
    let said = problem.sentence(ask.lang);
    let page = LoginPage::new(ask, next, "", Some(said));
    ask.page_for(&problem, &page)
}

#[derive(Template)]
#[template(path = "access/back.html")]
struct BackPage {
    p: Page,
    provider: String,
    code: String,
    state: String,
}

/// Back from the provider. Looking changes nothing: a form on this page, which sends itself, brings
/// the code on.
pub(super) async fn back(ask: Ask) -> Result<Response, Problem> {
    let provider = provider(&ask)?;
    let (Some(code), Some(state)) = (ask.query("code"), ask.query("state")) else {
        return again(&ask, "/", Problem::new(StatusCode::CONFLICT, "oidc-declined"));
    };
    let (code, state) = (code.to_owned(), state.to_owned());
    let p = Page::new(&ask, "login-title", Season::Winter);
    ask.page(&BackPage { p, provider: provider.name.clone(), code, state })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    code: String,
    state: String,
}

pub(super) async fn finish(ask: Ask) -> Result<Response, Problem> {
    let (provider, form) = (provider(&ask)?, ask.form::<Finish>()?);
    let kept = ask.brings(OIDC).and_then(|kept| serde_urlencoded::from_str::<Left>(&kept).ok());
    let next = local(kept.as_ref().map_or("/", |left| &left.next));
    let mut response = match come_in(&ask, &provider, form, kept, &next).await {
        Ok(response) => response,
        Err(problem) => again(&ask, &next, problem)?,
    };
    // Good once, whatever came of it.
    set_cookie(&ask, &mut response, OIDC, "", Some(0));
    Ok(response)
}

async fn come_in(
    ask: &Ask,
    provider: &Arc<Provider>,
    form: Finish,
    kept: Option<Left>,
    next: &str,
) -> Result<Response, Problem> {
    let left = kept
        .filter(|left| is_same(&left.tokens.state, &form.state))
        .ok_or_else(|| Problem::new(StatusCode::CONFLICT, "oidc-state"))?;
    let subject = provider
        .call(move |p| p.finish(form.code, left.tokens))
        .await
        .map_err(|away| problem(&away))?;
    let (now, asked) = (ask.now, subject.clone());
    let vouched =
        ask.app().read(Reach::System, move |tx| app::access::vouched(tx, &asked, now)).await?;
    match vouched.may {
        Ok(person) => enter(ask, person, Some(subject), next).await,
        Err(refusal) => Err(Problem { about: vouched.about, ..Problem::refused(&refusal) }),
    }
}
