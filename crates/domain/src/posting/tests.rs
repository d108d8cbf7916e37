//! The decisions as tables: who may post, object, answer, certify, and what they are told.

use jiff::civil::{Date, date};

use super::answer::{self, Verdict};
use super::certify;
use super::merkle::Root;
use super::object::{self, Channel, Standing};
use super::post::{self, Household};
use super::seal::Seal;
use super::{PostedOutcome, Serial};
use crate::calendar::{Calendar, DayKind, Month};
use crate::points::{Account, CauseKind};
use crate::scheme::tests::shipped;
use crate::scheme::{Period, Scheme};
use crate::scoring::BatchState;
use crate::{Arg, Id, Refusal};

const TODAY: Date = date(2026, 9, 24);

/// A refusal as one line: its code and the numbers of its sentence.
fn said<T>(answer: Result<T, impl Refusal>, yes: impl FnOnce(T) -> String) -> String {
    match answer {
        Ok(t) => yes(t),
        Err(refusal) => {
            let args = refusal.args().into_iter().map(|(name, arg)| match arg {
                Arg::Number(n) => format!(" {name}={n}"),
                Arg::Text(s) => format!(" {name}={s}"),
                Arg::Date(d) => format!(" {name}={d}"),
                Arg::Words { zh, .. } => format!(" {name}={zh}"),
            });
            format!("no: {}{}", refusal.code(), args.collect::<String>())
        }
    }
}

fn households() -> Vec<Household<'static>> {
    let household = |serial, head_name, hamlet, sums: &[(&'static str, i64)], total, outcome| {
        Household { serial, head_name, hamlet, sums: sums.to_vec(), total, outcome }
    };
    vec![
        household(
            1,
            "张三",
            Some("东头"),
            &[("A", 18), ("B", 22), ("C", 20), ("D", 12), ("E", 15)],
            87,
            PostedOutcome::Assessed,
        ),
        // The hamlet of the register may hold anything; what may not hang is left out.
        household(
            2,
            "欧阳四海",
            Some("电话13800138000"),
            &[("A", 20), ("E", 15)],
            100,
            PostedOutcome::Assessed,
        ),
        household(3, "阿依古丽·买买提", None, &[], 0, PostedOutcome::NotAssessed),
    ]
}

fn facts<'a>(scheme: &'a Scheme, calendar: &'a Calendar) -> post::Facts<'a> {
    post::Facts {
        state: BatchState::Reviewed,
        zone: "东昌经济开发区",
        village: "张庄村",
        month: Month::parse("2026-09").unwrap(),
        scheme,
        calendar,
        today: TODAY,
        households: households(),
    }
}

fn request() -> post::Request {
    post::Request {
        place: "村委会公示栏".into(),
        contact: "张庄村委会 0635-8511234".into(),
        from: TODAY,
    }
}

#[test]
fn a_list_as_it_hangs() {
    let (scheme, calendar) = (shipped(), Calendar::default());
    let body = post::decide(&facts(&scheme, &calendar), &request()).unwrap();
    let picture = String::from_utf8(body.written()).unwrap().replace('\t', " | ");
    insta::assert_snapshot!(picture);
}

#[test]
fn who_may_hang_a_list() {
    let (scheme, calendar) = (shipped(), Calendar::default());
    let facts = facts(&scheme, &calendar);
    let mut picture = String::new();
    let mut row = |what: &str, facts: &post::Facts<'_>, request: &post::Request| {
        let answer = said(post::decide(facts, request), |body| {
            format!("yes, until {}, {} rows", body.header.to, body.rows.len())
        });
        picture.push_str(&format!("{what:<28} {answer}\n"));
    };
    row("reviewed", &facts, &request());
    for state in
        [BatchState::Draft, BatchState::Scored, BatchState::InPublicity, BatchState::Credited]
    {
        row(state.code(), &post::Facts { state, ..facts.clone() }, &request());
    }
    let place = |place: &str| post::Request { place: place.into(), ..request() };
    let contact = |contact: &str| post::Request { contact: contact.into(), ..request() };
    let from = |from| post::Request { from, ..request() };
    row("no place", &facts, &place(" "));
    row("a citizen number as place", &facts, &place("371502199001011234"));
    row("a long place", &facts, &place(&"栏".repeat(61)));
    row("no contact", &facts, &contact(""));
    row("an account as contact", &facts, &contact("6222021602001234567"));
    row("yesterday", &facts, &from(date(2026, 9, 23)));
    row("in a week", &facts, &from(date(2026, 10, 1)));
    row("in eight days", &facts, &from(date(2026, 10, 2)));
    row("nobody", &post::Facts { households: vec![], ..facts.clone() }, &request());
    row(
        "a village like a number",
        &post::Facts { village: "村123456", ..facts.clone() },
        &request(),
    );
    let mut rich = facts.clone();
    rich.households[0].total = 13_800_138_000;
    row("a telephone as total", &rich, &request());
    let mut far = facts.clone();
    far.households[0].serial = 13_800_138_000;
    row("a telephone as serial", &far, &request());

    let working =
        Scheme { publicity: Period { days: 5, kind: DayKind::Working }, ..scheme.clone() };
    row("working days, none known", &post::Facts { scheme: &working, ..facts.clone() }, &request());
    let days = [(date(2026, 1, 1), true), (date(2026, 9, 25), true)];
    let known = Calendar::new(days);
    let facts = post::Facts { scheme: &working, calendar: &known, ..facts.clone() };
    row("working days, a holiday", &facts, &request());
    insta::assert_snapshot!(picture);
}

