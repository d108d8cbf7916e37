//! Signing in and out, the language, people and their posts.

use app::access::{AddPerson, GiveLogin, GivePost};
use app::{Failure, Never, Reach};
use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use domain::access::{Permission, Role};
use serde::Deserialize;
use store::access::PersonRow;

use crate::ask::see_other;
use crate::edge::cookie::{LANGUAGE, SESSION, token_hash};
use crate::{Ask, Lang, Needs, Page, Paging, Problem, Route, Season, Subject, random};

pub fn routes() -> Vec<Route> {
    use Needs::{May, Nothing, SignedIn};
    let people = May(Permission::ManagePeople);
    vec![
        Route::get("/login", "access.login_form", Nothing, Subject::Zone, login_form)
            .takes(&["next"]),
        Route::post("/login", "access.sign_in", Nothing, Subject::Zone, sign_in)
            .takes(&["login", "password", "next"]),
        Route::post("/logout", "access.sign_out", Nothing, Subject::Zone, sign_out),
        Route::get("/language", "access.language", Nothing, Subject::Zone, language)
            .takes(&["to", "back"]),
        Route::get("/password", "access.password_form", SignedIn, Subject::Zone, password_form),
        Route::post("/password", "access.change_password", SignedIn, Subject::Zone, password)
            .takes(&["login", "old", "new"]),
        Route::get("/people", "access.people", people, Subject::Zone, people_page)
            .takes(&["q", "page", "person"]),
        Route::post("/people", "access.add_person", people, Subject::Zone, add_person)
            .takes(&["key", "name", "unit"]),
        Route::post("/people/{id}/login", "access.give_login", people, Subject::Zone, give_login)
            .takes(&["login", "password"]),
        Route::post("/people/{id}/posts", "access.give_post", people, Subject::Zone, give_post)
            .takes(&["key", "role", "area", "place"]),
        Route::post("/people/{id}/disable", "access.disable", people, Subject::Zone, disable)
            .takes(&["off"]),
        Route::post("/posts/{id}/end", "access.end_post", people, Subject::Zone, end_post),
    ]
}

#[derive(Template)]
#[template(path = "access/login.html")]
struct LoginPage {
    p: Page,
    next: String,
    login: String,
    problem: Option<String>,
}

async fn login_form(ask: Ask) -> Result<Response, Problem> {
    let next = local(ask.query("next").unwrap_or("/"));
    let p = Page::new(&ask, "login-title", Season::Winter);
    ask.page(&LoginPage { p, next, login: String::new(), problem: None })
}

#[derive(Deserialize)]
struct SignIn {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(ask: Ask) -> Result<Response, Problem> {
    let form: SignIn = ask.form()?;
    let login = form.login.trim().to_owned();
    let (name, now) = (login.clone(), ask.now);
    let attempt =
        ask.app().read(Reach::System, move |tx| app::access::attempt(tx, &name, now)).await?;
    let about = attempt.person.as_ref().map(|p| p.id);
    let checked = {
        let _slot = ask.server.slot().await;
        let password = form.password.clone();
        tokio::task::spawn_blocking(move || attempt.check(&password))
            .await
            .map_err(|_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "page"))?
    };
    match checked {
        Ok(person) => {
            let token: String = random::<32>().iter().map(|b| format!("{b:02x}")).collect();
            let hash = token_hash(&token);
            ask.app()
                .write(Reach::System, move |tx| app::access::sign_in(tx, person, hash, now))
                .await?;
            let mut response = ask.done(&local(&form.next), "", &serde_json::json!({}))?;
            set_cookie(&mut response, &ask.cookie(SESSION, &token, None));
            Ok(response)
        }
        Err(refusal) => {
            let name = login.clone();
            ask.app()
                .write(Reach::System, move |tx| app::access::record_failure(tx, &name, now))
                .await?;
            let problem = Problem { about, ..Problem::refused(&refusal) };
            if ask.wants_json {
                return Err(problem);
            }
            let page = LoginPage {
                p: Page::new(&ask, "login-title", Season::Winter),
                next: local(&form.next),
                login,
                problem: Some(problem.sentence(ask.lang)),
            };
            ask.page_for(&problem, &page)
        }
    }
}

async fn sign_out(ask: Ask) -> Result<Response, Problem> {
    if let Some(hash) = ask.session_token().map(|token| token_hash(&token)) {
        let now = ask.now;
        ask.app().write(Reach::System, move |tx| app::access::sign_out(tx, hash, now)).await?;
    }
    let mut response = see_other("/login");
    set_cookie(&mut response, &ask.cookie(SESSION, "", Some(0)));
    Ok(response)
}

async fn language(ask: Ask) -> Result<Response, Problem> {
    let to = ask.query("to").and_then(Lang::from_code).ok_or_else(|| Problem::bad("query"))?;
    let mut response = see_other(&local(ask.query("back").unwrap_or("/")));
    set_cookie(&mut response, &ask.cookie(LANGUAGE, to.code(), Some(31_536_000)));
    Ok(response)
}

/// A path of our own, whatever was sent: no way to somewhere else.
fn local(next: &str) -> String {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next.to_owned() } else { "/".to_owned() }
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[derive(Template)]
#[template(path = "access/password.html")]
struct PasswordPage {
    p: Page,
    problem: Option<String>,
}

async fn password_form(ask: Ask) -> Result<Response, Problem> {
    let p = Page::new(&ask, "password-title", Season::Winter);
    ask.page(&PasswordPage { p, problem: None })
}

#[derive(Deserialize)]
struct ChangePassword {
    login: String,
    old: String,
    new: String,
}

