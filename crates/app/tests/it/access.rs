//! Coming in, staying in, being shut out; who may make whom what. Told on both databases.

use std::net::IpAddr;

use app::access::{
    AcceptRefusal, AddPerson, Entrance, First, Found, FoundRefusal, GivePost, Invite, Knock,
    LoginRefusal, PeopleRefusal, Settings,
};
use app::{Failure, Never, Reach, Who};
use domain::Id;
use domain::access::password::{PasswordRefusal, Profile};
use domain::access::{PostRefusal, Role};
use store::access::Factor;
use testkit::{Stage, on_both};

const PASSWORD: &str = "plum-kettle-orbit-9";

/// Somebody at a browser of their own.
#[derive(Clone, Copy)]
struct At {
    browser: u8,
    address: &'static str,
}

const DESK: At = At { browser: 1, address: "10.0.0.1" };
const STRANGER: At = At { browser: 66, address: "203.0.113.9" };

fn knock(at: At) -> Knock {
    let address: IpAddr = at.address.parse().expect("an address");
    Knock { browser: Some([at.browser; 32]), address: Some(address) }
}

fn entrance(stage: &Stage, at: At, token: u8) -> Entrance {
    Entrance {
        token_hash: [token; 32],
        session: stage.id(),
        browser: [at.browser; 32],
        device: "Firefox".into(),
        subject: None,
        from: knock(at),
        now: stage.now(),
    }
}

/// Types a login and a password; a failure counts.
fn sign_in(
    stage: &Stage,
    login: &str,
    password: &str,
    at: At,
    token: u8,
) -> Result<Factor, LoginRefusal> {
    let (name, now) = (login.to_owned(), stage.now());
    let from = knock(at);
    let attempt =
        stage.read(move |tx| app::access::attempt(tx, &name, from, now)).expect("an attempt");
    match attempt.check(password) {
        Ok(person) => {
            let e = entrance(stage, at, token);
            Ok(stage.write(move |tx| app::access::enter(tx, person, &e)).expect("a session"))
        }
        Err(no) => {
            let name = login.to_owned();
            if no == LoginRefusal::Wrong {
                stage
                    .write(move |tx| app::access::record_failure(tx, &name, from, now))
                    .expect("a failure is counted");
            }
            Err(no)
        }
    }
}

/// Who stands behind this token now.
fn behind(stage: &Stage, token: u8) -> Option<app::access::SignedIn> {
    let now = stage.now();
    stage.read(move |tx| app::access::who(tx, [token; 32], now)).expect("an answer")
}

fn hashed(stage: &Stage, person: Id, password: &str) -> Result<String, PasswordRefusal> {
    let now = stage.now();
    let rules = stage.read(move |tx| app::access::rules(tx, person, now)).expect("rules");
    rules.hash(password, &[1; 16]).map_err(|e| match e {
        Failure::Refused(no) => no,
        other => panic!("{other:?}"),
    })
}

/// Founds a zone; its first security administrator, and a system administrator made by them.
fn founded(stage: &Stage) -> (Who, Who) {
    let now = stage.now();
    let code_hash = app::access::code_hash("abcd-efgh-jkmn-2345");
    let found = Found { key: stage.id(), zone: "区".into(), code_hash, now };
    stage.write(move |tx| app::access::found(tx, &found)).expect("a zone");
    let first = First {
        key: stage.id(),
        code_hash: app::access::code_hash("ABCD EFGH JKMN 2345"),
        name: "何静".into(),
        login: "security".into(),
        password: app::access::hash_of_demo(PASSWORD).expect("a hash"),
        now,
    };
    let id = stage.write(move |tx| app::access::first(tx, &first)).expect("the first one");
    let security = as_person(stage, id);
    let system = added(stage, &security, "冯涛");
    give(stage, &security, system, Role::SystemAdmin).expect("a post");
    let_in(stage, &security, system, "admin", PASSWORD);
    (security, as_person(stage, system))
}

fn as_person(stage: &Stage, id: Id) -> Who {
    let now = stage.now();
    stage.read::<_, Never>(move |tx| app::access::as_person(tx, id, now)).expect("a person")
}

