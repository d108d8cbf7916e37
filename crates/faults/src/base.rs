//! Reading a zone's tables beside the program, by SQL of our own: the checker does not believe the
//! code it checks. Every value comes as text.

use rusqlite::types::ValueRef;

use crate::server::Place;

pub enum Base {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Client>),
}

impl Base {
    pub fn open(place: &Place) -> anyhow::Result<Base> {
        match place {
            Place::Folder(folder) => {
                let base = rusqlite::Connection::open(folder.join("siji.db"))?;
                base.busy_timeout(std::time::Duration::from_secs(10))?;
                base.execute_batch("PRAGMA query_only = ON")?;
                Ok(Base::Sqlite(base))
            }
            Place::Postgres(url, _) => {
                let (server, schema) = url.split_once("?schema=").unwrap_or((url, "siji"));
                let mut base = postgres::Client::connect(server, postgres::NoTls)?;
                base.batch_execute(&format!("SET search_path TO {schema}"))?;
                base.batch_execute("SET siji.scope = 'system'")?;
                Ok(Base::Postgres(Box::new(base)))
            }
        }
    }

    /// An id's column as text, the same on both engines.
    fn ids(&self, sql: &str) -> String {
        let (open, close) = match self {
            Base::Sqlite(_) => ("lower(hex(", "))"),
            Base::Postgres(_) => ("replace(CAST(", " AS text), '-', '')"),
        };
        sql.replace("ID(", open).replace(")DI", close)
    }

    /// All rows. Ids are written `ID(column)DI`; other columns are cast to text by the asker.
    pub fn rows(&mut self, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let sql = self.ids(sql);
        match self {
            Base::Sqlite(base) => {
                let mut statement = base.prepare(&sql)?;
                let columns = statement.column_count();
                let mut rows = statement.query([])?;
                let mut all = Vec::new();
                while let Some(row) = rows.next()? {
                    let read = |at| {
                        Ok::<_, rusqlite::Error>(match row.get_ref(at)? {
                            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                            ValueRef::Integer(n) => n.to_string(),
                            _ => String::new(),
                        })
                    };
                    all.push((0..columns).map(read).collect::<Result<_, _>>()?);
                }
                Ok(all)
            }
            Base::Postgres(base) => {
                let rows = base.query(&sql, &[])?;
                let text =
                    |row: &postgres::Row, at| row.get::<_, Option<String>>(at).unwrap_or_default();
                Ok(rows.iter().map(|r| (0..r.len()).map(|at| text(r, at)).collect()).collect())
            }
        }
    }

    /// The first column of all rows.
    pub fn list(&mut self, sql: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.rows(sql)?.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }
}

/// An id as the tables' text has it.
pub fn plain(id: &str) -> String {
    id.replace('-', "")
}

/// An id as the program writes it.
pub fn dashed(id: &str) -> String {
    uuid::Uuid::parse_str(id).map_or_else(|_| id.to_owned(), |id| id.to_string())
}
