//! A whole month, then every way to change what was written down: each is found and named.

use app::goods::{Announce, OpenPlace, Receive};
use app::posting::{Answer, Certify, Object, Post};
use app::redemption::{Award, By, Redeem, Reverse};
use app::verify::{Finding, Report};
use app::{Failure, Never, Tx};
use domain::access::Role;
use domain::points::Transfer;
use domain::posting::answer::Verdict;
use domain::posting::merkle;
use domain::posting::object::Channel;
use domain::redemption::Wish;
use domain::scoring::{Outcome, Scores};
use domain::{Arg, Id, Refusal};
use jiff::civil::date;
use store::{Val, args};
use testkit::month::{FULL, Village};
use testkit::{Stage, on_both};

/// November of one village: a list, an upheld objection, certification, a market day with a
/// redemption and one taken back, a bonus.
fn november(stage: &Stage) {
    november_with(stage, "李四", None, None);
}

/// The same, with what people leave: who objects, how to reach them, who comes in another's place.
pub fn november_with(
    stage: &Stage,
    by_name: &str,
    contact: Option<&str>,
    proxy: Option<domain::redemption::Proxy>,
) {
    let village = Village::reviewed(stage, &["张三", "欧阳四海", "王五"]);
    let batch = village.batch;
    stage.at("2026-11-24T09:00");
    let (posting, objection) = (stage.id(), stage.id());
    let who = village.now(&village.committee);
    let post = Post {
        key: posting,
        batch,
        place: "公示栏".into(),
        contact: "村委会 0635-8511234 13800138000".into(),
        from: who.today(),
    };
    stage.write_in(who.reach(), move |tx| app::posting::post(tx, &who, &post)).expect("a posting");
    let (object, now) = (
        Object {
            key: objection,
            posting,
            channel: Channel::Page,
            serial: Some(2),
            text: "院子是干净的".into(),
            by_name: Some(by_name.into()),
            contact: contact.map(str::to_owned),
        },
        stage.now(),
    );
    stage.write(move |tx| app::posting::object(tx, now, &object)).expect("an objection");
    stage.at("2026-11-25T09:00");
    let who = village.now(&village.committee);
    let answer = Answer {
        key: stage.id(),
        objection,
        verdict: Verdict::Upheld,
        text: "已更正".into(),
        new_scores: Some(Outcome::Assessed(Scores::parse(FULL).expect("scores"))),
    };
    stage
        .write_in(who.reach(), move |tx| app::posting::answer(tx, &who, &answer))
        .expect("an answer");
    stage.at("2026-12-01T09:00");
    let who = village.now(&village.township);
    let certify = Certify { key: stage.id(), batch };
    stage
        .write_in(who.reach(), move |tx| app::posting::certify(tx, &who, &certify))
        .expect("a certification");
    market_day(stage, &village, proxy);
}