fn added(stage: &Stage, who: &Who, name: &str) -> Id {
    let (who, r) = (who.clone(), AddPerson { key: stage.id(), name: name.into(), unit: None });
    stage.write(move |tx| app::access::add_person(tx, &who, &r)).expect("a person")
}

fn give(stage: &Stage, who: &Who, person: Id, role: Role) -> Result<Id, Failure<PeopleRefusal>> {
    let zone = stage.read::<_, Never>(|tx| Ok(store::access::topmost(tx)?)).expect("a zone");
    let key = stage.id();
    let r = GivePost { key, person, role, area: zone, place: None, from: who.today(), to: None };
    let who = stage.now_as(who);
    stage.write(move |tx| app::access::give_post(tx, &who, &r)).map(|()| key)
}

fn invited(
    stage: &Stage,
    who: &Who,
    person: Id,
    login: &str,
) -> Result<[u8; 32], Failure<PeopleRefusal>> {
    let code_hash = app::access::code_hash(&format!("code of {}", stage.id()));
    let r = Invite { key: stage.id(), person, login: login.into(), code_hash };
    let who = stage.now_as(who);
    stage.write(move |tx| app::access::invite(tx, &who, &r)).map(|()| code_hash)
}

fn accepted(stage: &Stage, code: [u8; 32], hashed: &str) -> Result<Id, Failure<AcceptRefusal>> {
    let (key, hashed, now) = (stage.id(), hashed.to_owned(), stage.now());
    stage.write(move |tx| app::access::accept(tx, key, code, &hashed, now))
}

fn let_in(stage: &Stage, who: &Who, person: Id, login: &str, password: &str) {
    let code = invited(stage, who, person, login).expect("an invitation");
    let hashed = hashed(stage, person, password).expect("a password that will do");
    accepted(stage, code, &hashed).expect("a password");
}

#[test]
fn a_new_zone_has_no_account_until_its_code_is_used_once() {
    on_both(|stage| {
        assert_eq!(sign_in(stage, "admin", "admin", DESK, 1), Err(LoginRefusal::Wrong));
        let (security, system) = founded(stage);
        let first = |code: &str| {
            let r = First {
                key: stage.id(),
                code_hash: app::access::code_hash(code),
                name: "又一位".into(),
                login: "second".into(),
                password: String::new(),
                now: stage.now(),
            };
            stage.write(move |tx| app::access::first(tx, &r)).map_err(|e| format!("{e:?}"))
        };
        let unknown = || Err("Refused(CodeUnknown)".to_owned());
        assert_eq!(first("abcd-efgh-jkmn-2345"), unknown(), "used");
        assert_eq!(first("zzzz-zzzz-zzzz-zzzz"), unknown(), "never given");
        let now = stage.now();
        let again = stage.write(move |tx| app::access::new_first_code(tx, [9; 32], now));
        assert!(matches!(again, Err(Failure::Refused(FoundRefusal::AlreadyFounded))));
        assert!(security.holds(Role::SecurityAdmin) && system.holds(Role::SystemAdmin));
        // Now that there is a system administrator, accounts are theirs alone.
        let (who, r) =
            (security.clone(), AddPerson { key: stage.id(), name: "谁".into(), unit: None });
        let added = stage.write(move |tx| app::access::add_person(tx, &who, &r));
        assert!(matches!(added, Err(Failure::NotAllowed)));
        assert!(matches!(
            give(stage, &system, security.person, Role::Auditor),
            Err(Failure::NotAllowed)
        ));
    });
}

#[test]
fn a_first_code_is_good_for_a_day() {
    on_both(|stage| {
        let now = stage.now();
        let found = Found { key: stage.id(), zone: "区".into(), code_hash: [1; 32], now };
        stage.write(move |tx| app::access::found(tx, &found)).expect("a zone");
        stage.at("2026-11-03T09:00");
        let rules = |hash| {
            let now = stage.now();
            stage
                .read(move |tx| app::access::rules_for_code(tx, hash, ("a", "b"), now))
                .map(|_| ())
                .map_err(|e| format!("{e:?}"))
        };
        assert_eq!(rules([1; 32]), Err("Refused(CodeUnknown)".into()));
        let now = stage.now();
        stage.write(move |tx| app::access::new_first_code(tx, [2; 32], now)).expect("another");
        assert_eq!(rules([2; 32]), Ok(()));
    });
}

