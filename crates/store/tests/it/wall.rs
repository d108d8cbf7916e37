//! The wall: what each reach sees and may write, on both engines, whatever the statement says.

use app::{Failure, Never};
use domain::Id;
use domain::access::{Reach, Role, Scope};
use store::{Options, Place, Tx, args};
use testkit::{Stage, on_both};

/// Two villages of one township and one of another; a household with everything in each.
struct Zone<'s> {
    stage: &'s Stage,
    cadre: Id,
}

const VILLAGES: [&str; 3] = ["001.001.001", "001.001.002", "001.002.001"];

impl Zone<'_> {
    fn new(stage: &Stage) -> Zone<'_> {
        stage.area("001", "zone", "Zone");
        stage.area("001.001", "township", "North");
        stage.area("001.002", "township", "South");
        let cadre = stage.person("Wang", Role::AssignedCadre, None);
        let (round, scheme, by) = (stage.id(), app::scheme::shipped_id(), cadre.person);
        let sql = "INSERT INTO round (id, kind, month, scheme, visits_from, visits_to, at, digest) \
                   VALUES ($1, 'scoring', '2026-11', $2, '2026-11-01', '2026-11-20', 1, $3)";
        run(stage, sql, args![round, scheme, vec![0_u8]].to_vec());
        for (n, path) in VILLAGES.into_iter().enumerate() {
            let village = stage.area(path, "village", path);
            let household = stage.household(path, &format!("H{n}"), "Zhang", true);
            if n == 0 {
                stage.assign(household, &cadre);
            }
            plant(stage, n, (village, path), household, round, by);
        }
        Zone { stage, cadre: cadre.person }
    }

    fn reach(&self, paths: &[&str]) -> Reach {
        let paths = paths.iter().map(|p| (*p).to_owned()).collect();
        Reach::Person(Scope { person: Id::nil(), paths, assigned: false })
    }

    /// Rows seen of each walled table.
    fn seen(&self, reach: Reach) -> String {
        let counted = self.stage.read_in::<_, Never>(reach, |tx| {
            let mut line = Vec::new();
            for table in store::wall::walled() {
                let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
                line.push(tx.one(&sql, &args![], |r| r.int(0))?.to_string());
            }
            Ok(line.join(" "))
        });
        counted.expect("a count")
    }
}

fn run(stage: &Stage, sql: &'static str, args: Vec<store::Val>) {
    stage.write::<_, Never>(move |tx| Ok(tx.exec(sql, &args)?)).expect("planted");
}

