//! The register's workbook: received, read, checked, held against what is kept, applied at once.

mod standing;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use domain::access::Permission;
use domain::audit::Digest;
use domain::registry::{
    Areas, Cell, Changes, Check, Checked, Comparison, Fate, Headers, Plan, PlannedHousehold,
    search_words,
};
use domain::{Arg, Id, Millis, Refusal};
use sha2::{Digest as _, Sha256};
use sheets::{Event, ReadError};
use store::Tx;
use store::registry::NewImport;

use super::areas::{self, AreasRefusal, ImportAreas};
use super::report::Report;
use crate::audit::{self, Command};
use crate::{App, Failure, Never, Reach, Who};
use standing::Standing;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRefusal {
    /// Nothing is applied while a row is wrong.
    HasErrors {
        errors: usize,
    },
    AlreadyApplied,
    /// Still being read, or not readable.
    NotChecked,
}

impl Refusal for ImportRefusal {
    fn code(&self) -> &'static str {
        match self {
            ImportRefusal::HasErrors { .. } => "import-has-errors",
            ImportRefusal::AlreadyApplied => "import-already-applied",
            ImportRefusal::NotChecked => "import-not-checked",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            ImportRefusal::HasErrors { errors } => vec![("errors", (*errors).into())],
            _ => Vec::new(),
        }
    }
}

/// The ways an import ends without its report.
#[derive(Debug)]
pub enum ImportFailure {
    Unreadable(ReadError),
    Failed(Failure<ImportRefusal>),
}

impl From<ReadError> for ImportFailure {
    fn from(e: ReadError) -> Self {
        ImportFailure::Unreadable(e)
    }
}
impl From<Failure<ImportRefusal>> for ImportFailure {
    fn from(f: Failure<ImportRefusal>) -> Self {
        ImportFailure::Failed(f)
    }
}
impl From<Failure<Never>> for ImportFailure {
    fn from(f: Failure<Never>) -> Self {
        ImportFailure::Failed(f.map(|never| match never {}))
    }
}

/// In whose name, and when. Nobody's name is the operator's at the command line.
#[derive(Clone, Copy, Debug)]
pub struct By {
    pub person: Option<Id>,
    pub now: Millis,
}

impl By {
    pub fn person(who: &Who) -> By {
        By { person: Some(who.person), now: who.now }
    }
}

/// Reads and checks a file through the worker; `rows` counts along.
pub fn read(
    worker: &Path,
    file: &Path,
    headers: &Headers,
    areas: &Areas,
    now: Millis,
    rows: &AtomicUsize,
) -> Result<Checked, ReadError> {
    let mut check = Check::new(headers, areas, domain::local_date(now));
    sheets::read(worker, file, |event| match event {
        Event::Sheet(name) => check.sheet(name),
        Event::Row(number, cells) => {
            let cells: Vec<_> = cells.iter().map(|(column, c)| (*column, cell(*c))).collect();
            check.row(number, &cells);
            rows.fetch_add(1, Ordering::Relaxed);
        }
    })?;
    Ok(check.finish())
}

fn cell(cell: sheets::Cell<'_>) -> Cell<'_> {
    match cell {
        sheets::Cell::Text(s) => Cell::Text(s),
        sheets::Cell::Number(n) => Cell::Number(n),
        sheets::Cell::Truth(b) => Cell::Truth(b),
        sheets::Cell::Date(s) => Cell::Date(s),
        sheets::Cell::Error(s) => Cell::Error(s),
    }
}

/// A workbook on disk and what it takes to read it.
pub struct Source<'a> {
    /// The program that reads it for us.
    pub worker: &'a Path,
    pub file: &'a Path,
    pub headers: &'a Headers,
    /// Villages that come in together with the register, where there are none yet.
    pub areas: Option<&'a ImportAreas>,
}

/// Reads a file and holds it against the register; changes nothing.
pub fn check_file(
    app: &App,
    source: &Source<'_>,
    by: By,
    rows: &AtomicUsize,
) -> Result<(Report, Plan), ImportFailure> {
    let mut areas =
        app.read::<_, Never>(Reach::System, |tx| Ok(store::registry::areas(tx)?)).wait()?;
    if let Some(more) = source.areas {
        areas = areas::planned(areas, more).map_err(not_a_list)?;
    }
    let Source { worker, file, headers, .. } = source;
    let checked = read(worker, file, headers, &Areas::new(areas), by.now, rows)?;
    let mut report = Report::of(&checked);
    let mut plan = checked.plan;
    let key = domain::id::new(by.now, [0; 10]);
    let (report, plan) = app
        .read::<_, Never>(Reach::System, move |tx| {
            let (changes, standing) = compare(tx, &mut plan, key)?;
            report.add_changes(&plan, &changes);
            standing.count(&mut report.changes);
            Ok((std::mem::take(&mut report), std::mem::take(&mut plan)))
        })
        .wait()?;
    Ok((report, plan))
}

