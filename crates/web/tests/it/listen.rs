//! Real sockets: how long one may keep us waiting, how many there may be, what is said to those
//! that come when all is full, how it ends, TLS, proxies, and requests that two programs would read
//! in two ways. Times are short here; `Limits::default` holds the real ones.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use testkit::Stage;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use web::{Limits, Places, Server, Tls};

/// What a test may wait for on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// The time limits of these tests.
const SHORT: Duration = Duration::from_millis(700);

struct Gate {
    at: SocketAddr,
    figures: SocketAddr,
    stopping: watch::Sender<bool>,
    ended: Option<oneshot::Receiver<()>>,
    runtime: tokio::runtime::Runtime,
    _stage: Stage,
}

fn limits() -> Limits {
    Limits {
        header: SHORT,
        pace: SHORT,
        body: 2 * SHORT,
        upload: 2 * SHORT,
        stop: LONG,
        ..Limits::default()
    }
}

impl Gate {
    fn open(limits: Limits) -> Gate {
        Gate::open_with(None, |server| server.limits = limits)
    }

    fn open_with(tls: Option<Arc<Tls>>, change: impl FnOnce(&mut Server)) -> Gate {
        let stage = Stage::sqlite();
        stage.area("001", "zone", "Zone");
        let mut server = Server::new(stage.app.clone(), "siji".into());
        change(&mut server);
        let server = Arc::new(server);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (stopping, stop) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        let told = |mut stop: watch::Receiver<bool>| async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let (at, figures) = runtime.block_on(async {
            let pages = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let figures = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let both = (pages.local_addr().expect("bound"), figures.local_addr().expect("bound"));
            tokio::spawn(web::serve_metrics(figures, server.clone(), told(stop.clone())));
            tokio::spawn(async move {
                web::serve(pages, server, tls, told(stop)).await.expect("served");
                let _ = end.send(());
            });
            both
        });
        Gate { at, figures, stopping, ended: Some(ended), runtime, _stage: stage }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a limit");
        stream
    }

    fn say(&self, words: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(words.as_bytes()).expect("sent");
        stream
    }

    /// All that comes back until the connection is closed.
    fn hear(&self, words: &str) -> String {
        rest(&mut self.say(words))
    }

    /// A request of which half has come and been read.
    fn under_way(&self, headers: &str) -> TcpStream {
        let mut stream = self.say(&login(30, &format!("expect: 100-continue\r\n{headers}")));
        assert!(one(&mut stream).starts_with("http/1.1 100 "));
        stream.write_all(b"login=nobody&").expect("sent");
        stream
    }

    fn figure(&self, name: &str) -> i64 {
        let mut stream = TcpStream::connect(self.figures).expect("a connection");
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("sent");
        let text = rest(&mut stream);
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Tells it to stop; how long that took.
    fn stop(mut self) -> Duration {
        let begun = Instant::now();
        self.stopping.send(true).expect("it serves");
        let ended = self.ended.take().expect("stopped once");
        let ended = async { tokio::time::timeout(LONG, ended).await };
        self.runtime.block_on(ended).expect("in time").expect("ended");
        begun.elapsed()
    }
}

/// All that comes until the connection is closed, however it is closed.
fn rest(stream: &mut impl Read) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&piece[..read]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("still open after {LONG:?}: {}", String::from_utf8_lossy(&all))
            }
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// One answer with its body, by its content length.
fn one(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => all.push(byte[0]),
            other => panic!("{other:?} after {}", String::from_utf8_lossy(&all)),
        }
    }
    let head = String::from_utf8_lossy(&all).to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|l| l.lines().next());
    let length = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body");
    head + &String::from_utf8_lossy(&body)
}

const GET: &str = "GET /healthz HTTP/1.1\r\nhost: siji.test\r\n\r\n";

fn login(length: usize, headers: &str) -> String {
    format!(
        "POST /login HTTP/1.1\r\nhost: siji.test\r\ncontent-length: {length}\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n\r\n"
    )
}

