//! `siji keys`: the keys that sensitive values are sealed with.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use app::{App, Failure, Never, Reach};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use seal::Cipher;

use crate::zone::{KEYS, Zone};

#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The keys, and how many values are sealed with each.
    List {
        #[command(flatten)]
        zone: Zone,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Add a key; new values are sealed with it from now on. A server that runs finds it by itself.
    New {
        #[command(flatten)]
        zone: Zone,
        /// aes-256-gcm-siv or sm4-gcm.
        #[arg(long, value_name = "NAME", default_value = "aes-256-gcm-siv")]
        cipher: String,
    },
    /// Seal everything anew with the active key, while the zone is served. Stopped half way, it
    /// goes on where it is called again.
    Rotate {
        #[command(flatten)]
        zone: Zone,
    },
    /// The public keys of the posting log, for whoever checks it: publish them, on paper too.
    Log {
        #[command(flatten)]
        zone: Zone,
        /// Add a second key, SM2 with SM3, that signs from now on beside the first.
        #[arg(long)]
        add_sm2: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Take out a key that nothing is sealed with any more.
    Drop {
        #[command(flatten)]
        zone: Zone,
        id: u16,
    },
}

impl Keys {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List { zone, json } => list(&zone, json)?,
            What::New { zone, cipher } => add(&zone, &cipher)?,
            What::Rotate { zone } => rotate(&zone)?,
            What::Log { zone, add_sm2, json } => log(&zone, add_sm2, json)?,
            What::Drop { zone, id } => drop_key(&zone, id)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub fn cipher(name: &str) -> anyhow::Result<Cipher> {
    Cipher::from_name(name).with_context(|| {
        let names = Cipher::ALL.map(Cipher::name).join(" or ");
        format!("`{name}` is none of the ciphers: {names}")
    })
}

/// Says what a failure of the store says.
pub fn said<T>(done: Result<T, Failure<Never>>) -> anyhow::Result<T> {
    done.map_err(|failure| match failure {
        Failure::Broken(broken) => anyhow::anyhow!("{broken}"),
        other => anyhow::anyhow!("{other:?}"),
    })
}

fn list(zone: &Zone, json: bool) -> anyhow::Result<()> {
    let app = zone.open_existing()?;
    let keys = app.db.keys().list();
    let in_use = said(app.read(Reach::System, |tx| Ok(store::keys_in_use(tx)?)).wait())?;
    let count = |id: u16| in_use.get(&id).copied().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    if json {
        let listed = keys.iter().map(|k| {
            serde_json::json!({
                "id": k.id, "cipher": k.cipher.name(), "active": k.is_active, "values": count(k.id),
            })
        });
        let listed: Vec<_> = listed.collect();
        writeln!(out, "{}", serde_json::json!({ "keys": listed }))?;
    } else {
        for k in keys {
            let active = if k.is_active { "active" } else { "" };
            writeln!(out, "{:<6}{:<18}{:>12}  {active}", k.id, k.cipher.name(), count(k.id))?;
        }
    }
    Ok(())
}

fn add(zone: &Zone, name: &str) -> anyhow::Result<()> {
    let cipher = cipher(name)?;
    // The zone must open with the keys as they are: a key is not added to the wrong file.
    let app = zone.open_existing()?;
    if std::env::var_os(KEYS).is_some() {
        let id = app.db.keys().list().iter().map(|k| k.id).max().unwrap_or(0) + 1;
        let line = seal::new_key_line(id, cipher)?;
        println!("{}\nactive {id}", *line);
        eprintln!("siji: put these lines in {KEYS} in the place of its line `active` and restart");
        return Ok(());
    }
    drop(app);
    let id = seal::add_key(&zone.key_file(), cipher)?;
    drop(zone.open_existing()?);
    println!(
        "key {id} is active; `siji keys rotate` seals the rest with it. Copy the key file again."
    );
    Ok(())
}

fn rotate(zone: &Zone) -> anyhow::Result<()> {
    let app = zone.open_existing()?;
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let renewed = said(app::keys::rotate(&app, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    }))?;
    bar.finish_and_clear();
    println!("{renewed} rows sealed anew; everything is sealed with the active key.");
    Ok(())
}

fn log(zone: &Zone, add_sm2: bool, json: bool) -> anyhow::Result<()> {
    let mut app = zone.open_existing()?;
    if add_sm2 && std::env::var_os(KEYS).is_some() {
        let line = seal::new_log_key_line(seal::Curve::Sm2)?;
        println!("{}", *line);
        eprintln!("siji: add this line to {KEYS} and restart");
        return Ok(());
    }
    if add_sm2 {
        drop(app);
        seal::add_log_key(&zone.key_file(), seal::Curve::Sm2)?;
        app = zone.open_existing()?;
        eprintln!("siji: copy the key file again");
    }
    let keys = app::posting::log_keys(app.db.keys());
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::json!({ "keys": keys }))?;
    } else {
        keys.iter().try_for_each(|key| writeln!(out, "{key}"))?;
    }
    Ok(())
}

fn drop_key(zone: &Zone, id: u16) -> anyhow::Result<()> {
    let app: App = zone.open_existing()?;
    anyhow::ensure!(
        std::env::var_os(KEYS).is_none(),
        "the keys come from {KEYS}: take the line out there once `siji keys list` counts no values"
    );
    let in_use = said(app.read(Reach::System, |tx| Ok(store::keys_in_use(tx)?)).wait())?;
    anyhow::ensure!(
        in_use.get(&id).is_none_or(|n| *n == 0),
        "key {id} still seals values: run `siji keys rotate` first"
    );
    let known = app.db.keys().list();
    anyhow::ensure!(known.iter().any(|k| k.id == id), "there is no key {id}");
    anyhow::ensure!(
        known.iter().all(|k| !(k.id == id && k.is_active)),
        "key {id} is the active one"
    );
    said(app.write(Reach::System, move |tx| Ok(store::forget_key(tx, id)?)).wait())?;
    seal::drop_key(&zone.key_file(), id)?;
    println!(
        "key {id} is gone. Older backups need it: keep the copy of the key file they were made with."
    );
    Ok(())
}
