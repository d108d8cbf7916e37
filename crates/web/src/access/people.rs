//! People, their posts and their way in; the rules of passwords and second factors.

use app::Never;
use app::access::{AddPerson, CODE_LASTS, GivePost, Invite, Settings};
use askama::Template;
use axum::response::Response;
use domain::access::password::Profile;
use domain::access::{Permission, Role};
use domain::{Date, Id, parse_day};
use serde::Deserialize;
use store::access::{PersonRow, PostRow, SessionRow};

use super::new_code;
use crate::{Ask, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "access/people.html")]
struct PeoplePage {
    p: Page,
    q: String,
    rows: Vec<PersonRow>,
    /// The person whose forms are shown: all of them would weigh too much.
    chosen: String,
    sessions: Vec<SessionRow>,
    /// This page without anybody chosen, ready for one more parameter.
    here: String,
    areas: Vec<(String, String)>,
    places: Vec<(String, String)>,
    roles: Vec<&'static str>,
    /// What this administrator may do.
    accounts: bool,
    posts: bool,
    me: Id,
    /// What the zone's OpenID provider is called.
    provider: Option<String>,
    rules: Settings,
    today: Date,
    paging: Paging,
    before: String,
    after: String,
}

impl PeoplePage {
    fn is_chosen(&self, row: &PersonRow) -> bool {
        self.chosen == row.person.id.to_string()
    }
    fn is_me(&self, row: &PersonRow) -> bool {
        self.me == row.person.id
    }
    fn link_to(&self, row: &PersonRow) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        let id = row.person.id;
        format!("{}{joint}person={id}#{id}", self.here)
    }
    fn is_over(&self, post: &PostRow) -> bool {
        post.to.as_ref().and_then(|to| to.parse::<Date>().ok()).is_some_and(|to| to < self.today)
    }
    fn profiles(&self) -> [&'static str; 2] {
        Profile::ALL.map(Profile::code)
    }
    fn is_profile(&self, code: &str) -> bool {
        self.rules.profile.code() == code
    }
}

