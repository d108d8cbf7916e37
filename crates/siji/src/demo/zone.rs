//! Makes the demo zone: its areas, its people and their logins, the register, cards, the store and
//! what is given to it.

use std::collections::HashMap;

use app::access::{AddPerson, First, GivePost, Invite, Settings};
use app::{Never, Reach, Who};
use domain::access::Role;
use domain::goods::{Good, MoveLine};
use domain::{Date, Id, Millis};
use store::args;

use super::chance::Chance;
use super::months::At;
use super::texts::Texts;
use super::{PASSWORD, Play, must};

pub struct People {
    pub office: Who,
    pub keeper: Who,
    pub store: Id,
    warehouse: Id,
    pub goods: Vec<Good>,
    pub cards: HashMap<Id, String>,
    pub households: u64,
    /// The village where the store stops today.
    pub village: Id,
    /// Two members of each village's committee.
    committees: HashMap<Id, [Id; 2]>,
    /// Township path → its reviewer.
    townships: HashMap<String, Id>,
    everybody: HashMap<Id, Who>,
}

impl People {
    pub fn who(&self, person: Id, now: Millis) -> anyhow::Result<Who> {
        let who = self.everybody.get(&person);
        Ok(who.ok_or_else(|| anyhow::anyhow!("the demo does not know {person}"))?.at(now))
    }
    pub fn committee(&self, village: Id, n: usize, now: Millis) -> anyhow::Result<Who> {
        let members = self.committees.get(&village);
        self.who(members.map_or(Id::nil(), |m| m[n]), now)
    }
    pub fn township(&self, path: &str, now: Millis) -> anyhow::Result<Who> {
        let township: String = path.split('.').take(2).collect::<Vec<_>>().join(".");
        self.who(self.townships.get(&township).copied().unwrap_or(Id::nil()), now)
    }
}

/// A year before the first month: everybody is in office by then.
fn long_ago(now: Millis) -> Millis {
    now - 800 * 86_400_000
}

struct Village {
    id: Id,
    path: String,
    name: String,
}

pub fn make(play: &mut Play, households: u32) -> anyhow::Result<People> {
    let then = long_ago(play.now);
    let hashed = must(app::access::hash_of_demo(PASSWORD))?;
    let admin = play.step("zone", 1, |play, _| found(play, then, &hashed))?;
    let office = account(play, &admin, &hashed, "office", zone_area(play)?, None)?;
    super::register::import(play, &office, households, then)?;
    play.step("people", 1, |play, _| {
        let villages = villages(play)?;
        let (warehouse, store) = places(play, &office)?;
        let keeper = account(play, &admin, &hashed, "store", zone_area(play)?, Some(store))?;
        account(play, &admin, &hashed, "auditor", zone_area(play)?, None)?;
        let townships = townships(play, &admin, &hashed)?;
        let committees = committees(play, &admin, &hashed, &villages)?;
        logins_of_the_register(play, &admin, &hashed, &villages)?;
        let people = People {
            cards: cards(play, &office)?,
            goods: must(
                play.app.read::<_, Never>(Reach::System, |tx| Ok(store::goods::all(tx)?)).wait(),
            )?,
            households: u64::from(households),
            village: villages[0].id,
            everybody: everybody(play)?,
            office,
            keeper,
            store,
            warehouse,
            committees,
            townships,
        };
        Ok(people)
    })
}

/// The two who make everybody else: accounts are one's work, posts the other's.
struct Admins {
    system: Who,
    security: Who,
}

