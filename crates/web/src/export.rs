//! A list taken out: written row by row to a file of its own, then sent as it is read. However long
//! the list, it never stands in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use app::{Failure, Never, Tx, Who};
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use sheets::write::{Kind, Table, Value, WriteError};
use store::Broken;

use crate::{Ask, Problem};

/// What stands around the rows.
pub struct Sheet {
    pub kind: Kind,
    /// Name of the file, without its end, and of the sheet.
    pub name: String,
    /// Who took it out and when; stands above the header.
    pub note: String,
    pub header: Vec<String>,
}

/// Receives the rows, one after another.
pub type Write<'w> = dyn FnMut(&[Value]) -> Result<(), Broken> + 'w;

/// Runs `rows` on one view of the data and answers with the file. `rows` has authorised what it shows.
pub async fn stream(
    ask: &Ask,
    sheet: Sheet,
    mut rows: impl FnMut(&mut Tx, &Who, &mut Write<'_>) -> Result<(), Failure<Never>> + Send + 'static,
) -> Result<Response, Problem> {
    let (kind, name) = (sheet.kind, sheet.name.clone());
    let file = ask
        .read::<_, Never>(move |tx, who| {
            let broken = |e: WriteError| Broken::data(e.to_string());
            let mut file = tempfile::tempfile().map_err(Broken::from)?;
            let to = file.try_clone().map_err(Broken::from)?;
            let note = Some(sheet.note.as_str());
            let mut table =
                Table::new(kind, to, &sheet.name, note, &sheet.header).map_err(broken)?;
            rows(tx, who, &mut |row| table.row(row).map_err(broken))?;
            table.finish().map_err(broken)?;
            file.seek(SeekFrom::Start(0)).map_err(Broken::from)?;
            Ok(file)
        })
        .await?;
    let name = format!("{name}-{}.{}", ask.today(), kind.extension());
    Ok(ask.download(kind.media_type(), &name, Body::new(Chunks(file))))
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
