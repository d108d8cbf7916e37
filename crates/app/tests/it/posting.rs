//! From the reviewed batch to points on the account: every way it is refused, and the one way it
//! is not.

use app::posting::{
    Answer, AnswerRefusal, Answered, Certified, Certify, CertifyRefusal, Filed, Object, Post,
    Posted,
};
use app::{Failure, Never, Who};
use domain::posting::answer::Verdict;
use domain::posting::object::{Channel, Standing};
use domain::posting::{certify, merkle, object, post};
use domain::scoring::{Outcome, Scores};
use domain::{Date, Id, Refusal};
use jiff::civil::date;
use store::args;
use testkit::month::{FULL, Village};
use testkit::{Stage, on_both};

/// A reviewed village of three households, and what is asked of it.
struct Story<'s> {
    village: Village<'s>,
}

impl<'s> std::ops::Deref for Story<'s> {
    type Target = Village<'s>;
    fn deref(&self) -> &Village<'s> {
        &self.village
    }
}

/// A refusal's code, or what kept the question from the rules.
fn code<T, R: Refusal>(answer: Result<T, Failure<R>>) -> String {
    match answer {
        Ok(_) => "yes".into(),
        Err(Failure::Refused(r)) => r.code().into(),
        Err(Failure::NotAllowed) => "not allowed".into(),
        Err(Failure::NotFound) => "not found".into(),
        Err(Failure::KeyReused) => "key reused".into(),
        Err(Failure::Broken(b)) => panic!("{b}"),
    }
}

impl<'s> Story<'s> {
    fn reviewed(stage: &'s Stage) -> Story<'s> {
        let heads = ["张三", "欧阳四海", "阿依古丽·买买提"];
        Story { village: Village::reviewed(stage, &heads) }
    }

    fn post_as(&self, who: &Who, key: Id, place: &str) -> Result<Posted, Failure<post::Refusal>> {
        let who = self.now(who);
        let request = Post {
            key,
            batch: self.batch,
            place: place.into(),
            contact: "张庄村委会 0635-8511234".into(),
            from: who.today(),
        };
        self.stage.write_in(who.reach(), move |tx| app::posting::post(tx, &who, &request))
    }

    /// Hangs the list on 24 November.
    fn hang(&self) -> Posted {
        self.stage.at("2026-11-24T09:00");
        self.post_as(&self.committee, self.stage.id(), "村委会公示栏").expect("a posting")
    }

    fn object(&self, posting: Id, serial: Option<i64>) -> Result<Filed, Failure<object::Refusal>> {
        let now = self.stage.now();
        let request = Object {
            key: self.stage.id(),
            posting,
            channel: Channel::Page,
            serial,
            text: "院子一直是干净的".into(),
            by_name: None,
            contact: None,
        };
        self.stage.write(move |tx| app::posting::object(tx, now, &request))
    }

    fn answer_as(
        &self,
        who: &Who,
        objection: Id,
        verdict: Verdict,
        scores: Option<&str>,
    ) -> Result<Answered, Failure<AnswerRefusal>> {
        let who = self.now(who);
        let request = Answer {
            key: self.stage.id(),
            objection,
            verdict,
            text: "已复核".into(),
            new_scores: scores.map(|s| Outcome::Assessed(Scores::parse(s).expect("scores"))),
        };
        self.stage.write_in(who.reach(), move |tx| app::posting::answer(tx, &who, &request))
    }

    fn certify_as(&self, who: &Who) -> Result<Certified, Failure<CertifyRefusal>> {
        let who = self.now(who);
        let request = Certify { key: self.stage.id(), batch: self.batch };
        self.stage.write_in(who.reach(), move |tx| app::posting::certify(tx, &who, &request))
    }

    fn balances(&self) -> Vec<i64> {
        let households = self.households.clone();
        self.stage
            .read::<_, Never>(move |tx| {
                let balances = households.iter().map(|h| store::points::household_balance(tx, *h));
                Ok(balances.collect::<Result<_, _>>()?)
            })
            .expect("what is kept")
    }

    fn wall_bytes(&self, posting: Id) -> Vec<u8> {
        let found = self.stage.read::<_, Never>(move |tx| Ok(store::posting::find(tx, posting)?));
        found.expect("a look").expect("a posting").body
    }

    fn wall(&self, posting: Id) -> String {
        let found = self.stage.read::<_, Never>(move |tx| Ok(store::posting::find(tx, posting)?));
        let posting = found.expect("a look").expect("a posting");
        assert_eq!(merkle::root_of_text(&posting.body), posting.root);
        String::from_utf8(posting.body).expect("UTF-8")
    }
}

#[test]
fn a_month_is_certified_after_its_time_and_not_before() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let township = &village.township;
        assert_eq!(code(village.certify_as(township)), "certify-not-in-publicity");

