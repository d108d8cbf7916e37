use super::chain::{Fault, Seal, Walk, beginning, read_links, write_links};
use super::{Digest, Entry, Kind, NOTE_MAX, note};

#[test]
fn neighbours_do_not_run_together() {
    let a = Digest::of("x").text("ab").text("c").finish();
    let b = Digest::of("x").text("a").text("bc").finish();
    let c = Digest::of("x").text("ab").none().text("c").finish();
    assert_ne!(a, b);
    assert_ne!(a, c);
}

#[test]
fn notes_hold_one_plain_line() {
    for (typed, kept) in [
        ("入户核对", Some("入户核对")),
        ("  ", None),
        ("a\r\n\u{1b}[31mb\0c\td", Some("a [31mb c d")),
        ("\u{202e}cba\u{200b}\u{feff}", Some("cba")),
        ("一\u{2028}二\u{85}三", Some("一 二 三")),
        ("电话 13800138000 有误", Some("电话 *** 有误")),
        ("371502 19900101 123X", Some("***X")),
        ("371502-1990-0101-1234。", Some("***。")),
        ("３７１５０２１９９００１０１１２３４", Some("***")),
        ("2026-11-23 区发〔2026〕12号", Some("2026-11-23 区发〔2026〕12号")),
        ("0635-8511234", Some("***")),
    ] {
        assert_eq!(note(typed).as_deref(), kept, "{typed:?}");
    }
    assert_eq!(note(&"长".repeat(5_000)).map(|n| n.chars().count()), Some(NOTE_MAX));
}

#[test]
fn kinds_have_their_codes() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(Kind::from_code("view"), None);
}

/// A log as it is kept: lines with their fingerprints, seals.
#[derive(Clone)]
struct Kept {
    lines: Vec<(i64, &'static str, [u8; 32])>,
    seals: Vec<Seal>,
}

fn fingerprint(verb: &str) -> [u8; 32] {
    Entry {
        key: None,
        at: 1,
        person: None,
        kind: Kind::Command,
        verb,
        subject: None,
        household: None,
        path: None,
        code: "done",
        rows: None,
        note: None,
        asked: None,
    }
    .digest()
}

/// Lines 1 2 | 4 5 6 under two seals, line 3 under the second: it was slow. Line 8 waits.
fn kept() -> Kept {
    let verbs = [
        (1, "post"),
        (2, "settle"),
        (3, "award"),
        (4, "redeem"),
        (5, "redeem"),
        (6, "certify"),
        (8, "answer"),
    ];
    let lines: Vec<_> = verbs.map(|(seq, verb)| (seq, verb, fingerprint(verb))).into();
    let links = |of: &[i64]| {
        let lines = lines.iter().filter(|line| of.contains(&line.0));
        lines.map(|line| (line.0, line.2)).collect::<Vec<_>>()
    };
    let first = Seal::over(1, beginning(), 1_000, links(&[1, 2]));
    let second = Seal::over(2, first.head, 2_000, links(&[3, 4, 5, 6]));
    Kept { seals: vec![first, second], lines }
}

fn walk(kept: &Kept) -> Result<Walk, Fault> {
    let mut walk = Walk::default();
    for seal in &kept.seals {
        let links = read_links(&write_links(&seal.links));
        walk.seal((seal.number, seal.at, seal.head), links)?;
    }
    for (seq, verb, digest) in &kept.lines {
        walk.line(*seq, *digest, fingerprint(verb), *seq == 8)?;
    }
    walk.end()?;
    Ok(walk)
}

fn check(what: &str, tamper: impl Fn(&mut Kept), fault: Fault) {
    let mut log = kept();
    tamper(&mut log);
    assert_eq!(walk(&log).err(), Some(fault), "{what}");
}

#[test]
fn every_way_to_change_the_log_is_named() {
    let log = walk(&kept()).expect("it fits");
    let heads: Vec<_> = kept().seals.iter().map(|seal| log.number_of(&seal.head)).collect();
    assert_eq!(heads, [Some(1), Some(2)]);
    assert_eq!(log.number_of(&beginning()), Some(0));
    assert_eq!(log.number_of(&[7; 32]), None);

    check("a word changed", |l| l.lines[3].1 = "return", Fault::LineChanged { seq: 4 });
    let anew = |l: &mut Kept| l.lines[3] = (4, "return", fingerprint("return"));
    check("with a new fingerprint", anew, Fault::LineChanged { seq: 4 });
    check("one that waits", |l| l.lines[6].1 = "return", Fault::LineChanged { seq: 8 });
    let swap = |l: &mut Kept| {
        (l.lines[0].1, l.lines[1].1) = (l.lines[1].1, l.lines[0].1);
        (l.lines[0].2, l.lines[1].2) = (l.lines[1].2, l.lines[0].2);
    };
    check("two swapped", swap, Fault::LineChanged { seq: 1 });
    check("one taken out", |l| l.lines.retain(|l| l.0 != 5), Fault::LineMissing { seq: 5 });
    let added = |l: &mut Kept| l.lines.push((9, "post", fingerprint("post")));
    check("one slipped in", added, Fault::LineUnknown { seq: 9 });
    check(
        "a seal taken out",
        |l| l.seals.retain(|s| s.number != 1),
        Fault::SealMissing { number: 1 },
    );
    let end = |l: &mut Kept| l.seals.truncate(1);
    check("the last seal taken off", end, Fault::LineUnknown { seq: 3 });
    let time = |l: &mut Kept| l.seals[1].at += 1;
    check("a seal at another time", time, Fault::SealChanged { number: 2 });
    let order = |l: &mut Kept| l.seals[1].links.swap(0, 1);
    check("a seal in another order", order, Fault::SealChanged { number: 2 });
    let twice = |l: &mut Kept| {
        let links = [&l.seals[1].links[..], &l.seals[0].links[..1]].concat();
        l.seals[1] = Seal::over(2, l.seals[0].head, 2_000, links);
    };
    check("a line under two seals", twice, Fault::SealedTwice { seq: 1 });
}

#[test]
fn a_log_made_anew_does_not_know_the_published_head() {
    let published = kept().seals[1].head;
    let mut log = kept();
    log.lines.truncate(2);
    log.seals.truncate(1);
    let walked = walk(&log).expect("what is left fits");
    assert_eq!(walked.number_of(&published), None, "the end was taken off");

    let mut log = kept();
    log.lines[5] = (6, "return", fingerprint("return"));
    let links = log.seals[1].links.iter().map(|link| match link.0 {
        6 => (6, fingerprint("return")),
        _ => *link,
    });
    log.seals[1] = Seal::over(2, log.seals[0].head, 2_000, links.collect());
    let walked = walk(&log).expect("it was made to fit");
    assert_eq!(walked.number_of(&published), None, "everything was taken anew");
}

#[test]
fn links_that_cannot_be_read() {
    assert_eq!(read_links(&[]), Some(vec![]));
    assert_eq!(read_links(&[0; 39]), None);
    assert_eq!(read_links(&[0; 41]), None);
    let links = vec![(i64::MAX, [1; 32]), (0, [2; 32])];
    assert_eq!(read_links(&write_links(&links)), Some(links));
}
