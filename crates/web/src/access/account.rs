//! One's own account: password, second factor, sessions.

use app::access::{Attempt, Link, LoginRefusal, RECOVERY_CODES};
use app::{Never, Reach};
use askama::Template;
use axum::response::Response;
use domain::Id;
use serde::Deserialize;
use store::access::SessionRow;

use super::sign_in::{knock, same};
use super::{costly, local, new_code};
use crate::{Ask, Page, Problem, Season, random};
use print::qr;

#[derive(Template)]
#[template(path = "access/account.html")]
struct AccountPage {
    p: Page,
    key: String,
    /// Where a new password leads on to.
    next: String,
    login: String,
    must_change: bool,
    hint: &'static str,
    /// How many recovery codes are left, where there is a second factor.
    factor: Option<i64>,
    /// Who they are at the zone's OpenID provider.
    link: Option<Link>,
    sessions: Vec<SessionRow>,
    this: Id,
    problem: Option<String>,
}

pub(super) async fn page(ask: Ask) -> Result<Response, Problem> {
    let next = local(ask.query("next").unwrap_or("/account"));
    let page = account(&ask, next, None).await?;
    ask.page(&page)
}

async fn account(
    ask: &Ask,
    next: String,
    problem: Option<&Problem>,
) -> Result<AccountPage, Problem> {
    let (login, rules, factor, link, sessions) = ask
        .read::<_, Never>(|tx, who| {
            Ok((
                app::access::login_of(tx, who)?,
                app::access::settings(tx)?,
                app::access::factor_of(tx, who)?,
                app::access::link_of(tx, who)?,
                app::access::sessions(tx, who)?,
            ))
        })
        .await?;
    Ok(AccountPage {
        p: Page::new(ask, "account-title", Season::Winter),
        key: ask.new_key().to_string(),
        next,
        login,
        must_change: ask.must_change,
        hint: match rules.profile {
            domain::access::password::Profile::Asvs => "password-hint-asvs",
            domain::access::password::Profile::Dengbao3 => "password-hint-dengbao3",
        },
        factor,
        link,
        sessions,
        this: ask.session()?,
        problem: problem.map(|p| p.sentence(ask.lang)),
    })
}

/// Types the password again before something that matters.
async fn retype(ask: &Ask, typed: String) -> Result<(), Problem> {
    let from = knock(ask);
    let attempt: Attempt =
        ask.read(move |tx, who| app::access::attempt_again(tx, who, from)).await?;
    let login = attempt.person.as_ref().and_then(|p| p.login.clone()).unwrap_or_default();
    match costly(ask, move || attempt.check(&typed)).await? {
        Ok(_) => Ok(()),
        Err(refusal) => {
            if refusal == LoginRefusal::Wrong {
                let now = ask.now;
                ask.app()
                    .write(Reach::System, move |tx| {
                        app::access::record_failure(tx, &login, from, now)
                    })
                    .await?;
            }
            Err(Problem::refused(&refusal))
        }
    }
}