        let posted = village.hang();
        assert_eq!(posted.to, date(2026, 11, 29));
        assert_eq!(posted.rows, 3);
        let wall = village.wall(posted.id);
        assert!(wall.contains("\t欧阳**\t张庄村\t") && !wall.contains("四海"), "{wall}");
        for day in ["2026-11-24T10:00", "2026-11-29T23:59"] {
            stage.at(day);
            assert_eq!(code(village.certify_as(township)), "certify-still-running");
        }
        assert_eq!(village.balances(), [0, 0, 0]);

        stage.at("2026-11-30T00:00");
        let certified = village.certify_as(township).unwrap();
        assert_eq!(certified.points, 100 + 97 + 100);
        assert_eq!(village.balances(), [100, 97, 100]);
        assert_eq!(code(village.certify_as(township)), "certify-not-in-publicity");
        assert_eq!(village.balances(), [100, 97, 100]);
    });
}

#[test]
fn the_same_key_certifies_once_and_answers_the_same() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        village.hang();
        stage.at("2026-12-01T09:00");
        let (key, batch) = (stage.id(), village.batch);
        let who = village.now(&village.township);
        let once = || {
            let who = who.clone();
            stage.write_in(who.reach(), move |tx| {
                app::posting::certify(tx, &who, &Certify { key, batch })
            })
        };
        let first = once().unwrap();
        assert_eq!(once().unwrap(), first);
        assert_eq!(village.balances(), [100, 97, 100]);
    });
}

#[test]
fn who_may_hang_a_list_and_when() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let key = stage.id();
        let post = |who: &Who, place: &str| code(village.post_as(who, key, place));
        assert_eq!(post(&village.officer, "栏"), "not allowed");
        assert_eq!(post(&village.township, "栏"), "not allowed");
        assert_eq!(post(&village.neighbour, "栏"), "not found");
        assert_eq!(post(&village.committee, " "), "posting-place-needed");
        assert_eq!(post(&village.committee, "371502199001011234"), "posting-place-not-public");
        assert_eq!(post(&village.committee, "栏"), "yes");
        assert_eq!(post(&village.committee, "栏"), "yes", "sent twice");
        assert_eq!(post(&village.committee, "别处"), "key reused");
        let again = village.post_as(&village.committee, stage.id(), "栏");
        assert_eq!(code(again), "posting-not-reviewed");
    });
}

