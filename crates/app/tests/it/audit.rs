//! The log: what stands in it, who may read it, and that nothing in it can be changed unseen.

use app::access::AddPerson;
use app::audit::{Command, Export, Refused};
use app::posting::Post;
use app::verify::{Finding, Report};
use app::{Failure, Never, Reach, Tx, Who};
use domain::Id;
use domain::access::Role;
use domain::audit::chain::Head;
use domain::audit::{Digest, Kind};
use store::reports::{LogFilter, LogLine};
use store::{Val, args};
use testkit::month::Village;
use testkit::{Stage, on_both};

use crate::verify::{Of, Undone, turned, unguard};

fn seal(stage: &Stage) {
    stage.app.seal(stage.now()).expect("a seal");
}

fn look(stage: &Stage, published: &[Head]) -> Report {
    let published = published.to_vec();
    stage.read::<_, Never>(move |tx| Ok(app::verify::verify_log(tx, &published)?)).expect("a look")
}

/// Changes the log behind the rules' back, looks, and takes it back.
fn after(
    stage: &Stage,
    published: &[Head],
    mut tamper: impl FnMut(&mut Tx) -> store::Result<()> + Send + 'static,
) -> Option<Finding> {
    let published = published.to_vec();
    let looked: Result<(), _> = stage.write(move |tx| {
        unguard(tx)?;
        tamper(tx)?;
        Err(Failure::Refused(Undone(app::verify::verify_log(tx, &published)?)))
    });
    match looked {
        Err(Failure::Refused(Undone(report))) => report.finding,
        other => panic!("{}: {other:?}", stage.engine),
    }
}

fn lines(stage: &Stage, who: &Who, filter: LogFilter) -> Vec<LogLine> {
    let who = stage.now_as(who);
    let (lines, total) = stage
        .read::<_, Never>(move |tx| app::reports::log(tx, &who, &filter, None, 1_000))
        .expect("the log");
    assert_eq!(lines.len() as i64, total, "{}", stage.engine);
    lines
}

fn picture(lines: &[LogLine]) -> String {
    let mut picture = String::new();
    for l in lines.iter().rev() {
        let household = l.household.as_ref().map_or("-", |h| h.1.as_str());
        picture.push_str(&format!(
            "{:<8} {:<11} {:<5} {:<3} {:<9} {:<16} {} {}\n",
            l.kind.code(),
            l.verb,
            l.person.as_deref().unwrap_or("-"),
            household,
            l.area.as_deref().unwrap_or("-"),
            l.code,
            l.rows.map_or("-".to_owned(), |n| n.to_string()),
            l.note.as_deref().unwrap_or("-"),
        ));
    }
    picture
}

/// A little of everything.
struct Little {
    auditor: Who,
    officer: Who,
    township: Who,
    household: Id,
}

fn little(stage: &Stage) -> Little {
    stage.area("001", "zone", "东区");
    stage.area("001.001", "township", "甲镇");
    stage.area("001.001.001", "village", "张庄");
    stage.area("001.002", "township", "乙镇");
    let household = stage.household("001.001.001", "H1", "张三", true);
    let admin = stage.person("管理", Role::SystemAdmin, Some("001"));
    let officer = stage.person("区办", Role::ZoneOfficer, Some("001"));
    let auditor = stage.person("审计", Role::Auditor, Some("001"));
    let township = stage.person("甲审", Role::Auditor, Some("001.001"));
    let (key, who) = (stage.id(), admin.clone());
    let add = AddPerson { key, name: "李四".into(), unit: None };
    stage.write(move |tx| app::access::add_person(tx, &who, &add)).expect("a person");
    let (person, now) = (officer.person, stage.now());
    stage
        .write::<_, Never>(move |tx| app::access::sign_in(tx, person, [1; 32], now))
        .expect("a session");
    let who = officer.clone();
    stage
        .write::<_, Never>(move |tx| {
            let why = "核对\n371502199001011234 的\u{202e}身份";
            Ok(app::audit::revealed(tx, &who, household, "citizen_number", why)?)
        })
        .expect("a reveal");
    for (what, path) in [("households.xlsx", Some("001.001")), ("goods.csv", None)] {
        let who = officer.clone();
        let export = Export {
            key: stage.id(),
            what: what.into(),
            rows: 17,
            why: "上报".into(),
            path: path.map(str::to_owned),
        };
        stage.write(move |tx| app::audit::export(tx, &who, &export)).expect("an export");
    }
    let refused = Refused {
        person: Some(township.person),
        at: now,
        verb: "posting.certify",
        code: "not-allowed".into(),
        subject: Some(stage.id()),
        household: Some(household),
        unlisted: None,
    };
    stage.write(move |tx| app::audit::refused(tx, &refused)).expect("a refusal");
    stage.write::<_, Never>(move |tx| app::access::sign_out(tx, [1; 32], now)).expect("no session");
    Little { auditor, officer, township, household }
}

