//! One program for all targets, for libFuzzer to drive: `SIJI_FUZZ_TARGET` names the one.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("SIJI_FUZZ_TARGET").unwrap_or_default();
    fuzz::find(&name).unwrap_or_else(|| {
        eprintln!("SIJI_FUZZ_TARGET names no target; there are: {}", fuzz::names().join(" "));
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (*TARGET)(bytes));
