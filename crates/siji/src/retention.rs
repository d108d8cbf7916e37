//! `siji retention`: what has outlived its purpose is erased.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use app::Reach;
use app::privacy::Retain;
use clap::Args;
use domain::privacy::retention::{Cutoff, YEARS, YEARS_MAX, YEARS_MIN};

use crate::keys::said;
use crate::zone::Zone;

#[derive(Args)]
pub struct Retention {
    #[command(flatten)]
    zone: Zone,
    /// Years that sealed values outlive the household's place in the register, or an objection.
    #[arg(long, value_name = "N", default_value_t = YEARS)]
    years: i64,
    /// Erase it; without this it is only counted.
    #[arg(long)]
    apply: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Retention {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let now = web::now();
        let cutoff = Cutoff::of(domain::local_date(now), self.years)
            .with_context(|| format!("--years is from {YEARS_MIN} to {YEARS_MAX}"))?;
        let app = self.zone.open_existing()?;
        let apply = self.apply;
        let retain = Retain { key: domain::id::new(now, web::random()), cutoff, now };
        let found = said(match apply {
            true => app.write(Reach::System, move |tx| app::privacy::retain(tx, retain)).wait(),
            false => app.read(Reach::System, move |tx| app::privacy::expired(tx, cutoff)).wait(),
        })?;
        let mut out = std::io::stdout().lock();
        if self.json {
            let said = serde_json::json!({
                "households": found.households, "members": found.members,
                "objections": found.objections, "imports": found.imports,
                "postings": found.postings, "applied": apply,
            });
            writeln!(out, "{said}")?;
        } else {
            let done = if apply { "erased" } else { "to erase (--apply does it)" };
            writeln!(
                out,
                "households {}\nmembers    {}\nobjections {}\nimports    {}\npostings   {}\n{done}",
                found.households, found.members, found.objections, found.imports, found.postings
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
