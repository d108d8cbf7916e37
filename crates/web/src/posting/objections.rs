//! Objections as the office sees them: the list, one of them with its answer, writing one down.

use app::posting::{Answer, Object, ObjectionPage, PublicPosting};
use app::{Never, Reach};
use askama::Template;
use axum::response::Response;
use domain::posting::answer::{Refusal as AnswerRefusal, Verdict};
use domain::posting::object::{Channel, Standing};
use domain::scheme::Item;
use domain::scoring::{Mark, Outcome, Scores};
use domain::{Date, Id};
use serde::Deserialize;
use store::posting::{ObjectionFilter, ObjectionLine};

use super::public::{given, serial};
use crate::export::{self, ExportForm, Sheet, day, moment};
use crate::{Ask, Page, Paging, Problem, Season};

#[derive(Template)]
#[template(path = "posting/objections.html")]
struct ListPage {
    p: Page,
    q: String,
    standing: String,
    rows: Vec<ObjectionLine>,
    today: Date,
    export: Option<ExportForm>,
    paging: Paging,
    before: String,
    after: String,
}

/// The list's conditions, from the query: `open`, `overdue`, `upheld`, `rejected` or all.
fn filter(ask: &Ask) -> ObjectionFilter {
    let standing = ask.query("standing").unwrap_or("");
    ObjectionFilter {
        standing: Standing::from_code(standing),
        overdue_on: (standing == "overdue").then(|| ask.today()),
        batch: None,
        search: ask.query("q").unwrap_or("").to_owned(),
    }
}

pub(super) async fn list(ask: Ask) -> Result<Response, Problem> {
    let (paging, filter) = (Paging::asked(&ask), filter(&ask));
    let (rows, total) = ask
        .read::<_, Never>(move |tx, who| {
            app::posting::objections(tx, who, &filter, paging.offset(), paging.size)
        })
        .await?;
    ask.page(&ListPage {
        p: Page::new(&ask, "objections-title", Season::Autumn),
        q: ask.query("q").unwrap_or("").to_owned(),
        standing: ask.query("standing").unwrap_or("").to_owned(),
        rows,
        today: ask.today(),
        export: ExportForm::of(&ask, total),
        paging: paging.of(total),
        before: ask.link(&[("page", &(paging.page - 1).to_string())]),
        after: ask.link(&[("page", &(paging.page + 1).to_string())]),
    })
}

pub(super) async fn export(ask: Ask) -> Result<Response, Problem> {
    let ask = export::asked(ask)?;
    let filter = filter(&ask);
    let header = [
        "objection-code",
        "objection-village",
        "objection-month",
        "objection-row",
        "objection-channel",
        "objection-filed",
        "objection-due",
        "objection-standing",
        "objection-text",
    ];
    let sheet = Sheet::new(&ask, "objections", "objections-title", &header);
    let p = Page::new(&ask, "objections-title", Season::Autumn);
    export::stream(&ask, sheet, move |tx, who, write| {
        app::posting::each_objection(tx, who, &filter, |row| {
            write(&[
                row.code.as_str().into(),
                row.village.as_str().into(),
                row.month.to_string().into(),
                row.serial.into(),
                p.word("channel", row.channel.code()).into(),
                moment(row.filed_at),
                day(row.due_on),
                p.word("standing", row.standing.code()).into(),
                row.text.as_str().into(),
            ])
        })
    })
    .await
}

// One objection -------------------------------------------------------------------------------------

/// One item with both sheets' marks, and every value it can be given.
struct ItemRow {
    code: String,
    name: String,
    officer: String,
    cadre: String,
    settled: String,
    choices: Vec<(String, String, bool)>,
    differs: bool,
}

#[derive(Template)]
#[template(path = "posting/objection.html")]
struct ShowPage {
    p: Page,
    o: ObjectionPage,
    items: Vec<ItemRow>,
    why_not: Option<String>,
    today: Date,
    key: String,
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let o = ask.read::<_, Never>(move |tx, who| app::posting::objection(tx, who, id)).await?;
    let p = Page::new(&ask, "objection-title", Season::Autumn);
    let items = items(&p, &o)?;
    let why_not =
        o.answer_refused.as_ref().filter(|r| !matches!(r, AnswerRefusal::AlreadyAnswered { .. }));
    let why_not = why_not.map(|r| Problem::refused(r).sentence(ask.lang));
    let title = p.t1("objection-title-of", "code", &o.objection.code);
    let (today, key) = (ask.today(), ask.new_key().to_string());
    ask.page(&ShowPage { p: p.titled(title), o, items, why_not, today, key })
}

