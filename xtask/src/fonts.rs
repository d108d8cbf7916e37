//! The fonts that papers are printed with, made from Debian's package of Noto CJK: the regular sans
//! with every simplified form it has, since names are written with rare characters; the bold sans
//! and the serif with the characters of GB 2312, since they stand in headings only.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::machine;

const PACKAGE: &str = "fonts-noto-cjk";
const FROM: &str = "/usr/share/fonts/opentype/noto";
/// Simplified Chinese within the collections.
const FACE: &str = "--font-number=2";
const FEATURES: &str = "--layout-features=kern,palt,vert,halt,liga";
/// All of them together, in bytes.
const SIZE_MAX: u64 = 14 << 20;

struct Shipped {
    name: &'static str,
    from: &'static str,
    is_full: bool,
}

const FONTS: [Shipped; 3] = [
    Shipped { name: "sans-regular.otf", from: "NotoSansCJK-Regular.ttc", is_full: true },
    Shipped { name: "sans-bold.otf", from: "NotoSansCJK-Bold.ttc", is_full: false },
    Shipped { name: "serif-regular.otf", from: "NotoSerifCJK-Regular.ttc", is_full: false },
];

/// Where the fonts lie in the repository.
pub fn folder(root: &Path) -> PathBuf {
    root.join("crates/print/fonts")
}

/// Makes the fonts again; `check` holds them against the shipped ones, byte for byte.
pub fn make(root: &Path, check: bool) -> anyhow::Result<()> {
    let tool = machine::on_path("pyftsubset").context(
        "pyftsubset is not there: install Debian's packages fonttools and fonts-noto-cjk",
    )?;
    let made = crate::target()?.join("fonts");
    std::fs::create_dir_all(&made)?;
    let letters = made.join("gb2312.txt");
    std::fs::write(&letters, gb2312())?;
    let mut size = 0;
    for font in &FONTS {
        let out = made.join(font.name);
        let mut subset = Command::new(&tool);
        subset.env("SOURCE_DATE_EPOCH", "0").arg(Path::new(FROM).join(font.from));
        subset.args([FACE, "--no-hinting", FEATURES, "--no-recalc-timestamp"]);
        match font.is_full {
            true => subset.arg("--unicodes=*"),
            false => subset.arg(format!("--text-file={}", letters.display())),
        };
        subset.arg(format!("--output-file={}", out.display()));
        ensure!(subset.status()?.success(), "{} was not made", font.name);
        let bytes = std::fs::read(&out)?;
        size += bytes.len() as u64;
        let shipped = folder(root).join(font.name);
        match check {
            true if std::fs::read(&shipped)? != bytes => {
                bail!("{} is not what {} makes of {}", shipped.display(), tools()?, font.from)
            }
            true => println!("{}: the same", font.name),
            false => std::fs::write(&shipped, bytes)?,
        }
    }
    ensure!(size <= SIZE_MAX, "the fonts have {size} bytes together, more than {SIZE_MAX}");
    if !check {
        std::fs::write(folder(root).join("MADE-WITH"), format!("{}\n", tools()?))?;
    }
    Ok(())
}

/// The packages and their versions, one a line.
fn tools() -> anyhow::Result<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Package} ${Version}\n", PACKAGE, "fonttools"]);
    let said = query.output().context("dpkg-query")?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// ASCII and the signs and characters of GB 2312: the rows of two bytes from A1 to F7.
fn gb2312() -> String {
    let mut text: String = (' '..='~').collect();
    for row in 0xa1..=0xf7_u8 {
        for cell in 0xa1..=0xfe_u8 {
            let pair = [row, cell];
            let (letters, _, _) = encoding_rs::GBK.decode(&pair);
            // What is unassigned comes out as a private or replacement character.
            let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffd}');
            if !letters.contains(private) {
                text.push_str(&letters);
            }
        }
    }
    text
}

/// A licence stands beside the fonts and speaks of each.
pub fn check_licence(root: &Path) -> anyhow::Result<()> {
    let folder = folder(root);
    let licence = std::fs::read_to_string(folder.join("OFL.txt")).context("the fonts' licence")?;
    ensure!(licence.contains("SIL OPEN FONT LICENSE Version 1.1"), "OFL.txt is not the licence");
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_font = [".otf", ".ttf", ".ttc"].iter().any(|end| name.ends_with(end));
        ensure!(!is_font || licence.contains(&name), "OFL.txt does not name {name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_of_headings() {
        let text = gb2312();
        assert!(["公", "示", "〔", "〕", "—", "9"].iter().all(|c| text.contains(c)));
        assert!(!text.contains('镕'), "a rare name is not of GB 2312");
        assert!((6763..8000).contains(&text.chars().count()), "{}", text.chars().count());
    }

    #[test]
    fn every_font_has_its_licence() {
        check_licence(&crate::root()).expect("a licence that names each font");
    }
}
