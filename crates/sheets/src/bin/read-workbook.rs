//! The worker on its own, for the tests of this crate; `siji` carries the same one.

fn main() -> std::process::ExitCode {
    sheets::worker::main()
}