fn found(play: &mut Play, then: Millis, hashed: &str) -> anyhow::Result<Admins> {
    let [login, _, name, _] = demo_account(&play.texts, "security");
    let code_hash = play.chance.hash();
    let zone = play.texts.word("zone");
    let found = app::access::Found { key: play.chance.id(then), zone, code_hash, now: then };
    let password = hashed.to_owned();
    let first = First { key: play.chance.id(then), code_hash, name, login, password, now: then };
    let security = must(
        play.app
            .write(Reach::System, move |tx| {
                app::access::found(tx, &found).map_err(|e| e.map(|no| format!("{no:?}")))?;
                let id = app::access::first(tx, &first);
                let id = id.map_err(|e| e.map(|no| format!("{no:?}")))?;
                app::access::as_person(tx, id, then)
            })
            .wait(),
    )?;
    // A visitor signs in with a printed password and no telephone at hand.
    let (who, key) = (security.clone(), play.chance.id(then));
    let rules = Settings { profile: Default::default(), second_factor_required: false };
    must(
        play.app
            .write(Reach::System, move |tx| app::access::set_settings(tx, &who, key, rules))
            .wait(),
    )?;
    let mut admins = Admins { system: security.clone(), security };
    admins.system = account(play, &admins, hashed, "admin", zone_area(play)?, None)?;
    Ok(admins)
}

fn demo_account(texts: &Texts, login: &str) -> [String; 4] {
    let found = texts.accounts.iter().find(|a| a[0] == login);
    found.cloned().unwrap_or_default()
}

fn zone_area(play: &Play) -> anyhow::Result<Option<Id>> {
    let sql = "SELECT id FROM area WHERE parent IS NULL";
    must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| Ok(tx.opt(sql, &args![], |r| r.id(0))?))
            .wait(),
    )
}

fn villages(play: &Play) -> anyhow::Result<Vec<Village>> {
    must(
        play.app
            .read::<_, Never>(Reach::System, |tx| {
                Ok(tx.all(
                    "SELECT a.id, a.path, a.name FROM area a WHERE EXISTS \
                     (SELECT 1 FROM household h WHERE h.village = a.id) ORDER BY a.path",
                    &args![],
                    |r| Ok(Village { id: r.id(0)?, path: r.text(1)?, name: r.text(2)? }),
                )?)
            })
            .wait(),
    )
}

/// Adds a person with one post, and gives the login where there is one.
struct NewAccount {
    name: String,
    unit: String,
    login: Option<String>,
    role: Role,
    area: Option<Id>,
    place: Option<Id>,
}

fn add(play: &mut Play, admin: &Admins, hashed: &str, new: NewAccount) -> anyhow::Result<Who> {
    let then = admin.system.now;
    let person = AddPerson { key: play.chance.id(then), name: new.name, unit: Some(new.unit) };
    let post = GivePost {
        key: play.chance.id(then),
        person: person.key,
        role: new.role,
        area: new.area,
        place: new.place,
        from: admin.security.today(),
        to: None,
    };
    let (system, security, id) = (admin.system.clone(), admin.security.clone(), person.key);
    must(
        play.app
            .write(Reach::System, move |tx| {
                app::access::add_person(tx, &system, &person)?;
                app::access::give_post(tx, &security, &post)
            })
            .wait(),
    )?;
    if let Some(login) = new.login {
        let_in(play, &admin.system, id, &login, hashed)?;
    }
    let now = play.now;
    must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| app::access::as_person(tx, id, now))
            .wait(),
    )
}

/// Invites somebody, who sets the demo's password.
fn let_in(
    play: &mut Play,
    system: &Who,
    person: Id,
    login: &str,
    hashed: &str,
) -> anyhow::Result<()> {
    let code_hash = play.chance.hash();
    let (key, accepts) = (play.chance.id(system.now), play.chance.id(system.now));
    let invite = Invite { key, person, login: login.to_owned(), code_hash };
    let (system, hashed) = (system.clone(), hashed.to_owned());
    must(
        play.app
            .write(Reach::System, move |tx| {
                let invited = app::access::invite(tx, &system, &invite);
                invited.map_err(|e| e.map(|no| format!("{no:?}")))?;
                let accepted = app::access::accept(tx, accepts, code_hash, &hashed, system.now);
                accepted.map_err(|e| e.map(|no| format!("{no:?}")))
            })
            .wait(),
    )?;
    Ok(())
}

fn account(
    play: &mut Play,
    admin: &Admins,
    hashed: &str,
    login: &str,
    area: Option<Id>,
    place: Option<Id>,
) -> anyhow::Result<Who> {
    let [login, role, name, unit] = demo_account(&play.texts, login);
    let role = Role::from_code(&role).ok_or_else(|| anyhow::anyhow!("no role {role}"))?;
    add(play, admin, hashed, NewAccount { name, unit, login: Some(login), role, area, place })
}

