//! One transaction. Use cases are plain functions over `&mut Tx`.

use std::sync::Arc;

use postgres::types::ToSql;

use crate::dialect::for_sqlite;
use crate::{Keys, Result, Row, Val};

/// A transaction on either engine. It is opened and ended by `Db`; whoever holds it can only work.
pub struct Tx<'c> {
    pub(crate) engine: Engine<'c>,
    pub(crate) keys: Arc<Keys>,
}

pub(crate) enum Engine<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut Client),
}

/// A PostgreSQL connection with its prepared statements.
pub(crate) struct Client {
    pub(crate) client: postgres::Client,
    pub(crate) statements: std::collections::HashMap<String, postgres::Statement>,
    /// In the transaction as it stands, tables are not gone through whole.
    pub(crate) is_by_index: bool,
}

impl Client {
    pub(crate) fn execute(&mut self, sql: &str, args: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.statement(sql)?;
        Ok(self.client.execute(&statement, args)?)
    }

    /// Rows that are looked up by an index. A plan is kept: while its table is small
    /// PostgreSQL would go through the whole of it, and so it would when it has grown, in the way of all
    /// who write there. It may be made anew at any time, so the way is shut each time.
    pub(crate) fn look_up(
        &mut self,
        sql: &str,
        args: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<postgres::Row>> {
        self.go_by_index(true)?;
        let statement = self.prepared(sql)?;
        Ok(self.client.query(&statement, args)?)
    }

    /// Several that look up follow each other: the way is opened again when something else comes.
    fn go_by_index(&mut self, only: bool) -> Result<()> {
        if self.is_by_index != only {
            let way = if only { "off" } else { "on" };
            self.client.batch_execute(&format!("SET LOCAL enable_seqscan = {way}"))?;
            self.is_by_index = only;
        }
        Ok(())
    }

    fn statement(&mut self, sql: &str) -> Result<postgres::Statement> {
        self.go_by_index(false)?;
        self.prepared(sql)
    }

    fn prepared(&mut self, sql: &str) -> Result<postgres::Statement> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let made = self.client.prepare(sql)?;
        if self.statements.len() > 500 {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), made.clone());
        Ok(made)
    }
}

