//! A stage: an empty zone on one database, a clock that stands still until it is moved, people who
//! hold posts. `on_both` tells a story on SQLite and on PostgreSQL.

use std::cell::Cell;
use std::sync::Arc;

use app::{App, Failure, Reach, Who};
use domain::access::{Post, Role};
use domain::{Id, Millis};
use store::{Keys, Options, Tx, args};

pub struct Stage {
    pub app: App,
    pub options: Options,
    pub engine: &'static str,
    now: Cell<Millis>,
    ids: Cell<u64>,
    _folder: Option<tempfile::TempDir>,
}

/// Tells the story twice.
pub fn on_both(story: impl Fn(&Stage)) {
    story(&Stage::sqlite());
    story(&Stage::postgres());
}

impl Stage {
    pub fn sqlite() -> Stage {
        Stage::sqlite_with(crate::keys())
    }

    /// With keys of the story's own.
    pub fn sqlite_with(keys: Arc<Keys>) -> Stage {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let options = Options::folder(folder.path(), keys);
        Stage::open(options, "sqlite", Some(folder))
    }

    /// A schema of its own in the test cluster.
    pub fn postgres() -> Stage {
        Stage::postgres_with(&crate::postgres::url(), crate::keys())
    }

    /// In this cluster, with keys of the story's own.
    pub fn postgres_with(url: &str, keys: Arc<Keys>) -> Stage {
        let mut random = [0; 8];
        let name = tempfile::Builder::new().rand_bytes(10).tempdir().expect("a random name");
        for (i, b) in name.path().to_string_lossy().bytes().rev().take(8).enumerate() {
            random[i] = b;
        }
        let schema: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}schema=t{schema}");
        Stage::open(Options::postgres(url, keys), "postgres", None)
    }

    fn open(options: Options, engine: &'static str, folder: Option<tempfile::TempDir>) -> Stage {
        let app = App::open(&options).expect("a zone for a test");
        let stage =
            Stage { app, options, engine, now: Cell::new(0), ids: Cell::new(0), _folder: folder };
        stage.at("2026-11-02T09:00");
        stage
    }

    /// Sets the clock to a local time such as `2026-11-02T09:00`.
    pub fn at(&self, local: &str) {
        let time: jiff::civil::DateTime = local.parse().expect("a local time");
        let utc = jiff::tz::Offset::UTC.to_timestamp(time).expect("a time that exists");
        self.now.set(utc.as_millisecond() - 8 * 3_600_000);
    }

    pub fn now(&self) -> Millis {
        self.now.get()
    }

    /// A new id; the same ones in the same order on every run.
    pub fn id(&self) -> Id {
        let n = self.ids.get() + 1;
        self.ids.set(n);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&n.to_be_bytes());
        domain::id::new(self.now(), random)
    }

    pub fn write<T: Send + 'static, R: Send + std::fmt::Debug + 'static>(
        &self,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> Result<T, Failure<R>> {
        self.app.write(Reach::System, work).wait()
    }

    pub fn read<T: Send + 'static, R: Send + std::fmt::Debug + 'static>(
        &self,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> Result<T, Failure<R>> {
        self.app.read(Reach::System, work).wait()
    }

    /// The same within a person's reach, as the pages ask.
    pub fn write_in<T: Send + 'static, R: Send + std::fmt::Debug + 'static>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> Result<T, Failure<R>> {
        self.app.write(reach, work).wait()
    }

    pub fn read_in<T: Send + 'static, R: Send + std::fmt::Debug + 'static>(
        &self,
        reach: Reach,
        work: impl FnMut(&mut Tx) -> Result<T, Failure<R>> + Send + 'static,
    ) -> Result<T, Failure<R>> {
        self.app.read(reach, work).wait()
    }

    /// Adds an area below the one whose path is its path's beginning.
    pub fn area(&self, path: &str, kind: &str, name: &str) -> Id {
        let id = self.id();
        let above = path.rsplit_once('.').map(|(above, _)| above.to_owned());
        let (path, kind, name) = (path.to_owned(), kind.to_owned(), name.to_owned());
        self.write::<_, app::Never>(move |tx| {
            let parent = match &above {
                Some(above) => {
                    tx.opt("SELECT id FROM area WHERE path = $1", &args![above], |r| r.id(0))?
                }
                None => None,
            };
            tx.exec(
                "INSERT INTO area (id, parent, path, kind, name) VALUES ($1, $2, $3, $4, $5)",
                &args![id, parent, &path, &kind, &name],
            )?;
            Ok(())
        })
        .expect("an area");
        id
    }

    /// Somebody with one post at an area (`None` for a cadre), held since long ago.
    pub fn person(&self, name: &str, role: Role, path: Option<&str>) -> Who {
        let (id, post) = (self.id(), self.id());
        let from = jiff::civil::date(2020, 1, 1);
        let (named, at_path, now) = (name.to_owned(), path.map(str::to_owned), self.now());
        self.write::<_, app::Never>(move |tx| {
            store::access::record_person(
                tx,
                &store::access::NewPerson {
                    id,
                    name: &named,
                    phone: None,
                    unit: None,
                    login: None,
                    password: None,
                    must_change: false,
                    at: now,
                },
            )?;
            let area = match &at_path {
                Some(p) => tx.opt("SELECT id FROM area WHERE path = $1", &args![p], |r| r.id(0))?,
                None => None,
            };
            store::access::record_post(
                tx,
                &store::access::NewPost {
                    id: post,
                    person: id,
                    role,
                    area,
                    place: None,
                    from,
                    to: None,
                },
            )?;
            Ok(())
        })
        .expect("a person");
        let post = Post { role, path: path.map(str::to_owned), place: None, from, to: None };
        Who { person: id, name: name.to_owned(), posts: vec![post], now }
    }

    /// A household of the village at this path, on the register since before the story.
    pub fn household(&self, village: &str, number: &str, head: &str, able_to_work: bool) -> Id {
        let id = self.id();
        let (village, number, head) = (village.to_owned(), number.to_owned(), head.to_owned());
        self.write::<_, app::Never>(move |tx| {
            tx.exec(
                "INSERT INTO household (id, number, village, path, head_name, size, able_to_work, \
                 search, active, changed_at, digest) SELECT $1, $2, a.id, a.path, $4, 2, $5, $4, \
                 TRUE, 0, $6 FROM area a WHERE a.path = $3",
                &args![id, &number, &village, &head, able_to_work, [0_u8; 32]],
            )?;
            let more = "UPDATE area SET households = households + 1 WHERE path = $1";
            tx.exec(more, &args![&village])?;
            Ok(())
        })
        .expect("a household");
        id
    }

    /// Makes somebody the household's assigned cadre.
    pub fn assign(&self, household: Id, cadre: &Who) {
        let (id, person) = (self.id(), cadre.person);
        self.write::<_, app::Never>(move |tx| {
            tx.exec(
                "INSERT INTO assignment (id, household, person, from_date) \
                 VALUES ($1, $2, $3, '2020-01-01')",
                &args![id, household, person],
            )?;
            Ok(())
        })
        .expect("an assignment");
    }

    /// Declares somebody a relative of the household.
    pub fn kin(&self, person: &Who, household: Id, relation: &str) {
        let (id, person, relation) = (self.id(), person.person, relation.to_owned());
        self.write::<_, app::Never>(move |tx| {
            tx.exec(
                "INSERT INTO kinship (id, person, household, relation, declared_at, declared_by, \
                 digest) VALUES ($1, $2, $3, $4, 0, $2, $5)",
                &args![id, person, household, &relation, [0_u8; 32]],
            )?;
            Ok(())
        })
        .expect("a kinship");
    }

    /// The same person, asking now.
    pub fn now_as(&self, who: &Who) -> Who {
        Who { now: self.now(), ..who.clone() }
    }
}
