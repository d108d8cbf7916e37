//! The real program as a child: served, watched for what it says, killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::http::Asked;

/// Where a zone is.
#[derive(Clone, Debug)]
pub enum Place {
    Folder(PathBuf),
    /// URL with its schema, and the key file.
    Postgres(String, PathBuf),
}

/// How the program is started.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub program: PathBuf,
    pub env: Vec<(String, String)>,
    /// Run by the shell before it, in the same process: `ulimit -n 40`.
    pub before: String,
}

impl Start {
    pub fn of(program: impl Into<PathBuf>) -> Start {
        Start { program: program.into(), ..Start::default() }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Start {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn command(&self, words: &[&str], place: &Place) -> Command {
        let mut command = if self.before.is_empty() {
            Command::new(&self.program)
        } else {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(format!("{}; exec \"$@\"", self.before)).arg("start");
            shell.arg(&self.program);
            shell
        };
        command.args(words).env_remove("SIJI_LOG").stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        match place {
            Place::Folder(folder) => command.arg("--data").arg(folder),
            Place::Postgres(url, keys) => command.args(["--database", url]).arg("--keys").arg(keys),
        };
        command
    }

    /// Runs one command to its end; what it said.
    pub fn run(&self, words: &[&str], place: &Place) -> anyhow::Result<(ExitStatus, String)> {
        let output = self.command(words, place).output()?;
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&said).into_owned()))
    }
}

pub struct Server {
    child: Child,
    pub at: SocketAddr,
    said: Arc<Mutex<String>>,
    reading: Option<std::thread::JoinHandle<()>>,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
}

/// It did not come up: what it said last.
#[derive(Debug)]
pub struct NotServing {
    pub said: String,
}

impl std::fmt::Display for NotServing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server did not start: {}", self.said.trim())
    }
}
impl std::error::Error for NotServing {}

/// Recovery must not take longer.
const READY_MAX: Duration = Duration::from_secs(60);

impl Server {
    /// Serves on a free port, and waits until it is ready to work.
    pub fn start(start: &Start, place: &Place) -> anyhow::Result<Server> {
        let begun = Instant::now();
        let mut server = Server::begin(start, place)?;
        server.wait_until_ready(begun)?;
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    /// Serves, and waits for the address alone.
    pub fn begin(start: &Start, place: &Place) -> anyhow::Result<Server> {
        let mut command = start.command(&["serve", "--listen", "127.0.0.1:0"], place);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let Some(err) = child.stderr.take() else { bail!("no words of the server") };
        let mut err = BufReader::new(err);
        let mut said = String::new();
        let at = loop {
            let mut line = String::new();
            if err.read_line(&mut line)? == 0 {
                child.wait()?;
                return Err(NotServing { said }.into());
            }
            said.push_str(&line);
            let at = line.split_once("serving on http://").map(|(_, at)| at.trim().parse());
            if let Some(Ok(at)) = at {
                break at;
            }
        };
        let said = Arc::new(Mutex::new(said));
        let heard = said.clone();
        let reading = std::thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                // The lines of requests are many and say nothing here.
                if !line.contains("siji::request") {
                    let mut said = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_str(&line);
                    said.push('\n');
                }
            }
        });
        let ready_after = Duration::ZERO;
        Ok(Server { child, at, said, reading: Some(reading), ready_after })
    }

    fn wait_until_ready(&mut self, begun: Instant) -> anyhow::Result<()> {
        while begun.elapsed() < READY_MAX {
            if Asked::get("/readyz", "").send(self.at).is_ok_and(|a| a.status == 200) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                return Err(NotServing { said: self.said() }.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("not ready after {} s", READY_MAX.as_secs())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// SIGKILL; what it had said.
    pub fn kill(mut self) -> anyhow::Result<String> {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait()?;
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
        Ok(self.said())
    }

    /// SIGTERM, as a system stops it.
    pub fn stop(mut self) -> anyhow::Result<String> {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status()?;
        self.child.wait()?;
        self.kill()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(which: &str, pid: u32) -> anyhow::Result<()> {
    let sent = Command::new("kill").arg(which).arg(pid.to_string()).status()?;
    anyhow::ensure!(sent.success(), "no process {pid}");
    Ok(())
}
