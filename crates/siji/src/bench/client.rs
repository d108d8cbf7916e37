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

/// A cookie of a session opened for `person`, as signing in opens one.
pub fn session(app: &App, person: Id) -> anyhow::Result<String> {
    let token: String = web::random::<32>().iter().map(|b| format!("{b:02x}")).collect();
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let now = web::now();
    app.write::<_, Never>(Reach::System, move |tx| app::access::sign_in(tx, person, hash, now))
        .wait()
        .map_err(|e| anyhow::anyhow!("no session: {e:?}"))?;
    Ok(format!("siji={token}"))
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
