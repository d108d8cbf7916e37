//! `siji serve` through the real program: what it refuses to listen on, what its log says, and five
//! hundred sockets that only mean to keep it waiting.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

struct Served {
    child: Child,
    /// Read as it comes.
    said: Option<JoinHandle<String>>,
    at: SocketAddr,
    _folder: tempfile::TempDir,
}

fn siji(zone: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siji"));
    command.env("SIJI_DATA", zone).env_remove("SIJI_DATABASE").env_remove("SIJI_LOG");
    command
}

fn zone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = siji(folder.path()).args(["init", "--name", "Zone", "--json"]).output();
    assert!(made.expect("the program starts").status.success());
    folder
}

impl Served {
    fn start(args: &[&str]) -> Served {
        let (served, read) = Served::unread(args);
        read.send(()).expect("somebody reads");
        served
    }

    /// Nobody reads what it says before they are told to.
    fn unread(args: &[&str]) -> (Served, Sender<()>) {
        let folder = zone();
        let mut child = siji(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut err = BufReader::new(child.stderr.take().expect("its words"));
        let mut said = String::new();
        err.read_line(&mut said).expect("a line");
        let at = said.rsplit("//").next().and_then(|at| at.trim().parse().ok());
        let (read, told) = channel();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            told.recv().expect("told to read");
            err.read_to_string(&mut said).expect("its words");
            said
        });
        let at = at.expect("an address");
        (Served { child, said: Some(said), at, _folder: folder }, read)
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.at).expect("a connection");
        let ask = format!("GET {path} HTTP/1.1\r\nhost: siji.test\r\nconnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).expect("sent");
        let mut told = String::new();
        stream.read_to_string(&mut told).expect("an answer");
        told
    }

    /// Ends it as a system does; what it said since it started.
    fn stop(mut self) -> (Duration, String) {
        let begun = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().is_ok_and(|s| s.success()));
        assert!(self.child.wait().expect("it ends").success());
        let took = begun.elapsed();
        let said = self.said.take().expect("stopped once").join().expect("its words");
        (took, said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn passwords_do_not_travel_in_the_clear_unless_it_is_said() {
    let folder = zone();
    let check = |args: &[&str], complaint: &str| {
        let output = siji(folder.path()).arg("serve").args(args).output().expect("starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(complaint), "{said}");
    };
    check(&["--listen", "0.0.0.0:0"], "passwords would travel in the clear");
    check(&["--listen", "[::]:0"], "--tls-cert, --tls-key");
    check(&["--listen", "127.0.0.1:0", "--metrics", "0.0.0.0:0"], "this machine only");
    check(&["--tls-cert", "/nowhere"], "--tls-key");
    check(
        &["--listen", "127.0.0.1:0", "--tls-cert", "/no", "--tls-key", "/no"],
        "/no: No such file",
    );
}

#[test]
fn the_log_has_a_line_for_each_request_and_nobody_in_it() {
    let served = Served::start(&["--log", "json"]);
    assert!(served.get("/healthz").contains("200 OK"));
    assert!(served.get("/readyz").ends_with("ready\n"));
    served.get("/login?next=/canary-4711");
    served.get("/households/canary-4712?q=canary-4713");
    served.get("/canary-4714");
    let (took, said) = served.stop();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let lines: Vec<serde_json::Value> =
        said.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
    let seen: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "siji::request")
        .map(|line| {
            assert!(line["number"].is_u64() && line["ms"].is_u64(), "{line}");
            (line["route"].as_str().unwrap_or(""), line["status"].as_u64().unwrap_or(0))
        })
        .collect();
    let expected = [
        ("health.lives", 200),
        ("health.ready", 200),
        ("access.login_form", 200),
        ("reports.household", 303),
        ("none", 404),
    ];
    assert_eq!(seen, expected);
    for word in ["canary", "siji.test", "127.0.0.1", "login?"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
}

#[test]
fn whoever_does_not_read_the_log_keeps_nobody_waiting() {
    // Twice what a pipe holds.
    const REQUESTS: usize = 1_000;
    let (served, read) = Served::unread(&[]);
    for _ in 0..REQUESTS {
        assert!(served.get("/healthz").contains("200 OK"));
    }
    read.send(()).expect("somebody reads");
    let (_, said) = served.stop();
    assert_eq!(said.lines().filter(|line| line.contains("answered")).count(), REQUESTS);
}

/// How long each slow socket may live, from its beginning.
const CLOSED_MAX: Duration = Duration::from_secs(15);

/// Opens a socket from one of our own addresses, says `words`, then a drop each second until it is
/// closed; how long it lived, and whether it was told to come back later.
async fn slow(at: SocketAddr, from: &str, words: String) -> (Duration, bool) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(from.parse().expect("an address")).expect("one of our own");
    let begun = Instant::now();
    let mut stream = socket.connect(at).await.expect("a connection");
    stream.write_all(words.as_bytes()).await.expect("sent");
    let (mut read, mut write) = stream.split();
    let mut said = Vec::new();
    let closed = async {
        let _ = read.read_to_end(&mut said).await;
    };
    let dripping = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !words.is_empty() && write.write_all(b"a").await.is_err() {
                break;
            }
        }
    };
    let ended = async {
        tokio::select! { () = closed => {}, () = dripping => {} }
    };
    let _ = tokio::time::timeout(2 * CLOSED_MAX, ended).await;
    (begun.elapsed(), said.starts_with(b"HTTP/1.1 503 "))
}

/// The time that 99 of 100 of these requests kept.
fn p99(served: &Served, mut go_on: impl FnMut(usize) -> bool) -> Duration {
    let mut times = Vec::new();
    while go_on(times.len()) {
        let begun = Instant::now();
        assert!(served.get("/login").contains("200 OK"));
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[test]
fn five_hundred_slow_sockets_are_closed_and_others_do_not_notice() {
    let served = Served::start(&[]);
    // As long before as during, so that whatever else the machine does falls on both.
    let begun = Instant::now();
    let before = p99(&served, |_| begun.elapsed() < Duration::from_secs(8));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let at = served.at;
    let ways = [
        String::new(),
        "GET / HTTP/1.1\r\nhost: siji.test\r\nx: ".to_owned(),
        "POST /login HTTP/1.1\r\nhost: siji.test\r\ncontent-length: 9000\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\nlogin="
            .to_owned(),
    ];
    let sockets: Vec<_> = (0..500)
        .map(|n| {
            let from = ["127.0.0.2:0", "127.0.0.3:0", "127.0.0.4:0"][n % 3];
            runtime.spawn(slow(at, from, ways[n / 3 % 3].clone()))
        })
        .collect();
    let begun = Instant::now();
    let during = p99(&served, |_| begun.elapsed() < Duration::from_secs(8));
    let mut lived: Vec<_> =
        sockets.into_iter().map(|s| runtime.block_on(s).expect("a slow socket")).collect();
    lived.sort_unstable();
    let told = lived.iter().filter(|(_, told)| *told).count();
    let (first, last) = (lived[told].0, lived[499].0);
    println!("p99 {before:?} before, {during:?} during; {told} told, lived {first:?} to {last:?}");
    assert!(last <= CLOSED_MAX, "{last:?}");
    // Of those who would sign in, only so many at once; all others were let in.
    assert!(told <= 500 / 3 && lived[..told].iter().all(|(_, told)| *told), "{told} told");
    assert!(first > Duration::from_secs(5), "they were let in: {first:?}");
    // The floor is for machines that do other things meanwhile.
    assert!(during < 2 * before + Duration::from_millis(100), "{before:?}, then {during:?}");
    served.stop();
}