fn market_day(stage: &Stage, village: &Village<'_>, proxy: Option<domain::redemption::Proxy>) {
    let (truck, day) = (stage.id(), stage.id());
    let (area, goods) = stage
        .read::<_, Never>(|tx| {
            let area = "SELECT id FROM area WHERE path = '001.001.001'";
            let goods = store::goods::all(tx)?.into_iter().min_by_key(|g| g.points);
            Ok((tx.one(area, &args![], |r| r.id(0))?, goods))
        })
        .expect("a village and goods");
    let goods = goods.expect("a catalogue").goods;
    let who = village.now(&village.zone_officer);
    let open = OpenPlace { key: truck, kind: "store".into(), name: "超市".into(), area };
    stage
        .write_in(who.reach(), move |tx| app::goods::open_place(tx, &who, &open))
        .expect("a store");
    let mut keeper = stage.person("店员", Role::StoreKeeper, Some("001.001.001"));
    keeper.posts[0].place = Some(truck);
    let who = keeper.clone();
    let receive = Receive {
        key: stage.id(),
        donor: "粮油店".into(),
        donor_public: true,
        place: truck,
        received_on: who.today(),
        money_fen: 100,
        note: String::new(),
        lines: vec![(goods, 9, None), (goods, 3, None)],
    };
    stage
        .write_in(who.reach(), move |tx| app::goods::receive(tx, &who, &receive))
        .expect("a donation");
    let who = keeper.clone();
    let on_date = date(2026, 12, 5);
    let announce =
        Announce { key: day, place: truck, village: area, on_date, spot: "广场".into() };
    stage
        .write_in(who.reach(), move |tx| app::goods::announce(tx, &who, &announce))
        .expect("a market day");
    stage.at("2026-12-05T10:00");
    let keeper = stage.now_as(&keeper);
    let redeem = |household: Id| {
        let (who, key) = (keeper.clone(), stage.id());
        let wishes = vec![Wish { goods, quantity: 1 }];
        let by = By::Household(household);
        let proxy = proxy.clone();
        let redeem = Redeem { key, by, market_day: day, wishes, proxy };
        stage
            .write_in(who.reach(), move |tx| app::redemption::redeem(tx, &who, &redeem))
            .expect("a redemption");
        key
    };
    redeem(village.households[0]);
    let redemption = redeem(village.households[2]);
    let who = keeper.clone();
    let reverse = Reverse { key: stage.id(), redemption, reason: "破损".into() };
    stage
        .write_in(who.reach(), move |tx| app::redemption::reverse(tx, &who, &reverse))
        .expect("a reversal");
    let who = village.now(&village.zone_officer);
    let award = Award {
        key: stage.id(),
        household: village.households[1],
        event: "X4".into(),
        document: "区发〔2026〕1号".into(),
        on_date: who.today(),
    };
    stage
        .write_in(who.reach(), move |tx| app::redemption::award(tx, &who, &award))
        .expect("a bonus");
}

/// What was found, carried out of a transaction that is then undone.
#[derive(Debug)]
pub(crate) struct Undone(pub Report);

impl Refusal for Undone {
    fn code(&self) -> &'static str {
        "undone"
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        Vec::new()
    }
}

/// Changes what is stored behind the rules' back, looks, and takes it back.
fn after(stage: &Stage, tamper: impl Fn(&mut Tx) -> store::Result<()> + Send + 'static) -> Report {
    let looked: Result<(), _> = stage.write(move |tx| {
        unguard(tx)?;
        tamper(tx)?;
        Err(Failure::Refused(Undone(app::verify::verify(tx, |_| {})?)))
    });
    match looked {
        Err(Failure::Refused(Undone(report))) => report,
        other => panic!("{}: {other:?}", stage.engine),
    }
}

/// Takes the triggers and the references away, for this transaction.
pub(crate) fn unguard(tx: &mut Tx) -> store::Result<()> {
    if !tx.is_sqlite() {
        tx.exec("SET LOCAL ROLE NONE", &args![])?;
        tx.exec("SET LOCAL session_replication_role = replica", &args![])?;
        return Ok(());
    }
    tx.exec("PRAGMA defer_foreign_keys = ON", &args![])?;
    let log = ["posting_log", "posting_log_node", "posting_checkpoint"];
    for table in ["transfer", "posting", "audit_log", "audit_seal"].into_iter().chain(log) {
        for act in ["update", "delete"] {
            tx.exec(&format!("DROP TRIGGER {table}_kept_{act}"), &args![])?;
        }
    }
    tx.exec("DROP TRIGGER posting_salt_kept_update", &args![])?;
    tx.exec("DROP TRIGGER audit_log_waits", &args![])?;
    Ok(())
}

fn found(report: &Report) -> &Finding {
    report.finding.as_ref().expect("something does not fit")
}

#[test]
fn a_whole_month_fits() {
    on_both(|stage| {
        november(stage);
        let report = stage.read::<_, Never>(|tx| Ok(app::verify::verify(tx, |_| {})?)).unwrap();
        assert_eq!(report.finding, None, "{}", stage.engine);
        let count = |table| report.counts.iter().find(|c| c.0 == table).map(|c| c.1);
        let counts = ["sheet", "settlement", "posting", "objection", "redemption", "bonus"];
        assert_eq!(
            counts.map(count),
            [Some(6), Some(4), Some(2), Some(1), Some(3), Some(1)],
            "{}",
            stage.engine
        );
        // Three credits, a bonus, two lots, and two movements for each redemption.
        assert_eq!(count("transfer"), Some(12));
    });
}

