//! Connections: how many there may be, how long each may keep us waiting, and how all of them end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, Version, header};
use axum::response::Response;
use axum::routing::get;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, timeout};

use super::client::Client;
use super::crowded::{self, UNHEARD};
use super::gate::Places;
use super::headers::{Keep, protect};
use super::tls::Tls;
use super::{Server, router};
use crate::ask::answer;

/// What a client may take of us.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: u32,
    /// Connections of one address at once; behind a trusted proxy, requests under way.
    pub per_address: u32,
    /// For a TLS handshake; for a whole header; for the next request on a connection.
    pub header: Duration,
    /// In this time at least `PIECE` bytes of a body come, or of an answer are taken.
    pub pace: Duration,
    /// For a whole form.
    pub body: Duration,
    /// For a whole upload.
    pub upload: Duration,
    /// From the whole header to the answer's header.
    pub total: Duration,
    /// Requests under way at once.
    pub places: Places,
    /// For one of those places; then the answer is no.
    pub wait: Duration,
    /// What the bodies of all requests may take together, in bytes.
    pub bodies: usize,
    /// For what is under way when the program is told to stop.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits {
            connections: 2_000,
            per_address: 256,
            header: seconds(10),
            pace: seconds(10),
            body: seconds(60),
            upload: seconds(300),
            total: seconds(300),
            places: Places::default(),
            wait: Duration::from_millis(20),
            bodies: 64 << 20,
            stop: seconds(10),
        }
    }
}

/// Bytes that a client which is alive moves within `Limits::pace`.
pub(crate) const PIECE: usize = 4 << 10;

/// A header, its lines together.
const HEADER_MAX: usize = 32 << 10;

/// Connections beyond the limit that are told so at once; still more are closed without a word.
const TOLD: usize = 256;

/// Serves the pages until `stop` is done, then lets what is under way finish.
pub async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    tls: Option<Arc<Tls>>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = router(server.clone());
    Door::new(server, router, tls).listen(listener, stop).await;
    Ok(())
}

/// Serves `/metrics`, and nothing else, until `stop` is done.
pub async fn serve_metrics(
    listener: TcpListener,
    server: Arc<Server>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let counted = server.clone();
    let text = move || async move {
        let mime = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        answer(StatusCode::OK, mime, counted.figures().into())
    };
    let router = Router::new().route("/metrics", get(text));
    Door::new(server, router, None).listen(listener, stop).await;
    Ok(())
}

/// One listener's.
struct Door {
    server: Arc<Server>,
    router: Router,
    tls: Option<Arc<Tls>>,
    places: Arc<Semaphore>,
    telling: Arc<Semaphore>,
    crowd: Arc<Crowd>,
}

impl Door {
    fn new(server: Arc<Server>, router: Router, tls: Option<Arc<Tls>>) -> Arc<Door> {
        Arc::new(Door {
            places: Arc::new(Semaphore::new(server.limits.connections as usize)),
            telling: Arc::new(Semaphore::new(TOLD)),
            crowd: Arc::default(),
            server,
            router,
            tls,
        })
    }

    fn limits(&self) -> &Limits {
        &self.server.limits
    }

    async fn listen(self: Arc<Door>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.clone().receive(stream, peer.ip().to_canonical(), stopped.clone());
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        let _ = stopping.send(true);
        let all = self.places.acquire_many(self.limits().connections);
        let _ = timeout(self.limits().stop, all).await;
    }

    fn receive(self: Arc<Door>, stream: TcpStream, peer: IpAddr, stopped: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        match self.place(peer) {
            Ok(place) => {
                self.server.metrics.accepted.inc();
                tokio::spawn(async move {
                    self.server.metrics.open.inc();
                    self.converse(stream, peer, stopped).await;
                    self.server.metrics.open.dec();
                    drop(place);
                });
            }
            Err(because) => {
                self.server.metrics.refused(because);
                if let Ok(turn) = self.telling.clone().try_acquire_owned() {
                    tokio::spawn(async move {
                        let _ = timeout(Duration::from_secs(1), self.send_away(stream)).await;
                        drop(turn);
                    });
                }
            }
        }
    }

