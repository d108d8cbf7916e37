//! What `siji doctor` looks at inside a zone.

use crate::{Result, Tx, args};

#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What the engine itself finds wrong with its file.
    pub damage: Option<String>,
    /// When the last line of the log was written, milliseconds UTC.
    pub last_at: Option<i64>,
    pub oldest_unsealed: Option<i64>,
    /// PostgreSQL alone.
    pub rights: Option<Rights>,
}

/// What the role that works may do.
#[derive(Clone, Debug)]
pub struct Rights {
    pub role: String,
    /// It is a superuser or may pass row security.
    pub is_superuser: bool,
    /// Tables of areas that row security does not hold.
    pub open_tables: Vec<String>,
}

pub fn look(tx: &mut Tx) -> Result<Seen> {
    let damage = crate::verify::engine(tx)?;
    let last_at =
        tx.one("SELECT MAX(at) FROM audit_log WHERE kind = 'command'", &args![], |r| r.opt_int(0))?;
    let oldest_unsealed = tx.one(
        "SELECT MIN(l.at) FROM audit_log l JOIN audit_open o ON o.seq = l.seq",
        &args![],
        |r| r.opt_int(0),
    )?;
    let rights = if tx.is_sqlite() { None } else { Some(rights(tx)?) };
    Ok(Seen { damage, last_at, oldest_unsealed, rights })
}

fn rights(tx: &mut Tx) -> Result<Rights> {
    let sql = "SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles \
               WHERE rolname = current_user";
    let (role, is_superuser) = tx.one(sql, &args![], |r| Ok((r.text(0)?, r.bool(1)?)))?;
    let sql = "SELECT relname::text FROM pg_class WHERE relkind = 'r' \
               AND relnamespace = current_schema()::regnamespace \
               AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1";
    let mut open_tables = tx.all(sql, &args![], |r| r.text(0))?;
    open_tables.retain(|table| crate::wall::is_walled(table));
    Ok(Rights { role, is_superuser, open_tables })
}
