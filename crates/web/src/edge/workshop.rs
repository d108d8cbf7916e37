//! Work goes on apart from where requests are heard, and ends with whoever asked for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::StatusCode;
use axum::response::Response;
use tokio::task::JoinHandle;

use super::Server;
use crate::ask::answer;

pub(super) async fn done(
    server: &Server,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    match &server.workshop {
        None => work.await,
        Some(workshop) => Working(workshop.spawn(work)).await,
    }
}

/// Dropped, it stops the work.
struct Working(JoinHandle<Response>);

impl Future for Working {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let done = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(done.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The workshop is closed: the program ends.
            Err(_) => {
                let mime = "text/plain; charset=utf-8";
                answer(StatusCode::SERVICE_UNAVAILABLE, mime, axum::body::Body::empty())
            }
        }))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}
