//! A household's complete file, to read and to print.

use app::privacy::{File, FileOf};
use askama::Template;
use axum::response::Response;
use domain::Id;
use domain::audit::Kind;
use domain::privacy::{Reason, Refusal};
use domain::registry::citizen::HIDDEN;
use domain::registry::{Member, Table, code};
use serde::Deserialize;
use store::reports::LogLine;

use crate::{Ask, Lang, Page, Problem, Season};

#[derive(Template)]
#[template(path = "privacy/file_form.html")]
struct FormPage {
    p: Page,
    id: Id,
}

pub(super) async fn form(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let p = Page::new(&ask, "file-title", Season::Summer);
    ask.page(&FormPage { p, id })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    in_clear: String,
}

#[derive(Template)]
#[template(path = "privacy/file.html")]
struct FilePage {
    p: Page,
    f: File,
    by: String,
    at: domain::Millis,
}

impl FilePage {
    fn what(&self, line: &LogLine) -> String {
        let verb = line.verb.split_once('.').map_or(line.verb.as_str(), |(_, verb)| verb);
        let verb = self.p.word_or("audit-verb-", verb, &line.verb);
        match line.kind {
            Kind::Reveal => {
                format!("{verb}: {}", self.p.word_or("field-", &line.code, &line.code))
            }
            _ => verb,
        }
    }
    fn label(&self, table: Table, code: &Option<String>) -> String {
        let english = self.p.lang == Lang::En;
        code.as_deref().map_or_else(String::new, |c| code::label(table, c, english))
    }
    fn yes_no(&self, said: &Option<bool>) -> String {
        said.map_or_else(String::new, |yes| self.p.word("said", if yes { "yes" } else { "no" }))
    }
    /// Every column of the household that says something.
    fn facts(&self) -> Vec<(String, String)> {
        let h = &self.f.card.household;
        let field = |name: &str| self.p.t(format!("field-{name}"));
        let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let income =
            match (h.income_fen, self.f.card.hidden.iter().any(|x| x.field == "income_fen")) {
                (Some(fen), _) => self.p.yuan(fen),
                (None, true) => HIDDEN.to_owned(),
                (None, false) => String::new(),
            };
        let work = if h.able_to_work { "able" } else { "unable" };
        let mut facts = vec![
            (field("household-number"), h.number.clone()),
            (field("head"), h.head_name.clone()),
            (field("village"), self.f.card.village.clone()),
            (field("hamlet"), h.hamlet.clone().unwrap_or_default()),
            (field("size"), h.size.to_string()),
            (field("graduation"), self.label(Table::Graduation, &h.graduation)),
            (field("graduated-year"), number(h.graduated_year)),
            (field("poverty-cause"), self.label(Table::PovertyCause, &h.poverty_cause)),
            (field("able-to-work"), self.p.word("household-work", work)),
            (field("housing-grade"), self.label(Table::HousingGrade, &h.housing_grade)),
            (field("water-safe"), self.yes_no(&h.water_safe)),
            (self.p.t("household-income"), income),
            (field("phone"), h.phone.clone().unwrap_or_default()),
            (field("bank-name"), h.bank_name.clone().unwrap_or_default()),
            (field("bank-account"), h.bank_account.clone().unwrap_or_default()),
        ];
        facts.retain(|(_, value)| !value.is_empty());
        facts
    }
    fn of_member(&self, m: &Member) -> Vec<(String, String)> {
        let field = |name: &str| self.p.t(format!("field-{name}"));
        let coded = |table, code: &str| code::label(table, code, self.p.lang == Lang::En);
        let mut facts = vec![
            (field("member-number"), m.number.clone()),
            (field("relation"), coded(Table::Relation, &m.relation)),
            (field("sex"), coded(Table::Sex, &m.sex)),
            (field("id-kind"), coded(Table::IdKind, &m.id_kind)),
            (field("citizen-number"), m.citizen_number.clone().unwrap_or_default()),
            (self.p.t("file-born"), m.born_on.map(|d| self.p.date(d)).unwrap_or_default()),
            (field("ethnic"), self.label(Table::Ethnic, &m.ethnic)),
            (field("political"), self.label(Table::Political, &m.political)),
            (field("education"), self.label(Table::Education, &m.education)),
            (field("student"), self.label(Table::Student, &m.student)),
            (field("health"), self.label(Table::Health, &m.health)),
            (field("work-skill"), self.label(Table::WorkSkill, &m.work_skill)),
            (field("work-area"), self.label(Table::WorkArea, &m.work_area)),
            (field("work-months"), m.work_months.map(|n| n.to_string()).unwrap_or_default()),
            (field("medical-insurance"), self.yes_no(&m.medical_insurance)),
            (field("dibao"), self.yes_no(&m.dibao)),
        ];
        facts.retain(|(_, value)| !value.is_empty());
        facts
    }
}

pub(super) async fn show(ask: Ask) -> Result<Response, Problem> {
    let asked: Asked = ask.form()?;
    let request = FileOf {
        household: ask.id("id")?,
        reason: Reason::from_code(&asked.reason),
        words: asked.words,
        in_clear: !asked.in_clear.is_empty(),
    };
    let f = ask.write::<_, Refusal>(move |tx, who| app::privacy::file(tx, who, &request)).await?;
    let household = &f.card.household;
    let p = Page::new(&ask, "file-title", Season::Summer);
    let title = p.t2("file-title-of", "name", &household.head_name, "number", &household.number);
    let by = ask.who.as_ref().map(|w| w.name.clone()).unwrap_or_default();
    ask.page(&FilePage { p: p.titled(title), f, by, at: ask.now })
}
