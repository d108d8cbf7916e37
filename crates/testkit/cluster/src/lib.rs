//! A throw-away PostgreSQL cluster for tests, made from the installed server programs.
//!
//! It listens on a Unix socket in a folder of its own, so it can neither meet nor be taken for the
//! machine's running server. Apart from the rest of the testkit because `xtask` starts one for a
//! whole run, and `xtask` must build without the product.
//!
//! A watchdog holds the server: a shell that reads from a pipe and, at its end, stops the server
//! and removes the folder. The pipe ends with the process that made the cluster, however it ends,
//! so an interrupted run leaves no server behind.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// The environment variable that hands one cluster to every test process of a run.
pub const VARIABLE: &str = "SIJI_TEST_DATABASE";

/// The oldest PostgreSQL that Siji promises to work with.
pub const VERSION_MIN: u32 = 15;

const START_SECONDS_MAX: u64 = 60;
const SUPERUSER: &str = "siji";

/// Starts the server given as `$@` and stops it when standard input ends.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT $server 2>/dev/null
wait $server
rm -rf "$folder"
"#;

/// The same, and starts it again whenever it ends: as a system's own supervisor does, for tests that
/// kill it. Between a killed server and the next its orphans have to go.
const SUPERVISOR: &str = r#"
trap '' INT TERM HUP
folder=$1; shift
(
  while [ ! -e "$folder/stop" ]; do
    "$@" >>"$folder/log" 2>&1 </dev/null
    sleep 0.1
  done
) &
keeper=$!
cat >/dev/null
: >"$folder/stop"
kill -INT "$(head -n 1 "$folder/data/postmaster.pid")" 2>/dev/null
wait $keeper
rm -rf "$folder"
"#;

/// A running cluster; it stops when this is dropped or the process ends.
pub struct Cluster {
    folder: PathBuf,
    watchdog: Child,
}

/// Who runs the server: PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes a cluster in a new folder (C collation, UTF8, durable) and waits until it answers.
    pub fn start() -> anyhow::Result<Self> {
        Self::watched_by(WATCHDOG)
    }

    /// The same; the server is started again whenever it ends.
    pub fn start_supervised() -> anyhow::Result<Self> {
        Self::watched_by(SUPERVISOR)
    }

    fn watched_by(script: &str) -> anyhow::Result<Self> {
        let programs = programs()?;
        let user = if is_root()? { Some(unprivileged()?) } else { None };
        let folder = folder_for(user)?;
        let data = folder.join("data");
        initdb(&programs, &data, user).inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let watchdog = watch(script, &programs, &folder, &data, user)?;
        let cluster = Self { folder, watchdog };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Where it answers: `postgres://siji@%2Ftmp%2F…/postgres`.
    pub fn url(&self) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://{SUPERUSER}@{host}/postgres")
    }

    /// The server's first process, while there is one.
    pub fn postmaster(&self) -> Option<u32> {
        let status = fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        status.lines().next()?.trim().parse().ok()
    }

    /// Waits until it takes connections: after a start, or after somebody killed it.
    pub fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        let status = self.folder.join("data/postmaster.pid");
        while Instant::now() < deadline {
            let text = fs::read_to_string(&status).unwrap_or_default();
            // The eighth line is the server's own word on how far it has come.
            if text.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        bail!("PostgreSQL did not start within {START_SECONDS_MAX} s:\n{log}")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        drop(self.watchdog.wait());
    }
}

/// The folder of the newest installed server programs: on the PATH, or where Debian puts them.
pub fn programs() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = std::env::split_paths(&path)
        .chain(debian.map(|entry| entry.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .filter_map(|folder| Some((version(&folder.join("postgres"))?, folder)))
        .max();
    match newest {
        Some((version, folder)) if version >= VERSION_MIN => Ok(folder),
        Some((version, _)) => {
            bail!("PostgreSQL {version} is installed, {VERSION_MIN} or later is needed")
        }
        None => bail!(
            "no PostgreSQL server programs found (initdb, postgres); install the package `postgresql`"
        ),
    }
}

/// The major version, from `postgres (PostgreSQL) 15.18 (…)`.
fn version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn is_root() -> anyhow::Result<bool> {
    let output = Command::new("id").arg("-u").output().context("the program `id`")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn unprivileged() -> anyhow::Result<User> {
    let accounts = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| account(&accounts, name))
        .context("running as root, and there is no user `postgres` or `nobody` to run PostgreSQL")
}

fn account(accounts: &str, name: &str) -> Option<User> {
    let fields: Vec<&str> =
        accounts.lines().map(|line| line.split(':').collect()).find(|f: &Vec<_>| f[0] == name)?;
    Some(User { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
}

/// A folder that only the server's user and root may enter, with a path short enough for a socket.
fn folder_for(user: Option<User>) -> anyhow::Result<PathBuf> {
    let short = Path::new("/tmp");
    let parent = if short.is_dir() { short.to_path_buf() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("siji-postgres-").tempdir_in(parent)?.keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = user {
        chown(&folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(folder)
}

fn initdb(programs: &Path, data: &Path, user: Option<User>) -> anyhow::Result<()> {
    let output = command(programs.join("initdb"), user)
        .arg("--pgdata")
        .arg(data)
        .args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"])
        .args(["--locale", "C", "--no-instructions"])
        .output()
        .context("initdb")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb failed:\n{said}");
    Ok(())
}

fn watch(
    script: &str,
    programs: &Path,
    folder: &Path,
    data: &Path,
    user: Option<User>,
) -> anyhow::Result<Child> {
    let settings = [
        "listen_addresses=",
        "max_connections=200",
        "fsync=on",
        "synchronous_commit=on",
        "timezone=UTC",
        "autovacuum=on",
        "log_min_messages=warning",
    ];
    let mut socket = OsString::from("unix_socket_directories=");
    socket.push(folder);
    let mut command = command("sh", user);
    command.arg("-c").arg(script).arg("watchdog").arg(folder);
    command.arg(programs.join("postgres")).arg("-D").arg(data).arg("-c").arg(socket);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("starting PostgreSQL")
}

/// A program in a process group of its own, so that an interrupt from the keyboard passes it by.
fn command(program: impl Into<OsString>, user: Option<User>) -> Command {
    let mut command = Command::new(program.into());
    command.current_dir("/").process_group(0);
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_by_their_whole_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        let found = account(accounts, "postgres").expect("it is there");
        assert_eq!((found.uid, found.gid), (101, 104));
        assert!(account(accounts, "nobody").is_none());
    }

    #[test]
    fn a_cluster_starts_answers_and_is_gone() {
        let cluster = Cluster::start().expect("a cluster");
        let folder = cluster.folder.clone();
        assert!(folder.join(".s.PGSQL.5432").exists());
        assert!(cluster.url().starts_with("postgres://siji@%2Ftmp%2Fsiji-postgres-"));
        drop(cluster);
        assert!(!folder.exists(), "the folder went with the server");
    }
}
