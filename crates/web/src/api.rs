//! The API document, made from the one list of routes and what `api::form` knows of their fields.

mod form;
mod sheets;

use axum::http::Method;
use axum::response::Response;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AdditionalProperties, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref,
    Required, ResponseBuilder,
};

use crate::edge::cookie;
use crate::{Ask, Needs, Problem, Route, Subject};
use form::Form;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/openapi.json", row!("api.document"), Needs::Nothing, Subject::Public, show)]
}

async fn show(ask: Ask) -> Result<Response, Problem> {
    ask.json(&document(&crate::routes()))
}

/// The name of the one security scheme, and of the one schema every no has.
const SESSION: &str = "session";
const PROBLEM: &str = "Problem";

fn document(routes: &[Route]) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for route in routes {
        let method = if route.method == Method::GET { HttpMethod::Get } else { HttpMethod::Post };
        paths = paths.path(route.documented_path(), PathItem::new(method, operation(route)));
    }
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie::SESSION)));
    let components =
        ComponentsBuilder::new().security_scheme(SESSION, cookie).schema(PROBLEM, problem());
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Siji").version(env!("CARGO_PKG_VERSION")).build())
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

/// RFC 9457, with our code.
fn problem() -> ObjectBuilder {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", text())
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("code", text().description(Some("The sentence's name; stays the same")))
        .property("title", text().description(Some("What happened, why, what to do next")))
        .required("type")
        .required("status")
        .required("code")
        .required("title")
}

fn operation(route: &Route) -> Operation {
    let mut op = OperationBuilder::new().operation_id(Some(route.name));
    for name in route.documented_path().split('{').skip(1).filter_map(|p| p.split('}').next()) {
        op = op.parameter(parameter(route, name, ParameterIn::Path));
    }
    if route.method == Method::GET {
        for name in route.takes {
            op = op.parameter(parameter(route, name, ParameterIn::Query));
        }
    } else if !route.takes.is_empty() {
        op = op.request_body(Some(body(route)));
    }
    if route.needs != Needs::Nothing {
        op = op.security(SecurityRequirement::new::<_, [&str; 0], &str>(SESSION, []));
    }
    for (code, words, media) in answers(route) {
        let mut answer = ResponseBuilder::new().description(words);
        for kind in media {
            let content = match (route.name, code) {
                (sheets::ROUTE, "200") => sheets::answer(),
                _ => content_of(kind),
            };
            answer = answer.content(kind, content);
        }
        op = op.response(code, answer.build());
    }
    op.build()
}

fn parameter(route: &Route, name: &str, place: ParameterIn) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { needed(route, name) };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(Form::of(route.name, name).schema()))
        .build()
}

fn needed(route: &Route, name: &str) -> Required {
    if form::is_needed(route.name, name) { Required::True } else { Required::False }
}

/// A form, or the same fields as one flat JSON object; a file comes as multipart.
fn body(route: &Route) -> RequestBody {
    if route.name == sheets::ROUTE {
        return sheets::body();
    }
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    let mut rest = AdditionalProperties::FreeForm(false);
    for name in route.takes {
        let form = Form::of(route.name, name);
        if form::names_many(name) {
            rest = AdditionalProperties::RefOr(form.schema().into());
            continue;
        }
        object = object.property(*name, form.schema());
        if form::is_needed(route.name, name) {
            object = object.required(*name);
        }
    }
    let content = ContentBuilder::new().schema(Some(object.additional_properties(Some(rest))));
    let content = content.build();
    let is_upload = route.takes.iter().any(|name| Form::of(route.name, name) == Form::File);
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    if is_upload {
        return body.content("multipart/form-data", content).build();
    }
    body.content("application/x-www-form-urlencoded", content.clone())
        .content(JSON, content)
        .build()
}

const PAGE: &str = "text/html";
const JSON: &str = "application/json";
const NO: &str = "application/problem+json";
/// What is refused before it is read, as where a body's end is a matter of opinion.
const PLAIN: &str = "text/plain";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const CSV: &str = "text/csv";
const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain";
const BYTES: &str = "application/octet-stream";

fn content_of(media: &str) -> Content {
    let content = ContentBuilder::new();
    match media {
        NO => content.schema(Some(Ref::from_schema_name(PROBLEM))).build(),
        JSON => content.schema(Some(ObjectBuilder::new().schema_type(Type::Object))).build(),
        _ => content.schema(Some(ObjectBuilder::new().schema_type(Type::String))).build(),
    }
}

/// Pages that answer `Accept: application/json` with the same in JSON.
const ALSO_JSON: &[&str] = &[
    "access.begin_factor",
    "access.confirm_factor",
    "access.invite",
    "redemption.counter",
    "redemption.receipt",
    "posting.show",
    "registry.import",
    "registry.list",
    "privacy.fields",
    "privacy.takeouts",
    "privacy.takeout",
    "privacy.reveal",
    "privacy.reveal_objector",
    "reports.household",
    "reports.log",
    "reports.seen",
    "goods.catalogue",
];

