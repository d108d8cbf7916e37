//! The API document, made from the one list of routes.

use axum::http::Method;
use axum::response::Response;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApiBuilder, PathItem, PathsBuilder, Required, ResponseBuilder,
};

use crate::{Ask, Needs, Problem, Route, Subject};

pub fn routes() -> Vec<Route> {
    vec![Route::get(
        "/openapi.json",
        row!("api.document"),
        Needs::Nothing,
        Subject::Public,
        document,
    )]
}

async fn document(ask: Ask) -> Result<Response, Problem> {
    let mut paths = PathsBuilder::new();
    for route in crate::routes() {
        let method = match route.method {
            Method::GET => HttpMethod::Get,
            _ => HttpMethod::Post,
        };
        paths = paths.path(route.path, PathItem::new(method, operation(&route)));
    }
    let info = InfoBuilder::new().title("Siji").version(env!("CARGO_PKG_VERSION")).build();
    ask.json(&OpenApiBuilder::new().info(info).paths(paths.build()).build())
}

fn operation(route: &Route) -> utoipa::openapi::path::Operation {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let mut op = OperationBuilder::new().operation_id(Some(route.name));
    for name in route.path.split('{').skip(1).filter_map(|p| p.split('}').next()) {
        op = op.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text())),
        );
    }
    if route.method == Method::GET {
        for name in route.takes {
            op = op.parameter(
                ParameterBuilder::new()
                    .name(*name)
                    .parameter_in(ParameterIn::Query)
                    .required(Required::False)
                    .schema(Some(text())),
            );
        }
    } else {
        let mut object = ObjectBuilder::new();
        for name in route.takes {
            object = object.property(*name, text());
        }
        let content = ContentBuilder::new().schema(Some(object)).build();
        op = op.request_body(Some(
            RequestBodyBuilder::new()
                .content("application/x-www-form-urlencoded", content.clone())
                .content("application/json", content)
                .build(),
        ));
    }
    let mut codes = vec![("200", "OK"), ("400", "Bad request")];
    if route.needs != Needs::Nothing {
        codes.extend([("401", "Not signed in"), ("403", "Not allowed")]);
    }
    if matches!(route.subject, Subject::One(..)) || route.path.contains('{') {
        codes.push(("404", "Not there, or not yours to see"));
    }
    if route.method != Method::GET {
        codes.extend([
            ("303", "Done; look there"),
            ("409", "Refused, with the reason"),
            ("413", "Too large"),
            ("422", "A field is not of its form"),
        ]);
    }
    codes.push(("503", "Busy; come back"));
    for (code, words) in codes {
        op = op.response(code, ResponseBuilder::new().description(words).build());
    }
    op.build()
}