/// One row in every walled table for this village.
fn plant(stage: &Stage, n: usize, at: (Id, &str), household: Id, round: Id, by: Id) {
    let (village, path) = (at.0, at.1.to_owned());
    let ids: Vec<Id> = (0..17).map(|_| stage.id()).collect();
    let zeros = || vec![0_u8; 32];
    let account = domain::points::Account::household(household).id();
    let planted = stage.write::<_, Never>(move |tx| {
        let b = ids[0];
        let mut put = |sql: &str, args: &[store::Val]| tx.exec(sql, args);
        put(
            "INSERT INTO batch (id, round, village, path, state, households, posted_at) \
             VALUES ($1, $2, $3, $4, 'in_publicity', 1, 1)",
            &args![b, round, village, &path],
        )?;
        put(
            "INSERT INTO roster (batch, household, position, head_name, able_to_work, path) \
             VALUES ($1, $2, 1, 'Zhang', TRUE, $3)",
            &args![b, household, &path],
        )?;
        put(
            "INSERT INTO member (id, household, number, name, relation, sex, id_kind, active, \
             digest) VALUES ($1, $2, $3, 'Zhang', 'head', 'm', 'resident', TRUE, $4)",
            &args![ids[1], household, format!("M{n}"), zeros()],
        )?;
        put(
            "INSERT INTO kinship (id, person, household, relation, declared_at, declared_by, \
             digest) VALUES ($1, $2, $3, 'brother', 1, $2, $4)",
            &args![ids[2], by, household, zeros()],
        )?;
        put(
            "INSERT INTO sheet (id, batch, household, scorer, person, scores, remark, at, \
             current, digest, path) VALUES ($1, $2, $3, 'assigned_cadre', $4, '', '', 1, TRUE, $5, $6)",
            &args![ids[4], b, household, by, zeros(), &path],
        )?;
        put(
            "INSERT INTO settlement (id, batch, household, outcome, basis, scores, sums, total, \
             note, person, at, current, digest, path) \
             VALUES ($1, $2, $3, 'assessed', 'equal', '', '', 1, '', $4, 1, TRUE, $5, $6)",
            &args![ids[5], b, household, by, zeros(), &path],
        )?;
        put(
            "INSERT INTO posting (id, batch, place, contact, from_date, to_date, days, day_kind, \
             rows, body, root, person, at, log_seal, log_head, digest) VALUES ($1, $2, '', '', '2026-11-01', \
             '2026-11-09', 7, 'calendar', 1, $4, $4, $3, 1, 0, $4, $4)",
            &args![ids[6], b, by, zeros()],
        )?;
        put(
            "INSERT INTO posting_salt (posting, batch, salt) VALUES ($1, $2, $3)",
            &args![ids[6], b, zeros()],
        )?;
        put(
            "INSERT INTO objection (id, code, posting, batch, path, channel, text, filed_at, \
             due_on, state, digest) VALUES ($1, $2, $3, $4, $5, 'page', '', 1, '2026-11-09', \
             'open', $6)",
            &args![ids[7], format!("C{n}"), ids[6], b, &path, zeros()],
        )?;
        put(
            "INSERT INTO takeout (id, person, path, columns, reason, words, at, state) \
             VALUES ($1, $2, $3, 'phone', 'visit', '', 1, 'asked')",
            &args![ids[16], by, &path],
        )?;
        put(
            "INSERT INTO account (id, unit, kind, owner, debits_posted, credits_posted, \
             debits_pending, credits_pending, path) VALUES ($1, $2, 'household', $3, 0, 5, 0, 0, $4)",
            &args![account, ids[8], household, &path],
        )?;
        let issued = ids[9];
        put(
            "INSERT INTO account (id, unit, kind, debits_posted, credits_posted, \
             debits_pending, credits_pending) VALUES ($1, $2, 'issued', 5, 0, 0, 0)",
            &args![issued, ids[8]],
        )?;
        put(
            "INSERT INTO transfer (id, seq, unit, step, debit, credit, amount, debit_before, \
             credit_before, cause_kind, cause, on_date, at, digest) VALUES ($1, $2, $3, 'posted', \
             $4, $5, 5, 0, 0, 'bonus', $1, '2026-11-09', 1, $6)",
            &args![ids[10], n as i64 + 1, ids[8], issued, account, zeros()],
        )?;
        put(
            "INSERT INTO bonus (id, household, event, points, document, person, on_date, at, \
             digest) VALUES ($1, $2, 'X', 5, '', $3, '2026-11-09', 1, $4)",
            &args![ids[11], household, by, zeros()],
        )?;
        put(
            "INSERT INTO card (id, household, code, issued_at, issued_by, digest) \
             VALUES ($1, $2, $3, 1, $4, $5)",
            &args![ids[12], household, format!("K{n}"), by, zeros()],
        )?;
        let (place, day, redemption) = (ids[13], ids[14], ids[15]);
        put(
            "INSERT INTO place (id, kind, name, area, path) VALUES ($1, 'store', '', $2, $3)",
            &args![place, village, &path],
        )?;
        put(
            "INSERT INTO market_day (id, place, village, path, on_date, spot, person, \
             announced_at, digest) VALUES ($1, $2, $3, $4, '2026-11-09', '', $5, 1, $6)",
            &args![day, place, village, &path, by, zeros()],
        )?;
        put(
            "INSERT INTO redemption (id, receipt, household, market_day, place, points, person, \
             on_date, at, digest, path) \
             VALUES ($1, $2, $3, $4, $5, 5, $6, '2026-11-09', 1, $7, $8)",
            &args![redemption, format!("R{n}"), household, day, place, by, zeros(), &path],
        )?;
        put(
            "INSERT INTO redemption_line (redemption, line, goods, lot, quantity, points_each) \
             VALUES ($1, 1, $2, $2, 1, 5)",
            &args![redemption, ids[8]],
        )?;
        put(
            "INSERT INTO import (id, kind, file_name, file_digest, state, at, report) \
             VALUES ($1, 'register', '', $2, 'checked', 1, $2)",
            &args![ids[3], zeros()],
        )?;
        Ok(())
    });
    planted.expect("planted");
}

