//! The zone's OpenID provider, which the operator named: the only one whom the server calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::new_token;

/// A provider that takes longer is as good as none.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const ANSWER_MAX: u64 = 1 << 20;
/// A provider that has stopped answering holds up no more of our threads than this.
const CALLS_AT_ONCE: usize = 8;

/// Where people sign in who have an account there already.
pub struct Provider {
    /// What its people call it.
    pub name: String,
    issuer: IssuerUrl,
    client: ClientId,
    secret: ClientSecret,
    /// Where it sends people back to.
    back: RedirectUrl,
    agent: ureq::Agent,
    calls: Semaphore,
    /// What it says of itself and its keys.
    known: Mutex<Option<CoreProviderMetadata>>,
}

/// A provider that cannot be used as it was named.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Not an address at all.
    #[error("{0} is no address: {1}")]
    Address(String, String),
    /// Whoever sits on the network in between could sign in as anybody.
    #[error("an issuer begins with https:// (http:// only on this very machine)")]
    InTheClear,
    /// No client without a secret.
    #[error("the client's secret is empty")]
    NoSecret,
}

/// Why the provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub(super) enum Away {
    /// Nobody answers, or not in the way of a provider.
    #[error("the provider does not answer: {0}")]
    Silent(String),
    /// The code is not good (any more).
    #[error("the provider does not take the code: {0}")]
    Code(String),
    /// What it says cannot be believed: signature, issuer, audience, nonce or time.
    #[error("the provider's token is not good: {0}")]
    Token(String),
}

/// What ties one sign-in to one browser; kept there until it comes back.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub state: String,
    nonce: String,
    verifier: String,
}

impl Tokens {
    pub fn new() -> Tokens {
        Tokens { state: new_token(), nonce: new_token(), verifier: new_token() }
    }
}

impl Provider {
    /// The provider at this issuer, for whom we are this client. Nothing is asked yet.
    pub fn new(
        name: Option<&str>,
        issuer: &str,
        client: &str,
        secret: &str,
        public_url: &str,
    ) -> Result<Provider, Unfit> {
        let unfit =
            |text: &str, error: &dyn ToString| Unfit::Address(text.to_owned(), error.to_string());
        let back = format!("{}/login/oidc/back", public_url.trim_end_matches('/'));
        let back = RedirectUrl::new(back).map_err(|e| unfit(public_url, &e))?;
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|e| unfit(issuer, &e))?;
        let is_here = matches!(issuer.url().host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if issuer.url().scheme() != "https" && !(is_here && issuer.url().scheme() == "http") {
            return Err(Unfit::InTheClear);
        }
        if secret.is_empty() {
            return Err(Unfit::NoSecret);
        }
        let agent = agent(!is_here);
        Ok(Provider {
            name: name.or(issuer.url().host_str()).unwrap_or_default().to_owned(),
            issuer,
            client: ClientId::new(client.to_owned()),
            secret: ClientSecret::new(secret.to_owned()),
            back,
            agent,
            calls: Semaphore::new(CALLS_AT_ONCE),
            known: Mutex::new(None),
        })
    }

