//! Zones as earlier programs left them: they open, today's wall stands where the old one stood, and
//! the ledger's movements are linked.

use app::{App, Never};
use domain::Id;
use domain::access::{Reach, Scope};
use store::{Options, args};

/// The wall as it was, of a zone `the_zone`.
const FORMER_WALL: &str = include_str!("former_wall.sql");

/// Rows of the old tables, written as SQL: today's program cannot write there.
const ROWS: &str = "
INSERT INTO area (id, parent, path, kind, name) VALUES
  ('00000000-0000-7000-8000-0000000000a1', NULL, '001', 'zone', 'Zone'),
  ('00000000-0000-7000-8000-0000000000a2', '00000000-0000-7000-8000-0000000000a1', '001.001', 'village', 'A'),
  ('00000000-0000-7000-8000-0000000000a3', '00000000-0000-7000-8000-0000000000a1', '001.002', 'village', 'B');
INSERT INTO person (id, name, must_change, created_at)
  VALUES ('00000000-0000-7000-8000-0000000000c1', 'Wang', false, 0);
INSERT INTO household (id, number, village, path, head_name, size, able_to_work, search, active,
  changed_at, digest) VALUES
  ('00000000-0000-7000-8000-0000000000b1', 'H1', '00000000-0000-7000-8000-0000000000a2', '001.001',
   'Zhang', 1, true, '', true, 0, ''),
  ('00000000-0000-7000-8000-0000000000b2', 'H2', '00000000-0000-7000-8000-0000000000a3', '001.002',
   'Li', 1, true, '', true, 0, '');
INSERT INTO assignment (id, household, person, from_date) VALUES ('00000000-0000-7000-8000-0000000000c2',
  '00000000-0000-7000-8000-0000000000b2', '00000000-0000-7000-8000-0000000000c1', '2026-01-01');
INSERT INTO scheme (id, code, version, title_zh, title_en, definition, created_at, digest)
  VALUES ('00000000-0000-7000-8000-0000000000d1', 'S', 1, '', '', '', 0, '');
INSERT INTO round (id, kind, month, scheme, visits_from, visits_to, at, digest)
  VALUES ('00000000-0000-7000-8000-0000000000d2', 'scoring', '2026-10',
  '00000000-0000-7000-8000-0000000000d1', '2026-10-01', '2026-10-20', 0, '');
INSERT INTO batch (id, round, village, path, state, households) VALUES
  ('00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000d2',
   '00000000-0000-7000-8000-0000000000a2', '001.001', 'draft', 1),
  ('00000000-0000-7000-8000-0000000000e2', '00000000-0000-7000-8000-0000000000d2',
   '00000000-0000-7000-8000-0000000000a3', '001.002', 'draft', 1);
INSERT INTO place (id, kind, name, area, path) VALUES ('00000000-0000-7000-8000-0000000000a7', 'store', 'S',
  '00000000-0000-7000-8000-0000000000a1', '001');
INSERT INTO market_day (id, place, village, path, on_date, spot, person, announced_at, digest) VALUES (
  '00000000-0000-7000-8000-0000000000a8', '00000000-0000-7000-8000-0000000000a7',
  '00000000-0000-7000-8000-0000000000a2', '001.001', '2026-10-05', '',
  '00000000-0000-7000-8000-0000000000c1', 0, '');
INSERT INTO redemption (id, receipt, household, market_day, place, points, reverses, person, on_date, at, digest)
  SELECT d.id::uuid, d.id, '00000000-0000-7000-8000-0000000000b1', '00000000-0000-7000-8000-0000000000a8',
  '00000000-0000-7000-8000-0000000000a7', d.points, d.reverses::uuid,
  '00000000-0000-7000-8000-0000000000c1', '2026-10-05', 0, '' FROM (VALUES
  ('00000000-0000-7000-8000-0000000000f4', 30, NULL), ('00000000-0000-7000-8000-0000000000f5', 12, NULL),
  ('00000000-0000-7000-8000-0000000000f6', 12, '00000000-0000-7000-8000-0000000000f5'))
  AS d (id, points, reverses);
