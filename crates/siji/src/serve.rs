//! `siji serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use app::App;
use clap::Args;

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
}

impl Serve {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let app = self.zone.open_existing()?;
        serve(app, &self.listen, |at| eprintln!("siji: serving on http://{at}"))
    }
}

/// Serves until it is told to stop (Ctrl-C or SIGTERM).
pub fn serve(
    app: App,
    listen: &Listen,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut server = web::Server::new(app, std::env::current_exe()?);
    server.secure_cookies = listen.public_url.as_deref().is_some_and(|u| u.starts_with("https://"));
    server.public_url = listen.public_url.clone();
    let (app, server) = (server.app.clone(), Arc::new(server));
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen.listen)
            .await
            .with_context(|| format!("{} is taken: choose another with --listen", listen.listen))?;
        ready(listener.local_addr()?);
        let sealing = tokio::spawn(web::keep_sealed(server.clone()));
        web::serve(listener, web::router(server), stopped()).await?;
        sealing.abort();
        anyhow::Ok(())
    })?;
    app.seal(web::now())?;
    Ok(ExitCode::SUCCESS)
}

async fn stopped() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
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
