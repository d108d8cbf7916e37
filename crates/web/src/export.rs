//! Lists taken out, one way for all of them. The rows are written one by one to a file of its own,
//! on one view of the data, and counted; who took them out, what for and how many there are is
//! written down; then the file is sent as it is read. However long the list, it never stands in
//! memory, and no file leaves that the log does not know.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use app::audit::Export;
use app::{Failure, Never, Tx, Who};
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use domain::access::Permission;
use domain::{Date, Id, Millis};
use hyper::body::Frame;
use sheets::write::{Kind, Table, Value, WriteError};
use store::Broken;
use tokio::sync::Semaphore;

use crate::{Ask, Page, Problem, Season};

/// Longest reason, in characters.
pub(crate) const WHY_MAX: usize = 200;

/// The form under a list, as `export.html` shows it: it takes out what the list shows.
pub struct ExportForm {
    pub action: String,
    pub key: String,
    /// What the list is narrowed to and sorted by.
    pub fields: Vec<(String, String)>,
}

impl ExportForm {
    /// `None` where the asker may not take lists out, or where this one has nothing in it.
    pub fn of(ask: &Ask, rows: i64) -> Option<ExportForm> {
        let may = ask.who.as_ref().is_some_and(|who| who.may(Permission::Export));
        let narrowed = ask
            .query
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "page" | "before" | "done"));
        (may && rows > 0).then(|| ExportForm {
            action: format!("{}/export", ask.at),
            key: ask.new_key().to_string(),
            fields: narrowed.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }
}

/// The form's fields in the place of a query, so that what a list is narrowed to is read by the very
/// function that reads it for the page.
pub fn asked(ask: Ask) -> Result<Ask, Problem> {
    let query = ask.fields()?;
    Ok(Ask { query, ..ask })
}

/// What stands around the rows.
pub struct Sheet {
    /// The list, as the log names it.
    pub what: &'static str,
    /// Text of the list's title: names the file and the sheet.
    pub title: &'static str,
    /// Texts of the columns.
    pub header: Vec<String>,
    /// The area the list is narrowed to.
    pub path: Option<String>,
}

impl Sheet {
    /// `header` are keys of the catalogue.
    pub fn new(ask: &Ask, what: &'static str, title: &'static str, header: &[&str]) -> Sheet {
        let p = Page::new(ask, title, Season::Winter);
        Sheet { what, title, header: header.iter().map(|key| p.t(key)).collect(), path: None }
    }
}

/// Receives the rows, one after another.
pub type Write<'w> = dyn FnMut(&[Value]) -> Result<(), Broken> + 'w;

/// Lists written at once: each keeps a reader to itself, and pages need the others.
static TABLES: Semaphore = Semaphore::const_new(2);

/// Answers with the file of what `rows` writes; `rows` authorises it. The form has `key`, `kind`
/// (xlsx or csv) and `why`.
pub async fn stream(
    ask: &Ask,
    sheet: Sheet,
    mut rows: impl FnMut(&mut Tx, &Who, &mut Write<'_>) -> Result<(), Failure<Never>> + Send + 'static,
) -> Result<Response, Problem> {
    let key: Id =
        ask.query("key").and_then(|key| key.parse().ok()).ok_or_else(|| Problem::field("key"))?;
    let kind = match ask.query("kind") {
        Some("xlsx") => Kind::Xlsx,
        Some("csv") => Kind::Csv,
        _ => return Err(Problem::field("kind")),
    };
    let why = ask.query("why").filter(|why| why.chars().count() <= WHY_MAX);
    let why = why.ok_or_else(|| Problem::field("why"))?.to_owned();

    let who = ask.who()?;
    let p = Page::new(ask, sheet.title, Season::Winter);
    let note = p.t3("export-note", "name", &who.name, "time", p.time(ask.now), "why", &why);
    let (title, header) = (p.title.clone(), sheet.header);
    let turn = (TABLES.acquire().await, ask.place.clone());
    let (file, count) = ask
        .read::<_, Never>(move |tx, who| {
            // Held until the rows are written, whoever still waits for them.
            let _turn = &turn;
            let broken = |e: WriteError| Broken::data(e.to_string());
            let mut file = tempfile::tempfile().map_err(Broken::from)?;
            let to = file.try_clone().map_err(Broken::from)?;
            let mut table = Table::new(kind, to, &title, Some(&note), &header).map_err(broken)?;
            let mut count = 0;
            rows(tx, who, &mut |row| {
                count += 1;
                table.row(row).map_err(broken)
            })?;
            table.finish().map_err(broken)?;
            file.seek(SeekFrom::Start(0)).map_err(Broken::from)?;
            Ok((file, count))
        })
        .await?;

    // A list that is narrowed to nothing keeps to the asker's own area, where that is one.
    let path = sheet.path.or_else(|| match &ask.scope.paths[..] {
        [path] => Some(path.clone()),
        _ => None,
    });
    let what = format!("{}.{}", sheet.what, kind.extension());
    let export = Export { key, what, rows: count, why, path };
    ask.write::<_, Never>(move |tx, who| app::audit::export(tx, who, &export)).await?;

    let name = format!("{}-{}.{}", p.title, ask.today(), kind.extension());
    Ok(ask.download(kind.media_type(), &name, Body::new(Chunks(file))))
}

/// A day as text, 2026-11-23.
pub fn day(day: Date) -> Value {
    Value::Text(day.to_string())
}

/// A moment as text, 2026-11-23 14:05.
pub fn moment(at: Millis) -> Value {
    let local = domain::local(at);
    Value::Text(format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute()))
}

/// A file written a moment ago, sent in pieces; its pages are still in the system's cache.
pub(crate) struct Chunks(pub File);

const CHUNK: usize = 64 << 10;

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let mut piece = vec![0; CHUNK];
        Poll::Ready(match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some(Ok(Frame::data(piece.into())))
            }
            Err(error) => Some(Err(error)),
        })
    }
}
