//! The pages of the points scheme: versions, readable rules, lint, adoption.

use app::Never;
use app::scheme::{Adopt, Adopted, Kept};
use askama::Template;
use axum::response::Response;
use domain::access::Permission;
use domain::calendar::Month;
use domain::scheme::{Adoption, Choice, Finding, Item, Level, Scheme, Words};
use domain::{Id, parse_day};
use serde::Deserialize;

use crate::{Ask, Lang, Needs, Page, Problem, Route, Season, Subject};

pub fn routes() -> Vec<Route> {
    use Needs::{May, SignedIn};
    let manage = May(Permission::ManageScheme);
    vec![
        Route::get("/scheme", row!("scheme.list"), SignedIn, Subject::Zone, list),
        Route::post("/scheme", row!("scheme.upload"), manage, Subject::Zone, upload)
            .takes(&["key", "file"])
            .body_max(1 << 20),
        Route::get("/scheme/{id}", row!("scheme.view"), SignedIn, Subject::Zone, view),
        Route::get("/scheme/{id}/file", row!("scheme.file"), SignedIn, Subject::Zone, file),
        Route::post("/scheme/{id}/adopt", row!("scheme.adopt"), manage, Subject::Zone, adopt)
            .takes(&["key", "from_month", "resolved_on", "number", "text"]),
    ]
}

/// The words of the reader's language.
pub(crate) fn said(lang: Lang, words: &Words) -> &str {
    match lang {
        Lang::Zh => &words.zh,
        Lang::En => &words.en,
    }
}

/// What a value of an item stands for, in words: the band, or how often it counted.
pub(crate) fn choice_words(p: &Page, choice: &Choice<'_>) -> String {
    match choice.band {
        None => p.t("choice-none"),
        Some(band) if choice.times > 1 => {
            p.t2("choice-times", "what", said(p.lang, &band.words), "n", choice.times)
        }
        Some(band) => said(p.lang, &band.words).to_owned(),
    }
}

#[derive(Template)]
#[template(path = "scheme/list.html")]
struct ListPage {
    p: Page,
    versions: Vec<Kept>,
    adoptions: Vec<Adopted>,
    in_force: Option<Id>,
    may_manage: bool,
}

impl ListPage {
    fn is_in_force(&self, kept: &Kept) -> bool {
        self.in_force == Some(kept.id)
    }
    fn title(&self, id: &Id) -> String {
        let version = self.versions.iter().find(|k| k.id == *id);
        version.map_or_else(String::new, |k| {
            format!("{} v{}", said(self.p.lang, &k.scheme.title), k.scheme.version)
        })
    }
}

async fn list(ask: Ask) -> Result<Response, Problem> {
    let page = ask.read::<_, Never>(app::scheme::list).await?;
    ask.page(&ListPage {
        p: Page::new(&ask, "scheme-title", Season::Spring),
        versions: page.versions,
        adoptions: page.adoptions,
        in_force: page.in_force,
        may_manage: page.may_manage,
    })
}

#[derive(Template)]
#[template(path = "scheme/view.html")]
struct ViewPage {
    p: Page,
    kept: Kept,
    findings: Vec<Finding>,
    adoptions: Vec<Adopted>,
    in_force: bool,
    may_manage: bool,
    next_month: String,
}

impl ViewPage {
    fn scheme(&self) -> &Scheme {
        &self.kept.scheme
    }
    fn say<'a>(&self, words: &'a Words) -> &'a str {
        said(self.p.lang, words)
    }
    fn of<'a>(&self, scheme: &'a Scheme, category: &str) -> Vec<&'a Item> {
        scheme.items.iter().filter(|i| i.category == category).collect()
    }
    fn choice(&self, choice: &Choice<'_>) -> String {
        choice_words(&self.p, choice)
    }
    fn evidence(&self, item: &Item) -> String {
        // A scheme may name a kind of evidence the catalogue does not know.
        let word = self.p.word("evidence", &item.evidence);
        if word.starts_with('⟦') { item.evidence.clone() } else { word }
    }
}

async fn view(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| app::scheme::view(tx, who, id)).await?;
    let title = said(ask.lang, &page.kept.scheme.title).to_owned();
    ask.page(&ViewPage {
        p: Page::new(&ask, "scheme-title", Season::Spring).titled(title),
        kept: page.kept,
        findings: page.findings,
        adoptions: page.adoptions,
        in_force: page.in_force,
        may_manage: page.may_manage,
        next_month: page.next_month.to_string(),
    })
}

/// The uploaded file, byte for byte.
async fn file(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let page = ask.read::<_, Never>(move |tx, who| app::scheme::view(tx, who, id)).await?;
    let name = format!("{}-v{}.json", page.kept.scheme.code, page.kept.scheme.version);
    Ok(ask.download("application/json", &name, page.kept.definition.into()))
}

#[derive(Template)]
#[template(path = "scheme/refused.html")]
struct RefusedPage {
    p: Page,
    sentence: String,
    findings: Vec<Finding>,
}

async fn upload(ask: Ask) -> Result<Response, Problem> {
    let upload = ask.upload("file")?;
    let key = upload.key.ok_or_else(|| Problem::field("key"))?;
    let json = String::from_utf8(upload.bytes.to_vec()).map_err(|_| Problem::field("file"))?;
    let kept = {
        let json = json.clone();
        ask.write(move |tx, who| app::scheme::upload(tx, who, key, &json)).await
    };
    match kept {
        Ok(id) => {
            let record = serde_json::json!({ "id": id });
            ask.done(&format!("/scheme/{id}"), "scheme-uploaded", &record)
        }
        Err(problem) if problem.code == "scheme-unlawful" && !ask.wants_json => {
            let (_, findings) = app::scheme::check(&ask.who()?, &json)?;
            let sentence = problem.sentence(ask.lang);
            let p = Page::new(&ask, "scheme-refused-title", Season::Spring);
            ask.page_with(problem.status, &RefusedPage { p, sentence, findings })
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct NewAdoption {
    key: Id,
    from_month: String,
    resolved_on: String,
    number: String,
    text: String,
}

async fn adopt(ask: Ask) -> Result<Response, Problem> {
    let form: NewAdoption = ask.form()?;
    let scheme = ask.id("id")?;
    let resolved_on = parse_day(form.resolved_on.trim());
    let request = Adopt {
        key: form.key,
        scheme,
        adoption: Adoption {
            from_month: Month::parse(form.from_month.trim())
                .ok_or_else(|| Problem::field("from_month"))?,
            resolved_on: resolved_on.ok_or_else(|| Problem::field("resolved_on"))?,
            number: form.number.trim().to_owned(),
            text: form.text.trim().to_owned(),
        },
    };
    ask.write(move |tx, who| app::scheme::adopt(tx, who, &request)).await?;
    let record = serde_json::json!({ "id": form.key });
    ask.done(&format!("/scheme/{scheme}"), "scheme-adopted", &record)
}