#[test]
fn everything_is_one_line() {
    on_both(|stage| {
        let little = little(stage);
        let lines = lines(stage, &little.auditor, LogFilter::default());
        insta::assert_snapshot!("everything_is_one_line", picture(&lines));
    });
}

#[test]
fn the_auditor_finds_by_person_household_kind_time_and_area() {
    on_both(|stage| {
        let little = little(stage);
        let find = |who: &Who, filter: LogFilter| {
            let found = lines(stage, who, filter);
            found.iter().rev().map(|l| format!("{} {}", l.kind.code(), l.verb)).collect::<Vec<_>>()
        };
        let all = LogFilter::default;
        let auditor = &little.auditor;
        assert_eq!(find(auditor, LogFilter { person: "管理".into(), ..all() }).len(), 1);
        assert_eq!(find(auditor, LogFilter { person: "管".into(), ..all() }).len(), 0);
        assert_eq!(
            find(auditor, LogFilter { household: "H1".into(), ..all() }),
            ["reveal reveal", "refusal posting.certify"]
        );
        assert_eq!(find(auditor, LogFilter { kind: Some(Kind::Export), ..all() }).len(), 2);
        assert_eq!(find(auditor, LogFilter { verb: "goods".into(), ..all() }), ["export goods"]);
        let area = |path: &str| LogFilter { area: Some(path.into()), ..all() };
        assert_eq!(find(auditor, area("001.001")), ["reveal reveal", "export households"]);
        assert_eq!(find(auditor, area("001.002")).len(), 0);
        let now = stage.now();
        assert_eq!(find(auditor, LogFilter { from: Some(now + 1), ..all() }).len(), 0);
        assert_eq!(find(auditor, LogFilter { until: Some(now), ..all() }).len(), 0);
        assert_eq!(
            find(auditor, LogFilter { from: Some(now), until: Some(now + 1), ..all() }).len(),
            7
        );
        // A post at a township reads what lies in it, and nothing that lies nowhere.
        let own = ["reveal reveal", "export households"];
        assert_eq!(find(&little.township, all()), own);
        let who = little.officer.clone();
        let tried = stage.read::<_, Never>(move |tx| {
            app::reports::log(tx, &who, &LogFilter::default(), None, 9)
        });
        assert!(matches!(tried, Err(Failure::NotAllowed)));

        // One page after another, by number.
        let who = stage.now_as(auditor);
        let page = |before| {
            let who = who.clone();
            let page = stage
                .read::<_, Never>(move |tx| app::reports::log(tx, &who, &all(), before, 3))
                .expect("a page");
            assert_eq!(page.1, 7);
            page.0
        };
        let first = page(None);
        let second = page(first.last().map(|l| l.seq));
        let third = page(second.last().map(|l| l.seq));
        assert_eq!([first.len(), second.len(), third.len()], [3, 3, 1]);
        assert!(first[2].seq > second[0].seq && second[2].seq > third[0].seq);
    });
}

#[test]
fn a_household_sees_who_has_seen_it() {
    on_both(|stage| {
        let little = little(stage);
        let seen = |who: &Who| {
            let (who, household) = (stage.now_as(who), little.household);
            stage.read::<_, Never>(move |tx| app::reports::seen(tx, &who, household))
        };
        for who in [&little.auditor, &little.officer, &little.township] {
            let page = seen(who).expect("a page");
            let verbs: Vec<_> = page.lines.iter().rev().map(|l| l.verb.as_str()).collect();
            assert_eq!(verbs, ["reveal", "households"], "{} {}", stage.engine, who.name);
        }
        let other = stage.person("乙审", Role::Auditor, Some("001.002"));
        assert!(matches!(seen(&other), Err(Failure::NotFound)));
        let cadre = stage.person("帮包", Role::AssignedCadre, None);
        assert!(matches!(seen(&cadre), Err(Failure::NotAllowed)));
    });
}

