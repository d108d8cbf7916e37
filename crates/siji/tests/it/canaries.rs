//! A value of each sensitive field, in every household and every person of a zone that plays its
//! month through the real use cases. Then every paper, with the real program; the posting log; one
//! proof. None of them holds any of the values. (What the same papers tell when a page's button
//! prints them is in the matrix of rights; what the pages and the program's own log tell, there and
//! beside it.)
//!
//! One file is made to hold them: the household's own complete file, in clear, for its own hands and
//! with a reason. Here it shows that the values are there to be found.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use app::goods::{Announce, OpenPlace, Receive};
use app::posting::{Certify, Object, Post};
use app::privacy::FileOf;
use app::redemption::{Award, By, IssueCard, Redeem};
use app::reports::papers::{Donated, GivenLine};
use app::{Failure, Never, Who};
use domain::access::Role;
use domain::posting::object::Channel;
use domain::privacy::Reason;
use domain::redemption::{Proxy, Wish};
use domain::registry::Member;
use domain::registry::code::{Table, label};
use domain::{Date, Id};
use jiff::civil::date;
use lopdf::{Document, Object as Pdf, Stream, StringFormat, dictionary};
use store::{Tx, args};
use testkit::month::Village;
use testkit::paper::everything;
use testkit::{Stage, on_both};

const HEADS: [&str; 3] = ["张三", "欧阳四海", "王五"];

/// Of the register's own list: each says something, and each has a name in both languages.
const HEALTH: [&str; 3] = ["chronic_serious", "chronic_disabled", "serious_disabled"];

fn digits(first: u64, n: usize, places: usize) -> String {
    format!("{first}{:0places$}", 7_043 * (n as u64 + 11))
}

fn citizen_number(n: usize) -> String {
    format!("{}X", digits(3_711_965, n, 10))
}

fn phone(n: usize) -> String {
    digits(137, n, 8)
}

fn bank_account(n: usize) -> String {
    digits(62_179, n, 14)
}

fn bank(n: usize) -> String {
    format!("翠鸟{n}银行")
}

/// Names no field of anybody, and stands beside them.
const CADRE_PHONE: &str = "13599887766";
const OBJECTOR: [&str; 2] = ["戴胜鸟", "13511223344"];

/// What is searched for: the values, and of what is coded the code and its names.
fn canaries() -> BTreeSet<String> {
    let mut all = BTreeSet::from([CADRE_PHONE.to_owned()]);
    all.extend(OBJECTOR.map(str::to_owned));
    for n in 0..HEADS.len() {
        all.extend([phone(n), bank_account(n), bank(n), income_fen(n).to_string()]);
        all.extend([citizen_number(2 * n), citizen_number(2 * n + 1)]);
    }
    let coded =
        HEALTH.map(|code| (Table::Health, code)).into_iter().chain([(Table::IdKind, "disability")]);
    for (table, code) in coded {
        all.extend([label(table, code, false), label(table, code, true)]);
        if code.contains('_') {
            all.insert(code.to_owned());
        }
    }
    // And what a part of the name would tell already.
    all.extend(["残疾", "慢性病", "大病", "因残", "disab", "chronic"].map(str::to_owned));
    all.into_iter().map(|canary| squeezed(&canary)).collect()
}

fn income_fen(n: usize) -> i64 {
    987_650_311 + i64::try_from(n).unwrap_or_default()
}

/// A line that is broken, or digits in groups, hide nothing; nor do capitals.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<String>().to_lowercase()
}

fn found_in<'c>(text: &str, canaries: &'c BTreeSet<String>) -> Vec<&'c str> {
    let text = squeezed(text);
    canaries.iter().map(String::as_str).filter(|canary| text.contains(canary)).collect()
}

fn plant(stage: &Stage, village: &Village<'_>) {
    let people: Vec<Id> = (0..2 * HEADS.len()).map(|_| stage.id()).collect();
    let households = village.households.clone();
    let (cadre, now) = (stage.id(), stage.now());
    stage
        .write::<_, Never>(move |tx| {
            for (n, id) in households.iter().enumerate() {
                let mut row = store::registry::find(tx, *id)?.expect("a household").household;
                row.phone = Some(phone(n));
                row.bank_name = Some(bank(n));
                row.bank_account = Some(bank_account(n));
                row.poverty_cause = Some("disability".into());
                row.income_fen = Some(income_fen(n));
                store::registry::update_households(tx, [(*id, &row, row.head_name.clone())], 0)?;
                for k in [2 * n, 2 * n + 1] {
                    let member = sick(*id, k, &row.head_name);
                    store::registry::record_members(tx, [(people[k], &member)])?;
                }
            }
            let cadre = store::access::NewPerson {
                id: cadre,
                name: "帮扶人",
                phone: Some(CADRE_PHONE),
                unit: None,
                login: None,
                password: None,
                must_change: false,
                at: now,
            };
            store::access::record_person(tx, &cadre)?;
            // Theirs from now on.
            tx.exec("UPDATE assignment SET person = $1", &args![cadre.id])?;
            Ok(())
        })
        .expect("values");
}

