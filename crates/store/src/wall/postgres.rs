//! The wall on PostgreSQL: row-level security, forced, for a role that neither owns the tables nor
//! may pass it by. The reach is `siji.scope`, set as the first thing in each transaction; where it
//! is missing or empty, there is nothing to see.

use domain::access::Reach;
use domain::audit::Digest;

use super::{WALLED, Words, reached, shown};
use crate::{Broken, Result};

enum Postgres {
    /// Any number of rows of a table.
    Reading,
    /// One row of a view, found by its id.
    Finding,
    Writing,
}

impl Postgres {
    /// A value that is the same for all rows. A sub-select computes it once, but is made ready with
    /// each statement: for a row or two that costs more than it saves.
    fn once(&self, value: String) -> String {
        match self {
            Postgres::Finding => value,
            _ => format!("(SELECT {value})"),
        }
    }
}

/// The setting that holds a part of the reach.
fn part(name: &str) -> String {
    format!("current_setting('siji.{name}', true)")
}

// What a page pays for the wall is above all what is made ready with each statement: so a sub-select
// reads one setting and does nothing else, and what is seldom asked lies behind a function.
impl Words for Postgres {
    fn is_written(&self) -> bool {
        matches!(self, Postgres::Writing)
    }
    fn found(&self, table: &str, id: &str) -> String {
        // `EXISTS` is planned twice over, each time with all that it rests on, and both are made
        // ready with every statement. No row makes a NULL, which lets nothing through.
        format!("(SELECT true FROM reached_{table} wf WHERE wf.id = {id})")
    }
    fn all(&self) -> String {
        format!("{} = 'all'", self.once(part("kind")))
    }
    fn all_is_covered(&self) -> bool {
        true
    }
    fn public(&self) -> String {
        format!("{} = 'public'", part("kind"))
    }
    fn covers(&self, path: &str) -> String {
        // Three digits to a step: what an area lies below is a beginning of its path. Every path
        // begins with a lapsed setting, which is empty.
        let above = self.once(format!("NULLIF({}, '')", part("above")));
        format!("(starts_with({path}, {above}) OR reach_others({path}))")
    }
    fn covers_batch(&self, batch: &str) -> String {
        format!("(SELECT true FROM covered_batch wb WHERE wb.id = {batch})")
    }
    fn named(&self, household: &str) -> String {
        format!("reach_named({household})")
    }
    fn own_household(&self, household: &str) -> String {
        match self {
            Postgres::Reading => {
                format!("{household} = ANY ((SELECT own_households({OWNER}))::uuid[])")
            }
            Postgres::Finding | Postgres::Writing => format!("reach_own({household})"),
        }
    }
    fn own_batch(&self, batch: &str) -> String {
        match self {
            Postgres::Reading => format!("{batch} = ANY ((SELECT own_batches({OWNER}))::uuid[])"),
            Postgres::Finding | Postgres::Writing => format!("reach_own_batch({batch})"),
        }
    }
    fn person(&self) -> String {
        format!("(SELECT NULLIF({}, '')::uuid)", part("person"))
    }
    fn all_or_known(&self, condition: &str) -> String {
        let kind = self.once(part("kind"));
        format!("CASE {kind} WHEN 'all' THEN true WHEN 'person' THEN {condition} END")
    }
}

/// Who asks, if they have households of their own.
const OWNER: &str = "NULLIF(current_setting('siji.owner', true), '')::uuid";

/// An unset setting is NULL and a lapsed one is empty: every answer is no.
///
/// Areas are numbered in three digits to a step: every area above a path is a beginning of it.
///
/// `own_households` lists what `reach_own` asks of one household along an index, and so do
/// `own_batches` and `reach_own_batch`: a list serves many rows, a question one.
const FUNCTIONS: &str = "
CREATE OR REPLACE FUNCTION reach_others(path text) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE AS
  $$ DECLARE others text := current_setting('siji.others', true);
     BEGIN
       IF path = '' OR others IS NULL OR others = '' THEN RETURN false; END IF;
       RETURN ARRAY[left(path, 3), left(path, 7), left(path, 11), left(path, 15), left(path, 19)]
         && string_to_array(others, ',');
     END $$;
