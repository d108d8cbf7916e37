//! The register of fields: every column of the schema, as data. A test of the store fails when a
//! column has no row here, or a row no column.

use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// May hang on a wall.
    Public,
    /// For those whose posts cover it.
    Internal,
    /// Masked on screens; seen one at a time, with a reason that is logged.
    Sensitive,
}

impl Class {
    pub fn code(self) -> &'static str {
        match self {
            Class::Public => "public",
            Class::Internal => "internal",
            Class::Sensitive => "sensitive",
        }
    }
}

/// How the value stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Plain,
    /// Encrypted under the zone's keys.
    Sealed,
    /// Only a hash of it.
    Hashed,
}

impl Kept {
    pub fn code(self) -> &'static str {
        match self {
            Kept::Plain => "plain",
            Kept::Sealed => "sealed",
            Kept::Hashed => "hashed",
        }
    }
}

/// One column. Purpose, ground and retention are codes; their words stand in the catalogue of texts.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub table: &'static str,
    pub name: &'static str,
    pub class: Class,
    pub kept: Kept,
    pub purpose: &'static str,
    pub ground: &'static str,
    pub retention: &'static str,
}

/// The whole register, in the order of the file. A line that cannot be read is left out, which the
/// test against the schema then finds.
pub fn all() -> &'static [Field] {
    static ALL: LazyLock<Vec<Field>> = LazyLock::new(|| {
        include_str!("../../../../data/privacy/fields.csv")
            .lines()
            .skip(1)
            .filter_map(read)
            .collect()
    });
    &ALL
}

fn read(line: &'static str) -> Option<Field> {
    let mut words = line.split(',');
    let mut next = || words.next().filter(|w| !w.is_empty());
    Some(Field {
        table: next()?,
        name: next()?,
        class: match next()? {
            "public" => Class::Public,
            "internal" => Class::Internal,
            "sensitive" => Class::Sensitive,
            _ => return None,
        },
        kept: match next()? {
            "plain" => Kept::Plain,
            "sealed" => Kept::Sealed,
            "hashed" => Kept::Hashed,
            _ => return None,
        },
        purpose: next()?,
        ground: next()?,
        retention: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sensitive_is_kept_plain() {
        assert!(all().len() > 200);
        for field in all().iter().filter(|f| f.class == Class::Sensitive) {
            assert_ne!(field.kept, Kept::Plain, "{}.{}", field.table, field.name);
        }
    }

    #[test]
    fn every_line_can_be_read() {
        let lines = include_str!("../../../../data/privacy/fields.csv").lines().skip(1);
        for line in lines {
            assert!(read(line).is_some(), "{line}");
        }
    }
}
