//! Households, members and who stands for them, as the national register's workbook gives them:
//! reading its cells, checking its rows, holding them against the register that is kept.
//! Knows nothing of workbooks as files, of SQL or of screens.

pub mod areas;
pub mod check;
pub mod citizen;
pub mod code;
pub mod compare;
pub mod finding;
pub mod header;
pub mod kinship;
mod row;
#[cfg(test)]
mod tests;
pub mod text;

use crate::audit::Digest;
use crate::{Date, Id};

pub use areas::{Area, AreaKind, Areas};
pub use check::{
    Check, Checked, Counts, Plan, PlannedCadre, PlannedHousehold, PlannedMember, PlannedOfficer,
};
pub use citizen::{CitizenNumber, CitizenNumberFault};
pub use code::Table;
pub use compare::{Changes, Comparison, Fate};
pub use finding::{Fault, Finding};
pub use header::{Field, Headers};
pub use text::Cell;

/// One household as the register keeps it. Coded values are codes of [`code::Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Household {
    /// The register's own number: what an import matches by.
    pub number: String,
    pub village: Id,
    /// Management-tree path of the village.
    pub path: String,
    pub hamlet: Option<String>,
    pub head_name: String,
    pub head: Option<Id>,
    /// Members in the register.
    pub size: i64,
    pub graduation: Option<String>,
    pub graduated_year: Option<i64>,
    pub poverty_cause: Option<String>,
    /// Has at least one member who can work; without one the scheme's substitute category applies.
    pub able_to_work: bool,
    pub housing_grade: Option<String>,
    pub water_safe: Option<bool>,
    /// Yearly net income per head, in fen.
    pub income_fen: Option<i64>,
    pub phone: Option<String>,
    pub bank_name: Option<String>,
    pub bank_account: Option<String>,
    pub active: bool,
}

impl Household {
    /// The row's fingerprint. What is derived from other rows (search words) is left out.
    pub fn digest(&self, id: Id) -> [u8; 32] {
        Digest::of("household")
            .id(id)
            .text(&self.number)
            .id(self.village)
            .text(&self.path)
            .opt_text(self.hamlet.as_deref())
            .text(&self.head_name)
            .opt_id(self.head)
            .number(self.size)
            .opt_text(self.graduation.as_deref())
            .opt_number(self.graduated_year)
            .opt_text(self.poverty_cause.as_deref())
            .truth(self.able_to_work)
            .opt_text(self.housing_grade.as_deref())
            .opt(self.water_safe, Digest::truth)
            .opt_number(self.income_fen)
            .opt_text(self.phone.as_deref())
            .opt_text(self.bank_name.as_deref())
            .opt_text(self.bank_account.as_deref())
            .truth(self.active)
            .finish()
    }

    /// Which fields of `other` are not as here, by the names of the columns.
    pub fn differences(&self, other: &Household) -> Vec<&'static str> {
        let mut fields = Vec::new();
        let mut note = |name, differs: bool| {
            if differs {
                fields.push(name);
            }
        };
        note("village", self.village != other.village || self.path != other.path);
        note("hamlet", self.hamlet != other.hamlet);
        note("head", self.head_name != other.head_name || self.head != other.head);
        note("size", self.size != other.size);
        note("graduation", self.graduation != other.graduation);
        note("graduated_year", self.graduated_year != other.graduated_year);
        note("poverty_cause", self.poverty_cause != other.poverty_cause);
        note("able_to_work", self.able_to_work != other.able_to_work);
        note("housing_grade", self.housing_grade != other.housing_grade);
        note("water_safe", self.water_safe != other.water_safe);
        note("income", self.income_fen != other.income_fen);
        note("phone", self.phone != other.phone);
        note("bank_name", self.bank_name != other.bank_name);
        note("bank_account", self.bank_account != other.bank_account);
        note("active", self.active != other.active);
        fields
    }
}

/// One person of a household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub household: Id,
    pub number: String,
    pub name: String,
    pub relation: String,
    pub sex: String,
    pub id_kind: String,
    pub citizen_number: Option<String>,
    pub born_on: Option<Date>,
    pub ethnic: Option<String>,
    pub political: Option<String>,
    pub education: Option<String>,
    pub student: Option<String>,
    pub health: Option<String>,
    pub work_skill: Option<String>,
    pub work_area: Option<String>,
    pub work_months: Option<i64>,
    pub medical_insurance: Option<bool>,
    pub dibao: Option<bool>,
    pub active: bool,
}

impl Member {
    pub fn digest(&self, id: Id) -> [u8; 32] {
        Digest::of("member")
            .id(id)
            .id(self.household)
            .text(&self.number)
            .text(&self.name)
            .text(&self.relation)
            .text(&self.sex)
            .text(&self.id_kind)
            .opt_text(self.citizen_number.as_deref())
            .opt(self.born_on, Digest::date)
            .opt_text(self.ethnic.as_deref())
            .opt_text(self.political.as_deref())
            .opt_text(self.education.as_deref())
            .opt_text(self.student.as_deref())
            .opt_text(self.health.as_deref())
            .opt_text(self.work_skill.as_deref())
            .opt_text(self.work_area.as_deref())
            .opt_number(self.work_months)
            .opt(self.medical_insurance, Digest::truth)
            .opt(self.dibao, Digest::truth)
            .truth(self.active)
            .finish()
    }

    pub fn is_head(&self) -> bool {
        self.relation == code::HEAD
    }

    pub fn differences(&self, other: &Member) -> Vec<&'static str> {
        let mut fields = Vec::new();
        let mut note = |name, differs: bool| {
            if differs {
                fields.push(name);
            }
        };
        note("household", self.household != other.household);
        note("member_number", self.number != other.number);
        note("name", self.name != other.name);
        note("relation", self.relation != other.relation);
        note("sex", self.sex != other.sex);
        note("id_kind", self.id_kind != other.id_kind);
        note("citizen_number", self.citizen_number != other.citizen_number);
        note("ethnic", self.ethnic != other.ethnic);
        note("political", self.political != other.political);
        note("education", self.education != other.education);
        note("student", self.student != other.student);
        note("health", self.health != other.health);
        note("work_skill", self.work_skill != other.work_skill);
        note("work_area", self.work_area != other.work_area);
        note("work_months", self.work_months != other.work_months);
        note("medical_insurance", self.medical_insurance != other.medical_insurance);
        note("dibao", self.dibao != other.dibao);
        note("active", self.active != other.active);
        fields
    }
}

/// Longer than any household's names; an index entry must stay under a third of a page.
const SEARCH_CHARACTERS_MAX: usize = 500;

/// The words a household is found by: its number, village, hamlet and everybody's name, in lower case.
pub fn search_words<'a>(
    household: &'a Household,
    village: &str,
    names: impl Iterator<Item = &'a str>,
) -> String {
    let mut words = format!("{} {} {village}", household.number, household.head_name);
    for word in household.hamlet.as_deref().into_iter().chain(names) {
        if word != household.head_name {
            words.push(' ');
            words.push_str(word);
        }
    }
    words.to_lowercase().chars().take(SEARCH_CHARACTERS_MAX).collect()
}
