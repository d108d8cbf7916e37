//! What every page has around its content, and the words a template says.

use domain::access::Permission;

use crate::ask::Ask;
use crate::texts::{Lang, Show, Texts};

/// Each season has its colour: navigation, headings and charts only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    Spring,
    Summer,
    Autumn,
    Winter,
}

impl Season {
    fn class(self) -> &'static str {
        match self {
            Season::Spring => "spring",
            Season::Summer => "summer",
            Season::Autumn => "autumn",
            Season::Winter => "winter",
        }
    }
}

pub struct NavItem {
    pub href: &'static str,
    pub key: &'static str,
    pub season: &'static str,
    pub here: bool,
}

/// The frame of a page; every template has one as `p`.
pub struct Page {
    pub lang: Lang,
    pub title: String,
    pub season: &'static str,
    pub zone: String,
    pub who: Option<String>,
    pub nav: Vec<NavItem>,
    pub here: String,
    pub notice: Option<String>,
    /// What this page's scripts carry, so that the browser runs no others.
    pub nonce: String,
    now: domain::Millis,
    texts: &'static Texts,
}

/// (link, text, season, permissions any of which shows it; none for everybody signed in)
const NAV: &[(&str, &str, Season, &[Permission])] = &[
    ("/", "nav-today", Season::Winter, &[]),
    ("/scheme", "nav-scheme", Season::Spring, &[Permission::ReadHouseholds]),
    ("/rounds", "nav-rounds", Season::Spring, &[Permission::OpenRound]),
    ("/score", "nav-score", Season::Summer, &[Permission::Score]),
    ("/households", "nav-households", Season::Summer, &[Permission::ReadHouseholds]),
    ("/hand-over", "nav-hand-over", Season::Summer, &[Permission::HandOver]),
    ("/batches", "nav-batches", Season::Autumn, &[Permission::ReadHouseholds]),
    ("/objections", "nav-objections", Season::Autumn, &[Permission::RecordObjection]),
    ("/counter", "nav-counter", Season::Autumn, &[Permission::Redeem]),
    ("/market-days", "nav-market-days", Season::Autumn, &[Permission::ReadGoods]),
    ("/goods", "nav-goods", Season::Autumn, &[Permission::ReadGoods]),
    ("/donations", "nav-donations", Season::Autumn, &[Permission::ReadGoods]),
    ("/import", "nav-import", Season::Winter, &[Permission::ImportRegister]),
    ("/audit", "nav-audit", Season::Winter, &[Permission::ReadAudit]),
    ("/people", "nav-people", Season::Winter, &[Permission::ReadPeople]),
];

impl Page {
    /// `title` is a key of the catalogue.
    pub fn new(ask: &Ask, title: &str, season: Season) -> Page {
        let texts = Texts::of(ask.lang);
        let notice = ask.query("done").and_then(|done| {
            let key = format!("notice-{done}");
            texts.has(&key).then(|| texts.say(&key, &[]))
        });
        let nav = match &ask.who {
            None => Vec::new(),
            Some(who) => NAV
                .iter()
                .filter(|n| n.3.is_empty() || n.3.iter().any(|p| who.may(*p)))
                .map(|n| NavItem {
                    href: n.0,
                    key: n.1,
                    season: n.2.class(),
                    here: n.0 == ask.at || (n.0 != "/" && ask.at.starts_with(&format!("{}/", n.0))),
                })
                .collect(),
        };
        Page {
            lang: ask.lang,
            title: texts.say(title, &[]),
            season: season.class(),
            zone: ask.server.zone_name(),
            who: ask.who.as_ref().map(|w| w.name.clone()),
            nav,
            here: ask.here(),
            notice,
            nonce: ask.nonce.clone(),
            now: ask.now,
            texts,
        }
    }

    /// With a title that has a name or a number in it.
    pub fn titled(mut self, title: impl Into<String>) -> Page {
        self.title = title.into();
        self
    }

