//! People, posts, areas: who may do what where. One table of roles and permissions, one scope.

pub mod password;

use jiff::civil::Date;

use crate::Id;

/// What a post entitles to. The names follow the programme, not the software.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    ZoneOfficer,
    TownshipReviewer,
    VillageCommittee,
    AssistanceOfficer,
    AssignedCadre,
    StoreKeeper,
    Auditor,
    SystemAdmin,
    SecurityAdmin,
}

impl Role {
    pub const ALL: [Role; 9] = [
        Role::ZoneOfficer,
        Role::TownshipReviewer,
        Role::VillageCommittee,
        Role::AssistanceOfficer,
        Role::AssignedCadre,
        Role::StoreKeeper,
        Role::Auditor,
        Role::SystemAdmin,
        Role::SecurityAdmin,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Role::ZoneOfficer => "zone_officer",
            Role::TownshipReviewer => "township_reviewer",
            Role::VillageCommittee => "village_committee",
            Role::AssistanceOfficer => "assistance_officer",
            Role::AssignedCadre => "assigned_cadre",
            Role::StoreKeeper => "store_keeper",
            Role::Auditor => "auditor",
            Role::SystemAdmin => "system_admin",
            Role::SecurityAdmin => "security_admin",
        }
    }
    pub fn from_code(code: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.code() == code)
    }
}

/// One thing that can be asked of Siji, as far as rights are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See households, scores, batches, postings of one's areas.
    ReadHouseholds,
    /// See goods, stock, market days.
    ReadGoods,
    /// Download lists.
    Export,
    ImportRegister,
    ManageScheme,
    OpenRound,
    /// Visit and score.
    Score,
    /// Close scoring, settle, declare kinship.
    Review,
    Post,
    RecordObjection,
    AnswerObjection,
    Certify,
    AwardBonus,
    ReceiveGoods,
    AnnounceMarketDay,
    ManageCards,
    Redeem,
    /// See who is who and holds which posts.
    ReadPeople,
    /// Add people, invite them, let them set a new password.
    ManageAccounts,
    /// Give and end posts, take a lost second factor off, set the rules of passwords.
    ManagePosts,
    /// Shut somebody out at once: disable, end their sessions.
    ShutOut,
    /// Give one officer's households to another.
    HandOver,
    /// Search the log.
    ReadAudit,
    /// See who has seen or changed a household.
    ReadSeen,
    /// See a sealed value, with a reason that is logged.
    Reveal,
    /// Say yes or no to somebody else's list with sealed values.
    AllowTakeout,
}

impl Permission {
    pub const ALL: [Permission; 26] = [
        Permission::ReadHouseholds,
        Permission::ReadGoods,
        Permission::Export,
        Permission::ImportRegister,
        Permission::ManageScheme,
        Permission::OpenRound,
        Permission::Score,
        Permission::Review,
        Permission::Post,
        Permission::RecordObjection,
        Permission::AnswerObjection,
        Permission::Certify,
        Permission::AwardBonus,
        Permission::ReceiveGoods,
        Permission::AnnounceMarketDay,
        Permission::ManageCards,
        Permission::Redeem,
        Permission::ReadPeople,
        Permission::ManageAccounts,
        Permission::ManagePosts,
        Permission::ShutOut,
        Permission::HandOver,
        Permission::ReadAudit,
        Permission::ReadSeen,
        Permission::Reveal,
        Permission::AllowTakeout,
    ];
}