fn sick(household: Id, k: usize, name: &str) -> Member {
    Member {
        household,
        number: format!("M{k:06}"),
        name: name.to_owned(),
        relation: if k.is_multiple_of(2) { "02" } else { "10" }.into(),
        sex: "1".into(),
        id_kind: "disability".into(),
        citizen_number: Some(citizen_number(k)),
        born_on: None,
        ethnic: None,
        political: None,
        education: None,
        student: None,
        health: Some(HEALTH[k % HEALTH.len()].into()),
        work_skill: None,
        work_area: None,
        work_months: None,
        medical_insurance: Some(true),
        dibao: Some(true),
        active: true,
    }
}

/// As this person, now.
fn asks<T, R>(
    stage: &Stage,
    who: &Who,
    mut work: impl FnMut(&mut Tx, &Who) -> Result<T, Failure<R>> + Send + 'static,
) -> T
where
    T: Send + 'static,
    R: Send + std::fmt::Debug + 'static,
{
    let who = stage.now_as(who);
    stage.write_in(who.reach(), move |tx| work(tx, &who)).expect("what was asked for is done")
}

/// The month from the finished review on; answers the posting.
fn month(stage: &Stage, village: &Village<'_>) -> Id {
    stage.at("2026-11-24T09:00");
    let post = Post {
        key: stage.id(),
        batch: village.batch,
        place: "公示栏".into(),
        contact: "村委会".into(),
        from: date(2026, 11, 24),
    };
    let posting = post.key;
    asks(stage, &village.committee, move |tx, who| app::posting::post(tx, who, &post));
    let object = Object {
        key: stage.id(),
        posting,
        channel: Channel::Page,
        serial: Some(2),
        text: "院子是干净的".into(),
        by_name: Some(OBJECTOR[0].into()),
        contact: Some(OBJECTOR[1].into()),
    };
    let now = stage.now();
    stage.write(move |tx| app::posting::object(tx, now, &object)).expect("an objection");
    stage.at("2026-11-25T09:00");
    let (objection, key) = (find(stage, "SELECT id FROM objection"), stage.id());
    let answer = app::posting::Answer {
        key,
        objection,
        verdict: domain::posting::answer::Verdict::Rejected,
        text: "已核对".into(),
        new_scores: None,
    };
    asks(stage, &village.committee, move |tx, who| app::posting::answer(tx, who, &answer));
    stage.at("2026-12-01T09:00");
    let certify = Certify { key: stage.id(), batch: village.batch };
    asks(stage, &village.township, move |tx, who| app::posting::certify(tx, who, &certify));
    counter(stage, village);
    posting
}

fn find(stage: &Stage, sql: &'static str) -> Id {
    stage.read::<_, Never>(move |tx| Ok(tx.one(sql, &args![], |r| r.id(0))?)).expect("a record")
}

/// A store, a donation, a market day, cards, a bonus, goods handed to somebody's neighbour.
fn counter(stage: &Stage, village: &Village<'_>) {
    let area = find(stage, "SELECT id FROM area WHERE path = '001.001.001'");
    let goods = stage
        .read::<_, Never>(|tx| Ok(store::goods::all(tx)?))
        .expect("goods")
        .into_iter()
        .min_by_key(|good| good.points)
        .expect("a catalogue")
        .goods;
    let office = &village.zone_officer;
    let open = OpenPlace { key: stage.id(), kind: "store".into(), name: "超市".into(), area };
    let place = open.key;
    asks(stage, office, move |tx, who| app::goods::open_place(tx, who, &open));
    let mut keeper = stage.person("店员", Role::StoreKeeper, Some("001.001.001"));
    keeper.posts[0].place = Some(place);
    let receive = Receive {
        key: stage.id(),
        donor: "粮油店".into(),
        donor_public: true,
        place,
        received_on: date(2026, 12, 1),
        money_fen: 100,
        note: String::new(),
        lines: vec![(goods, 9, None)],
    };
    asks(stage, &keeper, move |tx, who| app::goods::receive(tx, who, &receive));
    let announce = Announce {
        key: stage.id(),
        place,
        village: area,
        on_date: date(2026, 12, 5),
        spot: "广场".into(),
    };
    let market_day = announce.key;
    asks(stage, &keeper, move |tx, who| app::goods::announce(tx, who, &announce));
    stage.at("2026-12-05T10:00");
    for (n, household) in village.households.iter().copied().enumerate() {
        let issue = IssueCard { key: stage.id(), household, random: 77 + n as u64 };
        asks(stage, &village.committee, move |tx, who| {
            app::redemption::issue_card(tx, who, &issue)
        });
        let award = Award {
            key: stage.id(),
            household,
            event: "X4".into(),
            document: "区发〔2026〕1号".into(),
            on_date: date(2026, 12, 5),
        };
        asks(stage, office, move |tx, who| app::redemption::award(tx, who, &award));
        let redeem = Redeem {
            key: stage.id(),
            by: By::Household(household),
            market_day,
            wishes: vec![Wish { goods, quantity: 1 }],
            proxy: Some(Proxy { name: "李六".into(), relation: "邻居".into() }),
        };
        asks(stage, &keeper, move |tx, who| app::redemption::redeem(tx, who, &redeem));
    }
}

