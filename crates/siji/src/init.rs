//! `siji init`: names an empty zone and prints the code that makes its first administrator.

use std::io::Write;
use std::process::ExitCode;

use app::{Failure, Reach};
use clap::Args;

use crate::zone::Zone;

#[derive(Args)]
pub struct Init {
    #[command(flatten)]
    zone: Zone,
    /// The zone's name, as it stands on every page and posting.
    #[arg(long, value_name = "NAME", required_unless_present = "new_code")]
    name: Option<String>,
    /// Another code, where the first was lost or is over and nobody has used one.
    #[arg(long, conflicts_with = "name")]
    new_code: bool,
    /// What values are sealed with: aes-256-gcm-siv or sm4-gcm.
    #[arg(long, value_name = "NAME", default_value = "aes-256-gcm-siv")]
    cipher: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Init {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let cipher = crate::keys::cipher(&self.cipher)?;
        let (code, now) = (web::access::new_code(), web::now());
        let hash = app::access::code_hash(&code);
        let made = match &self.name {
            Some(name) => {
                let app = self.zone.open_or_make(cipher)?;
                let key = domain::id::new(now, web::random());
                let request = app::access::Found { key, zone: name.clone(), code_hash: hash, now };
                let found = app.write(Reach::System, move |tx| app::access::found(tx, &request));
                found.wait().map(|_| ())
            }
            None => {
                let app = self.zone.open_existing()?;
                let another =
                    app.write(Reach::System, move |tx| app::access::new_first_code(tx, hash, now));
                another.wait()
            }
        };
        match made {
            Ok(()) => tell(&code, self.json),
            Err(Failure::Refused(app::access::FoundRefusal::AlreadyFounded)) => {
                anyhow::bail!("this zone has people already: its administrators add the next")
            }
            Err(e) => anyhow::bail!("the zone could not be made: {e:?}"),
        }
    }
}

fn tell(code: &str, json: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::json!({ "code": code }))?;
    } else {
        writeln!(out, "one-time code  {code}\n")?;
        writeln!(
            out,
            "It is shown this once and good for 24 hours. Start with `siji serve`, open"
        )?;
        writeln!(out, "/welcome?first=yes and become the first security administrator.")?;
    }
    Ok(ExitCode::SUCCESS)
}