INSERT INTO roster (batch, household, position, head_name, able_to_work) VALUES
  ('00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000b1', 1, 'Zhang', true),
  ('00000000-0000-7000-8000-0000000000e2', '00000000-0000-7000-8000-0000000000b2', 1, 'Li', true);
";

/// The rows of a ledger before tables 0005; `[…]` is an id, by its last digits.
const LEDGER: &str = "
INSERT INTO account (id, unit, kind, owner, debits_posted, credits_posted, debits_pending,
  credits_pending) VALUES
  ([f1], [f9], 'issued', NULL, 85, 0, 0, 0), ([f2], [f9], 'household', [b1], 30, 85, 0, 0),
  ([f3], [f9], 'redeemed', NULL, 0, 30, 0, 0);
INSERT INTO transfer (id, seq, unit, step, debit, credit, amount, cause_kind, cause, on_date, at, digest)
  VALUES
  ([e5], 3, [f9], 'posted', [f1], [f2], 5, 'bonus', [e5], '2026-10-03', 0, [e5]),
  ([e6], 1, [f9], 'posted', [f1], [f2], 80, 'bonus', [e6], '2026-10-01', 0, [e6]),
  ([e7], 2, [f9], 'posted', [f2], [f3], 30, 'redemption', [e7], '2026-10-02', 0, [e7]);
";

fn ledger(id: impl Fn(&str) -> String) -> String {
    let mut parts = LEDGER.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sql, part| {
        let (end, rest) = part.split_once(']').expect("an id ends");
        sql + &id(end) + rest
    })
}

/// The movements as they are linked, and each account's newest.
fn linked(app: &App) -> Vec<String> {
    app.read::<_, Never>(Reach::System, |tx| {
        let sql = "SELECT seq, debit_before, credit_before FROM transfer ORDER BY seq";
        let mut lines = tx.all(sql, &args![], |r| {
            Ok(format!("{} after {} and {}", r.int(0)?, r.int(1)?, r.int(2)?))
        })?;
        let sql = "SELECT kind, last FROM account ORDER BY kind";
        lines.extend(tx.all(sql, &args![], |r| Ok(format!("{} {}", r.text(0)?, r.int(1)?)))?);
        Ok(lines)
    })
    .wait()
    .expect("the ledger is read")
}

const LINKED: [&str; 6] = [
    "1 after 0 and 0",
    "2 after 1 and 0",
    "3 after 1 and 2",
    "household 3",
    "issued 3",
    "redeemed 2",
];

#[test]
fn a_former_ledger_on_sqlite_is_linked() {
    let folder = tempfile::tempdir().expect("a folder");
    let former = rusqlite::Connection::open(folder.path().join("siji.db")).expect("a file");
    let mut sql =
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL);".to_owned();
    for (number, name, tables, _) in store::MIGRATIONS.iter().filter(|file| file.0 < 5) {
        sql.push_str(&format!("{tables}\nINSERT INTO migration VALUES ({number}, '{name}');\n"));
    }
    sql.push_str(&ledger(|end| format!("X'000000000000700080000000000000{end}'")));
    former.execute_batch(&sql).expect("an old zone");
    drop(former);
    let options = Options::folder(folder.path(), testkit::keys());
    let app = App::open(&options).expect("the zone opens");
    assert_eq!(linked(&app), LINKED);
    drop(app);
    assert_eq!(linked(&App::open(&options).expect("it opens again")), LINKED);
}

const CADRE: Id = Id::from_u128(0x7000_8000_0000_0000_00c1);

