//! The lean load driver: one thread, many connections, requests written beforehand. It shares the
//! machine with the server it measures, so it does as little as it can: it reads of an answer what
//! is counted and throws the rest away.

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

/// Connections from one address of this machine's own net; the server has a limit for each.
const OF_ADDRESS: usize = 200;
/// Connections in all, fewer than the server takes: what is measured is too many requests. A request
/// for which none is free waits for one, and its time runs.
const CONNECTIONS: usize = 1_500;

/// A request, whole.
pub struct Shot<K> {
    pub bytes: Vec<u8>,
    pub kind: K,
}

/// What became of one.
#[derive(Clone, Copy)]
pub struct Told<K> {
    pub kind: K,
    /// When it was to be sent, since the run began.
    pub due: Duration,
    /// From then to the end of the answer.
    pub took: Duration,
    /// Nought: no whole answer.
    pub status: u16,
    pub says_when: bool,
}

struct Head {
    status: u16,
    length: usize,
    says_when: bool,
    closes: bool,
}

struct Answer {
    status: u16,
    says_when: bool,
}

/// A connection.
struct Line(TcpStream);

/// What comes is read into one place by all, which stays in the processor's cache.
type Buffer = RefCell<Vec<u8>>;

impl Line {
    async fn open(at: SocketAddr, number: usize) -> io::Result<Line> {
        let socket = TcpSocket::new_v4()?;
        let net = u8::try_from(1 + number / OF_ADDRESS).unwrap_or(u8::MAX);
        socket.bind((Ipv4Addr::new(127, 0, 0, net), 0).into())?;
        let stream = socket.connect(at).await?;
        stream.set_nodelay(true)?;
        Ok(Line(stream))
    }

    /// Sends it and reads the answer to its end; may the line be used again?
    async fn exchange(&mut self, request: &[u8], buffer: &Buffer) -> io::Result<(Answer, bool)> {
        self.0.write_all(request).await?;
        // Of a head that did not come at once.
        let mut begun = Vec::new();
        let (head, mut left) = loop {
            let read = self.read(buffer).await?;
            let buffer = buffer.borrow();
            let text = match begun.is_empty() {
                true => &buffer[..read],
                false => {
                    begun.extend_from_slice(&buffer[..read]);
                    &begun[..]
                }
            };
            if let Some((head, begins)) = head(text) {
                let left = head.length.saturating_sub(text.len() - begins);
                break (head, left);
            }
            if begun.is_empty() {
                begun = buffer[..read].to_vec();
            }
        };
        while left > 0 {
            left = left.saturating_sub(self.read(buffer).await?);
        }
        let answer = Answer { status: head.status, says_when: head.says_when };
        Ok((answer, !head.closes))
    }

    async fn read(&self, buffer: &Buffer) -> io::Result<usize> {
        loop {
            self.0.readable().await?;
            match self.0.try_read(&mut buffer.borrow_mut()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

/// The head of an answer, once it is there, and where the body begins.
fn head(bytes: &[u8]) -> Option<(Head, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut head = Head { status, length: 0, says_when: false, closes: false };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name {
            "content-length" => head.length = value.parse().ok()?,
            "retry-after" => head.says_when = value.parse::<u32>().is_ok(),
            "connection" => head.closes = value == "close",
            _ => {}
        }
    }
    Some((head, end + 4))
}

/// What the tasks of one run share.
struct Run<K> {
    at: SocketAddr,
    begun: Instant,
    buffer: Buffer,
    free: tokio::sync::Semaphore,
    idle: RefCell<Vec<Line>>,
    opened: RefCell<usize>,
    told: RefCell<Vec<Told<K>>>,
}

impl<K: Copy + 'static> Run<K> {
    /// With so many lines open already: whoever is at work has one.
    async fn new(at: SocketAddr, lines: usize) -> io::Result<Rc<Run<K>>> {
        let mut idle = Vec::with_capacity(lines);
        for number in 0..lines {
            idle.push(Line::open(at, number).await?);
        }
        Ok(Rc::new(Run {
            at,
            begun: Instant::now(),
            buffer: RefCell::new(vec![0; 64 << 10]),
            free: tokio::sync::Semaphore::new(CONNECTIONS),
            idle: idle.into(),
            opened: lines.into(),
            told: RefCell::default(),
        }))
    }

    async fn shoot(&self, shot: Shot<K>, due: Duration) {
        let _free = self.free.acquire().await;
        let idle = self.idle.borrow_mut().pop();
        let line = match idle {
            Some(line) => Ok(line),
            None => {
                let number = self.opened.replace_with(|n| *n + 1);
                Line::open(self.at, number).await
            }
        };
        let done = match line {
            Ok(mut line) => {
                line.exchange(&shot.bytes, &self.buffer).await.map(|(answer, goes_on)| {
                    if goes_on {
                        self.idle.borrow_mut().push(line);
                    }
                    answer
                })
            }
            Err(error) => Err(error),
        };
        let took = self.begun.elapsed().saturating_sub(due);
        let answer = done.unwrap_or(Answer { status: 0, says_when: false });
        let Answer { status, says_when } = answer;
        self.told.borrow_mut().push(Told { kind: shot.kind, due, took, status, says_when });
    }
}

fn on_one_thread<T>(run: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, run))
}

/// So many askers, each of whom asks again when answered, for this time.
pub fn closed<K: Copy + 'static>(
    at: SocketAddr,
    askers: usize,
    time: Duration,
    shots: impl FnMut() -> Shot<K> + 'static,
) -> anyhow::Result<Vec<Told<K>>> {
    on_one_thread(async move {
        let (run, shots) = (Run::new(at, askers).await?, Rc::new(RefCell::new(shots)));
        let tasks: Vec<_> = (0..askers)
            .map(|_| {
                let (run, shots) = (run.clone(), shots.clone());
                tokio::task::spawn_local(async move {
                    while run.begun.elapsed() < time {
                        let shot = (shots.borrow_mut())();
                        run.shoot(shot, run.begun.elapsed()).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
        Ok(run.told.take())
    })?
}

/// So many a second for this time, whether or not answers come, then until all have come.
pub fn open<K: Copy + 'static>(
    at: SocketAddr,
    per_second: f64,
    time: Duration,
    mut shots: impl FnMut() -> Shot<K> + 'static,
) -> anyhow::Result<Vec<Told<K>>> {
    on_one_thread(async move {
        // As many as would be busy if each answer took a tenth of a second.
        let run = Run::new(at, ((per_second / 10.0) as usize).clamp(16, CONNECTIONS)).await?;
        let mut tasks = tokio::task::JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let mut sent = 0_u32;
        while run.begun.elapsed() < time {
            tick.tick().await;
            loop {
                let due = Duration::from_secs_f64(f64::from(sent) / per_second);
                if due > run.begun.elapsed().min(time) {
                    break;
                }
                sent += 1;
                let (run, shot) = (run.clone(), shots());
                tasks.spawn_local(async move { run.shoot(shot, due).await });
            }
            while tasks.try_join_next().is_some() {}
        }
        let all = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(10), all).await;
        Ok(run.told.take())
    })?
}