#[derive(Clone, Copy)]
pub(crate) enum Of {
    Id,
    Text,
    Int,
    Bool,
    Bytes,
}

/// Every stored column of the rows that points and goods rest on.
const COLUMNS: [(&str, &[(&str, Of)]); 6] = {
    use Of::{Bool, Bytes, Id, Int, Text};
    [
        (
            "sheet",
            &[
                ("id", Id),
                ("batch", Id),
                ("household", Id),
                ("scorer", Text),
                ("person", Id),
                ("visited_on", Text),
                ("scores", Text),
                ("remark", Text),
                ("opened_at", Int),
                ("at", Int),
                ("replaces", Id),
                ("current", Bool),
                ("digest", Bytes),
            ],
        ),
        (
            "settlement",
            &[
                ("id", Id),
                ("batch", Id),
                ("household", Id),
                ("outcome", Text),
                ("basis", Text),
                ("scores", Text),
                ("sums", Text),
                ("total", Int),
                ("note", Text),
                ("person", Id),
                ("at", Int),
                ("replaces", Id),
                ("current", Bool),
                ("digest", Bytes),
            ],
        ),
        (
            "posting",
            &[
                ("id", Id),
                ("batch", Id),
                ("corrects", Id),
                ("place", Text),
                ("contact", Text),
                ("from_date", Text),
                ("to_date", Text),
                ("days", Int),
                ("day_kind", Text),
                ("rows", Int),
                ("body", Bytes),
                ("root", Bytes),
                ("person", Id),
                ("at", Int),
                ("log_seal", Int),
                ("log_head", Bytes),
                ("digest", Bytes),
            ],
        ),
        (
            "transfer",
            &[
                ("id", Id),
                ("seq", Int),
                ("unit", Id),
                ("step", Text),
                ("debit", Id),
                ("credit", Id),
                ("amount", Int),
                ("hold", Id),
                ("cause_kind", Text),
                ("cause", Id),
                ("on_date", Text),
                ("at", Int),
                ("digest", Bytes),
            ],
        ),
        (
            "redemption",
            &[
                ("id", Id),
                ("receipt", Text),
                ("household", Id),
                ("card", Id),
                ("market_day", Id),
                ("place", Id),
                ("points", Int),
                ("proxy_name", Bytes),
                ("proxy_relation", Text),
                ("reverses", Id),
                ("reason", Text),
                ("person", Id),
                ("on_date", Text),
                ("at", Int),
                ("digest", Bytes),
            ],
        ),
        (
            "redemption_line",
            &[
                ("redemption", Id),
                ("line", Int),
                ("goods", Id),
                ("lot", Id),
                ("quantity", Int),
                ("points_each", Int),
            ],
        ),
    ]
};

/// The stored value with one bit of one byte turned; something where there was nothing.
pub(crate) fn turned(tx: &mut Tx, sql: &str, key: Val, of: Of) -> store::Result<Val> {
    tx.one(sql, &[key], |r| {
        Ok(match of {
            Of::Int => Val::Int(r.opt_int(0)?.unwrap_or(0) ^ 0x40),
            Of::Bool => Val::Bool(!r.bool(0)?),
            Of::Id => Val::Id(r.opt_id(0)?.map_or(Id::from_u128(1), |id| {
                let mut bytes = *id.as_bytes();
                bytes[15] ^= 1;
                Id::from_bytes(bytes)
            })),
            Of::Bytes => {
                let mut bytes = r.opt_bytes(0)?.unwrap_or_else(|| vec![0; 32]);
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                Val::Bytes(bytes)
            }
            Of::Text => {
                let mut bytes = r.opt_text(0)?.unwrap_or_default().into_bytes();
                match bytes.last_mut() {
                    Some(last) => *last ^= 1,
                    None => bytes.push(b'x'),
                }
                Val::Text(String::from_utf8(bytes).expect("one bit keeps it UTF-8"))
            }
        })
    })
}