/// The old zone's address and its schema.
fn former(client: &mut postgres::Client, url: &str) -> String {
    let schema = format!("former{}", std::process::id());
    let role = format!("{schema}_app");
    let mut sql = format!(
        "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; \
         SET search_path TO {schema}; SET siji.scope = 'system'; \
         CREATE TABLE migration (version bigint PRIMARY KEY, name text NOT NULL); \
         CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;\n"
    );
    for (number, name, _, tables) in store::MIGRATIONS.iter().filter(|file| file.0 < 4) {
        sql.push_str(tables);
        sql.push_str(&format!("\nINSERT INTO migration VALUES ({number}, '{name}');\n"));
    }
    sql.push_str(ROWS);
    let id = |end: &str| format!("'00000000-0000-7000-8000-0000000000{end}'");
    sql.push_str(&ledger(id));
    sql.push_str(&FORMER_WALL.replace("the_zone", &schema));
    client.batch_execute(&sql).expect("an old zone");
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}schema={schema}")
}

/// Functions and views of this schema by which the old wall asked who asks.
fn left_over(client: &mut postgres::Client) -> i64 {
    let sql = "SELECT (SELECT COUNT(*) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace \
                 AND proname LIKE 'reach\\_%' AND pronargs < 2 AND prosrc LIKE '%siji.scope%' \
                 OR pronamespace = current_schema()::regnamespace AND prosrc LIKE '%reach\\_part%') \
               + (SELECT COUNT(*) FROM pg_views WHERE schemaname = current_schema() \
                  AND viewname = 'named_household')";
    client.query_one(sql, &[]).expect("a count").get(0)
}

#[test]
fn a_zone_from_before_the_paths_opens_and_its_wall_holds() {
    let url = testkit::postgres::url();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a connection");
    let zone = former(&mut client, &url);
    assert!(left_over(&mut client) > 7, "the old wall stands");

    let options = Options::postgres(zone, testkit::keys());
    let app = App::open(&options).expect("the zone opens");
    let of = |paths: &[&str], person: Id, assigned: bool| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Reach::Person(Scope { person, paths, assigned })
    };
    let seen = |reach: Reach| {
        let counted = app.read::<_, Never>(reach, |tx| {
            let mut line = Vec::new();
            for table in ["household", "assignment", "batch", "roster"] {
                let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
                line.push(tx.one(&sql, &args![], |r| r.int(0))?.to_string());
            }
            Ok(line.join(" "))
        });
        counted.wait().expect("a count")
    };
    let picture = [
        ("system", seen(Reach::System), "2 1 2 2"),
        ("zone", seen(of(&["001"], Id::nil(), false)), "2 1 2 2"),
        ("a village", seen(of(&["001.001"], Id::nil(), false)), "1 0 1 1"),
        ("the other", seen(of(&["001.002"], Id::nil(), false)), "1 1 1 1"),
        ("both", seen(of(&["001.002", "001.001"], Id::nil(), false)), "2 1 2 2"),
        ("cadre", seen(of(&[], CADRE, true)), "1 1 1 1"),
        ("nowhere", seen(of(&[], Id::nil(), false)), "0 0 0 0"),
        ("public", seen(Reach::Public), "0 0 0 0"),
    ];
    for (who, got, wanted) in picture {
        assert_eq!(got, wanted, "{who}");
    }
    let moved = app.write::<_, Never>(of(&["001.001"], Id::nil(), false), |tx| {
        Ok(tx.exec("UPDATE household SET size = 2", &args![])?)
    });
    assert_eq!(moved.wait().expect("its own"), 1, "the next village's household is not there");
    assert_eq!(left_over(&mut client), 0, "nothing of the old wall is left");
    assert_eq!(linked(&app), LINKED);
    let counted = app.read::<_, Never>(Reach::System, |tx| {
        let households = "SELECT households FROM area ORDER BY path";
        let mut counted = tx.all(households, &args![], |r| r.int(0))?;
        let day = "SELECT redemptions, points FROM market_day";
        counted.extend(tx.one(day, &args![], |r| Ok([r.int(0)?, r.int(1)?]))?);
        Ok(counted)
    });
    assert_eq!(counted.wait().expect("a count"), [0, 1, 1, 1, 30]);
    // A second start finds all as it should be.
    drop(app);
    App::open(&options).expect("it opens again");
}
