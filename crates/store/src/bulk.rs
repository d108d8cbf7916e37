//! Many rows at once: prepared statements on SQLite, arrays on PostgreSQL.

use std::fmt::Write as _;

use crate::dialect::for_sqlite;
use crate::tx::{Engine, pg_args};
use crate::{Broken, Result, Row, Tx, Val};

/// The type of a column, as PostgreSQL wants to hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Int,
    Bool,
    Text,
    Bytes,
    Id,
}

impl Type {
    fn postgres(self) -> &'static str {
        match self {
            Type::Int => "bigint[]",
            Type::Bool => "boolean[]",
            Type::Text => "text[]",
            Type::Bytes => "bytea[]",
            Type::Id => "uuid[]",
        }
    }
}

/// Rows of one statement on SQLite: as many of the first as there are, then one by one. To begin and
/// to end a statement that a trigger might stop is much of what a row costs.
const AT_ONCE: [usize; 2] = [32, 1];
/// The same of ids that are looked up.
const ASKED_AT_ONCE: [usize; 3] = [256, 32, 1];

/// Rows for which a thread is begun; how many are handed on together, and how many times a thread may
/// be ahead.
const WORTH_A_THREAD: usize = 1_000;
const MADE: usize = 256;
const AHEAD: usize = 16;

/// Rows of one array parameter on PostgreSQL.
const CHUNK: usize = 5_000;

