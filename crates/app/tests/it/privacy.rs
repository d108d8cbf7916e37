//! Sealed values: seeing one, finding by number, the whole file, new keys while people work, and
//! nothing readable in any file.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use app::privacy::{AskTakeout, DecideTakeout, FileOf, FindByNumber, Retain, Reveal};
use app::registry::import::Receive;
use app::{App, Failure, Never, Reach, Who};
use domain::Id;
use domain::access::Role;
use domain::privacy::retention::Cutoff;
use domain::privacy::takeout::{self, Column};
use domain::privacy::{Reason, Refusal, What};
use domain::redemption::Proxy;
use domain::registry::{Household, Member};
use store::{Keys, Options, args};
use testkit::{Stage, on_both};

const NUMBER: &str = "11010519491231002X";

fn household(stage: &Stage, village: Id, n: usize) -> (Id, Household) {
    let row = Household {
        number: format!("P{n:05}"),
        village,
        path: "001.001.001".into(),
        hamlet: None,
        head_name: "张三".into(),
        head: None,
        size: 4,
        graduation: None,
        graduated_year: None,
        poverty_cause: Some("illness".into()),
        able_to_work: true,
        housing_grade: None,
        water_safe: None,
        income_fen: Some(123_456),
        phone: Some(format!("139{n:08}")),
        bank_name: Some("农商行".into()),
        bank_account: Some(format!("62220216{n:011}")),
        active: true,
    };
    (stage.id(), row)
}

fn member(stage: &Stage, household: Id, n: usize, citizen_number: &str) -> (Id, Member) {
    let row = Member {
        household,
        number: format!("M{n:06}"),
        name: "张三".into(),
        relation: "02".into(),
        sex: "1".into(),
        id_kind: "1".into(),
        citizen_number: Some(citizen_number.into()),
        born_on: None,
        ethnic: None,
        political: None,
        education: None,
        student: None,
        health: Some("healthy".into()),
        work_skill: None,
        work_area: None,
        work_months: None,
        medical_insurance: None,
        dibao: None,
        active: true,
    };
    (stage.id(), row)
}

/// A village with one household of one person.
fn village(stage: &Stage) -> (Id, Id) {
    stage.area("001", "zone", "区");
    stage.area("001.001", "township", "街道");
    let village = stage.area("001.001.001", "village", "张庄村");
    stage.area("001.001.002", "village", "李庄村");
    let (id, row) = household(stage, village, 1);
    let (person, head) = member(stage, id, 1, NUMBER);
    stage
        .write::<_, Never>(move |tx| {
            store::registry::record_households(tx, [(id, &row, "张三".to_owned())], 1)?;
            store::registry::record_members(tx, [(person, &head)])?;
            Ok(())
        })
        .unwrap();
    (id, person)
}

/// The household's lines of the log, oldest first.
fn looks(stage: &Stage, household: Id) -> Vec<String> {
    let lines = stage
        .read::<_, Never>(move |tx| Ok(store::reports::seen(tx, household, "001.001.001", 50)?))
        .unwrap();
    let say = |l: &store::reports::LogLine| {
        let person = l.person.as_deref().unwrap_or("-");
        format!("{person} {} {} {}", l.verb, l.code, l.note.as_deref().unwrap_or("-"))
    };
    lines.iter().rev().map(say).collect()
}

