//! The press itself: rare letters, parts, hostile words.

use crate::fixtures as f;
use crate::{assert_fonts_inside, printed, read};

#[test]
fn rare_letters_print_or_are_told() {
    let named = |name: &str| {
        let mut faces = f::faces(1);
        faces[0].name = name.to_owned();
        printed(print::cards("东昌经济开发区", &faces)).0
    };
    for name in ["李镕喆", "𠮷田玥", "㐀昇"] {
        let text = named(name);
        assert!(text.contains(name) && !text.contains('〓'), "{text}");
    }
    let text = named("张\u{323af}");
    assert!(text.contains("张〓") && text.contains("U+323AF"), "{text}");
}

#[test]
fn words_are_words_and_no_commands() {
    let hostile = "#panic() *a* _b_ $x$ = <b> \\ #read(\"/etc/passwd\") [";
    let mut faces = f::faces(1);
    faces[0].village = hostile.to_owned();
    let text = printed(print::cards("z", &faces)).0;
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert!(squeezed(&text).contains(&squeezed("#panic()*a*_b_$x$=<b>")), "{text}");
}

#[test]
fn parts_join_to_one_paper() {
    let faces = f::faces(print::CARDS_PER_PART as u64 + 5);
    let mut heard = Vec::new();
    let mut pdf = Vec::new();
    let pages =
        print::all_cards("东昌经济开发区", &faces, &mut pdf, |done| heard.push(done));
    assert_eq!(pages.expect("joined"), 102);
    assert_eq!(heard, [print::CARDS_PER_PART, faces.len()]);
    assert_fonts_inside(&pdf);
    let (text, pages) = read(&pdf);
    assert_eq!(pages, 102);
    for face in &faces {
        assert!(text.contains(&face.code.printed()), "{}", face.code);
    }
}

#[test]
fn the_same_data_are_the_same_bytes() {
    let pdf = || print::statement(&f::statement(), f::day("2026-11-27")).pdf().expect("it prints");
    assert_eq!(pdf(), pdf());
}