#[test]
fn the_same_file_asked_for_again_is_one_line() {
    on_both(|stage| {
        stage.area("001", "zone", "东区");
        let auditor = stage.person("审计", Role::Auditor, Some("001"));
        let key = stage.id();
        let take = |rows: i64| {
            let who = stage.now_as(&auditor);
            let (what, why) = ("households.csv".into(), "上报".into());
            let export = Export { key, what, rows, why, path: None };
            stage.write(move |tx| app::audit::export(tx, &who, &export)).expect("an export");
        };
        take(3);
        take(3);
        take(4);
        take(4);
        stage.at("2026-11-03T09:00");
        take(4);
        let rows: Vec<_> =
            lines(stage, &auditor, LogFilter::default()).iter().map(|l| l.rows).collect();
        assert_eq!(rows, [Some(4), Some(4), Some(3)], "{}", stage.engine);
        let keeper = stage.person("店员", Role::StoreKeeper, Some("001"));
        let export = Export { key, what: "x.csv".into(), rows: 1, why: String::new(), path: None };
        let tried = stage.write(move |tx| app::audit::export(tx, &keeper, &export));
        assert!(matches!(tried, Err(Failure::NotAllowed)));
    });
}

/// From now on nothing can be written to the log.
fn fill_up(stage: &Stage) {
    stage
        .write::<_, Never>(|tx| {
            if tx.is_sqlite() {
                let full = "CREATE TRIGGER full BEFORE INSERT ON audit_log \
                            BEGIN SELECT RAISE(ABORT, 'no space'); END";
                tx.exec(full, &args![])?;
                return Ok(());
            }
            tx.exec("SET LOCAL ROLE NONE", &args![])?;
            tx.exec(
                "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''no space''; END'",
                &args![],
            )?;
            tx.exec(
                "CREATE TRIGGER no_space BEFORE INSERT ON audit_log FOR EACH ROW \
                 EXECUTE FUNCTION no_space()",
                &args![],
            )?;
            Ok(())
        })
        .expect("a full log");
}

#[test]
fn without_a_log_nothing_is_done_and_nothing_is_shown() {
    on_both(|stage| {
        let little = little(stage);
        fill_up(stage);
        let (officer, household) = (little.officer.clone(), little.household);
        let who = officer.clone();
        let shown = stage.write::<_, Never>(move |tx| {
            app::audit::revealed(tx, &who, household, "phone", "x")?;
            Ok("13800138000")
        });
        assert!(matches!(shown, Err(Failure::Broken(_))), "{}: {shown:?}", stage.engine);

        let who = officer.clone();
        let what = "households.csv".to_owned();
        let export = Export { key: stage.id(), what, rows: 1, why: "x".into(), path: None };
        let taken = stage.write(move |tx| app::audit::export(tx, &who, &export));
        assert!(matches!(taken, Err(Failure::Broken(_))), "{}", stage.engine);

        let (person, now) = (officer.person, stage.now());
        let came =
            stage.write::<_, Never>(move |tx| app::access::sign_in(tx, person, [2; 32], now));
        assert!(matches!(came, Err(Failure::Broken(_))), "{}", stage.engine);
        let in_now = stage.read(move |tx| app::access::who(tx, [2; 32], now)).expect("an answer");
        assert!(in_now.is_none(), "{}", stage.engine);

        let admin = stage.person("管理", Role::SystemAdmin, Some("001"));
        let key = stage.id();
        let add = AddPerson { key, name: "王五".into(), unit: None };
        let added = stage.write(move |tx| app::access::add_person(tx, &admin, &add));
        assert!(matches!(added, Err(Failure::Broken(_))), "{}", stage.engine);
        let left =
            stage.read::<_, Never>(move |tx| Ok(store::access::find(tx, key)?)).expect("an answer");
        assert!(left.is_none(), "{}", stage.engine);
    });
}

/// So many lines of the kinds there are, under some seals, the last few still open.
fn long_log(stage: &Stage, lines: u64) {
    let who = stage.person("某人", Role::ZoneOfficer, None);
    for n in 0..lines {
        let (key, subject, who) = (stage.id(), stage.id(), stage.now_as(&who));
        stage
            .write::<_, Never>(move |tx| match n % 3 {
                0 => Ok(app::audit::signed_in(tx, who.person, who.now)?),
                1 => app::audit::refused(
                    tx,
                    &Refused {
                        person: Some(who.person),
                        at: who.now,
                        verb: "posting.post",
                        code: "not-found".into(),
                        subject: Some(subject),
                        household: None,
                        unlisted: None,
                    },
                ),
                _ => {
                    let asked = Digest::of("try").number(n as i64);
                    let path = Some("001.001");
                    let c = Command { key, verb: "try", subject: Some(subject), path, asked };
                    Ok(app::audit::record_by(tx, Some(who.person), who.now, c, Some("试"))?)
                }
            })
            .expect("a line");
        if n % 7 == 6 && n + 4 < lines {
            seal(stage);
        }
    }
}