#[test]
fn one_byte_anywhere_is_found_and_named() {
    on_both(|stage| {
        november(stage);
        for (table, columns) in COLUMNS {
            let key = if table == "redemption_line" { "redemption" } else { "id" };
            let current = matches!(table, "sheet" | "settlement");
            let current = if current { "WHERE current" } else { "" };
            let row = format!("SELECT {key} FROM {table} {current} ORDER BY {key} LIMIT 1");
            let row = stage.store_id(&row);
            for (column, of) in columns {
                let read = format!("SELECT {column} FROM {table} WHERE {key} = $1");
                let write = format!("UPDATE {table} SET {column} = $2 WHERE {key} = $1");
                let of = *of;
                let report = after(stage, move |tx| {
                    let value = turned(tx, &read, Val::Id(row), of)?;
                    tx.exec(&write, &[Val::Id(row), value])?;
                    Ok(())
                });
                let finding = found(&report);
                let at = format!("{} {table}.{column}: {finding:?}", stage.engine);
                let named = if table == "redemption_line" { "redemption" } else { table };
                assert_eq!(finding.table, named, "{at}");
                let own = finding.id == row.to_string();
                assert!(own || (*column == "id" && finding.id.len() == 36), "{at}");
            }
        }
        let report = stage.read::<_, Never>(|tx| Ok(app::verify::verify(tx, |_| {})?)).unwrap();
        assert_eq!(report.finding, None, "every change was taken back");
    });
}

trait Ids {
    fn store_id(&self, sql: &str) -> Id;
}
impl Ids for Stage {
    fn store_id(&self, sql: &str) -> Id {
        let sql = sql.to_owned();
        let found = self.read::<_, Never>(move |tx| Ok(tx.one(&sql, &args![], |r| r.id(0))?));
        found.expect("a row")
    }
}

#[test]
fn what_has_no_fingerprint_is_found_by_what_it_adds_up_to() {
    on_both(|stage| {
        november(stage);
        for (tamper, table, what) in [
            (
                "UPDATE account SET credits_posted = credits_posted + 1 WHERE kind = 'household'",
                "account",
                "has a balance no transfers make",
            ),
            ("DELETE FROM transfer WHERE seq = 1", "transfer", "has number 2 after 0"),
            (
                "UPDATE transfer SET debit_before = debit_before - 1 WHERE seq = 12",
                "transfer",
                "follows ",
            ),
            ("UPDATE transfer SET credit_before = 12 WHERE seq = 3", "transfer", "follows 12 of"),
            ("UPDATE account SET last = last - 1 WHERE kind = 'household'", "account", "names "),
            ("DELETE FROM transfer WHERE seq = 12", "account", "has a balance no transfers make"),
            (
                "UPDATE batch SET credited_points = credited_points + 1",
                "batch",
                "says Some(301) points, its credits are 300",
            ),
            (
                "UPDATE batch SET certified_at = posted_at",
                "batch",
                "was certified before its lists had hung their time",
            ),
            ("UPDATE batch SET seal = digest FROM scheme", "batch", "is not what was sealed"),
            (
                "UPDATE account SET path = '001' WHERE kind = 'household'",
                "account",
                "lies elsewhere than what it belongs to",
            ),
            (
                "UPDATE redemption SET path = '001'",
                "redemption",
                "lies elsewhere than what it belongs to",
            ),
            (
                "UPDATE area SET households = households + 1",
                "area",
                "says another number of households",
            ),
            (
                "UPDATE market_day SET redemptions = redemptions + 1",
                "market_day",
                "says another sum than its redemptions",
            ),
            (
                "UPDATE market_day SET points = points - 1",
                "market_day",
                "says another sum than its redemptions",
            ),
            ("UPDATE roster SET path = ''", "roster", "lies elsewhere than what it belongs to"),
            ("UPDATE sheet SET path = '9'", "sheet", "lies elsewhere than what it belongs to"),
            (
                "UPDATE settlement SET path = '001.001.0010'",
                "settlement",
                "lies elsewhere than what it belongs to",
            ),
            (
                "UPDATE batch SET state = 'reviewed'",
                "transfer",
                "there is no certification it could come from",
            ),
            (
                "DELETE FROM sheet WHERE scorer = 'assistance_officer'",
                "settlement",
                "does not say what the sheet it rests on says",
            ),
            ("UPDATE roster SET able_to_work = FALSE", "settlement", "scores: ItemMissing"),
            (
                "DELETE FROM posting WHERE corrects IS NOT NULL",
                "batch",
                "row 2 did not hang as it is settled",
            ),
            ("DELETE FROM bonus", "transfer", "there is no bonus it could come from"),
            ("DELETE FROM redemption WHERE reverses IS NULL", "transfer", "there is no redemption"),
            ("UPDATE scheme SET version = 7", "scheme", "is not the version its file says"),
        ] {
            let report = after(stage, move |tx| {
                tx.exec(tamper, &args![])?;
                Ok(())
            });
            let finding = found(&report);
            assert_eq!(finding.table, table, "{} {tamper}: {finding:?}", stage.engine);
            assert!(finding.what.starts_with(what), "{} {tamper}: {finding:?}", stage.engine);
        }
    });
}

