//! Holiday years and the month's round.

use app::calendar::OpenRound;
use domain::calendar::{DayKind, Month, period_end};
use testkit::on_both;

use crate::village::{JIUHE, Village, day, said};

#[test]
fn a_new_zone_knows_the_holidays() {
    on_both(|stage| {
        let calendar = stage.read::<_, app::Never>(|tx| Ok(app::calendar::load(tx)?)).unwrap();
        assert!((2018..=2026).all(|year| calendar.covers(year)));
        assert!(!calendar.covers(2027));
        assert_eq!(
            period_end(&calendar, day("2026-09-30"), 3, DayKind::Working),
            day("2026-10-10")
        );
    });
}

#[test]
fn a_year_is_taken_in_again_and_anew() {
    on_both(|stage| {
        let import =
            |json: &'static str| said(stage.write(move |tx| app::calendar::import(tx, json)));
        let days = |stage: &testkit::Stage| {
            let calendar = stage.read::<_, app::Never>(|tx| Ok(app::calendar::load(tx)?)).unwrap();
            (calendar.covers(2027), calendar.is_working_day(day("2027-01-04")))
        };
        assert_eq!(days(stage), (false, true));
        let first = r#"{"year":2027,"days":[{"date":"2027-01-01","isOffDay":true}]}"#;
        assert_eq!((import(first).as_str(), days(stage)), ("ok", (true, true)));
        assert_eq!((import(first).as_str(), days(stage)), ("ok", (true, true)));
        let mended = r#"{"year":2027,"days":[{"date":"2027-01-01","isOffDay":true},
            {"date":"2027-01-04","isOffDay":true}]}"#;
        assert_eq!((import(mended).as_str(), days(stage)), ("ok", (true, false)));
        for wrong in ["", "[]", r#"{"year":2027,"days":[]}"#, r#"{"year":1,"days":[]}"#] {
            assert_eq!(import(wrong), "calendar-unreadable", "{wrong}");
        }
    });
}

#[test]
fn opening_the_month() {
    on_both(|stage| {
        let village = Village::new(stage);
        let open = |who: &app::Who, month: &str, from: &str, to: &str| {
            let (who, key) = (stage.now_as(who), stage.id());
            let month = Month::parse(month).unwrap();
            let request = OpenRound { key, month, visits_from: day(from), visits_to: day(to) };
            said(
                stage
                    .write_in(who.reach(), move |tx| app::calendar::open_round(tx, &who, &request)),
            )
        };
        let november = ("2026-11", "2026-11-01", "2026-11-20");
        let (month, from, to) = november;
        assert_eq!(open(&village.zone, month, from, to), "round-no-scheme");
        assert_eq!(village.adopt("2026-11", "2026-10-28"), "ok");
        for nobody in [&village.officer, &village.cadre, &village.committee] {
            assert_eq!(open(nobody, month, from, to), "not-allowed");
        }
        assert_eq!(open(&village.zone, month, to, from), "round-visits-backwards");
        assert_eq!(open(&village.zone, month, from, "2026-12-01"), "round-visits-outside-month");

        let (who, key) = (stage.now_as(&village.zone), stage.id());
        let request = move |to: &str| OpenRound {
            key,
            month: Month::parse("2026-11").unwrap(),
            visits_from: day("2026-11-01"),
            visits_to: day(to),
        };
        let (once, again) = (who.clone(), who.clone());
        let first = stage
            .write_in(once.reach(), move |tx| {
                app::calendar::open_round(tx, &once, &request("2026-11-20"))
            })
            .unwrap();
        assert_eq!((first.batches, first.households), (2, 4));
        // 单光屯村 has no assistance officer of its own.
        assert_eq!((first.without_officer, first.without_cadre), (1, 0));
        let second = stage
            .write_in(again.reach(), move |tx| {
                app::calendar::open_round(tx, &again, &request("2026-11-20"))
            })
            .unwrap();
        assert_eq!(second, first, "sent twice");
        let other = stage.write_in(who.reach(), move |tx| {
            app::calendar::open_round(tx, &who, &request("2026-11-21"))
        });
        assert_eq!(said(other), "key-reused");
        assert_eq!(open(&village.zone, month, from, to), "round-already-open");
    });
}

#[test]
fn the_roster_is_frozen() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        stage.household(JIUHE, "H005", "新来的", true);
        let who = stage.now_as(&village.zone);
        let review = stage
            .read_in(who.reach(), move |tx| {
                app::scoring::review(tx, &who, batch, Default::default(), 0, 50)
            })
            .unwrap();
        let names: Vec<_> = review.lines.iter().map(|l| l.line.head_name.as_str()).collect();
        assert_eq!(names, ["张三", "李四", "王五"]);
    });
}

#[test]
fn several_officers_share_a_village() {
    on_both(|stage| {
        let village = Village::new(stage);
        let second = stage.person("吴专干", domain::access::Role::AssistanceOfficer, Some(JIUHE));
        assert_eq!(village.adopt("2026-11", "2026-10-28"), "ok");
        village.open("2026-11");
        let batch = village.batch(JIUHE);
        let who = stage.now_as(&village.zone);
        let review = stage
            .read_in(who.reach(), move |tx| {
                app::scoring::review(tx, &who, batch, Default::default(), 0, 50)
            })
            .unwrap();
        let officers: Vec<_> = review.lines.iter().map(|l| l.line.officer).collect();
        let (first, second) = (Some(village.officer.person), Some(second.person));
        assert_eq!(officers, [first, first, second]);
    });
}