#[test]
fn whoever_keeps_us_waiting_is_closed() {
    let gate = Gate::open(limits());
    let begun = Instant::now();
    let check = |name: &str, mut stream: TcpStream, drip: &str, status: &str| {
        let mut trickle = stream.try_clone().expect("a second hand");
        let drip = drip.to_owned();
        let dripping = std::thread::spawn(move || {
            while !drip.is_empty() && trickle.write_all(drip.as_bytes()).is_ok() {
                std::thread::sleep(SHORT / 7);
            }
        });
        let begun = Instant::now();
        let told = rest(&mut stream);
        let took = begun.elapsed();
        assert!(told.contains(status), "{name}: {told}");
        assert!(took > SHORT / 3 && took < LONG, "{name}: {took:?}");
        drop(stream);
        dripping.join().expect("dripped");
    };
    check("silent", gate.connect(), "", "");
    check("half a header", gate.say("GET / HTTP/1.1\r\nhost: a"), "", "");
    check("a header by drops", gate.say("GET / HTTP/1.1\r\nhost: a\r\nx: "), "y", "");
    check("idle", gate.say(GET), "", "200 OK");
    check("half a body", gate.say(&(login(100, "") + "login=")), "", "408 Request Timeout");
    check("a body by drops", gate.say(&login(50_000, "")), "a", "408 Request Timeout");
    assert!(begun.elapsed() < 6 * LONG);
    // Whoever asks for much and takes nothing.
    let mut deaf = gate.connect();
    deaf.set_write_timeout(Some(SHORT / 7)).expect("a limit");
    let ask = "GET /assets/style.css HTTP/1.1\r\nhost: siji.test\r\n\r\n".repeat(200);
    while deaf.write_all(ask.as_bytes()).is_ok() {}
    let begun = Instant::now();
    while gate.figure("siji_connections_open ") > 1 {
        assert!(begun.elapsed() < LONG, "an answer that nobody takes is held");
        std::thread::sleep(SHORT / 7);
    }
}

#[test]
fn when_an_address_has_its_connections_the_next_is_told_at_once() {
    let gate = Gate::open(Limits { per_address: 3, header: LONG, ..limits() });
    let held: Vec<TcpStream> = (0..3).map(|_| gate.connect()).collect();
    let begun = Instant::now();
    while gate.figure("siji_connections_total ") < 4 {
        assert!(begun.elapsed() < LONG);
    }
    let told = gate.hear("");
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: 1"), "{told}");
    assert!(gate.figure("siji_refused_total{because=\"address\"} ") >= 1);
    drop(held);
    let begun = Instant::now();
    while !one(&mut gate.say(GET)).starts_with("http/1.1 200") {
        assert!(begun.elapsed() < LONG, "the places did not come free");
    }
}

