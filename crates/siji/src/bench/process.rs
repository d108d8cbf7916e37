//! This program started again: as a server, or for one command, watched for the memory it takes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

pub struct Output {
    pub stdout: Vec<u8>,
    pub peak_rss_bytes: u64,
}

pub struct Child {
    child: std::process::Child,
    pub at: SocketAddr,
    /// From the start of the process to its first answer.
    pub started: Duration,
}

impl Child {
    /// Runs one command to its end; an exit other than nought is an error.
    pub fn output(args: &[&str]) -> anyhow::Result<Output> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let pid = child.id();
        let (peak, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let watch = {
            let (peak, over) = (peak.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    peak.fetch_max(family_rss(pid), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(10));
                }
            })
        };
        let mut stdout = Vec::new();
        if let Some(mut out) = child.stdout.take() {
            out.read_to_end(&mut stdout)?;
        }
        let status = child.wait()?;
        over.store(true, Ordering::Relaxed);
        watch.join().ok();
        anyhow::ensure!(status.success(), "siji {} ended with {status}", args.join(" "));
        Ok(Output { stdout, peak_rss_bytes: peak.load(Ordering::Relaxed) })
    }

    /// Serves a zone on a free port and waits for the first answer.
    pub fn serve(data: &Path, envs: &[(&str, String)]) -> anyhow::Result<Child> {
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(envs.iter().map(|(k, v)| (k, v)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let mut err = BufReader::new(child.stderr.take().context("the server's words")?);
        err.read_line(&mut said)?;
        let at = said.rsplit("//").next().map(str::trim).and_then(|at| at.parse().ok());
        let at = at.with_context(|| format!("the server did not start: {said}"))?;
        // Whatever it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
        let server = Child { child, at, started: Duration::ZERO };
        server.first_answer()?;
        Ok(Child { started: begun.elapsed(), ..server })
    }

    fn first_answer(&self) -> anyhow::Result<()> {
        let agent = super::client::agent();
        let answered = agent.get(format!("http://{}/login", self.at)).call()?;
        anyhow::ensure!(answered.status() == 200, "the first answer was {}", answered.status());
        Ok(())
    }

    pub fn peak_rss_bytes(&self) -> u64 {
        status(self.child.id(), "VmHWM:")
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status();
        if !stopped.is_ok_and(|s| s.success()) {
            self.child.kill()?;
        }
        self.child.wait()?;
        Ok(())
    }
}

/// A process and the workers it has started, bytes.
fn family_rss(pid: u32) -> u64 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let workers = children.unwrap_or_default();
    let workers = workers.split_whitespace().filter_map(|p| p.parse().ok());
    status(pid, "VmRSS:") + workers.map(|p| status(p, "VmRSS:")).sum::<u64>()
}

fn status(pid: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|l| l.strip_prefix(name))
        .and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
