//! Where a suite works: the zones of one database, made once and measured by all.

use std::path::{Path, PathBuf};

use anyhow::Context;
use app::{Never, Reach};
use clap::ValueEnum;
use cluster::Cluster;
use store::args;

use super::process::Child;
use super::report::Skipped;
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
    server: Option<Server>,
}

/// A PostgreSQL whose superuser we are.
struct Server {
    url: String,
    /// It ends with the run.
    _own: Option<Cluster>,
}

impl Ground {
    /// One for each database that is asked for, SQLite first; those that are not there, and why.
    pub fn find(
        folder: &Path,
        households: u32,
        on: Databases,
        url: Option<&str>,
    ) -> anyhow::Result<(Vec<Ground>, Vec<Skipped>)> {
        let (mut grounds, mut skipped) = (Vec::new(), Vec::new());
        if on != Databases::Postgres {
            let folder = folder.join("sqlite");
            grounds.push(Ground { folder, households, server: None });
        }
        if on != Databases::Sqlite {
            let folder = folder.join("postgres");
            match Server::find(url) {
                Ok(server) => {
                    if server._own.is_some() {
                        // What stands in the folder is of a server that is gone.
                        let _ = std::fs::remove_dir_all(&folder);
                    }
                    grounds.push(Ground { folder, households, server: Some(server) });
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

    /// For files that belong to no zone.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The zone of this name, which may not be there yet. The name is one of a schema, too.
    pub fn zone(&self, name: &str) -> Zone {
        let database = self.server.as_ref().map(|server| {
            let joint = if server.url.contains('?') { '&' } else { '?' };
            format!("{}{joint}schema=bench_{name}", server.url)
        });
        Zone { database, ..Zone::in_folder(self.folder.join(name)) }
    }

    /// The same, with nothing in it.
    pub fn empty_zone(&self, name: &str) -> anyhow::Result<Zone> {
        let zone = self.zone(name);
        if zone.database.is_some() && zone.key_file().exists() {
            let dropped = format!("DROP SCHEMA bench_{name} CASCADE");
            let done = zone.open()?.write::<_, Never>(Reach::System, move |tx| {
                tx.exec("SET LOCAL ROLE NONE", &args![])?;
                Ok(tx.exec(&dropped, &args![])?)
            });
            done.wait().map_err(|e| anyhow::anyhow!("bench_{name} was not dropped: {e:?}"))?;
        }
        let _ = std::fs::remove_dir_all(&zone.data);
        std::fs::create_dir_all(&zone.data)?;
        Ok(zone)
    }

    /// A zone that the demo has played, once for all runs in this folder; what it said of itself.
    pub fn played(
        &self,
        name: &str,
        households: u32,
        months: u32,
    ) -> anyhow::Result<(Zone, serde_json::Value)> {
        let name = format!("{name}_{households}_{months}");
        let figures = self.zone(&name).data.join("played.json");
        if let Ok(kept) = std::fs::read(&figures) {
            return Ok((self.zone(&name), serde_json::from_slice(&kept)?));
        }
        let zone = self.empty_zone(&name)?;
        let played = play(&zone, households, months)?;
        std::fs::write(&figures, played.to_string())?;
        Ok((zone, played))
    }
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