impl Role {
    /// The one table of rights.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Role::ZoneOfficer => !matches!(
                permission,
                P::ReadPeople
                    | P::ManageAccounts
                    | P::ManagePosts
                    | P::ShutOut
                    | P::ReadAudit
                    | P::Score
                    | P::Redeem
                    | P::Review
                    | P::Post
                    | P::Certify
            ),
            Role::TownshipReviewer => matches!(
                permission,
                P::ReadHouseholds
                    | P::ReadGoods
                    | P::Export
                    | P::RecordObjection
                    | P::AnswerObjection
                    | P::Certify
                    | P::ManageCards
                    | P::Reveal
                    | P::AllowTakeout
            ),
            Role::VillageCommittee => matches!(
                permission,
                P::ReadHouseholds
                    | P::ReadGoods
                    | P::Export
                    | P::Review
                    | P::Post
                    | P::RecordObjection
                    | P::AnswerObjection
                    | P::Certify
                    | P::ManageCards
                    | P::Reveal
            ),
            Role::AssistanceOfficer => {
                matches!(permission, P::ReadHouseholds | P::Score | P::RecordObjection | P::Reveal)
            }
            Role::AssignedCadre => {
                matches!(permission, P::ReadHouseholds | P::Score | P::Reveal)
            }
            Role::StoreKeeper => matches!(
                permission,
                P::ReadGoods | P::ReceiveGoods | P::AnnounceMarketDay | P::Redeem
            ),
            Role::Auditor => matches!(
                permission,
                P::ReadHouseholds | P::ReadGoods | P::Export | P::ReadAudit | P::ReadSeen
            ),
            Role::SystemAdmin => {
                matches!(permission, P::ReadPeople | P::ManageAccounts | P::ShutOut)
            }
            Role::SecurityAdmin => {
                matches!(permission, P::ReadPeople | P::ManagePosts | P::ShutOut)
            }
        }
    }

    /// System, security and audit administrator: three posts that nobody holds two of
    /// (GB/T 22239-2019 §8.1.5, 三员分立).
    pub fn is_administrator(self) -> bool {
        matches!(self, Role::SystemAdmin | Role::SecurityAdmin | Role::Auditor)
    }
}

impl Permission {
    /// Whoever administers, certifies or takes lists out shows a second factor first
    /// (OWASP ASVS 5.0 §6.3.3).
    pub fn needs_second_factor(self) -> bool {
        use Permission as P;
        matches!(
            self,
            P::ReadPeople
                | P::ManageAccounts
                | P::ManagePosts
                | P::ShutOut
                | P::ReadAudit
                | P::Certify
                | P::Export
                | P::AllowTakeout
        )
    }
}

/// A (role, where) that a person holds from one day to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub role: Role,
    /// Management-tree path of the area, `None` for a cadre, whose households are assigned one by one.
    pub path: Option<String>,
    /// The store a keeper keeps.
    pub place: Option<Id>,
    pub from: Date,
    pub to: Option<Date>,
}

impl Post {
    pub fn is_held_on(&self, today: Date) -> bool {
        self.from <= today && self.to.is_none_or(|to| today <= to)
    }

    /// Is there a day on which both are held?
    fn meets(&self, other: &Post) -> bool {
        self.to.is_none_or(|to| other.from <= to) && other.to.is_none_or(|to| self.from <= to)
    }
}

/// Why a post is not given.
#[derive(Debug, PartialEq, Eq)]
pub enum PostRefusal {
    AreaMissing,
    PlaceMissing,
    EndsBeforeItBegins,
    /// An administrator holds no other post, and nobody else becomes one beside theirs.
    NotBesideAdministrator,
    /// Nobody gives themselves a post.
    OwnPost,
}

impl crate::Refusal for PostRefusal {
    fn code(&self) -> &'static str {
        match self {
            PostRefusal::AreaMissing => "post-area-missing",
            PostRefusal::PlaceMissing => "post-place-missing",
            PostRefusal::EndsBeforeItBegins => "post-ends-before-it-begins",
            PostRefusal::NotBesideAdministrator => "post-not-beside-administrator",
            PostRefusal::OwnPost => "post-own",
        }
    }
}

/// May `post` be added to what a person `holds`?
pub fn decide_post(holds: &[Post], post: &Post, is_own: bool) -> Result<(), PostRefusal> {
    if is_own {
        return Err(PostRefusal::OwnPost);
    }
    if post.path.is_none() && post.role != Role::AssignedCadre {
        return Err(PostRefusal::AreaMissing);
    }
    if post.place.is_none() && post.role == Role::StoreKeeper {
        return Err(PostRefusal::PlaceMissing);
    }
    if post.to.is_some_and(|to| to < post.from) {
        return Err(PostRefusal::EndsBeforeItBegins);
    }
    let clashes = |held: &&Post| {
        held.role != post.role
            && (held.role.is_administrator() || post.role.is_administrator())
            && held.meets(post)
    };
    match holds.iter().find(clashes) {
        Some(_) => Err(PostRefusal::NotBesideAdministrator),
        None => Ok(()),
    }
}