    fn place(&self, peer: IpAddr) -> Result<(OwnedSemaphorePermit, Option<Seat>), &'static str> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| "full")?;
        // A proxy's connections are many people's; theirs are counted by the request.
        if self.server.trusted_proxies.contains(&peer) {
            return Ok((place, None));
        }
        let seat = self.crowd.enter(peer, self.limits().per_address).ok_or("address")?;
        Ok((place, Some(seat)))
    }

    /// Says that there is no place, without waiting to hear what was wanted.
    async fn send_away(&self, stream: TcpStream) -> io::Result<()> {
        match &self.tls {
            None => say_full(stream).await,
            Some(tls) => say_full(tls.acceptor().accept(stream).await?).await,
        }
    }

    async fn converse(&self, stream: TcpStream, peer: IpAddr, mut stopped: watch::Receiver<bool>) {
        let stream = Paced::new(stream, self.limits().pace);
        let Some(tls) = &self.tls else { return self.talk(stream, peer, stopped).await };
        let shaken = timeout(self.limits().header, tls.acceptor().accept(stream));
        let shaken = tokio::select! {
            shaken = shaken => shaken,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.talk(stream, peer, stopped).await;
        }
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: IpAddr,
        mut stopped: watch::Receiver<bool>,
    ) {
        let asked = AtomicBool::new(false);
        let service = hyper::service::service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            self.reply(request, peer)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits().header)
            .max_header_size(HEADER_MAX)
            .max_buf_size(2 * HEADER_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        // Whoever has not asked for anything yet is not waited for.
        if asked.load(Ordering::Relaxed) {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }

    async fn reply(
        &self,
        mut request: Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response, Infallible> {
        let (over_tls, trusted) = (self.tls.is_some(), &self.server.trusted_proxies);
        let client = Client::of(request.headers(), peer, over_tls, trusted);
        if !is_well_framed(&request) {
            return Ok(closing(StatusCode::BAD_REQUEST, client.is_secure));
        }
        let mut seat = None;
        if trusted.contains(&peer) {
            seat = self.crowd.enter(client.address, self.limits().per_address);
            if seat.is_none() {
                self.server.metrics.refused("address");
                let (headers, method) = (request.headers(), request.method());
                return Ok(crowded::told(headers, method, client.is_secure, 0));
            }
        }
        request.extensions_mut().insert(client);
        let work = tower::ServiceExt::oneshot(self.router.clone(), request.map(Body::new));
        let done = timeout(self.limits().total, work).await;
        drop(seat);
        done.unwrap_or_else(|_| Ok(closing(StatusCode::SERVICE_UNAVAILABLE, client.is_secure)))
    }
}

/// Where a body ends must not be a matter of opinion: a length or none, never pieces, in which two
/// programs in a row may see two different requests. Nor must whose request it is.
fn is_well_framed<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    let is_hosted = hosts == 1 || (hosts == 0 && request.version() == Version::HTTP_10);
    is_hosted && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// An answer after which nothing more is heard on this connection.
fn closing(status: StatusCode, is_secure: bool) -> Response {
    let words = status.canonical_reason().unwrap_or("");
    let mut told = answer(status, "text/plain; charset=utf-8", words.into());
    told.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    protect(&mut told, Keep::No, is_secure);
    told
}

async fn say_full(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_all(UNHEARD.as_bytes()).await?;
    stream.shutdown().await?;
    // What was sent meanwhile is read and dropped; else the system takes our words back.
    let mut sink = [0; 1024];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}

/// How many seats each address has taken. The networks of IPv6 count as one address.
#[derive(Default)]
struct Crowd(Mutex<HashMap<IpAddr, u32>>);

impl Crowd {
    fn enter(self: &Arc<Crowd>, address: IpAddr, max: u32) -> Option<Seat> {
        let address = network(address);
        let mut seats = self.0.lock().ok()?;
        let taken = seats.entry(address).or_insert(0);
        if *taken >= max {
            return None;
        }
        *taken += 1;
        Some(Seat { crowd: self.clone(), address })
    }
}

struct Seat {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Ok(mut seats) = self.crowd.0.lock() else { return };
        if let Some(taken) = seats.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.address);
            }
        }
    }
}

/// One customer of IPv6 has a /64 at least.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => {
            IpAddr::V6((v6.to_bits() >> 64 << 64).into())
        }
        _ => address.to_canonical(),
    }
}

/// A stream whose other side must take what is written: at least a piece in each `pace`.
struct Paced {
    stream: TcpStream,
    pace: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    taken: usize,
}

impl Paced {
    fn new(stream: TcpStream, pace: Duration) -> Paced {
        Paced { stream, pace, waiting: None, taken: 0 }
    }

    fn is_moving(&mut self) {
        (self.waiting, self.taken) = (None, 0);
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, bytes) {
            self.taken += *written.as_ref().unwrap_or(&0);
            if self.taken >= PIECE {
                self.is_moving();
            }
            return Poll::Ready(written);
        }
        let pace = self.pace;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pace)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Called when all has been handed over.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_moving();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
