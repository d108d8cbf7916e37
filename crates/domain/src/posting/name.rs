//! The only form of a name that leaves the office.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// A surname and two stars: 张**, 欧阳**. Two stars whatever the length, so that the length says
/// nothing. Masking a masked name gives the same name again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MaskedName(String);

impl MaskedName {
    /// The only way to make one, and it masks.
    pub fn of(name: &str) -> MaskedName {
        let letters: Vec<char> = name.chars().filter(|c| !is_invisible(*c)).collect();
        let kept = match letters.as_slice() {
            [] => 0,
            [first, ..] if !may_show(*first) => 0,
            [a, b, _, ..] if is_compound(*a, *b) && !letters.iter().any(|c| is_dot(*c)) => 2,
            _ => 1,
        };
        MaskedName(letters.iter().take(kept).chain(&['*', '*']).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for MaskedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Spaces, controls and marks of no width, which slip into typed names.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// A name that starts with a digit or a mark is no name, and nothing of it is shown.
fn may_show(c: char) -> bool {
    !c.is_numeric() && (c.is_alphabetic() || is_private_use(c))
}

/// Rare characters are now and then typed in the private areas of the older encodings.
fn is_private_use(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

/// The dot inside a transcribed name: 阿依古丽·买买提.
fn is_dot(c: char) -> bool {
    matches!(c, '·' | '•' | '‧' | '・' | '･' | '∙' | '．' | '.')
}

fn is_compound(a: char, b: char) -> bool {
    static KNOWN: LazyLock<HashSet<(char, char)>> = LazyLock::new(|| {
        let pair = |s: &str| {
            let mut chars = s.chars();
            chars.next().zip(chars.next())
        };
        COMPOUND_SURNAMES.split_whitespace().filter_map(pair).collect()
    });
    KNOWN.contains(&(a, b))
}

/// Two-character surnames in use today.
const COMPOUND_SURNAMES: &str = "欧阳 上官 司马 司徒 司空 司寇 诸葛 东方 独孤 南宫 万俟 闻人 夏侯 \
尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 太史 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 鲜于 闾丘 \
亓官 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 \
微生 梁丘 左丘 西门 第五 端木 纳兰 达奚 即墨 歐陽 諸葛 司馬 夏侯";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_on_the_wall() {
        for (name, masked) in [
            ("张三", "张**"),
            ("张三丰", "张**"),
            ("张", "张**"),
            ("欧阳修", "欧阳**"),
            ("欧阳", "欧**"),
            ("欧阳娜娜", "欧阳**"),
            ("诸葛亮", "诸葛**"),
            ("司马·买提", "司**"),
            ("阿依古丽·买买提", "阿**"),
            ("阿依古丽•买买提", "阿**"),
            (" 李 四 ", "李**"),
            ("\u{feff}王五", "王**"),
            ("\u{3000}赵六", "赵**"),
            ("𠮷野", "𠮷**"),
            ("䶮一", "䶮**"),
            ("\u{e863}三", "\u{e863}**"),
            ("镕基", "镕**"),
            ("Maria", "M**"),
            ("", "**"),
            ("371502199001011234", "**"),
            ("3张三", "**"),
            ("３７１５", "**"),
            ("*张三", "**"),
            ("张**", "张**"),
            ("欧阳**", "欧阳**"),
        ] {
            assert_eq!(MaskedName::of(name).as_str(), masked, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_mask_shows_two_characters_at_most(name in "\\PC{0,12}") {
            let masked = MaskedName::of(&name);
            prop_assert!(masked.as_str().ends_with("**"));
            prop_assert!(masked.as_str().chars().count() <= 4);
            prop_assert!(!masked.as_str().chars().any(char::is_numeric));
            prop_assert_eq!(MaskedName::of(masked.as_str()), masked);
        }
    }
}