/// The list was read before: what it refuses now is ours to mend.
fn not_a_list(refusal: AreasRefusal) -> Failure<ImportRefusal> {
    Failure::Broken(store::Broken::data(format!("the list of villages: {refusal:?}")))
}

fn compare(tx: &mut Tx, plan: &mut Plan, key: Id) -> Result<(Changes, Standing), store::Broken> {
    let mut comparison = Comparison::new(plan);
    store::registry::each_household(tx, |row| {
        comparison.household(row.id, row.household);
        Ok(())
    })?;
    store::registry::each_member(tx, |id, member, _| {
        comparison.member(id, member);
        Ok(())
    })?;
    let mut n = 0;
    let changes = comparison.finish(|| {
        n += 1;
        // A village's households stand together in the workbook, and so in every index.
        domain::id::derive_in_order(key, "register", n)
    });
    let standing = Standing::of(tx, plan, &changes, key)?;
    Ok((changes, standing))
}

/// One import applied: all of it in this transaction, or nothing.
pub struct Apply<'a> {
    pub key: Id,
    pub file_digest: [u8; 32],
    pub plan: &'a mut Plan,
    /// As the check left it; comes back with what was changed.
    pub report: Report,
}

pub fn apply(tx: &mut Tx, by: By, a: Apply<'_>) -> Result<Report, Failure<ImportRefusal>> {
    let mut report = a.report;
    let asked = Digest::of("import_register").bytes(&a.file_digest);
    if audit::is_repeat(tx, a.key, &asked)? {
        return Ok(report);
    }
    let (changes, standing) = compare(tx, a.plan, a.key)?;
    report.remarks.retain(|r| r.code != "citizen_number_in_register");
    report.changes = super::report::ChangesReport::default();
    report.errors = report.remarks.iter().filter(|r| r.is_error).count();
    report.add_changes(a.plan, &changes);
    standing.count(&mut report.changes);
    if report.errors > 0 {
        return Err(Failure::Refused(ImportRefusal::HasErrors { errors: report.errors }));
    }
    // Nothing below is refused.
    write(tx, a.plan, &changes, by.now)?;
    standing.record(tx, by)?;
    let households = report.changes.households;
    let note = format!(
        "households +{} ~{}, persons +{} ~{} -{}",
        households.created,
        households.updated,
        report.changes.persons.created,
        report.changes.persons.updated,
        report.changes.persons_gone
    );
    let c = Command { key: a.key, verb: "import_register", subject: None, path: None, asked };
    audit::record_by(tx, by.person, by.now, c, Some(&note))?;
    Ok(report)
}

fn write(tx: &mut Tx, plan: &Plan, changes: &Changes, now: Millis) -> Result<(), store::Broken> {
    let search = |p: &PlannedHousehold| {
        let names = p.members.iter().map(|m| m.member.name.as_str());
        search_words(&p.household, &p.village_name, names)
    };
    let each = || plan.households.iter().zip(&changes.households).zip(&changes.members);
    let created = each().filter(|((_, fate), _)| matches!(fate, Fate::Created { .. }));
    let created = created.map(|((p, fate), _)| (fate.id(), &p.household, search(p)));
    store::registry::record_households(tx, created, now)?;

    let gone_from: std::collections::HashSet<&str> =
        changes.gone.iter().map(|g| g.household_number.as_str()).collect();
    let touched = each().filter(|((p, fate), members)| match fate {
        Fate::Created { .. } => false,
        Fate::Updated { .. } => true,
        Fate::Unchanged { .. } => {
            members.iter().any(|m| !matches!(m, Fate::Unchanged { .. }))
                || gone_from.contains(p.household.number.as_str())
        }
    });
    let touched = touched.map(|((p, fate), _)| (fate.id(), &p.household, search(p)));
    store::registry::update_households(tx, touched, now)?;

    let members = || {
        plan.households
            .iter()
            .zip(&changes.members)
            .flat_map(|(p, fates)| p.members.iter().map(|m| &m.member).zip(fates))
    };
    let renumbered = members().filter_map(|(_, fate)| match fate {
        Fate::Updated { id, fields }
            if fields.contains(&"citizen_number") || fields.contains(&"member_number") =>
        {
            Some(*id)
        }
        _ => None,
    });
    store::registry::free_numbers(tx, renumbered)?;
    let updated = members().filter(|(_, fate)| matches!(fate, Fate::Updated { .. }));
    store::registry::update_members(tx, updated.map(|(m, fate)| (fate.id(), m)))?;
    let created = members().filter(|(_, fate)| matches!(fate, Fate::Created { .. }));
    store::registry::record_members(tx, created.map(|(m, fate)| (fate.id(), m)))?;
    let gone: Vec<_> = changes
        .gone
        .iter()
        .map(|g| (g.id, domain::registry::Member { active: false, ..g.member.clone() }))
        .collect();
    store::registry::update_members(tx, gone.iter().map(|(id, m)| (*id, m)))?;
    Ok(())
}

