//! The first half of a month through the pages, with forms as a browser sends them.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::Who;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain::Id;
use domain::access::Role;
use domain::calendar::Month;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use testkit::Stage;
use tower::ServiceExt;
use web::Server;

const JIUHE: &str = "001.001.001";
/// DESIGN §8: a page with its style and script on a first visit.
const PAGE_MAX: usize = 100_000;

struct Walk {
    stage: Stage,
    router: Router,
    runtime: tokio::runtime::Runtime,
    month: Month,
}

struct Seen {
    status: StatusCode,
    to: String,
    body: String,
}

impl Walk {
    fn new() -> Walk {
        let stage = Stage::sqlite();
        stage.area("001", "zone", "Zone");
        stage.area("001.001", "township", "东城街道");
        stage.area(JIUHE, "village", "九和村");
        let server = Server::new(stage.app.clone(), std::path::PathBuf::from("siji"));
        let router = web::router(Arc::new(server));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let month = Month::of(domain::local_date(web::now()));
        Walk { stage, router, runtime, month }
    }

    /// Somebody with a post, and their session.
    fn person(&self, name: &str, role: Role, path: Option<&str>) -> (Who, String) {
        let who = self.stage.person(name, role, path);
        let token = format!("{:x}", who.person);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (person, now) = (who.person, web::now());
        self.stage
            .write::<_, app::Never>(move |tx| app::access::sign_in(tx, person, hash, now))
            .expect("a session");
        (who, format!("siji={token}"))
    }

    fn ask(&self, method: Method, cookie: &str, path: &str, form: &[(&str, String)]) -> Seen {
        let body = serde_urlencoded::to_string(form).expect("a form");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, cookie)
            .header("x-csrf-token", web::form_token(cookie))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let to = answer.headers().get(header::LOCATION);
            let to = to.and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
            let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
            Seen { status, to, body: String::from_utf8_lossy(&bytes).into_owned() }
        })
    }

    /// A page that is there, in both languages, without a missing text and not too heavy.
    fn page(&self, cookie: &str, path: &str) -> String {
        let english = self.ask(Method::GET, &format!("{cookie}; lang=en"), path, &[]);
        let chinese = self.ask(Method::GET, cookie, path, &[]);
        for seen in [&english, &chinese] {
            assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.body);
            assert!(!seen.body.contains('⟦'), "{path}: {}", missing(&seen.body));
            assert!(seen.body.len() < PAGE_MAX, "{path}: {} bytes", seen.body.len());
        }
        chinese.body
    }

    fn post(&self, cookie: &str, path: &str, form: &[(&str, String)]) -> Seen {
        self.ask(Method::POST, cookie, path, form)
    }

    fn key(&self) -> (&'static str, String) {
        ("key", self.stage.id().to_string())
    }
}

fn missing(body: &str) -> String {
    body.split('⟦').skip(1).filter_map(|rest| rest.split('⟧').next()).collect::<Vec<_>>().join(" ")
}

/// What a browser would send of a page's score form when the first button of each item is pressed,
/// and how many taps that takes.
fn first_buttons(page: &str) -> (BTreeMap<String, String>, usize) {
    let mut picked = BTreeMap::new();
    for input in page.split("<input type=\"radio\" name=\"item-").skip(1) {
        let (item, rest) = input.split_once('"').expect("a name");
        let value = rest.split("value=\"").nth(1).and_then(|v| v.split('"').next());
        let name = format!("item-{item}");
        picked.entry(name).or_insert_with(|| value.expect("a value").to_owned());
    }
    let taps = picked.len() + 1;
    (picked, taps)
}

