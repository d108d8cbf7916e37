//! A list's SQL, once: its page, its true count and what is taken out of it differ in nothing but
//! how much of it they read.

use crate::{Result, Row, Tx, Val};

pub(crate) struct Listing {
    /// The columns.
    pub select: String,
    /// `FROM … WHERE …`: which rows.
    pub from: String,
    pub order: String,
    /// What `from` names, from $1 on.
    pub args: Vec<Val>,
    /// What `select` names beyond that.
    pub more: Vec<Val>,
}

impl Listing {
    pub fn total(&self, tx: &mut Tx) -> Result<i64> {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {}", self.from);
        tx.one(&sql, &self.args, |r| r.int(0))
    }

    fn all(&self) -> (String, Vec<Val>) {
        let sql = format!("SELECT {} {} ORDER BY {}", self.select, self.from, self.order);
        (sql, [self.args.as_slice(), self.more.as_slice()].concat())
    }

    /// `limit` rows from `offset`.
    pub fn page<T>(
        &self,
        tx: &mut Tx,
        offset: i64,
        limit: i64,
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (sql, mut args) = self.all();
        let n = args.len();
        args.extend([limit.into(), offset.into()]);
        tx.all(&format!("{sql} LIMIT ${} OFFSET ${}", n + 1, n + 2), &args, read)
    }

    /// Every row, one after another, without holding them.
    pub fn each<T>(
        &self,
        tx: &mut Tx,
        mut read: impl FnMut(&Row) -> Result<T>,
        mut see: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let (sql, args) = self.all();
        tx.each(&sql, &args, |r| see(read(r)?))
    }
}