/// Reads, checks and, if no row is wrong, applies: what the command line does with `--apply`.
pub fn apply_file(
    app: &App,
    source: &Source<'_>,
    by: By,
    key: Id,
    rows: &AtomicUsize,
) -> Result<Report, ImportFailure> {
    let (report, mut plan) = check_file(app, source, by, rows)?;
    let file = source.file;
    let file_digest: [u8; 32] =
        Sha256::digest(std::fs::read(file).map_err(ReadError::from)?).into();
    if report.errors > 0 {
        return Ok(report);
    }
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let areas = source.areas.cloned();
    let applied = app
        .write(Reach::System, move |tx| {
            if let Some(areas) = &areas {
                areas::import(tx, areas).map_err(|failure| match failure {
                    Failure::Refused(refusal) => not_a_list(refusal),
                    Failure::Broken(broken) => Failure::Broken(broken),
                    _ => Failure::KeyReused,
                })?;
            }
            let a = Apply { key, file_digest, plan: &mut plan, report: report.clone() };
            let applied = apply(tx, by, a)?;
            let kept = NewImport {
                id: key,
                file_name: &name,
                file_digest,
                file: None,
                state: "applied",
                person: by.person,
                at: by.now,
                report: &json(&applied),
            };
            if store::registry::find_import(tx, key)?.is_none() {
                store::registry::record_import(tx, &kept)?;
                store::registry::mark_applied(tx, key, by.now, &json(&applied))?;
            }
            Ok(applied)
        })
        .wait()?;
    Ok(applied)
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}

// Uploads -----------------------------------------------------------------------------------------

pub struct Receive {
    pub key: Id,
    pub file_name: String,
    pub bytes: Arc<[u8]>,
}

