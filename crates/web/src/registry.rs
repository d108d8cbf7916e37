//! The pages of the registry room: imports, the list of households, kinship.

pub mod imports;
mod kinship;
mod list;
pub mod words;

use domain::access::Permission;
use store::access::Resource;

use crate::{Needs, Route, Subject, Work};

pub fn routes() -> Vec<Route> {
    let import = Needs::May(Permission::ImportRegister);
    let read = Needs::May(Permission::ReadHouseholds);
    let review = Needs::May(Permission::Review);
    let household = Subject::One(Resource::Household, "id");
    let within = Subject::Within(Resource::Household);
    vec![
        Route::get("/import", row!("registry.imports"), import, Subject::Zone, imports::list)
            .takes(&["page"]),
        Route::post("/import", row!("registry.receive"), import, Subject::Zone, imports::receive)
            .takes(&["key", "file"])
            .body_max(imports::BODY_MAX)
            .work(Work::Heavy),
        Route::post(
            "/import/export",
            row!("registry.export_imports"),
            Needs::May(Permission::Export),
            Subject::Zone,
            imports::export,
        )
        .takes(&["key", "kind", "why"]),
        Route::get("/import/{id}", row!("registry.import"), import, Subject::Zone, imports::show)
            .takes(&["show", "page"]),
        Route::post(
            "/import/{id}/check",
            row!("registry.check"),
            import,
            Subject::Zone,
            imports::check,
        )
        .work(Work::Heavy),
        Route::post(
            "/import/{id}/apply",
            row!("registry.apply"),
            import,
            Subject::Zone,
            imports::apply,
        )
        .takes(&["key"])
        .work(Work::Heavy),
        Route::get(
            "/import/{id}/marked",
            row!("registry.marked"),
            import,
            Subject::Zone,
            imports::marked,
        )
        .work(Work::Heavy),
        Route::get("/households", row!("registry.list"), read, within, list::list)
            .takes(&["q", "area", "order", "inactive", "page"]),
        Route::post(
            "/households/export",
            row!("registry.export"),
            Needs::May(Permission::Export),
            within,
            list::export,
        )
        .takes(&["key", "kind", "why", "q", "area", "order", "inactive"]),
        Route::get(
            "/households/{id}/kinship",
            row!("registry.kinship_form"),
            review,
            household,
            kinship::form,
        ),
        Route::post(
            "/households/{id}/kinship",
            row!("registry.declare_kinship"),
            review,
            household,
            kinship::declare,
        )
        .takes(&["key", "person", "relation"]),
    ]
}
