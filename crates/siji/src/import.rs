//! `siji import`: the register's workbook and the list of villages.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use app::registry::import::{By, Source, apply_file, check_file};
use app::registry::report::{Remark, Report};
use app::registry::{ImportFailure, areas};
use app::{App, Failure, Reach};
use clap::{Args, Subcommand};
use domain::Refusal;
use domain::registry::Headers;
use web::Lang;
use web::registry::words;

use crate::zone::Zone;

#[derive(Args)]
pub struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check the register's workbook; with --apply, import it.
    Register(Register),
    /// Import a list of villages with their statutory codes (code12,name,kind,township,township_code9).
    Areas(Areas),
    /// Import a year's holidays and make-up working days (JSON as in data/calendar/).
    Calendar(Calendar),
}

#[derive(Args)]
struct Register {
    /// The workbook (.xlsx) or comma-separated file (.csv).
    file: PathBuf,
    #[command(flatten)]
    zone: Zone,
    /// Import it, if no row is wrong: all in one transaction.
    #[arg(long)]
    apply: bool,
    /// Write the workbook again with what is wrong beside each row.
    #[arg(long, value_name = "OUT.xlsx")]
    report: Option<PathBuf>,
    /// More names of columns: sheet,field,synonym as in data/register/headers.csv.
    #[arg(long, value_name = "FILE.csv")]
    headers: Option<PathBuf>,
    /// Language of the messages: zh or en.
    #[arg(long, value_name = "LANG", default_value = "zh", value_parser = ["zh", "en"])]
    lang: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Areas {
    /// A comma-separated list with a header line.
    file: PathBuf,
    #[command(flatten)]
    zone: Zone,
    /// Name of the topmost area, where there is none yet.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Calendar {
    /// The year's file.
    file: PathBuf,
    #[command(flatten)]
    zone: Zone,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Calendar {
    /// The same file again changes nothing; a newer one takes the year's place.
    fn run(self) -> anyhow::Result<ExitCode> {
        let json =
            std::fs::read_to_string(&self.file).with_context(|| self.file.display().to_string())?;
        let app = self.zone.open_or_make(seal::Cipher::Aes256GcmSiv)?;
        let year = app.write(Reach::System, move |tx| app::calendar::import(tx, &json)).wait();
        let year = year.map_err(|failure| anyhow::anyhow!("{}", told(failure)))?;
        if self.json {
            println!("{}", serde_json::json!({ "year": year.year, "days": year.days.len() }));
        } else {
            println!("{}: {} days", year.year, year.days.len());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Register(register) => register.run(),
            What::Areas(areas) => areas.run(),
            What::Calendar(calendar) => calendar.run(),
        }
    }
}

/// The villages of the demo zone, for a first look at a register in a zone that has none yet.
const FIRST_AREAS: &str = include_str!("../../../data/divisions/liaocheng_edz_units_2023.csv");
const FIRST_ZONE: &str = include_str!("../../../data/divisions/edz_management_overlay.json");

/// The name of the zone those villages stand in.
fn first_zone() -> String {
    let overlay: serde_json::Value = serde_json::from_str(FIRST_ZONE).unwrap_or_default();
    overlay["zone"]["name"].as_str().unwrap_or_default().to_owned()
}

impl Register {
    fn run(self) -> anyhow::Result<ExitCode> {
        let app = self.zone.open_or_make(seal::Cipher::Aes256GcmSiv)?;
        let lang = Lang::from_code(&self.lang).unwrap_or(Lang::Zh);
        let mut headers = Headers::shipped();
        if let Some(path) = &self.headers {
            let more = std::fs::read_to_string(path);
            headers.extend(&more.with_context(|| path.display().to_string())?);
        }
        if !self.file.is_file() {
            anyhow::bail!("there is no file {}", self.file.display());
        }
        let worker = sheets::worker::program()?;
        let now = web::now();
        let by = By { person: None, now };
        let first = first_areas(&app, by)?;
        let source =
            Source { worker: &worker, file: &self.file, headers: &headers, areas: first.as_ref() };
        let rows = AtomicUsize::new(0);
        let outcome = watched(&rows, || {
            if self.apply {
                let key = domain::id::new(now, web::random());
                apply_file(&app, &source, by, key, &rows)
            } else {
                check_file(&app, &source, by, &rows).map(|checked| checked.0)
            }
        });
        let report = match outcome {
            Ok(report) => report,
            Err(ImportFailure::Unreadable(error)) => Report::unreadable(error.reason()),
            Err(ImportFailure::Failed(failure)) => anyhow::bail!("{}", told(failure)),
        };
        if let (Some(out), None) = (&self.report, &report.unreadable) {
            let to = std::fs::File::create(out).with_context(|| out.display().to_string())?;
            sheets::mark::write(&worker, &self.file, &words::marks(&report), to)?;
        }
        let applied = self.apply && report.errors == 0;
        if self.json {
            println!("{}", json(&report, applied, lang));
        } else {
            say(&report, applied, lang);
        }
        // A check that finds errors has done its work; an import that applied nothing has not.
        let fell_short = report.unreadable.is_some() || (self.apply && !applied);
        Ok(if fell_short { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// The shipped villages, for a zone that has none. They are recorded with the register, not before.
fn first_areas(app: &App, by: By) -> anyhow::Result<Option<areas::ImportAreas>> {
    let kept = app
        .read::<_, app::Never>(Reach::System, |tx| Ok(store::registry::areas(tx)?))
        .wait()
        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
    if kept.iter().any(|a| a.kind == domain::registry::AreaKind::Village) {
        return Ok(None);
    }
    eprintln!("siji: no villages yet, the shipped list is taken (see `siji import areas`)");
    Ok(Some(listed(FIRST_AREAS, &first_zone(), by)?))
}

fn listed(csv: &str, zone: &str, by: By) -> anyhow::Result<areas::ImportAreas> {
    Ok(areas::ImportAreas {
        key: domain::id::new(by.now, web::random()),
        zone: zone.to_owned(),
        units: areas::read(csv).map_err(|refusal| anyhow::anyhow!("{}", sentence(&refusal)))?,
        person: by.person,
        at: by.now,
    })
}

impl Areas {
    fn run(self) -> anyhow::Result<ExitCode> {
        let csv = std::fs::read_to_string(&self.file);
        let csv = csv.with_context(|| self.file.display().to_string())?;
        let app = self.zone.open_or_make(seal::Cipher::Aes256GcmSiv)?;
        let name = self.name.unwrap_or_else(first_zone);
        let request = listed(&csv, &name, By { person: None, now: web::now() })?;
        let changed = app.write(Reach::System, move |tx| areas::import(tx, &request)).wait();
        let changed = changed.map_err(|failure| anyhow::anyhow!("{}", told(failure)))?;
        let (created, renamed) = (changed.created, changed.renamed);
        if self.json {
            println!("{}", serde_json::json!({ "created": created, "renamed": renamed }));
        } else {
            println!("{created} new, {renamed} renamed");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sentence(refusal: &impl Refusal) -> String {
    web::Problem::refused(refusal).sentence(Lang::Zh)
}

fn told<R: Refusal>(failure: Failure<R>) -> String {
    match failure {
        Failure::Broken(broken) => broken.to_string(),
        other => web::Problem::from(other).sentence(Lang::Zh),
    }
}

/// Shows how many rows were read, on a terminal.
fn watched<T: Send>(rows: &AtomicUsize, work: impl FnOnce() -> T + Send) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let bar = indicatif::ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    std::thread::scope(|scope| {
        let working = scope.spawn(work);
        while !working.is_finished() {
            bar.set_message(format!("{} rows", rows.load(Ordering::Relaxed)));
            std::thread::sleep(Duration::from_millis(50));
        }
        bar.finish_and_clear();
        match working.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn json(report: &Report, applied: bool, lang: Lang) -> serde_json::Value {
    let listed = |errors: bool| -> Vec<serde_json::Value> {
        let these = report.remarks.iter().filter(|r| r.is_error == errors);
        these.map(|r| one(r, lang)).collect()
    };
    let mut errors = listed(true);
    if let Some(code) = &report.unreadable {
        errors.push(serde_json::json!({
            "sheet": "", "row": 0, "column": null, "code": code,
            "message": words::unreadable(lang, code),
        }));
    }
    serde_json::json!({
        "applied": applied,
        "households": report.households,
        "persons": report.persons,
        "officers": report.officers,
        "cadres": report.cadres,
        "errors_total": report.errors,
        "errors": errors,
        "notices": listed(false),
        "changes": report.changes,
    })
}

fn one(remark: &Remark, lang: Lang) -> serde_json::Value {
    serde_json::json!({
        "sheet": remark.sheet,
        "row": remark.row,
        "column": remark.column,
        "title": remark.title,
        "code": remark.code,
        "message": words::remark(lang, remark),
    })
}

fn say(report: &Report, applied: bool, lang: Lang) {
    if let Some(code) = &report.unreadable {
        println!("{}", words::unreadable(lang, code));
        return;
    }
    for remark in &report.remarks {
        let at = remark.column.as_deref().unwrap_or("");
        let mark = if remark.is_error { "✗" } else { "·" };
        println!("{mark} {}!{at}{} {}", remark.sheet, remark.row, words::remark(lang, remark));
    }
    let c = &report.changes;
    println!(
        "{} households, {} persons; {} errors, {} notices",
        report.households, report.persons, report.errors, report.notices
    );
    println!(
        "households: {} new, {} changed, {} unchanged; persons: {} new, {} changed, {} unchanged, {} gone",
        c.households.created,
        c.households.updated,
        c.households.unchanged,
        c.persons.created,
        c.persons.updated,
        c.persons.unchanged,
        c.persons_gone
    );
    println!(
        "assignments: {} made, {} ended; officers: {} appointed, {} ended",
        c.assignments_made, c.assignments_ended, c.officers_appointed, c.officers_ended
    );
    println!("{}", if applied { "imported" } else { "nothing was changed" });
}
