//! Visits scored and a village reviewed.

use app::scoring::{AgreeWhereEqual, CloseScoring, FinishReview, SaveSheet, Settle};
use app::{Failure, Who};
use domain::Id;
use domain::scoring::{BatchState, Outcome, Refusal, Scores};
use testkit::on_both;

use crate::village::{JIUHE, SHAN, Village, day, marks, said, unable};

fn settle(
    village: &Village,
    who: &Who,
    batch: Id,
    household: Id,
    outcome: Outcome,
    note: &str,
) -> String {
    let stage = village.stage;
    let request = Settle { key: stage.id(), batch, household, outcome, note: note.into() };
    let who = stage.now_as(who);
    match stage.write_in(who.reach(), move |tx| app::scoring::settle(tx, &who, &request)) {
        Ok(s) => format!("{} {} {}", s.outcome, s.basis, s.total),
        Err(e) => said::<(), _>(Err(e)),
    }
}

fn assessed(changes: &str) -> Outcome {
    Outcome::Assessed(marks(changes))
}

fn agree(village: &Village, batch: Id) -> Result<(i64, i64), Failure<Refusal>> {
    let stage = village.stage;
    let (who, key) = (stage.now_as(&village.committee), stage.id());
    stage
        .write_in(who.reach(), move |tx| {
            app::scoring::agree_where_equal(tx, &who, &AgreeWhereEqual { key, batch })
        })
        .map(|a| (a.settled, a.left))
}

fn finish(village: &Village, batch: Id) -> String {
    let stage = village.stage;
    let (who, key) = (stage.now_as(&village.committee), stage.id());
    said(stage.write_in(who.reach(), move |tx| {
        app::scoring::finish_review(tx, &who, &FinishReview { key, batch })
    }))
}

#[test]
fn saving_a_sheet_and_every_no() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        stage.at("2026-11-10T10:00");
        let [first, _, third, elsewhere] = village.households;
        let sheet = |changes: &str| village.sheet(batch, first, changes);
        let by_officer = |sheet: &SaveSheet| village.save(&village.officer, sheet);

        assert_eq!(by_officer(&sheet("A1 7")), "not-a-band");
        assert_eq!(by_officer(&sheet("A1 - away")), "na-without-reason");
        assert_eq!(by_officer(&sheet("Z1 1")), "item-unknown");
        let mut short = sheet("");
        short.scores = Scores::parse("A1 8").unwrap();
        assert_eq!(by_officer(&short), "item-missing");
        let mut visited = sheet("");
        visited.visited_on = Some(day("2026-11-11"));
        assert_eq!(by_officer(&visited), "visit-in-future");
        visited.visited_on = Some(day("2026-10-31"));
        assert_eq!(by_officer(&visited), "visit-outside-round");

        assert_eq!(by_officer(&village.sheet(batch, elsewhere, "")), "not-on-roster");
        assert_eq!(by_officer(&village.sheet(stage.id(), first, "")), "not-found");
        let shan = village.batch(SHAN);
        assert_eq!(by_officer(&village.sheet(shan, elsewhere, "")), "not-found");
        let second = stage.person("吴专干", domain::access::Role::AssistanceOfficer, Some(JIUHE));
        assert_eq!(village.save(&second, &sheet("")), "not-your-household");
        let stranger = stage.person("郑干部", domain::access::Role::AssignedCadre, None);
        assert_eq!(village.save(&stranger, &sheet("")), "not-found");
        assert_eq!(village.save(&village.committee, &sheet("")), "not-allowed");
        assert_eq!(village.save(&village.zone, &sheet("")), "not-allowed");

        let mut able = village.sheet(batch, third, "");
        assert_eq!(by_officer(&able), "item-missing", "nobody there can work");
        able.scores = unable("C0 25");
        assert_eq!(by_officer(&able), "ok");
        let mut undated = sheet("");
        undated.visited_on = None;
        assert_eq!(by_officer(&undated), "ok", "kept, and shown among the patterns");
        assert_eq!(village.save(&village.cadre, &sheet("A1 5")), "ok");
    });
}

