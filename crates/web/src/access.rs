//! Signing in and out, one's own account, people and their posts; the language.

mod account;
mod oidc;
mod people;
mod provider;
mod sign_in;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use domain::access::Permission;

pub use provider::{Provider, Unfit, outgoing};

use crate::ask::see_other;
use crate::edge::cookie::LANGUAGE;
use crate::{Ask, Lang, Needs, Problem, Route, Subject, Work};

pub fn routes() -> Vec<Route> {
    use Needs::{May, Nothing, SignedIn};
    use Subject::Zone;
    let read = May(Permission::ReadPeople);
    let posts = May(Permission::ManagePosts);
    let shut = May(Permission::ShutOut);
    vec![
        Route::get("/login", row!("access.login_form"), Nothing, Zone, sign_in::form)
            .takes(&["next"]),
        Route::post("/login", row!("access.sign_in"), Nothing, Zone, sign_in::sign_in)
            .takes(&["login", "password", "next"])
            .work(Work::SignIn),
        Route::get("/login/code", row!("access.code_form"), Nothing, Zone, sign_in::code_form)
            .takes(&["next"]),
        Route::post("/login/code", row!("access.show_code"), Nothing, Zone, sign_in::show_code)
            .takes(&["code", "next"]),
        Route::get("/login/oidc", row!("access.leave"), Nothing, Zone, oidc::leave)
            .takes(&["next"]),
        Route::get("/login/oidc/back", row!("access.back"), Nothing, Zone, oidc::back)
            .takes(BROUGHT_BACK),
        Route::post("/login/oidc/finish", row!("access.finish"), Nothing, Zone, oidc::finish)
            .takes(&["code", "state"]),
        Route::post("/logout", row!("access.sign_out"), Nothing, Zone, sign_in::sign_out),
        Route::get("/welcome", row!("access.welcome_form"), Nothing, Zone, sign_in::welcome_form)
            .takes(&["first"]),
        Route::post("/welcome", row!("access.accept"), Nothing, Zone, sign_in::accept)
            .takes(&["key", "code", "name", "login", "password", "again"])
            .work(Work::SignIn),
        Route::get("/language", row!("access.language"), Nothing, Zone, language)
            .takes(&["to", "back"]),
        Route::get("/account", row!("access.account"), SignedIn, Zone, account::page)
            .takes(&["next"]),
        Route::post(
            "/account/password",
            row!("access.change_password"),
            SignedIn,
            Zone,
            account::password,
        )
        .takes(&["key", "old", "password", "again", "next"])
        .work(Work::SignIn),
        Route::post(
            "/account/sessions/{id}/end",
            row!("access.end_session"),
            SignedIn,
            Zone,
            account::end,
        ),
        Route::get("/account/factor", row!("access.factor_form"), SignedIn, Zone, account::factor)
            .takes(&["next"]),
        Route::post(
            "/account/factor",
            row!("access.begin_factor"),
            SignedIn,
            Zone,
            account::begin_factor,
        )
        .takes(&["password", "next"])
        .work(Work::SignIn),
        Route::post(
            "/account/factor/confirm",
            row!("access.confirm_factor"),
            SignedIn,
            Zone,
            account::confirm_factor,
        )
        .takes(&["key", "code", "next"]),
        Route::post(
            "/account/factor/drop",
            row!("access.drop_own_factor"),
            SignedIn,
            Zone,
            account::drop_factor,
        )
        .takes(&["key", "password"])
        .work(Work::SignIn),
        Route::get("/people", row!("access.people"), read, Zone, people::page)
            .takes(&["q", "page", "person"]),
        Route::post("/people", row!("access.add_person"), read, Zone, people::add)
            .takes(&["key", "name", "unit"]),
        Route::post("/people/{id}/invite", row!("access.invite"), read, Zone, people::invite)
            .takes(&["key", "login"]),
        Route::post("/people/{id}/subject", row!("access.link"), read, Zone, people::link)
            .takes(&["key", "subject"]),
        Route::post("/people/{id}/posts", row!("access.give_post"), posts, Zone, people::give_post)
            .takes(&["key", "role", "area", "place", "from", "to"]),
        Route::post("/posts/{id}/end", row!("access.end_post"), posts, Zone, people::end_post)
            .takes(&["key"]),
        Route::post("/people/{id}/disable", row!("access.disable"), shut, Zone, people::disable)
            .takes(&["key", "off"]),
        Route::post(
            "/people/{id}/sessions/{session}/end",
            row!("access.end_session_of"),
            shut,
            Zone,
            people::end_session,
        ),
        Route::post(
            "/people/{id}/factor/drop",
            row!("access.drop_factor"),
            posts,
            Zone,
            people::drop_factor,
        )
        .takes(&["key"]),
        Route::post("/access-rules", row!("access.set_rules"), posts, Zone, people::set_rules)
            .takes(&["key", "profile", "second_factor"]),
    ]
}

