//! Coming in: by password and code, or by a code that is good once.

use app::access::{AcceptRefusal, Entrance, First, Knock, LoginRefusal, Opens};
use app::{Failure, Reach};
use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use store::access::Factor;

use super::{YEAR, costly, local, new_token, set_cookie};
use crate::edge::cookie::{BROWSER, SESSION, token_hash};
use crate::{Ask, Page, Problem, Season, random};

#[derive(Template)]
#[template(path = "access/login.html")]
pub(super) struct LoginPage {
    p: Page,
    next: String,
    login: String,
    problem: Option<String>,
    /// What the zone's OpenID provider is called.
    provider: Option<String>,
}

impl LoginPage {
    pub fn new(ask: &Ask, next: &str, login: &str, problem: Option<String>) -> LoginPage {
        LoginPage {
            p: Page::new(ask, "login-title", Season::Winter),
            next: next.to_owned(),
            login: login.to_owned(),
            problem,
            provider: ask.server.provider.as_ref().map(|provider| provider.name.clone()),
        }
    }

    fn leave(&self) -> String {
        format!("/login/oidc?{}", encoded("next", &self.next))
    }
}

pub(super) async fn form(ask: Ask) -> Result<Response, Problem> {
    let next = local(ask.query("next").unwrap_or("/"));
    ask.page(&LoginPage::new(&ask, &next, "", None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Where this request comes from.
pub(super) fn knock(ask: &Ask) -> Knock {
    Knock { browser: ask.brings(BROWSER).map(|t| token_hash(&t)), address: ask.peer }
}

/// A door for a session that is about to open, and the tokens that its browser is given.
struct Door {
    session: String,
    browser: String,
    entrance: Entrance,
}

impl Door {
    fn of(ask: &Ask) -> Door {
        let session = new_token();
        let browser = ask.brings(BROWSER).unwrap_or_else(new_token);
        let agent = ask.headers.get(axum::http::header::USER_AGENT);
        let entrance = Entrance {
            token_hash: token_hash(&session),
            session: ask.new_key(),
            browser: token_hash(&browser),
            device: device(agent.and_then(|v| v.to_str().ok()).unwrap_or("")),
            subject: None,
            from: knock(ask),
            now: ask.now,
        };
        Door { session, browser, entrance }
    }

    fn give(&self, ask: &Ask, response: &mut Response) {
        set_cookie(ask, response, SESSION, &self.session, None);
        set_cookie(ask, response, BROWSER, &self.browser, Some(YEAR));
    }
}

/// A browser's own words about itself, cut down to what its owner knows it by.
fn device(agent: &str) -> String {
    let of = |words: &[(&str, &'static str)]| {
        words.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    let system = of(&[
        ("HarmonyOS", "HarmonyOS"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    let browser = of(&[
        ("MicroMessenger", "WeChat"),
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    [browser, system].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

pub(super) async fn sign_in(ask: Ask) -> Result<Response, Problem> {
    let form: SignIn = ask.form()?;
    let login = form.login.trim().to_owned();
    let (name, from, now) = (login.clone(), knock(&ask), ask.now);
    let attempt =
        ask.app().read(Reach::System, move |tx| app::access::attempt(tx, &name, from, now)).await?;
    let about = attempt.person.as_ref().map(|p| p.id);
    let password = form.password;
    let refusal = match costly(&ask, move || attempt.check(&password)).await? {
        Ok(person) => return enter(&ask, person, None, &local(&form.next)).await,
        Err(refusal) => refusal,
    };
    if refusal == LoginRefusal::Wrong {
        let name = login.clone();
        ask.app()
            .write(Reach::System, move |tx| app::access::record_failure(tx, &name, from, now))
            .await?;
    }
    let problem = Problem { about, ..Problem::refused(&refusal) };
    if ask.wants_json {
        return Err(problem);
    }
    let said = problem.sentence(ask.lang);
    let page = LoginPage::new(&ask, &local(&form.next), &login, Some(said));
    ask.page_for(&problem, &page)
}

/// The password was right, or the provider vouches for this subject: in, or on to the code.
pub(super) async fn enter(
    ask: &Ask,
    person: domain::Id,
    subject: Option<String>,
    next: &str,
) -> Result<Response, Problem> {
    let mut door = Door::of(ask);
    door.entrance.subject = subject;
    let entrance = door.entrance.clone();
    let factor =
        ask.app().write(Reach::System, move |tx| app::access::enter(tx, person, &entrance)).await?;
    let to = match factor {
        Factor::Asked => format!("/login/code?{}", encoded("next", next)),
        Factor::None | Factor::Shown => next.to_owned(),
    };
    let said = serde_json::json!({ "second_factor": factor.code() });
    let mut response = ask.done(&to, "", &said)?;
    door.give(ask, &mut response);
    Ok(response)
}

fn encoded(name: &str, value: &str) -> String {
    serde_urlencoded::to_string([(name, value)]).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "access/code.html")]
struct CodePage {
    p: Page,
    next: String,
    problem: Option<String>,
}

pub(super) async fn code_form(ask: Ask) -> Result<Response, Problem> {
    let next = local(ask.query("next").unwrap_or("/"));
    let p = Page::new(&ask, "code-title", Season::Winter);
    ask.page(&CodePage { p, next, problem: None })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowCode {
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show_code(ask: Ask) -> Result<Response, Problem> {
    let form: ShowCode = ask.form()?;
    let asked = ask.brings(SESSION).map(|t| token_hash(&t)).unwrap_or_default();
    let (door, from, now) = (Door::of(&ask), knock(&ask), ask.now);
    let (entrance, code) = (door.entrance.clone(), form.code);
    let shown = ask
        .app()
        .write(Reach::System, move |tx| app::access::show_code(tx, asked, &code, &entrance))
        .await;
    let problem = match shown {
        Ok(()) => {
            let said = serde_json::json!({ "second_factor": Factor::Shown.code() });
            let mut response = ask.done(&local(&form.next), "", &said)?;
            door.give(&ask, &mut response);
            return Ok(response);
        }
        Err(Failure::Refused(LoginRefusal::CodeWrong)) => {
            let about = ask
                .app()
                .write(Reach::System, move |tx| {
                    app::access::record_wrong_code(tx, asked, from, now)
                })
                .await?;
            Problem { about, ..Problem::refused(&LoginRefusal::CodeWrong) }
        }
        Err(other) => other.into(),
    };
    if ask.wants_json {
        return Err(problem);
    }
    let page = CodePage {
        p: Page::new(&ask, "code-title", Season::Winter),
        next: local(&form.next),
        problem: Some(problem.sentence(ask.lang)),
    };
    ask.page_for(&problem, &page)
}

pub(super) async fn sign_out(ask: Ask) -> Result<Response, Problem> {
    if let Some(hash) = ask.brings(SESSION).map(|t| token_hash(&t)) {
        let now = ask.now;
        ask.app().write(Reach::System, move |tx| app::access::sign_out(tx, hash, now)).await?;
    }
    let mut response = ask.done("/login", "", &serde_json::json!({}))?;
    set_cookie(&ask, &mut response, SESSION, "", Some(0));
    Ok(response)
}

// A code that is good once ------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "access/welcome.html")]
struct WelcomePage {
    p: Page,
    key: String,
    is_first: bool,
    name: String,
    login: String,
    problem: Option<String>,
}

pub(super) async fn welcome_form(ask: Ask) -> Result<Response, Problem> {
    let is_first = ask.query("first").is_some();
    let (p, key) = (Page::new(&ask, "welcome-title", Season::Winter), ask.new_key().to_string());
    let (name, login) = (String::new(), String::new());
    ask.page(&WelcomePage { p, key, is_first, name, login, problem: None })
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Accept {
    key: domain::Id,
    code: String,
    /// Of the first person of a new zone.
    #[serde(default)]
    name: String,
    #[serde(default)]
    login: String,
    password: String,
    again: String,
}

/// The password typed twice, once.
pub(super) fn same(password: &str, again: &str) -> Result<(), Problem> {
    if password == again {
        return Ok(());
    }
    Err(Problem::new(axum::http::StatusCode::CONFLICT, "password-differs"))
}

pub(super) async fn accept(ask: Ask) -> Result<Response, Problem> {
    let form: Accept = ask.form()?;
    match take(&ask, &form).await {
        Ok(login) => ask.done("/login", "welcome", &serde_json::json!({ "login": login })),
        Err(problem) if ask.wants_json => Err(problem),
        Err(problem) => {
            let page = WelcomePage {
                p: Page::new(&ask, "welcome-title", Season::Winter),
                key: form.key.to_string(),
                is_first: !form.login.is_empty(),
                name: form.name,
                login: form.login,
                problem: Some(problem.sentence(ask.lang)),
            };
            ask.page_for(&problem, &page)
        }
    }
}

/// Sets the password; whose login it is.
async fn take(ask: &Ask, form: &Accept) -> Result<String, Problem> {
    same(&form.password, &form.again)?;
    let hash = app::access::code_hash(&form.code);
    // A code cannot be guessed in any time; a machine that tries is slowed down all the same.
    let (from, now) = (knock(ask), ask.now);
    ask.app().read(Reach::System, move |tx| app::access::may_try_code(tx, from, now)).await?;
    let (login, name) = (form.login.clone(), form.name.clone());
    let opens = ask
        .app()
        .read(Reach::System, move |tx| app::access::rules_for_code(tx, hash, (&login, &name), now))
        .await;
    let (opens, rules) = match opens {
        Err(Failure::Refused(AcceptRefusal::CodeUnknown)) => {
            ask.app()
                .write(Reach::System, move |tx| app::access::record_unknown_code(tx, from, now))
                .await?;
            return Err(Problem::refused(&AcceptRefusal::CodeUnknown));
        }
        other => other?,
    };
    let (password, salt) = (form.password.clone(), random());
    let hashed = costly(ask, move || rules.hash(&password, &salt)).await??;
    let form = form.clone();
    match opens {
        Opens::Person { login, .. } => {
            ask.app()
                .write(Reach::System, move |tx| {
                    app::access::accept(tx, form.key, hash, &hashed, now)
                })
                .await?;
            Ok(login)
        }
        Opens::First => {
            let login = form.login.clone();
            let first = First {
                key: form.key,
                code_hash: hash,
                name: form.name,
                login: form.login,
                password: hashed,
                now,
            };
            ask.app().write(Reach::System, move |tx| app::access::first(tx, &first)).await?;
            Ok(login)
        }
    }
}
