//! What is masked, what is revealed, and the register of fields, through the real router.

use axum::http::{Method, StatusCode};
use domain::registry::{Household, Member};
use testkit::Stage;

use crate::posting::Wall;

const NUMBER: &str = "11010519491231002X";
const PHONE: &str = "13912345678";

/// The village's first household with a telephone, an account, an income, and one person.
fn wall(stage: &Stage) -> Wall<'_> {
    let wall = Wall::new(stage);
    let (id, person) = (wall.village.households[0], stage.id());
    stage
        .write::<_, app::Never>(move |tx| {
            let row = store::registry::find(tx, id)?.expect("a household").household;
            let told = Household {
                phone: Some(PHONE.into()),
                bank_account: Some("6222021602001234567".into()),
                income_fen: Some(765_432),
                poverty_cause: Some("illness".into()),
                ..row
            };
            store::registry::update_households(tx, [(id, &told, "words".to_owned())], 1)?;
            let member = Member {
                household: id,
                number: "M1".into(),
                name: "张三".into(),
                relation: "02".into(),
                sex: "1".into(),
                id_kind: "1".into(),
                citizen_number: Some(NUMBER.into()),
                born_on: None,
                ethnic: None,
                political: None,
                education: None,
                student: None,
                health: Some("healthy".into()),
                work_skill: None,
                work_area: None,
                work_months: None,
                medical_insurance: Some(true),
                dibao: None,
                active: true,
            };
            store::registry::record_members(tx, [(person, &member)])?;
            Ok(())
        })
        .expect("what is known of the household");
    wall
}

const SECRETS: [&str; 4] = [NUMBER, PHONE, "6222021602001234567", "7654.32"];

