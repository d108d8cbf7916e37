//! How the rules say no: a code, and the numbers and names of the sentence. The sentence itself
//! stands in the catalogue of texts under `refusal-<code>`, once in each language.

/// One value inside a refusal's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    Number(i64),
    Text(String),
    Date(jiff::civil::Date),
    /// A name that is kept in both languages.
    Words {
        zh: String,
        en: String,
    },
}

impl From<i64> for Arg {
    fn from(n: i64) -> Self {
        Arg::Number(n)
    }
}
impl From<usize> for Arg {
    fn from(n: usize) -> Self {
        Arg::Number(i64::try_from(n).unwrap_or(i64::MAX))
    }
}
impl From<&str> for Arg {
    fn from(s: &str) -> Self {
        Arg::Text(s.to_owned())
    }
}
impl From<String> for Arg {
    fn from(s: String) -> Self {
        Arg::Text(s)
    }
}
impl From<jiff::civil::Date> for Arg {
    fn from(d: jiff::civil::Date) -> Self {
        Arg::Date(d)
    }
}

/// A named no. Every refusal enum of the rules implements it.
pub trait Refusal: std::fmt::Debug {
    /// Kebab-case, stable: part of the API and the key of the sentence.
    fn code(&self) -> &'static str;
    /// The named values of the sentence.
    fn args(&self) -> Vec<(&'static str, Arg)> {
        Vec::new()
    }
}
