//! The log on screen and on paper: the auditor's search, and who has seen or changed a household.

use app::Never;
use app::reports::SeenPage;
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::audit::{DONE, Kind};
use domain::{Millis, midnight, parse_day};
use store::reports::{LogFilter, LogLine};

use crate::export::{self, ExportForm, Sheet};
use crate::{Ask, Page, Problem, Season};

const LINES: i64 = 50;

/// What both pages say of a line.
trait Words {
    fn p(&self) -> &Page;

    fn kind(&self, line: &LogLine) -> String {
        self.p().word("audit-kind", line.kind.code())
    }
    /// The command in words; of a refusal the route.
    fn verb(&self, line: &LogLine) -> String {
        let verb = line.verb.split_once('.').map_or(line.verb.as_str(), |(_, verb)| verb);
        self.p().word_or("audit-verb-", verb, &line.verb)
    }
    fn outcome(&self, line: &LogLine) -> String {
        match (line.kind, line.code.as_str()) {
            (_, DONE) => self.p().t("audit-done"),
            (Kind::Reveal, field) => self.p().word_or("field-", field, field),
            (_, code) => code.to_owned(),
        }
    }
    fn person(&self, line: &LogLine) -> String {
        line.person.clone().unwrap_or_else(|| self.p().t("audit-nobody"))
    }
    /// Numbers and reasons.
    fn more(&self, line: &LogLine) -> String {
        let rows = match (line.kind, line.rows) {
            (Kind::Refusal, Some(n)) => Some(self.p().t1("audit-unlisted", "n", n)),
            (_, Some(n)) => Some(self.p().t1("audit-rows", "n", n)),
            (_, None) => None,
        };
        let parts: Vec<String> = rows.into_iter().chain(line.note.clone()).collect();
        parts.join(" · ")
    }
}

#[derive(Template)]
#[template(path = "reports/audit.html")]
struct LogPage {
    p: Page,
    filter: LogFilter,
    kind: &'static str,
    from: String,
    to: String,
    kinds: Vec<&'static str>,
    /// (path, kind, name)
    places: Vec<(String, String, String)>,
    lines: Vec<LogLine>,
    total: i64,
    /// The way to the newest lines, where others are shown.
    newest: Option<String>,
    older: Option<String>,
    sees_households: bool,
    export: Option<ExportForm>,
}

impl Words for LogPage {
    fn p(&self) -> &Page {
        &self.p
    }
}

impl LogPage {
    fn area(&self) -> &str {
        self.filter.area.as_deref().unwrap_or("")
    }
}

fn filter(ask: &Ask) -> Result<LogFilter, Problem> {
    let text = |name: &str| ask.query(name).unwrap_or("").chars().take(60).collect::<String>();
    let day = |name: &'static str| match ask.query(name) {
        None => Ok(None),
        Some(typed) => parse_day(typed).map(Some).ok_or_else(|| Problem::field(name)),
    };
    let until = day("to")?.map(|to| to.tomorrow().unwrap_or(to));
    Ok(LogFilter {
        person: text("person"),
        household: text("household"),
        kind: ask.query("what").and_then(Kind::from_code),
        verb: text("verb"),
        from: day("from")?.map(midnight),
        until: until.map(midnight),
        area: ask
            .query("area")
            .filter(|a| a.chars().all(|c| c.is_ascii_digit() || c == '.'))
            .map(str::to_owned),
    })
}

pub(super) async fn log(ask: Ask) -> Result<Response, Problem> {
    let filter = filter(&ask)?;
    let before = ask.query("before").and_then(|n| n.parse::<i64>().ok());
    let asked = filter.clone();
    let ((mut lines, total), places) = ask
        .read::<_, Never>(move |tx, who| {
            let log = app::reports::log(tx, who, &asked, before, LINES + 1)?;
            let sees = who.may(Permission::ReadHouseholds);
            Ok((log, if sees { app::registry::places(tx, who)? } else { Vec::new() }))
        })
        .await?;
    let is_more = lines.len() as i64 > LINES;
    lines.truncate(LINES as usize);
    if ask.wants_json {
        let lines: Vec<_> = lines.iter().map(json).collect();
        return ask.json(&serde_json::json!({ "total": total, "lines": lines }));
    }
    let last = lines.last().map(|line| line.seq.to_string()).unwrap_or_default();
    ask.page(&LogPage {
        p: Page::new(&ask, "audit-title", Season::Winter),
        kind: filter.kind.map_or("", Kind::code),
        from: ask.query("from").unwrap_or("").to_owned(),
        to: ask.query("to").unwrap_or("").to_owned(),
        kinds: Kind::ALL.into_iter().map(Kind::code).collect(),
        filter,
        places,
        lines,
        total,
        newest: before.map(|_| ask.link(&[("before", "")])),
        older: is_more.then(|| ask.link(&[("before", &last)])),
        sees_households: ask.who.as_ref().is_some_and(|w| w.may(Permission::ReadHouseholds)),
        export: ExportForm::of(&ask, total),
    })
}

/// The lines in the words of the page, to be written one by one.
struct Lines(Page);

impl Words for Lines {
    fn p(&self) -> &Page {
        &self.0
    }
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = filter(&ask)?;
    let header = [
        "audit-number",
        "audit-time",
        "audit-person",
        "audit-kind",
        "audit-verb",
        "field-household-number",
        "audit-area",
        "audit-outcome",
        "audit-more",
    ];
    let mut sheet = Sheet::new(&ask, "audit", "audit-title", &header);
    sheet.path = filter.area.clone();
    let words = Lines(Page::new(&ask, "audit-title", Season::Winter));
    export::stream(&ask, sheet, move |tx, who, write| {
        app::reports::each_log_line(tx, who, &filter, |line| {
            write(&[
                line.seq.into(),
                export::moment(line.at),
                words.person(&line).into(),
                words.kind(&line).into(),
                words.verb(&line).into(),
                line.household.as_ref().map(|h| h.1.clone()).into(),
                line.area.clone().into(),
                words.outcome(&line).into(),
                words.more(&line).into(),
            ])
        })
    })
    .await
}

fn json(line: &LogLine) -> serde_json::Value {
    serde_json::json!({
        "seq": line.seq,
        "at": line.at,
        "person": line.person,
        "kind": line.kind.code(),
        "verb": line.verb,
        "household": line.household.as_ref().map(|h| h.0),
        "household_number": line.household.as_ref().map(|h| h.1.as_str()),
        "area": line.area,
        "subject": line.subject,
        "code": line.code,
        "rows": line.rows,
        "note": line.note,
    })
}

#[derive(Template)]
#[template(path = "reports/seen.html")]
struct Seen {
    p: Page,
    s: SeenPage,
    now: Millis,
}

impl Words for Seen {
    fn p(&self) -> &Page {
        &self.p
    }
}

pub(super) async fn seen(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let s = ask.read::<_, Never>(move |tx, who| app::reports::seen(tx, who, id)).await?;
    if ask.wants_json {
        let lines: Vec<_> = s.lines.iter().map(json).collect();
        return ask.json(&serde_json::json!({ "household": s.household, "lines": lines }));
    }
    let p = Page::new(&ask, "seen-title", Season::Winter);
    let title = p.t2("seen-title-of", "name", &s.head_name, "number", &s.number);
    ask.page(&Seen { p: p.titled(title), s, now: ask.now })
}
