//! For whoever watches over the program: does it live, can it work?

use axum::http::StatusCode;
use axum::response::Response;

use crate::ask::answer;
use crate::{Ask, Needs, Problem, Route, Subject, Work};
use app::{Never, Reach};

const TEXT: &str = "text/plain; charset=utf-8";

pub(crate) fn routes() -> Vec<Route> {
    use Needs::Nothing;
    vec![
        Route::get("/healthz", row!("health.lives"), Nothing, Subject::Public, lives).alone(),
        Route::get("/readyz", row!("health.ready"), Nothing, Subject::Public, ready)
            .alone()
            .work(Work::Watch),
    ]
}

async fn lives(_: Ask) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, TEXT, "lives\n".into()))
}

/// The database answers. The keys are there too: a zone whose keys are missing does not open.
async fn ready(ask: Ask) -> Result<Response, Problem> {
    ask.app().read::<_, Never>(Reach::System, app::reports::zone_name).await?;
    Ok(answer(StatusCode::OK, TEXT, "ready\n".into()))
}