/// What one person may see or do under one permission today: the single predicate behind every
/// list, count, page and export. Empty means nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub person: Id,
    /// Area paths; everything at or below each is inside.
    pub paths: Vec<String>,
    /// Also the households assigned to this person.
    pub assigned: bool,
}

impl Scope {
    /// Narrows a person's posts to those that carry `permission` on `today`.
    pub fn under(person: Id, posts: &[Post], permission: Permission, today: Date) -> Scope {
        let held = posts.iter().filter(|p| p.is_held_on(today) && p.role.may(permission));
        let mut scope = Scope { person, paths: Vec::new(), assigned: false };
        for post in held {
            match &post.path {
                Some(path) => scope.add(path),
                None => scope.assigned |= post.role == Role::AssignedCadre,
            }
        }
        scope
    }

    /// Of somebody unknown, or of nothing in particular.
    pub fn nowhere() -> Scope {
        Scope { person: Id::nil(), paths: Vec::new(), assigned: false }
    }

    fn add(&mut self, path: &str) {
        if self.paths.iter().any(|p| is_within(path, p)) {
            return;
        }
        self.paths.retain(|p| !is_within(p, path));
        self.paths.push(path.to_owned());
    }

    /// What lies in both.
    pub fn and(&self, other: &Scope) -> Scope {
        let assigned = self.assigned && other.assigned;
        let mut both = Scope { person: self.person, paths: Vec::new(), assigned };
        for a in &self.paths {
            for b in &other.paths {
                if is_within(a, b) {
                    both.add(a);
                } else if is_within(b, a) {
                    both.add(b);
                }
            }
        }
        both
    }

    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.assigned
    }

    /// Is this area inside? Says nothing of assigned households, which only the store knows.
    pub fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|p| is_within(path, p))
    }
}

/// Permissions under which somebody meets a household at all. Who holds none of them has no reach.
const MEETS_HOUSEHOLDS: [Permission; 2] = [Permission::ReadHouseholds, Permission::Redeem];

/// How far one transaction may see and touch, whatever it is asked: the second wall, which the
/// database itself keeps. A person's reach is the union of their scopes, never more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The program's own work: signing in, taking in files, checking the books.
    System,
    /// Anybody: what hangs on the wall, and nothing else of any area.
    Public,
    Person(Scope),
}

impl Reach {
    /// The reach of a person's posts on `today`.
    pub fn of(person: Id, posts: &[Post], today: Date) -> Reach {
        let mut reach = Scope { person, paths: Vec::new(), assigned: false };
        for permission in MEETS_HOUSEHOLDS {
            let scope = Scope::under(person, posts, permission, today);
            scope.paths.iter().for_each(|path| reach.add(path));
            reach.assigned |= scope.assigned;
        }
        Reach::Person(reach)
    }

    /// Is there nothing in the zone that lies outside?
    pub fn is_all(&self) -> bool {
        match self {
            Reach::System => true,
            Reach::Public => false,
            Reach::Person(scope) => scope.paths.iter().any(|path| !path.contains('.')),
        }
    }
}

