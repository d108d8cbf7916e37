//! Many rows at once: prepared statements on SQLite, arrays on PostgreSQL.

use crate::dialect::for_sqlite;
use crate::tx::Engine;
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

/// Rows of one statement on SQLite.
const AT_ONCE: usize = 32;

/// Rows for which a thread is begun, and how many times [`AT_ONCE`] it may be ahead.
const WORTH_A_THREAD: usize = 1_000;
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
        rows: impl IntoIterator<Item = Vec<Val>>,
    ) -> Result<u64> {
        let names = columns.iter().map(|c| c.0).collect::<Vec<_>>().join(", ");
        let values = |rows: usize| {
            let row = |n| format!("({})", places(n * columns.len(), columns.len()));
            let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
            format!("INSERT INTO {table} ({names}) VALUES {rows} {tail}")
        };
        let many = format!(
            "INSERT INTO {table} ({names}) SELECT * FROM UNNEST({}) {tail}",
            arrays(columns)
        );
        if self.is_sqlite() {
            return self.insert_rows(columns.len(), values, rows);
        }
        self.run_all(&values(1), &many, columns, rows)
    }

    /// The same for rows that take long to make: on SQLite they are made on a second core while the
    /// first one writes.
    pub fn insert_made(
        &mut self,
        table: &str,
        columns: &[(&str, Type)],
        rows: impl ExactSizeIterator<Item = Vec<Val>> + Send,
    ) -> Result<u64> {
        if !self.is_sqlite() || rows.len() < WORTH_A_THREAD {
            return self.insert_all(table, columns, "", rows);
        }
        let (give, take) = std::sync::mpsc::sync_channel(AHEAD);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut rows = rows;
                loop {
                    let some: Vec<Vec<Val>> = rows.by_ref().take(AT_ONCE).collect();
                    // Whoever writes has met an error and is gone, or all is done.
                    if some.is_empty() || give.send(some).is_err() {
                        break;
                    }
                }
            });
            self.insert_all(table, columns, "", take.into_iter().flatten())
        })
    }

    /// A statement of several rows, again and again, and one for each row that is left: SQLite
    /// begins and ends with each statement that a trigger might stop.
    fn insert_rows(
        &mut self,
        columns: usize,
        values: impl Fn(usize) -> String,
        rows: impl IntoIterator<Item = Vec<Val>>,
    ) -> Result<u64> {
        let (many, one, mut written) = (values(AT_ONCE), values(1), 0);
        let mut args = Vec::with_capacity(AT_ONCE * columns);
        for row in rows {
            args.extend(row);
            if args.len() == AT_ONCE * columns {
                written += self.exec(&many, &args)?;
                args.clear();
            }
        }
        for row in args.chunks(columns) {
            written += self.exec(&one, row)?;
        }
        Ok(written)
    }

    /// Updates every row found by `key`: `sets` are assignments over `v.<column>` of the given row
    /// and `t.<column>` of the stored one, such as `("size", "v.size")`.
    pub fn update_all(
        &mut self,
        table: &str,
        key: (&str, Type),
        columns: &[(&str, Type)],
        rows: impl IntoIterator<Item = Vec<Val>>,
    ) -> Result<u64> {
        let all: Vec<_> = std::iter::once(key).chain(columns.iter().copied()).collect();
        let names = all.iter().map(|c| c.0).collect::<Vec<_>>().join(", ");
        let sets_one = columns
            .iter()
            .enumerate()
            .map(|(i, c)| format!("{} = ${}", c.0, i + 2))
            .collect::<Vec<_>>()
            .join(", ");
        let sets_many =
            columns.iter().map(|c| format!("{0} = v.{0}", c.0)).collect::<Vec<_>>().join(", ");
        let one = format!("UPDATE {table} SET {sets_one} WHERE {} = $1", key.0);
        let many = format!(
            "UPDATE {table} AS t SET {sets_many} FROM UNNEST({}) AS v({names}) WHERE t.{1} = v.{1}",
            arrays(&all),
            key.0
        );
        self.run_all(&one, &many, &all, rows)
    }

    /// Reads the rows of many ids: `select` is everything up to and without its `WHERE`, `column`
    /// holds the id. Rows come in no particular order.
    pub fn each_of(
        &mut self,
        select: &str,
        column: &str,
        ids: &[domain::Id],
        mut see: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        match &mut self.engine {
            Engine::Sqlite(c) => {
                // To begin and to end a small statement is most of what it costs.
                for some in ids.chunks(AT_ONCE) {
                    let places = places(0, if some.len() == AT_ONCE { AT_ONCE } else { 1 });
                    let sql = format!("{select} WHERE {column} IN ({places})");
                    let mut statement = c.prepare_cached(&for_sqlite(&sql))?;
                    for at_once in some.chunks(statement.parameter_count()) {
                        let args = at_once.iter().map(|id| id.as_bytes());
                        let mut rows = statement.query(rusqlite::params_from_iter(args))?;
                        while let Some(row) = rows.next()? {
                            see(&Row::Sqlite(row))?;
                        }
                    }
                }
                Ok(())
            }
            Engine::Postgres(c) => {
                let sql = format!("{select} WHERE {column} = ANY($1::uuid[])");
                for chunk in ids.chunks(CHUNK) {
                    for row in c.query(&sql, &[&chunk])? {
                        see(&Row::Postgres(&row))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn run_all(
        &mut self,
        one: &str,
        many: &str,
        columns: &[(&str, Type)],
        rows: impl IntoIterator<Item = Vec<Val>>,
    ) -> Result<u64> {
        let mut written = 0;
        match &mut self.engine {
            Engine::Sqlite(c) => {
                let mut statement = c.prepare_cached(&for_sqlite(one))?;
                for row in rows {
                    written += statement.execute(rusqlite::params_from_iter(&row))? as u64;
                }
            }
            Engine::Postgres(_) => {
                let mut chunk: Vec<Vec<Val>> = Vec::with_capacity(CHUNK);
                for row in rows {
                    chunk.push(row);
                    if chunk.len() == CHUNK {
                        written += self.run_chunk(many, columns, &mut chunk)?;
                    }
                }
                if !chunk.is_empty() {
                    written += self.run_chunk(many, columns, &mut chunk)?;
                }
            }
        }
        Ok(written)
    }

    fn run_chunk(
        &mut self,
        many: &str,
        columns: &[(&str, Type)],
        chunk: &mut Vec<Vec<Val>>,
    ) -> Result<u64> {
        let arrays = columns
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| Column::gather(*ty, name, chunk, i))
            .collect::<Result<Vec<_>>>()?;
        let args: Vec<_> = arrays.iter().map(Column::as_sql).collect();
        chunk.clear();
        let Engine::Postgres(c) = &mut self.engine else {
            return Err(Broken::data("arrays are for PostgreSQL"));
        };
        c.execute(many, &args)
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
    fn gather(ty: Type, name: &str, rows: &mut [Vec<Val>], i: usize) -> Result<Column> {
        macro_rules! column {
            ($variant:ident $(or $also:ident)?) => {{
                let mut out = Vec::with_capacity(rows.len());
                for row in rows {
                    match row.get_mut(i).map(|v| std::mem::replace(v, Val::Null)) {
                        Some(Val::$variant(v)) => out.push(Some(v)),
                        $(Some(Val::$also(v)) => out.push(Some(v.into())),)?
                        Some(Val::Null) => out.push(None),
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

/// `n` parameters behind those before.
fn places(before: usize, n: usize) -> String {
    (before + 1..=before + n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

fn arrays(columns: &[(&str, Type)]) -> String {
    columns
        .iter()
        .enumerate()
        .map(|(i, c)| format!("${}::{}", i + 1, c.1.postgres()))
        .collect::<Vec<_>>()
        .join(", ")
}
