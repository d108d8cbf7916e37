//! The matrix of rights: every route, for every role, about a record at every place that its post
//! can be seen from, held against `policy.csv`; and every answer searched for words that stand in
//! no place this asker may see. Then the same with guards taken away, which must be noticed.

mod forms;
mod house;
mod policy;
mod zone;

use std::time::Instant;

use axum::http::StatusCode;
use domain::access::Role;
use store::access::Resource;
use testkit::Stage;
use web::{Guard, Subject};

use house::{Asker, Ground, House};
use policy::{Outcome, Placement, Policy};

/// A route, a role, a placement, what the policy says and what the program did: one line where they
/// differ.
#[derive(Default)]
pub struct Picture {
    cells: usize,
    wrong: Vec<String>,
    /// Words from where the asker has no business.
    foreign: Vec<String>,
}

impl Picture {
    fn cell(&mut self, route: &str, who: &str, at: &str, wanted: Outcome, got: Outcome, was: &str) {
        self.cells += 1;
        if wanted != got {
            let (wanted, got) = (wanted.word(), got.word());
            self.wrong.push(format!("{route:<28} {who:<20} {at:<12} {wanted:<8} {got:<8} {was}"));
        }
    }

    fn must_be_clean(&self, engine: &str) {
        let head = format!(
            "{:<28} {:<20} {:<12} {:<8} {:<8}",
            "route", "role", "placement", "policy", "program"
        );
        assert!(
            self.wrong.is_empty() && self.foreign.is_empty(),
            "{engine}: {} of {} cells differ from policy.csv\n{head}\n{}\n\
             {} words from elsewhere\n{}\n",
            self.wrong.len(),
            self.cells,
            self.wrong.join("\n"),
            self.foreign.len(),
            self.foreign.join("\n"),
        );
    }
}

fn on(stage: &Stage, other: &Stage) {
    let begun = Instant::now();
    let ground = Ground::played(stage, other);
    let house = House::open(&ground, &[]);
    let mut picture = Picture::default();
    house.everything(&mut picture);
    house.posts_that_end(&mut picture);
    println!("{}: {} cells in {:?}", stage.engine, picture.cells, begun.elapsed());
    picture.must_be_clean(stage.engine);
    assert!(picture.cells > 2_500, "{} cells", picture.cells);
}

#[test]
fn every_cell_on_sqlite() {
    on(&Stage::sqlite(), &Stage::sqlite());
}

#[test]
fn every_cell_on_postgres() {
    on(&Stage::postgres(), &Stage::postgres());
}

#[test]
fn each_route_has_its_row_and_each_row_its_route() {
    let policy = Policy::read();
    let routes = web::routes();
    let mut named: Vec<_> = routes.iter().map(|route| route.name).collect();
    named.sort_unstable();
    let mut rows: Vec<_> = policy.rows.iter().map(|row| row.route.as_str()).collect();
    rows.sort_unstable();
    assert_eq!(named, rows);
    for route in &routes {
        let row = policy.rows.iter().find(|row| row.route == route.name).expect("a row");
        assert_eq!(row.factor, route.second_factor, "{}", route.name);
        // What takes something out of the house, or lets others do so, is never open to a password alone.
        assert!(row.factor || !route.path.ends_with("/export"), "{}", route.name);
        assert_eq!((route.method.as_str(), route.path), (row.method.as_str(), row.path.as_str()));
        let about = match route.subject {
            Subject::One(resource, _) => record(resource),
            _ => continue,
        };
        assert_eq!(row.about, about, "{}", route.name);
    }
}

fn record(resource: Resource) -> &'static str {
    match resource {
        Resource::Area => "area",
        Resource::Household => "household",
        Resource::Batch => "batch",
        Resource::Posting => "posting",
        Resource::Objection => "objection",
        Resource::Place => "place",
        Resource::MarketDay => "market_day",
        Resource::Redemption => "redemption",
        Resource::Card => "card",
        Resource::Takeout => "takeout",
    }
}

