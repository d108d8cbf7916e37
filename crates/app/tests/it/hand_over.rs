//! An officer changes in the middle of a month; told on both databases.

use app::scoring::HandOver;
use app::{Never, Who};
use domain::Id;
use domain::access::Role;
use store::args;
use testkit::{Stage, on_both};

use crate::village::{FULL, JIUHE, Village, said};

fn hand_over(stage: &Stage, who: &Who, from: &Who, to: &Who) -> String {
    let r = HandOver { key: stage.id(), from: from.person, to: to.person };
    let who = stage.now_as(who);
    said(stage.write_in(who.reach(), move |tx| app::scoring::hand_over(tx, &who, &r)))
}

fn cadre_of(stage: &Stage, household: Id) -> Option<String> {
    stage
        .read::<_, Never>(move |tx| Ok(store::registry::cadre_of(tx, household)?))
        .expect("an answer")
        .map(|cadre| cadre.name)
}

/// Who owes the cadre's sheets of a batch, household by household.
fn owing(stage: &Stage, batch: Id) -> Vec<Option<Id>> {
    stage
        .read::<_, Never>(move |tx| {
            let sql = "SELECT cadre FROM roster WHERE batch = $1 ORDER BY position";
            Ok(tx.all(sql, &args![batch], |r| r.opt_id(0))?)
        })
        .expect("an answer")
}

#[test]
fn households_and_the_sheets_still_owed_pass_on_within_the_asker_s_areas() {
    on_both(|stage| {
        let (v, _) = Village::november(stage);
        let batch = v.batch(JIUHE);
        let township = stage.person("镇审", Role::TownshipReviewer, Some("001.001"));
        let elsewhere = stage.person("外镇", Role::TownshipReviewer, Some("001.001.002"));
        let new = stage.person("小赵", Role::AssignedCadre, None);
        let auditor = stage.person("审计", Role::Auditor, Some("001"));
        let [first, second, ..] = v.households;
        // One sheet is given already; it stays as it is.
        assert_eq!(v.save(&v.cadre, &v.sheet(batch, first, FULL)), "ok");

        assert_eq!(hand_over(stage, &v.committee, &v.cadre, &new), "not-allowed");
        assert_eq!(hand_over(stage, &township, &v.cadre, &v.cadre), "hand-over-same-person");
        assert_eq!(hand_over(stage, &township, &v.cadre, &auditor), "hand-over-no-post");
        assert_eq!(hand_over(stage, &township, &new, &v.cadre), "hand-over-nothing-there");
        let here = |household| cadre_of(stage, household);
        let before = owing(stage, batch);
        // Somebody of another village moves nothing here.
        hand_over(stage, &elsewhere, &v.cadre, &new);
        assert_eq!(owing(stage, batch), before);
        assert_ne!(here(first).as_deref(), Some("小赵"));

        assert_eq!(hand_over(stage, &township, &v.cadre, &new), "ok");
        assert_eq!(here(first).as_deref(), Some("小赵"));
        assert_eq!(here(second).as_deref(), Some("小赵"));
        let after = owing(stage, batch);
        assert_eq!(after[0], Some(v.cadre.person), "the sheet that was given");
        assert_eq!(after[1], Some(new.person), "{}", stage.engine);
        assert_eq!(v.save(&new, &v.sheet(batch, second, FULL)), "ok");
        // And again: nothing is left.
        assert_eq!(hand_over(stage, &township, &v.cadre, &new), "hand-over-nothing-there");
    });
}
