//! `siji demo`: makes the demo zone, plays two finished months and an open third, and serves it.

mod chance;
mod months;
mod register;
mod summary;
mod texts;
mod zone;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Instant;

use app::{App, Failure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::log::Log;
use crate::serve::{Listen, serve};
use crate::zone::Zone;
use chance::Chance;
use texts::Texts;

pub use register::invent_register;
pub use summary::peak_rss_bytes;

/// Everybody's password in the demo zone. It is printed, and it is no secret.
const PASSWORD: &str = "siji-demo";

/// The demo zone's folder when none is named.
const FOLDER: &str = "siji-demo";

#[derive(Args)]
pub struct Demo {
    /// Folder of the demo zone [default: siji-demo]
    #[arg(long, env = "SIJI_DATA", value_name = "DIR")]
    data: Option<std::path::PathBuf>,
    /// PostgreSQL instead of the folder: postgres://…?schema=NAME
    #[arg(long, env = "SIJI_DATABASE", value_name = "URL")]
    database: Option<String>,
    /// The zone's key file [default: siji.keys in the folder]
    #[arg(long, env = "SIJI_KEYS_FILE", value_name = "FILE")]
    keys: Option<std::path::PathBuf>,
    #[command(flatten)]
    listen: Listen,
    /// Play the months and stop.
    #[arg(long)]
    no_serve: bool,
    /// Print one JSON object about what was played.
    #[arg(long)]
    json: bool,
    /// Households; 3773 come from the shipped register, any other number is invented.
    #[arg(long, default_value_t = 3773, value_parser = clap::value_parser!(u32).range(20..=200_000))]
    households: u32,
    /// Months to play; the last one stays open.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=24))]
    months: u32,
    /// The dice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a run carries along.
pub(crate) struct Play {
    pub app: App,
    pub chance: Chance,
    pub texts: Texts,
    pub now: domain::Millis,
    pub steps: Vec<(&'static str, f64)>,
    quiet: bool,
}

impl Demo {
    pub fn run(self, log: &Log) -> anyhow::Result<ExitCode> {
        self.listen.check()?;
        // Beside a PostgreSQL the folder holds the keys alone, and every command looks in the same one.
        let folder = if self.database.is_some() { crate::zone::FOLDER } else { FOLDER };
        let zone = Zone {
            data: self.data.clone().unwrap_or_else(|| folder.into()),
            database: self.database.clone(),
            keys: self.keys.clone(),
        };
        let app = zone.open_or_make(seal::Cipher::Aes256GcmSiv)?;
        let mut play = Play {
            app: app.clone(),
            chance: Chance::new(self.seed),
            texts: Texts::load(),
            now: web::now(),
            steps: Vec::new(),
            quiet: self.json || !std::io::stderr().is_terminal(),
        };
        if summary::is_empty(&app)? {
            let people = zone::make(&mut play, self.households)?;
            months::play(&mut play, &people, self.months)?;
        } else if !self.json {
            eprintln!("siji: the demo zone is there already; it is served as it stands");
        }
        let steps = std::mem::take(&mut play.steps);
        drop(play);
        if self.json {
            println!("{}", summary::json(&app, &steps)?);
        } else {
            summary::tell(&app, &zone, &steps)?;
        }
        if self.no_serve {
            return Ok(ExitCode::SUCCESS);
        }
        let scheme = self.listen.scheme();
        serve(app, &self.listen, log, |at| welcome(&format!("{scheme}://{at}")))
    }
}

fn welcome(at: &str) {
    println!("\nSiji 四季  {at}\n");
    for [login, role, ..] in Texts::load().accounts {
        println!("  {login:<10} {PASSWORD:<12} {role}");
    }
    println!("\nLists posted now, without login: {at}/p");
    println!("Stop with Ctrl-C.");
}

impl Play {
    /// Times a step and shows it on a terminal.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        total: u64,
        work: impl FnOnce(&mut Play, &ProgressBar) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let bar = if self.quiet { ProgressBar::hidden() } else { ProgressBar::new(total) };
        if let Ok(style) = ProgressStyle::with_template("{prefix:<10} {wide_bar} {pos}/{len} {eta}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        let begun = Instant::now();
        let done = work(self, &bar)?;
        bar.finish_and_clear();
        let seconds = begun.elapsed().as_secs_f64();
        match self.steps.iter_mut().find(|s| s.0 == name) {
            Some(step) => step.1 += seconds,
            None => self.steps.push((name, seconds)),
        }
        Ok(done)
    }
}

/// A use case that the demo expects to go through.
pub(crate) fn must<T, R: std::fmt::Debug>(done: Result<T, Failure<R>>) -> anyhow::Result<T> {
    done.map_err(|e| anyhow::anyhow!("the demo met a refusal it did not expect: {e:?}"))
}