impl Tx<'_> {
    pub fn is_sqlite(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// The zone's keys.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    /// Runs a statement; the number of rows it touched.
    pub fn exec(&mut self, sql: &str, args: &[Val]) -> Result<u64> {
        match &mut self.engine {
            Engine::Sqlite(c) => {
                let mut statement = c.prepare_cached(&for_sqlite(sql))?;
                Ok(statement.execute(rusqlite::params_from_iter(args))? as u64)
            }
            Engine::Postgres(c) => {
                let statement = c.statement(sql)?;
                Ok(c.client.execute(&statement, &pg_args(args))?)
            }
        }
    }

    /// Every row, read by `read`, collected.
    pub fn all<T>(
        &mut self,
        sql: &str,
        args: &[Val],
        mut read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        self.each(sql, args, |row| {
            out.push(read(row)?);
            Ok(())
        })?;
        Ok(out)
    }

    /// Every row, one after another, without holding them all.
    pub fn each(
        &mut self,
        sql: &str,
        args: &[Val],
        mut see: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        match &mut self.engine {
            Engine::Sqlite(c) => {
                let mut statement = c.prepare_cached(&for_sqlite(sql))?;
                let mut rows = statement.query(rusqlite::params_from_iter(args))?;
                while let Some(row) = rows.next()? {
                    see(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Engine::Postgres(c) => {
                use postgres::fallible_iterator::FallibleIterator;
                let statement = c.statement(sql)?;
                let args = pg_args(args);
                let mut rows = c.client.query_raw(&statement, args)?;
                while let Some(row) = rows.next()? {
                    see(&Row::Postgres(&row))?;
                }
                Ok(())
            }
        }
    }

    /// The first row, if there is one.
    pub fn opt<T>(
        &mut self,
        sql: &str,
        args: &[Val],
        mut read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        match &mut self.engine {
            Engine::Sqlite(c) => {
                let mut statement = c.prepare_cached(&for_sqlite(sql))?;
                let mut rows = statement.query(rusqlite::params_from_iter(args))?;
                rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
            }
            Engine::Postgres(c) => {
                let statement = c.statement(sql)?;
                let row = c.client.query(&statement, &pg_args(args))?.into_iter().next();
                row.map(|row| read(&Row::Postgres(&row))).transpose()
            }
        }
    }

    /// The first row; its absence is a fault of the store.
    pub fn one<T>(
        &mut self,
        sql: &str,
        args: &[Val],
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<T> {
        self.opt(sql, args, read)?
            .ok_or_else(|| crate::Broken::data(format!("no row where one must be: {sql}")))
    }
}

pub(crate) fn pg_args(args: &[Val]) -> Vec<&(dyn ToSql + Sync)> {
    args.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

impl rusqlite::ToSql for Val {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput as Out, Value, ValueRef};
        Ok(match self {
            Val::Null => Out::Owned(Value::Null),
            Val::Int(n) => Out::Owned(Value::Integer(*n)),
            Val::Bool(b) => Out::Owned(Value::Integer(i64::from(*b))),
            Val::Text(s) => Out::Borrowed(ValueRef::Text(s.as_bytes())),
            Val::Code(s) => Out::Borrowed(ValueRef::Text(s.as_bytes())),
            Val::Bytes(b) => Out::Borrowed(ValueRef::Blob(b)),
            Val::Id(id) => Out::Borrowed(ValueRef::Blob(id.as_bytes())),
        })
    }
}

impl ToSql for Val {
    fn to_sql(
        &self,
        ty: &postgres::types::Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> std::result::Result<postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>>
    {
        match self {
            Val::Null => Ok(postgres::types::IsNull::Yes),
            Val::Int(n) => n.to_sql(ty, out),
            Val::Bool(b) => b.to_sql(ty, out),
            Val::Text(s) => s.to_sql(ty, out),
            Val::Code(s) => s.to_sql(ty, out),
            Val::Bytes(b) => b.to_sql(ty, out),
            Val::Id(id) => id.to_sql(ty, out),
        }
    }
    fn accepts(_: &postgres::types::Type) -> bool {
        true
    }
    fn to_sql_checked(
        &self,
        ty: &postgres::types::Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> std::result::Result<postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>>
    {
        match self {
            Val::Null => Ok(postgres::types::IsNull::Yes),
            Val::Int(n) => n.to_sql_checked(ty, out),
            Val::Bool(b) => b.to_sql_checked(ty, out),
            Val::Text(s) => s.to_sql_checked(ty, out),
            Val::Code(s) => s.to_sql_checked(ty, out),
            Val::Bytes(b) => b.to_sql_checked(ty, out),
            Val::Id(id) => id.to_sql_checked(ty, out),
        }
    }
}

/// A scope as a piece of SQL: the one predicate behind every list, count, page and export.
pub struct Within {
    pub sql: String,
    pub args: Vec<Val>,
}

impl Within {
    /// `path` is the column holding the area path, `household` the one holding the household's id
    /// (`None` where rows have no household: assigned households then do not widen the scope).
    /// `first` is the number of the first free parameter.
    pub fn of(
        scope: &domain::access::Scope,
        path: &str,
        household: Option<&str>,
        first: usize,
    ) -> Within {
        let mut terms = Vec::new();
        let mut args = Vec::new();
        for p in &scope.paths {
            let n = first + args.len();
            terms.push(format!("({path} >= ${n} AND {path} < ${})", n + 1));
            args.push(Val::from(p));
            args.push(Val::from(format!("{p}/")));
        }
        if let (true, Some(household)) = (scope.assigned, household) {
            let n = first + args.len();
            terms.push(format!(
                "{household} IN (SELECT scoped.household FROM assignment scoped \
                 WHERE scoped.person = ${n} AND scoped.to_date IS NULL)"
            ));
            args.push(Val::from(scope.person));
        }
        let sql = match terms.len() {
            0 => "(1 = 0)".to_owned(),
            _ => format!("({})", terms.join(" OR ")),
        };
        Within { sql, args }
    }
}