/// A no stands on the page where it was asked, or goes out as JSON.
async fn refuse(ask: &Ask, next: String, problem: Problem) -> Result<Response, Problem> {
    if ask.wants_json {
        return Err(problem);
    }
    let page = account(ask, next, Some(&problem)).await?;
    ask.page_for(&problem, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    key: Id,
    old: String,
    password: String,
    again: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn password(ask: Ask) -> Result<Response, Problem> {
    let form: ChangePassword = ask.form()?;
    let next = if form.next.is_empty() { "/account".to_owned() } else { local(&form.next) };
    match change(&ask, form).await {
        Ok(()) => ask.done(&next, "password-changed", &serde_json::json!({})),
        Err(problem) => refuse(&ask, next, problem).await,
    }
}

async fn change(ask: &Ask, form: ChangePassword) -> Result<(), Problem> {
    same(&form.password, &form.again)?;
    retype(ask, form.old).await?;
    let rules = ask.read::<_, Never>(|tx, who| app::access::rules(tx, who.person, who.now)).await?;
    let (password, salt) = (form.password, random());
    let hashed = costly(ask, move || rules.hash(&password, &salt)).await??;
    let (key, session) = (form.key, ask.session()?);
    ask.write(move |tx, who| app::access::change_password(tx, who, key, session, &hashed)).await
}

pub(super) async fn end(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    ask.write(move |tx, who| app::access::end_session(tx, who, who.person, id)).await?;
    ask.done("/account", "session-ended", &serde_json::json!({}))
}

// The second factor -------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "access/factor.html")]
struct FactorPage {
    p: Page,
    login: String,
    next: String,
    /// Has one already.
    is_there: bool,
    problem: Option<String>,
}

pub(super) async fn factor(ask: Ask) -> Result<Response, Problem> {
    let next = local(ask.query("next").unwrap_or("/account"));
    let page = factor_page(&ask, next, None).await?;
    ask.page(&page)
}

async fn factor_page(
    ask: &Ask,
    next: String,
    problem: Option<&Problem>,
) -> Result<FactorPage, Problem> {
    let (login, is_there) = ask
        .read::<_, Never>(|tx, who| {
            Ok((app::access::login_of(tx, who)?, app::access::factor_of(tx, who)?.is_some()))
        })
        .await?;
    let p = Page::new(ask, "factor-title", Season::Winter);
    Ok(FactorPage { p, login, next, is_there, problem: problem.map(|p| p.sentence(ask.lang)) })
}

#[derive(Template)]
#[template(path = "access/factor_confirm.html")]
struct ConfirmPage {
    p: Page,
    key: String,
    next: String,
    secret: String,
    /// What the camera scans.
    svg: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginFactor {
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn begin_factor(ask: Ask) -> Result<Response, Problem> {
    let form: BeginFactor = ask.form()?;
    let next = local(&form.next);
    let secret = random();
    let begun = match retype(&ask, form.password).await {
        Ok(()) => ask.write(move |tx, who| app::access::begin_factor(tx, who, secret)).await,
        Err(problem) => Err(problem),
    };
    let setup = match begun {
        Ok(setup) => setup,
        Err(problem) if ask.wants_json => return Err(problem),
        Err(problem) => {
            let page = factor_page(&ask, next, Some(&problem)).await?;
            return ask.page_for(&problem, &page);
        }
    };
    if ask.wants_json {
        return ask.json(&serde_json::json!({ "secret": setup.secret, "url": setup.url }));
    }
    let groups: Vec<String> = setup
        .secret
        .as_bytes()
        .chunks(4)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect();
    ask.page(&ConfirmPage {
        p: Page::new(&ask, "factor-title", Season::Winter),
        key: ask.new_key().to_string(),
        next,
        secret: groups.join(" "),
        svg: qr::svg(&setup.url),
    })
}

#[derive(Template)]
#[template(path = "access/factor_codes.html")]
struct CodesPage {
    p: Page,
    next: String,
    codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmFactor {
    key: Id,
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn confirm_factor(ask: Ask) -> Result<Response, Problem> {
    let form: ConfirmFactor = ask.form()?;
    let (key, code, session) = (form.key, form.code, ask.session()?);
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_code()).collect();
    let kept = codes.clone();
    let confirmed = ask
        .write(move |tx, who| app::access::confirm_factor(tx, who, key, session, &code, &kept))
        .await;
    match confirmed {
        Ok(()) if ask.wants_json => ask.json(&serde_json::json!({ "recovery_codes": codes })),
        Ok(()) => {
            let p = Page::new(&ask, "factor-codes-title", Season::Winter);
            ask.page(&CodesPage { p, next: local(&form.next), codes })
        }
        Err(problem) if ask.wants_json => Err(problem),
        Err(problem) => {
            let page = factor_page(&ask, local(&form.next), Some(&problem)).await?;
            ask.page_for(&problem, &page)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropFactor {
    key: Id,
    password: String,
}

pub(super) async fn drop_factor(ask: Ask) -> Result<Response, Problem> {
    let form: DropFactor = ask.form()?;
    let (key, session) = (form.key, ask.session()?);
    let dropped = match retype(&ask, form.password).await {
        Ok(()) => {
            ask.write(move |tx, who| app::access::drop_own_factor(tx, who, key, session)).await
        }
        Err(problem) => Err(problem),
    };
    match dropped {
        Ok(()) => ask.done("/account", "factor-dropped", &serde_json::json!({})),
        Err(problem) => refuse(&ask, "/account".to_owned(), problem).await,
    }
}

impl AccountPage {
    fn is_this(&self, row: &SessionRow) -> bool {
        row.id == self.this
    }
}