pub fn invented_name(chance: &mut Chance, texts: &Texts) -> String {
    // The weighted list is longer than the common names; the demo keeps to its head.
    let surnames = &texts.surnames[..texts.surnames.len().min(60)];
    let surname = chance.pick(surnames);
    format!("{surname}{}", chance.pick::<String>(&texts.given))
}

fn places(play: &mut Play, office: &Who) -> anyhow::Result<(Id, Id)> {
    let area = zone_area(play)?.unwrap_or(Id::nil());
    let mut open = |kind: &str| -> anyhow::Result<Id> {
        let request = app::goods::OpenPlace {
            key: play.chance.id(office.now),
            kind: kind.to_owned(),
            name: play.texts.word(kind),
            area,
        };
        let office = office.clone();
        must(
            play.app
                .write(office.reach(), move |tx| app::goods::open_place(tx, &office, &request))
                .wait(),
        )
    };
    Ok((open("warehouse")?, open("store")?))
}

fn townships(play: &mut Play, admin: &Admins, hashed: &str) -> anyhow::Result<HashMap<String, Id>> {
    let sql = "SELECT id, path, name FROM area WHERE kind = 'township' ORDER BY path";
    let rows: Vec<(Id, String)> = must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| {
                Ok(tx.all(sql, &args![], |r| Ok((r.id(0)?, r.text(1)?)))?)
            })
            .wait(),
    )?;
    let mut reviewers = HashMap::new();
    for (n, (area, path)) in rows.into_iter().enumerate() {
        let reviewer = if n == 0 {
            account(play, admin, hashed, "township", Some(area), None)?
        } else {
            let name = invented_name(&mut play.chance, &play.texts);
            let [_, _, _, unit] = demo_account(&play.texts, "township");
            let role = Role::TownshipReviewer;
            let new = NewAccount { name, unit, login: None, role, area: Some(area), place: None };
            add(play, admin, hashed, new)?
        };
        reviewers.insert(path, reviewer.person);
    }
    Ok(reviewers)
}

/// The village whose committee can sign in: its month waits for the review.
const REVIEWING: usize = 3;

fn committees(
    play: &mut Play,
    admin: &Admins,
    hashed: &str,
    villages: &[Village],
) -> anyhow::Result<HashMap<Id, [Id; 2]>> {
    let mut committees = HashMap::new();
    let shown = REVIEWING.min(villages.len() - 1);
    for (n, village) in villages.iter().enumerate() {
        let mut pair = [Id::nil(); 2];
        for (member, login) in pair.iter_mut().zip(["village", "village2"]) {
            let who = if n == shown {
                account(play, admin, hashed, login, Some(village.id), None)?
            } else {
                let new = NewAccount {
                    name: invented_name(&mut play.chance, &play.texts),
                    unit: format!("{}{}", village.name, play.texts.word("unit")),
                    login: None,
                    role: Role::VillageCommittee,
                    area: Some(village.id),
                    place: None,
                };
                add(play, admin, hashed, new)?
            };
            *member = who.person;
        }
        committees.insert(village.id, pair);
    }
    Ok(committees)
}

/// The first village's officer, and a cadre with households there, get the demo's logins.
fn logins_of_the_register(
    play: &mut Play,
    admin: &Admins,
    hashed: &str,
    villages: &[Village],
) -> anyhow::Result<()> {
    let path = villages[0].path.clone();
    let found: (Option<Id>, Option<Id>) = must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| {
                let officer = tx.opt(
                    "SELECT p.person FROM post p JOIN area a ON a.id = p.area \
                     WHERE p.role = 'assistance_officer' AND a.path = $1 ORDER BY p.id LIMIT 1",
                    &args![&path],
                    |r| r.id(0),
                )?;
                let cadre = tx.opt(
                    "SELECT s.person FROM assignment s JOIN household h ON h.id = s.household \
                     WHERE h.path = $1 ORDER BY h.number LIMIT 1",
                    &args![&path],
                    |r| r.id(0),
                )?;
                Ok((officer, cadre))
            })
            .wait(),
    )?;
    for (person, login) in [(found.0, "officer"), (found.1, "cadre")] {
        let Some(person) = person else { continue };
        let_in(play, &admin.system, person, login, hashed)?;
    }
    Ok(())
}