impl Tx<'_> {
    /// Inserts every row. `tail` may hold `ON CONFLICT …`. The number of rows written.
    pub fn insert_all(
        &mut self,
        table: &str,
        columns: &[(&str, Type)],
        tail: &str,
        rows: impl IntoIterator<Item = impl IntoIterator<Item = Val>>,
    ) -> Result<u64> {
        if self.is_sqlite() {
            return self.write_rows(columns.len(), insert(table, columns, tail), rows);
        }
        let many = format!(
            "INSERT INTO {table} ({}) SELECT * FROM UNNEST({}) {tail}",
            names(columns),
            arrays(columns)
        );
        self.write_arrays(&many, columns, rows)
    }

    /// The same for rows that take long to make: on SQLite they are made on a second core while the
    /// first one writes.
    pub fn insert_made(
        &mut self,
        table: &str,
        columns: &[(&str, Type)],
        rows: impl ExactSizeIterator<Item = impl IntoIterator<Item = Val>> + Send,
    ) -> Result<u64> {
        if !self.is_sqlite() || rows.len() < WORTH_A_THREAD {
            return self.insert_all(table, columns, "", rows);
        }
        let (give, take) = std::sync::mpsc::sync_channel::<Vec<Val>>(AHEAD);
        // What was written is freed where it was made.
        let (give_back, used) = std::sync::mpsc::channel::<Vec<Val>>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut rows = rows;
                loop {
                    let mut some = used.try_recv().unwrap_or_default();
                    some.clear();
                    some.extend(rows.by_ref().take(MADE).flatten());
                    // Whoever writes has met an error and is gone, or all is done.
                    if some.is_empty() || give.send(some).is_err() {
                        break;
                    }
                }
            });
            let (values, mut written) = (insert(table, columns, ""), 0);
            for some in take {
                written += self.write_values(columns.len(), &values, &some)?;
                let _ = give_back.send(some);
            }
            Ok(written)
        })
    }

    /// Rows on SQLite, in statements of as many as there are; `sql` says one of so many.
    fn write_rows(
        &mut self,
        columns: usize,
        sql: impl Fn(usize) -> String,
        rows: impl IntoIterator<Item = impl IntoIterator<Item = Val>>,
    ) -> Result<u64> {
        let (mut values, mut written) = (Vec::new(), 0);
        for row in rows {
            values.extend(row);
            if values.len() == MADE * columns {
                written += self.write_values(columns, &sql, &values)?;
                values.clear();
            }
        }
        Ok(written + self.write_values(columns, &sql, &values)?)
    }

    /// The same of rows that stand one behind the other.
    fn write_values(
        &mut self,
        columns: usize,
        sql: &impl Fn(usize) -> String,
        values: &[Val],
    ) -> Result<u64> {
        let Engine::Sqlite(c) = &self.engine else {
            return Err(Broken::data("rows are for SQLite"));
        };
        let (mut left, mut written) = (values, 0);
        for at_once in AT_ONCE {
            let some = left.chunks_exact(at_once * columns);
            left = some.remainder();
            if some.len() > 0 {
                let mut statement = c.prepare_cached(&for_sqlite(&sql(at_once)))?;
                for rows in some {
                    written += statement.execute(rusqlite::params_from_iter(rows))? as u64;
                }
            }
        }
        match left.is_empty() {
            true => Ok(written),
            false => Err(Broken::data("a row has another number of values than of columns")),
        }
    }

    /// Gives `columns` of every row found by `key` their new values. Each row is named once.
    pub fn update_all(
        &mut self,
        table: &str,
        key: (&str, Type),
        columns: &[(&str, Type)],
        rows: impl IntoIterator<Item = impl IntoIterator<Item = Val>>,
    ) -> Result<u64> {
        let all: Vec<_> = std::iter::once(key).chain(columns.iter().copied()).collect();
        let sets = |value: &dyn Fn(usize, &str) -> String| {
            let set = |(i, c): (usize, &(&str, Type))| format!("{} = {}", c.0, value(i, c.0));
            columns.iter().enumerate().map(set).collect::<Vec<_>>().join(", ")
        };
        if self.is_sqlite() {
            let key = key.0;
            let values = |rows| {
                if rows == 1 {
                    let sets = sets(&|i, _| format!("${}", i + 2));
                    return format!("UPDATE {table} SET {sets} WHERE {key} = $1");
                }
                // It calls the columns of `VALUES` by number and cannot be told better.
                let sets = sets(&|i, _| format!("v.column{}", i + 2));
                format!(
                    "UPDATE {table} SET {sets} FROM (VALUES {}) AS v WHERE {table}.{key} = v.column1",
                    tuples(rows, all.len()),
                )
            };
            return self.write_rows(all.len(), values, rows);
        }
        let many = format!(
            "UPDATE {table} AS t SET {} FROM UNNEST({}) AS v({}) WHERE t.{3} = v.{3}",
            sets(&|_, name| format!("v.{name}")),
            arrays(&all),
            names(&all),
            key.0
        );
        self.write_arrays(&many, &all, rows)
    }

    /// Reads the rows of many ids: `select` is everything up to and without its `WHERE`, over `args`;
    /// `column` holds the id, and each is named once. Rows come in no particular order.
    pub fn each_of(
        &mut self,
        select: &str,
        args: &[Val],
        column: &str,
        ids: &[domain::Id],
        mut see: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        match &mut self.engine {
            Engine::Sqlite(c) => {
                let mut left = ids;
                for at_once in ASKED_AT_ONCE {
                    let some = left.chunks_exact(at_once);
                    left = some.remainder();
                    if some.len() == 0 {
                        continue;
                    }
                    let places = places(args.len(), at_once);
                    let sql = format!("{select} WHERE {column} IN ({places})");
                    let mut statement = c.prepare_cached(&for_sqlite(&sql))?;
                    for ids in some {
                        for (n, arg) in (1..).zip(args) {
                            statement.raw_bind_parameter(n, arg)?;
                        }
                        for (n, id) in (args.len() + 1..).zip(ids) {
                            statement.raw_bind_parameter(n, id.as_bytes())?;
                        }
                        let mut rows = statement.raw_query();
                        while let Some(row) = rows.next()? {
                            see(&Row::Sqlite(row))?;
                        }
                    }
                }
                Ok(())
            }
            Engine::Postgres(c) => {
                let sql = format!("{select} WHERE {column} = ANY(${}::uuid[])", args.len() + 1);
                for chunk in ids.chunks(CHUNK) {
                    let mut args = pg_args(args);
                    args.push(&chunk);
                    for row in c.look_up(&sql, &args)? {
                        see(&Row::Postgres(&row))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// `sql` takes an array for each column.
    fn write_arrays(
        &mut self,
        sql: &str,
        columns: &[(&str, Type)],
        rows: impl IntoIterator<Item = impl IntoIterator<Item = Val>>,
    ) -> Result<u64> {
        let (mut chunk, mut written) = (Vec::new(), 0);
        for row in rows {
            chunk.extend(row);
            if chunk.len() == CHUNK * columns.len() {
                written += self.write_chunk(sql, columns, &mut chunk)?;
            }
        }
        match chunk.is_empty() {
            true => Ok(written),
            false => Ok(written + self.write_chunk(sql, columns, &mut chunk)?),
        }
    }

    fn write_chunk(
        &mut self,
        sql: &str,
        columns: &[(&str, Type)],
        chunk: &mut Vec<Val>,
    ) -> Result<u64> {
        let arrays = columns
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| {
                Column::gather(*ty, name, chunk.iter_mut().skip(i).step_by(columns.len()))
            })
            .collect::<Result<Vec<_>>>()?;
        let args: Vec<_> = arrays.iter().map(Column::as_sql).collect();
        chunk.clear();
        let Engine::Postgres(c) = &mut self.engine else {
            return Err(Broken::data("arrays are for PostgreSQL"));
        };
        c.execute(sql, &args)
    }
}

enum Column {
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Id(Vec<Option<domain::Id>>),
}

impl Column {
    fn gather<'a>(
        ty: Type,
        name: &str,
        values: impl ExactSizeIterator<Item = &'a mut Val>,
    ) -> Result<Column> {
        macro_rules! column {
            ($variant:ident $(or $also:ident)?) => {{
                let mut out = Vec::with_capacity(values.len());
                for value in values {
                    match std::mem::replace(value, Val::Null) {
                        Val::$variant(v) => out.push(Some(v)),
                        $(Val::$also(v) => out.push(Some(v.into())),)?
                        Val::Null => out.push(None),
                        _ => return Err(Broken::data(format!("column {name}: wrong type"))),
                    }
                }
                Column::$variant(out)
            }};
        }
        Ok(match ty {
            Type::Int => column!(Int),
            Type::Bool => column!(Bool),
            Type::Text => column!(Text or Code),
            Type::Bytes => column!(Bytes),
            Type::Id => column!(Id),
        })
    }
    fn as_sql(&self) -> &(dyn postgres::types::ToSql + Sync) {
        match self {
            Column::Int(v) => v,
            Column::Bool(v) => v,
            Column::Text(v) => v,
            Column::Bytes(v) => v,
            Column::Id(v) => v,
        }
    }
}

// The text of a statement is made for each use, a single row's too: so without a list of its parts.

/// `n` parameters behind those before.
fn places(before: usize, n: usize) -> String {
    let mut text = String::with_capacity(6 * n);
    for i in before + 1..=before + n {
        let comma = if i == before + 1 { "" } else { ", " };
        // A text takes whatever is written to it.
        let _ = write!(text, "{comma}${i}");
    }
    text
}

fn names(columns: &[(&str, Type)]) -> String {
    let mut text = String::with_capacity(24 * columns.len());
    for (n, (name, _)) in columns.iter().enumerate() {
        text.push_str(if n == 0 { "" } else { ", " });
        text.push_str(name);
    }
    text
}

/// A statement on SQLite for so many rows.
fn insert(table: &str, columns: &[(&str, Type)], tail: &str) -> impl Fn(usize) -> String {
    move |rows| {
        let (names, tuples) = (names(columns), tuples(rows, columns.len()));
        format!("INSERT INTO {table} ({names}) VALUES {tuples} {tail}")
    }
}

/// The parameters of so many rows.
fn tuples(rows: usize, columns: usize) -> String {
    let tuple = |n| format!("({})", places(n * columns, columns));
    (0..rows).map(tuple).collect::<Vec<_>>().join(", ")
}

fn arrays(columns: &[(&str, Type)]) -> String {
    columns
        .iter()
        .enumerate()
        .map(|(i, c)| format!("${}::{}", i + 1, c.1.postgres()))
        .collect::<Vec<_>>()
        .join(", ")
}
