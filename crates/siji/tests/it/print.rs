//! `siji print` through the real program, on a played zone: each paper once, and no word in any of
//! them that belongs to a person and not on paper.

use std::path::Path;
use std::process::{Command, Output};

use domain::privacy::takeout::Column;
use lopdf::{Document, Object};

fn siji(zone: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siji"))
        .args(args)
        .env("SIJI_DATA", zone)
        .env_remove("SIJI_DATABASE")
        .output()
        .expect("the program starts")
}

fn played(zone: &Path) {
    let zone_name = zone.to_string_lossy();
    let args = ["demo", "--no-serve", "--data", &zone_name, "--households", "80", "--months", "3"];
    let output = siji(zone, &args);
    assert!(output.status.success(), "{output:?}");
}

/// Every citizen number, telephone and account of the zone's register, opened.
fn sealed_values(zone: &Path) -> Vec<String> {
    let keys = store::Keys::of_file(zone.join("siji.keys")).expect("keys");
    let options = store::Options::folder(zone.to_path_buf(), std::sync::Arc::new(keys));
    let app = app::App::open(&options).expect("the zone");
    let values = app.read::<_, app::Never>(app::Reach::System, |tx| {
        let all = app::reports::papers::zone(tx)?;
        let columns = [Column::CitizenNumber, Column::Phone, Column::BankAccount];
        let mut values = Vec::new();
        store::privacy::each_taken(tx, &all, &all.paths[0], &columns, |taken| {
            values.extend(taken.values.into_iter().flatten());
            Ok(())
        })?;
        Ok(values)
    });
    values.wait().expect("values")
}

#[test]
fn every_paper_of_a_played_zone() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = folder.path().join("zone");
    played(&zone);
    let canaries = sealed_values(&zone);
    assert!(canaries.len() > 100, "{} values", canaries.len());
    let out = folder.path().join("out.pdf");
    let file = out.to_string_lossy().into_owned();
    for (kind, says) in [
        ("posting", "积分公示"),
        ("card", "积分卡"),
        ("receipt", "兑换单"),
        ("leaflet", "积分明白纸"),
        ("poster", "积分怎么得"),
        ("review", "村民评议组"),
        ("notice", "特此通知"),
        ("market-day", "赶集日名单"),
        ("acknowledgement", "感谢信"),
        ("stock-count", "盘点表"),
        ("bulletin", "四季简报"),
    ] {
        let output = siji(&zone, &["print", kind, "--out", &file]);
        assert!(output.status.success(), "{kind}: {output:?}");
        let document = Document::load(&out).expect("a PDF");
        let pages: Vec<u32> = document.get_pages().into_keys().collect();
        let text = document.extract_text(&pages).expect("text");
        assert!(text.contains(says), "{kind}: {text}");
        let squeezed: String = text.split_whitespace().collect();
        for canary in &canaries {
            assert!(!squeezed.contains(canary.as_str()), "{kind} tells {canary}");
        }
        let fonts = document.objects.values().filter(|object| {
            let dict = object.as_dict();
            dict.is_ok_and(|d| d.get(b"FontFile3").and_then(Object::as_reference).is_ok())
        });
        assert!(fonts.count() > 0, "{kind} has no font inside");
    }
    let missing = siji(&zone, &["print", "statement", "--of", "no-such", "--out", &file]);
    assert_eq!(missing.status.code(), Some(2));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(said.contains("there is nothing like that to print"), "{said}");
}

#[test]
fn nobody_is_honoured_without_consent() {
    let folder = tempfile::tempdir().expect("a folder");
    let zone = folder.path().join("zone");
    played(&zone);
    let (list, out) = (folder.path().join("honours.csv"), folder.path().join("bulletin.pdf"));
    let print = |rows: &str| {
        std::fs::write(&list, format!("name,village,what,consent\n{rows}")).expect("a list");
        let (list, out) = (list.to_string_lossy(), out.to_string_lossy());
        siji(&zone, &["print", "bulletin", "--honours", &list, "--out", &out])
    };
    let refused = print("于玉兰,张庄村,照料邻居老人,\n");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("row 2 does not say where the household's consent lies"), "{said}");
    assert!(print("于玉兰,张庄村,照料邻居老人,村档案2026-3\n").status.success());
    let document = Document::load(&out).expect("a PDF");
    let text = document.extract_text(&[1]).expect("text");
    assert!(text.contains("于**") && !text.contains("于玉兰"), "{text}");
}