#[test]
fn a_sheet_sent_twice_counts_once_and_a_correction_takes_its_place() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let household = village.households[0];
        let sheet = village.sheet(batch, household, "A1 5");
        assert_eq!(village.save(&village.officer, &sheet), "ok");
        assert_eq!(village.save(&village.officer, &sheet), "ok");
        let changed = SaveSheet { scores: marks("A1 2"), ..sheet.clone() };
        assert_eq!(village.save(&village.officer, &changed), "key-reused");
        assert_eq!(village.save(&village.cadre, &sheet), "key-reused");

        let correction = village.sheet(batch, household, "A1 2");
        let (who, request) = (stage.now_as(&village.officer), correction.clone());
        let saved = stage
            .write_in(who.reach(), move |tx| app::scoring::save_sheet(tx, &who, &request))
            .unwrap();
        assert_eq!(saved.replaces, Some(sheet.key));

        let mut kept = Vec::new();
        for sheet in stage
            .read::<_, app::Never>(|tx| {
                let mut all = Vec::new();
                store::scoring::each_sheet(tx, |sheet, digest| {
                    assert_eq!(sheet.digest(), digest);
                    all.push(sheet);
                    Ok(())
                })?;
                Ok(all)
            })
            .unwrap()
        {
            kept.push((sheet.id, sheet.replaces));
        }
        assert_eq!(kept, [(sheet.key, None), (correction.key, Some(sheet.key))]);
    });
}

#[test]
fn neither_sees_the_other_before_both_are_in() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let household = village.households[0];
        let page = |who: &Who| {
            let who = stage.now_as(who);
            let page = stage
                .read_in(who.reach(), move |tx| {
                    app::scoring::score_page(tx, &who, batch, household)
                })
                .unwrap();
            (page.own.is_some(), page.other.is_some(), page.other_is_in)
        };
        let reviewed = |who: &Who| {
            let who = stage.now_as(who);
            let review = stage
                .read_in(who.reach(), move |tx| {
                    app::scoring::review(tx, &who, batch, Default::default(), 0, 50)
                })
                .unwrap();
            review.lines.iter().filter(|l| l.officer.is_some() || l.cadre.is_some()).count()
        };
        assert_eq!(village.save(&village.officer, &village.sheet(batch, household, "")), "ok");
        assert_eq!(page(&village.officer), (true, false, false));
        assert_eq!(page(&village.cadre), (false, false, true));
        assert_eq!(reviewed(&village.committee), 0);
        assert_eq!(village.save(&village.cadre, &village.sheet(batch, household, "")), "ok");
        assert_eq!(page(&village.officer), (true, true, true));
        assert_eq!(page(&village.cadre), (true, true, true));
        assert_eq!(reviewed(&village.committee), 1);

        let who = stage.now_as(&village.committee);
        let none = stage
            .read_in(who.reach(), move |tx| app::scoring::score_page(tx, &who, batch, household));
        assert_eq!(said(none.map(|_| ())), "not-allowed");
        let other = stage.person("郑干部", domain::access::Role::AssignedCadre, None);
        let none = stage.read_in(other.reach(), move |tx| {
            app::scoring::score_page(tx, &other, batch, household)
        });
        assert_eq!(said(none.map(|_| ())), "not-found");
    });
}

#[test]
fn my_households_still_to_visit_first() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let visits = |who: &Who, search: &str| {
            let (who, search) = (stage.now_as(who), search.to_owned());
            let filter = app::scoring::VisitFilter { search, ..Default::default() };
            let page = stage
                .read_in(who.reach(), move |tx| {
                    app::scoring::visits(tx, &who, None, &filter, 0, 50)
                })
                .unwrap();
            let names: Vec<_> = page
                .visits
                .iter()
                .map(|v| {
                    let done = if v.saved_at.is_some() { "✓" } else { "" };
                    format!("{}{done}", v.head_name)
                })
                .collect();
            let progress: Vec<_> = page
                .villages
                .iter()
                .map(|p| format!("{} {}/{}", p.village_name, p.done, p.mine))
                .collect();
            assert_eq!(page.total as usize, names.len());
            format!("{} | {}", names.join(" "), progress.join(", "))
        };
        assert_eq!(visits(&village.officer, ""), "张三 李四 王五 | 九和村 0/3");
        assert_eq!(
            village.save(&village.officer, &village.sheet(batch, village.households[0], "")),
            "ok"
        );
        assert_eq!(visits(&village.officer, ""), "李四 王五 张三✓ | 九和村 1/3");
        assert_eq!(visits(&village.cadre, ""), "张三 李四 王五 赵六 | 九和村 0/3, 单光屯村 0/1");
        assert_eq!(visits(&village.cadre, "H004"), "赵六 | 九和村 0/3, 单光屯村 0/1");
        assert_eq!(visits(&village.cadre, "王"), "王五 | 九和村 0/3, 单光屯村 0/1");

        let who = stage.now_as(&village.officer);
        let household = village.households[2];
        let page = stage
            .read_in(who.reach(), move |tx| app::scoring::score_page(tx, &who, batch, household))
            .unwrap();
        assert_eq!(page.next, Some(village.households[1]), "around the end of the list");
    });
}

