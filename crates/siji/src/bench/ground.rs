//! Where a suite works: the zones of one database, made once and measured by all.

use std::path::{Path, PathBuf};

use anyhow::Context;
use app::{Never, Reach};
use clap::ValueEnum;
use cluster::Cluster;
use store::args;

use super::process::Child;
use super::report::Skipped;
use super::{Bench, carry};
use crate::zone::Zone;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Databases {
    Sqlite,
    Postgres,
    Both,
}

pub struct Ground {
    folder: PathBuf,
    /// Of the large zone.
    pub households: u32,
    /// Of the largest month.
    pub months_max: u32,
    server: Option<Server>,
    /// Of this folder.
    mark: String,
}

/// A PostgreSQL whose superuser we are.
struct Server {
    url: String,
    /// It ends with the run.
    _own: Option<Cluster>,
}

impl Ground {
    /// One for each database that is asked for, SQLite first; those that are not there, and why.
    pub fn find(folder: &Path, asked: &Bench) -> anyhow::Result<(Vec<Ground>, Vec<Skipped>)> {
        let (mut grounds, mut skipped) = (Vec::new(), Vec::new());
        let &Bench { households, months_max, on, .. } = asked;
        if on != Databases::Postgres {
            let folder = folder.join("sqlite");
            let mark = String::new();
            grounds.push(Ground { folder, households, months_max, server: None, mark });
        }
        if on != Databases::Sqlite {
            let folder = folder.join("postgres");
            match Server::find(asked.database.as_deref()) {
                Ok(server) => {
                    if server._own.is_some() {
                        // What stands in the folder is of a server that is gone.
                        let _ = std::fs::remove_dir_all(&folder);
                    }
                    let server = Some(server);
                    let mark = mark(&folder)?;
                    grounds.push(Ground { folder, households, months_max, server, mark });
                }
                Err(error) => skipped.push(Skipped::database("postgres", &error)),
            }
        }
        for ground in &grounds {
            std::fs::create_dir_all(&ground.folder)?;
        }
        anyhow::ensure!(!grounds.is_empty(), "there is no database to measure on");
        Ok((grounds, skipped))
    }

    pub fn name(&self) -> &'static str {
        if self.is_sqlite() { "sqlite" } else { "postgres" }
    }

    pub fn is_sqlite(&self) -> bool {
        self.server.is_none()
    }

    /// The same folder's zones on SQLite.
    fn on_sqlite(&self) -> Ground {
        let folder = self.folder.with_file_name("sqlite");
        let &Ground { households, months_max, .. } = self;
        Ground { folder, households, months_max, server: None, mark: String::new() }
    }

    /// For files that belong to no zone.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The zone of this name, which may not be there yet. The name is one of a schema, too.
    pub fn zone(&self, name: &str) -> Zone {
        let database = self.server.as_ref().map(|server| {
            let joint = if server.url.contains('?') { '&' } else { '?' };
            format!("{}{joint}schema={}", server.url, self.schema(name))
        });
        Zone { database, ..Zone::in_folder(self.folder.join(name)) }
    }

    /// Zones of another folder in the same database are not ours.
    fn schema(&self, name: &str) -> String {
        format!("bench_{}_{name}", self.mark)
    }

    /// Takes every zone away.
    pub fn clear(&self) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.empty_zone(&entry.file_name().to_string_lossy())?;
            }
        }
        Ok(())
    }

    /// The same, with nothing in it.
    pub fn empty_zone(&self, name: &str) -> anyhow::Result<Zone> {
        let zone = self.zone(name);
        if zone.database.is_some() && zone.key_file().exists() {
            let dropped = format!("DROP SCHEMA {} CASCADE", self.schema(name));
            let done = zone.open()?.write::<_, Never>(Reach::System, move |tx| {
                tx.exec("SET LOCAL ROLE NONE", &args![])?;
                Ok(tx.exec(&dropped, &args![])?)
            });
            done.wait().map_err(|e| anyhow::anyhow!("the zone {name} was not dropped: {e:?}"))?;
        }
        let _ = std::fs::remove_dir_all(&zone.data);
        std::fs::create_dir_all(&zone.data)?;
        Ok(zone)
    }

    /// A zone that the demo has played, once for all runs in this folder. It is played on SQLite;
    /// PostgreSQL gets the same one.
    pub fn played(&self, name: &str, households: u32, months: u32) -> anyhow::Result<Zone> {
        let full = format!("{name}_{households}_{months}");
        let mark = self.zone(&full).data.join("ready");
        if mark.exists() {
            return Ok(self.zone(&full));
        }
        if self.is_sqlite() {
            play(&self.empty_zone(&full)?, households, months)?;
        } else {
            let from = self.on_sqlite().played(name, households, months)?;
            let zone = self.empty_zone(&full)?;
            std::fs::copy(from.key_file(), zone.key_file())?;
            carry::over(self, &from, &zone)?;
        }
        std::fs::write(&mark, "")?;
        Ok(self.zone(&full))
    }

    /// The large zone that several suites look at: a month certified and credited, a month open.
    pub fn large(&self) -> anyhow::Result<Zone> {
        self.played("large", self.households, 2)
    }
}

/// The folder's own mark, made with it.
fn mark(folder: &Path) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("mark");
    if !file.exists() {
        let mark: String = web::random::<4>().iter().map(|b| format!("{b:02x}")).collect();
        std::fs::write(&file, mark)?;
    }
    Ok(std::fs::read_to_string(&file)?)
}

impl Server {
    fn find(url: Option<&str>) -> anyhow::Result<Server> {
        if let Some(url) = url {
            return Ok(Server { url: url.to_owned(), _own: None });
        }
        let own = Cluster::start()?;
        Ok(Server { url: own.url(), _own: Some(own) })
    }
}

/// Plays the demo into a zone; what it said of itself.
pub fn play(zone: &Zone, households: u32, months: u32) -> anyhow::Result<serde_json::Value> {
    let (households, months) = (households.to_string(), months.to_string());
    let args = ["demo", "--no-serve", "--json", "--households", &households, "--months", &months];
    let said = Child::output(&args, zone)?;
    serde_json::from_slice(&said.stdout).context("the demo did not print its summary")
}
