//! Files made to fell whoever reads them.

use std::io::Write;

use rust_xlsxwriter::Workbook;
use sheets::ReadError;

use crate::{dump, worker};

fn workbook(fill: impl FnOnce(&mut Workbook)) -> tempfile::NamedTempFile {
    let mut book = Workbook::new();
    fill(&mut book);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&book.save_to_buffer().unwrap()).unwrap();
    file
}

fn bytes(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn code(file: &tempfile::NamedTempFile) -> &'static str {
    dump(file.path()).unwrap_err().reason()
}

#[test]
fn two_cells_at_the_corners() {
    let file = workbook(|book| {
        let page = book.add_worksheet();
        page.write(0, 0, "A1").unwrap();
        page.write(1_048_575, 16_383, "XFD1048576").unwrap();
    });
    assert!(file.as_file().metadata().unwrap().len() < 10_000);
    assert_eq!(code(&file), "too-many-rows");
}

#[test]
fn one_cell_too_far() {
    let at = |row, column| {
        workbook(|book| {
            book.add_worksheet().write(row, column, "x").unwrap();
        })
    };
    assert_eq!(dump(at(299_999, 255).path()).unwrap().len(), 1);
    assert_eq!(code(&at(300_000, 0)), "too-many-rows");
    assert_eq!(code(&at(0, 256)), "too-many-columns");
}

#[test]
fn one_sheet_too_many() {
    let of = |sheets| {
        workbook(|book| {
            for _ in 0..sheets {
                book.add_worksheet().write(0, 0, 1).unwrap();
            }
        })
    };
    assert_eq!(dump(of(20).path()).unwrap().len(), 20);
    assert_eq!(code(&of(21)), "too-many-sheets");
}

#[test]
fn no_workbook_at_all() {
    assert_eq!(code(&bytes(b"")), "empty");
    assert_eq!(code(&bytes(b"PK\x03\x04 and then nothing")), "not-a-workbook");
    assert_eq!(code(&bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")), "old-or-locked");
    assert_eq!(code(&bytes(b"a,b\n\x00\x01")), "not-a-workbook");
    assert_eq!(code(&bytes(&[0xff, 0xff, 0xff])), "not-a-workbook");
}

#[test]
fn a_workbook_cut_short_or_changed() {
    let whole = std::fs::read(crate::data("register-messy.xlsx")).unwrap();
    for part in [100, 5_000, whole.len() / 2, whole.len() - 10] {
        let _ = dump(bytes(&whole[..part]).path()).unwrap_err();
    }
    for place in (0..whole.len()).step_by(whole.len() / 12) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        // An answer of either kind, and this test alive to see it.
        let _ = dump(bytes(&changed).path());
    }
}

/// Three hundred million letters in one shared text, a few hundred kilobytes as a file.
#[test]
fn a_file_that_swells() {
    let part = |name: &str, body: &dyn Fn(&mut dyn Write)| {
        (name.to_owned(), {
            let mut out = Vec::new();
            body(&mut out);
            out
        })
    };
    let swollen = part("xl/sharedStrings.xml", &|out| {
        out.write_all(b"<?xml version=\"1.0\"?><sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><t>").unwrap();
        for _ in 0..300 {
            out.write_all(&vec![b'a'; 1 << 20]).unwrap();
        }
        out.write_all(b"</t></si></sst>").unwrap();
    });
    let file = workbook(|book| {
        book.add_worksheet().write(0, 0, "x").unwrap();
    });
    let swollen_file = replace_part(file.path(), &swollen.0, &swollen.1);
    assert!(swollen_file.as_file().metadata().unwrap().len() < 4 << 20);
    let error = dump(swollen_file.path()).unwrap_err();
    assert!(
        matches!(error, ReadError::Fell | ReadError::NotAWorkbook | ReadError::CellTooLong),
        "{error}"
    );
}

#[test]
fn an_entity_from_outside_is_not_read() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"canary-outside-owl").unwrap();
    let strings = |entity: &str| {
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE sst [{entity}]>\
             <sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
             <si><t>a&e;b</t></si></sst>"
        )
    };
    let laughs = "<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;\"><!ENTITY e \"&b;&b;&b;&b;\">";
    let outside = format!("<!ENTITY e SYSTEM \"file://{}\">", secret.path().display());
    let file = workbook(|book| {
        book.add_worksheet().write(0, 0, "x").unwrap();
    });
    for entity in [outside.as_str(), laughs] {
        let file = replace_part(file.path(), "xl/sharedStrings.xml", strings(entity).as_bytes());
        let read = format!("{:?}", dump(file.path()));
        assert!(!read.contains("canary-outside-owl") && !read.contains("haha"), "{read}");
    }
}

/// The workbook again with one part of it replaced.
fn replace_part(file: &std::path::Path, name: &str, body: &[u8]) -> tempfile::NamedTempFile {
    use zip::write::SimpleFileOptions;
    let mut old = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let new = tempfile::NamedTempFile::new().unwrap();
    let mut zip = zip::ZipWriter::new(new.reopen().unwrap());
    for i in 0..old.len() {
        let entry = old.by_index_raw(i).unwrap();
        if entry.name().unwrap() != name {
            zip.raw_copy_file(entry).unwrap();
        }
    }
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(body).unwrap();
    zip.finish().unwrap();
    new
}

#[test]
fn no_such_file_no_such_worker() {
    let nowhere = std::path::Path::new("/nowhere/at-all.xlsx");
    assert!(sheets::read(worker(), nowhere, |_| {}).is_err());
    assert!(sheets::read(nowhere, &crate::data("register-messy.xlsx"), |_| {}).is_err());
}