#[test]
fn an_id_sent_from_elsewhere_is_answered_as_one_that_does_not_exist() {
    for (stage, other) in
        [(Stage::sqlite(), Stage::sqlite()), (Stage::postgres(), Stage::postgres())]
    {
        let ground = Ground::played(&stage, &other);
        let house = House::open(&ground, &[]);
        let (swaps, told_apart) = house.swapped_ids();
        assert!(told_apart.is_empty(), "{}:\n{}", stage.engine, told_apart.join("\n"));
        println!("{}: {swaps} ids swapped", stage.engine);
        assert!(swaps > 200, "{swaps}");
    }
}

#[test]
fn a_guard_that_is_taken_away_is_missed() {
    let (stage, other) = (Stage::sqlite(), Stage::sqlite());
    let ground = Ground::played(&stage, &other);
    for guard in [Guard::SignedIn, Guard::Permission, Guard::Area, Guard::Scope] {
        let house = House::open(&ground, &[guard]);
        let mut picture = Picture::default();
        house.looking(&mut picture);
        println!("without {guard:?}: {} cells turn red", picture.wrong.len());
        assert!(!picture.wrong.is_empty(), "nothing misses {guard:?}");
    }
    let asked = |without: &[Guard]| {
        let house = House::open(&ground, without);
        house.sent_from_elsewhere()
    };
    assert_eq!(asked(&[]), StatusCode::FORBIDDEN);
    assert_ne!(asked(&[Guard::Origin]), StatusCode::FORBIDDEN);
}

/// With one wall down nothing of a villager comes through; with both, the search sees that it does.
fn walls(stage: &Stage, other: &Stage) {
    let ground = Ground::played(stage, other);
    let through = |without: &[Guard]| {
        let house = House::open(&ground, without);
        let mut picture = Picture::default();
        house.looking_from_below(&mut picture);
        picture.foreign
    };
    let walled = |mut foreign: Vec<String>| {
        foreign.retain(|line| house::is_walled(line));
        foreign
    };
    let none = Vec::<String>::new();
    assert_eq!(through(&[Guard::Reach]), none, "{} without its wall", stage.engine);
    assert_eq!(walled(through(&[Guard::Scope])), none, "{} behind its wall", stage.engine);
    let both = walled(through(&[Guard::Scope, Guard::Reach]));
    println!("{} without walls: {} words from elsewhere", stage.engine, both.len());
    assert!(both.len() > 100, "{}: the search is blind: {both:?}", stage.engine);
}

#[test]
fn either_wall_keeps_what_lies_elsewhere_on_sqlite() {
    walls(&Stage::sqlite(), &Stage::sqlite());
}

#[test]
fn either_wall_keeps_what_lies_elsewhere_on_postgres() {
    walls(&Stage::postgres(), &Stage::postgres());
}

#[test]
fn every_field_that_is_planted_and_every_sensitive_one_has_a_line() {
    let (stage, other) = (Stage::sqlite(), Stage::sqlite());
    let ground = Ground::played(&stage, &other);
    let house = House::open(&ground, &[]);
    let planted = house.zone.fields();
    let listed: Vec<&str> = house.policy.fields().collect();
    assert_eq!(planted, listed);
    let register = include_str!("../../../../data/privacy/fields.csv");
    for line in register.lines() {
        let words: Vec<&str> = line.split(',').collect();
        let field = format!("{}.{}", words[0], words[1]);
        // Files and numbers hold no word; they have tests of their own.
        let exempt = ["household.income_fen", "import.file", "import.report", "person.totp"];
        if words[3] == "sealed" && !exempt.contains(&field.as_str()) {
            assert!(planted.contains(&field), "{field} is sealed and stands in no cell");
        }
    }
}

/// The roles and the two who hold none, with their columns.
fn askers(house: &House) -> Vec<Asker> {
    let roles = Role::ALL.into_iter().map(|role| house.asker(role));
    roles.chain([house.stranger(), house.without_post()]).collect()
}

fn placements(house: &House, about: &str, asker: &Asker) -> Vec<(Placement, house::Record)> {
    Placement::ALL
        .into_iter()
        .filter_map(|placement| Some((placement, house.record(about, asker, placement)?)))
        .collect()
}