#[test]
fn each_reach_sees_its_own_rows_of_every_table() {
    on_both(|stage| {
        let zone = Zone::new(stage);
        let cadre = Scope { person: zone.cadre, paths: Vec::new(), assigned: true };
        let picture = [
            ("system", zone.seen(Reach::System)),
            ("zone", zone.seen(zone.reach(&["001"]))),
            ("township", zone.seen(zone.reach(&["001.001"]))),
            ("village", zone.seen(zone.reach(&["001.001.002"]))),
            ("two villages", zone.seen(zone.reach(&["001.002.001", "001.001.002"]))),
            ("cadre", zone.seen(Reach::Person(cadre))),
            ("nowhere", zone.seen(zone.reach(&[]))),
            ("public", zone.seen(Reach::Public)),
        ];
        let mut lines = vec![store::wall::walled().collect::<Vec<_>>().join(" ")];
        lines.extend(picture.iter().map(|(who, seen)| format!("{who:<13}{seen}")));
        insta::assert_snapshot!("what_each_reach_sees", lines.join("\n"));
    });
}

/// An owner who may make roles and nothing more builds the wall, and it stands the same.
#[test]
fn a_plain_owner_builds_the_same_wall() {
    let url = testkit::postgres::url();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a connection");
    let owner = "DO $$ BEGIN \
                   IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'plain_owner') THEN \
                     CREATE ROLE plain_owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS; \
                   END IF; \
                   EXECUTE format('GRANT CREATE ON DATABASE %I TO plain_owner', current_database()); \
                 END $$";
    client.batch_execute(owner).expect("an owner");
    let at = url.find('@').expect("a URL with a user");
    let plain =
        Stage::postgres_with(&format!("postgres://plain_owner{}", &url[at..]), testkit::keys());
    let stage = Stage::postgres();
    let (plain, usual) = (Zone::new(&plain), Zone::new(&stage));
    let cadre = |zone: &Zone| {
        Reach::Person(Scope { person: zone.cadre, paths: Vec::new(), assigned: true })
    };
    assert_eq!(plain.seen(cadre(&plain)), usual.seen(cadre(&usual)));
    for reach in [Reach::System, Reach::Public, usual.reach(&["001.001"]), usual.reach(&[])] {
        assert_eq!(plain.seen(reach.clone()), usual.seen(reach.clone()), "{reach:?}");
    }
}

fn refused(stage: &Stage, reach: &Reach, sql: &'static str) -> bool {
    let tried = stage.write_in::<_, Never>(reach.clone(), move |tx| Ok(tx.exec(sql, &args![])?));
    tried.is_err()
}

