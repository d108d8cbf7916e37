//! A village's November up to the finished review, the same in every story that starts there.

use crate::Stage;
use app::calendar::OpenRound;
use app::scheme::Adopt;
use app::scoring::{AgreeWhereEqual, CloseScoring, FinishReview, SaveSheet};
use app::{Never, Who};
use domain::Id;
use domain::access::Role;
use domain::calendar::Month;
use domain::scheme::Adoption;
use domain::scoring::Scores;
use jiff::civil::date;
use store::args;

pub const FULL: &str = "A1 8;A2 6;A3 6;B1 10;B2 8;B3 7;C1 10;C2 10;C3 5;D1 6;D2 5;D3 4;E1 8;E2 7";

pub struct Village<'s> {
    pub stage: &'s Stage,
    pub zone_officer: Who,
    pub officer: Who,
    pub cadre: Who,
    pub committee: Who,
    pub township: Who,
    pub neighbour: Who,
    pub batch: Id,
    pub households: Vec<Id>,
}

impl<'s> Village<'s> {
    /// Households of these heads, each with two equal sheets, reviewed on 21 November.
    pub fn reviewed(stage: &'s Stage, heads: &[&str]) -> Village<'s> {
        let village = Village::open(stage, heads);
        stage.at("2026-11-12T10:00");
        for (n, household) in village.households.clone().into_iter().enumerate() {
            let scores = FULL.replace("B1 10", if n % 2 == 0 { "B1 10" } else { "B1 7" });
            village.sheet(&village.officer, household, &scores);
            village.sheet(&village.cadre, household, &scores);
        }
        stage.at("2026-11-21T10:00");
        let batch = village.batch;
        let committee = village.now(&village.committee);
        let keys = [stage.id(), stage.id(), stage.id()];
        stage
            .write(move |tx| {
                let close = CloseScoring { key: keys[0], batch, accept_missing: false };
                app::scoring::close_scoring(tx, &committee, &close)?;
                let agree = AgreeWhereEqual { key: keys[1], batch };
                app::scoring::agree_where_equal(tx, &committee, &agree)?;
                app::scoring::finish_review(tx, &committee, &FinishReview { key: keys[2], batch })
            })
            .expect("the review");
        village
    }

    /// The round open since the first of November, nobody visited yet.
    pub fn open(stage: &'s Stage, heads: &[&str]) -> Village<'s> {
        stage.at("2026-11-01T09:00");
        stage.area("001", "zone", "东昌经济开发区");
        stage.area("001.001", "township", "蒋官屯街道");
        let village = stage.area("001.001.001", "village", "张庄村");
        stage.area("001.001.002", "village", "李庄村");
        let zone_officer = stage.person("区办", Role::ZoneOfficer, Some("001"));
        let officer = stage.person("专干", Role::AssistanceOfficer, Some("001.001.001"));
        let cadre = stage.person("帮包", Role::AssignedCadre, None);
        let households: Vec<Id> = heads
            .iter()
            .enumerate()
            .map(|(n, head)| household(stage, village, n, head, cadre.person))
            .collect();
        let (round, who) = (stage.id(), zone_officer.clone());
        let adoption = stage.id();
        stage
            .write(move |tx| {
                let adopt = Adopt {
                    key: adoption,
                    scheme: app::scheme::shipped_id(),
                    adoption: Adoption {
                        from_month: Month::parse("2026-11").expect("a month"),
                        resolved_on: date(2026, 10, 20),
                        number: "1".into(),
                        text: "同意".into(),
                    },
                };
                app::scheme::adopt(tx, &who, &adopt)
            })
            .expect("an adoption");
        let who = zone_officer.clone();
        stage
            .write(move |tx| {
                let open = OpenRound {
                    key: round,
                    month: Month::parse("2026-11").expect("a month"),
                    visits_from: date(2026, 11, 1),
                    visits_to: date(2026, 11, 20),
                };
                app::calendar::open_round(tx, &who, &open)
            })
            .expect("a round");
        let batch = stage
            .read::<_, Never>(move |tx| {
                Ok(tx.one("SELECT id FROM batch WHERE round = $1", &args![round], |r| r.id(0))?)
            })
            .expect("a batch");
        Village {
            stage,
            zone_officer,
            officer,
            cadre,
            committee: stage.person("村委会", Role::VillageCommittee, Some("001.001.001")),
            township: stage.person("街道", Role::TownshipReviewer, Some("001.001")),
            neighbour: stage.person("邻村", Role::VillageCommittee, Some("001.001.002")),
            batch,
            households,
        }
    }

    pub fn sheet(&self, who: &Who, household: Id, scores: &str) {
        let request = SaveSheet {
            key: self.stage.id(),
            batch: self.batch,
            household,
            scores: Scores::parse(scores).expect("scores"),
            remark: String::new(),
            visited_on: Some(date(2026, 11, 12)),
            opened_at: None,
        };
        let who = self.now(who);
        self.stage
            .write_in(who.reach(), move |tx| app::scoring::save_sheet(tx, &who, &request))
            .expect("a sheet");
    }

    pub fn now(&self, who: &Who) -> Who {
        self.stage.now_as(who)
    }
}

fn household(stage: &Stage, village: Id, n: usize, head: &str, cadre: Id) -> Id {
    let (id, assignment) = (stage.id(), stage.id());
    let row = domain::registry::Household {
        number: format!("H{n:04}"),
        village,
        path: "001.001.001".into(),
        hamlet: None,
        head_name: head.to_owned(),
        head: None,
        size: 2,
        graduation: None,
        graduated_year: None,
        poverty_cause: None,
        able_to_work: true,
        housing_grade: None,
        water_safe: None,
        income_fen: None,
        phone: None,
        bank_name: None,
        bank_account: None,
        active: true,
    };
    stage
        .write::<_, Never>(move |tx| {
            store::registry::record_households(tx, [(id, &row, String::new())], 0)?;
            tx.exec(
                "INSERT INTO assignment (id, household, person, from_date) \
                 VALUES ($1, $2, $3, '2026-01-01')",
                &args![assignment, id, cadre],
            )?;
            Ok(())
        })
        .expect("a household");
    id
}
