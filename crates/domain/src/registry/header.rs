//! Finding the columns: by header names with synonyms from a table, in any order, below any titles.

use std::collections::HashMap;

use super::text::{records, tidy};

macro_rules! fields {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// What a column holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $($variant),* }

        impl Field {
            pub const ALL: &'static [Field] = &[$(Field::$variant),*];
            /// As `data/register/headers.csv` names it; also in codes of findings.
            pub fn name(self) -> &'static str {
                match self { $(Field::$variant => $name),* }
            }
        }
    };
}

fields! {
    Province "province", City "city", County "county", Township "township",
    Village "village", VillageCode "village_code", Hamlet "hamlet",
    HouseholdNumber "household_number", MemberNumber "member_number",
    Name "name", Sex "sex", IdKind "id_kind", CitizenNumber "citizen_number",
    Size "size", Relation "relation", Ethnic "ethnic", Political "political",
    Education "education", Student "student", Health "health",
    WorkSkill "work_skill", WorkArea "work_area", WorkMonths "work_months",
    MedicalInsurance "medical_insurance", Dibao "dibao",
    Graduation "graduation", PovertyCause "poverty_cause", GraduatedYear "graduated_year",
    HousingGrade "housing_grade", WaterSafe "water_safe", Income "income",
    Phone "phone", BankName "bank_name", BankAccount "bank_account",
    CadreName "cadre_name", CadreUnit "cadre_unit", CadrePhone "cadre_phone",
    OfficerName "officer_name", OfficerPhone "officer_phone",
    Mark "mark",
}

/// Which of the register's two sheets this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SheetKind {
    People,
    Officers,
}

impl SheetKind {
    /// Without these the sheet cannot be read.
    pub fn required(self) -> &'static [Field] {
        match self {
            SheetKind::People => &[
                Field::HouseholdNumber,
                Field::MemberNumber,
                Field::Name,
                Field::CitizenNumber,
                Field::Relation,
            ],
            SheetKind::Officers => &[Field::OfficerName],
        }
    }
}

/// Header names to fields, for both kinds of sheet.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    synonyms: HashMap<(SheetKind, String), Field>,
}

/// A row that names columns.
#[derive(Clone, Debug)]
pub struct Layout {
    pub kind: SheetKind,
    /// By column, from zero.
    pub fields: Vec<Option<Field>>,
    /// The titles as written, for findings.
    pub titles: Vec<String>,
    pub missing: Vec<Field>,
}

impl Layout {
    pub fn column(&self, field: Field) -> Option<u16> {
        let place = self.fields.iter().position(|f| *f == Some(field))?;
        u16::try_from(place).ok()
    }
}

impl Headers {
    /// The table that ships with the program.
    pub fn shipped() -> Headers {
        let mut headers = Headers::default();
        headers.extend(include_str!("../../../../data/register/headers.csv"));
        headers
    }

    /// Adds `sheet,field,synonym` records below one line of titles; unknown fields are passed over.
    pub fn extend(&mut self, csv: &str) {
        for row in records(csv) {
            let [sheet, field, synonym] = row[..] else { continue };
            let kind = match sheet {
                "people" => SheetKind::People,
                "officers" => SheetKind::Officers,
                _ => continue,
            };
            if let Some(field) = Field::ALL.iter().find(|f| f.name() == field) {
                self.synonyms.insert((kind, key(synonym)), *field);
            }
        }
    }

    /// Does this row name columns? Titles and notes above a header name none, or too few.
    pub fn layout<'a>(
        &self,
        cells: impl Iterator<Item = (u16, &'a str)> + Clone,
    ) -> Option<Layout> {
        [SheetKind::People, SheetKind::Officers]
            .into_iter()
            .find_map(|kind| self.layout_as(kind, cells.clone()))
    }

    fn layout_as<'a>(
        &self,
        kind: SheetKind,
        cells: impl Iterator<Item = (u16, &'a str)>,
    ) -> Option<Layout> {
        let mut layout =
            Layout { kind, fields: Vec::new(), titles: Vec::new(), missing: Vec::new() };
        for (column, title) in cells {
            let place = usize::from(column);
            if layout.fields.len() <= place {
                layout.fields.resize(place + 1, None);
                layout.titles.resize(place + 1, String::new());
            }
            layout.titles[place] = tidy(title);
            let field = self.field(kind, title);
            if field.is_some() && !layout.fields.contains(&field) {
                layout.fields[place] = field;
            }
        }
        let has = |field: Field| layout.fields.contains(&Some(field));
        let named = layout.fields.iter().flatten().count();
        let is_header = match kind {
            SheetKind::People => has(Field::HouseholdNumber) && has(Field::Name) && named >= 4,
            SheetKind::Officers => {
                has(Field::OfficerName) && (has(Field::Village) || has(Field::VillageCode))
            }
        };
        let place_known = has(Field::Village) || has(Field::VillageCode);
        let mut missing: Vec<_> = kind.required().iter().copied().filter(|f| !has(*f)).collect();
        if !place_known {
            missing.push(Field::Village);
        }
        layout.missing = missing;
        is_header.then_some(layout)
    }

    fn field(&self, kind: SheetKind, title: &str) -> Option<Field> {
        let full = key(title);
        let find = |name: &str| self.synonyms.get(&(kind, name.to_owned())).copied();
        find(&full).or_else(|| full.split_once('(').and_then(|(before, _)| find(before)))
    }
}

fn key(title: &str) -> String {
    tidy(title).chars().filter(|c| !c.is_whitespace() && !matches!(c, '*' | ':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(titles: &[&str]) -> Option<Layout> {
        let cells = titles.iter().enumerate().map(|(i, t)| (i as u16, *t));
        Headers::shipped().layout(cells)
    }

    #[test]
    fn titles_are_not_headers() {
        assert!(layout(&["聊城经济技术开发区建档立卡户花名册"]).is_none());
        assert!(layout(&["填报单位:开发区扶贫办", "", "填报日期:", "2019-12-31"]).is_none());
        assert!(layout(&["姓名", "电话"]).is_none());
    }

    #[test]
    fn any_order_any_synonym() {
        let found = layout(&[
            "备注",
            "身份证号码",
            "* 姓 名",
            "户编号",
            "人员编号:",
            "与户主关系(必填)",
            "村",
        ]);
        let found = found.unwrap();
        assert_eq!(found.kind, SheetKind::People);
        assert_eq!(found.column(Field::CitizenNumber), Some(1));
        assert_eq!(found.column(Field::Name), Some(2));
        assert_eq!(found.column(Field::Relation), Some(5));
        assert_eq!(found.missing, []);
    }

    #[test]
    fn what_is_missing_is_named() {
        let found = layout(&["户编号", "姓名", "性别", "民族"]).unwrap();
        assert_eq!(
            found.missing,
            [Field::MemberNumber, Field::CitizenNumber, Field::Relation, Field::Village]
        );
    }

    #[test]
    fn the_officers_sheet() {
        let found = layout(&["乡(镇)", "行政村", "村扶贫专干", "电话"]).unwrap();
        assert_eq!(found.kind, SheetKind::Officers);
        assert_eq!(found.column(Field::OfficerPhone), Some(3));
    }

    #[test]
    fn every_shipped_line_is_understood() {
        let csv = include_str!("../../../../data/register/headers.csv");
        let lines = csv.lines().skip(1).count();
        assert_eq!(Headers::shipped().synonyms.len(), lines);
    }
}