CREATE OR REPLACE FUNCTION reach_named(asked uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ BEGIN
       RETURN EXISTS (SELECT 1 FROM roster r JOIN batch b ON b.id = r.batch WHERE r.household = asked
         AND (starts_with(b.path, NULLIF(current_setting('siji.above', true), ''))
              OR reach_others(b.path)));
     END $$;
CREATE OR REPLACE FUNCTION own_households(owner uuid) RETURNS uuid[]
  LANGUAGE sql STABLE STRICT SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT ARRAY(
       SELECT a.household FROM assignment a WHERE a.person = owner AND a.to_date IS NULL
       UNION SELECT r.household FROM roster r JOIN batch b ON b.id = r.batch WHERE r.cadre = owner
         AND b.round = (SELECT id FROM round ORDER BY month DESC LIMIT 1)) $$;
CREATE OR REPLACE FUNCTION reach_own(asked uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ DECLARE owner uuid := NULLIF(current_setting('siji.owner', true), '');
     BEGIN
       IF owner IS NULL THEN RETURN false; END IF;
       RETURN EXISTS (SELECT 1 FROM assignment a
           WHERE a.person = owner AND a.household = asked AND a.to_date IS NULL)
         OR EXISTS (SELECT 1 FROM roster r JOIN batch b ON b.id = r.batch
           WHERE r.household = asked AND r.cadre = owner
           AND b.round = (SELECT id FROM round ORDER BY month DESC LIMIT 1));
     END $$;
CREATE OR REPLACE FUNCTION own_batches(owner uuid) RETURNS uuid[]
  LANGUAGE sql STABLE STRICT SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT ARRAY(SELECT DISTINCT r.batch FROM roster r
                  WHERE r.household = ANY (own_households(owner))) $$;
CREATE OR REPLACE FUNCTION reach_own_batch(asked uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE
  SET search_path FROM CURRENT AS
  $$ DECLARE owner uuid := NULLIF(current_setting('siji.owner', true), '');
     BEGIN RETURN owner IS NOT NULL AND asked = ANY (own_batches(owner)); END $$;
CREATE OR REPLACE FUNCTION last_transfer() RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT COALESCE(MAX(seq), 0) FROM transfer $$;
CREATE OR REPLACE FUNCTION newest_transfer() RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT id FROM transfer ORDER BY id DESC LIMIT 1 $$;
CREATE OR REPLACE FUNCTION last_receipt(low text, high text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path FROM CURRENT AS
  $$ SELECT MAX(receipt) FROM redemption WHERE receipt >= low AND receipt < high $$;
";

/// What the wall of zones made before 0004 asked; nothing asks it any more once this wall stands.
const FORMER: &str = "
DROP VIEW IF EXISTS named_household;
DROP FUNCTION IF EXISTS reach_part(integer), reach_all(), reach_public(), reach_person(), reach_low(),
  reach_high(), reach_others(), reach_owner();
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
    let covers = Postgres::Finding.covers("wb.path");
    let mut sql = format!(
        "CREATE OR REPLACE VIEW covered_batch AS SELECT wb.id FROM batch wb WHERE {covers};\n"
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
        let seen = [
            Some(reached(&Postgres::Finding, lies, table)),
            shown(&Postgres::Finding, lies, table),
        ];
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
        // Who asks asks for what is within reach: the planner takes this form to hold for nearly every
        // row. Of the bare condition it expects a third, and then looks the rest up one by one.
        let within =
            format!("NULLIF({}, false) IS NOT NULL", reached(&Postgres::Reading, *lies, table));
        let written = reached(&Postgres::Writing, *lies, table);
        sql.push_str(&format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
             ALTER TABLE {table} FORCE ROW LEVEL SECURITY; \
             DROP POLICY IF EXISTS wall ON {table}; \
             CREATE POLICY wall ON {table} USING ({within}) WITH CHECK ({written}); \
             DROP POLICY IF EXISTS shown ON {table};\n"
        ));
        if let Some(shown) = shown(&Postgres::Reading, *lies, table) {
            sql.push_str(&format!("CREATE POLICY shown ON {table} FOR SELECT USING ({shown});\n"));
        }
    }
    sql.push_str(&format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; \
         REVOKE INSERT, UPDATE, DELETE ON migration, covered_batch FROM {role};\n"
    ));
    for table in REACHED {
        sql.push_str(&format!("REVOKE INSERT, UPDATE, DELETE ON reached_{table} FROM {role};\n"));
    }
    for table in KEPT {
        sql.push_str(&format!("REVOKE UPDATE, DELETE ON {table} FROM {role};\n"));
    }
    // A posting's content goes in its time; a trigger lets nothing else happen to it.
    sql.push_str(&format!("GRANT UPDATE (body, digest) ON posting TO {role};\n"));
    sql + FORMER
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

/// The statements that open a transaction's reach: digits, dots and ids, nothing that would need quoting.
///
/// `kind`: `all`, `public` or `person`; `above`: the path from which down all is within reach;
/// `others`: further paths; `person`: who asks; `owner`: the same, with households of their own.
pub(crate) fn settings(reach: &Reach) -> Result<[String; 5]> {
    let mut parts = ["all", ABOVE_ALL, "", "", ""].map(str::to_owned);
    match reach {
        Reach::System => {}
        Reach::Public => parts = ["public", "", "", "", ""].map(str::to_owned),
        Reach::Person(scope) => {
            let is_path =
                |p: &String| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if !scope.paths.iter().all(is_path) {
                return Err(Broken::data("a path is made of digits and dots"));
            }
            if !reach.is_all() {
                let (above, others) = match scope.paths.split_first() {
                    Some((first, others)) => (first.clone(), others.join(",")),
                    None => Default::default(),
                };
                parts = ["person".to_owned(), above, others, String::new(), String::new()];
            }
            parts[3] = scope.person.to_string();
            parts[4] = if scope.assigned { parts[3].clone() } else { String::new() };
        }
    }
    let [kind, above, others, person, owner] = parts;
    Ok([
        format!("SET LOCAL siji.kind = '{kind}'"),
        format!("SET LOCAL siji.above = '{above}'"),
        format!("SET LOCAL siji.others = '{others}'"),
        format!("SET LOCAL siji.person = '{person}'"),
        format!("SET LOCAL siji.owner = '{owner}'"),
    ])
}

/// What every path begins with: the topmost area is 001.
const ABOVE_ALL: &str = "0";
