//! `siji export ledger`: the whole ledger as a book that another program reads and checks.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use app::{Failure, Never, Reach};
use clap::{Args, Subcommand, ValueEnum};

use crate::zone::Zone;

#[derive(Args)]
pub struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Points and goods, from the first transfer on. Names nobody: household numbers and ids only.
    Ledger(Ledger),
}

#[derive(Args)]
struct Ledger {
    #[command(flatten)]
    zone: Zone,
    #[arg(long, value_enum, default_value_t = Format::Hledger)]
    format: Format,
    /// A file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Hledger,
    Beancount,
    Csv,
}

impl From<Format> for domain::points::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Hledger => domain::points::Format::Hledger,
            Format::Beancount => domain::points::Format::Beancount,
            Format::Csv => domain::points::Format::Csv,
        }
    }
}

impl Export {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let What::Ledger(ledger) = self.what;
        let app = ledger.zone.open_existing()?;
        let out: Box<dyn Write + Send> = match &ledger.out {
            Some(file) => Box::new(File::create(file)?),
            None => Box::new(std::io::stdout()),
        };
        let mut out = Some(BufWriter::with_capacity(1 << 16, out));
        let format = ledger.format.into();
        let written = app.read::<_, Never>(Reach::System, move |tx| {
            // What has gone out cannot be taken back, so a second run of this work is an error.
            let mut out = out.take().ok_or_else(|| {
                Failure::Broken(store::Broken::data("the database went away while writing"))
            })?;
            let goods = store::goods::all(tx)?;
            let skus = goods.into_iter().map(|good| (good.goods, good.sku)).collect();
            app::points::write_book(tx, format, skus, &mut out)
        });
        match written.wait() {
            Ok(()) => Ok(ExitCode::SUCCESS),
            // Whoever reads has seen enough: `siji export ledger | head`.
            Err(Failure::Broken(store::Broken::Io(e)))
                if e.kind() == std::io::ErrorKind::BrokenPipe =>
            {
                Ok(ExitCode::SUCCESS)
            }
            Err(e) => anyhow::bail!("the ledger could not be written: {e:?}"),
        }
    }
}
