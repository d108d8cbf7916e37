//! Stages and stories, for tests only.

pub mod postgres;