/// A small generator of numbers, the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64) % n
    }
}

const COLUMNS: [(&str, Of); 13] = [
    ("key", Of::Id),
    ("at", Of::Int),
    ("person", Of::Id),
    ("kind", Of::Text),
    ("verb", Of::Text),
    ("subject", Of::Id),
    ("household", Of::Id),
    ("path", Of::Text),
    ("code", Of::Text),
    ("rows", Of::Int),
    ("note", Of::Text),
    ("asked", Of::Bytes),
    ("digest", Of::Bytes),
];

/// One random change to the log: of a line, its place, its being there, or of a seal.
fn change(tx: &mut Tx, dice: &mut Dice) -> store::Result<String> {
    let seqs = tx.all("SELECT seq FROM audit_log ORDER BY seq", &args![], |r| r.int(0))?;
    let seals = tx.one("SELECT MAX(number) FROM audit_seal", &args![], |r| r.int(0))?;
    let at = |dice: &mut Dice| seqs[dice.below(seqs.len() as i64) as usize];
    let seq = at(dice);
    let of_log = "SELECT digest FROM audit_log WHERE seq = $1";
    Ok(match dice.below(8) {
        0..=3 => {
            let (column, of) = COLUMNS[dice.below(COLUMNS.len() as i64) as usize];
            let sql = format!("SELECT {column} FROM audit_log WHERE seq = $1");
            let value = turned(tx, &sql, Val::Int(seq), of)?;
            let sql = format!("UPDATE audit_log SET {column} = $2 WHERE seq = $1");
            tx.exec(&sql, &[Val::Int(seq), value])?;
            format!("{column} of {seq}")
        }
        4 => {
            tx.exec("DELETE FROM audit_log WHERE seq = $1", &args![seq])?;
            format!("without {seq}")
        }
        5 => {
            let mut other = at(dice);
            while other == seq || digest(tx, of_log, other)? == digest(tx, of_log, seq)? {
                other = at(dice);
            }
            for (from, to) in [(seq, -1), (other, seq), (-1, other)] {
                tx.exec("UPDATE audit_log SET seq = $2 WHERE seq = $1", &args![from, to])?;
            }
            format!("{seq} and {other} swapped")
        }
        6 => {
            let number = 1 + dice.below(seals);
            tx.exec("DELETE FROM audit_seal WHERE number = $1", &args![number])?;
            format!("without seal {number}")
        }
        _ => {
            let number = 1 + dice.below(seals);
            let (column, of) = [
                ("number", Of::Int),
                ("at", Of::Int),
                ("last_seq", Of::Int),
                ("links", Of::Bytes),
                ("head", Of::Bytes),
            ][dice.below(5) as usize];
            let sql = format!("SELECT {column} FROM audit_seal WHERE number = $1");
            let value = turned(tx, &sql, Val::Int(number), of)?;
            let sql = format!("UPDATE audit_seal SET {column} = $2 WHERE number = $1");
            tx.exec(&sql, &[Val::Int(number), value])?;
            format!("{column} of seal {number}")
        }
    })
}

fn digest(tx: &mut Tx, sql: &str, seq: i64) -> store::Result<Option<Vec<u8>>> {
    tx.one(sql, &args![seq], |r| r.opt_bytes(0))
}

#[test]
fn a_thousand_changes_are_found() {
    const EACH: u64 = 500;
    on_both(|stage| {
        long_log(stage, 60);
        let report = look(stage, &[]);
        assert_eq!((report.finding, report.counts), (None, vec![("audit_log", 60)]));
        for seed in 0..EACH {
            let named = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
            let name = named.clone();
            let found = after(stage, &[], move |tx| {
                let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                *name.lock().expect("a name") = change(tx, &mut dice)?;
                Ok(())
            });
            let named = named.lock().expect("a name");
            let found = found.unwrap_or_else(|| panic!("{} {seed}: {named}", stage.engine));
            assert!(found.table.starts_with("audit_"), "{} {named}: {found:?}", stage.engine);
        }
        assert_eq!(look(stage, &[]).finding, None, "every change was taken back");
    });
}

