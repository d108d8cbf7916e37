//! This program started again: as a server, or for one command, watched for the memory it takes.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::zone::Zone;

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
    /// Runs one command on a zone to its end; an exit other than nought is an error.
    pub fn output(args: &[&str], zone: &Zone) -> anyhow::Result<Output> {
        let mut child = program()?
            .args(args)
            .args(options(zone))
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
    pub fn serve(zone: &Zone, envs: &[(&str, String)]) -> anyhow::Result<Child> {
        let begun = Instant::now();
        // Into a file: a pipe would wake the driver with every line, which shares the cores.
        let log = zone.data.join("serve.log");
        let mut child = program()?
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options(zone))
            .envs(envs.iter().map(|(k, v)| (k, v)))
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let said = first_line(&log, &mut child)?;
        let at = said.rsplit("//").next().map(str::trim).and_then(|at| at.parse().ok());
        let at = at.with_context(|| format!("the server did not start: {said}"))?;
        let mut server = Child { child, at, started: Duration::ZERO };
        server.first_answer()?;
        server.started = begun.elapsed();
        Ok(server)
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

impl Drop for Child {
    /// A suite that failed leaves no server behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a server says first: where it is to be reached, or why it does not start.
fn first_line(log: &Path, child: &mut std::process::Child) -> anyhow::Result<String> {
    loop {
        let is_over = child.try_wait()?.is_some();
        let said = std::fs::read_to_string(log)?;
        if let Some((line, _)) = said.split_once('\n') {
            return Ok(line.to_owned());
        }
        anyhow::ensure!(!is_over, "the server ended without a word");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Flushes of this folder's disk in a second, with these variables set.
pub fn flushes(folder: &Path, envs: &[(&str, String)]) -> anyhow::Result<f64> {
    let mut program = program()?;
    program.args(["bench", "--flushes", "--data"]).arg(folder);
    let said = program.envs(envs.iter().map(|(k, v)| (k, v))).output()?;
    let said = String::from_utf8(said.stdout)?;
    said.trim().parse().with_context(|| format!("the flushes were not counted: {said}"))
}

/// This program; where its zone lies is said by the options alone.
fn program() -> anyhow::Result<Command> {
    let mut program = Command::new(std::env::current_exe()?);
    for name in ["SIJI_DATA", "SIJI_DATABASE", "SIJI_KEYS_FILE", crate::zone::KEYS] {
        program.env_remove(name);
    }
    Ok(program)
}

/// The options by which every command finds the zone.
fn options(zone: &Zone) -> Vec<OsString> {
    let mut words = vec!["--data".into(), zone.data.clone().into_os_string()];
    if let Some(url) = &zone.database {
        words.extend(["--database".into(), url.into()]);
    }
    words
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
