//! The root of a list of lines, as in RFC 6962 §2.1: leaf = SHA-256(0x00 ‖ line), node =
//! SHA-256(0x01 ‖ left ‖ right), split at the largest power of two below the count.

use sha2::{Digest, Sha256};

pub type Root = [u8; 32];

/// A line without its line break.
pub fn leaf(line: &[u8]) -> Root {
    Sha256::new().chain_update([0]).chain_update(line).finalize().into()
}

pub fn node(left: &Root, right: &Root) -> Root {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root over lines in order; of no line at all, SHA-256 of nothing.
pub fn root<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Root {
    // Full subtrees, largest first, each with its height.
    let mut full: Vec<(u32, Root)> = Vec::new();
    for line in lines {
        let mut height = 0;
        let mut hash = leaf(line);
        while let Some((_, left)) = full.pop_if(|(h, _)| *h == height) {
            hash = node(&left, &hash);
            height += 1;
        }
        full.push((height, hash));
    }
    full.into_iter()
        .rev()
        .map(|(_, hash)| hash)
        .reduce(|right, left| node(&left, &right))
        .unwrap_or_else(|| Sha256::digest([]).into())
}

/// The root of a text, each line ended by a line feed.
pub fn root_of_text(body: &[u8]) -> Root {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    root(body.split(|b| *b == b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(root: Root) -> String {
        root.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The recursive definition of the RFC, word for word.
    fn by_the_book(lines: &[Vec<u8>]) -> Root {
        match lines.len() {
            0 => Sha256::digest([]).into(),
            1 => leaf(&lines[0]),
            n => {
                let k = n.next_power_of_two() / 2;
                node(&by_the_book(&lines[..k]), &by_the_book(&lines[k..]))
            }
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        for n in 0..130 {
            let lines: Vec<Vec<u8>> = (0..n).map(|i| vec![i as u8; i % 7]).collect();
            assert_eq!(root(lines.iter().map(Vec::as_slice)), by_the_book(&lines), "{n} lines");
        }
    }

    /// The vectors of the public transparency logs.
    #[test]
    fn agrees_with_the_published_vectors() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        for (n, root_hex) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(hex(root(inputs.into_iter().take(n))), root_hex, "{n} lines");
        }
    }
}
