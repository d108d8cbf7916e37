//! `siji print`: a paper as PDF, by whoever runs the program. What is printed for a person who is
//! signed in comes from the page concerned.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::print::{Paper, Roll, Sheet};
use anyhow::{Context, bail};
use app::reports::papers::{self, Honour, Newest, Whose};
use app::{App, Failure, Never, Reach, Tx};
use clap::{Args, ValueEnum};
use domain::access::Scope;
use domain::calendar::Month;
use domain::posting::{MaskedName, PublicText};
use domain::{Date, Id};
use indicatif::ProgressBar;

use crate::zone::Zone;

#[derive(Args)]
pub struct Print {
    #[command(flatten)]
    zone: Zone,
    #[arg(value_enum)]
    kind: Kind,
    /// Which one: a record's id, a household's number, a receipt's number. Without: the newest; of
    /// cards, all.
    #[arg(long, value_name = "WHAT")]
    of: Option<String>,
    /// The village's: cards of all its households, its month.
    #[arg(long, value_name = "NAME")]
    village: Option<String>,
    /// 2026-10; without: the newest that is certified, or this one.
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A posting's paper.
    #[arg(long, value_enum, default_value_t = Size::A4)]
    sheet: Size,
    /// A receipt for a roll 80 mm wide instead of A6.
    #[arg(long)]
    roll: bool,
    /// A notice's own number, as the office gives it.
    #[arg(long, value_name = "NUMBER", default_value = "")]
    number: String,
    /// Where the public finds this zone; stands in a posting's code.
    #[arg(
        long,
        env = "SIJI_PUBLIC_URL",
        value_name = "URL",
        default_value = "http://localhost:8080"
    )]
    url: String,
    /// Households that agreed to be named on a bulletin: a CSV with the columns name, village,
    /// what, consent (where the signed paper lies).
    #[arg(long, value_name = "FILE")]
    honours: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A village's list for the wall.
    Posting,
    /// Points cards, ten to a sheet.
    Card,
    Receipt,
    /// A household's points, line by line.
    Statement,
    /// The scheme in plain words.
    Leaflet,
    /// The same for a wall.
    Poster,
    /// A month's scores, to be signed.
    Review,
    /// A certified month as an official document.
    Notice,
    /// Who can have what on a market day.
    MarketDay,
    /// Thanks to a donor.
    Acknowledgement,
    /// What should stand at a place, to count by.
    StockCount,
    /// A zone's month on one page.
    Bulletin,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    A4,
    A3,
}