#[test]
fn three_administrators_are_three_people() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let refused = |person, role| match give(stage, &security, person, role) {
            Err(Failure::Refused(PeopleRefusal::Post(no))) => Some(no),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(system.person, Role::Auditor),
            Some(PostRefusal::NotBesideAdministrator)
        );
        assert_eq!(
            refused(system.person, Role::SecurityAdmin),
            Some(PostRefusal::NotBesideAdministrator)
        );
        assert_eq!(
            refused(system.person, Role::ZoneOfficer),
            Some(PostRefusal::NotBesideAdministrator)
        );
        assert_eq!(refused(security.person, Role::SystemAdmin), Some(PostRefusal::OwnPost));
        let officer = added(stage, &system, "周建华");
        let post = give(stage, &security, officer, Role::ZoneOfficer).expect("a post");
        assert_eq!(refused(officer, Role::SystemAdmin), Some(PostRefusal::NotBesideAdministrator));
        let (who, key) = (security.clone(), stage.id());
        stage.write(move |tx| app::access::end_post(tx, &who, key, post)).expect("ended");
        give(stage, &security, officer, Role::Auditor).expect("nothing stands beside it any more");
    });
}

#[test]
fn an_invitation_is_good_once_and_a_reset_ends_what_was() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let person = added(stage, &system, "李书记");
        give(stage, &security, person, Role::VillageCommittee).expect("a post");
        let code = invited(stage, &system, person, "village").expect("an invitation");
        assert_eq!(sign_in(stage, "village", PASSWORD, DESK, 1), Err(LoginRefusal::Wrong));
        let hash = hashed(stage, person, PASSWORD).expect("a password that will do");
        assert_eq!(accepted(stage, code, &hash).expect("accepted"), person);
        assert!(matches!(
            accepted(stage, code, &hash),
            Err(Failure::Refused(AcceptRefusal::CodeUnknown))
        ));
        assert_eq!(sign_in(stage, "village", PASSWORD, DESK, 1), Ok(Factor::None));
        assert!(behind(stage, 1).is_some());

        // A code for a new password: the old one and the session are good no longer.
        let old = invited(stage, &system, person, "village").expect("a code");
        assert!(behind(stage, 1).is_none());
        assert_eq!(sign_in(stage, "village", PASSWORD, DESK, 2), Err(LoginRefusal::Wrong));
        // A second code takes the place of the first; a day later neither is good.
        let new = invited(stage, &system, person, "village").expect("a code");
        assert!(accepted(stage, old, &hash).is_err());
        stage.at("2026-11-03T09:00");
        assert!(accepted(stage, new, &hash).is_err());
        // Nobody lets themselves in anew.
        assert!(matches!(
            invited(stage, &system, system.person, "admin"),
            Err(Failure::Refused(PeopleRefusal::Oneself))
        ));
    });
}

#[test]
fn a_thousand_wrong_tries_do_not_shut_out_whoever_is_at_their_own_desk() {
    // Argon2 a thousand times over would only take time: what is too often is not computed at all.
    let stage = Stage::sqlite();
    let (_, _) = founded(&stage);
    assert_eq!(sign_in(&stage, "admin", PASSWORD, DESK, 1), Ok(Factor::None));
    let mut computed = 0;
    for n in 0..1_000_u32 {
        let try_once = sign_in(&stage, "admin", "not-this-one", STRANGER, 9);
        computed += u32::from(try_once == Err(LoginRefusal::Wrong));
        assert!(
            n < 5 || try_once == Err(LoginRefusal::TooOften { minutes: 10 }),
            "{n}: {try_once:?}"
        );
    }
    assert_eq!(computed, 5);
    assert_eq!(
        sign_in(&stage, "admin", PASSWORD, STRANGER, 9),
        Err(LoginRefusal::TooOften { minutes: 10 })
    );
    assert_eq!(sign_in(&stage, "admin", PASSWORD, DESK, 2), Ok(Factor::None));
    stage.at("2026-11-02T09:11");
    assert_eq!(sign_in(&stage, "admin", PASSWORD, STRANGER, 3), Ok(Factor::None));
}