#[test]
fn nothing_is_written_outside_the_reach() {
    on_both(|stage| {
        let zone = Zone::new(stage);
        let village = zone.reach(&["001.001.001"]);
        for sql in [
            // Out of the own village, and into it from elsewhere.
            "UPDATE household SET path = '001.001.002'",
            "INSERT INTO household (id, number, village, path, head_name, size, able_to_work, \
             search, active, changed_at, digest) SELECT id, 'N', id, '001.001.002', 'N', 1, TRUE, \
             '', TRUE, 0, 'x' FROM area WHERE path = '001.001.002'",
            "INSERT INTO card (id, household, code, issued_at, issued_by, digest) \
             SELECT a.id, a.id, 'N', 1, a.id, 'x' FROM area a WHERE a.path = '001'",
        ] {
            assert!(refused(stage, &village, sql), "{}: {sql}", stage.engine);
        }
        // Another village's batch, said to lie here.
        let foreign = stage.read::<_, Never>(|tx| {
            let sql = "SELECT b.id, r.household FROM batch b JOIN roster r ON r.batch = b.id \
                       WHERE b.path = '001.001.002'";
            Ok(tx.one(sql, &args![], |r| Ok((r.id(0)?, r.id(1)?)))?)
        });
        let (batch, household) = foreign.expect("the other village's");
        let (id, by) = (stage.id(), zone.cadre);
        let strayed = stage.write_in::<_, Never>(village.clone(), move |tx| {
            let sql = "INSERT INTO sheet (id, batch, household, scorer, person, scores, remark, at, \
                       current, digest, path) VALUES ($1, $2, $3, 'assistance_officer', $4, '', '', \
                       1, TRUE, $5, '001.001.001')";
            Ok(tx.exec(sql, &args![id, batch, household, by, vec![0_u8; 32]])?)
        });
        assert!(strayed.is_err(), "{}", stage.engine);
        // What lies outside is not even there to be changed.
        let before = zone.seen(Reach::System);
        let touched = stage.write_in::<_, Never>(village, |tx| {
            let changed = "UPDATE household SET head_name = 'Li' WHERE path = '001.001.002'";
            Ok(tx.exec(changed, &args![]))
        });
        assert!(matches!(touched, Ok(Ok(0) | Err(_)) | Err(_)), "{}", stage.engine);
        // A cadre on a list reaches its households: nobody puts themselves there.
        let cadre = Scope { person: zone.cadre, paths: Vec::new(), assigned: true };
        let listed = stage.write_in::<_, Never>(Reach::Person(cadre), move |tx| {
            Ok(tx.exec("UPDATE roster SET cadre = $1 WHERE path = '001.001.002'", &args![by])?)
        });
        assert!(!matches!(listed, Ok(1..)), "{}: {listed:?}", stage.engine);
        let public = stage.write_in::<_, Never>(Reach::Public, |tx| {
            Ok(tx.exec("UPDATE batch SET state = 'credited'", &args![])?)
        });
        assert!(!matches!(public, Ok(1..)), "{}", stage.engine);
        assert_eq!(zone.seen(Reach::System), before);
        let names = stage.read::<_, Never>(|tx| {
            let sql = "SELECT DISTINCT head_name FROM household";
            Ok(tx.all(sql, &args![], |r| r.text(0))?)
        });
        assert_eq!(names.unwrap(), ["Zhang"]);
    });
}

#[test]
fn sqlite_reads_no_table_but_through_its_view() {
    let stage = Stage::sqlite();
    let zone = Zone::new(&stage);
    let village = zone.reach(&["001.001.001"]);
    for sql in [
        "SELECT id FROM main.household",
        "SELECT COUNT(*) FROM main.household",
        "SELECT (SELECT MAX(head_name) FROM main.household)",
        "WITH h AS (SELECT * FROM main.household) SELECT COUNT(*) FROM h",
        "SELECT a.id FROM area a JOIN main.household h ON h.village = a.id",
        "SELECT m.id FROM member m WHERE m.household IN (SELECT id FROM main.household)",
        "DROP VIEW household",
        "CREATE TEMP VIEW mine AS SELECT * FROM main.household",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "PRAGMA query_only = OFF",
        "PRAGMA table_info(household)",
        "ATTACH DATABASE ':memory:' AS other",
        "DELETE FROM household",
        "SELECT rowid FROM main.member",
    ] {
        let tried = stage.read_in::<_, Never>(village.clone(), move |tx| {
            Ok(tx.all(sql, &args![], |_| Ok(()))?.len())
        });
        assert!(tried.is_err(), "{sql}: {tried:?}");
    }
    assert_eq!(zone.seen(village).split(' ').next(), Some("1"));
}