/// The real program on the stage's zone.
fn siji(stage: &Stage, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siji"));
    command.args(args).env("SIJI_KEYS", testkit::key_file());
    match &stage.options.place {
        store::Place::Folder(folder) => {
            command.env("SIJI_DATA", folder).env_remove("SIJI_DATABASE");
        }
        store::Place::Postgres(url) => {
            command.env("SIJI_DATABASE", url);
        }
    }
    command.output().expect("the program starts")
}

/// Every kind that the program prints, in each form; with words that show it is the right one.
const PAPERS: [(&str, &[&str], &str); 15] = [
    ("posting", &[], "积分公示"),
    ("posting", &["--sheet", "a3"], "积分公示"),
    ("card", &[], "欧阳四海"),
    ("receipt", &[], "李六"),
    ("receipt", &["--roll"], "李六"),
    ("statement", &["--of", "H0001"], "欧阳四海"),
    ("leaflet", &["--month", "2026-11"], "积分明白纸"),
    ("poster", &["--month", "2026-11"], "积分怎么得"),
    ("review", &[], "欧阳四海"),
    ("notice", &[], "特此通知"),
    ("market-day", &[], "欧阳四海"),
    ("acknowledgement", &[], "感谢信"),
    ("stock-count", &[], "盘点表"),
    ("bulletin", &["--month", "2026-11"], "四季简报"),
    ("bulletin", &["--month", "2026-11", "--honours", "HONOURS"], "照料邻居老人"),
];

