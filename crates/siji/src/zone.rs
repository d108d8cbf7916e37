//! Where a zone is kept: the two options that mean the same in every command.

use std::path::PathBuf;

use app::App;
use clap::Args;

#[derive(Args, Clone, Debug)]
pub struct Zone {
    /// Folder of the zone's embedded database.
    #[arg(long, env = "SIJI_DATA", value_name = "DIR", default_value = "siji-data")]
    pub data: PathBuf,
    /// PostgreSQL instead of the folder: postgres://…?schema=NAME
    #[arg(long, env = "SIJI_DATABASE", value_name = "URL")]
    pub database: Option<String>,
}

impl Zone {
    pub fn options(&self) -> store::Options {
        let options = match &self.database {
            Some(url) => store::Options::postgres(url.clone()),
            None => store::Options::folder(self.data.clone()),
        };
        // Only to measure what group commit is worth.
        let group_commit = std::env::var_os("SIJI_GROUP_COMMIT").is_none_or(|v| v != "off");
        store::Options { group_commit, ..options }
    }

    pub fn open(&self) -> anyhow::Result<App> {
        let app = App::open(&self.options())
            .map_err(|e| anyhow::anyhow!("the zone could not be opened: {e}"))?;
        Ok(app)
    }

    /// Opens a zone that must be there already.
    pub fn open_existing(&self) -> anyhow::Result<App> {
        if self.database.is_none() && !self.data.join("siji.db").exists() {
            anyhow::bail!(
                "there is no zone in {}: give its folder with --data, or make one with `siji init` or `siji demo`",
                self.data.display()
            );
        }
        self.open()
    }
}