#[test]
fn an_objection_is_answered_before_the_batch_is_certified() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        assert_eq!(code(village.object(posted.id, Some(4))), "objection-row-unknown");
        let filed = village.object(posted.id, Some(2)).unwrap();
        // Three working days from Tuesday the 24th.
        assert_eq!(filed.due_on, date(2026, 11, 27));
        let whole = village.object(posted.id, None).unwrap();

        stage.at("2026-11-30T09:00");
        assert_eq!(code(village.object(posted.id, Some(2))), "objection-period-over");
        assert_eq!(code(village.certify_as(&village.township)), "certify-objections-open");

        let answer = |who: &Who, objection, verdict, scores| {
            code(village.answer_as(who, objection, verdict, scores))
        };
        use Verdict::{Rejected, Upheld};
        assert_eq!(answer(&village.officer, filed.id, Rejected, None), "not allowed");
        assert_eq!(answer(&village.neighbour, filed.id, Rejected, None), "not found");
        assert_eq!(answer(&village.committee, filed.id, Rejected, None), "yes");
        assert_eq!(answer(&village.committee, filed.id, Rejected, None), "answer-already-given");
        assert_eq!(code(village.certify_as(&village.township)), "certify-objections-open");
        assert_eq!(
            answer(&village.township, whole.id, Upheld, Some(FULL)),
            "answer-household-needed"
        );
        assert_eq!(answer(&village.township, whole.id, Rejected, None), "yes");
        assert_eq!(village.certify_as(&village.township).unwrap().points, 297);

        let code = filed.code.to_lowercase();
        let found =
            stage.read(move |tx| app::posting::look_up(tx, &code)).expect("the answer by its code");
        assert_eq!(found.standing, Standing::Rejected);
        assert_eq!(found.answer.as_deref(), Some("已复核"));
    });
}

#[test]
fn a_changed_row_hangs_anew_with_its_own_period() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let filed = village.object(posted.id, Some(2)).unwrap();
        stage.at("2026-11-27T09:00");
        let same = FULL.replace("B1 10", "B1 7");
        let upheld = |scores: &str| {
            village.answer_as(&village.committee, filed.id, Verdict::Upheld, Some(scores))
        };
        assert_eq!(code(upheld(&same)), "answer-nothing-changes");
        assert_eq!(code(upheld(&FULL.replace("B1 10", "B1 9"))), "not-a-band");
        let nothing = village.answer_as(&village.committee, filed.id, Verdict::Upheld, None);
        assert_eq!(code(nothing), "answer-nothing-changes");

        let answered = upheld(FULL).unwrap();
        let correction = answered.correction.expect("the changed row hangs anew");
        let wall = village.wall(correction);
        assert!(wall.contains("corrects\t") && wall.contains("rows\t1\n2\t欧阳**\t"), "{wall}");
        assert!(wall.contains("from\t2026-11-27\nto\t2026-12-02\n"), "{wall}");
        assert!(village.wall(posted.id).contains("\t97\tassessed\n"), "the first list stays");

        // The first period is over, the row's own is not.
        stage.at("2026-12-02T20:00");
        assert_eq!(code(village.certify_as(&village.township)), "certify-still-running");
        assert_eq!(code(village.object(posted.id, Some(2))), "objection-period-over");
        assert_eq!(code(village.object(correction, Some(1))), "objection-row-unknown");
        stage.at("2026-12-03T08:00");
        assert_eq!(village.certify_as(&village.township).unwrap().points, 300);
        assert_eq!(village.balances(), [100, 100, 100]);
    });
}

/// What hangs last is what was entered last, whatever the clock said.
#[test]
fn a_row_corrected_again_while_the_clock_goes_back_is_certified_as_it_hangs() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        // In place of 97; each of them other than the one before.
        let marks = ["B1 4", "B1 0", "B1 10", "B1 4"].map(|mark| FULL.replace("B1 10", mark));
        for (marks, at) in marks.iter().zip(["12:00", "11:00", "10:00", "10:00"]) {
            stage.at(&format!("2026-11-25T{at}"));
            let filed = village.object(posted.id, Some(2)).unwrap();
            let answered =
                village.answer_as(&village.committee, filed.id, Verdict::Upheld, Some(marks));
            answered.unwrap().correction.expect("the changed row hangs anew");
        }
        stage.at("2026-12-20T08:00");
        let total = village.certify_as(&village.township).unwrap().points;
        assert_eq!(village.balances().iter().sum::<i64>(), total);
        assert_eq!(village.balances()[1], 94);
    });
}