#[test]
fn a_correction_hangs_the_changed_row_alone() {
    let (scheme, calendar) = (shipped(), Calendar::default());
    let first = post::decide(&facts(&scheme, &calendar), &request()).unwrap();
    let mut changed = facts(&scheme, &calendar);
    changed.state = BatchState::InPublicity;
    changed.today = date(2026, 9, 27);
    changed.households.truncate(1);
    changed.households[0].total = 90;
    let second = post::correct(&changed, &first.header, first.root()).unwrap();
    assert_eq!(second.header.corrects, Some(first.root()));
    assert_eq!((second.header.from, second.header.to), (date(2026, 9, 27), date(2026, 10, 2)));
    assert_eq!(second.header.place, first.header.place);
    assert_eq!(second.rows.len(), 1);
    assert_eq!(second.rows[0].serial, first.rows[0].serial);

    changed.state = BatchState::Certified;
    assert!(post::correct(&changed, &first.header, first.root()).is_err());
}

#[test]
fn who_may_object() {
    let calendar = Calendar::default();
    let facts = object::Facts {
        state: BatchState::InPublicity,
        from: date(2026, 9, 24),
        to: date(2026, 9, 29),
        today: date(2026, 9, 25),
        serials: vec![Serial::new(1).unwrap(), Serial::new(2).unwrap()],
        calendar: &calendar,
        answer_within: Period { days: 3, kind: DayKind::Working },
    };
    let request = object::Request {
        channel: Channel::Page,
        serial: Some(1),
        text: "院子是干净的".into(),
        by_name: None,
        contact: Some(" ".into()),
    };
    let mut picture = String::new();
    let mut row = |what: &str, facts: &object::Facts<'_>, request: &object::Request| {
        let answer = said(object::decide(facts, request), |d| {
            format!("yes, answer by {}, contact {:?}", d.due_on, d.contact)
        });
        picture.push_str(&format!("{what:<28} {answer}\n"));
    };
    let on = |today| object::Facts { today, ..facts.clone() };
    let text = |text: &str| object::Request { text: text.into(), ..request.clone() };
    row("while it hangs", &facts, &request);
    row("on the last day", &on(date(2026, 9, 29)), &request);
    row("the day after", &on(date(2026, 9, 30)), &request);
    row("the day before", &on(date(2026, 9, 23)), &request);
    row("certified", &object::Facts { state: BatchState::Certified, ..facts.clone() }, &request);
    row("the whole list", &facts, &object::Request { serial: None, ..request.clone() });
    row("row 3", &facts, &object::Request { serial: Some(3), ..request.clone() });
    row("row -1", &facts, &object::Request { serial: Some(-1), ..request.clone() });
    row("no text", &facts, &text("  "));
    row("a thousand characters", &facts, &text(&"错".repeat(1000)));
    row("one more", &facts, &text(&"错".repeat(1001)));
    row("a telephone in the text", &facts, &text("请打13800138000"));
    row("a citizen number in it", &facts, &text("我是371502199001011234"));
    row(
        "an account as contact",
        &facts,
        &object::Request { contact: Some("6222021602001234".into()), ..request.clone() },
    );
    row(
        "a long name",
        &facts,
        &object::Request { by_name: Some("名".repeat(61)), ..request.clone() },
    );
    insta::assert_snapshot!(picture);
}

#[test]
fn a_code_reads_as_it_was_written() {
    let code = object::lookup_code(Id::from_u128(7));
    assert_eq!(code, object::lookup_code(Id::from_u128(7)));
    assert_ne!(code, object::lookup_code(Id::from_u128(8)));
    assert_eq!(code.len(), 11);
    assert_eq!(object::typed_code(&code.to_lowercase().replace('-', " ")), code);
    assert_eq!(object::typed_code("oil-00 00000"), "01100-00000");
    assert_eq!(object::typed_code("短"), "短");
}

