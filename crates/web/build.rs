//! Makes a name for each row of `policy.csv`, so that a route without a row does not build.

use std::path::Path;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policy.csv");

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={POLICY}");
    let (mut names, mut arms) = (String::new(), String::new());
    let policy = std::fs::read_to_string(POLICY)?;
    for line in policy.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let name = line.split(',').next().unwrap_or_default();
        let constant = name.replace('.', "_").to_uppercase();
        names += &format!("pub(crate) const {constant}: Row = Row({name:?});\n");
        arms += &format!("({name:?}) => {{ crate::policy::{constant} }};\n");
    }
    let rows = format!(
        "{names}macro_rules! row {{\n{arms}($other:literal) => {{\n    \
         compile_error!(concat!($other, \" has no row in policy.csv\"))\n}};\n}}\n"
    );
    let out = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    std::fs::write(Path::new(&out).join("rows.rs"), rows)
}