#[test]
fn one_value_is_seen_with_a_reason_and_the_look_is_kept() {
    on_both(|stage| {
        let (household, person) = village(stage);
        let reveal = |who: &Who, what: Option<What>, reason, words: &str| {
            let who = stage.now_as(who);
            let r = Reveal { subject: household, what, reason, words: words.to_owned() };
            stage.write(move |tx| app::privacy::reveal(tx, &who, &r)).map(|r| r.value)
        };
        let officer = stage.person("专干", Role::AssistanceOfficer, Some("001.001.001"));
        let neighbour = stage.person("邻村", Role::VillageCommittee, Some("001.001.002"));
        let auditor = stage.person("审计", Role::Auditor, Some("001"));
        let cadre = stage.person("帮包", Role::AssignedCadre, None);
        let visit = Some(Reason::Visit);
        let phone = |who: &Who| reveal(who, Some(What::Phone), visit, "上门前联系");
        assert_eq!(phone(&officer).unwrap(), "13900000001");
        assert_eq!(phone(&officer).unwrap(), "13900000001");
        let health = Some(What::Health(person));
        assert_eq!(reveal(&officer, health, Some(Reason::Relief), "大病救助").unwrap(), "healthy");
        assert!(matches!(phone(&neighbour), Err(Failure::NotFound)), "{}", stage.engine);
        assert!(matches!(phone(&auditor), Err(Failure::NotAllowed)));
        assert!(matches!(phone(&cadre), Err(Failure::NotFound)));
        stage.assign(household, &cadre);
        assert_eq!(phone(&cadre).unwrap(), "13900000001");

        let refused = |what, reason, words| match reveal(&officer, what, reason, words) {
            Err(Failure::Refused(r)) => r,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(None, visit, "上门"), Refusal::UnknownField);
        assert_eq!(refused(Some(What::Phone), None, "上门"), Refusal::ReasonNeeded);
        assert_eq!(refused(Some(What::Phone), visit, " "), Refusal::WordsNeeded { min: 2 });
        let elsewhere = reveal(&officer, Some(What::Health(household)), visit, "上门");
        assert!(matches!(elsewhere, Err(Failure::NotFound)), "not a member of this household");
        assert_eq!(
            looks(stage, household),
            [
                "专干 reveal phone visit: 上门前联系",
                "专干 reveal phone visit: 上门前联系",
                "专干 reveal health relief: 大病救助",
                "帮包 reveal phone visit: 上门前联系",
            ],
            "{}",
            stage.engine
        );
    });
}

#[test]
fn a_person_is_found_by_the_whole_number_within_ones_areas() {
    on_both(|stage| {
        let (household, _) = village(stage);
        let find = |who: &Who, number: &str| {
            let (who, key) = (stage.now_as(who), stage.id());
            let r = FindByNumber { key, number: number.to_owned() };
            stage.write(move |tx| app::privacy::find_by_number(tx, &who, &r))
        };
        let officer = stage.person("专干", Role::AssistanceOfficer, Some("001.001.001"));
        let neighbour = stage.person("邻村", Role::VillageCommittee, Some("001.001.002"));
        assert_eq!(find(&officer, " 11010519491231002x").unwrap(), household, "{}", stage.engine);
        let refused = |found: Result<Id, Failure<Refusal>>| match found {
            Err(Failure::Refused(r)) => r,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(find(&officer, "110105194912310")), Refusal::NotANumber);
        assert_eq!(refused(find(&officer, "34052419800101001X")), Refusal::NobodyFound);
        assert_eq!(refused(find(&neighbour, NUMBER)), Refusal::NobodyFound, "not theirs to know");
        assert_eq!(looks(stage, household), ["专干 find_by_number done -"]);

        // The same number twice is one too many, though nobody can read it.
        let (id, twin) = member(stage, household, 2, NUMBER);
        let twice = stage
            .write::<_, Never>(move |tx| Ok(store::registry::record_members(tx, [(id, &twin)])?));
        assert!(twice.is_err(), "{}", stage.engine);
    });
}

#[test]
fn a_households_file_is_masked_unless_it_is_for_the_household() {
    on_both(|stage| {
        let (household, _) = village(stage);
        let officer = stage.person("专干", Role::AssistanceOfficer, Some("001.001.001"));
        let file = |who: &Who, in_clear, words: &str| {
            let (who, words) = (stage.now_as(who), words.to_owned());
            let r = FileOf { household, reason: Some(Reason::Request), words, in_clear };
            stage.write(move |tx| app::privacy::file(tx, &who, &r))
        };
        let masked = file(&officer, false, "本户查询").unwrap();
        assert_eq!(masked.card.household.phone.as_deref(), Some("*******0001"));
        assert_eq!(masked.card.household.income_fen, None);
        assert_eq!(masked.card.members[0].1.health.as_deref(), Some("***"));
        assert_eq!(masked.card.hidden.len(), 7);
        let clear = file(&officer, true, "交给本户").unwrap();
        assert_eq!(clear.card.household.income_fen, Some(123_456));
        assert_eq!(clear.card.members[0].1.citizen_number.as_deref(), Some(NUMBER));
        assert_eq!(clear.seen.len(), 2, "{}: this look is among them", stage.engine);
        assert!(matches!(file(&officer, true, ""), Err(Failure::Refused(_))));
        assert_eq!(looks(stage, household).len(), 2);
    });
}

