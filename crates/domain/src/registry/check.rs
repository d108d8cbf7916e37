//! Every row checked as it streams by, households put together at the end. A fault in one row of a
//! household brings no further findings on its other rows.

use std::collections::HashMap;

use super::code::{self, Table};
use super::finding::{Fault, Finding};
use super::header::{Field, Headers, Layout, SheetKind};
use super::row::Row;
use super::text::{Cell, person_name};
use super::{Area, Areas, Household, Member};
use crate::{Date, Id};

/// A workbook for some other purpose has a fault in each of its rows; nobody reads more than this.
pub const FINDINGS_MAX: usize = 20_000;
/// Titles above the header end here.
const HEADER_ROW_MAX: u32 = 40;
const AGE_NOTICE: i16 = 120;

/// What the file asks for: only households without a fault.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub households: Vec<PlannedHousehold>,
    pub cadres: Vec<PlannedCadre>,
    pub officers: Vec<PlannedOfficer>,
    /// Numbers of every household the file speaks of, also of those left out for a fault.
    pub(super) numbers: HashMap<String, bool>,
    pub(super) sheets: Vec<SheetNote>,
}

#[derive(Clone, Debug)]
pub struct PlannedHousehold {
    pub household: Household,
    pub village_name: String,
    pub members: Vec<PlannedMember>,
    /// Place in [`Plan::cadres`].
    pub cadre: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct PlannedMember {
    /// Place in the plan's list of sheets.
    pub(super) sheet: usize,
    pub row: u32,
    pub member: Member,
}

/// Who stands for households of the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlannedCadre {
    pub name: String,
    pub unit: Option<String>,
    pub phone: Option<String>,
}

/// A village's assistance officer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedOfficer {
    pub village: Id,
    pub path: String,
    pub name: String,
    pub phone: Option<String>,
}

/// A sheet that was read, for findings made later.
#[derive(Clone, Debug)]
pub struct SheetNote {
    pub name: String,
    pub header_row: u32,
    pub kind: SheetKind,
    pub citizen_number: (Option<u16>, String),
    pub relation: (Option<u16>, String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub households: usize,
    pub persons: usize,
    pub officers: usize,
    pub cadres: usize,
    pub errors: usize,
    pub notices: usize,
}

/// The outcome of reading a whole workbook.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    pub plan: Plan,
    pub findings: Vec<Finding>,
    pub counts: Counts,
}

/// A check under way. Feed it sheets and rows in order, then finish.
pub struct Check<'a> {
    headers: &'a Headers,
    areas: &'a Areas,
    today: Date,
    sheet_name: String,
    layout: Option<Layout>,
    plan: Plan,
    drafts: Vec<Draft>,
    by_number: HashMap<String, usize>,
    citizens: HashMap<String, u32>,
    members: HashMap<String, u32>,
    cadres: HashMap<PlannedCadre, usize>,
    villages: HashMap<(String, String, String), Result<Area, super::areas::AreaFault>>,
    officers: HashMap<(Id, String), u32>,
    last: Option<usize>,
    after_lost_row: bool,
    findings: Vec<(usize, Finding)>,
    counts: Counts,
}

/// A household while its rows come in.
#[derive(Default)]
struct Draft {
    number: String,
    sheet: usize,
    first_row: u32,
    rows: i64,
    members: Vec<PlannedMember>,
    heads: Vec<(u32, String)>,
    village: Option<Said<(Id, String, String)>>,
    hamlet: Option<Said<String>>,
    size: Option<Said<i64>>,
    graduation: Option<Said<String>>,
    poverty_cause: Option<Said<String>>,
    graduated_year: Option<Said<i64>>,
    housing_grade: Option<Said<String>>,
    water_safe: Option<Said<bool>>,
    income_fen: Option<Said<i64>>,
    phone: Option<Said<String>>,
    bank_name: Option<Said<String>>,
    bank_account: Option<Said<String>>,
    cadre: Option<Said<usize>>,
    faulty: bool,
    /// A row of it may be lost or its relation unread: who is head cannot be told.
    head_unsure: bool,
}

struct Said<T> {
    value: T,
    row: u32,
}

/// Keeps the head's word, else the first; answers with an earlier word that differs.
fn say<T: PartialEq + Clone>(
    slot: &mut Option<Said<T>>,
    value: Option<T>,
    row: u32,
    by_head: bool,
) -> Option<(T, u32)> {
    let value = value?;
    let earlier = slot.as_ref().filter(|s| s.value != value).map(|s| (s.value.clone(), s.row));
    if slot.is_none() || (by_head && earlier.is_some()) {
        *slot = Some(Said { value, row });
    }
    earlier
}