    /// Calls wait on the network, so outside the runtime's threads.
    pub(super) async fn call<T: Send + 'static>(
        self: &Arc<Provider>,
        work: impl FnOnce(&Provider) -> Result<T, Away> + Send + 'static,
    ) -> Result<T, Away> {
        let provider = self.clone();
        let _call = self.calls.try_acquire().map_err(|e| Away::Silent(e.to_string()))?;
        tokio::task::spawn_blocking(move || work(&provider))
            .await
            .unwrap_or_else(|e| Err(Away::Silent(e.to_string())))
    }

    /// Where to send a browser that holds these tokens.
    pub(super) fn begin(&self, tokens: &Tokens) -> Result<String, Away> {
        let verifier = PkceCodeVerifier::new(tokens.verifier.clone());
        let client = CoreClient::from_provider_metadata(
            self.known()?,
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_redirect_uri(self.back.clone());
        let (state, nonce) = (tokens.state.clone(), tokens.nonce.clone());
        let (to, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(to.into())
    }

    /// Who the provider says has signed in there: `issuer#subject`. A subject alone names nobody:
    /// another provider may give the same one to somebody else.
    pub(super) fn finish(&self, code: String, tokens: Tokens) -> Result<String, Away> {
        let known = self.known()?;
        let takes = known.token_endpoint_auth_methods_supported();
        let is_basic =
            takes.is_none_or(|takes| takes.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth = if is_basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        let answer = CoreClient::from_provider_metadata(
            known.clone(),
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_auth_type(auth)
        .set_redirect_uri(self.back.clone())
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|e| Away::Silent(e.to_string()))?
        .set_pkce_verifier(PkceCodeVerifier::new(tokens.verifier))
        .request(&|request| self.ask(request))
        .map_err(|e| match e {
            openidconnect::RequestTokenError::ServerResponse(no) => Away::Code(no.to_string()),
            other => Away::Silent(other.to_string()),
        })?;
        let token = answer.id_token().ok_or_else(|| Away::Token("there is none".into()))?;
        let nonce = Nonce::new(tokens.nonce);
        let subject = |known: CoreProviderMetadata| {
            let client = CoreClient::from_provider_metadata(
                known,
                self.client.clone(),
                Some(self.secret.clone()),
            );
            token
                .claims(&client.id_token_verifier(), &nonce)
                .map(|claims| format!("{}#{}", claims.issuer().as_str(), claims.subject().as_str()))
        };
        // It may have changed its keys since we asked for them.
        subject(known)
            .or_else(|_| subject(self.discover()?).map_err(|e| Away::Token(e.to_string())))
    }

    fn known(&self) -> Result<CoreProviderMetadata, Away> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.map_or_else(|| self.discover(), Ok)
    }

    /// Asks the provider what it is, and keeps it.
    fn discover(&self) -> Result<CoreProviderMetadata, Away> {
        let known = CoreProviderMetadata::discover(&self.issuer, &|request| self.ask(request))
            .map_err(|e| Away::Silent(format!("{e:?}")))?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (parts, body) = self.agent.run(request)?.into_parts();
        let body = body.into_with_config().limit(ANSWER_MAX).read_to_vec()?;
        Ok(HttpResponse::from_parts(parts, body))
    }
}

fn agent(https_only: bool) -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(trusted())
        .build();
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .https_only(https_only)
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .tls_config(tls)
        .build()
        .into()
}

/// For a command of ours that reads what somebody published, at an address its caller names. The
/// server never uses it.
pub fn outgoing() -> ureq::Agent {
    static AGENT: std::sync::LazyLock<ureq::Agent> = std::sync::LazyLock::new(|| agent(false));
    AGENT.clone()
}

/// Whom this machine trusts: a provider within an office may have its certificate from the office.
fn trusted() -> ureq::tls::RootCerts {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of this machine could not be read");
    }
    let certs = found.certs.iter().map(|c| ureq::tls::Certificate::from_der(c).to_owned());
    ureq::tls::RootCerts::Specific(Arc::new(certs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_over_tls_or_on_this_machine() {
        let says = |issuer: &str, secret: &str| {
            Provider::new(None, issuer, "siji", secret, "https://siji.test").map(|p| p.back).err()
        };
        for good in ["https://id.test/realm", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(says(good, "s").is_none(), "{good}");
        }
        for clear in ["http://id.test", "http://127.0.0.1.id.test", "ftp://127.0.0.1", "file:///x"]
        {
            assert!(matches!(says(clear, "s"), Some(Unfit::InTheClear)), "{clear}");
        }
        assert!(matches!(says("id.test", "s"), Some(Unfit::Address(..))));
        assert!(matches!(says("https://id.test", ""), Some(Unfit::NoSecret)));
    }

    #[test]
    fn nobody_listening_is_silence() {
        let provider =
            Provider::new(Some("x"), "http://127.0.0.1:9", "siji", "s", "https://siji.test")
                .unwrap();
        assert!(matches!(provider.begin(&Tokens::new()), Err(Away::Silent(_))));
    }
}
