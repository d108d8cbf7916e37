//! Where a zone and its keys are kept: the options that mean the same in every command.

use std::path::PathBuf;
use std::sync::Arc;

use app::App;
use clap::Args;
use seal::Cipher;
use store::{Commits, Keys};

/// The zone's folder when none is named.
pub const FOLDER: &str = "siji-data";

#[derive(Args, Clone, Debug)]
pub struct Zone {
    /// Folder of the zone's embedded database.
    #[arg(long, env = "SIJI_DATA", value_name = "DIR", default_value = FOLDER)]
    pub data: PathBuf,
    /// PostgreSQL instead of the folder: postgres://…?schema=NAME
    #[arg(long, env = "SIJI_DATABASE", value_name = "URL")]
    pub database: Option<String>,
    /// The zone's key file [default: siji.keys in the folder]. SIJI_KEYS may hold its text instead.
    #[arg(long, env = "SIJI_KEYS_FILE", value_name = "FILE")]
    pub keys: Option<PathBuf>,
}

/// The environment variable with the keys themselves.
pub const KEYS: &str = "SIJI_KEYS";

impl Zone {
    /// A zone in a folder, with its keys beside it.
    pub fn in_folder(data: impl Into<PathBuf>) -> Zone {
        Zone { data: data.into(), database: None, keys: None }
    }

    pub fn key_file(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| self.data.join("siji.keys"))
    }

    pub fn keys(&self) -> Result<Keys, seal::Fault> {
        match std::env::var(KEYS) {
            Ok(text) if !text.trim().is_empty() => Keys::of_text(&text),
            _ => Keys::of_file(self.key_file()),
        }
    }

    pub fn options(&self) -> anyhow::Result<store::Options> {
        let keys = Arc::new(self.keys()?);
        let options = match &self.database {
            Some(url) => store::Options::postgres(url.clone(), keys),
            None => store::Options::folder(self.data.clone(), keys),
        };
        // Only to measure what it is worth.
        let commits = match std::env::var("SIJI_GROUP_COMMIT").as_deref() {
            Ok("off") => Commits::Each,
            Ok("waiting") => Commits::Waiting,
            _ => options.commits,
        };
        Ok(store::Options { commits, reader_begins: crate::serve::give_way, ..options })
    }

    pub fn open(&self) -> anyhow::Result<App> {
        let unopened = |e| anyhow::anyhow!("the zone could not be opened: {e}");
        let mut options = self.options()?;
        if options.keys.log_keys().is_empty() {
            // The keys are from before there was a posting log. That they are this zone's is seen
            // before one is added.
            drop(store::Db::open(&options).map_err(unopened)?);
            self.add_log_key()?;
            options = self.options()?;
        }
        App::open(&options).map_err(unopened)
    }

    fn add_log_key(&self) -> anyhow::Result<()> {
        if std::env::var_os(KEYS).is_some() {
            let line = seal::new_log_key_line(seal::Curve::Ed25519)?;
            anyhow::bail!(
                "the keys in {KEYS} lack the one that signs the posting log: add this line, keep a \
                 copy of it, and start again\n{}",
                *line
            );
        }
        let file = self.key_file();
        seal::add_log_key(&file, seal::Curve::Ed25519)?;
        eprintln!("siji: a key for the posting log was added to {}; copy it again", file.display());
        Ok(())
    }

    /// Opens a zone that may be new: its keys are made with it.
    pub fn open_or_make(&self, cipher: Cipher) -> anyhow::Result<App> {
        let is_new = self.database.is_some() || !self.data.join("siji.db").exists();
        let lacks_keys = std::env::var_os(KEYS).is_none() && !self.key_file().exists();
        if !(is_new && lacks_keys) {
            return self.open();
        }
        let file = self.key_file();
        seal::make(&file, cipher)?;
        eprintln!("siji: new keys in {}; keep a copy apart from the backups", file.display());
        // Keys that fit no zone would only be taken for the lost ones.
        self.open().inspect_err(|_| drop(std::fs::remove_file(&file)))
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
