//! The wall on PostgreSQL: row-level security, forced, for a role that neither owns the tables nor
//! may pass it by. The reach is `siji.scope`, set as the first thing in each transaction; where it
//! is missing or empty, there is nothing to see.

use domain::access::Reach;
use domain::audit::Digest;

use super::{WALLED, Words, reached, shown};
use crate::{Broken, Result};

struct Postgres;

// A sub-select is computed once for each statement, not once for each row.
impl Words for Postgres {
    fn found(&self, table: &str, id: &str) -> String {
        // `EXISTS` is planned twice over, each time with all that it rests on, and both are made
        // ready with every statement. No row makes a NULL, which lets nothing through.
        format!("(SELECT true FROM reached_{table} wf WHERE wf.id = {id})")
    }
    fn all(&self) -> String {
        "(SELECT reach_all())".to_owned()
    }
    fn public(&self) -> String {
        "(SELECT reach_public())".to_owned()
    }
    fn any_area(&self) -> String {
        "(SELECT reach_low()) IS NOT NULL".to_owned()
    }
    fn covers(&self, path: &str) -> String {
        // Areas are numbered in three digits to a step: every area above a path is a beginning of it.
        let above = [3, 7, 11, 15, 19].map(|n| format!("left({path}, {n})")).join(", ");
        format!(
            "(({path} >= (SELECT reach_low()) AND {path} < (SELECT reach_high())) \
             OR ARRAY[{above}] && (SELECT reach_others()))"
        )
    }
    fn covers_batch(&self, batch: &str) -> String {
        format!("EXISTS (SELECT 1 FROM covered_batch wb WHERE wb.id = {batch})")
    }
    fn named(&self, household: &str) -> String {
        format!("(SELECT true FROM named_household wn WHERE wn.id = {household} LIMIT 1)")
    }
    fn own_household(&self, household: &str) -> String {
        format!("{household} = ANY ((SELECT own_households(reach_owner()))::uuid[])")
    }
    fn own_batch(&self, batch: &str) -> String {
        format!("{batch} = ANY ((SELECT own_batches(reach_owner()))::uuid[])")
    }
    fn person(&self) -> String {
        "(SELECT reach_person())".to_owned()
    }
}