#[test]
fn many_addresses_are_held_off_one_login_but_not_its_own_browser() {
    let stage = Stage::sqlite();
    founded(&stage);
    assert_eq!(sign_in(&stage, "admin", PASSWORD, DESK, 1), Ok(Factor::None));
    let now = stage.now();
    for n in 0..100_u32 {
        let from =
            Knock { browser: None, address: Some(IpAddr::from((0x0a01_0000 + n).to_be_bytes())) };
        stage
            .write(move |tx| app::access::record_failure(tx, "admin", from, now))
            .expect("counted");
    }
    assert_eq!(
        sign_in(&stage, "admin", PASSWORD, STRANGER, 2),
        Err(LoginRefusal::TooOften { minutes: 10 })
    );
    assert_eq!(sign_in(&stage, "admin", PASSWORD, DESK, 2), Ok(Factor::None));
}

/// The code that an authenticator shows at a moment.
fn code_at(secret: &str, seconds: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("a secret");
    let totp =
        totp_rs::Builder::new().with_secret(secret).with_account_name("a").build().expect("totp");
    totp.generate(u64::try_from(seconds).expect("a moment")).to_string()
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_is_good_once() {
    on_both(|stage| {
        let (_, _) = founded(stage);
        assert_eq!(sign_in(stage, "admin", PASSWORD, DESK, 1), Ok(Factor::None));
        let signed_in = behind(stage, 1).expect("signed in");
        assert!(!signed_in.may_act, "an administrator without a second factor may not act");
        let who = signed_in.who.clone();
        let session = signed_in.session;
        let (w, s) = (who.clone(), [7; 20]);
        let setup = stage.write(move |tx| app::access::begin_factor(tx, &w, s)).expect("begun");
        assert!(setup.url.starts_with("otpauth://totp/") && setup.url.contains(&setup.secret));
        let seconds = stage.now() / 1000;
        let codes: Vec<String> = vec!["aaaa-bbbb-cccc-2222".into(), "dddd-eeee-ffff-3333".into()];
        let confirm = |code: String| {
            let (who, key, codes) = (who.clone(), stage.id(), codes.clone());
            stage
                .write(move |tx| app::access::confirm_factor(tx, &who, key, session, &code, &codes))
                .map_err(|e| format!("{e:?}"))
        };
        assert_eq!(confirm("000000".into()), Err("Refused(CodeWrong)".into()));
        assert_eq!(confirm(code_at(&setup.secret, seconds)), Ok(()));
        assert!(behind(stage, 1).expect("this session goes on").may_act);

        let show = |asked: u8, code: String, token: u8| {
            let e = entrance(stage, DESK, token);
            let now = stage.now();
            let shown = stage.write(move |tx| app::access::show_code(tx, [asked; 32], &code, &e));
            if matches!(shown, Err(Failure::Refused(LoginRefusal::CodeWrong))) {
                stage
                    .write(move |tx| {
                        app::access::record_wrong_code(tx, [asked; 32], knock(DESK), now)
                    })
                    .expect("counted");
            }
            shown.map_err(|e| format!("{e:?}"))
        };
        let ask =
            |token| assert_eq!(sign_in(stage, "admin", PASSWORD, DESK, token), Ok(Factor::Asked));
        ask(2);
        assert!(behind(stage, 2).is_none(), "with the password alone they are nobody");
        let wrong = || Err("Refused(CodeWrong)".to_owned());
        assert_eq!(show(2, code_at(&setup.secret, seconds), 3), wrong(), "the code was used");
        assert_eq!(show(2, code_at(&setup.secret, seconds - 30), 3), wrong(), "an older one");
        assert_eq!(show(2, code_at(&setup.secret, seconds + 90), 3), wrong(), "too far ahead");
        assert_eq!(show(2, code_at(&setup.secret, seconds + 30), 3), Ok(()));
        assert!(behind(stage, 2).is_none(), "the token changes with the rights");
        assert!(behind(stage, 3).expect("in").may_act);
        // A recovery code, however it is typed, once.
        ask(4);
        assert_eq!(show(4, "AAAA BBBB CCCC 2222".into(), 5), Ok(()));
        ask(6);
        assert_eq!(show(6, "aaaa-bbbb-cccc-2222".into(), 7), wrong());
        // Five wrong ones, and this place waits; so it does not help to know the password.
        (0..4).for_each(|_| assert_eq!(show(6, "999999".into(), 7), wrong()));
        assert_eq!(show(6, "dddd-eeee-ffff-3333".into(), 7), wrong_or_wait());
        // The password was typed too long ago.
        stage.at("2026-11-02T09:20");
        assert_eq!(show(6, "dddd-eeee-ffff-3333".into(), 7), Err("Refused(TooLate)".into()));
        ask(8);
        assert_eq!(show(8, "dddd-eeee-ffff-3333".into(), 9), Ok(()));
    });
}

fn wrong_or_wait() -> Result<(), String> {
    Err("Refused(TooOften { minutes: 10 })".into())
}

#[test]
fn a_lost_telephone_takes_two_administrators() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let who = stage.now_as(&system);
        let secret = stage
            .write(move |tx| app::access::begin_factor(tx, &who, [3; 20]))
            .expect("begun")
            .secret;
        assert_eq!(sign_in(stage, "admin", PASSWORD, DESK, 1), Ok(Factor::None));
        let session = behind(stage, 1).expect("in").session;
        let (who, key) = (system.clone(), stage.id());
        let code = code_at(&secret, stage.now() / 1000);
        stage
            .write(move |tx| app::access::confirm_factor(tx, &who, key, session, &code, &[]))
            .expect("confirmed");
        // A new password does not pass the second factor by: that is the security administrator's.
        let drop = |who: &Who, person| {
            let (who, key) = (who.clone(), stage.id());
            stage.write(move |tx| app::access::drop_factor(tx, &who, key, person))
        };
        assert!(matches!(drop(&system, system.person), Err(Failure::NotAllowed)));
        assert!(matches!(
            drop(&security, security.person),
            Err(Failure::Refused(PeopleRefusal::Oneself))
        ));
        drop(&security, system.person).expect("taken off");
        assert!(behind(stage, 1).is_none(), "and their sessions end");
        assert_eq!(sign_in(stage, "admin", PASSWORD, DESK, 2), Ok(Factor::None));
    });
}

