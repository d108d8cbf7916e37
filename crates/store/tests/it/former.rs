//! A PostgreSQL zone as the program left it before tables 0004: it opens, and today's wall stands
//! where the old one stood.

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
INSERT INTO roster (batch, household, position, head_name, able_to_work) VALUES
  ('00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000b1', 1, 'Zhang', true),
  ('00000000-0000-7000-8000-0000000000e2', '00000000-0000-7000-8000-0000000000b2', 1, 'Li', true);
";

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
    // A second start finds all as it should be.
    drop(app);
    App::open(&options).expect("it opens again");
}