/// Is `path` the area `above` or one below it?
pub fn is_within(path: &str, above: &str) -> bool {
    path == above || (path.starts_with(above) && path.as_bytes().get(above.len()) == Some(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn rights_as_a_picture() {
        let mut picture = String::new();
        for permission in Permission::ALL {
            let roles: Vec<_> =
                Role::ALL.into_iter().filter(|r| r.may(permission)).map(Role::code).collect();
            picture.push_str(&format!("{:<18} {}\n", format!("{permission:?}"), roles.join(" ")));
        }
        insta::assert_snapshot!(picture);
    }

    #[test]
    fn a_post_ends() {
        let post = |path: &str, to| Post {
            role: Role::VillageCommittee,
            path: Some(path.into()),
            place: None,
            from: date(2026, 1, 1),
            to,
        };
        let posts = [
            post("001.002.003", Some(date(2026, 6, 30))),
            post("001.002", None),
            post("001.002.004", None),
        ];
        let scope = |today| Scope::under(Id::nil(), &posts, Permission::Review, today).paths;
        assert_eq!(scope(date(2026, 6, 30)), ["001.002"]);
        assert_eq!(scope(date(2025, 12, 31)), Vec::<String>::new());
        assert!(!is_within("001.0021", "001.002"));
    }

    #[test]
    fn nobody_holds_two_administrators_posts_or_one_beside_another() {
        let post = |role: &str, days: &str| {
            let (from, to) = days.split_once("..").expect("two days");
            Post {
                role: Role::from_code(role).expect("a role"),
                path: Some("001".into()),
                place: None,
                from: from.parse().expect("a day"),
                to: to.parse().ok(),
            }
        };
        let check = |held: (&str, &str), new: (&str, &str), is_own, expected| {
            let holds = [post(held.0, held.1)];
            assert_eq!(
                decide_post(&holds, &post(new.0, new.1), is_own),
                expected,
                "{held:?} {new:?}"
            );
        };
        let no = || Err(PostRefusal::NotBesideAdministrator);
        let always = "2026-01-01..";
        check(("system_admin", always), ("security_admin", always), false, no());
        check(("security_admin", always), ("auditor", always), false, no());
        check(("auditor", always), ("village_committee", always), false, no());
        check(("zone_officer", always), ("system_admin", always), false, no());
        check(
            ("zone_officer", "2026-01-01..2026-06-30"),
            ("system_admin", "2026-06-30.."),
            false,
            no(),
        );
        check(
            ("zone_officer", "2026-01-01..2026-06-30"),
            ("system_admin", "2026-07-01.."),
            false,
            Ok(()),
        );
        check(("auditor", always), ("auditor", always), false, Ok(()));
        check(("zone_officer", always), ("village_committee", always), false, Ok(()));
        check(
            ("security_admin", always),
            ("security_admin", always),
            true,
            Err(PostRefusal::OwnPost),
        );
        check(
            ("zone_officer", always),
            ("zone_officer", "2026-02-01..2026-01-31"),
            false,
            Err(PostRefusal::EndsBeforeItBegins),
        );
        check(
            ("zone_officer", always),
            ("store_keeper", always),
            false,
            Err(PostRefusal::PlaceMissing),
        );
    }

    #[test]
    fn what_lies_in_both() {
        let scope = |paths: &str| Scope {
            person: Id::nil(),
            paths: paths.split_whitespace().map(str::to_owned).collect(),
            assigned: false,
        };
        let check = |a: &str, b: &str, both: &str| {
            assert_eq!(scope(a).and(&scope(b)).paths, scope(both).paths, "{a} and {b}");
            assert_eq!(scope(b).and(&scope(a)).paths, scope(both).paths, "{b} and {a}");
        };
        check("001", "001.002", "001.002");
        check("001.002 001.003.001", "001.003", "001.003.001");
        check("001.002", "001.0021", "");
        check("001.002", "", "");
    }

    #[test]
    fn a_reach_is_the_union_of_what_is_held_today() {
        let post = |role, path: Option<&str>, to| Post {
            role,
            path: path.map(str::to_owned),
            place: None,
            from: date(2026, 1, 1),
            to,
        };
        let posts = [
            post(Role::VillageCommittee, Some("001.002.003"), None),
            post(Role::StoreKeeper, Some("001.004"), None),
            post(Role::TownshipReviewer, Some("001.005"), Some(date(2026, 6, 30))),
            post(Role::SystemAdmin, Some("001"), None),
            post(Role::AssignedCadre, None, None),
        ];
        let Reach::Person(reach) = Reach::of(Id::nil(), &posts, date(2026, 7, 1)) else {
            panic!("a person's reach")
        };
        assert_eq!(reach.paths, ["001.002.003", "001.004"]);
        assert!(reach.assigned);
        assert!(!Reach::of(Id::nil(), &posts[3..4], date(2026, 7, 1)).is_all());
    }
}
