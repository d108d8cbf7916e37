//! Postings for everybody, objections, and the batch's way from the wall to the ledger.

mod batch;
pub(crate) mod kept;
mod log;
mod objections;
mod public;

use domain::access::Permission;
use store::access::Resource;

use crate::{Needs, Route, Subject};

pub fn routes() -> Vec<Route> {
    use Needs::{May, Nothing};
    use Subject::{One, Public, Within};
    let read = May(Permission::ReadHouseholds);
    let record = May(Permission::RecordObjection);
    vec![
        Route::get("/p", row!("posting.hanging"), Nothing, Public, public::hanging)
            .takes(&["q", "page"]),
        Route::get("/p/{id}", row!("posting.show"), Nothing, Public, public::show),
        Route::get("/p/{id}/posting.txt", row!("posting.text"), Nothing, Public, public::text),
        Route::get("/p/{id}/print", row!("posting.print"), Nothing, Public, public::print),
        Route::get("/p/{id}/proof.json", row!("posting.proof"), Nothing, Public, log::proof),
        Route::get("/check", row!("posting.check"), Nothing, Public, log::check).takes(&["p"]),
        Route::get("/log/checkpoint", row!("posting.checkpoint"), Nothing, Public, log::checkpoint),
        Route::get("/log/tile/{*at}", row!("posting.tile"), Nothing, Public, log::tile),
        Route::post("/p/{id}/objections", row!("posting.object"), Nothing, Public, public::object)
            .takes(&["key", "serial", "text", "by_name", "contact", "website"])
            .body_max(16 << 10),
        Route::get("/answers", row!("posting.look_up"), Nothing, Public, public::look_up)
            .takes(&["code"]),
        Route::get(
            "/batches/{id}/posting",
            row!("posting.of_batch"),
            read,
            One(Resource::Batch, "id"),
            batch::show,
        ),
        Route::post(
            "/batches/{id}/posting",
            row!("posting.post"),
            May(Permission::Post),
            One(Resource::Batch, "id"),
            batch::post,
        )
        .takes(&["key", "place", "contact", "from"]),
        Route::post(
            "/batches/{id}/certification",
            row!("posting.certify"),
            May(Permission::Certify),
            One(Resource::Batch, "id"),
            batch::certify,
        )
        .takes(&["key"]),
        Route::get(
            "/objections",
            row!("posting.objections"),
            record,
            Within(Resource::Objection),
            objections::list,
        )
        .takes(&["q", "standing", "page"]),
        Route::post(
            "/objections/export",
            row!("posting.export_objections"),
            May(Permission::Export),
            Within(Resource::Objection),
            objections::export,
        )
        .takes(&["key", "kind", "why", "q", "standing"]),
        Route::get(
            "/objections/{id}",
            row!("posting.objection"),
            record,
            One(Resource::Objection, "id"),
            objections::show,
        ),
        Route::post(
            "/objections/{id}/answer",
            row!("posting.answer"),
            May(Permission::AnswerObjection),
            One(Resource::Objection, "id"),
            objections::answer,
        )
        .takes(&["key", "verdict", "text", "outcome", "item-<code>"]),
        Route::get(
            "/postings/{id}/objections",
            row!("posting.record_form"),
            record,
            One(Resource::Posting, "id"),
            objections::record_form,
        ),
        Route::post(
            "/postings/{id}/objections",
            row!("posting.record_objection"),
            record,
            One(Resource::Posting, "id"),
            objections::record,
        )
        .takes(&["key", "channel", "serial", "text", "by_name", "contact"]),
    ]
}