fn everybody(play: &Play) -> anyhow::Result<HashMap<Id, Who>> {
    let now = play.now;
    must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| {
                let ids = tx.all("SELECT DISTINCT person FROM post", &args![], |r| r.id(0))?;
                let mut everybody = HashMap::with_capacity(ids.len());
                for id in ids {
                    everybody.insert(id, app::access::as_person::<Never>(tx, id, now)?);
                }
                Ok(everybody)
            })
            .wait(),
    )
}

/// A card for every household.
fn cards(play: &mut Play, office: &Who) -> anyhow::Result<HashMap<Id, String>> {
    let sql = "SELECT id FROM household WHERE active ORDER BY number";
    let households: Vec<Id> = must(
        play.app
            .read::<_, Never>(Reach::System, move |tx| Ok(tx.all(sql, &args![], |r| r.id(0))?))
            .wait(),
    )?;
    let office = office.at(long_ago(play.now));
    let mut waiting = Vec::with_capacity(households.len());
    let mut cards = HashMap::with_capacity(households.len());
    for household in households {
        let request = app::redemption::IssueCard {
            key: play.chance.id(office.now),
            household,
            random: play.chance.next(),
        };
        let office = office.clone();
        let issued = play
            .app
            .write(office.reach(), move |tx| app::redemption::issue_card(tx, &office, &request));
        waiting.push((household, issued));
        if waiting.len() >= 256 {
            for (household, issued) in waiting.drain(..) {
                cards.insert(household, must(issued.wait())?);
            }
        }
    }
    for (household, issued) in waiting {
        cards.insert(household, must(issued.wait())?);
    }
    Ok(cards)
}

/// Before each market: every donor gives some of the goods, and the truck is loaded.
pub fn donate(play: &mut Play, people: &People, now: Millis) -> anyhow::Result<()> {
    let donors = play.texts.donors.clone();
    let on: Date = domain::local_date(now);
    let office = people.office.at(now);
    // Enough of each good for every fourth household and for rounding.
    let each = i64::try_from(people.households)? / 4 + 20;
    let share = each / i64::try_from(donors.len())? + 1;
    for [donor, public, note] in donors {
        let lines: Vec<(Id, i64, Option<Date>)> = people
            .goods
            .iter()
            .map(|good| {
                let days = 120 + i32::try_from(play.chance.below(500)).unwrap_or(0);
                (good.goods, share, on.checked_add(jiff::Span::new().days(days)).ok())
            })
            .collect();
        let request = app::goods::Receive {
            key: play.chance.id(now),
            donor,
            donor_public: public == "yes",
            place: people.warehouse,
            received_on: on,
            money_fen: 100 * (50_000 + i64::try_from(play.chance.below(9))? * 10_000),
            note,
            lines,
        };
        let by = office.clone();
        must(play.app.write(by.reach(), move |tx| app::goods::receive(tx, &by, &request)).wait())?;
    }
    let lines: Vec<MoveLine> = load(play, people)?;
    let key = play.chance.id(now + 1);
    let request = app::goods::Move { key, from: people.warehouse, to: people.store, lines };
    let by = people.office.at(now + 3_600_000);
    must(play.app.write(by.reach(), move |tx| app::goods::move_goods(tx, &by, &request)).wait())
}

/// Nine tenths of what stands in the warehouse.
fn load(play: &Play, people: &People) -> anyhow::Result<Vec<MoveLine>> {
    let warehouse = people.warehouse;
    let shelves = play
        .app
        .read::<_, Never>(Reach::System, move |tx| Ok(store::goods::shelves(tx, warehouse)?));
    let lines = must(shelves.wait())?.into_iter().filter_map(|shelf| {
        let quantity = shelf.left * 9 / 10;
        (quantity > 0).then_some(MoveLine { lot: shelf.lot, quantity })
    });
    Ok(lines.collect())
}
