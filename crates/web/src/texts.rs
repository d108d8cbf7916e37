//! The catalogue of texts: Fluent, one file for each room and language. No text stands in code.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    pub fn code(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }
    pub fn other(self) -> Lang {
        match self {
            Lang::Zh => Lang::En,
            Lang::En => Lang::Zh,
        }
    }
    pub fn from_code(code: &str) -> Option<Lang> {
        match code {
            "zh" | "zh-CN" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }
}

macro_rules! files {
    ($lang:literal) => {
        [
            include_str!(concat!("../texts/", $lang, "/common.ftl")),
            include_str!(concat!("../texts/", $lang, "/access.ftl")),
            include_str!(concat!("../texts/", $lang, "/audit.ftl")),
            include_str!(concat!("../texts/", $lang, "/registry.ftl")),
            include_str!(concat!("../texts/", $lang, "/calendar.ftl")),
            include_str!(concat!("../texts/", $lang, "/points.ftl")),
            include_str!(concat!("../texts/", $lang, "/scheme.ftl")),
            include_str!(concat!("../texts/", $lang, "/scoring.ftl")),
            include_str!(concat!("../texts/", $lang, "/posting.ftl")),
            include_str!(concat!("../texts/", $lang, "/goods.ftl")),
            include_str!(concat!("../texts/", $lang, "/redemption.ftl")),
            include_str!(concat!("../texts/", $lang, "/reports.ftl")),
            include_str!(concat!("../texts/", $lang, "/privacy.ftl")),
        ]
    };
}

pub struct Texts {
    bundle: FluentBundle<FluentResource>,
}

static ZH: LazyLock<Texts> = LazyLock::new(|| Texts::load("zh-CN", &files!("zh")));
static EN: LazyLock<Texts> = LazyLock::new(|| Texts::load("en", &files!("en")));

impl Texts {
    pub fn of(lang: Lang) -> &'static Texts {
        match lang {
            Lang::Zh => &ZH,
            Lang::En => &EN,
        }
    }

    fn load(code: &str, files: &[&str]) -> Texts {
        let language = code.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        bundle.set_use_isolating(false);
        for file in files {
            // A file that does not parse is caught by the test below, not by a villager.
            let resource = match FluentResource::try_new((*file).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            let _ = bundle.add_resource(resource);
        }
        Texts { bundle }
    }

    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    pub fn say(&self, key: &str, args: &[(&str, FluentValue)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            return format!("⟦{key}⟧");
        };
        let mut named = FluentArgs::new();
        for (name, value) in args {
            named.set((*name).to_owned(), value.clone());
        }
        self.bundle.format_pattern(pattern, Some(&named), &mut vec![]).into_owned()
    }
}

/// What can stand inside a sentence.
pub trait Show {
    fn value(&self) -> FluentValue<'static>;
}

impl Show for i64 {
    fn value(&self) -> FluentValue<'static> {
        // As text: a number of points is never written 1,000.0.
        FluentValue::from(*self)
    }
}
impl Show for usize {
    fn value(&self) -> FluentValue<'static> {
        i64::try_from(*self).unwrap_or(i64::MAX).value()
    }
}
impl Show for u64 {
    fn value(&self) -> FluentValue<'static> {
        i64::try_from(*self).unwrap_or(i64::MAX).value()
    }
}
impl Show for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}
impl Show for String {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.clone())
    }
}
impl Show for domain::Date {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_string())
    }
}
impl<T: Show + ?Sized> Show for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(files: &[&str]) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for file in files {
            let resource = FluentResource::try_new((*file).to_owned())
                .unwrap_or_else(|(_, errors)| panic!("{errors:?} in\n{file}"));
            for entry in resource.entries() {
                if let fluent_syntax::ast::Entry::Message(m) = entry {
                    assert!(keys.insert(m.id.name.to_owned()), "{} stands twice", m.id.name);
                }
            }
        }
        keys
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(keys(&files!("zh")), keys(&files!("en")));
    }
}
