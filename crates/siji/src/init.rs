//! `siji init`: names an empty zone and makes its first administrator.

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
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The first system administrator's name.
    #[arg(long, value_name = "NAME", default_value = "Administrator")]
    admin_name: String,
    /// The first system administrator's login.
    #[arg(long, value_name = "LOGIN", default_value = "admin")]
    admin: String,
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
        let app = self.zone.open_or_make(cipher)?;
        let password = password();
        let hashed = app::access::hash_password(&password, &web::random())
            .map_err(|e| anyhow::anyhow!("the password could not be made: {e:?}"))?;
        let now = web::now();
        let request = app::access::Found {
            key: domain::id::new(now, web::random()),
            zone: self.name.clone(),
            name: self.admin_name.clone(),
            unit: String::new(),
            login: self.admin.clone(),
            password: hashed,
            now,
        };
        match app.write(Reach::System, move |tx| app::access::found(tx, &request)).wait() {
            Ok(_) => {}
            Err(Failure::Refused(app::access::FoundRefusal::AlreadyFounded)) => {
                anyhow::bail!("this zone has people already: its administrator adds the next")
            }
            Err(e) => anyhow::bail!("the zone could not be made: {e:?}"),
        }
        let mut out = std::io::stdout().lock();
        if self.json {
            let said = serde_json::json!({ "login": self.admin, "password": password });
            writeln!(out, "{said}")?;
        } else {
            writeln!(out, "login     {}\npassword  {password}", self.admin)?;
            writeln!(
                out,
                "It is shown this once. Start with `siji serve`, sign in and change it."
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Sixteen letters and digits that are hard to mistake for each other: 79 bits.
fn password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random: [u8; 16] = web::random();
    random.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}