impl Print {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let app = self.zone.open_existing()?;
        let today = domain::local_date(web::now());
        if self.kind == Kind::Card {
            self.cards(&app)?;
            return Ok(ExitCode::SUCCESS);
        }
        let bytes = self.paper(&app, today)?.pdf()?;
        if self.kind == Kind::Notice {
            for face in ::print::official_faces_lacking() {
                eprintln!("siji: the face {face} is not installed; a free one stands in for it");
            }
        }
        std::fs::write(&self.out, bytes)
            .with_context(|| format!("{} could not be written", self.out.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// A single paper and its data.
    fn paper(&self, app: &App, today: Date) -> anyhow::Result<Paper> {
        let month = self.month()?.unwrap_or_else(|| Month::of(today));
        Ok(match self.kind {
            Kind::Posting => {
                let id = self.record(app, Newest::Posting)?;
                let found = read(app, move |tx, all| papers::poster(tx, Some(all), id, today))?;
                let sheet = match self.sheet {
                    Size::A4 => Sheet::A4,
                    Size::A3 => Sheet::A3,
                };
                ::print::posting(&found, sheet, &format!("{}/p/{id}", self.url))
            }
            Kind::Card => unreachable!("cards are printed in parts"),
            Kind::Receipt => {
                let id = match self.of.clone() {
                    Some(number) if number.parse::<Id>().is_err() => {
                        read(app, move |tx, _| papers::receipt_numbered(tx, &number))?
                    }
                    _ => self.record(app, Newest::Receipt)?,
                };
                let found = read(app, move |tx, all| papers::receipt(tx, all, id))?;
                ::print::receipt(&found, if self.roll { Roll::Mm80 } else { Roll::A6 })
            }
            Kind::Statement => {
                let id = self.household(app)?.context("a statement is --of a household")?;
                let found = read(app, move |tx, all| papers::statement(tx, all, id))?;
                ::print::statement(&found, today)
            }
            Kind::Leaflet | Kind::Poster => {
                let scheme = self.of.as_deref().map(str::parse).transpose()?;
                let found = read(app, move |tx, _| papers::leaflet(tx, scheme, month))?;
                match self.kind {
                    Kind::Poster => ::print::poster(&found),
                    _ => ::print::leaflet(&found),
                }
            }
            Kind::Review => {
                let id = self.batch(app)?;
                ::print::review(&read(app, move |tx, all| papers::review(tx, all, id))?)
            }
            Kind::Notice => {
                let id = self.batch(app)?;
                let found = read(app, move |tx, all| papers::notice(tx, all, id))?;
                let found = found.context("that month is not certified yet")?;
                ::print::notice(&found, &self.number, found.certified_on)
            }
            Kind::MarketDay => {
                let id = self.record(app, Newest::MarketDay)?;
                ::print::market_day(&read(app, move |tx, all| papers::market_list(tx, all, id))?)
            }
            Kind::Acknowledgement => {
                let id = self.record(app, Newest::Donation)?;
                let found = read(app, move |tx, all| papers::acknowledgement(tx, all, id))?;
                ::print::acknowledgement(&found, id, today)
            }
            Kind::StockCount => {
                let id = self.record(app, Newest::Place)?;
                let found = read(app, move |tx, all| papers::stock_count(tx, all, id))?;
                ::print::stock_count(&found, today)
            }
            Kind::Bulletin => {
                let honours = self.honours.as_deref().map(read_honours).transpose()?;
                let honours = honours.unwrap_or_default();
                let month = self.month()?;
                let found = read(app, move |tx, all| {
                    let month = match month {
                        Some(month) => month,
                        None => papers::newest_month(tx)?,
                    };
                    papers::bulletin(tx, all, all, month, honours.clone())
                })?;
                ::print::bulletin(&found)
            }
        })
    }

    /// A household's, a village's or everybody's cards, in parts with progress.
    fn cards(&self, app: &App) -> anyhow::Result<()> {
        let household = self.household(app)?;
        let village = self.village.clone();
        let (zone, faces) = read(app, move |tx, all| {
            let whose = match (household, &village) {
                (Some(id), _) => Whose::Household(id),
                (None, Some(name)) => Whose::Area(papers::village_path(tx, all, name)?),
                (None, None) => Whose::Area(all.paths[0].clone()),
            };
            Ok((papers::zone_name(tx)?, papers::card_faces(tx, all, &whose)?))
        })?;
        if faces.is_empty() {
            bail!("there are no cards in use to print");
        }
        let progress = ProgressBar::new(faces.len() as u64);
        let out = File::create(&self.out)
            .with_context(|| format!("{} could not be written", self.out.display()))?;
        ::print::all_cards(&zone, &faces, BufWriter::new(out), |done| {
            progress.set_position(done as u64);
        })?;
        progress.finish_and_clear();
        Ok(())
    }

    /// The record that is named by its id, or the newest.
    fn record(&self, app: &App, newest: Newest) -> anyhow::Result<Id> {
        match &self.of {
            Some(id) => id.parse().with_context(|| format!("{id} is no id of a record")),
            None => read(app, move |tx, _| papers::newest(tx, newest)),
        }
    }

    fn household(&self, app: &App) -> anyhow::Result<Option<Id>> {
        let Some(of) = self.of.clone() else { return Ok(None) };
        match of.parse() {
            Ok(id) => Ok(Some(id)),
            Err(_) => read(app, move |tx, all| papers::household_numbered(tx, all, &of)).map(Some),
        }
    }

    /// A village's month, or the batch that is named, or the one certified last.
    fn batch(&self, app: &App) -> anyhow::Result<Id> {
        match (self.village.clone(), self.month()?) {
            (Some(village), Some(month)) => read(app, move |tx, all| {
                let village = papers::village_named(tx, all, &village)?;
                papers::batch_of(tx, village, month)
            }),
            (None, None) => self.record(app, Newest::Certified),
            _ => bail!("--village and --month go together"),
        }
    }

    fn month(&self) -> anyhow::Result<Option<Month>> {
        let text = self.month.as_deref();
        text.map(|t| Month::parse(t).with_context(|| format!("{t} is no month"))).transpose()
    }
}

/// Reads within the whole zone.
fn read<T: Send + 'static>(
    app: &App,
    mut work: impl FnMut(&mut Tx, &Scope) -> Result<T, Failure<Never>> + Send + 'static,
) -> anyhow::Result<T> {
    let found = app.read(Reach::System, move |tx| {
        let all = papers::zone(tx)?;
        work(tx, &all)
    });
    found.wait().map_err(|failure| match failure {
        Failure::NotFound => anyhow::anyhow!("there is nothing like that to print"),
        other => anyhow::anyhow!("the data could not be read: {other:?}"),
    })
}

#[derive(serde::Deserialize)]
struct HonourRow {
    name: String,
    village: String,
    what: String,
    consent: String,
}

/// Who agreed to be named. A row without the place of its signed paper stops everything.
fn read_honours(file: &Path) -> anyhow::Result<Vec<Honour>> {
    let mut reader = csv::Reader::from_path(file)?;
    let mut honours = Vec::new();
    for (n, row) in reader.deserialize().enumerate() {
        let row: HonourRow = row?;
        if row.consent.trim().is_empty() {
            bail!("row {} does not say where the household's consent lies", n + 2);
        }
        honours.push(Honour {
            name: MaskedName::of(&row.name),
            village: PublicText::new(&row.village)?,
            what: PublicText::new(&row.what)?,
        });
    }
    Ok(honours)
}
