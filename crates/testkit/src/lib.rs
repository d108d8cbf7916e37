//! Stages and stories, for tests only.

pub mod lists;
pub mod month;
pub mod paper;
pub mod postgres;
mod stage;

pub use stage::{Stage, on_both};

use std::sync::{Arc, LazyLock};

/// The key file of every zone that a test makes. It is no secret.
pub fn key_file() -> String {
    let key = |digit: &str| digit.repeat(64);
    format!(
        "find {}\nfingerprint {}\nseal 1 aes-256-gcm-siv {}\nactive 1\nlog ed25519 {}\n",
        key("a"),
        key("b"),
        key("c"),
        key("d")
    )
}

/// The keys of that file.
pub fn keys() -> Arc<store::Keys> {
    static KEYS: LazyLock<Arc<store::Keys>> =
        LazyLock::new(|| Arc::new(store::Keys::of_text(&key_file()).expect("the keys of tests")));
    KEYS.clone()
}
