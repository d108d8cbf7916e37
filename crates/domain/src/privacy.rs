//! What is kept about people and why; who may see a sealed value, and with what reason. Knows
//! nothing of keys: sealing and opening is the store's.

pub mod fields;
pub mod retention;
pub mod reveal;
pub mod takeout;

pub use fields::{Class, Field, Kept};
pub use reveal::{Reason, Refusal, Stated, What};