#[test]
fn a_session_ends_when_it_should() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let person = added(stage, &system, "钱秀英");
        let post = give(stage, &security, person, Role::VillageCommittee).expect("a post");
        let_in(stage, &system, person, "village", PASSWORD);
        let enter =
            |token| assert_eq!(sign_in(stage, "village", PASSWORD, DESK, token), Ok(Factor::None));
        // Half an hour without a request; twelve hours at last.
        enter(1);
        stage.at("2026-11-02T09:29");
        assert!(behind(stage, 1).is_some());
        stage.at("2026-11-02T09:30");
        assert!(behind(stage, 1).is_none());
        enter(2);
        for half in 1..25 {
            let (hour, minute) = (9 + (30 + half * 29) / 60, (30 + half * 29) % 60);
            stage.at(&format!("2026-11-02T{hour:02}:{minute:02}"));
            let now = stage.now();
            assert!(behind(stage, 2).is_some(), "{hour}:{minute}");
            stage.write(move |tx| app::access::touch(tx, [2; 32], now)).expect("touched");
        }
        stage.at("2026-11-02T21:30");
        assert!(behind(stage, 2).is_none());
        // Logout, a changed password elsewhere, a disabled account, an ended post.
        let (mine, other) = (3, 4);
        enter(mine);
        enter(other);
        let who = behind(stage, mine).expect("in");
        let hash = hashed(stage, person, "another-kettle-orbit").expect("will do");
        let (w, key, session) = (who.who.clone(), stage.id(), who.session);
        stage
            .write(move |tx| app::access::change_password(tx, &w, key, session, &hash))
            .expect("changed");
        assert!(behind(stage, mine).is_some());
        assert!(behind(stage, other).is_none());
        let now = stage.now();
        stage.write(move |tx| app::access::sign_out(tx, [3; 32], now)).expect("out");
        assert!(behind(stage, mine).is_none());
        let sign_in = |token| sign_in(stage, "village", "another-kettle-orbit", DESK, token);
        sign_in(5).expect("in");
        let (w, key) = (stage.now_as(&security), stage.id());
        stage.write(move |tx| app::access::end_post(tx, &w, key, post)).expect("ended");
        let left = behind(stage, 5).expect("a person still").who;
        assert!(!left.may(domain::access::Permission::ReadHouseholds));
        assert!(matches!(left.reach(), Reach::Person(scope) if scope.is_empty()));
        let (w, key) = (stage.now_as(&system), stage.id());
        stage.write(move |tx| app::access::disable(tx, &w, key, person, true)).expect("shut out");
        assert!(behind(stage, 5).is_none());
        assert_eq!(sign_in(6), Err(LoginRefusal::Disabled));
    });
}

