//! Papers as answers: set on a thread of their own, one at a time, and sent whole; many cards are
//! sent as they come from the press. How many may wait for it is the gate's to say.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use app::reports::papers::CardFace;
use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use print::Paper;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{Ask, Page, Problem, Season};

const PDF: &str = "application/pdf";
static PRESS: Semaphore = Semaphore::const_new(1);

fn fault(fault: &print::Fault) -> Problem {
    tracing::error!(error = %fault, "a paper could not be printed");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page")
}

/// The paper as a file; `title` is a key of the catalogue and names it.
pub async fn send(ask: &Ask, title: &str, paper: Paper) -> Result<Response, Problem> {
    let (turn, place) = (PRESS.acquire().await, ask.place.clone());
    // The press holds both: it goes on when whoever asked has gone.
    let set = move || {
        let set = paper.pdf();
        drop((turn, place));
        set
    };
    let set = tokio::task::spawn_blocking(set).await;
    let bytes = match set {
        Ok(set) => set.map_err(|e| fault(&e))?,
        Err(_) => return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page")),
    };
    Ok(ask.download(PDF, &name(ask, title), bytes.into()))
}

fn name(ask: &Ask, title: &str) -> String {
    let p = Page::new(ask, title, Season::Autumn);
    format!("{}-{}.pdf", p.title, ask.today())
}

/// However many cards: the file begins at once and grows with each part.
pub fn send_cards(ask: &Ask, zone: String, faces: Vec<CardFace>) -> Result<Response, Problem> {
    let place = ask.place.clone();
    let (sender, receiver) = channel(4);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let out = Belt { sender: sender.clone(), piece: Vec::new() };
        if let Err(e) = print::all_cards(&zone, &faces, out, |_| {}) {
            fault(&e);
            // A file that breaks off is not taken for a whole one.
            let _ = sender.blocking_send(Err(io::Error::other("the press stopped")));
        }
    });
    Ok(ask.download(PDF, &name(ask, "paper-cards"), Body::new(Pieces(receiver))))
}

type Piece = io::Result<Bytes>;
const PIECE: usize = 64 << 10;

/// From the press's thread to the answer.
struct Belt {
    sender: Sender<Piece>,
    piece: Vec<u8>,
}

impl Write for Belt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }
    /// Fails when nobody waits for the file any more.
    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece).into();
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Pieces(Receiver<Piece>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        at: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(at).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