#[test]
fn who_may_answer() {
    let facts = answer::Facts {
        state: BatchState::InPublicity,
        standing: Standing::Open,
        scored: false,
        kin: false,
        names_household: true,
        row_changes: true,
    };
    let mut picture = String::new();
    let mut row = |what: &str, facts: answer::Facts, verdict, text: &str| {
        let request = answer::Request { verdict, text: text.into() };
        let answer = said(answer::decide(&facts, &request), |d| {
            format!("yes, {}{}", d.standing.code(), if d.corrects { ", hangs anew" } else { "" })
        });
        picture.push_str(&format!("{what:<28} {answer}\n"));
    };
    use Verdict::{Rejected, Upheld};
    row("upheld", facts, Upheld, "已更正");
    row("rejected", facts, Rejected, "核实无误");
    row("rejected without a word", facts, Rejected, " ");
    row("too many words", facts, Rejected, &"字".repeat(1001));
    row("by the scorer", answer::Facts { scored: true, ..facts }, Rejected, "核实无误");
    row("by a relative", answer::Facts { kin: true, ..facts }, Rejected, "核实无误");
    let done = answer::Facts { standing: Standing::Rejected, ..facts };
    row("a second time", done, Upheld, "已更正");
    row("certified", answer::Facts { state: BatchState::Credited, ..facts }, Upheld, "已更正");
    row("no household named", answer::Facts { names_household: false, ..facts }, Upheld, "已更正");
    row("the same scores", answer::Facts { row_changes: false, ..facts }, Upheld, "已更正");
    insta::assert_snapshot!(picture);
}

fn ready(scheme: &Scheme) -> certify::Facts<'_> {
    let household = |n, total, credited_this_year| certify::Household {
        id: Id::from_u128(n),
        total,
        credited_this_year,
    };
    certify::Facts {
        batch: Id::from_u128(99),
        state: BatchState::InPublicity,
        today: date(2026, 9, 30),
        posted_to: vec![date(2026, 9, 28), date(2026, 9, 29)],
        objections_open: 0,
        not_in_log: 0,
        certifier_scored: false,
        not_as_posted: None,
        scheme,
        households: vec![
            household(1, 87, 0),
            household(2, 0, 0),
            household(3, 100, 1150),
            household(4, 100, 1200),
        ],
    }
}

#[test]
fn who_may_certify() {
    let scheme = shipped();
    let mut picture = String::new();
    let mut row = |what: &str, facts: certify::Facts<'_>| {
        let answer = said(certify::decide(&facts, 0), |d| {
            format!("yes, {} points to {} households", d.points, d.transfers.len())
        });
        picture.push_str(&format!("{what:<28} {answer}\n"));
    };
    row("the day after", ready(&scheme));
    row("on the last day", certify::Facts { today: date(2026, 9, 29), ..ready(&scheme) });
    row("a day before", certify::Facts { today: date(2026, 9, 28), ..ready(&scheme) });
    row("never posted", certify::Facts { posted_to: vec![], ..ready(&scheme) });
    row("two objections", certify::Facts { objections_open: 2, ..ready(&scheme) });
    row("by a scorer", certify::Facts { certifier_scored: true, ..ready(&scheme) });
    row("not in the log", certify::Facts { not_in_log: 1, ..ready(&scheme) });
    row(
        "row 7 is not as posted",
        certify::Facts { not_as_posted: Serial::new(7), ..ready(&scheme) },
    );
    for state in [BatchState::Draft, BatchState::Scored, BatchState::Reviewed, BatchState::Credited]
    {
        row(state.code(), certify::Facts { state, ..ready(&scheme) });
    }
    insta::assert_snapshot!(picture);
}

#[test]
fn a_batch_credits_each_household_once() {
    let scheme = shipped();
    let first = certify::decide(&ready(&scheme), 1).unwrap();
    let again = certify::decide(&ready(&scheme), 2).unwrap();
    for (a, b) in first.transfers.iter().zip(&again.transfers) {
        assert!(a.is_same_as(b));
    }
    let to: Vec<_> = first.transfers.iter().map(|t| (t.credit, t.amount.get())).collect();
    assert_eq!(
        to,
        [(Account::household(Id::from_u128(1)), 87), (Account::household(Id::from_u128(3)), 50),]
    );
    assert!(first.transfers.iter().all(|t| t.cause.kind == CauseKind::Certification));
}

#[test]
fn a_seal_covers_everything_in_order() {
    let seal = |sheets: &[u8], settlement: &[u8], root: Root| {
        let mut seal = Seal::of(Id::from_u128(1), b"scheme");
        for sheet in sheets {
            seal.sheet(&[*sheet]);
        }
        seal.settlement(settlement);
        seal.posting(&root);
        seal.finish()
    };
    let sealed = seal(&[1, 2], b"s", [0; 32]);
    assert_eq!(sealed, seal(&[1, 2], b"s", [0; 32]));
    assert_ne!(sealed, seal(&[2, 1], b"s", [0; 32]));
    assert_ne!(sealed, seal(&[1], b"s", [0; 32]));
    assert_ne!(sealed, seal(&[1, 2], b"t", [0; 32]));
    assert_ne!(sealed, seal(&[1, 2], b"s", [1; 32]));
}