#[test]
fn pages_are_masked_and_a_look_has_a_reason() {
    let stage = Stage::sqlite();
    let wall = wall(&stage);
    let officer = wall.signed_in(&wall.village.officer);
    let page = format!("/households/{}", wall.village.households[0]);
    for language in ["", "; lang=en"] {
        let cookie = format!("{officer}{language}");
        for path in [page.clone(), format!("{page}/file"), "/households".to_owned()] {
            let shown = wall.get(&path, &cookie);
            assert_eq!(shown.status, StatusCode::OK, "{path}");
            assert!(!shown.body.contains('⟦'), "{path}: {}", shown.body);
            assert!(!SECRETS.iter().any(|s| shown.body.contains(s)), "{path}: {}", shown.body);
        }
        let reveal = format!("{page}/reveal");
        let asked = [("field", "phone"), ("reason", "visit"), ("words", "上门前联系")];
        let without = wall.ask(Method::POST, &reveal, &cookie, &asked[..2]);
        assert_eq!(without.status, StatusCode::CONFLICT);
        assert!(!without.body.contains('⟦') && !without.body.contains(PHONE), "{}", without.body);
        let revealed = wall.ask(Method::POST, &reveal, &cookie, &asked);
        assert!(revealed.body.contains(PHONE) && !revealed.body.contains('⟦'), "{}", revealed.body);
        let others = SECRETS.iter().filter(|s| **s != PHONE);
        assert_eq!(others.filter(|s| revealed.body.contains(**s)).count(), 0, "one at a time");

        let file = format!("{page}/file");
        let asked = [("reason", "request"), ("words", "本户查询"), ("in_clear", "1")];
        let masked = wall.ask(Method::POST, &file, &cookie, &asked[..2]).body;
        assert!(!SECRETS.iter().any(|s| masked.contains(s)) && !masked.contains('⟦'), "{masked}");
        let clear = wall.ask(Method::POST, &file, &cookie, &asked).body;
        assert!(SECRETS.iter().all(|s| clear.contains(s)) && !clear.contains('⟦'), "{clear}");
    }
    let neighbour = wall.signed_in(&wall.village.neighbour);
    for path in [format!("{page}/reveal"), format!("{page}/file")] {
        let asked = [("field", "phone"), ("reason", "visit"), ("words", "上门前联系")];
        let theirs = wall.ask(Method::POST, &path, &neighbour, &asked);
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn a_number_is_never_part_of_an_address() {
    let stage = Stage::sqlite();
    let wall = wall(&stage);
    let officer = wall.signed_in(&wall.village.officer);
    let key = stage.id().to_string();
    let asked = [("key", key.as_str()), ("number", NUMBER)];
    let found = wall.ask(Method::POST, "/households/find", &officer, &asked);
    let page = format!("/households/{}", wall.village.households[0]);
    assert_eq!((found.status, found.location), (StatusCode::SEE_OTHER, page));
    let by_search = wall.get(&format!("/households?q={NUMBER}"), &officer).body;
    assert!(!by_search.contains("张三"), "the search box knows no numbers");
    let neighbour = wall.signed_in(&wall.village.neighbour);
    let key = stage.id().to_string();
    let asked = [("key", key.as_str()), ("number", NUMBER)];
    let theirs = wall.ask(Method::POST, "/households/find", &neighbour, &asked);
    assert_eq!(theirs.status, StatusCode::CONFLICT);
    assert!(!theirs.body.contains('⟦'), "{}", theirs.body);
}

#[test]
fn everybody_can_read_what_is_kept() {
    let stage = Stage::sqlite();
    let wall = Wall::new(&stage);
    for language in ["", "lang=en"] {
        let register = wall.get("/privacy", language);
        assert_eq!(register.status, StatusCode::OK);
        assert!(!register.body.contains('⟦'), "a field lacks its words: {}", register.body);
        assert!(register.body.contains("citizen_number"));
    }
}

#[test]
fn a_list_with_sealed_values_goes_from_asking_to_the_file() {
    let stage = Stage::sqlite();
    let wall = wall(&stage);
    let committee = wall.signed_in(&wall.village.committee);
    let zone = wall.signed_in(&wall.village.zone_officer);
    let neighbour = wall.signed_in(&wall.village.neighbour);
    let clean = |path: &str, cookie: &str| {
        for language in ["", "; lang=en"] {
            let shown = wall.get(path, &format!("{cookie}{language}"));
            assert_eq!(shown.status, StatusCode::OK, "{path}: {}", shown.body);
            assert!(!shown.body.contains('⟦'), "{path}: {}", shown.body);
            assert!(!SECRETS.iter().any(|s| shown.body.contains(s)), "{path}: {}", shown.body);
        }
        wall.get(path, cookie).body
    };
    assert!(clean("/households", &committee).contains("/takeouts"));
    assert!(clean("/takeouts?area=001.001.001", &committee).contains("column-phone"));
    let key = stage.id().to_string();
    let asked = [
        ("key", key.as_str()),
        ("area", "001.001.001"),
        ("reason", "payment"),
        ("words", "发放补贴"),
        ("column-phone", "1"),
        ("column-citizen_number", "1"),
        ("column-income_fen", "1"),
    ];
    let unticked = wall.ask(Method::POST, "/takeouts", &committee, &asked[..4]);
    assert_eq!(unticked.status, StatusCode::CONFLICT);
    let sent = wall.ask(Method::POST, "/takeouts", &committee, &asked);
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let page = format!("/takeouts/{key}");
    assert!(sent.location.starts_with(&page), "{}", sent.location);
    assert!(!clean(&page, &committee).contains(&format!("{page}/take\"")), "not allowed yet");
    assert!(clean("/", &zone).contains("/takeouts?standing=asked"));
    assert!(clean("/takeouts?standing=asked", &zone).contains(&page));
    assert!(clean(&page, &zone).contains(&format!("{page}/decide\"")));
    assert_eq!(wall.get(&page, &neighbour).status, StatusCode::NOT_FOUND);
    assert!(!clean("/takeouts", &neighbour).contains(&page));

    let answer = stage.id().to_string();
    let yes = [("key", answer.as_str()), ("answer", "allow"), ("words", "同意")];
    let allowed = wall.ask(Method::POST, &format!("{page}/decide"), &zone, &yes);
    assert_eq!(allowed.status, StatusCode::SEE_OTHER, "{}", allowed.body);
    assert!(clean(&page, &committee).contains(&format!("{page}/take\"")));
    let file = stage.id().to_string();
    let take = [("key", file.as_str()), ("kind", "csv")];
    let taken = wall.ask(Method::POST, &format!("{page}/take"), &committee, &take).body;
    let lines: Vec<&str> = taken.lines().collect();
    assert!(lines[0].contains("发放补贴") && !taken.contains('⟦'), "{taken}");
    assert_eq!(lines.len(), 3, "note, header, one person: {taken}");
    for known in [NUMBER, PHONE, "7654.32", &key.replace('-', "")[24..]] {
        assert!(lines[2].contains(known), "{known}: {taken}");
    }
    assert!(!taken.contains("6222021602001234567"), "what was not asked for: {taken}");
    for other in [&zone, &neighbour] {
        let theirs = wall.ask(Method::POST, &format!("{page}/take"), other, &take);
        assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    }
    let seen = format!("/households/{}/seen", wall.village.households[0]);
    assert!(clean(&seen, &zone).contains("敏感名单"), "the household can see that it went out");
}