#[test]
fn postgres_shows_nothing_to_a_missing_or_empty_scope() {
    let stage = Stage::postgres();
    let zone = Zone::new(&stage);
    let Options { place: Place::Postgres(url), .. } = &stage.options else { panic!("a url") };
    let (url, schema) = url.split_once("schema=").expect("a schema");
    let mut client = postgres::Client::connect(url.trim_end_matches(['?', '&']), postgres::NoTls)
        .expect("a connection");
    let role = client
        .query_one(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = $1",
            &[&format!("{schema}_app")],
        )
        .expect("the working role");
    assert_eq!([0, 1, 2].map(|i| role.get::<_, bool>(i)), [false; 3]);
    client
        .batch_execute(&format!("SET search_path TO {schema}; SET ROLE {schema}_app"))
        .expect("the working role");
    let owned: i64 = client
        .query_one(
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() \
             AND tableowner = current_user",
            &[],
        )
        .expect("a count")
        .get(0);
    assert_eq!(owned, 0);
    let sets: [&[(&str, &str)]; 6] = [
        &[],
        &[("kind", ""), ("above", ""), ("others", ""), ("person", ""), ("owner", "")],
        &[("kind", "person")],
        &[("kind", "person"), ("above", "")],
        &[("others", ",")],
        &[("kind", "x"), ("person", "y"), ("owner", "z")],
    ];
    for set in sets {
        let mut tx = client.transaction().expect("a transaction");
        for (name, value) in set {
            tx.batch_execute(&format!("SET LOCAL siji.{name} = '{value}'")).expect("set");
        }
        for table in store::wall::walled() {
            // Whoever is signed in sees what lies in no household's account.
            let of_all = if table == "account" { "WHERE kind = 'household'" } else { "" };
            let sql = format!("SELECT COUNT(*) FROM {table} {of_all}");
            let seen = tx.query_one(&sql, &[]).map(|row| row.get::<_, i64>(0));
            // A person who is no id is an error, which shows nothing either.
            let Ok(seen) = seen else { break };
            assert_eq!(seen, 0, "{table} under {set:?}");
        }
    }
    // A reach that was set and has lapsed reads as the empty text.
    let all = "SET LOCAL siji.kind = 'all'; SET LOCAL siji.above = '0'";
    client.batch_execute(&format!("BEGIN; {all}; COMMIT")).expect("lapsed");
    let seen: i64 =
        client.query_one("SELECT COUNT(*) FROM household", &[]).expect("a count").get(0);
    assert_eq!(seen, 0);
    let written = client.execute("UPDATE batch SET state = 'draft'", &[]).expect("nothing to do");
    assert_eq!(written, 0);
    for sql in
        ["DELETE FROM posting", "TRUNCATE household", "ALTER TABLE household OWNER TO CURRENT_USER"]
    {
        assert!(client.execute(sql, &[]).is_err(), "{sql}");
    }
    assert_eq!(zone.seen(Reach::System).split(' ').next(), Some("3"));
}

/// Nothing waits in a transaction for the next one: reaches follow each other on one connection.
#[test]
fn a_reach_ends_with_its_transaction() {
    on_both(|stage| {
        let zone = Zone::new(stage);
        for _ in 0..20 {
            let seen = |reach| zone.seen(reach).split(' ').next().map(str::to_owned);
            assert_eq!(seen(Reach::System).as_deref(), Some("3"));
            assert_eq!(seen(Reach::Public).as_deref(), Some("0"));
            assert_eq!(seen(zone.reach(&["001.001"])).as_deref(), Some("2"));
            assert_eq!(seen(zone.reach(&[])).as_deref(), Some("0"));
        }
        let fell =
            stage.write_in::<(), Never>(zone.reach(&["001"]), |_: &mut Tx| Err(Failure::NotFound));
        assert!(fell.is_err());
        assert_eq!(zone.seen(zone.reach(&[])).split(' ').next(), Some("0"));
    });
}
