//! Fuzz targets. Each takes any bytes and asserts more than that nothing panics: what was read is
//! written again as it was, a plain second way comes to the same, limits hold, a refusal has a code.
//!
//! `cargo xtask fuzz` drives them with libFuzzer; the tests replay each target's corpus, which lies
//! in `corpus/<target>/`.

use std::cell::Cell;

mod bytes;
pub mod replay;
mod targets {
    pub mod book;
    pub mod counter;
    pub mod days;
    pub mod edge;
    pub mod keys;
    pub mod ledger;
    pub mod month;
    pub mod moves;
    pub mod pages;
    pub mod posting;
    pub mod register;
    pub mod scoring;
    pub mod sheets;
    pub mod zone;
}

use targets::{
    book, counter, days, edge, keys, ledger, month, moves, pages, posting, register, scoring,
    sheets,
};

pub type Target = fn(&[u8]);

/// By name; the corpus of each has the same name.
pub const TARGETS: &[(&str, Target)] = &[
    ("areas", register::areas),
    ("backup", keys::backup),
    ("body", edge::body),
    ("book", book::book),
    ("card", scoring::card),
    ("citizen", register::citizen),
    ("counter", counter::counter),
    ("csv", register::csv),
    ("day", days::day),
    ("forms", pages::forms),
    ("frames", register::frames),
    ("head", edge::head),
    ("headers", register::headers),
    ("holidays", days::holidays),
    ("key-file", keys::key_file),
    ("ledger", ledger::ledger),
    ("links", posting::links),
    ("log-texts", posting::log_texts),
    ("month", month::month),
    ("moves", moves::moves),
    ("paths", edge::paths),
    ("period", days::period),
    ("posting", posting::posting),
    ("proof", posting::proof),
    ("query", pages::query),
    ("scheme", scoring::scheme),
    ("scores", scoring::scores),
    ("sealed", keys::sealed),
    ("sheet", pages::sheet),
    ("sheets", sheets::sheets),
    ("tiles", posting::tiles),
    ("wall", posting::wall),
    ("words", register::words),
    ("workbook", register::workbook),
];

/// A target with a planted bug, which a fuzzer has to find: it shows that the others would.
pub const PLANTED: (&str, Target) = ("planted", replay::planted);

pub fn find(name: &str) -> Option<Target> {
    let mut all = TARGETS.iter().chain([&PLANTED]);
    all.find(|(known, _)| *known == name).map(|(_, target)| *target)
}

pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

/// Runs what the product runs in a worker process, which may fall over a hostile file: `None` where
/// code of others panics. Our own code may not, there as anywhere.
pub(crate) fn as_in_a_worker<T>(run: impl FnOnce() -> T) -> Option<T> {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
    use std::sync::Once;
    static HOOK: Once = Once::new();
    thread_local! {
        static IS_WORKER: Cell<bool> = const { Cell::new(false) };
        static IS_OTHERS: Cell<bool> = const { Cell::new(false) };
    }
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let is_others = panic.location().is_some_and(|at| at.file().contains("/registry/src/"));
            match IS_WORKER.get() && is_others {
                true => IS_OTHERS.set(true),
                false => before(panic),
            }
        }));
    });
    IS_WORKER.set(true);
    IS_OTHERS.set(false);
    let ran = catch_unwind(AssertUnwindSafe(run));
    IS_WORKER.set(false);
    match ran {
        Ok(answer) => Some(answer),
        Err(_) if IS_OTHERS.get() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// One for all that waits for an answer.
pub(crate) fn runtime() -> &'static tokio::runtime::Runtime {
    use std::sync::LazyLock;
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    });
    &RUNTIME
}