#[test]
fn when_all_is_full_the_next_is_told_at_once() {
    let gate = Gate::open(Limits { connections: 2, header: LONG, ..limits() });
    let _held: Vec<TcpStream> = (0..2).map(|_| gate.connect()).collect();
    let begun = Instant::now();
    let told = gate.hear(GET);
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: 1"), "{told}");
    assert!(told.contains("connection: close"), "{told}");
    assert!(told.contains("使用的人太多") && told.contains("Too many are using"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn whoever_sends_slowly_keeps_no_place_from_others() {
    let gate = Gate::open(Limits {
        places: Places { sign_in: 1, ..Places::default() },
        wait: LONG,
        pace: LONG,
        body: LONG,
        ..limits()
    });
    let mut slow = gate.under_way("");
    let whole = login(30, "") + "login=nobody&password=12345678";
    assert!(one(&mut gate.say(&whole)).starts_with("http/1.1 409 "));
    slow.write_all(b"password=12345678").expect("still open");
    assert!(one(&mut slow).starts_with("http/1.1 409 "), "and has a place again");
}

#[test]
fn all_bodies_together_have_their_bound() {
    let gate = Gate::open(Limits { bodies: 1_000, pace: LONG, body: LONG, ..limits() });
    let begun = Instant::now();
    let whole = login(30, "") + "login=nobody&password=12345678";
    let (first, told) = loop {
        let mut first = gate.say(&login(990, "expect: 100-continue\r\n"));
        assert!(one(&mut first).starts_with("http/1.1 100 "));
        first.write_all("a".repeat(989).as_bytes()).expect("sent");
        // One that comes before this is read finds room, and may leave none for it: then both again.
        std::thread::sleep(Duration::from_millis(50));
        let told = one(&mut gate.say(&whole));
        if told.starts_with("http/1.1 503 ") {
            break (first, told);
        }
        assert!(begun.elapsed() < LONG, "{told}");
    };
    assert!(told.contains("\"code\":\"crowded\"") && told.contains("retry-after: "), "{told}");
    drop(first);
    while !one(&mut gate.say(&whole)).starts_with("http/1.1 409 ") {
        assert!(begun.elapsed() < 2 * LONG, "what was held did not come free");
    }
}

#[test]
fn figures_tell_what_is_full_and_what_waits() {
    let gate = Gate::open(Limits {
        places: Places { sign_in: 0, ..Places::default() },
        wait: Duration::ZERO,
        ..limits()
    });
    let whole = login(30, "") + "login=nobody&password=12345678";
    assert!(one(&mut gate.say(&whole)).starts_with("http/1.1 503 "));
    assert!(one(&mut gate.say(GET)).starts_with("http/1.1 200 "), "it lives");
    assert!(one(&mut gate.say(&GET.replace("healthz", "readyz"))).starts_with("http/1.1 200 "));
    assert_eq!(gate.figure("siji_refused_total{because=\"sign_in\"} "), 1);
    assert_eq!(gate.figure("siji_refusal_duration_seconds_count "), 1);
    for (name, is) in [
        ("siji_under_way{work=\"sign_in\"} ", 0),
        ("siji_under_way{work=\"read\"} ", 0),
        ("siji_in_line{work=\"read\"} ", 0),
        ("siji_queue{door=\"write\"} ", 0),
        ("siji_queue{door=\"read\"} ", 0),
    ] {
        assert_eq!(gate.figure(name), is, "{name}");
    }
    assert!(gate.figure("siji_commits_total ") > 0);
    assert!(gate.figure("siji_committed_jobs_total ") > 0);
}

#[test]
fn a_stop_finishes_what_is_under_way_and_waits_for_nobody_else() {
    let gate = Gate::open(Limits { header: LONG, pace: LONG, body: LONG, ..limits() });
    let (mut silent, mut idle) = (gate.connect(), gate.say(GET));
    assert!(one(&mut idle).starts_with("http/1.1 200"));
    let mut asking = gate.under_way("");
    let at = gate.at;
    let finishing = std::thread::spawn(move || {
        assert_eq!(rest(&mut idle), "", "an idle connection is closed");
        assert_eq!(rest(&mut silent), "", "a silent connection is closed");
        asking.write_all(b"password=12345678").expect("still open");
        rest(&mut asking)
    });
    let took = gate.stop();
    assert!(took < LONG, "{took:?}");
    let told = finishing.join().expect("finished");
    assert!(told.starts_with("HTTP/1.1 409 "), "what was under way is answered: {told}");
    assert!(TcpStream::connect(at).is_err(), "nobody listens any more");
}

// TLS ---------------------------------------------------------------------------------------------

fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["siji.test".to_owned()]).expect("made");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("in PEM")
}

fn over_tls(
    gate: &Gate,
    root: &CertificateDer<'static>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("siji.test").expect("a name");
    let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    rustls::StreamOwned::new(client, gate.connect())
}

#[test]
fn tls_of_our_own_with_a_certificate_that_is_renewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = certificate(folder.path());
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let tls = Arc::new(Tls::open(cert, key).expect("a certificate"));
    let gate = Gate::open_with(Some(tls.clone()), |server| server.limits = limits());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = over_tls(&gate, &first, &[version]);
        let ask = "GET /language?to=en HTTP/1.1\r\nhost: siji.test\r\nconnection: close\r\n\r\n";
        stream.write_all(ask.as_bytes()).expect("sent");
        let told = rest(&mut stream).to_lowercase();
        assert!(told.starts_with("http/1.1 303 "), "{told}");
        assert!(told.contains("strict-transport-security: max-age="), "{told}");
        assert!(
            told.contains("set-cookie: __host-lang=en;") && told.contains("; secure"),
            "{told}"
        );
    }

    // A client of TLS 1.1 gets an alert, and one of plain HTTP nothing at all.
    let mut old = gate.connect();
    old.write_all(&hello_of_tls_1_1()).expect("sent");
    let mut kind = [0];
    assert!(old.read(&mut kind).expect("an answer") == 0 || kind[0] == 21, "{kind:?}");
    assert!(!gate.hear(GET).contains("200 OK"));
    // Somebody who never shakes hands is closed.
    assert_eq!(rest(&mut gate.connect()), "");

    assert!(!tls.renew().expect("nothing new"));
    certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), "half a key").expect("written");
    assert!(tls.renew().is_err());
    let mut still = over_tls(&gate, &first, rustls::DEFAULT_VERSIONS);
    still.write_all(GET.as_bytes()).expect("the old certificate holds");
    let second = certificate(folder.path());
    assert!(tls.renew().expect("they fit"));
    let mut fresh = over_tls(&gate, &second, rustls::DEFAULT_VERSIONS);
    fresh.write_all(GET.as_bytes()).expect("sent");
    assert!(one(&mut fresh).starts_with("http/1.1 200"));
    let mut stale = over_tls(&gate, &first, rustls::DEFAULT_VERSIONS);
    assert!(stale.write_all(GET.as_bytes()).is_err(), "the old certificate is gone");
}

fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0x00, 0x2f, 0xc0, 0x13, 1, 0]);
    let mut record = vec![22, 3, 1, 0, u8::try_from(hello.len() + 4).expect("short"), 1, 0, 0];
    record.push(u8::try_from(hello.len()).expect("short"));
    record.extend(hello);
    record
}

// Proxies -----------------------------------------------------------------------------------------

#[test]
fn only_a_trusted_proxy_speaks_for_others() {
    let home: IpAddr = "127.0.0.1".parse().expect("an address");
    let ask = "GET /language?to=en HTTP/1.1\r\nhost: siji.test\r\nx-forwarded-proto: https\r\n\
               x-forwarded-for: 9.9.9.9\r\nconnection: close\r\n\r\n";
    let gate = Gate::open(limits());
    assert!(gate.hear(ask).contains("set-cookie: lang=en"), "a stranger is not believed");

    let gate = Gate::open_with(None, |server| {
        server.limits = Limits { per_address: 1, pace: LONG, body: LONG, ..limits() };
        server.trusted_proxies = vec![home];
    });
    assert!(gate.hear(ask).contains("set-cookie: __Host-lang=en"));
    // One address has its place; the proxy has connections for others.
    let mut first = gate.under_way("x-forwarded-for: 9.9.9.9\r\n");
    let of = |address: &str| {
        login(30, &format!("x-forwarded-for: {address}\r\n")) + "login=nobody&password=12345678"
    };
    assert!(gate.hear(&of("9.9.9.9")).starts_with("HTTP/1.1 503 "));
    assert!(one(&mut gate.say(&of("8.8.8.8"))).starts_with("http/1.1 409 "));
    first.write_all(b"password=12345678").expect("still open");
    assert!(one(&mut first).starts_with("http/1.1 409 "));
}

// Requests that two programs would read in two ways -----------------------------------------------

/// Framings to refuse; each is followed by a second request that must not be answered.
const SMUGGLED: &[&str] = &[
    "Content-Length: 4\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: CHUNKED",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding:chunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding\x00: chunked",
    " Transfer-Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding",
    "Content-Length: 4\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 4",
    "Content-Length: 4, 5",
    "Content-Length: 4,4",
    "Content-Length: +4",
    "Content-Length: -4",
    "Content-Length: 0x4",
    "Content-Length: 4.0",
    "Content-Length: 4 4",
    "Content-Length: ",
    "Content-Length: 18446744073709551620",
    "Content-Length: 99999999999999999999999999",
    "Content-Length : 4",
    " Content-Length: 4",
    "Content-Length\t: 4",
    "Content-Length: 4\x00",
    "Content-Length: ４",
    "Host: other.test",
    "No colon in this line",
];

#[test]
fn a_request_that_could_be_read_in_two_ways_is_refused_and_closed() {
    let gate = Gate::open(limits());
    for framing in SMUGGLED {
        let told = gate.hear(&format!(
            "POST /login HTTP/1.1\r\nHost: siji.test\r\n{framing}\r\n\r\n\
             0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: siji.test\r\n\r\n"
        ));
        assert!(told.starts_with("HTTP/1.1 400 "), "{framing:?}: {told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {told}");
    }
    let first_lines = [
        "POST /login HTTP/1.1\r\n\r\n",
        "POST /login HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /login HTTP/2.0\r\nHost: a\r\n\r\n",
        "POST /login\r\nHost: a\r\n\r\n",
        "POST  /login HTTP/1.1\r\nHost: a\r\n\r\n",
        "PO ST /login HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for line in first_lines {
        let told = gate.hear(&format!("{line}{GET}"));
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{line:?}: {told}");
        assert!(!told.contains("lives"), "{line:?}: {told}");
    }
    let many = "x: y\r\n".repeat(200);
    let told = gate.hear(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"));
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
    let told =
        gate.hear(&format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(100_000)));
    assert!(told.starts_with("HTTP/1.1 431 ") || told.is_empty(), "{told}");
    // Two honest requests in a row are two answers.
    let told =
        gate.hear(&format!("{GET}{}", GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")));
    assert_eq!(told.matches("HTTP/1.1 200").count(), 2, "{told}");
}
