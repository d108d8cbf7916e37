//! `siji verify`: recomputes a zone from its first record on. Ends with 1 where something does not
//! fit, and names the first record that does not.

mod posting;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use app::verify::Report;
use app::{App, Failure, Never, Reach};
use clap::{Args, Subcommand};
use domain::audit::chain::Head;
use indicatif::ProgressBar;

use crate::zone::Zone;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Verify {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    zone: Zone,
    /// A head of the log that was published or printed; may be given more than once.
    #[arg(long, value_name = "HEX", value_parser = head)]
    log_head: Vec<Head>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is checked instead of a zone, without a database.
#[derive(Subcommand)]
enum What {
    /// One list with its proof: that it hung as it is, and stands in the signed log.
    Posting(posting::Posting),
    /// Two saved checkpoints: did the log grow honestly, or was it rewritten?
    Checkpoints(posting::Checkpoints),
    /// Every file of a posting log.
    Log(posting::Log),
}

/// 64 hexadecimal digits, with whatever stands between them on paper.
fn head(typed: &str) -> Result<Head, String> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let bytes =
        |i: usize| digits.get(2 * i..2 * i + 2).and_then(|d| u8::from_str_radix(d, 16).ok());
    let read: Option<Vec<u8>> = (0..32).map(bytes).collect();
    match read.map(Head::try_from) {
        Some(Ok(head)) if digits.len() == 64 => Ok(head),
        _ => Err("a head has 64 hexadecimal digits".into()),
    }
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            Some(What::Posting(posting)) => return posting.run(),
            Some(What::Checkpoints(checkpoints)) => return checkpoints.run(),
            Some(What::Log(log)) => return log.run(),
            None => {}
        }
        let app = self.zone.open_existing()?;
        let begun = Instant::now();
        app.seal(web::now())?;
        let report = report(&app, self.log_head, !self.json)?;
        let seconds = begun.elapsed().as_secs_f64();
        if self.json {
            tell_json(&report, seconds)?
        } else {
            tell(&report, seconds)?
        }
        Ok(ExitCode::from(u8::from(report.finding.is_some())))
    }
}

/// Checks the zone; on a terminal it shows what it looks at.
pub fn report(app: &App, published: Vec<Head>, show: bool) -> anyhow::Result<Report> {
    let bar = if show && std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(120));
    let shown = bar.clone();
    let report = app
        .read::<_, Never>(Reach::System, move |tx| {
            Ok(app::verify::verify_against(tx, &published, |what| shown.set_message(what))?)
        })
        .wait();
    bar.finish_and_clear();
    report.map_err(|failure| match failure {
        Failure::Broken(b) => anyhow::anyhow!("the zone could not be read: {b}"),
        other => anyhow::anyhow!("the zone could not be read: {other:?}"),
    })
}

fn tell(report: &Report, seconds: f64) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (table, count) in report.counts.iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "{table:<14}{count:>12}")?;
    }
    match &report.finding {
        None => writeln!(out, "Everything fits. {seconds:.2} s")?,
        Some(f) => writeln!(out, "DOES NOT FIT: {} {} {}", f.table, f.id, f.what)?,
    }
    Ok(())
}

fn tell_json(report: &Report, seconds: f64) -> anyhow::Result<()> {
    let counts: serde_json::Map<String, serde_json::Value> =
        report.counts.iter().map(|(table, n)| ((*table).to_owned(), (*n).into())).collect();
    let finding = report
        .finding
        .as_ref()
        .map(|f| serde_json::json!({ "table": f.table, "id": f.id, "what": f.what }));
    let said = serde_json::json!({
        "ok": report.finding.is_none(),
        "records": counts,
        "finding": finding,
        "seconds": (seconds * 1000.0).round() / 1000.0,
    });
    writeln!(std::io::stdout().lock(), "{said}")?;
    Ok(())
}