    pub fn t(&self, key: impl AsRef<str>) -> String {
        self.texts.say(key.as_ref(), &[])
    }
    /// What a link to a paper says; `key` names the paper.
    pub fn paper(&self, key: &str) -> String {
        self.t1("paper-download", "paper", self.t(key))
    }
    /// The same, of a paper that is printed on several sheets.
    pub fn paper_on(&self, key: &str, sheet: impl AsRef<str>) -> String {
        self.t2("paper-download-as", "paper", self.t(key), "sheet", sheet.as_ref())
    }
    pub fn t1(&self, key: &str, name: &str, value: impl Show) -> String {
        self.texts.say(key, &[(name, value.value())])
    }
    pub fn t2(&self, key: &str, n1: &str, v1: impl Show, n2: &str, v2: impl Show) -> String {
        self.texts.say(key, &[(n1, v1.value()), (n2, v2.value())])
    }
    #[expect(
        clippy::too_many_arguments,
        reason = "names and values in turn, as a template says them"
    )]
    pub fn t3(
        &self,
        key: &str,
        n1: &str,
        v1: impl Show,
        n2: &str,
        v2: impl Show,
        n3: &str,
        v3: impl Show,
    ) -> String {
        self.texts.say(key, &[(n1, v1.value()), (n2, v2.value()), (n3, v3.value())])
    }
    /// A word of a closed list: `{{ p.word("state", batch.state) }}` says `state-<code>`.
    pub fn word(&self, list: &str, code: impl AsRef<str>) -> String {
        self.texts.say(&format!("{list}-{}", code.as_ref().replace('_', "-")), &[])
    }
    /// The same, or `or` where the list has no such word; `start` ends with its hyphen.
    pub fn word_or(&self, start: &str, code: impl AsRef<str>, or: &str) -> String {
        let key = format!("{start}{}", code.as_ref().replace('_', "-"));
        if self.texts.has(&key) { self.texts.say(&key, &[]) } else { or.to_owned() }
    }
    /// A key for a record that a form on this page will make.
    pub fn new_key(&self) -> String {
        domain::id::new(self.now, crate::edge::random()).to_string()
    }
    /// Why somebody may ask to see what is masked, as codes.
    pub fn reasons(&self) -> [&'static str; 7] {
        domain::privacy::Reason::ALL.map(domain::privacy::Reason::code)
    }
    pub fn is_zh(&self) -> bool {
        self.lang == Lang::Zh
    }
    /// A name that is kept in both languages.
    pub fn either<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        if self.is_zh() { zh } else { en }
    }
    /// 2026年11月23日 or 23 Nov 2026.
    pub fn date(&self, d: impl Shown<domain::Date>) -> String {
        date_words(self.lang, d.get())
    }
    /// The day of a `YYYY-MM-DD` text.
    pub fn day(&self, s: impl AsRef<str>) -> String {
        s.as_ref().parse().map_or_else(|_| s.as_ref().to_owned(), |d| date_words(self.lang, d))
    }
    /// The day of a moment.
    pub fn day_of(&self, at: impl Shown<i64>) -> String {
        date_words(self.lang, domain::local_date(at.get()))
    }
    /// A moment, to the minute, in local time.
    pub fn time(&self, at: impl Shown<i64>) -> String {
        let local = domain::local(at.get());
        format!("{} {:02}:{:02}", date_words(self.lang, local.date()), local.hour(), local.minute())
    }
    /// 2026年11月 or November 2026, of a `YYYY-MM` text.
    pub fn month(&self, s: impl AsRef<str>) -> String {
        let s = s.as_ref();
        match s.split_once('-').map(|(y, m)| (y, m.parse::<usize>())) {
            Some((y, Ok(m @ 1..=12))) if self.is_zh() => {
                self.texts.say("month-words", &[("year", y.value()), ("month", m.value())])
            }
            Some((y, Ok(m @ 1..=12))) => format!("{} {y}", MONTHS[m - 1]),
            _ => s.to_owned(),
        }
    }
    /// Fen as yuan with two digits.
    pub fn yuan(&self, fen: impl Shown<i64>) -> String {
        let fen = fen.get();
        let sign = if fen < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", fen.unsigned_abs() / 100, fen.unsigned_abs() % 100)
    }
    /// The first characters of a fingerprint.
    pub fn short(&self, hex: impl AsRef<str>) -> String {
        hex.as_ref().chars().take(12).collect()
    }
    pub fn asset(&self, name: &str) -> String {
        crate::assets::href(name)
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub fn date_words(lang: Lang, d: domain::Date) -> String {
    match lang {
        Lang::Zh => Texts::of(lang).say(
            "date-words",
            &[
                ("year", d.year().to_string().value()),
                ("month", i64::from(d.month()).value()),
                ("day", i64::from(d.day()).value()),
            ],
        ),
        Lang::En => {
            let month = MONTHS[usize::from(d.month().unsigned_abs()) - 1];
            format!("{} {} {}", d.day(), &month[..3], d.year())
        }
    }
}

/// One page of a long list.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    /// From 1.
    pub page: i64,
    pub size: i64,
    pub total: i64,
}

impl Paging {
    pub const SIZE: i64 = 50;

    /// From the query's `page`; call `of` once the total is known.
    pub fn asked(ask: &Ask) -> Paging {
        let page = ask.query("page").and_then(|p| p.parse().ok()).unwrap_or(1);
        Paging { page: i64::clamp(page, 1, 1_000_000), size: Paging::SIZE, total: 0 }
    }
    pub fn of(self, total: i64) -> Paging {
        Paging { total, ..self }
    }
    pub fn offset(&self) -> i64 {
        (self.page - 1) * self.size
    }
    pub fn pages(&self) -> i64 {
        (self.total + self.size - 1) / self.size
    }
    pub fn has_before(&self) -> bool {
        self.page > 1
    }
    pub fn has_after(&self) -> bool {
        self.page < self.pages()
    }
}

/// A value as a template hands it over: itself, or behind however many references.
pub trait Shown<T> {
    fn get(&self) -> T;
}

impl Shown<domain::Date> for domain::Date {
    fn get(&self) -> domain::Date {
        *self
    }
}
impl Shown<i64> for i64 {
    fn get(&self) -> i64 {
        *self
    }
}
impl<T, U: Shown<T> + ?Sized> Shown<T> for &U {
    fn get(&self) -> T {
        (**self).get()
    }
}