fn items(p: &Page, o: &ObjectionPage) -> Result<Vec<ItemRow>, Problem> {
    let Some(household) = &o.household else { return Ok(Vec::new()) };
    let read =
        |text: &str| Scores::parse(text).map_err(|_| store::Broken::data("scores cannot be read"));
    let sheet = |scorer: &str| {
        let sheet = household.sheets.iter().find(|s| s.scorer.code() == scorer);
        sheet.map_or(Ok(Scores::default()), |s| read(&s.scores))
    };
    let broken = |b: store::Broken| Problem::from(app::Failure::<Never>::Broken(b));
    let officer = sheet("assistance_officer").map_err(broken)?;
    let cadre = sheet("assigned_cadre").map_err(broken)?;
    let settled = household.settlement.as_ref().map_or(Ok(Scores::default()), |s| read(&s.scores));
    let settled = settled.map_err(broken)?;
    let row = |item: &Item| {
        let marks = [&officer, &cadre, &settled].map(|scores| scores.get(&item.code));
        let [officer, cadre, now] = marks;
        ItemRow {
            code: item.code.clone(),
            name: words(p, &item.name),
            officer: mark(p, item, officer),
            cadre: mark(p, item, cadre),
            settled: mark(p, item, now),
            choices: choices(p, item, now),
            differs: officer != cadre,
        }
    };
    Ok(o.scheme.items_for(household.able_to_work).into_iter().map(row).collect())
}

fn words(p: &Page, words: &domain::scheme::Words) -> String {
    if p.is_zh() { words.zh.clone() } else { words.en.clone() }
}

fn mark(p: &Page, item: &Item, mark: Option<&Mark>) -> String {
    match mark {
        None => String::new(),
        Some(Mark::Points(points)) => points.to_string(),
        Some(Mark::NotApplicable(reason)) => {
            item.na_reason(reason).map_or_else(|| reason.clone(), |r| words(p, &r.words))
        }
    }
}

/// (value, words, chosen): points as they are, a reason behind a dash.
fn choices(p: &Page, item: &Item, now: Option<&Mark>) -> Vec<(String, String, bool)> {
    let points = item.choices().into_iter().map(|choice| {
        let words = choice.band.map_or_else(String::new, |band| words(p, &band.words));
        let said = format!("{} {words}", choice.points);
        (choice.points.to_string(), said, now == Some(&Mark::Points(choice.points)))
    });
    let reasons = item.na.iter().map(|reason| {
        let chosen = now == Some(&Mark::NotApplicable(reason.code.clone()));
        (format!("-{}", reason.code), words(p, &reason.words), chosen)
    });
    points.chain(reasons).collect()
}

pub(super) async fn answer(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let get = |name: &str| fields.get(name).map_or("", |s| s.trim());
    let verdict = match get("verdict") {
        "upheld" => Verdict::Upheld,
        "rejected" => Verdict::Rejected,
        _ => return Err(Problem::field("verdict")),
    };
    let id = ask.id("id")?;
    let new_scores = match (verdict, get("outcome")) {
        (Verdict::Rejected, _) => None,
        (_, "not_assessed") => Some(Outcome::NotAssessed),
        (_, "suspended") => Some(Outcome::Suspended),
        (_, "assessed") => Some(Outcome::Assessed(scores(&fields)?)),
        _ => None,
    };
    let request = Answer {
        key: get("key").parse().map_err(|_| Problem::field("key"))?,
        objection: id,
        verdict,
        text: get("text").to_owned(),
        new_scores,
    };
    let answered = ask.write(move |tx, who| app::posting::answer(tx, who, &request)).await?;
    let record = serde_json::json!({
        "objection": answered.objection,
        "standing": answered.standing.code(),
        "correction": answered.correction,
    });
    ask.done(&format!("/objections/{id}"), "objection-answered", &record)
}

/// `item-A1=8`, `item-A3=-no_session`: the marks of a form.
fn scores(fields: &std::collections::BTreeMap<String, String>) -> Result<Scores, Problem> {
    let mut marks = Vec::new();
    for (name, value) in fields {
        let Some(item) = name.strip_prefix("item-") else { continue };
        let mark = match value.strip_prefix('-') {
            Some(reason) => Mark::NotApplicable(reason.to_owned()),
            None => Mark::Points(value.parse().map_err(|_| Problem::field(item))?),
        };
        marks.push((item.to_owned(), mark));
    }
    Ok(Scores::new(marks))
}

// By telephone or on paper --------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "posting/record.html")]
struct RecordPage {
    p: Page,
    v: PublicPosting,
    key: String,
}

pub(super) async fn record_form(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let v = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| app::posting::public(tx, id, today))
        .await?;
    let p = Page::new(&ask, "record-title", Season::Autumn);
    let key = ask.new_key().to_string();
    ask.page(&RecordPage { p, v, key })
}

#[derive(Deserialize)]
struct NewRecord {
    key: Id,
    channel: String,
    #[serde(default)]
    serial: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    by_name: String,
    #[serde(default)]
    contact: String,
}

pub(super) async fn record(ask: Ask) -> Result<Response, Problem> {
    let form: NewRecord = ask.form()?;
    let channel = Channel::from_code(&form.channel)
        .filter(|c| *c != Channel::Page)
        .ok_or_else(|| Problem::field("channel"))?;
    let request = Object {
        key: form.key,
        posting: ask.id("id")?,
        channel,
        serial: serial(&form.serial)?,
        text: form.text,
        by_name: given(form.by_name),
        contact: given(form.contact),
    };
    let filed = ask.write(move |tx, who| app::posting::record_objection(tx, who, &request)).await?;
    let record = serde_json::json!({
        "id": filed.id,
        "code": filed.code,
        "due_on": filed.due_on.to_string(),
    });
    ask.done(&format!("/objections/{}", filed.id), "objection-recorded", &record)
}
