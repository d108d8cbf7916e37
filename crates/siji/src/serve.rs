//! `siji serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use app::App;
use clap::Args;
use rustix::process::{Resource, getrlimit, setpriority_process, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use web::{Limits, Provider, Server, Tls, Work};

use crate::log::Log;
use crate::zone::Zone;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    listen: Listen,
}

#[derive(Args, Clone)]
pub struct Listen {
    /// Address and port to serve on.
    #[arg(long, env = "SIJI_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The address villagers reach us by, for codes on paper: https://…
    #[arg(long, env = "SIJI_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Certificate chain in PEM; read again when it changes.
    #[arg(long, env = "SIJI_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, env = "SIJI_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// A proxy that takes TLS off before us; its X-Forwarded-For and -Proto are believed.
    #[arg(long, env = "SIJI_TRUSTED_PROXY", value_name = "ADDR", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpAddr>,
    /// Serve in the clear to other machines all the same.
    #[arg(long, env = "SIJI_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// Serve figures for Prometheus at /metrics of this address, on this machine only.
    #[arg(long, env = "SIJI_METRICS", value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// Requests under way at once, where the usual numbers do not fit: public, read, write, sign_in,
    /// heavy or public_heavy, each with a number
    #[arg(
        long,
        env = "SIJI_AT_ONCE",
        value_name = "KIND=NUMBER",
        value_delimiter = ',',
        value_parser = at_once
    )]
    pub at_once: Vec<(Work, usize)>,
    #[command(flatten)]
    pub oidc: Oidc,
}

/// An OpenID provider at which people may sign in too.
#[derive(Args, Clone)]
pub struct Oidc {
    /// OpenID provider at which people may sign in too: its issuer, https://…
    #[arg(
        long,
        env = "SIJI_OIDC_ISSUER",
        value_name = "URL",
        requires_all = ["oidc_client_id", "oidc_client_secret_file", "public_url"]
    )]
    oidc_issuer: Option<String>,
    /// Who this server is at the provider.
    #[arg(long, env = "SIJI_OIDC_CLIENT_ID", value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// File with the secret that goes with it.
    #[arg(
        long,
        env = "SIJI_OIDC_CLIENT_SECRET_FILE",
        value_name = "FILE",
        requires = "oidc_issuer"
    )]
    oidc_client_secret_file: Option<PathBuf>,
    /// What people call the provider; its host if nothing is said.
    #[arg(long, env = "SIJI_OIDC_NAME", value_name = "NAME", requires = "oidc_issuer")]
    oidc_name: Option<String>,
}

impl Oidc {
    fn provider(&self, public_url: Option<&str>) -> anyhow::Result<Option<Arc<Provider>>> {
        let (Some(issuer), Some(client), Some(file), Some(public_url)) =
            (&self.oidc_issuer, &self.oidc_client_id, &self.oidc_client_secret_file, public_url)
        else {
            return Ok(None);
        };
        let secret = std::fs::read_to_string(file)
            .with_context(|| format!("the client's secret is not in {}", file.display()))?;
        let provider =
            Provider::new(self.oidc_name.as_deref(), issuer, client, secret.trim(), public_url)
                .context("no sign-in by OpenID (--oidc-issuer)")?;
        Ok(Some(Arc::new(provider)))
    }
}

impl Serve {
    pub fn run(self, log: &Log) -> anyhow::Result<ExitCode> {
        self.listen.check()?;
        let scheme = self.listen.scheme();
        let app = self.zone.open_existing()?;
        serve(app, &self.listen, log, |at| eprintln!("siji: serving on {scheme}://{at}"))
    }
}

impl Listen {
    /// Refuses what would send passwords over a network in the clear, and figures to strangers.
    pub fn check(&self) -> anyhow::Result<()> {
        let is_safe = self.listen.ip().is_loopback()
            || self.tls_cert.is_some()
            || !self.trusted_proxy.is_empty()
            || self.insecure_http;
        ensure!(
            is_safe,
            "{} can be reached from other machines, and passwords would travel in the clear. \
             Give a certificate (--tls-cert, --tls-key), or name the proxy that has one \
             (--trusted-proxy), or say --insecure-http if you mean it",
            self.listen
        );
        if let Some(metrics) = self.metrics {
            ensure!(metrics.ip().is_loopback(), "--metrics serves this machine only: 127.0.0.1:…");
        }
        Ok(())
    }

    pub fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }

    fn tls(&self) -> anyhow::Result<Option<Arc<Tls>>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = Tls::open(certificate.clone(), key.clone()).context("no TLS")?;
        Ok(Some(Arc::new(tls)))
    }

    fn server(&self, app: App) -> anyhow::Result<Server> {
        let mut server = Server::new(app, std::env::current_exe()?);
        let public = self.public_url.as_deref();
        server.secure_cookies = public.is_some_and(|u| u.starts_with("https://"));
        server.provider = self.oidc.provider(public)?;
        server.public_url = self.public_url.clone();
        server.trusted_proxies = self.trusted_proxy.iter().map(IpAddr::to_canonical).collect();
        server.limits = limits();
        for (work, number) in &self.at_once {
            if let Some(places) = server.limits.places.of(*work) {
                *places = *number;
            }
        }
        Ok(server)
    }
}

