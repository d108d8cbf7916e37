//! The load driver's side of HTTP, and sessions for the people it plays.

use std::time::{Duration, Instant};

use app::{App, Never, Reach};
use domain::Id;
use sha2::{Digest as _, Sha256};

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(300)))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into()
}

/// A cookie of a session opened for `person`, as signing in opens one. A session's number may be
/// taken already, where many were opened before.
pub fn session(app: &App, person: Id) -> anyhow::Result<String> {
    const TRIES: usize = 20;
    let tried = (1..TRIES).find_map(|_| new_session(app, person).ok());
    tried.map_or_else(|| new_session(app, person), Ok)
}

fn new_session(app: &App, person: Id) -> anyhow::Result<String> {
    let token: String = web::random::<32>().iter().map(|b| format!("{b:02x}")).collect();
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let now = web::now();
    app.write::<_, Never>(Reach::System, move |tx| app::access::sign_in(tx, person, hash, now))
        .wait()
        .map_err(|e| anyhow::anyhow!("no session: {e:?}"))?;
    Ok(format!("siji={token}"))
}

/// Somebody with a connection of their own who saves, and comes again when told to.
pub struct Phone {
    agent: ureq::Agent,
    address: String,
}

/// A server takes so many connections of one address and no more: those of many people come through a
/// proxy that it trusts, here this driver.
pub fn behind_a_proxy() -> [(&'static str, String); 1] {
    [("SIJI_TRUSTED_PROXY", "127.0.0.1".to_owned())]
}

/// How often somebody comes again with the same record.
const AGAIN_MAX: u32 = 200;

impl Phone {
    /// The `n`th of them, with an address of its own.
    pub fn new(n: usize) -> Phone {
        Phone { agent: agent(), address: format!("10.0.{}.{}", n / 250, 1 + n % 250) }
    }

    /// Sends a record under a key of its own until it is saved; how long that took in all.
    pub fn send(&self, url: &str, cookie: &str, fields: &str) -> anyhow::Result<Duration> {
        let key = domain::id::new(web::now(), web::random());
        let body = format!("{{\"key\":\"{key}\",{fields}}}");
        Ok(self.send_until_taken(url, cookie, &body)?.0)
    }

    /// Sends a body, with its keys, until it is taken; how long that took in all, and the answer.
    pub fn send_until_taken(
        &self,
        url: &str,
        cookie: &str,
        body: &str,
    ) -> anyhow::Result<(Duration, String)> {
        let begun = Instant::now();
        for again in 0..AGAIN_MAX {
            let sent = self.agent.post(url).header("cookie", cookie);
            let sent = sent.header("x-forwarded-for", &self.address);
            let mut answer = sent.header("content-type", "application/json").send(body)?;
            let status = answer.status();
            let words = answer.body_mut().read_to_string()?;
            match status.as_u16() {
                200 => return Ok((begun.elapsed(), words)),
                503 => std::thread::sleep(Duration::from_millis(u64::from(20 + again * 5))),
                _ => anyhow::bail!("{url} answered {status}: {words}"),
            }
        }
        anyhow::bail!("{url} was too busy {AGAIN_MAX} times")
    }
}

/// Gets a page whole; how long it took and its bytes.
pub fn get(agent: &ureq::Agent, url: &str, cookie: &str) -> anyhow::Result<(Duration, u64)> {
    let begun = Instant::now();
    let mut answer = agent.get(url).header("cookie", cookie).call()?;
    let status = answer.status();
    anyhow::ensure!(status == 200, "{url} answered {status}");
    let bytes = std::io::copy(&mut answer.body_mut().as_reader(), &mut std::io::sink())?;
    Ok((begun.elapsed(), bytes))
}

/// Posts a form and reads the answer whole.
pub fn post(
    agent: &ureq::Agent,
    url: &str,
    cookie: &str,
    form: &str,
) -> anyhow::Result<(Duration, u64)> {
    let begun = Instant::now();
    let sent = agent.post(url).header("cookie", cookie);
    let sent = sent.header("x-csrf-token", web::form_token(cookie));
    let mut answer = sent.header("content-type", "application/x-www-form-urlencoded").send(form)?;
    let status = answer.status();
    anyhow::ensure!(status == 200, "{url} answered {status}");
    let bytes = std::io::copy(&mut answer.body_mut().as_reader(), &mut std::io::sink())?;
    Ok((begun.elapsed(), bytes))
}

/// The time within which so many of a hundred answers came, ms.
pub fn percentile(mut times: Vec<Duration>, hundredth: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * hundredth / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, Duration::as_secs_f64) * 1000.0
}