/// A zone whose keys stand in a file, as the operator has them.
fn with_key_file(postgres: bool) -> (tempfile::TempDir, std::path::PathBuf, Stage) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("siji.keys");
    seal::make(&file, seal::Cipher::Aes256GcmSiv).unwrap();
    let keys = Arc::new(Keys::of_file(&file).unwrap());
    let stage = match postgres {
        true => Stage::postgres_with(&testkit::postgres::url(), keys),
        false => Stage::sqlite_with(keys),
    };
    (folder, file, stage)
}

#[test]
fn ten_thousand_rows_are_sealed_anew_while_people_read_and_write() {
    for postgres in [false, true] {
        let (_folder, file, stage) = with_key_file(postgres);
        stage.area("001", "zone", "区");
        stage.area("001.001", "township", "街道");
        let village = stage.area("001.001.001", "village", "张庄村");
        let households: Vec<_> = (0..2_500).map(|n| household(&stage, village, n)).collect();
        let members: Vec<_> = (0..7_500)
            .map(|n| member(&stage, households[n / 3].0, n, &format!("number {n}")))
            .collect();
        let ids: Vec<Id> = households.iter().map(|h| h.0).collect();
        let (kept_households, kept_members) = (households.clone(), members);
        stage
            .write::<_, Never>(move |tx| {
                let rows = kept_households.iter().map(|(id, h)| (*id, h, String::new()));
                store::registry::record_households(tx, rows, 1)?;
                let rows = kept_members.iter().map(|(id, m)| (*id, m));
                store::registry::record_members(tx, rows)?;
                Ok(())
            })
            .unwrap();

        // Who serves has the file as it was; who rotates opens with the new one.
        assert_eq!(seal::add_key(&file, seal::Cipher::Sm4Gcm).unwrap(), 2);
        let options =
            Options { keys: Arc::new(Keys::of_file(&file).unwrap()), ..stage.options.clone() };
        let rotating = App::open(&options).unwrap();
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let readers: Vec<_> = (0..2)
            .map(|reader: usize| {
                let (app, ids) = (stage.app.clone(), ids.clone());
                let (stop, read) = (stop.clone(), read.clone());
                std::thread::spawn(move || {
                    let mut n = reader;
                    while !stop.load(Ordering::Relaxed) {
                        n = (n + 7) % ids.len();
                        let id = ids[n];
                        let looked = app.read::<_, Never>(Reach::System, move |tx| {
                            let row = store::registry::find(tx, id)?.expect("a household");
                            Ok((row, store::registry::members(tx, id)?))
                        });
                        let (row, members) = looked.wait().expect("readers never fail");
                        assert_eq!(row.household.phone, Some(format!("139{n:08}")));
                        assert_eq!(members.len(), 3);
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let writer = {
            let (app, rows) = (stage.app.clone(), households[..200].to_vec());
            std::thread::spawn(move || {
                for (id, row) in rows {
                    app.write::<_, Never>(Reach::System, move |tx| {
                        let rows = [(id, &row, "changed".to_owned())];
                        store::registry::update_households(tx, rows, 2)?;
                        Ok(())
                    })
                    .wait()
                    .expect("writers never fail");
                }
            })
        };
        // Stopped after the first rows, it goes on where it is called again.
        let first = rotating
            .write::<_, Never>(Reach::System, |tx| Ok(store::renew(tx, &store::SEALED[1], None)?))
            .wait()
            .unwrap();
        assert_eq!(first.rows, 500);
        let (mut told, mut last) = (0, (0, 0));
        let renewed = app::keys::rotate(&rotating, |done, all| {
            told += 1;
            last = (done, all);
        })
        .unwrap();
        writer.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|r| r.join().unwrap());
        assert!(renewed + first.renewed >= 9_800, "{} {renewed}", stage.engine);
        assert!(told > 20 && last.0 == last.1, "{told} {last:?}");
        assert!(read.load(Ordering::Relaxed) > 0);
        // Whatever the writer did last went out under either key; one more turn ends it.
        app::keys::rotate(&rotating, |_, _| {}).unwrap();
        let in_use = rotating
            .read::<_, Never>(Reach::System, |tx| Ok(store::keys_in_use(tx)?))
            .wait()
            .unwrap();
        assert_eq!(in_use.keys().copied().collect::<Vec<_>>(), [2], "{}", stage.engine);
        let fits =
            rotating.read::<_, Never>(Reach::System, |tx| Ok(app::verify::verify(tx, |_| {})?));
        assert_eq!(fits.wait().unwrap().finding, None, "fingerprints outlive the key");

        rotating
            .write::<_, Never>(Reach::System, |tx| Ok(store::forget_key(tx, 1)?))
            .wait()
            .unwrap();
        seal::drop_key(&file, 1).unwrap();
        let options = Options { keys: Arc::new(Keys::of_file(&file).unwrap()), ..options };
        let alone = App::open(&options).unwrap();
        let id = ids[9];
        let found =
            alone.read::<_, Never>(Reach::System, move |tx| Ok(store::registry::find(tx, id)?));
        assert_eq!(found.wait().unwrap().unwrap().household.phone.as_deref(), Some("13900000009"));
    }
}

#[test]
fn what_has_outlived_its_purpose_is_erased_and_the_rest_still_fits() {
    on_both(|stage| {
        let day = jiff::civil::date(2030, 1, 15);
        let cutoff = Cutoff::of(day, 3).unwrap();
        crate::verify::november_with(stage, "李四", Some("13377446624"), None);
        let village = stage
            .read::<_, Never>(|tx| {
                Ok(tx
                    .one("SELECT id FROM area WHERE path = '001.001.001'", &args![], |r| r.id(0))?)
            })
            .unwrap();
        let rows: Vec<_> = [(1, true), (2, false)]
            .map(|(n, active)| {
                let (id, row) = household(stage, village, n);
                (id, Household { active, ..row }, member(stage, id, n, &format!("number {n}")))
            })
            .into();
        let ids: Vec<Id> = rows.iter().map(|r| r.0).collect();
        let (key, now) = (stage.id(), stage.now());
        stage
            .write::<_, Never>(move |tx| {
                for (id, row, (person, member)) in &rows {
                    store::registry::record_households(tx, [(*id, row, String::new())], now)?;
                    store::registry::record_members(tx, [(*person, member)])?;
                }
                Ok(())
            })
            .unwrap();
        let early = Cutoff::of(jiff::civil::date(2028, 1, 15), 3).unwrap();
        let count = |cut| {
            let found = stage.read(move |tx| app::privacy::expired(tx, cut)).unwrap();
            (found.households, found.members, found.objections)
        };
        assert_eq!(count(early), (0, 0, 0), "{}", stage.engine);
        assert_eq!(count(cutoff), (1, 1, 1), "{}", stage.engine);
        let retain = Retain { key, cutoff, now };
        stage.write(move |tx| app::privacy::retain(tx, retain)).unwrap();
        assert_eq!(count(cutoff), (0, 0, 0), "{}", stage.engine);
        let kept = |id: Id| {
            let look = move |tx: &mut app::Tx| -> Result<_, Failure<Never>> {
                let row = store::registry::find(tx, id)?.expect("the row stays");
                let members = store::registry::members(tx, id)?;
                let number = members[0].1.citizen_number.clone();
                Ok((row.household.phone, row.household.income_fen, number))
            };
            stage.read(look).unwrap()
        };
        assert_eq!(kept(ids[1]), (None, None, None), "{}", stage.engine);
        assert!(kept(ids[0]).0.is_some() && kept(ids[0]).2.is_some(), "still registered");
        let fits = stage.read::<_, Never>(|tx| Ok(app::verify::verify(tx, |_| {})?)).unwrap();
        assert_eq!(fits.finding, None, "{}", stage.engine);
    });
}

// Nothing readable at rest --------------------------------------------------------------------------

/// One for every sealed column, and for what they were imported from.
const CANARIES: [&str; 16] = [
    "13077446621", // a household's telephone
    "6217994477001832561",
    "canary-bank-kestrel",
    "canary-cause-heron",
    "987650312", // fen
    "canary-health-stork",
    "511321196502148635",
    "13177446622", // a cadre's
    "13277446623", // an officer's
    "canary-objector-wren",
    "13377446624",
    "canary-proxy-finch",
    "canary-upload-egret",
    "canary-report-crane",
    "canary-reason-none",               // planted nowhere
    "IJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSC", // a second factor's secret: twenty times B
];

/// Stands in clear, to show that the search finds what is there.
const IN_CLEAR: &str = "canary-in-clear-goose";

fn plant(stage: &Stage) {
    let proxy = Proxy { name: CANARIES[11].into(), relation: "邻居".into() };
    crate::verify::november_with(stage, CANARIES[9], Some(CANARIES[10]), Some(proxy));
    stage.at("2026-12-06T09:00");
    let header = "行政村|户编号|人编号|姓名|证件号码|与户主关系|劳动技能|联系电话|开户银行|银行卡号|\
                  致贫原因|人均纯收入|帮扶责任人|帮扶单位|帮扶责任人电话";
    let row = format!(
        "张庄村|C1|C101|{IN_CLEAR}|{}|户主|普通劳动力|{}|{}|{}|{}|9876503.12|王干部|区教育局|{}",
        CANARIES[6], CANARIES[0], CANARIES[2], CANARIES[1], CANARIES[3], CANARIES[7]
    );
    let officers = format!("行政村|村扶贫专干|电话\n张庄村|周专干|{}", CANARIES[8]);
    let report =
        crate::registry::import(stage, &format!("{header}\n{row}"), &officers).expect("an import");
    assert_eq!(report.changes.households.created, 1);
    let office = stage.person("区办", Role::ZoneOfficer, Some("001"));
    let who = office.clone();
    let secret =
        stage.write(move |tx| app::access::begin_factor(tx, &who, *b"BBBBBBBBBBBBBBBBBBBB"));
    assert_eq!(secret.expect("a secret").secret, CANARIES[15]);
    let (upload, person) = (stage.id(), stage.id());
    let receive = Receive {
        key: upload,
        file_name: "register.csv".into(),
        bytes: format!("{row}\n{}", CANARIES[12]).into_bytes().into(),
    };
    let (_, mut sick) = member(stage, Id::nil(), 9, "x");
    sick.health = Some(CANARIES[5].into());
    stage
        .write::<_, Never>(move |tx| {
            app::registry::import::receive(tx, &office, &receive)?;
            store::registry::set_import(tx, upload, "refused", CANARIES[13])?;
            sick.household =
                store::registry::find_by_number(tx, "C1")?.expect("the import's household").id;
            store::registry::record_members(tx, [(person, &sick)])?;
            Ok(())
        })
        .unwrap();
}

/// Sees every planted value once more, so that what is opened passes by the log as well.
fn look_at_everything(stage: &Stage) {
    let office = stage.person("区办二", Role::ZoneOfficer, Some("001"));
    let household = stage
        .read::<_, Never>(|tx| Ok(store::registry::find_by_number(tx, "C1")?.expect("there").id))
        .unwrap();
    let who = office.clone();
    let file = FileOf {
        household,
        reason: Some(Reason::Request),
        words: "本户查询".into(),
        in_clear: true,
    };
    let file = stage.write(move |tx| app::privacy::file(tx, &who, &file)).unwrap();
    let kept = file.card.household;
    let opened = [kept.phone, kept.bank_account, kept.bank_name, kept.poverty_cause];
    let opened: Vec<_> = opened.into_iter().map(Option::unwrap).collect();
    assert_eq!(opened, [CANARIES[0], CANARIES[1], CANARIES[2], CANARIES[3]]);
    assert_eq!(kept.income_fen, Some(987_650_312));
    let number = FindByNumber { key: stage.id(), number: CANARIES[6].into() };
    let who = office.clone();
    let found = stage.write(move |tx| app::privacy::find_by_number(tx, &who, &number)).unwrap();
    assert_eq!(found, household);
    // An error on the way is written to the log with what it says.
    let (id, twin) = member(stage, household, 77, CANARIES[6]);
    let twice =
        stage.write::<_, Never>(move |tx| Ok(store::registry::record_members(tx, [(id, &twin)])?));
    let error = format!("{:?}", twice.expect_err("a number stands once"));
    assert!(!CANARIES.iter().any(|c| error.contains(c)), "{error}");
}

/// The files below a folder that hold any of these words.
fn files_with(folder: &Path, words: &[&str]) -> String {
    let patterns = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(patterns.path(), words.join("\n")).unwrap();
    let found = Command::new("grep")
        .env("LC_ALL", "C")
        .args(["-r", "-l", "-a", "-F", "-f"])
        .args([patterns.path(), folder])
        .output()
        .expect("grep");
    String::from_utf8_lossy(&found.stdout).into_owned()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_sealed_value_is_found_in_any_file_or_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let _ = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .try_init();

    let stage = Stage::sqlite();
    plant(&stage);
    look_at_everything(&stage);
    let store::Place::Folder(folder) = stage.options.place.clone() else { panic!("a folder") };
    assert!(folder.join("siji.db-wal").exists());
    assert_eq!(files_with(&folder, &CANARIES), "");
    assert_ne!(files_with(&folder, &[IN_CLEAR]), "", "the search finds what is there");
    let (_cluster, url, folder) = testkit::postgres::alone();
    let stage = Stage::postgres_with(&url, testkit::keys());
    plant(&stage);
    look_at_everything(&stage);
    let flushed = stage.write::<_, Never>(|tx| {
        tx.exec("SET LOCAL ROLE NONE", &args![])?;
        Ok(tx.exec("CHECKPOINT", &args![])?)
    });
    flushed.unwrap();
    assert_eq!(files_with(&folder, &CANARIES), "", "tables, WAL, and the server's own log");
    assert_ne!(files_with(&folder, &[IN_CLEAR]), "", "the search finds what is there");

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
}

/// How many rows of each sealed column hold a value.
fn planted(stage: &Stage) -> Vec<(String, i64)> {
    let columns = store::SEALED.iter().flat_map(|c| c.fields.iter().map(|f| (c.table, f.0)));
    let count = |(table, field): (&'static str, &'static str)| {
        let sql =
            format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table} x WHERE x.{field} IS NOT NULL");
        let held = stage.read::<_, Never>(move |tx| Ok(tx.one(&sql, &args![], |r| r.int(0))?));
        (format!("{table}.{field}"), held.unwrap())
    };
    columns.map(count).collect()
}

#[test]
fn no_sealed_value_is_found_in_any_copy() {
    let copies = tempfile::tempdir().unwrap();
    let stage = Stage::sqlite();
    plant(&stage);
    for (column, held) in planted(&stage) {
        assert!(held > 0, "{column}: plant a canary in it");
    }
    let store::Place::Folder(folder) = stage.options.place.clone() else { panic!("a folder") };
    let copy = copies.path().join("copy.db");
    rusqlite::Connection::open(folder.join("siji.db"))
        .unwrap()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();

    let (_cluster, url, _) = testkit::postgres::alone();
    let stage = Stage::postgres_with(&url, testkit::keys());
    plant(&stage);
    let dump = copies.path().join("dump.sql");
    let beside = cluster::programs().unwrap().join("pg_dump");
    let made = Command::new(if beside.exists() { beside } else { "pg_dump".into() })
        .args(["--inserts", "--file"])
        .args([dump.as_os_str(), url.as_ref()])
        .status()
        .expect("pg_dump");
    assert!(made.success());

    assert_eq!(files_with(copies.path(), &CANARIES), "");
    let clear = files_with(copies.path(), &[IN_CLEAR]);
    assert_eq!(clear.lines().count(), 2, "the search finds what is there: {clear}");
}

#[test]
fn a_list_with_sealed_values_is_allowed_by_a_second_person() {
    on_both(|stage| {
        village(stage);
        stage.at("2026-11-02T09:00");
        let committee = stage.person("村委", Role::VillageCommittee, Some("001.001.001"));
        let colleague = stage.person("同村", Role::VillageCommittee, Some("001.001.001"));
        let township = stage.person("街道", Role::TownshipReviewer, Some("001.001"));
        let officer = stage.person("专干", Role::AssistanceOfficer, Some("001.001.001"));
        let ask = |who: &Who, path: &str, columns: &[Column], words: &str| {
            let who = stage.now_as(who);
            let r = AskTakeout {
                key: stage.id(),
                path: path.into(),
                columns: columns.to_vec(),
                reason: Some(Reason::Payment),
                words: words.into(),
            };
            stage.write(move |tx| app::privacy::ask_takeout(tx, &who, &r))
        };
        let wanted = [Column::BankAccount, Column::CitizenNumber, Column::BankAccount];
        let own = "001.001.001";
        assert!(matches!(ask(&officer, own, &wanted, "发放补贴"), Err(Failure::NotAllowed)));
        for elsewhere in ["001.001.002", "001.001", "001.001.001.9", ""] {
            let refused = ask(&committee, elsewhere, &wanted, "发放补贴");
            assert!(matches!(refused, Err(Failure::NotFound)), "{elsewhere}");
        }
        let refused = |answer: Result<Id, Failure<takeout::Refusal>>| match answer {
            Err(Failure::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        let none = refused(ask(&committee, own, &[], "发放补贴"));
        assert_eq!(none, takeout::Refusal::ColumnsNeeded);
        let wordless = refused(ask(&committee, own, &wanted, " "));
        assert!(matches!(wordless, takeout::Refusal::Stated(_)));
        let id = ask(&committee, own, &wanted, "发放补贴").unwrap();

        let take = |who: &Who| {
            let who = stage.now_as(who);
            stage.read(move |tx| {
                let mut rows = Vec::new();
                app::privacy::each_taken(tx, &who, id, |row| {
                    rows.push((row.name, row.values));
                    Ok(())
                })?;
                Ok(rows)
            })
        };
        let say = |who: &Who, allow, words: &str| {
            let who = stage.now_as(who);
            let r = DecideTakeout { key: stage.id(), id, allow, words: words.into() };
            stage.write(move |tx| app::privacy::decide_takeout(tx, &who, &r).map(|_| r.id))
        };
        let early = take(&committee);
        assert!(matches!(early, Err(Failure::Refused(takeout::Refusal::NotAllowedYet))));
        assert!(matches!(say(&committee, true, ""), Err(Failure::NotAllowed)));
        assert!(matches!(say(&colleague, true, ""), Err(Failure::NotFound)));
        assert_eq!(refused(say(&township, false, "")), takeout::Refusal::AnswerNeeded { min: 2 });
        let waits = |who: &Who| {
            let who = stage.now_as(who);
            stage.read(move |tx| app::reports::today(tx, &who)).unwrap().todo.takeouts
        };
        assert_eq!((waits(&township), waits(&committee)), (1, 0));
        say(&township, true, "").unwrap();
        assert_eq!(waits(&township), 0);
        assert_eq!(refused(say(&township, false, "算了")), takeout::Refusal::AlreadyDecided);

        let rows = take(&committee).unwrap();
        let values = vec![Some(NUMBER.to_owned()), Some(format!("62220216{:011}", 1))];
        assert_eq!(rows, [("张三".to_owned(), values)], "{}", stage.engine);
        for other in [&colleague, &township] {
            assert!(matches!(take(other), Err(Failure::NotFound)), "only whoever asked");
        }
        stage.at("2026-11-09T23:00");
        assert_eq!(take(&committee).unwrap().len(), 1, "the seventh day");
        stage.at("2026-11-10T00:30");
        let over = refused(take(&committee).map(|_| id));
        assert!(matches!(over, takeout::Refusal::Over { .. }));

        // Whoever may do both still needs somebody else.
        let own = ask(&township, "001.001", &[Column::Phone], "核对电话").unwrap();
        let who = stage.now_as(&township);
        let r = DecideTakeout { key: stage.id(), id: own, allow: true, words: String::new() };
        let alone = stage.write(move |tx| app::privacy::decide_takeout(tx, &who, &r).map(|_| own));
        assert_eq!(refused(alone), takeout::Refusal::OwnRequest);
        let verbs = stage
            .read::<_, Never>(|tx| {
                let sql = "SELECT verb FROM audit_log WHERE verb LIKE '%takeout' ORDER BY seq";
                Ok(tx.all(sql, &[], |r| r.text(0))?)
            })
            .unwrap();
        assert_eq!(verbs, ["ask_takeout", "allow_takeout", "ask_takeout"]);
    });
}