#[test]
fn a_log_that_was_cut_off_does_not_reach_the_published_head() {
    on_both(|stage| {
        long_log(stage, 30);
        seal(stage);
        let published = stage.read::<_, Never>(|tx| Ok(app::audit::head(tx)?)).expect("a head");
        assert_eq!(look(stage, &[published.1, domain::audit::chain::beginning()]).finding, None);
        assert!(look(stage, &[[7; 32]]).finding.is_some());
        let cut = |tx: &mut Tx| {
            tx.exec(
                "DELETE FROM audit_log WHERE seq > \
                 (SELECT last_seq FROM audit_seal WHERE number = 2)",
                &args![],
            )?;
            tx.exec("DELETE FROM audit_seal WHERE number > 2", &args![])?;
            Ok(())
        };
        assert_eq!(after(stage, &[], cut), None, "what is left fits by itself");
        let found = after(stage, &[published.1], cut).expect("the head is missed");
        assert_eq!(found.table, "audit_seal");

        let day = domain::local_date(stage.now());
        let (of_day, before) = stage
            .read::<_, Never>(move |tx| {
                let yesterday = day.yesterday().expect("a day");
                Ok((app::audit::head_of(tx, day)?, app::audit::head_of(tx, yesterday)?))
            })
            .expect("heads");
        assert_eq!(of_day.map(|h| (h.number, h.head)), Some(published));
        assert_eq!(before, None);
    });
}

#[test]
fn a_list_on_the_wall_holds_the_log_fast() {
    on_both(|stage| {
        let village = Village::reviewed(stage, &["张三", "王五"]);
        seal(stage);
        stage.at("2026-11-24T09:00");
        let who = village.now(&village.committee);
        let (key, from) = (stage.id(), who.today());
        let (place, contact) = ("公示栏".to_owned(), "村委会 0635-8511234".to_owned());
        let post = Post { key, batch: village.batch, place, contact, from };
        stage.write(move |tx| app::posting::post(tx, &who, &post)).expect("a posting");
        seal(stage);
        assert_eq!(look(stage, &[]).finding, None, "{}", stage.engine);

        let found = after(stage, &[], |tx| {
            tx.exec("DELETE FROM audit_seal", &args![])?;
            tx.exec("DELETE FROM audit_log", &args![])?;
            Ok(())
        });
        let found = found.expect("nothing is left");
        assert_eq!((found.table, found.id), ("posting", key.to_string()), "{}", stage.engine);

        // Without the line of the posting itself, and the chain made anew after the printed head.
        let found = after(stage, &[], |tx| {
            tx.exec("DELETE FROM audit_seal WHERE number > 1", &args![])?;
            tx.exec(
                "DELETE FROM audit_log WHERE seq > (SELECT MAX(last_seq) FROM audit_seal)",
                &args![],
            )?;
            Ok(())
        });
        let found = found.expect("a line is missing");
        assert_eq!((found.table, found.id), ("posting", key.to_string()), "{}", stage.engine);
        assert_eq!(found.what, "stands in no line of the log");
    });
}

#[test]
fn many_write_while_the_log_is_sealed() {
    const WRITERS: u64 = 16;
    const EACH: u64 = 25;
    on_both(|stage| {
        let who = stage.person("某人", Role::ZoneOfficer, None);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (app, who) = (stage.app.clone(), who.clone());
                scope.spawn(move || {
                    for n in 0..EACH {
                        let who = who.clone();
                        let mut random = [0; 10];
                        random[..8].copy_from_slice(&(writer * EACH + n).to_be_bytes());
                        let key = domain::id::new(who.now, random);
                        app.write::<_, Never>(Reach::System, move |tx| {
                            let asked = Digest::of("try").number(n as i64);
                            if app::audit::is_repeat(tx, key, &asked)? {
                                return Ok(());
                            }
                            let c = Command { key, verb: "try", subject: None, path: None, asked };
                            Ok(app::audit::record(tx, &who, c)?)
                        })
                        .wait()
                        .expect("a line");
                    }
                });
            }
            for now in 0..40 {
                stage.app.seal(now).expect("a seal");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
        seal(stage);
        let report = look(stage, &[]);
        assert_eq!(report.finding, None, "{}", stage.engine);
        assert_eq!(report.counts, [("audit_log", WRITERS * EACH)]);
        let open = stage.read(app::audit::is_open).expect("an answer");
        assert!(!open, "{}", stage.engine);
    });
}
