//! `siji doctor`: everything a zone needs, line by line: in order, worth a look, or not in order, and
//! then what to do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app::{App, Never, Reach};
use clap::Args;
use serde::Serialize;

use crate::keys::said;
use crate::zone::Zone;

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    zone: Zone,
    /// Folder of the backups, to see how old the newest is.
    #[arg(long, value_name = "DIR")]
    backups: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum How {
    Ok,
    Warn,
    Fail,
}

#[derive(Serialize)]
struct Line {
    what: &'static str,
    how: How,
    found: String,
    /// What to do.
    #[serde(rename = "do")]
    to_do: &'static str,
}

#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, what: &'static str, how: How, found: impl Into<String>, to_do: &'static str) {
        let to_do = if how == How::Ok { "" } else { to_do };
        self.0.push(Line { what, how, found: found.into(), to_do });
    }
}

const MIB: u64 = 1 << 20;
const DAY: i64 = 86_400_000;

impl Doctor {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut lines = Lines::default();
        let version = store::sqlite_version();
        let how = if store::is_sqlite_safe() { How::Ok } else { How::Fail };
        lines.add("SQLite", how, version, "use a program built with SQLite 3.51.3 or later");
        self.space(&mut lines);
        match self.zone.open_existing() {
            Err(error) => {
                let to_do = "read docs/OPERATING.md, `When something is wrong`; for PostgreSQL, see that it runs and lets this user in";
                lines.add("database and keys", How::Fail, format!("{error:#}"), to_do);
            }
            Ok(app) => {
                lines.add("database and keys", How::Ok, "the zone opens with these keys", "");
                inside(&app, &mut lines)?;
            }
        }
        self.backups(&mut lines);
        let worst = lines.0.iter().map(|line| line.how).max().unwrap_or(How::Ok);
        self.tell(&lines)?;
        Ok(ExitCode::from(u8::from(worst == How::Fail)))
    }

    /// Room on the disk of the folder, and the length of the write-ahead log.
    fn space(&self, lines: &mut Lines) {
        let Ok(disk) = rustix::fs::statvfs(&self.zone.data) else { return };
        let left = disk.f_bavail.saturating_mul(disk.f_frsize);
        let held = |name: &str| std::fs::metadata(self.zone.data.join(name)).map_or(0, |m| m.len());
        // A backup and a restore each want the zone's size once more.
        let how = match left {
            left if left < 64 * MIB => How::Fail,
            left if left < 512 * MIB || left < 2 * held("siji.db") => How::Warn,
            _ => How::Ok,
        };
        let found = format!("{} MiB left", left / MIB);
        lines.add("space", how, found, "make room: a full disk refuses every change");
        if self.zone.database.is_none() {
            let log = held("siji.db-wal");
            let how = if log > 256 * MIB { How::Warn } else { How::Ok };
            let to_do = "somebody reads for very long, or a backup hangs: restart the server when it is quiet";
            lines.add("write-ahead log", how, format!("{} MiB", log / MIB), to_do);
        }
    }

    fn backups(&self, lines: &mut Lines) {
        let to_do =
            "run `siji backup` each night, to another disk, and name its folder with --backups";
        let Some(folder) = &self.backups else {
            lines.add("last backup", How::Warn, "no folder of backups was named", to_do);
            return;
        };
        let age = age_of_newest(folder);
        let (how, found) = match age {
            None => (How::Fail, "there is none".to_owned()),
            Some(hours) if hours > 24 * 7 => (How::Fail, format!("{hours} hours old")),
            Some(hours) if hours > 26 => (How::Warn, format!("{hours} hours old")),
            Some(hours) => (How::Ok, format!("{hours} hours old")),
        };
        lines.add("last backup", how, found, to_do);
    }

    fn tell(&self, lines: &Lines) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            let is_well = lines.0.iter().all(|line| line.how != How::Fail);
            writeln!(out, "{}", serde_json::json!({ "ok": is_well, "lines": lines.0 }))?;
            return Ok(());
        }
        for line in &lines.0 {
            let how = match line.how {
                How::Ok => "ok",
                How::Warn => "warn",
                How::Fail => "FAIL",
            };
            writeln!(out, "{how:<5} {:<18} {}", line.what, line.found)?;
            if !line.to_do.is_empty() {
                writeln!(out, "      {}", line.to_do)?;
            }
        }
        Ok(())
    }
}

/// In whole hours.
fn age_of_newest(folder: &Path) -> Option<u64> {
    let newest = crate::backup::newest(folder).ok()??;
    let made = std::fs::metadata(newest).ok()?.modified().ok()?;
    Some(made.elapsed().map_or(0, |age| age.as_secs() / 3600))
}

fn inside(app: &App, lines: &mut Lines) -> anyhow::Result<()> {
    let now = web::now();
    let seen = said(app.read::<_, Never>(Reach::System, |tx| Ok(store::doctor::look(tx)?)).wait())?;
    let how = if seen.damage.is_none() { How::Ok } else { How::Fail };
    let found = seen.damage.unwrap_or_else(|| "sound".to_owned());
    let to_do = "stop the server, keep a copy of the folder, restore the newest backup";
    lines.add("the file itself", how, found, to_do);

    let ahead = seen.last_at.unwrap_or(0) - now;
    let (how, found) = match ahead {
        ahead if ahead > 60_000 => (How::Fail, format!("{} min behind the log", ahead / 60_000)),
        _ if now < 1_700_000_000_000 => (How::Fail, "years behind".to_owned()),
        _ => (How::Ok, "not behind the log's last line".to_owned()),
    };
    lines.add("clock", how, found, "set the clock (NTP): deadlines are counted by it");

    let waits = seen.oldest_unsealed.map_or(0, |at| now - at);
    let how = if waits > DAY { How::Warn } else { How::Ok };
    let found = format!("oldest line without a seal: {} min", waits.max(0) / 60_000);
    lines.add("seals of the log", how, found, "start the server, or `siji verify`, which seals");

    if let Some(rights) = seen.rights {
        let is_walled = rights.open_tables.is_empty();
        let how = if is_walled { How::Ok } else { How::Fail };
        let found = match is_walled {
            true => format!("works as {}, held by row security", rights.role),
            false => format!("without row security: {}", rights.open_tables.join(" ")),
        };
        lines.add(
            "rights of the role",
            how,
            found,
            "start the server once as the owner: it builds the wall",
        );
        let how = if rights.is_superuser { How::Fail } else { How::Ok };
        let found = if rights.is_superuser { "passes every wall" } else { "passes no wall" };
        lines.add("the role itself", how, found, "ALTER ROLE … NOSUPERUSER NOBYPASSRLS");
    }
    Ok(())
}