#[test]
fn closing_says_what_is_missing() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let household = village.households[0];
        assert_eq!(village.save(&village.officer, &village.sheet(batch, household, "")), "ok");
        let (who, key) = (stage.now_as(&village.committee), stage.id());
        let closing = move |accept_missing| {
            let who = who.clone();
            move |tx: &mut app::Tx| {
                app::scoring::close_scoring(tx, &who, &CloseScoring { key, batch, accept_missing })
            }
        };
        match stage.write(closing(false)) {
            Err(Failure::Refused(no)) => {
                assert_eq!(no, Refusal::SheetsMissing { officer: 2, cadre: 3 });
            }
            other => panic!("{other:?}"),
        }
        for nobody in [&village.officer, &village.zone] {
            let who = stage.now_as(nobody);
            let key = stage.id();
            let request = CloseScoring { key, batch, accept_missing: true };
            let no = stage
                .write_in(who.reach(), move |tx| app::scoring::close_scoring(tx, &who, &request));
            assert_eq!(said(no), "not-allowed");
        }
        let (who, key) = (stage.now_as(&village.other_committee), stage.id());
        let request = CloseScoring { key, batch, accept_missing: true };
        let no =
            stage.write_in(who.reach(), move |tx| app::scoring::close_scoring(tx, &who, &request));
        assert_eq!(said(no), "not-found");

        assert_eq!(said(stage.write(closing(true))), "ok");
        assert_eq!(said(stage.write(closing(true))), "ok", "sent twice");
        assert_eq!(village.close(batch, true), "batch-wrong-state");
        let late = village.sheet(batch, household, "");
        assert_eq!(village.save(&village.officer, &late), "batch-closed");
    });
}