#[test]
fn somebody_else_s_session_can_be_ended_by_administrators_alone() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        assert_eq!(sign_in(stage, "admin", PASSWORD, DESK, 1), Ok(Factor::None));
        let session = behind(stage, 1).expect("in").session;
        let officer = added(stage, &system, "周建华");
        give(stage, &security, officer, Role::ZoneOfficer).expect("a post");
        let end = |who: &Who, person| {
            let who = stage.now_as(who);
            stage.write(move |tx| app::access::end_session(tx, &who, person, session))
        };
        let officer = as_person(stage, officer);
        assert!(matches!(end(&officer, system.person), Err(Failure::NotAllowed)));
        assert!(
            matches!(end(&officer, officer.person), Err(Failure::NotFound)),
            "not one of theirs"
        );
        end(&security, system.person).expect("ended");
        assert!(behind(stage, 1).is_none());
    });
}

#[test]
fn the_profile_of_dengbao_asks_for_change_composition_and_history() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let set = |profile, required| {
            let (who, key) = (stage.now_as(&security), stage.id());
            let chosen = Settings { profile, second_factor_required: required };
            stage.write(move |tx| app::access::set_settings(tx, &who, key, chosen)).expect("set");
        };
        let person = added(stage, &system, "孙丽");
        give(stage, &security, person, Role::AssistanceOfficer).expect("a post");
        let hash = |password: &str| hashed(stage, person, password).map(|_| ());
        assert_eq!(hash("password123"), Err(PasswordRefusal::TooEasy));
        assert_eq!(hash("plum-kettle-orbit"), Ok(()));
        set(Profile::Dengbao3, true);
        assert_eq!(hash("plum-kettle-orbit"), Err(PasswordRefusal::TooFewKinds { least: 3 }));
        assert_eq!(
            hashed(stage, system.person, "Plum-kettle-9").map(|_| ()),
            Err(PasswordRefusal::TooShort { least: 15 })
        );
        let word = |n: u32| format!("Plum-kettle-{n}{n}{n}");
        let_in(stage, &system, person, "officer", &word(0));
        assert_eq!(sign_in(stage, "officer", &word(0), DESK, 1), Ok(Factor::None));
        // Fifteen minutes.
        stage.at("2026-11-02T09:15");
        assert!(behind(stage, 1).is_none());
        // Five former ones do not come back; the sixth may.
        for n in 1..=5 {
            let hash = hashed(stage, person, &word(n)).expect("will do");
            let (who, key) = (as_person(stage, person), stage.id());
            let session = stage.id();
            stage.at(&format!("2026-11-02T09:{}", 15 + n));
            let who = stage.now_as(&who);
            stage
                .write(move |tx| app::access::change_password(tx, &who, key, session, &hash))
                .expect("changed");
        }
        for n in 1..=5 {
            assert_eq!(hash(&word(n)), Err(PasswordRefusal::UsedBefore { times: 5 }), "{n}");
        }
        assert_eq!(hash(&word(0)), Ok(()));
        // Ninety days.
        stage.at("2027-01-31T09:00");
        assert_eq!(sign_in(stage, "officer", &word(5), DESK, 2), Ok(Factor::None));
        assert!(!behind(stage, 2).expect("in").must_change);
        stage.at("2027-01-31T09:21");
        assert_eq!(sign_in(stage, "officer", &word(5), DESK, 3), Ok(Factor::None));
        assert!(behind(stage, 3).expect("in").must_change);
        // Ninety days without anybody.
        stage.at("2027-05-02T09:21");
        assert_eq!(sign_in(stage, "officer", &word(5), DESK, 4), Err(LoginRefusal::Unused));
        // The other profile asks for none of it.
        set(Profile::Asvs, false);
        assert_eq!(sign_in(stage, "officer", &word(5), DESK, 5), Ok(Factor::None));
        let signed_in = behind(stage, 5).expect("in");
        assert!(!signed_in.must_change && signed_in.may_act);
    });
}