/// The parts of `siji.scope`: kind; person; first path; other paths; whether they have households of
/// their own. An unset or empty scope has no parts, so every answer is no.
const FUNCTIONS: &str = "
CREATE OR REPLACE FUNCTION reach_part(n integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT NULLIF(split_part(current_setting('siji.scope', true), ';', n), '') $$;
CREATE OR REPLACE FUNCTION reach_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT COALESCE(reach_part(1) IN ('system', 'zone'), false) $$;
CREATE OR REPLACE FUNCTION reach_public() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT COALESCE(reach_part(1) = 'public', false) $$;
CREATE OR REPLACE FUNCTION reach_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT reach_part(2)::uuid $$;
CREATE OR REPLACE FUNCTION reach_low() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT reach_part(3) $$;
CREATE OR REPLACE FUNCTION reach_high() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT reach_part(3) || '/' $$;
CREATE OR REPLACE FUNCTION reach_others() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT string_to_array(reach_part(4), ',') $$;
CREATE OR REPLACE FUNCTION reach_owner() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT CASE WHEN reach_part(5) = 'own' THEN reach_part(2)::uuid END $$;
CREATE OR REPLACE FUNCTION own_households(owner uuid) RETURNS uuid[]
  LANGUAGE sql STABLE STRICT SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT ARRAY(
       SELECT a.household FROM assignment a WHERE a.person = owner AND a.to_date IS NULL
       UNION SELECT r.household FROM roster r JOIN batch b ON b.id = r.batch WHERE r.cadre = owner
         AND b.round = (SELECT id FROM round ORDER BY month DESC LIMIT 1)) $$;
CREATE OR REPLACE FUNCTION own_batches(owner uuid) RETURNS uuid[]
  LANGUAGE sql STABLE STRICT SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT ARRAY(SELECT DISTINCT r.batch FROM roster r
                  WHERE r.household = ANY (own_households(owner))) $$;
CREATE OR REPLACE FUNCTION last_transfer() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT COALESCE(MAX(seq), 0) FROM transfer $$;
CREATE OR REPLACE FUNCTION last_receipt(low text, high text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT MAX(receipt) FROM redemption WHERE receipt >= low AND receipt < high $$;
";

/// Tables that the policies of other tables and the functions above look into.
const LOOKED_INTO: [&str; 7] =
    ["batch", "roster", "household", "account", "redemption", "assignment", "transfer"];

/// Those of them found by their id, each before the ones that rest on it.
const REACHED: [&str; 4] = ["batch", "household", "account", "redemption"];

/// What a policy looks into: ids within reach, as views of the owner. A policy that named the table
/// itself would bring that table's policies with it, and theirs, into the plan of every statement.
/// The owner sees these tables whole; each view holds the asker's reach itself, so that it shows
/// nothing but what the wall shows.
fn views_sql() -> String {
    let covers = Postgres.covers("wb.path");
    let mut sql = format!(
        "CREATE OR REPLACE VIEW covered_batch AS SELECT wb.id FROM batch wb WHERE {covers}; \
         CREATE OR REPLACE VIEW named_household AS SELECT wr.household AS id \
         FROM roster wr JOIN batch wb ON wb.id = wr.batch WHERE {covers};\n"
    );
    for table in LOOKED_INTO {
        sql.push_str(&format!(
            "DROP POLICY IF EXISTS looked_into ON {table}; \
             CREATE POLICY looked_into ON {table} FOR SELECT TO CURRENT_USER USING (true);\n"
        ));
    }
    for table in REACHED {
        let lies = WALLED.iter().find(|(name, _)| *name == table).map(|(_, lies)| *lies);
        let lies = lies.expect("what is looked into is walled");
        let seen = [Some(reached(&Postgres, lies, table)), shown(&Postgres, lies, table)];
        let seen = seen.into_iter().flatten().collect::<Vec<_>>().join(" OR ");
        sql.push_str(&format!(
            "CREATE OR REPLACE VIEW reached_{table} AS SELECT id FROM {table} WHERE {seen};\n"
        ));
    }
    sql
}

/// Tables of which a row, once written, stays: the working role may add to them and read.
const KEPT: [&str; 7] = [
    "transfer",
    "posting",
    "audit_log",
    "audit_seal",
    "posting_log",
    "posting_log_node",
    "posting_checkpoint",
];

/// The role that all work is done as.
pub(crate) fn role(schema: &str) -> String {
    format!("{schema}_app")
}

/// Makes the role where it is missing, and hands it over to the owner. Roles belong to the whole
/// cluster, so several zones may be made at once.
fn role_sql(role: &str) -> String {
    format!(
        "DO $$ BEGIN \
           IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN \
             CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS; \
           END IF; \
           IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN \
             EXECUTE format('GRANT {role} TO %I', current_user); \
           END IF; \
         END $$;"
    )
}

fn wall_sql(schema: &str, role: &str) -> String {
    let mut sql = FUNCTIONS.to_owned() + &views_sql();
    for (table, lies) in WALLED {
        let within = reached(&Postgres, *lies, table);
        sql.push_str(&format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
             ALTER TABLE {table} FORCE ROW LEVEL SECURITY; \
             DROP POLICY IF EXISTS wall ON {table}; \
             CREATE POLICY wall ON {table} USING ({within}) WITH CHECK ({within}); \
             DROP POLICY IF EXISTS shown ON {table};\n"
        ));
        if let Some(shown) = shown(&Postgres, *lies, table) {
            sql.push_str(&format!("CREATE POLICY shown ON {table} FOR SELECT USING ({shown});\n"));
        }
    }
    sql.push_str(&format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; \
         REVOKE INSERT, UPDATE, DELETE ON migration, covered_batch, named_household FROM {role};\n"
    ));
    for table in REACHED {
        sql.push_str(&format!("REVOKE INSERT, UPDATE, DELETE ON reached_{table} FROM {role};\n"));
    }
    for table in KEPT {
        sql.push_str(&format!("REVOKE UPDATE, DELETE ON {table} FROM {role};\n"));
    }
    // A posting's content goes in its time; a trigger lets nothing else happen to it.
    sql.push_str(&format!("GRANT UPDATE (body, digest) ON posting TO {role};\n"));
    sql
}

/// Builds the wall, as the owner, where it is not the one this program knows.
pub(crate) fn build(client: &mut ::postgres::Client, schema: &str, moved: bool) -> Result<()> {
    let role = role(schema);
    let sql = wall_sql(schema, &role);
    let mark: String =
        Digest::of("wall").text(&sql).finish().iter().take(8).map(|b| format!("{b:02x}")).collect();
    let stands: Option<String> =
        client.query_one("SELECT obj_description('migration'::regclass)", &[])?.get(0);
    if !moved && stands.as_deref() == Some(mark.as_str()) {
        return Ok(());
    }
    let mut tx = client.transaction()?;
    tx.batch_execute("SELECT pg_advisory_xact_lock(1936288105)")?;
    tx.batch_execute(&role_sql(&role)).map_err(|e| {
        Broken::data(format!(
            "the role {role} could not be made ({e}): let the database's administrator make it, \
             `CREATE ROLE {role} NOLOGIN; GRANT {role} TO <the owner of this zone>;`"
        ))
    })?;
    tx.batch_execute(&sql)?;
    tx.batch_execute(&format!("COMMENT ON TABLE migration IS '{mark}'"))?;
    tx.commit()?;
    Ok(())
}

/// The value of `siji.scope`: digits, dots and ids, nothing that would need quoting.
pub(crate) fn setting(reach: &Reach) -> Result<String> {
    let scope = match reach {
        Reach::System => return Ok("system".to_owned()),
        Reach::Public => return Ok("public".to_owned()),
        Reach::Person(scope) => scope,
    };
    let is_path = |p: &String| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !scope.paths.iter().all(is_path) {
        return Err(Broken::data("a path is made of digits and dots"));
    }
    let kind = if reach.is_all() { "zone" } else { "person" };
    let (first, others) = match scope.paths.split_first() {
        Some((first, others)) => (first.as_str(), others.join(",")),
        None => ("", String::new()),
    };
    let own = if scope.assigned { "own" } else { "" };
    Ok(format!("{kind};{};{first};{others};{own}", scope.person))
}
