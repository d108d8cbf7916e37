//! A room uses the rooms above it, and none below.

use super::source::{self, line_at};
use super::{Finding, House};

/// The crates that have rooms, by the name their code goes by in the others.
const FLOORS: [&str; 4] = ["domain", "store", "app", "web"];

const LIST: &str = "ARCHITECTURE.md";

/// Finds every use of a room further down the list.
pub fn check(house: &House) -> Vec<Finding> {
    let rooms = listed(house.file(LIST).unwrap_or_default());
    if rooms.is_empty() {
        let what =
            "no list of rooms: a line of names between back-ticks under `## Rooms`".to_owned();
        return vec![Finding { path: LIST.to_owned(), line: 0, what }];
    }
    let mut findings = Vec::new();
    for floor in FLOORS {
        let folder = format!("crates/{floor}/src/");
        for (path, text) in house.under(&folder, ".rs") {
            let room = room_of(&path[folder.len()..]);
            if let Some(place) = rooms.iter().position(|listed| *listed == room) {
                findings.extend(uses_below(path, text, &rooms[..=place], &rooms[place + 1..]));
            }
        }
    }
    findings
}

/// The rooms in order: the words between back-ticks on the first line of them under `## Rooms`.
fn listed(architecture: &str) -> Vec<&str> {
    let chapter = architecture.split("## Rooms").nth(1).unwrap_or_default();
    let line = chapter.lines().find(|line| line.starts_with('`')).unwrap_or_default();
    line.split('`').skip(1).step_by(2).collect()
}

/// `posting.rs` and `posting/objection.rs` both belong to the room `posting`.
fn room_of(within: &str) -> &str {
    within.split(['/', '.']).next().unwrap_or_default()
}

fn uses_below(path: &str, text: &str, own: &[&str], below: &[&str]) -> Vec<Finding> {
    let room = own.last().copied().unwrap_or_default();
    let code = source::read(text).code;
    used(&code)
        .into_iter()
        .filter(|(_, name)| below.contains(name))
        .map(|(at, name)| Finding {
            path: path.to_owned(),
            line: line_at(&code, at),
            what: format!("the room `{room}` uses `{name}`, which stands below it"),
        })
        .collect()
}

/// The name after each `crate::`, `domain::`, … with `crate::{a, b::c}` taken apart.
fn used(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for floor in FLOORS.iter().chain(&["crate"]) {
        let start = format!("{floor}::");
        for (at, _) in code.match_indices(&start) {
            let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
            if is_whole {
                let after = at + start.len();
                found.extend(names(&code[after..]).map(|(offset, name)| (after + offset, name)));
            }
        }
    }
    found
}

fn names(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let (offset, group) = match code.strip_prefix('{') {
        Some(group) => (1, &group[..closing(group)]),
        None => (0, &code[..code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0)]),
    };
    let mut depth = 0_usize;
    group
        .split_inclusive([',', '{', '}'])
        .scan(offset, move |at, part| {
            let name = (*at, part, depth);
            *at += part.len();
            match part.chars().last() {
                Some('{') => depth += 1,
                Some('}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            Some(name)
        })
        .filter(|(_, _, depth)| *depth == 0)
        .map(|(at, part, _)| {
            let lead = part.len() - part.trim_start().len();
            let part = part.trim_start();
            let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
            (at + lead, &part[..end])
        })
}

/// Where the brace that is already open closes.
fn closing(group: &str) -> usize {
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at;
        }
    }
    group.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMS: &str = "## Rooms\n\n`access` `points` `posting`\n\nA room may …\n";

    fn found(path: &str, text: &str) -> Vec<String> {
        let house = House::of(&[(LIST, ROOMS), (path, text)]);
        check(&house).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_room_that_reaches_down_is_named() {
        let below = "the room `points` uses `posting`, which stands below it";
        let cases = [
            "use crate::posting::Root;",
            "use crate::posting;",
            "use crate::{access, posting};",
            "use domain::{access::{Role, Scope}, posting::{Root}};",
            "fn a() { store::posting::find(tx) }",
            "pub(in crate::posting) fn a() {}",
        ];
        for text in cases {
            for path in ["crates/app/src/points.rs", "crates/app/src/points/hold.rs"] {
                assert_eq!(found(path, text), [format!("{path}:1: {below}")], "{text}");
            }
        }
    }

    #[test]
    fn a_room_may_look_up_and_speak_of_anything() {
        let cases = [
            "use crate::access::Role;",
            "use crate::points::Account;",
            "// see crate::posting",
            "let text = \"crate::posting\";",
            "fn a(posting: Posting) { my::crate::points::x() }",
            "#[cfg(test)]\nmod tests {\n    use crate::posting;\n}",
            "use crate::{access::{posting}, points};",
        ];
        for text in cases {
            assert!(found("crates/app/src/points.rs", text).is_empty(), "{text}");
        }
        assert!(found("crates/web/src/server.rs", "use crate::posting;").is_empty());
    }

    #[test]
    fn a_house_without_a_list_is_out_of_order() {
        assert_eq!(check(&House::of(&[(LIST, "# Nothing")])).len(), 1);
    }
}
