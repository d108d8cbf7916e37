//! Values going down and rows coming up, the same for both engines.

use domain::Id;

use crate::{Broken, Result};

/// One value of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    /// A text that the program itself says: a code.
    Code(&'static str),
    Bytes(Vec<u8>),
    Id(Id),
}

macro_rules! from {
    ($($t:ty => $f:expr),* $(,)?) => {$(
        impl From<$t> for Val { fn from(v: $t) -> Val { ($f)(v) } }
    )*};
}
from! {
    i64 => Val::Int,
    bool => Val::Bool,
    String => Val::Text,
    &String => |s: &String| Val::Text(s.clone()),
    &str => |s: &str| Val::Text(s.to_owned()),
    Vec<u8> => Val::Bytes,
    &[u8] => |b: &[u8]| Val::Bytes(b.to_vec()),
    [u8; 32] => |b: [u8; 32]| Val::Bytes(b.to_vec()),
    Id => Val::Id,
    domain::Date => |d: domain::Date| Val::Text(d.to_string()),
}
impl<T: Into<Val>> From<Option<T>> for Val {
    fn from(v: Option<T>) -> Val {
        v.map_or(Val::Null, Into::into)
    }
}

/// `args![id, name, 3]`: the values of a statement, in the order of `$1, $2, …`.
#[macro_export]
macro_rules! args {
    ($($v:expr),* $(,)?) => { [$($crate::Val::from($v)),*] };
}

/// One row. A column that is not what it was asked for is `Broken::Data`, never a panic.
pub enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r postgres::Row),
}

macro_rules! get {
    ($self:ident, $i:ident, $t:ty) => {
        match $self {
            Row::Sqlite(r) => r.get::<_, $t>($i).map_err(Broken::from),
            Row::Postgres(r) => r.try_get::<_, $t>($i).map_err(Broken::from),
        }
    };
}

impl Row<'_> {
    pub fn int(&self, i: usize) -> Result<i64> {
        get!(self, i, i64)
    }
    pub fn opt_int(&self, i: usize) -> Result<Option<i64>> {
        get!(self, i, Option<i64>)
    }
    pub fn bool(&self, i: usize) -> Result<bool> {
        self.opt_bool(i)?.ok_or_else(|| Broken::data("a yes or no is missing"))
    }
    /// SQLite keeps them as numbers: any other than nought and one was never written.
    pub fn opt_bool(&self, i: usize) -> Result<Option<bool>> {
        match self {
            Row::Sqlite(_) => match self.opt_int(i)? {
                None => Ok(None),
                Some(0) => Ok(Some(false)),
                Some(1) => Ok(Some(true)),
                Some(n) => Err(Broken::data(format!("{n} is neither yes nor no"))),
            },
            Row::Postgres(_) => get!(self, i, Option<bool>),
        }
    }
    pub fn text(&self, i: usize) -> Result<String> {
        get!(self, i, String)
    }
    pub fn opt_text(&self, i: usize) -> Result<Option<String>> {
        get!(self, i, Option<String>)
    }
    pub fn bytes(&self, i: usize) -> Result<Vec<u8>> {
        get!(self, i, Vec<u8>)
    }
    pub fn opt_bytes(&self, i: usize) -> Result<Option<Vec<u8>>> {
        get!(self, i, Option<Vec<u8>>)
    }
    pub fn id(&self, i: usize) -> Result<Id> {
        self.opt_id(i)?.ok_or_else(|| Broken::data(format!("column {i}: an id is missing")))
    }
    pub fn opt_id(&self, i: usize) -> Result<Option<Id>> {
        match self {
            Row::Sqlite(r) => match r.get_ref(i)? {
                rusqlite::types::ValueRef::Null => Ok(None),
                rusqlite::types::ValueRef::Blob(b) => Id::from_slice(b)
                    .map(Some)
                    .map_err(|_| Broken::data(format!("column {i}: not a 16-byte id"))),
                _ => Err(Broken::data(format!("column {i}: not an id"))),
            },
            Row::Postgres(r) => Ok(r.try_get::<_, Option<Id>>(i)?),
        }
    }
    pub fn date(&self, i: usize) -> Result<domain::Date> {
        parse_date(&self.text(i)?)
    }
    pub fn opt_date(&self, i: usize) -> Result<Option<domain::Date>> {
        self.opt_text(i)?.map(|s| parse_date(&s)).transpose()
    }
    /// A 32-byte fingerprint.
    pub fn digest(&self, i: usize) -> Result<[u8; 32]> {
        self.bytes(i)?
            .try_into()
            .map_err(|_| Broken::data(format!("column {i}: a fingerprint is not 32 bytes")))
    }
}

fn parse_date(s: &str) -> Result<domain::Date> {
    s.parse().map_err(|_| Broken::data(format!("not a date: {s}")))
}