async fn password(ask: Ask) -> Result<Response, Problem> {
    let form: ChangePassword = ask.form()?;
    let who = ask.who()?;
    let (name, now) = (form.login.trim().to_owned(), ask.now);
    let attempt =
        ask.app().read(Reach::System, move |tx| app::access::attempt(tx, &name, now)).await?;
    let (old, new) = (form.old.clone(), form.new.clone());
    let salt = random();
    let hashed = {
        let _slot = ask.server.slot().await;
        tokio::task::spawn_blocking(move || {
            let person = attempt.check(&old).map_err(|r| Problem::refused(&r))?;
            if person != who.person {
                return Err(Problem::refused(&app::access::LoginRefusal::Wrong));
            }
            app::access::hash_password(&new, &salt).map_err(Problem::from)
        })
        .await
        .map_err(|_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "page"))?
    };
    match hashed {
        Ok(hashed) => {
            let login = form.login.trim().to_owned();
            ask.write(move |tx, who| app::access::change_password(tx, who, &login, &hashed))
                .await?;
            ask.done("/login", "password-changed", &serde_json::json!({}))
        }
        Err(problem) if ask.wants_json => Err(problem),
        Err(problem) => {
            let sentence = Some(problem.sentence(ask.lang));
            let p = Page::new(&ask, "password-title", Season::Winter);
            ask.page_for(&problem, &PasswordPage { p, problem: sentence })
        }
    }
}

// People ------------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "access/people.html")]
struct PeoplePage {
    p: Page,
    q: String,
    rows: Vec<PersonRow>,
    /// The person whose forms are shown: all of them would weigh too much.
    chosen: String,
    /// This page without anybody chosen, ready for one more parameter.
    here: String,
    areas: Vec<(String, String)>,
    places: Vec<(String, String)>,
    roles: Vec<&'static str>,
    key: String,
    paging: Paging,
    before: String,
    after: String,
}

impl PeoplePage {
    fn is_chosen(&self, row: &PersonRow) -> bool {
        self.chosen == row.person.id.to_string()
    }

    fn link_to(&self, row: &PersonRow) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        let id = row.person.id;
        format!("{}{joint}person={id}#{id}", self.here)
    }
}

async fn people_page(ask: Ask) -> Result<Response, Problem> {
    let q = ask.query("q").unwrap_or("").to_owned();
    let paging = Paging::asked(&ask);
    let search = q.clone();
    let ((rows, total), (areas, places)) = ask
        .read::<_, Never>(move |tx, who| {
            let people = app::access::people(tx, who, &search, paging.offset(), paging.size)?;
            Ok((people, app::access::areas_and_places(tx, who)?))
        })
        .await?;
    let page = PeoplePage {
        p: Page::new(&ask, "people-title", Season::Winter),
        q,
        rows,
        chosen: ask.query("person").unwrap_or("").to_owned(),
        here: ask.link(&[("person", "")]),
        areas,
        places,
        roles: Role::ALL.into_iter().map(Role::code).collect(),
        key: ask.new_key().to_string(),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    };
    ask.page(&page)
}

#[derive(Deserialize)]
struct NewPerson {
    key: domain::Id,
    name: String,
    #[serde(default)]
    unit: String,
}

async fn add_person(ask: Ask) -> Result<Response, Problem> {
    let form: NewPerson = ask.form()?;
    let unit = Some(form.unit).filter(|u| !u.trim().is_empty());
    let request = AddPerson { key: form.key, name: form.name.clone(), unit };
    let id = ask.write(move |tx, who| app::access::add_person(tx, who, &request)).await?;
    let to =
        format!("/people?{}", serde_urlencoded::to_string([("q", &form.name)]).unwrap_or_default());
    ask.done(&to, "person-added", &serde_json::json!({ "id": id }))
}

#[derive(Deserialize)]
struct NewLogin {
    login: String,
    password: String,
}

async fn give_login(ask: Ask) -> Result<Response, Problem> {
    let form: NewLogin = ask.form()?;
    let (person, salt) = (ask.id("id")?, random());
    let hashed = {
        let _slot = ask.server.slot().await;
        let password = form.password;
        tokio::task::spawn_blocking(move || app::access::hash_password(&password, &salt))
            .await
            .map_err(|_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "page"))??
    };
    let request = GiveLogin { person, login: form.login, password: hashed };
    ask.write(move |tx, who| app::access::give_login(tx, who, &request)).await?;
    ask.done("/people", "login-given", &serde_json::json!({}))
}

#[derive(Deserialize)]
struct NewPost {
    key: domain::Id,
    role: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    place: String,
}

async fn give_post(ask: Ask) -> Result<Response, Problem> {
    let form: NewPost = ask.form()?;
    let role = Role::from_code(&form.role).ok_or_else(|| Problem::field("role"))?;
    let id = |s: &str, name| match s.trim() {
        "" => Ok(None),
        s => s.parse().map(Some).map_err(|_| Problem::field(name)),
    };
    let request = GivePost {
        key: form.key,
        person: ask.id("id")?,
        role,
        area: id(&form.area, "area")?,
        place: id(&form.place, "place")?,
        from: ask.today(),
    };
    ask.write(move |tx, who| app::access::give_post(tx, who, &request)).await?;
    ask.done("/people", "post-given", &serde_json::json!({}))
}

async fn end_post(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    ask.write(move |tx, who| app::access::end_post(tx, who, id)).await?;
    ask.done("/people", "post-ended", &serde_json::json!({}))
}

#[derive(Deserialize)]
struct Disable {
    off: String,
}

async fn disable(ask: Ask) -> Result<Response, Problem> {
    let (id, form) = (ask.id("id")?, ask.form::<Disable>()?);
    ask.write(move |tx, who| -> Result<(), Failure<Never>> {
        app::access::disable(tx, who, id, form.off == "yes")
    })
    .await?;
    ask.done("/people", "person-changed", &serde_json::json!({}))
}