#[test]
fn a_key_that_was_used_for_something_else_is_refused_everywhere() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let person = added(stage, &system, "李书记");
        let used = person; // The key of adding them, which is their id.
        let code = invited(stage, &system, person, "village").expect("an invitation");
        let (hash, now) = (hashed(stage, person, PASSWORD).expect("will do"), stage.now());
        let stored = hash.clone();
        let accepted =
            stage.write(move |tx| app::access::accept(tx, used, code, &stored, now)).map(|_| ());
        assert!(matches!(accepted, Err(Failure::KeyReused)), "{accepted:?}");
        let (who, session) = (system.clone(), stage.id());
        let changed =
            stage.write(move |tx| app::access::change_password(tx, &who, used, session, &hash));
        assert!(matches!(changed, Err(Failure::KeyReused)), "{changed:?}");
        let who = security.clone();
        let dropped = stage.write(move |tx| app::access::drop_factor(tx, &who, used, person));
        assert!(matches!(dropped, Err(Failure::KeyReused)), "{dropped:?}");
        let who = system.clone();
        let own = stage.write(move |tx| app::access::drop_own_factor(tx, &who, used, session));
        assert!(matches!(own, Err(Failure::KeyReused)), "{own:?}");
        // The same twice is the same once.
        let key = stage.id();
        for _ in 0..2 {
            let who = security.clone();
            stage.write(move |tx| app::access::drop_factor(tx, &who, key, person)).expect("once");
        }
    });
}

#[test]
fn a_post_at_a_store_that_does_not_exist_is_refused() {
    on_both(|stage| {
        let (security, system) = founded(stage);
        let keeper = added(stage, &system, "店员");
        let zone = stage.read::<_, Never>(|tx| Ok(store::access::topmost(tx)?)).expect("a zone");
        let store_id = stage.id();
        stage
            .write::<_, Never>(move |tx| {
                let sql = "INSERT INTO place (id, kind, name, area, path) \
                           VALUES ($1, 'store', '超市', $2, '001')";
                tx.exec(sql, &store::args![store_id, zone])?;
                Ok(())
            })
            .expect("a store");
        let at = |place: Id| {
            let r = GivePost {
                key: stage.id(),
                person: keeper,
                role: Role::StoreKeeper,
                area: zone,
                place: Some(place),
                from: security.today(),
                to: None,
            };
            let who = stage.now_as(&security);
            stage.write(move |tx| app::access::give_post(tx, &who, &r))
        };
        let unknown = |place: Id| {
            assert!(matches!(at(place), Err(Failure::Refused(PeopleRefusal::PlaceUnknown))));
        };
        unknown(stage.id());
        assert_eq!(as_person(stage, keeper).posts, []);
        // An area is no store.
        unknown(zone.expect("a zone"));
        at(store_id).expect("a post at a store that is there");
        assert_eq!(as_person(stage, keeper).posts[0].place, Some(store_id));
    });
}

fn linked(stage: &Stage, who: &Who, person: Id, subject: Option<&'static str>) {
    let (who, key) = (stage.now_as(who), stage.id());
    stage
        .write(move |tx| app::access::set_subject(tx, &who, key, person, subject))
        .expect("a link, or none");
}

