//! The one body that is not flat: sheets that come in together, and what each of them is answered.

use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type,
};
use utoipa::openapi::{Content, ContentBuilder, Ref, Required};

use super::form::Form;
use super::{JSON, PROBLEM};
use crate::scoring::sheets::FIELDS;

pub const ROUTE: &str = "scoring.save_sheets";
const NEEDED: [&str; 4] = ["key", "batch", "household", "scores"];

/// As `domain::scoring::Scorer` calls them.
const SCORERS: [&str; 2] = ["assistance_officer", "assigned_cadre"];

fn closed() -> ObjectBuilder {
    let rest = AdditionalProperties::FreeForm(false);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(rest))
}

fn sheets(each: ArrayBuilder) -> Content {
    let all = closed().property("sheets", each).required("sheets");
    ContentBuilder::new().schema(Some(all)).build()
}

pub fn body() -> RequestBody {
    let sheet = FIELDS.iter().fold(closed(), |sheet, name| {
        let text = Form::of(ROUTE, name).schema();
        match *name {
            "opened_at" => sheet.property(*name, OneOfBuilder::new().item(text).item(number())),
            name => sheet.property(name, text),
        }
    });
    let sheet = NEEDED.iter().fold(sheet, |sheet, name| sheet.required(*name));
    let most = app::scoring::SHEETS_MAX;
    let each = ArrayBuilder::new().items(sheet).min_items(Some(1)).max_items(Some(most));
    RequestBodyBuilder::new().required(Some(Required::True)).content(JSON, sheets(each)).build()
}

/// In the order in which they were sent: the sheet as it is kept, or why it is not.
pub fn answer() -> Content {
    let id = || Form::Id.schema();
    let saved = closed()
        .property("id", id())
        .property("scorer", Form::OneOf(&SCORERS).schema())
        .property("replaces", OneOfBuilder::new().item(id()).item(nothing()))
        .required("id")
        .required("scorer")
        .required("replaces");
    let told = OneOfBuilder::new().item(saved).item(Ref::from_schema_name(PROBLEM));
    sheets(ArrayBuilder::new().items(told))
}

/// Milliseconds since 1970, as phones have it.
fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn nothing() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Null)
}
