//! The use cases: authorise, load, decide, record. The one list of everything Siji can be asked.
//!
//! A use case is a plain function over `&mut store::Tx` and the `Who` that asks; `App` gives it a
//! transaction. Knows nothing of HTTP and nothing of SQL.

mod failure;
pub mod keys;
mod who;

pub mod access;
pub mod audit;
pub mod calendar;
pub mod goods;
pub mod points;
pub mod posting;
pub mod privacy;
pub mod redemption;
pub mod registry;
pub mod reports;
pub mod scheme;
pub mod scoring;
pub mod verify;

pub use domain::access::Reach;
pub use failure::{Failure, Never};
pub use store::{Broken, Tx};
pub use who::Who;

/// A zone, open for work. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: store::Db,
}

impl App {
    pub fn open(options: &store::Options) -> Result<App, Broken> {
        let app = App { db: store::Db::open(options)? };
        app.ship()?;
        Ok(app)
    }

    /// What comes with the program and a new zone lacks: holiday years, the default scheme, goods;
    /// a posting log, with the postings from before there was one.
    fn ship(&self) -> Result<(), Broken> {
        let work = |tx: &mut Tx| -> Result<(), Failure<Never>> {
            calendar::ship(tx)?;
            scheme::ship(tx)?;
            posting::begin_log(tx)?;
            goods::ship(tx)
        };
        self.write(Reach::System, work).wait().map_err(|failure| match failure {
            Failure::Broken(broken) => broken,
            other => Broken::data(format!("{other:?}")),
        })
    }

    /// Links every line of the log that waits; in the name of nobody.
    pub fn seal(&self, now: domain::Millis) -> Result<(), Broken> {
        loop {
            match self.write(Reach::System, move |tx| audit::seal(tx, now)).wait() {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(Failure::Broken(broken)) => return Err(broken),
                Err(other) => return Err(Broken::data(format!("{other:?}"))),
            }
        }
    }

    /// Runs a use case in a transaction of its own; the answer comes when it is durable. What a
    /// person asks runs within `who.reach()`, the program's own work within `Reach::System`.
    pub fn write<T, R>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> store::Answer<T, Failure<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        self.db.write(reach, work)
    }

    /// Runs a query on one unchanging view of the data within `reach`.
    pub fn read<T, R>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> store::Answer<T, Failure<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        self.db.read(reach, work)
    }
}