/// By way of the provider, who says that they are `subject`.
fn vouched(stage: &Stage, person: Id, subject: &str, token: u8) -> Result<Factor, LoginRefusal> {
    let e = Entrance { subject: Some(subject.into()), ..entrance(stage, DESK, token) };
    stage.write(move |tx| app::access::enter(tx, person, &e)).map_err(|f| match f {
        Failure::Refused(no) => no,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_link_shows_to_its_owner_and_its_sessions_end_with_it() {
    const ALICE: &str = "https://id.test/realm#alice";
    on_both(|stage| {
        let (security, system) = founded(stage);
        let person = added(stage, &system, "李静");
        let_in(stage, &system, person, "lijing", PASSWORD);
        let me = as_person(stage, person);
        let link = |who: &Who| {
            let who = who.clone();
            stage.read(move |tx| app::access::link_of(tx, &who)).expect("an answer")
        };
        assert_eq!(link(&me), None);
        stage.at("2026-11-03T09:00");
        let since = stage.now();
        linked(stage, &system, person, Some(ALICE));
        let shown = link(&me).expect("a link");
        assert_eq!(
            (shown.issuer.as_str(), shown.account.as_str()),
            ("https://id.test/realm", "alice")
        );
        assert_eq!(shown.since, Some(since));

        assert_eq!(sign_in(stage, "lijing", PASSWORD, DESK, 21), Ok(Factor::None));
        assert_eq!(vouched(stage, person, ALICE, 22), Ok(Factor::None));
        let who = stage.now_as(&me);
        let sessions = stage.read(move |tx| app::access::sessions(tx, &who)).expect("an answer");
        let mut by: Vec<bool> = sessions.iter().map(|row| row.by_provider).collect();
        by.sort_unstable();
        assert_eq!(by, [false, true]);
        // The same link once more changes nothing.
        stage.at("2026-11-03T09:05");
        linked(stage, &system, person, Some(ALICE));
        assert_eq!(link(&me).and_then(|link| link.since), Some(since));
        assert!(behind(stage, 21).is_some() && behind(stage, 22).is_some());

        linked(stage, &system, person, None);
        assert!(behind(stage, 22).is_none(), "it came by the link");
        assert!(behind(stage, 21).is_some(), "it came by the password");
        assert_eq!(link(&me), None);
        // Who was on the way in when the link was taken away does not come in.
        let unlinked = LoginRefusal::Unlinked { subject: ALICE.into() };
        assert_eq!(vouched(stage, person, ALICE, 23), Err(unlinked.clone()));
        assert!(behind(stage, 23).is_none());

        // Another account: the old one's sessions end.
        linked(stage, &system, person, Some(ALICE));
        assert_eq!(vouched(stage, person, ALICE, 24), Ok(Factor::None));
        linked(stage, &system, person, Some("https://id.test/realm#bob"));
        assert!(behind(stage, 24).is_none());
        assert_eq!(vouched(stage, person, ALICE, 25), Err(unlinked));

        // One that still asks for its code ends too.
        let own = security.person;
        linked(stage, &system, own, Some(ALICE));
        let who = stage.now_as(&security);
        let begun = stage.write(move |tx| app::access::begin_factor(tx, &who, [9; 20]));
        let code = code_at(&begun.expect("begun").secret, stage.now() / 1000);
        assert_eq!(sign_in(stage, "security", PASSWORD, DESK, 28), Ok(Factor::None));
        let session = behind(stage, 28).expect("in").session;
        let (who, key) = (stage.now_as(&security), stage.id());
        stage
            .write(move |tx| app::access::confirm_factor(tx, &who, key, session, &code, &[]))
            .expect("confirmed");
        assert_eq!(vouched(stage, own, ALICE, 26), Ok(Factor::Asked));
        linked(stage, &system, own, None);
        let e = entrance(stage, DESK, 27);
        let late = stage.write(move |tx| app::access::show_code(tx, [26; 32], "123456", &e));
        assert!(matches!(late, Err(Failure::Refused(LoginRefusal::TooLate))));
        assert!(behind(stage, 28).is_some());
    });
}
