//! What is written reads back.

use std::io::Write;

use sheets::mark::Marks;
use sheets::write::{Kind, Table, Value};

use crate::{data, dump, worker};

#[test]
fn an_export_reads_back_as_text_and_numbers() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let header = ["姓名".to_owned(), "卡号".to_owned(), "积分".to_owned()];
    let note = Some("2026-11-23 导出");
    let mut table = Table::new(Kind::Xlsx, file.reopen().unwrap(), "户", note, &header).unwrap();
    table.row(&["=1+1".into(), Value::Number(6223198733402904), 12.into()]).unwrap();
    table.row(&[Value::Empty, "6223198733402904412".into(), Value::Hundredths(1250)]).unwrap();
    table.finish().unwrap();
    assert_eq!(
        dump(file.path()).unwrap(),
        [
            "户!1:0 Text(\"2026-11-23 导出\")",
            "户!2:0 Text(\"姓名\")",
            "户!2:1 Text(\"卡号\")",
            "户!2:2 Text(\"积分\")",
            "户!3:0 Text(\"=1+1\")",
            "户!3:1 Text(\"6223198733402904\")",
            "户!3:2 Number(12.0)",
            "户!4:1 Text(\"6223198733402904412\")",
            "户!4:2 Number(12.5)",
        ]
    );
}

#[test]
fn csv_in_either_encoding() {
    let text = "姓名,性别\n张三,男\n,\n";
    let gb = encoding_rs::GB18030.encode(text).0;
    let marked = format!("\u{feff}{text}");
    for bytes in [text.as_bytes(), &gb, marked.as_bytes()] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        assert_eq!(
            dump(file.path()).unwrap(),
            [
                "CSV!1:0 Text(\"姓名\")",
                "CSV!1:1 Text(\"性别\")",
                "CSV!2:0 Text(\"张三\")",
                "CSV!2:1 Text(\"男\")",
            ]
        );
    }
}

#[test]
fn a_marked_workbook_is_the_workbook_and_its_marks() {
    let messy = data("register-messy.xlsx");
    let mut marks = Marks { title: "核对结果".to_owned(), ..Marks::default() };
    let sheet = marks.sheets.entry("人口信息".to_owned()).or_default();
    sheet.header_row = 3;
    sheet.rows.insert(110, "没有这个村".to_owned());
    let marked = tempfile::NamedTempFile::new().unwrap();
    sheets::mark::write(worker(), &messy, &marks, marked.reopen().unwrap()).unwrap();

    let before = dump(&messy).unwrap();
    let mut after = dump(marked.path()).unwrap();
    let mark =
        |cell: &String| cell.starts_with("人口信息!3:36 ") || cell.starts_with("人口信息!110:36 ");
    assert_eq!(after.iter().filter(|c| mark(c)).count(), 2);
    after.retain(|c| !mark(c));
    assert_eq!(after, before);

    // Marked again: the old marks go, the new ones stand in the same column.
    let sheet = marks.sheets.get_mut("人口信息").unwrap();
    sheet.rows = [(171, "没有这种关系".to_owned())].into();
    let again = tempfile::NamedTempFile::new().unwrap();
    sheets::mark::write(worker(), marked.path(), &marks, again.reopen().unwrap()).unwrap();
    let again = dump(again.path()).unwrap();
    let marks: Vec<_> = again.iter().filter(|c| c.contains(":36 ")).collect();
    assert_eq!(marks.len(), 2, "{marks:?}");
    assert!(marks[1].starts_with("人口信息!171:36"));
}

#[test]
fn a_cell_right_of_the_titles_outlives_the_marks() {
    use sheets::{Cell, Event};
    let mut marks = Marks { title: "检查结果".to_owned(), ..Marks::default() };
    let sheet = marks.sheets.entry("S".to_owned()).or_default();
    sheet.header_row = 1;
    sheet.rows.insert(2, "没有这个村".to_owned());
    let marked = tempfile::NamedTempFile::new().unwrap();
    sheets::mark::copy(&marks, marked.reopen().unwrap(), |see| {
        see(Event::Sheet("S"));
        see(Event::Row(1, &[(0, Cell::Text("姓名")), (1, Cell::Text("村"))]));
        see(Event::Row(2, &[(0, Cell::Text("张三")), (2, Cell::Text("备用电话"))]));
        see(Event::Row(3, &[(2, Cell::Number(7.0)), (3, Cell::Truth(true))]));
        Ok(())
    })
    .unwrap();
    let cells = dump(marked.path()).unwrap();
    let at = |place: &str| cells.iter().find(|c| c.starts_with(place)).cloned().unwrap_or_default();
    assert!(at("S!1:2 ").contains("检查结果"), "{cells:?}");
    assert!(at("S!2:2 ").contains("没有这个村") && at("S!2:3 ").contains("备用电话"), "{cells:?}");
    assert!(at("S!3:3 ").contains('7') && !at("S!3:4 ").is_empty(), "{cells:?}");
}