/// Somebody who knows how fingerprints are made takes them anew.
#[test]
fn a_new_fingerprint_does_not_help() {
    on_both(|stage| {
        november(stage);
        let report = after(stage, |tx| {
            let batch = tx.one("SELECT id FROM batch", &args![], |r| r.id(0))?;
            let household = tx.one("SELECT household FROM roster", &args![], |r| r.id(0))?;
            let mut s = store::scoring::find_settlement(tx, batch, household)?.expect("settled");
            s.total += 1;
            let sql = "UPDATE settlement SET total = $2, digest = $3 WHERE id = $1";
            tx.exec(sql, &args![s.id, s.total, s.digest()])?;
            Ok(())
        });
        assert!(found(&report).what.starts_with("has a total of"), "{:?}", found(&report));

        let report = after(stage, |tx| {
            let batch = tx.one("SELECT id FROM batch", &args![], |r| r.id(0))?;
            let mut p = store::posting::of_batch(tx, batch)?.remove(0);
            let body = String::from_utf8_lossy(&p.body).replace("张**", "371502199001011234");
            p.body = body.into_bytes();
            p.root = merkle::root_of_text(&p.body);
            tx.exec(
                "UPDATE posting SET body = $2, root = $3, digest = $4 WHERE id = $1",
                &args![p.id, p.body.as_slice(), p.root, p.digest()],
            )?;
            Ok(())
        });
        assert!(found(&report).what.starts_with("holds a number like"), "{:?}", found(&report));

        let report = after(stage, |tx| {
            let mut last = None;
            store::points::each(tx, |entry| {
                last = Some(entry);
                Ok(())
            })?;
            let entry = last.expect("a transfer");
            let amount = domain::points::Amount::new(entry.transfer.amount.get() + 1);
            let t = Transfer { amount: amount.expect("more"), ..entry.transfer };
            tx.exec(
                "UPDATE transfer SET amount = $2, digest = $3 WHERE id = $1",
                &args![t.id, t.amount.get(), t.digest(entry.seq)],
            )?;
            Ok(())
        });
        assert_eq!(found(&report).table, "account");
    });
}

/// Gives every movement the name that `named` says, with a new fingerprint.
fn rename(tx: &mut Tx, named: fn(&Transfer) -> Id) -> store::Result<()> {
    let mut entries = Vec::new();
    store::points::each(tx, |entry| {
        entries.push(entry);
        Ok(())
    })?;
    for entry in entries {
        let t = Transfer { id: named(&entry.transfer), ..entry.transfer };
        tx.exec(
            "UPDATE transfer SET id = $2, digest = $3 WHERE id = $1",
            &args![entry.transfer.id, t.id, t.digest(entry.seq)],
        )?;
    }
    Ok(())
}

