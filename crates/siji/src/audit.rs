//! `siji audit`: where the log stands, to be published.

use std::io::Write;
use std::process::ExitCode;

use app::Never;
use clap::{Args, Subcommand};
use domain::Date;

use crate::zone::Zone;

#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print where the log stood at the end of a day: the seal, its last line, the head.
    Head(Head),
}

#[derive(Args)]
struct Head {
    #[command(flatten)]
    zone: Zone,
    /// The day [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Head(head) => head.run(),
        }
    }
}

impl Head {
    fn run(self) -> anyhow::Result<ExitCode> {
        let app = self.zone.open_existing()?;
        let now = web::now();
        app.seal(now)?;
        let day = self.day.unwrap_or_else(|| domain::local_date(now));
        let head = app
            .read::<_, Never>(app::Reach::System, move |tx| Ok(app::audit::head_of(tx, day)?))
            .wait()
            .map_err(|e| anyhow::anyhow!("the log could not be read: {e:?}"))?;
        let mut out = std::io::stdout().lock();
        let Some(head) = head else {
            anyhow::bail!("the log had no line at the end of {day}");
        };
        let hex = domain::posting::body::hex(&head.head);
        if self.json {
            let said = serde_json::json!({
                "day": day.to_string(),
                "seal": head.number,
                "last_seq": head.last_seq,
                "head": hex,
            });
            writeln!(out, "{said}")?;
        } else {
            writeln!(out, "{day}  seal {}  line {}  {hex}", head.number, head.last_seq)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