/// What providers send people back with; the code and the state are read.
const BROUGHT_BACK: &[&str] = &[
    "code",
    "state",
    "error",
    "error_description",
    "error_uri",
    "iss",
    "session_state",
    "scope",
    "client_id",
    "authuser",
    "hd",
    "prompt",
];

async fn language(ask: Ask) -> Result<Response, Problem> {
    let to = ask.query("to").and_then(Lang::from_code).ok_or_else(|| Problem::bad("query"))?;
    let mut response = see_other(&local(ask.query("back").unwrap_or("/")));
    set_cookie(&ask, &mut response, LANGUAGE, to.code(), Some(YEAR));
    Ok(response)
}

const YEAR: u32 = 31_536_000;

/// A path of our own, whatever was sent: no way to somewhere else.
pub(crate) fn local(next: &str) -> String {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next.to_owned() } else { "/".to_owned() }
}

fn set_cookie(ask: &Ask, response: &mut Response, name: &str, value: &str, lasts: Option<u32>) {
    if let Ok(value) = HeaderValue::from_str(&ask.cookie(name, value, lasts)) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// 256 random bits in hexadecimal digits.
fn new_token() -> String {
    crate::random::<32>().iter().map(|b| format!("{b:02x}")).collect()
}

/// A code that is read out or written down: 16 letters and digits that are hard to mistake for each
/// other, 80 bits, in groups of four.
pub fn new_code() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random: [u8; 16] = crate::random();
    let code: Vec<char> =
        random.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect();
    code.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Costly work (Argon2id) outside the runtime's threads, a few at a time.
async fn costly<T: Send + 'static>(
    ask: &Ask,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let (slot, place) = (ask.server.slot().await, ask.place.clone());
    let work = move || {
        let done = work();
        drop((slot, place));
        done
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "page"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tokens_and_codes_are_never_the_same() {
        let tokens: BTreeSet<String> = (0..10_000).map(|_| new_token()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(tokens.iter().all(|t| t.len() == 64 && t.bytes().all(|b| b.is_ascii_hexdigit())));
        // 32 random bytes: no place of the token leans to one digit.
        for place in 0..64 {
            let zeros = tokens.iter().filter(|t| t.as_bytes()[place] == b'0').count();
            assert!((450..=800).contains(&zeros), "{zeros} noughts at {place}");
        }
        let codes: BTreeSet<String> = (0..10_000).map(|_| new_code()).collect();
        assert_eq!(codes.len(), 10_000);
        assert!(codes.iter().all(|c| c.len() == 19 && !c.contains(['0', '1', 'l'])));
    }

    #[test]
    fn the_way_on_is_ours() {
        for away in
            ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:x", "/a\r\nb", ""]
        {
            assert_eq!(local(away), "/", "{away:?}");
        }
        assert_eq!(local("/people?q=a"), "/people?q=a");
    }
}