/// What a yes is, in which kinds of media; empty where it only leads on.
fn yes(route: &Route) -> Vec<&'static str> {
    match route.name {
        "access.language" | "access.leave" => Vec::new(),
        "api.document" | "scheme.file" | "posting.proof" => vec![JSON],
        "posting.tile" => vec![BYTES],
        "health.lives" | "health.ready" | "posting.text" | "posting.checkpoint" => vec![TEXT],
        "assets.show" => {
            vec!["text/css", "text/javascript", "image/svg+xml", "image/png", "font/woff2"]
        }
        name if name.starts_with("reports.print_") => vec![PDF],
        "registry.marked" => vec![XLSX],
        "privacy.take" => vec![XLSX, CSV],
        "privacy.file" => vec![PAGE],
        name if ALSO_JSON.contains(&name) => vec![PAGE, JSON],
        name if name.contains(".export") => vec![XLSX, CSV],
        _ if route.method == Method::GET => vec![PAGE],
        _ => vec![JSON],
    }
}

/// Every status the route answers with, what it means, and in which media. 500 is none of them.
fn answers(route: &Route) -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let is_get = route.method == Method::GET;
    let is_form = !is_get && !route.takes.is_empty();
    let (is_open, is_of_one) = (route.needs == Needs::Nothing, route.path.contains('{'));
    let leads_on = match yes(route)[..] {
        [] => true,
        [JSON] => !is_get,
        _ => false,
    };
    let names_one = |field: &&str| Form::of(route.name, field) == Form::Id;
    let looks_up = is_form
        || is_of_one
        || matches!(route.name, "posting.look_up" | "posting.checkpoint")
        || route.takes.iter().any(names_one);
    let takes_turns = matches!(
        route.name,
        "posting.object" | "access.sign_in" | "access.show_code" | "access.accept"
    );
    let may_be_refused = !is_get
        || matches!(
            route.name,
            "redemption.counter"
                | "access.leave"
                | "access.back"
                | "reports.print_card"
                | "reports.print_notice"
        );
    let all = [
        (!yes(route).is_empty(), "200", "Here it is", yes(route)),
        (leads_on || !is_open, "303", "Done, or not signed in: look there", vec![]),
        (true, "400", "The request is not of the form it must have", vec![PAGE, NO, PLAIN]),
        (!is_open, "401", "Not signed in", vec![PAGE, NO]),
        (!is_get || !is_open, "403", "Not allowed, or from somewhere else", vec![PAGE, NO]),
        (looks_up, "404", "Not there, or not yours to see", vec![PAGE, NO]),
        (!is_get, "408", "Sent too slowly", vec![PAGE, NO]),
        (may_be_refused, "409", "Refused, with the reason", vec![PAGE, NO]),
        (!is_get, "413", "Too large", vec![PAGE, NO]),
        (!is_get, "415", "Neither a form nor JSON", vec![PAGE, NO]),
        (!route.takes.is_empty(), "422", "A field is not of its form", vec![PAGE, NO]),
        (takes_turns, "429", "Too often; come back later", vec![PAGE, NO]),
        (true, "503", "Busy; come back", vec![PAGE, NO]),
        (true, "507", "The disk is full; nothing was saved", vec![PAGE, NO]),
    ];
    all.into_iter().filter(|a| a.0).map(|(_, code, words, media)| (code, words, media)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_route_or_a_field_is_said_of_one_that_is_there() {
        let routes = crate::routes();
        let takes = |route: &str, field: &str| {
            routes.iter().any(|r| {
                let whole = r.name == route || route == "*";
                whole
                    && (r.takes.contains(&field)
                        || r.documented_path().contains(&format!("{{{field}}}")))
            })
        };
        for (route, field) in form::all() {
            assert!(takes(route, field), "{route} takes no `{field}`");
        }
        for name in ALSO_JSON {
            assert!(routes.iter().any(|r| r.name == *name), "{name}");
        }
    }

    #[test]
    fn what_is_personal_never_stands_in_an_address() {
        let personal =
            ["number", "password", "old", "again", "contact", "by_name", "phone", "name"];
        for route in crate::routes().iter().filter(|route| route.method == Method::GET) {
            let told = route.takes.iter().find(|name| personal.contains(name));
            assert_eq!(told, None, "{}", route.name);
        }
    }

    #[test]
    fn the_document_names_every_route_with_its_fields() {
        let routes = crate::routes();
        let document = serde_json::to_value(document(&routes)).expect("a document");
        for route in &routes {
            let method = route.method.as_str().to_lowercase();
            let said = &document["paths"][route.documented_path()][&method];
            assert_eq!(said["operationId"], route.name);
            assert!(said["responses"]["500"].is_null(), "{}", route.name);
            for name in route.takes.iter().filter(|name| !form::names_many(name)) {
                let text = said.to_string();
                assert!(text.contains(&format!("\"{name}\"")), "{}: {name}", route.name);
            }
        }
        let redeem = &document["paths"]["/counter"]["post"]["requestBody"]["content"][JSON];
        assert_eq!(redeem["schema"]["properties"]["key"]["format"], "uuid");
        assert_eq!(redeem["schema"]["required"], serde_json::json!(["key", "day"]));
        let upload = &document["paths"]["/import"]["post"]["requestBody"]["content"];
        assert_eq!(upload["multipart/form-data"]["schema"]["required"][0], "file");
    }
}
