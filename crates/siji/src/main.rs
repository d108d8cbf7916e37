//! The program: one binary for everything a zone does.

mod audit;
mod backup;
mod bench;
mod demo;
mod doctor;
mod export;
mod import;
mod init;
mod keys;
mod log;
mod print;
mod retention;
mod serve;
mod verify;
mod zone;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use log::{Format, Log};

/// Siji 四季: a county's public-service programmes through the year.
#[derive(Parser)]
#[command(name = "siji", version, about, max_term_width = 100)]
struct Cli {
    /// How the program's own log is written.
    #[arg(
        long,
        global = true,
        env = "SIJI_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Where the log of everything stands.
    Audit(audit::Audit),
    /// One moment of the zone into a file, while it is served: sealed, and checked.
    Backup(backup::Backup),
    /// Measure this machine against what Siji promises.
    Bench(bench::Bench),
    /// Make the demo zone, play its months and serve it.
    Demo(demo::Demo),
    /// Look whether everything that the zone needs is in order, and say what to do where it is not.
    Doctor(doctor::Doctor),
    /// Take the ledger out as a book for another program.
    Export(export::Export),
    /// Name an empty zone and make its first administrator.
    Init(init::Init),
    /// Bring in the register's workbook, or a list of villages.
    Import(import::Import),
    /// The keys that sensitive values are sealed with: list, add, rotate, drop.
    Keys(keys::Keys),
    /// Print a paper as PDF: a posting, cards, a receipt, a statement, a notice and the like.
    Print(print::Print),
    /// Put a backup back, into an empty place.
    Restore(backup::Restore),
    /// Erase sealed values that have outlived their purpose.
    Retention(retention::Retention),
    /// Serve a zone's pages.
    Serve(serve::Serve),
    /// Recompute everything from the first record on, and name the first that does not fit.
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    // The workbook reader is this program once more, with limits of its own.
    if std::env::args_os().nth(1).is_some_and(|a| a == sheets::worker::SUBCOMMAND) {
        return sheets::worker::main();
    }
    let cli = Cli::parse();
    // The demo's terminal is for its accounts.
    let usual = if matches!(cli.command, Command::Demo(_)) { "warn" } else { "warn,siji=info" };
    let log = Log::begin(cli.log, usual);
    let done = match cli.command {
        Command::Audit(audit) => audit.run(),
        Command::Backup(backup) => backup.run(),
        Command::Bench(bench) => bench.run(),
        Command::Demo(demo) => demo.run(&log),
        Command::Doctor(doctor) => doctor.run(),
        Command::Export(export) => export.run(),
        Command::Init(init) => init.run(),
        Command::Import(import) => import.run(),
        Command::Keys(keys) => keys.run(),
        Command::Print(print) => print.run(),
        Command::Restore(restore) => restore.run(),
        Command::Retention(retention) => retention.run(),
        Command::Serve(serve) => serve.run(&log),
        Command::Verify(verify) => verify.run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("siji: {error:#}");
            ExitCode::from(2)
        }
    }
}
