//! Requests as bytes, one connection each: so that they can be cut, doubled and lost on the way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

/// Longer than the server ever takes to answer or to give up.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub cookie: String,
    pub kind: &'static str,
    /// Further header lines, each ended.
    pub more: String,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub const JSON: &str = "application/json";

impl Asked {
    pub fn get(path: &str, cookie: &str) -> Asked {
        Asked {
            method: "GET",
            path: path.to_owned(),
            cookie: cookie.to_owned(),
            kind: JSON,
            more: String::new(),
            body: Vec::new(),
        }
    }

    pub fn post(path: &str, cookie: &str, body: impl Into<Vec<u8>>) -> Asked {
        Asked { method: "POST", body: body.into(), ..Asked::get(path, cookie) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let cookie = match self.cookie.is_empty() {
            true => String::new(),
            false => format!("cookie: {}\r\n", self.cookie),
        };
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: siji.test\r\nconnection: close\r\naccept: application/json\r\n\
             content-type: {}\r\ncontent-length: {}\r\n{cookie}{}\r\n",
            self.method,
            self.path,
            self.kind,
            self.body.len(),
            self.more,
        );
        [head.as_bytes(), &self.body].concat()
    }

    /// An error: nobody knows what became of it.
    pub fn send(&self, at: SocketAddr) -> anyhow::Result<Answer> {
        let mut stream = connect(at)?;
        stream.write_all(&self.bytes())?;
        receive(&mut stream)
    }
}

pub fn connect(at: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&at, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A whole answer; a torn one is none.
pub fn receive(stream: &mut TcpStream) -> anyhow::Result<Answer> {
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said);
    let (head, body) = said.split_once("\r\n\r\n").context("no whole answer")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("no status")?;
    let long = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    if long.is_some_and(|long| long != body.len()) {
        bail!("a torn answer");
    }
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The cookies it sets, as the next request brings them.
    pub fn cookies(&self) -> String {
        let set = self.head.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
        });
        set.map(str::trim).collect::<Vec<_>>().join("; ")
    }
}
