#!/bin/sh
# Cargo's RUSTC_WORKSPACE_WRAPPER for a fuzzing build: libFuzzer's counters go into our own crates,
# with plain flags of a stable rustc, and little optimisation, which would cost more than it gives back in
# a minute. What others wrote stays as it was built before.
case " $* " in
*" build_script_build "*) exec "$@" ;;
esac
exec "$@" -C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares \
    -C opt-level=1 -C debug-assertions=on -C strip=none