#[test]
fn from_the_scheme_to_the_end_of_the_review() {
    let walk = Walk::new();
    let (_, zone) = walk.person("赵主任", Role::ZoneOfficer, Some("001"));
    let (_, officer) = walk.person("钱专干", Role::AssistanceOfficer, Some(JIUHE));
    let (cadre_who, cadre) = walk.person("孙干部", Role::AssignedCadre, None);
    let (_, committee) = walk.person("李支书", Role::VillageCommittee, Some(JIUHE));
    let households: Vec<Id> = [("H1", "张三", true), ("H2", "李四", true), ("H3", "王五", false)]
        .map(|(number, head, able)| walk.stage.household(JIUHE, number, head, able))
        .to_vec();
    households.iter().for_each(|h| walk.stage.assign(*h, &cadre_who));

    // The scheme.
    let list = walk.page(&zone, "/scheme");
    assert!(list.contains("程序自带"));
    let scheme = app::scheme::shipped_id();
    let rules = walk.page(&zone, &format!("/scheme/{scheme}"));
    assert!(rules.contains("自理与力所能及") && rules.contains("没有发现问题"));
    walk.page(&zone, &format!("/scheme/{scheme}/trial"));
    let adopt = |text: &str| {
        let form = [
            walk.key(),
            ("from_month", walk.month.to_string()),
            ("resolved_on", walk.month.previous().last().to_string()),
            ("number", "九和村决〔2026〕3号".to_owned()),
            ("text", text.to_owned()),
        ];
        walk.post(&zone, &format!("/scheme/{scheme}/adopt"), &form)
    };
    let refused = adopt(" ");
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("请填写决议文号和内容"));
    assert_eq!(adopt("同意").status, StatusCode::SEE_OTHER);

    // The month's round.
    assert!(walk.page(&officer, "/score").contains("还没有开月评比"));
    walk.page(&zone, "/rounds");
    let form = [
        walk.key(),
        ("month", walk.month.to_string()),
        ("visits_from", walk.month.first().to_string()),
        ("visits_to", walk.month.last().to_string()),
    ];
    let opened = walk.post(&zone, "/rounds", &form);
    assert!(walk.page(&zone, &opened.to).contains("九和村"));

    // Visits on a phone: fourteen items in fewer than twenty taps, and on to the next household.
    let visits = walk.page(&officer, "/score");
    assert!(visits.contains("已入户 0 户，共 3 户"));
    let first = visits.split("href=\"/score/").nth(1).and_then(|h| h.split('"').next());
    let batch = first.and_then(|path| path.split('/').next()).expect("a batch").to_owned();
    let save = |who: &str, household: &Id, change: &[(&str, &str)]| {
        let path = format!("/score/{batch}/{household}");
        let (mut form, taps) = first_buttons(&walk.page(who, &path));
        assert!(taps < 20, "{taps} taps");
        form.extend(change.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let today = domain::local_date(web::now());
        let mut form: Vec<(&str, String)> =
            form.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        form.extend([walk.key(), ("visited_on", today.to_string())]);
        walk.post(who, &path, &form)
    };
    let saved = save(&officer, &households[0], &[("item-B1", "4")]);
    assert!(saved.to.starts_with(&format!("/score/{batch}/{}", households[1])), "{}", saved.to);
    let refused = save(&officer, &households[1], &[("item-A1", "7")]);
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("A1 没有 7 分这一档"));
    assert!(refused.body.len() < PAGE_MAX);
    assert!(save(&officer, &households[1], &[]).to.contains(&households[2].to_string()));
    let last = save(&officer, &households[2], &[("item-A3", "-no_session")]);
    assert!(last.to.starts_with("/score?done=village-visited"), "{}", last.to);
    assert!(walk.page(&officer, "/score").contains("已入户 3 户，共 3 户"));

    // The cadre gives the other sheets; one is missing.
    save(&cadre, &households[0], &[("item-A1", "5")]);
    save(&cadre, &households[1], &[]);
    let both = walk.page(&cadre, &format!("/score/{batch}/{}", households[0]));
    assert!(both.contains("另一位的打分表"));

    // The village ends scoring, knowing what is missing, and reviews.
    let path = format!("/batches/{batch}");
    assert!(walk.page(&committee, &path).contains("扶贫专干 0 份，帮包干部 1 份"));
    assert!(walk.page(&committee, "/batches").contains("九和村"));
    let refused = walk.post(&committee, &format!("{path}/close"), &[walk.key()]);
    assert!(refused.body.contains("帮包干部 1 份"));
    let form = [walk.key(), ("accept_missing", "yes".to_owned())];
    let review = walk.post(&committee, &format!("{path}/close"), &form).to;
    let shown = walk.page(&committee, &review);
    assert!(shown.contains("一致的 1 户一并认可"));
    walk.page(&committee, &format!("{path}/review?show=differing"));
    walk.post(&committee, &format!("{path}/agree"), &[walk.key()]);
    let settle = |household: &Id, form: &[(&str, String)]| {
        let one = format!("{path}/review/{household}");
        walk.page(&committee, &one);
        walk.post(&committee, &one, form)
    };
    let taken = settle(&households[0], &[walk.key(), ("take", "cadre".to_owned())]);
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.body);
    let form = [walk.key(), ("outcome", "not_assessed".to_owned()), ("note", "住院".to_owned())];
    assert_eq!(settle(&households[2], &form).status, StatusCode::SEE_OTHER);
    let shown = walk.page(&committee, &format!("{path}/review"));
    assert!(shown.contains("本月不评") && shown.contains("结束评议"));
    walk.post(&committee, &format!("{path}/finish"), &[walk.key()]);
    assert!(walk.page(&committee, &path).contains("已评议"));

    // The list goes out as a file too.
    let form = [walk.key(), ("kind", "csv".to_owned()), ("why", "月报".to_owned())];
    let file = walk.post(&committee, "/batches/export", &form);
    assert!(file.body.contains("九和村") && file.body.contains("李支书"), "{}", file.body);
    assert!(walk.page(&zone, &format!("/scheme/{scheme}/trial")).contains("户不变"));
}

#[test]
fn a_scheme_with_unlawful_rules_is_shown_what_is_wrong() {
    let walk = Walk::new();
    let (_, zone) = walk.person("赵主任", Role::ZoneOfficer, Some("001"));
    let scheme = include_str!("../../../../data/scheme/default_points_scheme.json")
        .replace("\"version\": 1,", "\"version\": 2,");
    let upload = |json: &str| {
        let key = walk.stage.id();
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"s.json\"\r\n\r\n{json}\r\n\
             --b--\r\n"
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri("/scheme")
            .header(header::HOST, "siji.test")
            .header(header::COOKIE, &zone)
            .header("x-csrf-token", web::form_token(&zone))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(body))
            .expect("a request");
        walk.runtime.block_on(async {
            let answer = walk.router.clone().oneshot(request).await.expect("an answer");
            let status = answer.status();
            let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
            (status, String::from_utf8_lossy(&bytes).into_owned())
        })
    };
    let (status, body) = upload(&scheme.replace("能说出2项", "无越级上 访"));
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.contains("不得以“上访”作为评分依据"), "{body}");
    let (status, body) = upload("{");
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.contains("读不出来"), "{body}");
    assert_eq!(upload(&scheme).0, StatusCode::SEE_OTHER);
    assert!(walk.page(&zone, "/scheme").contains("共 2 版"));
}