/// Keeps an uploaded file; `work` then reads it.
pub fn receive(tx: &mut Tx, who: &Who, r: &Receive) -> Result<Id, Failure<Never>> {
    who.must(Permission::ImportRegister)?;
    let file_digest: [u8; 32] = Sha256::digest(&r.bytes).into();
    let asked = Digest::of("receive_register").text(&r.file_name).bytes(&file_digest);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    let kept = NewImport {
        id: r.key,
        file_name: &r.file_name,
        file_digest,
        file: Some(&r.bytes),
        state: "reading",
        person: Some(who.person),
        at: who.now,
        report: "",
    };
    store::registry::record_import(tx, &kept)?;
    let c =
        Command { key: r.key, verb: "receive_register", subject: Some(r.key), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(r.key)
}

/// Imports that are being worked on by this process, and the rows read so far.
static UNDER_WAY: LazyLock<Mutex<HashMap<Id, Arc<AtomicUsize>>>> = LazyLock::new(Mutex::default);

fn under_way() -> std::sync::MutexGuard<'static, HashMap<Id, Arc<AtomicUsize>>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows read so far, while an import is being worked on.
pub fn progress(id: Id) -> Option<usize> {
    under_way().get(&id).map(|rows| rows.load(Ordering::Relaxed))
}

/// Takes its entry out when the work is over, however it ended.
struct UnderWay(Id);

impl Drop for UnderWay {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

/// What to do with an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Check,
    Apply { key: Id },
}

/// Works on an upload to its end, and writes down what it came to. Takes as long as it takes: the
/// edge runs it beside the request. Doing it again while it is under way does nothing.
pub fn work(app: &App, worker: &Path, id: Id, work: Work, by: By) -> Result<(), ImportFailure> {
    let rows = Arc::new(AtomicUsize::new(0));
    {
        let mut under_way = under_way();
        if under_way.contains_key(&id) {
            return Ok(());
        }
        under_way.insert(id, rows.clone());
    }
    let _over = UnderWay(id);
    let bytes = app
        .read::<_, Never>(Reach::System, move |tx| Ok(store::registry::find_import_file(tx, id)?))
        .wait()?;
    let bytes =
        bytes.ok_or(ImportFailure::Failed(Failure::Refused(ImportRefusal::AlreadyApplied)))?;
    let file_digest: [u8; 32] = Sha256::digest(&bytes).into();
    let file = temporary(&bytes).map_err(ReadError::from)?;
    drop(bytes);
    let headers = Headers::shipped();
    let source = Source { worker, file: file.path(), headers: &headers, areas: None };
    let outcome = check_file(app, &source, by, &rows);
    let (report, mut plan) = match outcome {
        Ok(read) => read,
        Err(ImportFailure::Unreadable(error)) => {
            let report = json(&Report::unreadable(error.reason()));
            app.write::<_, Never>(Reach::System, move |tx| {
                Ok(store::registry::set_import(tx, id, "failed", &report)?)
            })
            .wait()?;
            return Err(ImportFailure::Unreadable(error));
        }
        Err(other) => return Err(other),
    };
    let state = if report.errors > 0 { "refused" } else { "checked" };
    match work {
        Work::Apply { key } if report.errors == 0 => {
            app.write(Reach::System, move |tx| {
                let a = Apply { key, file_digest, plan: &mut plan, report: report.clone() };
                let applied = apply(tx, by, a)?;
                store::registry::mark_applied(tx, id, by.now, &json(&applied))?;
                Ok(())
            })
            .wait()?;
        }
        Work::Check | Work::Apply { .. } => {
            app.write::<_, Never>(Reach::System, move |tx| {
                Ok(store::registry::set_import(tx, id, state, &json(&report))?)
            })
            .wait()?;
        }
    }
    Ok(())
}

fn temporary(bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(bytes)?;
    file.flush()?;
    Ok(file)
}

/// May this upload be applied now?
pub fn may_apply(tx: &mut Tx, who: &Who, id: Id) -> Result<(), Failure<ImportRefusal>> {
    who.must(Permission::ImportRegister)?;
    let import = store::registry::find_import(tx, id)?.ok_or(Failure::NotFound)?;
    match import.state.as_str() {
        "checked" => Ok(()),
        "applied" => Err(Failure::Refused(ImportRefusal::AlreadyApplied)),
        "refused" => {
            let report: Report = serde_json::from_str(&import.report).unwrap_or_default();
            Err(Failure::Refused(ImportRefusal::HasErrors { errors: report.errors }))
        }
        _ => Err(Failure::Refused(ImportRefusal::NotChecked)),
    }
}

/// An upload and what it came to.
pub fn find(
    tx: &mut Tx,
    who: &Who,
    id: Id,
) -> Result<(store::registry::Import, Report), Failure<Never>> {
    who.must(Permission::ImportRegister)?;
    let import = store::registry::find_import(tx, id)?.ok_or(Failure::NotFound)?;
    let report = serde_json::from_str(&import.report).unwrap_or_default();
    Ok((import, report))
}

pub fn list(
    tx: &mut Tx,
    who: &Who,
    offset: i64,
    limit: i64,
) -> Result<(Vec<store::registry::Import>, i64), Failure<Never>> {
    who.must(Permission::ImportRegister)?;
    Ok(store::registry::list_imports(tx, offset, limit)?)
}

/// The whole list to take out, one import after another.
pub fn each_listed(
    tx: &mut Tx,
    who: &Who,
    see: impl FnMut(store::registry::Import) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    who.must(Permission::ImportRegister)?;
    who.must(Permission::Export)?;
    Ok(store::registry::each_import(tx, see)?)
}

/// The uploaded file again, as a file, for the marked workbook.
pub fn file(tx: &mut Tx, who: &Who, id: Id) -> Result<tempfile::NamedTempFile, Failure<Never>> {
    who.must(Permission::ImportRegister)?;
    let bytes = store::registry::find_import_file(tx, id)?.ok_or(Failure::NotFound)?;
    temporary(&bytes).map_err(|e| Failure::Broken(e.into()))
}