pub(super) async fn page(ask: Ask) -> Result<Response, Problem> {
    let q = ask.query("q").unwrap_or("").to_owned();
    let chosen: Option<Id> = ask.query("person").and_then(|p| p.parse().ok());
    let paging = Paging::asked(&ask);
    let search = q.clone();
    let ((rows, total), (areas, places), sessions, accounts, rules) = ask
        .read::<_, Never>(move |tx, who| {
            let only = chosen.filter(|_| search.is_empty());
            let people = app::access::people(tx, who, &search, only, paging.offset(), paging.size)?;
            let choices = app::access::areas_and_places(tx, who)?;
            let sessions = match chosen {
                Some(person) => app::access::sessions_of(tx, who, person)?,
                None => Vec::new(),
            };
            let accounts = app::access::manages_accounts(tx, who)?;
            Ok((people, choices, sessions, accounts, app::access::settings(tx)?))
        })
        .await?;
    let who = ask.who()?;
    ask.page(&PeoplePage {
        p: Page::new(&ask, "people-title", Season::Winter),
        q,
        rows,
        chosen: chosen.map(|id| id.to_string()).unwrap_or_default(),
        sessions,
        here: ask.link(&[("person", "")]),
        areas,
        places,
        roles: Role::ALL.into_iter().map(Role::code).collect(),
        accounts,
        posts: who.may(Permission::ManagePosts),
        me: who.person,
        provider: ask.server.provider.as_ref().map(|provider| provider.name.clone()),
        rules,
        today: ask.today(),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

/// The page of one person, found again by their id.
fn back(person: Id) -> String {
    format!("/people?person={person}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    key: Id,
    name: String,
    #[serde(default)]
    unit: String,
}

pub(super) async fn add(ask: Ask) -> Result<Response, Problem> {
    let form: NewPerson = ask.form()?;
    let unit = Some(form.unit).filter(|u| !u.trim().is_empty());
    let request = AddPerson { key: form.key, name: form.name.clone(), unit };
    let id = ask.write(move |tx, who| app::access::add_person(tx, who, &request)).await?;
    let query = serde_urlencoded::to_string([("q", form.name.trim()), ("person", &id.to_string())]);
    let to = format!("/people?{}", query.unwrap_or_default());
    ask.done(&to, "person-added", &serde_json::json!({ "id": id }))
}

#[derive(Template)]
#[template(path = "access/invited.html")]
struct InvitedPage {
    p: Page,
    login: String,
    code: String,
    until: domain::Millis,
    /// Where the code is typed.
    address: String,
    back: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewInvite {
    key: Id,
    login: String,
}

pub(super) async fn invite(ask: Ask) -> Result<Response, Problem> {
    let form: NewInvite = ask.form()?;
    let (person, code) = (ask.id("id")?, new_code());
    let request = Invite {
        key: form.key,
        person,
        login: form.login.clone(),
        code_hash: app::access::code_hash(&code),
    };
    ask.write(move |tx, who| app::access::invite(tx, who, &request)).await?;
    let until = ask.now + CODE_LASTS;
    if ask.wants_json {
        let said = serde_json::json!({ "login": form.login.trim(), "code": code, "until": until });
        return ask.json(&said);
    }
    ask.page(&InvitedPage {
        p: Page::new(&ask, "invited-title", Season::Winter),
        login: form.login.trim().to_owned(),
        code,
        until,
        address: format!("{}/welcome", ask.origin()),
        back: back(person),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    key: Id,
    #[serde(default)]
    subject: String,
}

/// Says who somebody is at the OpenID provider; left empty, nobody there.
pub(super) async fn link(ask: Ask) -> Result<Response, Problem> {
    let (id, form) = (ask.id("id")?, ask.form::<Link>()?);
    let subject = Some(form.subject.trim().to_owned()).filter(|subject| !subject.is_empty());
    ask.write(move |tx, who| app::access::set_subject(tx, who, form.key, id, subject.as_deref()))
        .await?;
    ask.done(&back(id), "person-changed", &serde_json::json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPost {
    key: Id,
    role: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

pub(super) async fn give_post(ask: Ask) -> Result<Response, Problem> {
    let form: NewPost = ask.form()?;
    let role = Role::from_code(&form.role).ok_or_else(|| Problem::field("role"))?;
    let person = ask.id("id")?;
    let request = GivePost {
        key: form.key,
        person,
        role,
        area: given(&form.area, "area")?,
        place: given(&form.place, "place")?,
        from: given_day(&form.from, "from")?.unwrap_or_else(|| ask.today()),
        to: given_day(&form.to, "to")?,
    };
    ask.write(move |tx, who| app::access::give_post(tx, who, &request)).await?;
    ask.done(&back(person), "post-given", &serde_json::json!({}))
}

fn given_day(text: &str, name: &str) -> Result<Option<Date>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => parse_day(text).map(Some).ok_or_else(|| Problem::field(name)),
    }
}

/// A field that may be left empty.
fn given<T: std::str::FromStr>(text: &str, name: &str) -> Result<Option<T>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Problem::field(name)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyed {
    key: Id,
}

pub(super) async fn end_post(ask: Ask) -> Result<Response, Problem> {
    let (id, form) = (ask.id("id")?, ask.form::<Keyed>()?);
    let person = ask.write(move |tx, who| app::access::end_post(tx, who, form.key, id)).await?;
    ask.done(&back(person), "post-ended", &serde_json::json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disable {
    key: Id,
    off: String,
}

pub(super) async fn disable(ask: Ask) -> Result<Response, Problem> {
    let (id, form) = (ask.id("id")?, ask.form::<Disable>()?);
    let off = match form.off.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Problem::field("off")),
    };
    ask.write(move |tx, who| app::access::disable(tx, who, form.key, id, off)).await?;
    ask.done(&back(id), "person-changed", &serde_json::json!({}))
}

pub(super) async fn end_session(ask: Ask) -> Result<Response, Problem> {
    let (person, session) = (ask.id("id")?, ask.id("session")?);
    ask.write(move |tx, who| app::access::end_session(tx, who, person, session)).await?;
    ask.done(&back(person), "session-ended", &serde_json::json!({}))
}

pub(super) async fn drop_factor(ask: Ask) -> Result<Response, Problem> {
    let (person, form) = (ask.id("id")?, ask.form::<Keyed>()?);
    ask.write(move |tx, who| app::access::drop_factor(tx, who, form.key, person)).await?;
    ask.done(&back(person), "factor-dropped", &serde_json::json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    key: Id,
    profile: String,
    second_factor: String,
}

pub(super) async fn set_rules(ask: Ask) -> Result<Response, Problem> {
    let form: Rules = ask.form()?;
    let chosen = Settings {
        profile: Profile::from_code(&form.profile).ok_or_else(|| Problem::field("profile"))?,
        second_factor_required: match form.second_factor.as_str() {
            "required" => true,
            "offered" => false,
            _ => return Err(Problem::field("second_factor")),
        },
    };
    ask.write(move |tx, who| app::access::set_settings(tx, who, form.key, chosen)).await?;
    ask.done("/people", "rules-set", &serde_json::json!({}))
}
