//! Scheme versions, their adoption, and the dry run.

use domain::Id;
use domain::scheme::Level;
use testkit::{Stage, on_both};

use crate::village::{Village, said};

const SHIPPED: &str = include_str!("../../../../data/scheme/default_points_scheme.json");

fn upload(stage: &Stage, who: &app::Who, key: Id, json: String) -> String {
    let who = stage.now_as(who);
    said(stage.write_in(who.reach(), move |tx| app::scheme::upload(tx, &who, key, &json)))
}

#[test]
fn a_version_is_taken_up() {
    on_both(|stage| {
        let village = Village::new(stage);
        let zone = &village.zone;
        assert_eq!(upload(stage, zone, stage.id(), SHIPPED.into()), "scheme-version-not-newer");
        let second = SHIPPED.replace("\"version\": 1,", "\"version\": 2,");
        let petition = second.replace("能说出2项", "无越级上 访");
        assert_eq!(upload(stage, zone, stage.id(), petition), "scheme-unlawful");
        assert_eq!(upload(stage, zone, stage.id(), "{}".into()), "scheme-unreadable");
        assert_eq!(upload(stage, &village.committee, stage.id(), second.clone()), "not-allowed");
        let key = stage.id();
        assert_eq!(upload(stage, zone, key, second.clone()), "ok");
        assert_eq!(upload(stage, zone, key, second.clone()), "ok", "sent twice");
        assert_eq!(upload(stage, zone, key, second.replace('8', "7")), "key-reused");

        let who = stage.now_as(&village.officer);
        let list = stage.read(move |tx| app::scheme::list(tx, &who)).unwrap();
        let versions: Vec<_> = list.versions.iter().map(|k| k.scheme.version).collect();
        assert_eq!(versions, [2, 1]);
        assert!(list.versions.iter().all(|k| k.recomputed() == k.digest));
    });
}

#[test]
fn a_meeting_adopts_it() {
    on_both(|stage| {
        let village = Village::new(stage);
        assert_eq!(village.adopt("2026-11", "2026-11-03"), "scheme-resolution-in-future");
        assert_eq!(village.adopt("2026-10", "2026-11-01"), "scheme-resolution-after-month");
        assert_eq!(village.adopt("2026-11", "2026-10-28"), "ok");
        assert_eq!(village.adopt("2026-11", "2026-10-29"), "scheme-month-already-adopted");
        village.open("2026-11");
        assert_eq!(village.adopt("2026-10", "2026-10-30"), "scheme-month-already-open");
        assert_eq!(village.adopt("2026-12", "2026-10-30"), "ok");

        let who = stage.now_as(&village.cadre);
        let view = stage
            .read_in(who.reach(), move |tx| app::scheme::view(tx, &who, app::scheme::shipped_id()))
            .unwrap();
        assert!(view.in_force && !view.may_manage);
        assert_eq!(view.adoptions.len(), 2);
        assert!(view.adoptions.iter().all(|a| a.recomputed() == a.digest));
        assert!(view.findings.iter().all(|f| f.level == Level::Warning));
    });
}

#[test]
fn a_dry_run_over_the_last_month() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let who = stage.now_as(&village.zone);
        let trial = move |tx: &mut app::Tx| {
            app::scoring::trial(tx, &who, app::scheme::shipped_id(), Some(30_000))
        };
        assert!(stage.read(trial.clone()).unwrap().is_none(), "nothing is settled yet");
        village.visit_all(batch, "", "");
        assert_eq!(village.close(batch, false), "ok");
        let (who, key) = (stage.now_as(&village.committee), stage.id());
        stage
            .write(move |tx| {
                let request = app::scoring::AgreeWhereEqual { key, batch };
                app::scoring::agree_where_equal(tx, &who, &request)
            })
            .unwrap();
        let run = stage.read(trial).unwrap().unwrap().run;
        assert_eq!((run.gain, run.lose, run.same), (0, 0, 3));
        // 100 + 100 + 90 points, twelve times, ten to the yuan.
        assert_eq!((run.new_points, run.yearly_fen), (290, 34_800));
        assert!(!run.fund_suffices());
    });
}