/// The kinds as the program itself lists them.
fn kinds(stage: &Stage) -> BTreeSet<String> {
    let refused = siji(stage, &["print", "no-such-paper", "--out", "x.pdf"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let list = said.split("possible values: ").nth(1).and_then(|rest| rest.split(']').next());
    list.expect("a list of kinds").split(", ").map(str::to_owned).collect()
}

#[test]
fn no_paper_and_no_file_of_the_log_holds_what_is_sealed() {
    on_both(|stage| {
        let village = Village::reviewed(stage, &HEADS);
        plant(stage, &village);
        let posting = month(stage, &village);
        let canaries = canaries();
        assert_eq!(missing(stage, &village, &canaries), BTreeSet::new(), "plant these");
        papers(stage, &canaries);
        log(stage, posting, &canaries);
    });
}

/// What no sensitive field of the register holds, as the complete files tell.
fn missing(stage: &Stage, village: &Village<'_>, canaries: &BTreeSet<String>) -> BTreeSet<String> {
    let mut told = format!("{CADRE_PHONE}{}", OBJECTOR.concat());
    for household in village.households.clone() {
        let file = FileOf {
            household,
            reason: Some(Reason::Relief),
            words: "本人查阅".into(),
            in_clear: true,
        };
        let file =
            asks(stage, &village.committee, move |tx, who| app::privacy::file(tx, who, &file));
        told.push_str(&format!("{:?}{:?}", file.card.household, file.card.members));
        for (_, member) in &file.card.members {
            for english in [false, true] {
                let health = member.health.as_deref().expect("a code");
                told.push_str(&label(Table::Health, health, english));
                told.push_str(&label(Table::IdKind, &member.id_kind, english));
            }
        }
        let cause = file.card.household.poverty_cause.expect("a cause");
        told.push_str(&label(Table::PovertyCause, &cause, false));
    }
    let found = found_in(&told, canaries);
    canaries.iter().filter(|canary| !found.contains(&canary.as_str())).cloned().collect()
}

fn papers(stage: &Stage, canaries: &BTreeSet<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, honours) = (folder.path().join("out.pdf"), folder.path().join("honours.csv"));
    let row = "name,village,what,consent\n欧阳四海,张庄村,照料邻居老人,村档案2026-3\n";
    std::fs::write(&honours, row).expect("a list");
    let mut printed = BTreeSet::new();
    for (kind, more, says) in PAPERS {
        let mut args = vec!["print", kind, "--out", out.to_str().expect("a path")];
        let honours = honours.to_str().expect("a path");
        args.extend(more.iter().map(|word| if *word == "HONOURS" { honours } else { *word }));
        let output = siji(stage, &args);
        assert!(output.status.success(), "{}: {kind}: {output:?}", stage.engine);
        let text = everything(&std::fs::read(&out).expect("a paper"));
        assert!(squeezed(&text).contains(says), "{kind}: {text}");
        let found = found_in(&text, canaries);
        assert!(found.is_empty(), "{}: {kind} {more:?} tells {found:?}", stage.engine);
        printed.insert(kind.to_owned());
    }
    assert_eq!(printed, kinds(stage), "a kind of paper that nobody searched");
}

fn log(stage: &Stage, posting: Id, canaries: &BTreeSet<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = siji(stage, &["export", "log", folder.path().to_str().expect("a path")]);
    assert!(output.status.success(), "{output:?}");
    let files = files(folder.path());
    assert!(files.iter().any(|(name, _)| name == "checkpoint"), "{files:?}");
    assert!(files.iter().any(|(_, text)| text.contains("siji-posting-entry 1")), "{files:?}");
    assert!(files.len() >= 3, "a checkpoint, hashes, entries: {files:?}");
    let today: Date = date(2026, 11, 26);
    let proof = stage
        .read::<_, Never>(move |tx| app::posting::proof_file(tx, None, posting, today))
        .expect("a proof");
    let proof = ("proof.json".to_owned(), serde_json::to_string(&proof).expect("JSON"));
    assert!(proof.1.contains("欧阳**"), "{}", proof.1);
    let (ledger, said) = (siji(stage, &["export", "ledger"]), "the ledger's book".to_owned());
    assert!(ledger.status.success(), "{ledger:?}");
    let ledger = (said, String::from_utf8_lossy(&ledger.stdout).into_owned());
    for (name, text) in files.into_iter().chain([proof, ledger]) {
        let found = found_in(&text, canaries);
        assert!(found.is_empty(), "{}: {name} tells {found:?}", stage.engine);
    }
}

/// Every file below a folder, (its name, its bytes as text).
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            all.push((name, text));
        }
    }
    all
}

/// A paper that was given one of them on purpose.
fn thanks_to(donor: &str) -> Vec<u8> {
    let donated = Donated {
        zone: "区".into(),
        donor: donor.to_owned(),
        place: "超市".into(),
        received_on: date(2026, 12, 1),
        money_fen: 0,
        lines: vec![GivenLine {
            name: "面粉".into(),
            measure: "袋".into(),
            quantity: 1,
            handed_out: 1,
        }],
    };
    print::acknowledgement(&donated, Id::nil(), date(2026, 12, 2)).pdf().expect("it prints")
}

#[test]
fn the_search_finds_each_of_them_where_it_is() {
    let canaries = canaries();
    let clean = thanks_to("粮油店");
    assert_eq!(found_in(&everything(&clean), &canaries), Vec::<&str>::new());
    for canary in &canaries {
        let text = everything(&thanks_to(canary));
        assert!(found_in(&text, &canaries).contains(&canary.as_str()), "{canary}: {text}");
        for hide in [in_the_author, in_a_packed_stream] {
            let text = everything(&hide(&clean, canary));
            assert!(found_in(&text, &canaries).contains(&canary.as_str()), "{canary}");
        }
    }
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut pdf = Vec::new();
    document.save_to(&mut pdf).expect("a PDF");
    pdf
}

/// As a PDF writes its author: in two bytes a letter.
fn in_the_author(pdf: &[u8], canary: &str) -> Vec<u8> {
    let mut document = Document::load_mem(pdf).expect("a PDF");
    let bytes = [0xFE, 0xFF].into_iter().chain(canary.encode_utf16().flat_map(u16::to_be_bytes));
    let author = Pdf::String(bytes.collect(), StringFormat::Hexadecimal);
    let info = document.add_object(dictionary! { "Author" => author });
    document.trailer.set("Info", info);
    saved(document)
}

fn in_a_packed_stream(pdf: &[u8], canary: &str) -> Vec<u8> {
    let mut document = Document::load_mem(pdf).expect("a PDF");
    let mut stream = Stream::new(dictionary! {}, canary.repeat(40).into_bytes());
    stream.compress().expect("packed");
    document.add_object(stream);
    let pdf = saved(document);
    let hidden = !String::from_utf8_lossy(&pdf).contains(canary);
    assert!(hidden, "{canary} lies there unpacked");
    pdf
}
