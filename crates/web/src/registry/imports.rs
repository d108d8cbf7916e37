//! Sending in the register, seeing what was found, confirming.

use std::sync::Arc;
use std::time::Duration;

use app::registry::import::{self, By, Receive, Work};
use app::registry::report::{Remark, Report};
use app::registry::{ImportFailure, ImportRefusal};
use app::{Failure, Never};
use askama::Template;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Id;
use serde::Deserialize;
use sheets::write::Kind;
use store::registry::Import;
use tokio::sync::OwnedSemaphorePermit;

use super::words;
use crate::edge::crowded;
use crate::export::{self, Chunks, ExportForm, Sheet, moment};
use crate::{Ask, Page, Paging, Problem, Season};

/// The largest workbook, and the form around it.
pub const BODY_MAX: usize = sheets::BYTES_MAX as usize + (1 << 20);
/// A small file is read before the page is shown; a large one is waited for on its page.
const PATIENCE: Duration = Duration::from_millis(2_000);

#[derive(Template)]
#[template(path = "registry/imports.html")]
struct ImportsPage {
    p: Page,
    key: String,
    rows: Vec<Import>,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

impl ImportsPage {
    fn state(&self, import: &Import) -> String {
        self.p.word("state-import", state(import))
    }
}

/// An upload that says it is being read while nobody reads it was interrupted.
fn state(import: &Import) -> &str {
    match import.state.as_str() {
        "reading" if import::progress(import.id).is_none() => "interrupted",
        state => state,
    }
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let paging = Paging::asked(&ask);
    let (rows, total) = ask
        .read::<_, Never>(move |tx, who| import::list(tx, who, paging.offset(), paging.size))
        .await?;
    ask.page(&ImportsPage {
        p: Page::new(&ask, "import-title", Season::Winter),
        key: ask.new_key().to_string(),
        rows,
        export: ExportForm::of(&ask, total),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let header =
        ["import-file-name", "import-when", "import-who", "import-state", "import-applied-at"];
    let sheet = Sheet::new(&ask, "imports", "import-past", &header);
    let p = Page::new(&ask, "import-past", Season::Winter);
    export::stream(&ask, sheet, move |tx, who, write| {
        import::each_listed(tx, who, |row| {
            write(&[
                row.file_name.as_str().into(),
                moment(row.at),
                row.person_name.clone().unwrap_or_else(|| p.t("import-by-operator")).into(),
                p.word("state-import", state(&row)).into(),
                row.applied_at.map(moment).into(),
            ])
        })
    })
    .await
}

pub(super) async fn receive(ask: Ask) -> Result<Response, Problem> {
    let upload = ask.upload("file")?;
    let request = Receive {
        key: upload.key.unwrap_or_else(|| ask.new_key()),
        file_name: upload.file_name.chars().take(120).collect(),
        bytes: Arc::from(&upload.bytes[..]),
    };
    let desk = desk(&ask).await?;
    let id = ask.write::<_, Never>(move |tx, who| import::receive(tx, who, &request)).await?;
    start(&ask, desk, id, Work::Check).await?;
    ask.done(&format!("/import/{id}"), "import-received", &serde_json::json!({ "id": id }))
}

#[derive(Deserialize)]
struct Nothing {}

pub(super) async fn check(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let _: Nothing = ask.form()?;
    let desk = desk(&ask).await?;
    ask.read::<_, Never>(move |tx, who| import::find(tx, who, id).map(drop)).await?;
    start(&ask, desk, id, Work::Check).await?;
    ask.done(&format!("/import/{id}"), "import-received", &serde_json::json!({ "id": id }))
}

#[derive(Deserialize)]
struct Confirm {
    key: Id,
}

pub(super) async fn apply(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let form: Confirm = ask.form()?;
    let desk = desk(&ask).await?;
    ask.read::<_, ImportRefusal>(move |tx, who| import::may_apply(tx, who, id)).await?;
    start(&ask, desk, id, Work::Apply { key: form.key }).await?;
    let to = format!("/import/{id}");
    ask.done(&to, "import-applying", &serde_json::json!({ "id": id }))
}

type Desk = OwnedSemaphorePermit;

/// Asked for before anything is saved.
async fn desk(ask: &Ask) -> Result<Desk, Problem> {
    ask.server.desk(PATIENCE).await.ok_or_else(crowded::problem)
}

/// Begins the work beside this request, and waits a moment for a small file.
async fn start(ask: &Ask, desk: Desk, id: Id, work: Work) -> Result<(), Problem> {
    let (app, worker) = (ask.app().clone(), ask.server.worker.clone());
    let (by, place) = (By::person(&ask.who()?), ask.place.clone());
    let mut working = tokio::task::spawn_blocking(move || {
        let worked = import::work(&app, &worker, id, work, by);
        drop((desk, place));
        match worked {
            Ok(()) => None,
            Err(ImportFailure::Unreadable(error)) => {
                tracing::info!(import = %id, %error, "an upload could not be read");
                None
            }
            Err(ImportFailure::Failed(failure)) => Some(failure),
        }
    });
    match tokio::time::timeout(PATIENCE, &mut working).await {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(failure))) => Err(failure.into()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page")),
        Err(_) => {
            tokio::spawn(async move {
                if let Ok(Some(Failure::Broken(error))) = working.await {
                    tracing::error!(import = %id, %error, "an import broke");
                }
            });
            Ok(())
        }
    }
}

#[derive(Template)]
#[template(path = "registry/import.html")]
struct ImportPage {
    p: Page,
    import: Import,
    report: Report,
    key: String,
    state: String,
    /// Rows read so far, while it is being read.
    progress: Option<usize>,
    unreadable: Option<String>,
    show: String,
    rows: Vec<Remark>,
    paging: Paging,
    before: String,
    after: String,
}

impl ImportPage {
    fn words(&self, remark: &Remark) -> String {
        words::remark(self.p.lang, remark)
    }
    fn fields(&self, fields: &[String]) -> String {
        let names: Vec<String> = fields.iter().map(|f| words::field(self.p.lang, f)).collect();
        names.join(&self.p.t("list-joint"))
    }
    /// (text, link, chosen) of each way to narrow the findings.
    fn filters(&self) -> Vec<(String, String, bool)> {
        let link = |show: &str| format!("/import/{}?show={show}#remarks", self.import.id);
        ["all", "errors", "notices"]
            .map(|show| (self.p.t(format!("import-show-{show}")), link(show), self.show == show))
            .into()
    }
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    // Asked before the record is read: work that ends in between is not taken for interrupted, nor
    // for a file that still waits to be confirmed.
    let before = import::progress(id);
    let (import, report) = ask.read::<_, Never>(move |tx, who| import::find(tx, who, id)).await?;
    let is_open = matches!(import.state.as_str(), "reading" | "checked");
    let progress = import::progress(id).or(before.filter(|_| is_open));
    let state = if progress.is_some() { "reading" } else { state(&import) }.to_owned();
    if ask.wants_json {
        return ask.json(&serde_json::json!({
            "id": id, "state": state, "rows_read": progress, "report": report,
        }));
    }
    let show = ask.query("show").unwrap_or("all").to_owned();
    let shown = |remark: &&Remark| match show.as_str() {
        "errors" => remark.is_error,
        "notices" => !remark.is_error,
        _ => true,
    };
    let paging = Paging::asked(&ask);
    let total = report.remarks.iter().filter(shown).count();
    let rows = report
        .remarks
        .iter()
        .filter(shown)
        .skip(usize::try_from(paging.offset()).unwrap_or(0))
        .take(usize::try_from(paging.size).unwrap_or(0))
        .cloned()
        .collect();
    ask.page(&ImportPage {
        p: Page::new(&ask, "import-title", Season::Winter).titled(import.file_name.clone()),
        key: ask.new_key().to_string(),
        state,
        unreadable: report.unreadable.as_deref().map(|code| words::unreadable(ask.lang, code)),
        import,
        report,
        progress,
        show,
        rows,
        paging: paging.of(i64::try_from(total).unwrap_or(0)),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

/// The uploaded workbook with what is wrong beside each row.
pub(super) async fn marked(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let (import, report, file) = ask
        .read::<_, Never>(move |tx, who| {
            let (import, report) = import::find(tx, who, id)?;
            Ok((import, report, import::file(tx, who, id)?))
        })
        .await?;
    let (worker, place, desk) = (ask.server.worker.clone(), ask.place.clone(), desk(&ask).await?);
    let written = tokio::task::spawn_blocking(move || {
        use std::io::Seek;
        let _held = (place, desk);
        let mut out = tempfile::tempfile()?;
        sheets::mark::write(&worker, file.path(), &words::marks(&report), out.try_clone()?)
            .map_err(std::io::Error::other)?;
        out.rewind()?;
        Ok::<_, std::io::Error>(out)
    });
    let broken = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page");
    let out = written.await.map_err(|_| broken())?.map_err(|error| {
        tracing::error!(import = %id, %error, "a workbook could not be marked");
        broken()
    })?;
    let stem =
        import.file_name.rsplit_once('.').map_or(import.file_name.as_str(), |(stem, _)| stem);
    let name = format!("{stem}-{}.xlsx", words::field(crate::Lang::Zh, "mark"));
    Ok(ask.download(Kind::Xlsx.media_type(), &name, Body::new(Chunks(out))))
}
