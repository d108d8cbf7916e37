//! The demo zone's people and sentences, from the text files in `demo/`.

use std::collections::HashMap;

pub struct Texts {
    pub accounts: Vec<[String; 4]>,
    pub donors: Vec<[String; 3]>,
    pub objections: Vec<[String; 3]>,
    pub spots: Vec<[String; 2]>,
    words: HashMap<String, String>,
    pub surnames: Vec<String>,
    pub given: Vec<String>,
}

impl Texts {
    pub fn load() -> Texts {
        let words = rows::<2>(include_str!("../../../../demo/words.csv"));
        let first = |text| rows::<2>(text).into_iter().map(|[first, _]| first).collect();
        Texts {
            accounts: rows(include_str!("../../../../demo/accounts.csv")),
            donors: rows(include_str!("../../../../demo/donors.csv")),
            objections: rows(include_str!("../../../../demo/objections.csv")),
            spots: rows(include_str!("../../../../demo/spots.csv")),
            words: words.into_iter().map(|[key, text]| (key, text)).collect(),
            surnames: first(include_str!("../../../../data/names/surnames_weighted.csv")),
            given: first(include_str!("../../../../data/names/given_names.csv")),
        }
    }

    pub fn word(&self, key: &str) -> String {
        self.words.get(key).cloned().unwrap_or_default()
    }
}

/// Rows of a plain comma-separated text of our own, without its header.
fn rows<const N: usize>(text: &str) -> Vec<[String; N]> {
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.splitn(N, ',').map(str::to_owned);
            std::array::from_fn(|_| fields.next().unwrap_or_default())
        })
        .collect()
}
