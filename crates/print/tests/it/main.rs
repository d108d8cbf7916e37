//! Papers as they come from the press: their words, their pages, the fonts inside.

mod fixtures;
mod papers;
mod press;

use lopdf::{Document, Object};
use print::Paper;

/// What somebody who opens the file can select and copy, page by page, and how many pages there are.
fn read(pdf: &[u8]) -> (String, usize) {
    let document = Document::load_mem(pdf).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    let mut text = String::new();
    for page in &pages {
        text.push_str(&format!("-- page {page}\n"));
        text.push_str(document.extract_text(&[*page]).expect("text").trim());
        text.push('\n');
    }
    (text, pages.len())
}

/// Every font of the file is inside it.
fn assert_fonts_inside(pdf: &[u8]) {
    let document = Document::load_mem(pdf).expect("a PDF");
    let mut count = 0;
    for object in document.objects.values() {
        let Ok(dict) = object.as_dict() else { continue };
        if dict.get(b"Type").and_then(Object::as_name).is_ok_and(|name| name == b"FontDescriptor") {
            let inside = [b"FontFile".as_slice(), b"FontFile2", b"FontFile3"];
            assert!(inside.iter().any(|name| dict.has(name)), "{dict:?}");
            count += 1;
        }
    }
    assert!(count > 0, "no font at all");
}

fn printed(paper: Paper) -> (String, usize) {
    let pdf = paper.pdf().expect("it prints");
    assert_fonts_inside(&pdf);
    read(&pdf)
}
