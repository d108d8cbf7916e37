//! Stages and stories, for tests only.

pub mod lists;
pub mod month;
pub mod postgres;
mod stage;

pub use stage::{Stage, on_both};

use std::sync::{Arc, LazyLock};

/// The keys of every zone that a test makes. They are no secret.
pub fn keys() -> Arc<store::Keys> {
    static KEYS: LazyLock<Arc<store::Keys>> = LazyLock::new(|| {
        let key = |digit: &str| digit.repeat(64);
        let text = format!(
            "find {}\nfingerprint {}\nseal 1 aes-256-gcm-siv {}\nactive 1\nlog ed25519 {}\n",
            key("a"),
            key("b"),
            key("c"),
            key("d")
        );
        Arc::new(store::Keys::of_text(&text).expect("the keys of tests"))
    });
    KEYS.clone()
}