fn said<T>(slot: Option<Said<T>>) -> Option<T> {
    slot.map(|s| s.value)
}

impl<'a> Check<'a> {
    pub fn new(headers: &'a Headers, areas: &'a Areas, today: Date) -> Check<'a> {
        Check {
            headers,
            areas,
            today,
            sheet_name: String::new(),
            layout: None,
            plan: Plan::default(),
            drafts: Vec::new(),
            by_number: HashMap::new(),
            citizens: HashMap::new(),
            members: HashMap::new(),
            cadres: HashMap::new(),
            villages: HashMap::new(),
            officers: HashMap::new(),
            last: None,
            after_lost_row: false,
            findings: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub fn sheet(&mut self, name: &str) {
        self.sheet_name = name.to_owned();
        self.layout = None;
        self.last = None;
        self.after_lost_row = false;
    }

    /// `row` counts from one, columns from zero; blank cells may be left out.
    pub fn row(&mut self, row: u32, cells: &[(u16, Cell<'_>)]) {
        match self.layout.take() {
            None => self.header(row, cells),
            Some(layout) => {
                match layout.kind {
                    SheetKind::People if layout.missing.is_empty() => {
                        self.person(&layout, row, cells);
                    }
                    SheetKind::Officers if layout.missing.is_empty() => {
                        self.officer(&layout, row, cells);
                    }
                    SheetKind::People | SheetKind::Officers => {}
                }
                self.layout = Some(layout);
            }
        }
    }

    fn header(&mut self, row: u32, cells: &[(u16, Cell<'_>)]) {
        if row > HEADER_ROW_MAX {
            return;
        }
        let titles = cells.iter().filter_map(|(column, cell)| match cell {
            Cell::Text(text) => Some((*column, *text)),
            _ => None,
        });
        let Some(layout) = self.headers.layout(titles) else { return };
        let place = |field| {
            let column = layout.column(field);
            let title = column.map(|c| layout.titles[usize::from(c)].clone());
            (column, title.unwrap_or_default())
        };
        self.plan.sheets.push(SheetNote {
            name: self.sheet_name.clone(),
            header_row: row,
            kind: layout.kind,
            citizen_number: place(Field::CitizenNumber),
            relation: place(Field::Relation),
        });
        for field in layout.missing.clone() {
            self.find(&layout, row, Fault::ColumnMissing { field });
        }
        self.layout = Some(layout);
    }

    fn find(&mut self, layout: &Layout, row: u32, fault: Fault) {
        let sheet = self.plan.sheets.len().saturating_sub(1);
        let column = fault.field().and_then(|f| {
            layout.column(f).or_else(|| match f {
                Field::Village => layout.column(Field::VillageCode),
                _ => None,
            })
        });
        let title = column.map_or_else(String::new, |c| layout.titles[usize::from(c)].clone());
        self.keep(sheet, Finding { sheet: self.sheet_name.clone(), row, column, title, fault });
    }

    fn keep(&mut self, sheet: usize, finding: Finding) {
        if finding.fault.is_error() {
            self.counts.errors += 1;
        } else {
            self.counts.notices += 1;
        }
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push((sheet, finding));
        }
    }

    fn find_village(&mut self, row: &mut Row<'_>) -> Option<Area> {
        let before = row.faults.len();
        let township = row.text(Field::Township);
        let name = row.text(Field::Village);
        let code = row.identifier(Field::VillageCode);
        if row.faults.len() > before {
            return None;
        }
        if name.is_none() && code.is_none() {
            row.faults.push(Fault::Missing { field: Field::Village });
            return None;
        }
        let key =
            (township.unwrap_or_default(), name.unwrap_or_default(), code.unwrap_or_default());
        let areas = self.areas;
        let found = self
            .villages
            .entry(key)
            .or_insert_with_key(|(township, name, code)| areas.find(township, name, code).cloned());
        match found {
            Ok(area) => Some(area.clone()),
            Err(fault) => {
                row.faults.push(Fault::Village(fault.clone()));
                None
            }
        }
    }

    fn officer(&mut self, layout: &Layout, number: u32, cells: &[(u16, Cell<'_>)]) {
        let mut row = Row::new(layout, cells);
        if row.is_blank(&[Field::Village, Field::VillageCode, Field::OfficerName]) {
            return;
        }
        let village = self.find_village(&mut row);
        let name = row.required_text(Field::OfficerName).map(|n| person_name(&n));
        let phone = row.identifier(Field::OfficerPhone);
        self.counts.officers += 1;
        if let (Some(village), Some(name), true) = (village, name, row.faults.is_empty()) {
            match self.officers.get(&(village.id, name.clone())) {
                Some(first_row) => row.faults.push(Fault::OfficerTwice { first_row: *first_row }),
                None => {
                    self.officers.insert((village.id, name.clone()), number);
                    let (village, path) = (village.id, village.path);
                    self.plan.officers.push(PlannedOfficer { village, path, name, phone });
                }
            }
        }
        for fault in row.faults {
            self.find(layout, number, fault);
        }
    }

    fn person(&mut self, layout: &Layout, number: u32, cells: &[(u16, Cell<'_>)]) {
        let mut row = Row::new(layout, cells);
        let named = [
            Field::HouseholdNumber,
            Field::MemberNumber,
            Field::Name,
            Field::CitizenNumber,
            Field::Relation,
        ];
        if row.is_blank(&named) {
            return;
        }
        self.counts.persons += 1;
        let household_number = row.required_identifier(Field::HouseholdNumber);
        let place = household_number.map(|n| self.draft(n, number));
        self.mind_lost_rows(place);

        let village = self.find_village(&mut row);
        let village_said = village.map(|v| (v.id, v.path, v.name));
        let member = self.member(&mut row, number);
        let relation = row.required_coded(Field::Relation, Table::Relation);
        let is_head = relation.as_deref() == Some(code::HEAD);

        let hamlet = row.text(Field::Hamlet);
        let size = row.whole(Field::Size, 1, 60, &["人", "口"]);
        let graduation = row.coded(Field::Graduation, Table::Graduation);
        let poverty_cause = row.coded(Field::PovertyCause, Table::PovertyCause);
        let this_year = i64::from(self.today.year());
        let graduated_year = row.whole(Field::GraduatedYear, 1980, this_year, &["年", "年度"]);
        let housing_grade = row.coded(Field::HousingGrade, Table::HousingGrade);
        let water_safe = row.yes_no(Field::WaterSafe);
        let income_fen = row.fen(Field::Income, 10_000_000);
        let phone = row.identifier(Field::Phone);
        let bank_name = row.text(Field::BankName);
        let bank_account = row.identifier(Field::BankAccount);
        let cadre = self.cadre(&mut row);

        if let Some(place) = place {
            let sheet = self.plan.sheets.len() - 1;
            let draft = &mut self.drafts[place];
            let differ = &mut row.faults;
            draft.rows += 1;
            draft.head_unsure |= relation.is_none();
            if is_head {
                if let Some((first_row, _)) = draft.heads.first() {
                    let household_number = draft.number.clone();
                    let first_row = *first_row;
                    differ.push(Fault::HouseholdWithTwoHeads { household_number, first_row });
                }
                let name = member.as_ref().map_or_else(String::new, |m| m.name.clone());
                draft.heads.push((number, name));
            }
            let mut disagree = |field, value: String, (first_value, first_row)| {
                differ.push(Fault::RowsDisagree { field, value, first_value, first_row });
            };
            if let Some(((_, _, first), row)) =
                say(&mut draft.village, village_said.clone(), number, is_head)
            {
                let name = village_said.map(|v| v.2).unwrap_or_default();
                disagree(Field::Village, name, (first, row));
            }
            if let Some((first, row)) = say(&mut draft.cadre, cadre, number, is_head) {
                let name = |place: usize| self.plan.cadres[place].name.clone();
                let now = cadre.map(name).unwrap_or_default();
                disagree(Field::CadreName, now, (name(first), row));
            }
            let mut coded = |slot, value: Option<String>, field, table| {
                if let Some((first, row)) = say(slot, value.clone(), number, is_head) {
                    let name = |code: &str| code::label(table, code, false);
                    let now = value.as_deref().map(name).unwrap_or_default();
                    disagree(field, now, (name(&first), row));
                }
            };
            coded(&mut draft.graduation, graduation, Field::Graduation, Table::Graduation);
            coded(
                &mut draft.poverty_cause,
                poverty_cause,
                Field::PovertyCause,
                Table::PovertyCause,
            );
            if let Some((first, row)) =
                say(&mut draft.graduated_year, graduated_year, number, is_head)
            {
                let now = graduated_year.map(|y| y.to_string()).unwrap_or_default();
                disagree(Field::GraduatedYear, now, (first.to_string(), row));
            }
            if let Some((first, row)) = say(&mut draft.income_fen, income_fen, number, is_head) {
                disagree(Field::Income, yuan(income_fen.unwrap_or_default()), (yuan(first), row));
            }
            // Offices fill these in on the head's row alone, or differently for each person.
            say(&mut draft.hamlet, hamlet, number, is_head);
            say(&mut draft.size, size, number, is_head);
            say(&mut draft.housing_grade, housing_grade, number, is_head);
            say(&mut draft.water_safe, water_safe, number, is_head);
            say(&mut draft.phone, phone, number, is_head);
            say(&mut draft.bank_name, bank_name, number, is_head);
            say(&mut draft.bank_account, bank_account, number, is_head);
            match (member, relation) {
                (Some(member), Some(relation)) => {
                    let member = Member { relation, ..member };
                    draft.members.push(PlannedMember { sheet, row: number, member });
                }
                _ => draft.faulty = true,
            }
        }
        if let Some(place) = place
            && row.faults.iter().any(Fault::is_error)
        {
            self.drafts[place].faulty = true;
        }
        for fault in row.faults {
            self.find(layout, number, fault);
        }
    }

    fn draft(&mut self, number: String, row: u32) -> usize {
        let drafts = &mut self.drafts;
        let sheet = self.plan.sheets.len().saturating_sub(1);
        *self.by_number.entry(number).or_insert_with_key(|number| {
            let number = number.clone();
            drafts.push(Draft { number, sheet, first_row: row, ..Draft::default() });
            drafts.len() - 1
        })
    }

    /// A row whose household cannot be read may have been the head of the one before or after it.
    fn mind_lost_rows(&mut self, place: Option<usize>) {
        match place {
            None => {
                if let Some(last) = self.last {
                    self.drafts[last].head_unsure = true;
                }
                self.after_lost_row = true;
            }
            Some(place) => {
                if self.last != Some(place) && std::mem::take(&mut self.after_lost_row) {
                    self.drafts[place].head_unsure = true;
                }
                self.last = Some(place);
            }
        }
    }

    /// The person alone; household and relation are filled in by the caller.
    fn member(&mut self, row: &mut Row<'_>, number: u32) -> Option<Member> {
        let member_number = row.required_identifier(Field::MemberNumber);
        if let Some(member_number) = &member_number {
            match self.members.get(member_number) {
                Some(first) => row.faults.push(Fault::MemberNumberTwice { first_row: *first }),
                None => _ = self.members.insert(member_number.clone(), number),
            }
        }
        let name = row.required_text(Field::Name).map(|n| person_name(&n));
        let said_sex = row.coded(Field::Sex, Table::Sex);
        let id_kind = row.coded(Field::IdKind, Table::IdKind);
        let id_kind = id_kind.unwrap_or_else(|| "citizen".to_owned());
        let mut sex = said_sex.clone();
        let mut born_on = None;
        let mut twice = false;
        let citizen_number = match id_kind.as_str() {
            "none" => None,
            "passport" | "permit" => row.required_identifier(Field::CitizenNumber),
            _ => row.citizen_number(self.today).map(|citizen| {
                born_on = Some(citizen.born_on());
                let of_number = citizen.sex();
                sex.get_or_insert_with(|| of_number.to_owned());
                citizen.as_str().to_owned()
            }),
        };
        if let Some(citizen_number) = &citizen_number {
            match self.citizens.get(citizen_number) {
                Some(first) => {
                    twice = true;
                    row.faults.push(Fault::CitizenNumberTwice { first_row: *first });
                }
                None => _ = self.citizens.insert(citizen_number.clone(), number),
            }
        }
        if let (Some(born_on), Some(said), Some(citizen), false) =
            (born_on, &said_sex, &citizen_number, twice)
        {
            let odd = citizen.as_bytes()[16] % 2 == 1;
            if (said == "1" && !odd) || (said == "2" && odd) {
                row.faults.push(Fault::SexDiffers);
            }
            let years = self.today.year() - born_on.year();
            if years > AGE_NOTICE {
                row.faults.push(Fault::Age { years: i64::from(years) });
            }
        }
        let ethnic = row.coded(Field::Ethnic, Table::Ethnic);
        let political = row.coded(Field::Political, Table::Political);
        let education = row.coded(Field::Education, Table::Education);
        let student = row.coded(Field::Student, Table::Student);
        let health = row.coded(Field::Health, Table::Health);
        let work_skill = row.coded(Field::WorkSkill, Table::WorkSkill);
        let work_area = row.coded(Field::WorkArea, Table::WorkArea);
        let work_months = row.whole(Field::WorkMonths, 0, 12, &["个月", "月"]);
        let medical_insurance = row.yes_no(Field::MedicalInsurance);
        let dibao = row.yes_no(Field::Dibao);
        Some(Member {
            household: Id::nil(),
            number: member_number?,
            name: name?,
            relation: String::new(),
            sex: sex.unwrap_or_else(|| "9".to_owned()),
            id_kind,
            citizen_number,
            born_on,
            ethnic,
            political,
            education,
            student,
            health,
            work_skill,
            work_area,
            work_months,
            medical_insurance,
            dibao,
            active: true,
        })
    }

    fn cadre(&mut self, row: &mut Row<'_>) -> Option<usize> {
        let name = row.text(Field::CadreName);
        let unit = row.text(Field::CadreUnit);
        let phone = row.identifier(Field::CadrePhone);
        let cadre = PlannedCadre { name: person_name(&name?), unit, phone };
        let cadres = &mut self.plan.cadres;
        Some(*self.cadres.entry(cadre).or_insert_with_key(|cadre| {
            cadres.push(cadre.clone());
            cadres.len() - 1
        }))
    }

    pub fn finish(mut self) -> Checked {
        let has_people = self.plan.sheets.iter().any(|s| s.kind == SheetKind::People);
        if !has_people {
            let fault = Fault::NoPeopleSheet;
            self.keep(
                0,
                Finding { sheet: String::new(), row: 1, column: None, title: String::new(), fault },
            );
        } else if self.counts.persons == 0 && self.counts.errors == 0 {
            let note = self.plan.sheets.iter().find(|s| s.kind == SheetKind::People);
            let (sheet, row) = note.map(|s| (s.name.clone(), s.header_row)).unwrap_or_default();
            self.keep(
                0,
                Finding { sheet, row, column: None, title: String::new(), fault: Fault::NoRows },
            );
        }
        self.counts.households = self.drafts.len();
        for draft in std::mem::take(&mut self.drafts) {
            self.settle(draft);
        }
        self.counts.cadres = self.plan.cadres.len();
        self.findings.sort_by_key(|(sheet, f)| (*sheet, f.row, f.column));
        Checked {
            plan: self.plan,
            findings: self.findings.into_iter().map(|(_, finding)| finding).collect(),
            counts: self.counts,
        }
    }

    /// Looks at a household whole, and plans it if nothing is wrong with it.
    fn settle(&mut self, draft: Draft) {
        let sheet = draft.sheet;
        let at = |check: &Self, fault| Finding {
            sheet: check.plan.sheets[sheet].name.clone(),
            row: draft.first_row,
            column: None,
            title: String::new(),
            fault,
        };
        let mut faulty = draft.faulty;
        if draft.heads.is_empty() && !draft.head_unsure {
            let household_number = draft.number.clone();
            let mut finding = at(self, Fault::HouseholdWithoutHead { household_number });
            (finding.column, finding.title) = self.plan.sheets[sheet].relation.clone();
            self.keep(sheet, finding);
            faulty = true;
        }
        let said_size = draft.size.as_ref().map(|s| s.value);
        if let Some(said) = said_size.filter(|said| *said != draft.rows)
            && !faulty
            && !draft.head_unsure
        {
            let finding = at(self, Fault::SizeDiffers { said, rows: draft.rows });
            self.keep(sheet, finding);
        }
        let sound = !faulty && !draft.head_unsure;
        self.plan.numbers.insert(draft.number.clone(), sound);
        let (Some((_, head_name)), Some(village), true) =
            (draft.heads.into_iter().next(), said(draft.village), sound)
        else {
            return;
        };
        let (village, path, village_name) = village;
        let can_work =
            |m: &PlannedMember| m.member.work_skill.as_deref().is_some_and(code::can_work);
        let household = Household {
            number: draft.number,
            village,
            path,
            hamlet: said(draft.hamlet),
            head_name,
            head: None,
            size: draft.rows,
            graduation: said(draft.graduation),
            graduated_year: said(draft.graduated_year),
            poverty_cause: said(draft.poverty_cause),
            able_to_work: draft.members.iter().any(can_work),
            housing_grade: said(draft.housing_grade),
            water_safe: said(draft.water_safe),
            income_fen: said(draft.income_fen),
            phone: said(draft.phone),
            bank_name: said(draft.bank_name),
            bank_account: said(draft.bank_account),
            active: true,
        };
        self.plan.households.push(PlannedHousehold {
            household,
            village_name,
            members: draft.members,
            cadre: said(draft.cadre),
        });
    }
}

fn yuan(fen: i64) -> String {
    if fen % 100 == 0 { (fen / 100).to_string() } else { format!("{:.2}", fen as f64 / 100.0) }
}

impl Plan {
    /// (sheet, the row that names its columns) of every sheet that was understood.
    pub fn headers(&self) -> impl Iterator<Item = (&str, u32)> {
        self.sheets.iter().map(|s| (s.name.as_str(), s.header_row))
    }
}