#[test]
fn who_scored_or_is_kin_neither_answers_nor_certifies() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let filed = village.object(posted.id, Some(1)).unwrap();
        let whole = village.object(posted.id, None).unwrap();

        // The officer is elected to the committee while the list hangs.
        let mut scorer = village.officer.clone();
        scorer.posts.extend(village.committee.posts.clone());
        let reject =
            |who: &Who, objection| code(village.answer_as(who, objection, Verdict::Rejected, None));
        assert_eq!(reject(&scorer, filed.id), "answer-you-scored-this");
        assert_eq!(reject(&scorer, whole.id), "answer-you-scored-this");

        let (id, person, household) = (stage.id(), village.committee.person, village.households[0]);
        stage
            .write::<_, Never>(move |tx| {
                tx.exec(
                    "INSERT INTO kinship (id, person, household, relation, declared_at, \
                     declared_by, digest) VALUES ($1, $2, $3, '兄弟', 0, $2, $4)",
                    &args![id, person, household, vec![0; 32]],
                )?;
                Ok(())
            })
            .unwrap();
        assert_eq!(reject(&village.committee, filed.id), "answer-you-are-kin");
        assert_eq!(reject(&village.township, filed.id), "yes");
        assert_eq!(reject(&village.township, whole.id), "yes");

        stage.at("2026-12-01T09:00");
        assert_eq!(code(village.certify_as(&scorer)), "certify-you-scored-here");
        assert_eq!(code(village.certify_as(&village.zone_officer)), "not allowed");
        assert_eq!(code(village.certify_as(&village.neighbour)), "not found");
        assert_eq!(code(village.certify_as(&village.committee)), "yes");
    });
}

#[test]
fn an_objection_by_telephone_is_written_down_by_the_office() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let record = |who: &Who, key: Id, text: &str| {
            let who = village.now(who);
            let request = Object {
                key,
                posting: posted.id,
                channel: Channel::Phone,
                serial: Some(1),
                text: text.into(),
                by_name: Some("王五".into()),
                contact: Some("13800138000".into()),
            };
            stage
                .write_in(who.reach(), move |tx| app::posting::record_objection(tx, &who, &request))
        };
        let key = stage.id();
        assert_eq!(code(record(&village.cadre, key, "有误")), "not allowed");
        assert_eq!(code(record(&village.neighbour, key, "有误")), "not found");
        let first = record(&village.officer, key, "有误").unwrap();
        assert_eq!(record(&village.officer, key, "有误").unwrap(), first, "sent twice");
        assert_eq!(code(record(&village.officer, key, "其他")), "key reused");

        // Who may have scored does not see who objected.
        let seen_by = |who: &Who| {
            let who = village.now(who);
            stage
                .read_in(who.reach(), move |tx| app::posting::objection(tx, &who, key))
                .unwrap()
                .objection
        };
        assert_eq!(seen_by(&village.committee).by_name.as_deref(), Some("***"));
        assert_eq!(seen_by(&village.officer).by_name, None);
        assert_eq!(seen_by(&village.officer).contact, None);

        let listed = |who: &Who, search: &str| {
            let (who, search) = (village.now(who), search.to_owned());
            let filter = store::posting::ObjectionFilter { search, ..Default::default() };
            let list = move |tx: &mut app::Tx| app::posting::objections(tx, &who, &filter, 0, 50);
            stage.read(list).unwrap().1
        };
        assert_eq!(listed(&village.township, ""), 1);
        assert_eq!(listed(&village.township, &first.code.to_lowercase()), 1);
        assert_eq!(listed(&village.township, "没有的"), 0);
        assert_eq!(listed(&village.neighbour, ""), 0);
    });
}

