//! `policy.csv` and `policy-fields.csv` as the tests read them.

use std::collections::BTreeMap;

use domain::access::{Role, is_within};

/// Where the record lies, seen from the asker's post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    Own,
    Child,
    Parent,
    Sibling,
    OtherZone,
}

impl Placement {
    pub const ALL: [Placement; 5] = [
        Placement::Own,
        Placement::Child,
        Placement::Parent,
        Placement::Sibling,
        Placement::OtherZone,
    ];
}

/// What a cell says; the head of the file explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    No,
    Any,
    Below,
    Around,
    Assigned,
    Mine,
    Nothing,
    Zone,
    Asked,
}

impl Cell {
    fn parse(word: &str) -> Cell {
        match word {
            "-" => Cell::No,
            "any" => Cell::Any,
            "below" => Cell::Below,
            "around" => Cell::Around,
            "assigned" => Cell::Assigned,
            "mine" => Cell::Mine,
            "nothing" => Cell::Nothing,
            "zone" => Cell::Zone,
            "asked" => Cell::Asked,
            other => panic!("{other:?} is no word of the policy"),
        }
    }

    /// What a request about a record at `placement` (about none: `None`) is answered.
    pub fn answers(self, placement: Option<Placement>, column: &str, at_zone: bool) -> Outcome {
        use Placement::{Child, Own, Parent};
        let yes = match self {
            Cell::No if column == "public" => return Outcome::SignIn,
            Cell::No => return Outcome::NotAllowed,
            Cell::Zone if !at_zone => return Outcome::NotAllowed,
            Cell::Any | Cell::Zone => placement != Some(Placement::OtherZone),
            Cell::Below => matches!(placement, None | Some(Own | Child)),
            Cell::Around => matches!(placement, None | Some(Own | Child | Parent)),
            Cell::Assigned | Cell::Mine => matches!(placement, None | Some(Own)),
            Cell::Nothing => placement.is_none(),
            Cell::Asked => panic!("a route is not asked"),
        };
        if yes { Outcome::Allowed } else { Outcome::NotThere }
    }

    /// May a value that lies at `spot` be seen from a post at `post`? `assigned` is the one household
    /// of a cadre.
    pub fn shows(self, spot: &str, post: &str, assigned: &str) -> bool {
        let path = spot.split('#').next().unwrap_or(spot);
        let below = is_within(path, post);
        match self {
            Cell::No | Cell::Nothing | Cell::Zone => false,
            Cell::Any => true,
            Cell::Below | Cell::Asked if !assigned.is_empty() => spot == assigned,
            Cell::Below | Cell::Asked | Cell::Mine => below,
            Cell::Around => below || is_within(post, path),
            Cell::Assigned => spot == assigned,
        }
    }
}

/// How a request was, or is to be, answered. A rule that says no (409, 429) is past all guards, and
/// so allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Allowed,
    SignIn,
    NotAllowed,
    NotThere,
    /// The form did not come to the use case: a fault of the test.
    Unreadable,
    Broken,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Allowed => "allow",
            Outcome::SignIn => "401",
            Outcome::NotAllowed => "403",
            Outcome::NotThere => "404",
            Outcome::Unreadable => "form",
            Outcome::Broken => "broken",
        }
    }
}

pub struct Row {
    pub route: String,
    pub method: String,
    pub path: String,
    pub about: String,
    /// A second factor is shown first.
    pub factor: bool,
    /// The answer holds sealed values in clear.
    pub asked: bool,
    /// It holds what was answered to whoever brings the code.
    pub by_code: bool,
    cells: BTreeMap<String, Cell>,
}

impl Row {
    pub fn cell(&self, column: &str) -> Cell {
        self.cells[column]
    }
}

pub struct Policy {
    pub rows: Vec<Row>,
    /// What of each field each column sees.
    fields: BTreeMap<String, BTreeMap<String, Cell>>,
}

const POLICY: &str = include_str!("../../../../../policy.csv");
const FIELDS: &str = include_str!("../../../../../policy-fields.csv");

/// The columns after the first `fixed` ones.
fn columns(header: &str, fixed: usize) -> Vec<String> {
    let columns: Vec<String> = header.split(',').skip(fixed).map(str::to_owned).collect();
    let wanted = ["public", "none"].into_iter().chain(Role::ALL.map(Role::code));
    assert!(columns.iter().map(String::as_str).eq(wanted), "a column for each role: {header}");
    columns
}

fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

impl Policy {
    pub fn read() -> Policy {
        let header = lines(POLICY).next().expect("a header");
        let roles = columns(header.strip_suffix(",sealed").expect("the last column"), 5);
        let rows = lines(POLICY).skip(1).map(|line| {
            let words: Vec<&str> = line.split(',').collect();
            assert_eq!(words.len(), roles.len() + 6, "{line}");
            let cells = roles.iter().cloned().zip(words[5..].iter().map(|word| Cell::parse(word)));
            Row {
                route: words[0].to_owned(),
                method: words[1].to_owned(),
                path: words[2].to_owned(),
                about: words[3].to_owned(),
                factor: words[4] == "yes",
                asked: words.last() == Some(&"asked"),
                by_code: words.last() == Some(&"code"),
                cells: cells.collect(),
            }
        });
        let roles = columns(lines(FIELDS).next().expect("a header"), 1);
        let fields = lines(FIELDS).skip(1).map(|line| {
            let (field, words) = line.split_once(',').expect("a field");
            let words: Vec<&str> = words.split(',').collect();
            assert_eq!(words.len(), roles.len(), "{line}");
            let cells = words.into_iter().map(Cell::parse);
            (field.to_owned(), roles.iter().cloned().zip(cells).collect())
        });
        Policy { rows: rows.collect(), fields: fields.collect() }
    }

    pub fn field(&self, field: &str, column: &str) -> Cell {
        let row = self.fields.get(field);
        row.unwrap_or_else(|| panic!("{field} has no row in policy-fields.csv"))[column]
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}
