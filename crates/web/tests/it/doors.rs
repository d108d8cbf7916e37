//! Every route against every role, within their area and outside it. A new route is in this test
//! from the moment it is in `web::routes`.

use std::sync::Arc;

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain::Id;
use domain::access::Role;
use sha2::{Digest, Sha256};
use store::access::Resource;
use testkit::Stage;
use tower::ServiceExt;
use web::{Needs, Route, Server, Subject};

struct House {
    stage: Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    /// In the first village.
    household: Id,
}

impl House {
    fn new() -> House {
        let stage = Stage::sqlite();
        stage.area("001", "zone", "Zone");
        stage.area("001.001", "township", "North");
        stage.area("001.001.001", "village", "First");
        stage.area("001.001.002", "village", "Second");
        let household = stage.household("001.001.001", "H1", "Zhang", true);
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        House { stage, router, runtime, household }
    }

    /// A session of this person.
    fn signed_in(&self, who: &Who) -> String {
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        format!("siji={token}")
    }

    fn ask(&self, route: &Route, id: Id, cookie: Option<&str>) -> StatusCode {
        let path = with_ids(route.path, id);
        let mut request = Request::builder()
            .method(route.method.clone())
            .uri(&path)
            .header(header::ACCEPT, "application/json")
            .header(header::HOST, "siji.test");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
            request = request.header("x-csrf-token", web::form_token(cookie));
        }
        if route.method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.runtime.block_on(self.router.clone().oneshot(request));
        answer.expect("an answer").status()
    }
}

/// `/households/{id}` with an id in each of its places.
fn with_ids(path: &str, id: Id) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => id.to_string(),
        false => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn nobody_s_id() -> Id {
    domain::id::new(1, [9; 10])
}

#[test]
fn a_stranger_meets_a_closed_door_everywhere_but_at_the_public_pages() {
    let house = House::new();
    for route in web::routes() {
        let status = house.ask(&route, nobody_s_id(), None);
        let name = route.name;
        match route.needs {
            Needs::Nothing => assert_ne!(status, StatusCode::UNAUTHORIZED, "{name}"),
            _ => assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}"),
        }
        assert!(!status.is_server_error(), "{name}: {status}");
    }
}

#[test]
fn every_role_passes_the_doors_of_its_permissions_and_no_other() {
    let house = House::new();
    for role in Role::ALL {
        let path = (role != Role::AssignedCadre).then_some("001");
        let who = house.stage.person(role.code(), role, path);
        let cookie = house.signed_in(&who);
        // Signing out is tried last: it ends the session.
        for route in web::routes().into_iter().filter(|route| route.name != "access.sign_out") {
            let status = house.ask(&route, nobody_s_id(), Some(&cookie));
            let door = format!("{} at {} ({})", role.code(), route.name, status);
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{door}");
            assert!(!status.is_server_error(), "{door}");
            if let Needs::May(permission) = route.needs {
                assert_eq!(status == StatusCode::FORBIDDEN, !role.may(permission), "{door}");
            }
        }
    }
}

#[test]
fn a_record_of_another_village_is_not_there() {
    let house = House::new();
    let other = house.stage.person("Li", Role::VillageCommittee, Some("001.001.002"));
    let cookie = house.signed_in(&other);
    let cadre = house.stage.person("Wang", Role::AssignedCadre, None);
    let cadre_cookie = house.signed_in(&cadre);
    for route in web::routes() {
        if let Subject::One(Resource::Household, _) = route.subject {
            for cookie in [&cookie, &cadre_cookie] {
                let status = house.ask(&route, house.household, Some(cookie));
                let closed = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status);
                assert!(closed, "{}: {status}", route.name);
            }
        }
    }
}