#[test]
fn the_rows_are_public_while_they_hang() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let public =
            |today: Date| stage.read(move |tx| app::posting::public(tx, posted.id, today)).unwrap();
        let text = |scope: Option<domain::access::Scope>, today: Date| {
            stage.read(move |tx| app::posting::posting_text(tx, scope.as_ref(), posted.id, today))
        };
        let first_day = public(date(2026, 11, 24));
        assert_eq!((first_day.hangs, first_day.days_left, first_day.body.rows.len()), (true, 6, 3));
        let last_day = public(date(2026, 11, 29));
        assert_eq!((last_day.hangs, last_day.days_left), (true, 1));
        let later = public(date(2026, 11, 30));
        assert_eq!((later.hangs, later.days_left, later.body.rows.len()), (false, 0, 0));
        assert_eq!(later.posting.root, posted.root);

        assert_eq!(code(text(None, date(2026, 11, 29))), "yes");
        assert_eq!(code(text(None, date(2026, 11, 30))), "not found");
        let scope = |who: &Who| who.scope(domain::access::Permission::ReadHouseholds);
        assert_eq!(code(text(Some(scope(&village.township)), date(2027, 1, 1))), "yes");
        assert_eq!(code(text(Some(scope(&village.neighbour)), date(2027, 1, 1))), "not found");

        let hanging = |today: Date, search: &'static str| {
            let list = move |tx: &mut app::Tx| app::posting::hanging(tx, today, search, 0, 50);
            stage.read(list).unwrap().1
        };
        assert_eq!(hanging(date(2026, 11, 24), ""), 1);
        assert_eq!(hanging(date(2026, 11, 24), "张庄"), 1);
        assert_eq!(hanging(date(2026, 11, 24), "张三"), 0, "no search by person");
        assert_eq!(hanging(date(2026, 11, 30), ""), 0);
    });
}

#[test]
fn what_hangs_is_what_is_credited() {
    on_both(|stage: &Stage| {
        let village = Story::reviewed(stage);
        village.hang();
        let batch = village.batch;
        stage
            .write::<_, Never>(move |tx| {
                tx.exec("UPDATE settlement SET total = 50 WHERE batch = $1", &args![batch])?;
                Ok(())
            })
            .unwrap();
        stage.at("2026-12-01T09:00");
        let refused = village.certify_as(&village.township);
        let Err(Failure::Refused(CertifyRefusal::Rules(refused))) = refused else {
            panic!("{refused:?}")
        };
        assert!(matches!(refused, certify::Refusal::NotAsPosted { .. }));
        assert_eq!(village.balances(), [0, 0, 0]);
    });
}

#[test]
fn the_batch_page_says_what_comes_next() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let page = |who: &Who| {
            let (who, batch) = (village.now(who), village.batch);
            stage.read_in(who.reach(), move |tx| app::posting::of_batch(tx, &who, batch))
        };
        assert_eq!(code(page(&village.neighbour)), "not found");
        let before = page(&village.committee).unwrap();
        assert!(before.may_post && !before.may_certify && before.forecast.is_none());

        let posted = village.hang();
        village.object(posted.id, Some(1)).unwrap();
        let hanging = page(&village.township).unwrap();
        assert!(!hanging.may_post && hanging.may_record && hanging.may_certify);
        assert_eq!((hanging.objections, hanging.objections_open), (1, 1));
        assert_eq!(hanging.certify_from, Some(date(2026, 11, 30)));
        let forecast = hanging.forecast.expect("a forecast");
        assert_eq!((forecast.points, forecast.outstanding), (297, 297));
        // Ten points are a yuan.
        assert_eq!((forecast.outstanding_fen, forecast.fund_fen), (2970, 0));
        assert!(!forecast.is_covered());
        assert!(page(&village.zone_officer).unwrap().forecast.is_none());
    });
}

#[test]
fn a_list_that_is_not_in_the_log_cannot_be_certified() {
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let other = stage.id();
        stage
            .write::<_, Never>(move |tx| {
                tx.exec(
                    "INSERT INTO posting (id, batch, corrects, place, contact, from_date, to_date, \
                     days, day_kind, rows, body, root, person, at, log_seal, log_head, digest) \
                     SELECT $1, batch, corrects, place, contact, from_date, to_date, days, day_kind, \
                     rows, body, root, person, at, log_seal, log_head, digest FROM posting \
                     WHERE id = $2",
                    &args![other, posted.id],
                )?;
                Ok(())
            })
            .unwrap();
        stage.at("2026-11-30T09:00");
        assert_eq!(code(village.certify_as(&village.township)), "certify-not-in-log");
        // The next start brings it in, as it does with lists from before there was a log.
        let again = app::App::open(&stage.options).expect("the zone opens again");
        drop(again);
        assert_eq!(code(village.certify_as(&village.township)), "yes");
    });
}