#[test]
fn a_village_reviews_its_month() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        let [first, second, third, elsewhere] = village.households;
        let committee = &village.committee;
        assert_eq!(
            settle(&village, committee, batch, first, assessed(""), ""),
            "batch-wrong-state"
        );
        assert!(agree(&village, batch).is_err(), "visits are still going on");

        // The first household differs in two items, the second is equal, the third has one sheet.
        assert_eq!(village.save(&village.officer, &village.sheet(batch, first, "B1 4")), "ok");
        assert_eq!(village.save(&village.cadre, &village.sheet(batch, first, "A1 5")), "ok");
        for who in [&village.officer, &village.cadre] {
            assert_eq!(village.save(who, &village.sheet(batch, second, "D1 3")), "ok");
        }
        let mut one = village.sheet(batch, third, "");
        one.scores = unable("C0 15");
        assert_eq!(village.save(&village.officer, &one), "ok");
        assert_eq!(village.close(batch, true), "ok");

        let who = stage.now_as(committee);
        let review = stage
            .read_in(who.reach(), move |tx| {
                app::scoring::review(tx, &who, batch, Default::default(), 0, 50)
            })
            .unwrap();
        assert!(review.may_settle);
        assert_eq!(review.equal, 1);
        let picture: Vec<_> = review
            .lines
            .iter()
            .map(|l| {
                let total = |t: Option<i64>| t.map_or("-".into(), |t: i64| t.to_string());
                format!(
                    "{} {} {} {}",
                    l.line.head_name,
                    total(l.officer_total),
                    total(l.cadre_total),
                    if l.cadre.is_some() { l.differing.join(",") } else { "?".into() }
                )
            })
            .collect();
        assert_eq!(picture, ["王五 90 - ?", "张三 94 97 A1,B1", "李四 97 97 "]);

        assert_eq!(finish(&village, batch), "not-all-settled");
        assert_eq!(agree(&village, batch).unwrap(), (1, 2));
        assert_eq!(agree(&village, batch).unwrap(), (0, 2), "nothing is settled twice");

        let say = |household, outcome, note: &str| {
            settle(&village, committee, batch, household, outcome, note)
        };
        assert_eq!(say(first, assessed("B1 7"), ""), "own-value-needs-note");
        assert_eq!(say(first, assessed("B1 9"), "x"), "not-a-band");
        assert_eq!(say(elsewhere, assessed(""), "x"), "not-on-roster");
        assert_eq!(say(third, Outcome::Assessed(unable("C0 15")), ""), "one-sheet-needs-note");
        assert_eq!(say(third, Outcome::NotAssessed, ""), "reason-missing");
        assert_eq!(say(third, Outcome::Suspended, ""), "document-missing");
        assert_eq!(say(first, assessed("B1 4;A1 5"), ""), "assessed mixed 91");
        assert_eq!(say(first, assessed("A1 5"), ""), "assessed cadre 97", "settled anew");
        assert_eq!(finish(&village, batch), "not-all-settled");
        assert_eq!(
            say(third, Outcome::Assessed(unable("C0 15")), "干部出差"),
            "assessed officer 90"
        );

        for nobody in [&village.zone, &village.officer, &village.cadre] {
            assert_eq!(settle(&village, nobody, batch, first, assessed(""), ""), "not-allowed");
        }
        let other = &village.other_committee;
        assert_eq!(settle(&village, other, batch, first, assessed(""), ""), "not-found");

        assert_eq!(finish(&village, batch), "ok");
        assert_eq!(finish(&village, batch), "batch-wrong-state");
        assert_eq!(say(first, assessed(""), ""), "batch-wrong-state");

        let who = stage.now_as(committee);
        let page =
            stage.read_in(who.reach(), move |tx| app::scoring::batch(tx, &who, batch)).unwrap();
        assert_eq!(page.batch.state, BatchState::Reviewed);
        assert_eq!((page.batch.settled, page.batch.households), (3, 3));
        stage
            .read::<_, app::Never>(|tx| {
                store::scoring::each_settlement(tx, |settled, digest| {
                    assert_eq!(settled.digest(), digest);
                    Ok(())
                })?;
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn relatives_keep_out() {
    on_both(|stage| {
        let (village, batch) = Village::november(stage);
        stage.kin(&village.committee, village.households[0], "堂兄弟");
        village.visit_all(batch, "", "");
        assert_eq!(village.close(batch, false), "ok");
        assert_eq!(agree(&village, batch).unwrap(), (2, 1));
        let [first, ..] = village.households;
        assert_eq!(
            settle(&village, &village.committee, batch, first, assessed(""), ""),
            "relative"
        );
        let colleague = stage.person("冯主任", domain::access::Role::VillageCommittee, Some(JIUHE));
        assert_eq!(
            settle(&village, &colleague, batch, first, assessed(""), ""),
            "assessed equal 100"
        );
        assert_eq!(finish(&village, batch), "ok");
    });
}

#[test]
fn patterns_are_pointed_out() {
    on_both(|stage| {
        let village = Village::new(stage);
        for n in 10..14 {
            let household = stage.household(JIUHE, &format!("H0{n}"), "某户", true);
            stage.assign(household, &village.cadre);
        }
        assert_eq!(village.adopt("2026-11", "2026-10-28"), "ok");
        village.open("2026-11");
        let batch = village.batch(JIUHE);
        let who = stage.now_as(&village.officer);
        let page = stage
            .read_in(who.reach(), move |tx| {
                app::scoring::visits(tx, &who, None, &Default::default(), 0, 50)
            })
            .unwrap();
        for (n, visit) in page.visits.iter().enumerate() {
            let mut sheet = village.sheet(batch, visit.household, "");
            if visit.household == village.households[2] {
                sheet.scores = unable("C0 25");
            }
            sheet.opened_at = Some(stage.now() - if n == 0 { 20_000 } else { 400_000 });
            sheet.visited_on = sheet.visited_on.filter(|_| n > 1);
            assert_eq!(village.save(&village.officer, &sheet), "ok");
        }
        let who = stage.now_as(&village.committee);
        let page =
            stage.read_in(who.reach(), move |tx| app::scoring::batch(tx, &who, batch)).unwrap();
        let said: Vec<_> = page
            .notes
            .iter()
            .map(|n| format!("{} {}/{}", n.pattern.code(), n.households.len(), n.of))
            .collect();
        assert_eq!(said, ["all-full-marks 7/7", "no-visit-date 2/7", "under-one-minute 1/7"]);
        assert_eq!(page.to_visit.len(), 7, "the cadre has not been there");
    });
}