#[test]
fn movements_are_named_by_their_cause_now_or_as_the_first_programs_did() {
    on_both(|stage| {
        november(stage);
        let report = after(stage, |tx| rename(tx, Transfer::former_id));
        assert_eq!(report.finding, None, "{}", stage.engine);
        let report = after(stage, |tx| rename(tx, |t| domain::id::derive(t.id, "x", 0)));
        let finding = found(&report);
        let what = "is not named by its cause and its accounts";
        assert_eq!((finding.table, finding.what.as_str()), ("transfer", what));
    });
}

#[test]
fn what_is_changed_in_the_posting_log_is_found_and_named() {
    on_both(|stage| {
        november(stage);
        const EMPTY: &str = "(SELECT c.root FROM posting_checkpoint c WHERE c.size = 0)";
        for (tamper, table, what) in [
            (
                format!("UPDATE posting_log SET leaf = {EMPTY}"),
                "posting_log",
                "is not what its leaf",
            ),
            ("DELETE FROM posting_log WHERE number = 0".into(), "posting_log", "is missing"),
            (
                "DELETE FROM posting_log WHERE number = 1".into(),
                "posting_checkpoint",
                "tells of entries",
            ),
            (
                format!("UPDATE posting_checkpoint SET root = {EMPTY} WHERE size = 2"),
                "posting_checkpoint",
                "has another root",
            ),
            (
                "UPDATE posting_checkpoint SET frontier = root WHERE size = 1".to_owned()
                    + "; UPDATE posting_checkpoint SET frontier = substr(frontier, 1, 0) WHERE size = 1",
                "posting_log",
                "checkpoint 1 ends in other subtrees",
            ),
            (
                "UPDATE posting_checkpoint SET note = (SELECT c.note FROM posting_checkpoint c \
                 WHERE c.size = 1) WHERE size = 2"
                    .into(),
                "posting_checkpoint",
                "says another size or root",
            ),
            (
                "UPDATE posting_checkpoint SET note = replace(note, 'siji', 'sijj') WHERE size = 2"
                    .into(),
                "posting_checkpoint",
                "is signed by none",
            ),
            (
                "DELETE FROM posting_checkpoint WHERE size = 1".into(),
                "posting_checkpoint",
                "is missing",
            ),
            (
                "DELETE FROM posting_checkpoint WHERE size = 2".into(),
                "posting_checkpoint",
                "is missing",
            ),
            ("DELETE FROM posting_salt".into(), "posting", "has lost the salt"),
            (
                "UPDATE posting_salt SET salt = (SELECT substr(c.root, 1, 16) FROM \
                 posting_checkpoint c WHERE c.size = 0)"
                    .into(),
                "posting",
                "is not what its entry in the posting log commits to",
            ),
        ] {
            let sql: Vec<String> = tamper.split("; ").map(str::to_owned).collect();
            let report = after(stage, move |tx| {
                sql.iter().try_for_each(|sql| tx.exec(sql, &args![]).map(drop))
            });
            let finding = found(&report);
            assert_eq!(finding.table, table, "{} {tamper}: {finding:?}", stage.engine);
            assert!(finding.what.starts_with(what), "{} {tamper}: {finding:?}", stage.engine);
        }
        // Any byte of an entry; with a leaf made to fit it, the tree does not.
        for at in (0..200).step_by(23) {
            for with_leaf in [false, true] {
                let report = after(stage, move |tx| {
                    let sql = "SELECT entry FROM posting_log WHERE number = 1";
                    let mut entry = tx.one(sql, &args![], |r| r.bytes(0))?;
                    entry[at] ^= 1;
                    let leaf = merkle::leaf(&entry);
                    tx.exec("UPDATE posting_log SET entry = $1 WHERE number = 1", &args![entry])?;
                    if with_leaf {
                        tx.exec("UPDATE posting_log SET leaf = $1 WHERE number = 1", &args![leaf])?;
                    }
                    Ok(())
                });
                let finding = found(&report);
                let named = ["posting_log", "posting_checkpoint"].contains(&finding.table);
                assert!(named && !finding.id.is_empty(), "{} byte {at}: {finding:?}", stage.engine);
            }
        }
    });
}
