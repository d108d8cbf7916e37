//! One township with two villages, the people around it, and the month opened.

use app::calendar::OpenRound;
use app::scheme::Adopt;
use app::scoring::{BatchFilter, CloseScoring, SaveSheet};
use app::{Failure, Who};
use domain::access::Role;
use domain::calendar::Month;
use domain::scheme::Adoption;
use domain::scoring::{Mark, Scores};
use domain::{Date, Id, Refusal};
use testkit::Stage;

pub const ZONE: &str = "001";
pub const JIUHE: &str = "001.001.001";
pub const SHAN: &str = "001.001.002";

pub const FULL: &str = "A1 8;A2 6;A3 6;B1 10;B2 8;B3 7;C1 10;C2 10;C3 5;D1 6;D2 5;D3 4;E1 8;E2 7";

/// The full sheet with some marks changed: `marks("A1 5;B3 - away")`.
pub fn marks(changes: &str) -> Scores {
    let mut all: Vec<(String, Mark)> = Vec::new();
    for part in [FULL, changes] {
        for one in part.split(';').filter(|one| !one.is_empty()) {
            let parsed = Scores::parse(one).expect("the stage of a story");
            all.extend(parsed.iter().map(|(item, mark)| (item.to_owned(), mark.clone())));
        }
    }
    Scores::new(all)
}

pub fn day(text: &str) -> Date {
    text.parse().expect("the stage of a story")
}

/// `ok`, the refusal's code, or how else it ended.
pub fn said<T, R: Refusal>(answer: Result<T, Failure<R>>) -> String {
    match answer {
        Ok(_) => "ok".into(),
        Err(Failure::Refused(no)) => no.code().into(),
        Err(Failure::NotAllowed) => "not-allowed".into(),
        Err(Failure::NotFound) => "not-found".into(),
        Err(Failure::KeyReused) => "key-reused".into(),
        Err(Failure::Broken(b)) => panic!("broken: {b}"),
    }
}

pub struct Village<'s> {
    pub stage: &'s Stage,
    pub zone: Who,
    pub officer: Who,
    pub cadre: Who,
    pub committee: Who,
    pub other_committee: Who,
    /// Three in 九和村, the last without work capacity; one in 单光屯村.
    pub households: [Id; 4],
}

impl<'s> Village<'s> {
    pub fn new(stage: &'s Stage) -> Village<'s> {
        stage.area("001", "zone", "经开区");
        stage.area("001.001", "township", "东城街道");
        stage.area(JIUHE, "village", "九和村");
        stage.area(SHAN, "village", "单光屯村");
        let village = Village {
            stage,
            zone: stage.person("赵主任", Role::ZoneOfficer, Some(ZONE)),
            officer: stage.person("钱专干", Role::AssistanceOfficer, Some(JIUHE)),
            cadre: stage.person("孙干部", Role::AssignedCadre, None),
            committee: stage.person("李支书", Role::VillageCommittee, Some(JIUHE)),
            other_committee: stage.person("周支书", Role::VillageCommittee, Some(SHAN)),
            households: [
                stage.household(JIUHE, "H001", "张三", true),
                stage.household(JIUHE, "H002", "李四", true),
                stage.household(JIUHE, "H003", "王五", false),
                stage.household(SHAN, "H004", "赵六", true),
            ],
        };
        for household in village.households {
            stage.assign(household, &village.cadre);
        }
        village
    }

    pub fn adopt(&self, from_month: &str, resolved_on: &str) -> String {
        let who = self.stage.now_as(&self.zone);
        let request = Adopt {
            key: self.stage.id(),
            scheme: app::scheme::shipped_id(),
            adoption: Adoption {
                from_month: Month::parse(from_month).expect("the stage of a story"),
                resolved_on: day(resolved_on),
                number: "九和村决〔2026〕3号".into(),
                text: "村民代表会议通过".into(),
            },
        };
        said(self.stage.write_in(who.reach(), move |tx| app::scheme::adopt(tx, &who, &request)))
    }

    pub fn open(&self, month: &str) -> Id {
        let who = self.stage.now_as(&self.zone);
        let month = Month::parse(month).expect("the stage of a story");
        let key = self.stage.id();
        let (visits_from, visits_to) = (month.first(), day(&format!("{month}-20")));
        self.stage
            .write(move |tx| {
                let request = OpenRound { key, month, visits_from, visits_to };
                app::calendar::open_round(tx, &who, &request)
            })
            .expect("the stage of a story");
        key
    }

    /// Adopts the shipped scheme and opens November, on the 2nd.
    pub fn november(stage: &'s Stage) -> (Village<'s>, Id) {
        let village = Village::new(stage);
        assert_eq!(village.adopt("2026-11", "2026-10-28"), "ok");
        village.open("2026-11");
        let batch = village.batch(JIUHE);
        (village, batch)
    }

    /// The newest batch of the village at this path.
    pub fn batch(&self, path: &str) -> Id {
        let who = self.stage.now_as(&self.zone);
        let filter = BatchFilter { area: Some(path.to_owned()), ..Default::default() };
        let (batches, _) = self
            .stage
            .read_in(who.reach(), move |tx| app::scoring::batches(tx, &who, &filter, 0, 10))
            .expect("the stage of a story");
        batches[0].id
    }

    pub fn sheet(&self, batch: Id, household: Id, changes: &str) -> SaveSheet {
        let today = domain::local_date(self.stage.now());
        SaveSheet {
            key: self.stage.id(),
            batch,
            household,
            scores: marks(changes),
            remark: String::new(),
            visited_on: Some(today),
            opened_at: None,
        }
    }

    pub fn save(&self, who: &Who, sheet: &SaveSheet) -> String {
        let (who, sheet) = (self.stage.now_as(who), sheet.clone());
        said(self.stage.write_in(who.reach(), move |tx| app::scoring::save_sheet(tx, &who, &sheet)))
    }

    /// Both sheets of the first two households; the third one's as its substitute item wants.
    pub fn visit_all(&self, batch: Id, officer: &str, cadre: &str) {
        for household in &self.households[..2] {
            let sheet = self.sheet(batch, *household, officer);
            assert_eq!(self.save(&self.officer, &sheet), "ok");
            let sheet = self.sheet(batch, *household, cadre);
            assert_eq!(self.save(&self.cadre, &sheet), "ok");
        }
        for who in [&self.officer, &self.cadre] {
            let mut sheet = self.sheet(batch, self.households[2], "");
            sheet.scores = unable("C0 15");
            assert_eq!(self.save(who, &sheet), "ok");
        }
    }

    pub fn close(&self, batch: Id, accept_missing: bool) -> String {
        let (who, key) = (self.stage.now_as(&self.committee), self.stage.id());
        said(self.stage.write_in(who.reach(), move |tx| {
            app::scoring::close_scoring(tx, &who, &CloseScoring { key, batch, accept_missing })
        }))
    }
}

/// A full sheet of a household without work capacity.
pub fn unable(substitute: &str) -> Scores {
    let full = marks(substitute);
    Scores::new(
        full.iter()
            .filter(|(item, _)| !["C1", "C2", "C3"].contains(item))
            .map(|(item, mark)| (item.to_owned(), mark.clone())),
    )
}
