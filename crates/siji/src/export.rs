//! `siji export`: the whole ledger as a book that another program reads and checks; the posting log
//! as files that any web server can serve.

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
    /// The posting log as files, its checkpoint last: for a mirror, or for whoever checks all of it.
    Log(Log),
}

#[derive(Args)]
struct Log {
    #[command(flatten)]
    zone: Zone,
    /// A folder; files that are there already are written anew.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
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
        let ledger = match self.what {
            What::Ledger(ledger) => ledger,
            What::Log(log) => return log.run(),
        };
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

impl Log {
    fn run(self) -> anyhow::Result<ExitCode> {
        let app = self.zone.open_existing()?;
        let mut folder = Some(self.folder);
        let written = app.read::<_, Never>(Reach::System, move |tx| {
            let folder = folder.take().unwrap_or_default();
            Ok(write_log(tx, &folder)?)
        });
        let size = written.wait().map_err(|e| anyhow::anyhow!("no log was written: {e:?}"))?;
        println!("{size} entries");
        Ok(ExitCode::SUCCESS)
    }
}

fn write_log(tx: &mut app::Tx, folder: &std::path::Path) -> Result<u64, store::Broken> {
    let lacks = || store::Broken::data("there is no posting log yet");
    let newest = store::posting::log::newest(tx)?.ok_or_else(lacks)?;
    let write = |path: &str, bytes: &[u8]| {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
        std::fs::write(file, bytes)
    };
    for tile in domain::posting::log::Tile::all(newest.size) {
        let bytes = store::posting::log::tile(tx, tile)?.ok_or_else(lacks)?;
        write(&tile.path(), &bytes)?;
    }
    write("checkpoint", newest.note.as_bytes())?;
    Ok(newest.size)
}