/// `heavy=4`.
fn at_once(text: &str) -> Result<(Work, usize), String> {
    let (kind, number) = text.split_once('=').ok_or("a kind of work, =, and a number")?;
    let work = Work::ALL.into_iter().find(|work| work.code() == kind);
    let work = work.filter(|work| !matches!(work, Work::Slight | Work::Watch));
    let number = number.parse().ok().filter(|number| (1..=100_000).contains(number));
    Ok((
        work.ok_or_else(|| format!("`{kind}` is no kind of work that can be limited"))?,
        number.ok_or("not a number from 1 to 100000")?,
    ))
}

/// Files that are not connections: the database, its readers, uploads, the worker.
const OTHER_FILES: u64 = 256;

/// As many connections as there can be open files, up to the usual number.
fn limits() -> Limits {
    let usual = Limits::default();
    let open = open_files(u64::from(usual.connections) + OTHER_FILES);
    let connections = open.saturating_sub(OTHER_FILES).max(16);
    Limits { connections: u32::try_from(connections).unwrap_or(usual.connections), ..usual }
}

/// Lets this process open so many files, or as many as it may; how many that is.
pub fn open_files(wanted: u64) -> u64 {
    let mut files = getrlimit(Resource::Nofile);
    let most = files.maximum.map_or(wanted, |most| most.min(wanted));
    if files.current.is_some_and(|now| now < most) {
        files.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, files) {
            tracing::warn!(%error, "the limit on open files could not be raised");
        }
    }
    getrlimit(Resource::Nofile).current.map_or(wanted, |now| now.min(wanted))
}

/// Serves until it is told to stop (Ctrl-C or SIGTERM).
pub fn serve(
    app: App,
    listen: &Listen,
    log: &Log,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<ExitCode> {
    let threads = || {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        threads.enable_all();
        threads
    };
    let runtime = threads().thread_name("siji-edge").build()?;
    let workshop = threads().thread_name("siji-work").on_thread_start(give_way).build()?;
    let mut server = listen.server(app.clone())?;
    server.workshop = Some(workshop.handle().clone());
    let (server, tls) = (Arc::new(server), listen.tls()?);
    runtime.block_on(async {
        let (stopping, stop) = watch::channel(false);
        let listener = bind(listen.listen, "--listen")?;
        let figures = match listen.metrics {
            Some(at) => Some(bind(at, "--metrics")?),
            None => None,
        };
        ready(listener.local_addr()?);
        let sealing = tokio::spawn(web::keep_sealed(server.clone()));
        let mut beside = vec![sealing, tokio::spawn(log.tell_losses())];
        if let Some(figures) = figures {
            let figures = web::serve_metrics(figures, server.clone(), told(stop.clone()));
            beside.push(tokio::spawn(async move {
                let _ = figures.await;
            }));
        }
        if let Some(tls) = &tls {
            beside.push(tokio::spawn(keep_renewed(tls.clone())));
        }
        let db = app.db.clone();
        let ending = tokio::spawn(async move {
            let is_lost = tokio::select! {
                () = stopped() => false,
                () = db.lost() => true,
            };
            let _ = stopping.send(true);
            is_lost
        });
        web::serve(listener, server, tls, told(stop)).await?;
        beside.iter().for_each(tokio::task::JoinHandle::abort);
        ensure!(
            !ending.await?,
            "the disk failed while something was written. Nothing that was confirmed is lost; the \
             program ends so that it begins anew from what is on the disk. If this comes again, \
             look at the disk and its cables, then at `siji doctor`"
        );
        anyhow::Ok(())
    })?;
    app.seal(web::now())?;
    Ok(ExitCode::SUCCESS)
}

/// Makes this thread one that works: it takes what hearing requests leaves of the processor. A no must
/// not wait behind pages.
pub fn give_way() {
    const NICE: i32 = 5;
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

/// Connections that may wait to be accepted. With too few, the system forgets some of a sudden
/// crowd, and their clients wait for an answer from nobody.
const WAITING: u32 = 4_096;

/// Inside the runtime only.
fn bind(at: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    let listening = || {
        let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(WAITING)
    };
    listening().map_err(|error| {
        anyhow!("{at} cannot be listened on ({error}): choose another with {option}")
    })
}

async fn told(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Looks at the certificate's files now and then, and at once on SIGHUP.
async fn keep_renewed(tls: Arc<Tls>) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    let mut hangup = signal(SignalKind::hangup()).ok();
    loop {
        let asked = async {
            match hangup.as_mut() {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = minute.tick() => {}
            _ = asked => {}
        }
        match tls.renew() {
            Ok(true) => tracing::info!(target: "siji::tls", "the certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        }
    }
}

async fn stopped() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_requests_are_said_by_kind() {
        assert_eq!(at_once("heavy=4"), Ok((Work::Heavy, 4)));
        assert_eq!(at_once("public_heavy=100000"), Ok((Work::PublicHeavy, 100_000)));
        for wrong in ["", "heavy", "heavy=", "heavy=0", "heavy=-1", "slight=4", "watch=1", "x=4"] {
            assert!(at_once(wrong).is_err(), "{wrong}");
        }
    }
}