#[test]
fn a_correction_in_the_log_names_what_it_amends() {
    use domain::posting::log::{Checkpoint, Entry, Kind, check};
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        let filed = village.object(posted.id, Some(2)).unwrap();
        stage.at("2026-11-27T09:00");
        let answered =
            village.answer_as(&village.committee, filed.id, Verdict::Upheld, Some(FULL)).unwrap();
        let correction = answered.correction.expect("the changed row hangs anew");
        let file = |id: Id| {
            let day = date(2026, 11, 27);
            stage.read(move |tx| app::posting::proof_file(tx, None, id, day)).expect("a proof")
        };
        for (id, kind, size) in [(posted.id, Kind::List, 1), (correction, Kind::Correction(0), 2)] {
            let file = file(id);
            let entry = Entry::read(file.entry.as_bytes()).unwrap();
            assert_eq!((entry.posting, entry.kind), (id, kind));
            assert_eq!(entry.area, "001.001.001");
            for personal in ["欧阳", "张", "97"] {
                assert!(
                    !file.entry.lines().take(7).any(|l| l.contains(personal)),
                    "{}",
                    file.entry
                );
            }
            let salt: Vec<u8> = (0..16)
                .map(|i| u8::from_str_radix(&file.salt[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            let salt = salt.try_into().unwrap();
            let keys = app::posting::log_keys(&testkit::keys());
            let curves = store::posting::log::Curves;
            let content = file.content.as_bytes();
            let checked =
                check(content, &salt, file.entry.as_bytes(), &file.proof, &keys, &curves).unwrap();
            assert_eq!(checked.checkpoint.size, size);
            let bent = file.content.replace("\t100\t", "\t99\t");
            let refused =
                check(bent.as_bytes(), &salt, file.entry.as_bytes(), &file.proof, &keys, &curves);
            assert!(refused.is_err());
        }
        let note = stage.read(app::posting::checkpoint).unwrap();
        let newest = Checkpoint::read(&format!("{}\n", note.split_once("\n\n").unwrap().0));
        assert_eq!(newest.map(|checkpoint| checkpoint.size), Ok(2));
    });
}

#[test]
fn what_hung_is_erased_in_its_time_and_the_log_still_verifies() {
    use domain::privacy::retention::Cutoff;
    on_both(|stage| {
        let village = Story::reviewed(stage);
        let posted = village.hang();
        stage.at("2026-12-01T09:00");
        village.certify_as(&village.township).unwrap();
        let before = stage.read(app::posting::checkpoint).unwrap();
        let erase = |today: Date| {
            let key = stage.id();
            let now = domain::midnight(today);
            let cutoff = Cutoff::of(today, 1).unwrap();
            let retain = app::privacy::Retain { key, cutoff, now };
            stage.write(move |tx| app::privacy::retain(tx, retain)).unwrap().postings
        };
        assert_eq!(erase(date(2027, 11, 1)), 0, "its year is not over");
        assert_eq!(erase(date(2027, 12, 1)), 1);
        assert_eq!(erase(date(2027, 12, 2)), 0);
        assert_eq!(village.wall_bytes(posted.id), Vec::<u8>::new());
        assert_eq!(stage.read(app::posting::checkpoint).unwrap(), before);
        let scope = Some(village.township.scope(domain::access::Permission::ReadHouseholds));
        let day = date(2027, 12, 2);
        let file =
            stage.read(move |tx| app::posting::proof_file(tx, scope.as_ref(), posted.id, day));
        assert!(matches!(file, Err(Failure::NotFound)));
        stage.app.seal(domain::midnight(day)).unwrap();
        let report =
            stage.read::<_, Never>(|tx| Ok(app::verify::verify(tx, |_| {})?)).expect("a look");
        assert_eq!(report.finding, None);
    });
}
