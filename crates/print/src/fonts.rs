//! The fonts that are shipped, and the system's for what they lack.

use std::sync::OnceLock;

use typst::foundations::Bytes;
use typst::text::Font;
use typst_kit::fonts::FontStore;

const SHIPPED: [&[u8]; 3] = [
    include_bytes!("../fonts/sans-regular.otf"),
    include_bytes!("../fonts/sans-bold.otf"),
    include_bytes!("../fonts/serif-regular.otf"),
];

/// What every paper can be printed with.
pub fn shipped() -> &'static FontStore {
    static STORE: OnceLock<FontStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = FontStore::new();
        add_shipped(&mut store);
        store
    })
}

/// The same, and whatever the system has. Looked for once, when a paper first asks.
pub fn with_system() -> &'static FontStore {
    static STORE: OnceLock<FontStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = FontStore::new();
        add_shipped(&mut store);
        store.extend(typst_kit::fonts::system());
        store
    })
}

fn add_shipped(store: &mut FontStore) {
    for font in SHIPPED.into_iter().flat_map(|data| Font::iter(Bytes::new(data))) {
        let info = font.info().clone();
        store.push((font, info));
    }
}

/// The faces that official documents are set in and that may not be given away with a program: what
/// they are called here and there.
const OFFICIAL: [&[&str]; 2] = [
    &["fzxiaobiaosong-b05s", "fzxiaobiaosong-b05"],
    &["fangsong_gb2312", "fangsong", "stfangsong", "fzfangsong-z02s"],
];

/// Those of the official faces that this system does not have, by their first name.
pub fn official_faces_lacking() -> Vec<&'static str> {
    let book = with_system().book();
    let lacks = |names: &&&[&str]| !names.iter().any(|name| book.contains_family(name));
    OFFICIAL.iter().filter(lacks).map(|names| names[0]).collect()
}

/// Can this store print the letter at all?
pub fn has(store: &FontStore, letter: char) -> bool {
    let mut infos = (0..).map_while(|index| store.book().info(index));
    infos.any(|info| info.coverage.contains(u32::from(letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_names_are_shipped() {
        for letter in "镕喆堃玥犇昇翀赟旻珺彧𠮷㐀〔〕①☆".chars() {
            assert!(has(shipped(), letter), "{letter}");
        }
        assert!(!has(shipped(), '\u{323af}'));
        let book = shipped().book();
        assert!(
            book.contains_family("noto sans cjk sc") && book.contains_family("noto serif cjk sc")
        );
    }
}
