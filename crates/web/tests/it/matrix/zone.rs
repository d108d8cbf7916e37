//! A zone of two townships with two villages each, and their month as it is really played: scored,
//! reviewed, posted, objected to, rewarded, redeemed, asked for. Every text that somebody may type
//! holds a word that stands at one place and in one field alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

use app::goods::{Announce, OpenPlace, Receive};
use app::posting::{Answer, Object, Post};
use app::privacy::{AskTakeout, DecideTakeout, Reveal};
use app::redemption::{Award, By, FreezeCard, IssueCard, Redeem, Reverse};
use app::registry::DeclareKinship;
use app::scoring::{AgreeWhereEqual, CloseScoring, FinishReview, SaveSheet, Settle};
use app::{Failure, Never, Who};
use domain::access::{Post as Held, Role};
use domain::calendar::Month;
use domain::posting::answer::Verdict;
use domain::posting::object::Channel;
use domain::privacy::takeout::Column;
use domain::privacy::{Reason, What};
use domain::redemption::{Proxy, Wish};
use domain::registry::{Household, Member};
use domain::scheme::Adoption;
use domain::scoring::{Outcome, Scores};
use domain::{Date, Id};
use store::{Tx, args};
use testkit::Stage;
use testkit::month::FULL;

pub const ZONE: &str = "001";
pub const TOWNSHIP: &str = "001.001";
pub const VILLAGE: &str = "001.001.001";
pub const HAMLET: &str = "001.001.001.001";
pub const TOWNSHIPS: [&str; 2] = [TOWNSHIP, "001.002"];
pub const VILLAGES: [&str; 4] = [VILLAGE, "001.001.002", "001.002.001", "001.002.002"];

/// Numbers that a citizen can have, one for each village.
const NUMBERS: [&str; 4] =
    ["11010519491231002X", "371502196203040013", "371502197005060026", "371502198107080030"];

pub struct Zone<'s> {
    pub stage: &'s Stage,
    pub today: Date,
    /// (kind, path of its area) of each record.
    ids: BTreeMap<(&'static str, String), Id>,
    /// Codes that stand for a record: of objections, of cards.
    pub codes: BTreeMap<(&'static str, String), String>,
    /// Who holds each role at the places that the matrix looks from.
    pub actors: BTreeMap<&'static str, Who>,
    first_word: usize,
    words: RefCell<Vec<(String, String)>>,
}

/// The beginning of each planted word.
const MARK: &str = "c4n";

impl<'s> Zone<'s> {
    /// `nth` tells zones apart that stand beside each other.
    pub fn played(stage: &'s Stage, nth: usize) -> Zone<'s> {
        let today = domain::local_date(web::now());
        stage.at(&format!("{today}T0{nth}:30"));
        let mut zone = Zone {
            stage,
            today,
            ids: BTreeMap::new(),
            codes: BTreeMap::new(),
            actors: BTreeMap::new(),
            first_word: nth * 10_000,
            words: RefCell::default(),
        };
        zone.areas();
        zone.people();
        zone.open_the_month();
        zone.stores();
        for (n, village) in VILLAGES.into_iter().enumerate() {
            zone.score(village);
            zone.post(village);
            zone.object(village);
            zone.reward(n, village);
        }
        for path in [ZONE, TOWNSHIP, TOWNSHIPS[1], HAMLET].into_iter().chain(VILLAGES) {
            zone.ask_takeout(path);
        }
        zone.import();
        zone
    }

    /// A word for this field of a record at this place, the same each time.
    fn word(&self, spot: &str, field: &str) -> String {
        let known = (spot.to_owned(), field.to_owned());
        let mut words = self.words.borrow_mut();
        let at = words.iter().position(|word| *word == known).unwrap_or_else(|| {
            words.push(known);
            words.len() - 1
        });
        format!("{MARK}{}z", self.first_word + at)
    }

    /// (place, field) of every planted word in this text; words of another zone lie nowhere here.
    pub fn found_in(&self, text: &str) -> Vec<(String, String)> {
        let words = self.words.borrow();
        let mut found: Vec<_> = text
            .split(MARK)
            .skip(1)
            .filter_map(|rest| rest.split_once('z')?.0.parse::<usize>().ok())
            .map(|n| {
                let word = n.checked_sub(self.first_word).and_then(|at| words.get(at)).cloned();
                word.unwrap_or_else(|| ("elsewhere".to_owned(), "area.name".to_owned()))
            })
            .collect();
        found.extend(self.ids_in(text));
        found.sort();
        found.dedup();
        found
    }

    /// The same for the ids of records: a link to what lies elsewhere says that it is there.
    fn ids_in(&self, text: &str) -> Vec<(String, String)> {
        let dashes = text.match_indices('-').filter_map(|(at, _)| {
            let id = text.get(at.checked_sub(8)?..at + 28)?;
            if id.as_bytes()[13] == b'-' { id.parse::<Id>().ok() } else { None }
        });
        dashes.filter_map(|id| self.told_by(id)).collect()
    }

    fn told_by(&self, id: Id) -> Option<(String, String)> {
        let (kind, path) = self.kind_of(id)?;
        let (table, spot) = match kind {
            "other household" => ("household", format!("{path}#2")),
            "household" => (kind, format!("{path}#1")),
            "objection" | "answered objection" => ("objection", format!("{path}#1")),
            "card" | "frozen card" => ("card", format!("{path}#1")),
            "redemption" | "reversed redemption" => ("redemption", format!("{path}#1")),
            "batch" | "takeout" | "import" | "donation" | "lot" | "person" | "post" => {
                (kind, path.to_owned())
            }
            _ => return None,
        };
        Some((spot, format!("{table}.id")))
    }

    /// Every field that has a word somewhere.
    pub fn fields(&self) -> Vec<String> {
        let words = self.words.borrow();
        let ids = self.ids.values().filter_map(|id| Some(self.told_by(*id)?.1));
        let mut fields: Vec<_> = words.iter().map(|word| word.1.clone()).chain(ids).collect();
        fields.sort();
        fields.dedup();
        fields
    }

    pub fn find(&self, kind: &'static str, path: &str) -> Option<Id> {
        self.ids.get(&(kind, path.to_owned())).copied()
    }

    /// The kind of a record and the path of its area.
    pub fn kind_of(&self, id: Id) -> Option<(&'static str, &str)> {
        let known = self.ids.iter().find(|(_, known)| **known == id);
        known.map(|((kind, path), _)| (*kind, path.as_str()))
    }

    fn at(&self, kind: &'static str, path: &str) -> Id {
        self.find(kind, path).unwrap_or_else(|| panic!("no {kind} at {path}"))
    }

    fn keep(&mut self, kind: &'static str, path: &str, id: Id) -> Id {
        self.ids.insert((kind, path.to_owned()), id);
        id
    }

    fn record(&mut self, kind: &'static str, path: &str) -> Id {
        self.keep(kind, path, self.stage.id())
    }

    pub fn actor(&self, role: &str) -> Who {
        self.stage.now_as(&self.actors[role])
    }

    /// What somebody asks, as the pages ask it.
    fn asks<T: Send + 'static, R: Send + std::fmt::Debug + 'static>(
        &self,
        who: &Who,
        mut work: impl FnMut(&mut Tx, &Who) -> Result<T, Failure<R>> + Send + 'static,
    ) -> T {
        let who = self.stage.now_as(who);
        let done = self.stage.write_in(who.reach(), move |tx| work(tx, &who));
        done.unwrap_or_else(|failure| panic!("the month is played: {failure:?}"))
    }

    fn write(&self, mut work: impl FnMut(&mut Tx) -> Result<(), store::Broken> + Send + 'static) {
        self.stage.write::<_, Never>(move |tx| Ok(work(tx)?)).expect("rows");
    }

    // The zone and its people.

    fn areas(&mut self) {
        let below = TOWNSHIPS.map(|path| (path, "township"));
        let villages = VILLAGES.map(|path| (path, "village"));
        let all = [(ZONE, "zone")].into_iter().chain(below).chain(villages);
        for (path, kind) in all.chain([(HAMLET, "hamlet")]) {
            let id = self.stage.area(path, kind, &self.word(path, "area.name"));
            self.keep("area", path, id);
        }
    }

    /// Somebody with a post, whose name, unit, login and telephone have words of the post's area.
    pub fn somebody(&self, role: Role, path: &str) -> Who {
        let (id, post) = (self.stage.id(), self.stage.id());
        let word = |field| self.word(path, field);
        let (name, unit) = (word("person.name"), word("person.unit"));
        let login = format!("{}{id:x}", word("person.login"));
        let phone = word("person.phone");
        let area = (role != Role::AssignedCadre).then(|| self.at("area", path));
        let (from, now) = (jiff::civil::date(2020, 1, 1), self.stage.now());
        let named = name.clone();
        self.write(move |tx| {
            let person = store::access::NewPerson {
                id,
                name: &named,
                phone: Some(&phone),
                unit: Some(&unit),
                login: Some(&login),
                // No password fits it; that there is one says that they can sign in.
                password: Some("-"),
                must_change: false,
                at: now,
            };
            store::access::record_person(tx, &person)?;
            let post = store::access::NewPost {
                id: post,
                person: id,
                role,
                area,
                place: None,
                from,
                to: None,
            };
            store::access::record_post(tx, &post)
        });
        let path = area.map(|_| path.to_owned());
        Who { person: id, name, posts: vec![Held { role, path, place: None, from, to: None }], now }
    }

    fn people(&mut self) {
        for (role, path) in [
            (Role::ZoneOfficer, ZONE),
            (Role::TownshipReviewer, TOWNSHIP),
            (Role::VillageCommittee, VILLAGE),
            (Role::AssistanceOfficer, VILLAGE),
            (Role::AssignedCadre, VILLAGE),
            (Role::StoreKeeper, TOWNSHIP),
            (Role::Auditor, ZONE),
            (Role::SystemAdmin, ZONE),
            (Role::SecurityAdmin, ZONE),
        ] {
            let who = self.somebody(role, path);
            self.actors.insert(role.code(), who);
        }
        for path in [ZONE, TOWNSHIP, TOWNSHIPS[1]].into_iter().chain(VILLAGES) {
            let who = self.somebody(Role::StoreKeeper, path);
            let person = who.person;
            self.keep("person", path, person);
            let post = self
                .stage
                .read::<_, Never>(move |tx| {
                    let sql = "SELECT id FROM post WHERE person = $1";
                    Ok(tx.one(sql, &args![person], |r| r.id(0))?)
                })
                .expect("a post");
            self.keep("post", path, post);
        }
    }

    /// Two households, each of two people; the first is the assigned cadre's.
    fn households(&mut self, n: usize, village: &str, cadres: [&Who; 2]) {
        for (k, kind) in ["household", "other household"].into_iter().enumerate() {
            let (id, area) = (self.record(kind, village), self.at("area", village));
            let spot = format!("{village}#{}", k + 1);
            let word = |field: &str| Some(self.word(&spot, field));
            let row = Household {
                number: self.word(&spot, "household.number"),
                village: area,
                path: village.to_owned(),
                hamlet: word("household.hamlet"),
                head_name: self.word(&spot, "household.head_name"),
                head: None,
                size: 2,
                graduation: None,
                graduated_year: None,
                poverty_cause: word("household.poverty_cause"),
                able_to_work: true,
                housing_grade: None,
                water_safe: None,
                income_fen: Some(123_456),
                phone: word("household.phone"),
                bank_name: word("household.bank_name"),
                bank_account: word("household.bank_account"),
                active: true,
            };
            let (head, kin) = (self.stage.id(), self.stage.id());
            let member = |number: Option<&str>| Member {
                household: id,
                number: format!("{}{}", self.word(&spot, "member.number"), number.is_some()),
                name: self.word(&spot, "member.name"),
                relation: "02".into(),
                sex: "1".into(),
                id_kind: "1".into(),
                citizen_number: Some(
                    number.map_or_else(|| self.word(&spot, "member.citizen_number"), Into::into),
                ),
                born_on: None,
                ethnic: None,
                political: None,
                education: None,
                student: None,
                health: word("member.health"),
                work_skill: None,
                work_area: None,
                work_months: None,
                medical_insurance: Some(true),
                dibao: None,
                active: true,
            };
            let mut members = vec![(head, member((k == 0).then_some(NUMBERS[n])))];
            if k == 0 {
                members.push((kin, member(None)));
            }
            self.write(move |tx| {
                store::registry::record_households(tx, [(id, &row, row.head_name.clone())], 0)?;
                let rows = members.iter().map(|(id, member)| (*id, member));
                store::registry::record_members(tx, rows)?;
                Ok(())
            });
            self.keep(["member", "other member"][k], village, head);
            self.stage.assign(id, cadres[k]);
        }
        self.codes.insert(("number", village.to_owned()), NUMBERS[n].to_owned());
    }

    // The month.

    fn open_the_month(&mut self) {
        let mine = self.actor("assigned_cadre");
        for (n, village) in VILLAGES.into_iter().enumerate() {
            let cadre = self.somebody(Role::AssignedCadre, village);
            let first = if village == VILLAGE { &mine } else { &cadre };
            self.households(n, village, [first, &cadre]);
            if village != VILLAGE {
                for role in [Role::AssistanceOfficer, Role::VillageCommittee] {
                    let who = self.somebody(role, village);
                    self.actors.insert(leaked(format!("{} {village}", role.code())), who);
                }
            }
            self.actors.insert(leaked(format!("first cadre {village}")), first.clone());
            self.actors.insert(leaked(format!("other cadre {village}")), cadre);
        }
        let (officer, month) = (self.actor("zone_officer"), Month::of(self.today));
        let scheme = self.keep("scheme", ZONE, app::scheme::shipped_id());
        let adopt = app::scheme::Adopt {
            key: self.stage.id(),
            scheme,
            adoption: Adoption {
                from_month: month,
                resolved_on: month.previous().last(),
                number: "1".into(),
                text: "agreed".into(),
            },
        };
        self.asks(&officer, move |tx, who| app::scheme::adopt(tx, who, &adopt));
        let open = app::calendar::OpenRound {
            key: self.record("round", ZONE),
            month,
            visits_from: month.first(),
            visits_to: month.last(),
        };
        self.asks(&officer, move |tx, who| app::calendar::open_round(tx, who, &open));
        let batches = self
            .stage
            .read::<_, Never>(|tx| {
                let sql = "SELECT id, path FROM batch";
                Ok(tx.all(sql, &args![], |r| Ok((r.id(0)?, r.text(1)?)))?)
            })
            .expect("batches");
        for (id, path) in batches {
            self.keep("batch", &path, id);
        }
    }

    /// A role's holder in this village.
    fn of(&self, role: &str, village: &str) -> Who {
        if village == VILLAGE { self.actor(role) } else { self.actor(&format!("{role} {village}")) }
    }

    fn score(&mut self, village: &'static str) {
        let (batch, today) = (self.at("batch", village), self.today);
        let households = ["household", "other household"].map(|kind| self.at(kind, village));
        let officer = self.of("assistance_officer", village);
        for (k, cadre) in ["first cadre", "other cadre"].into_iter().enumerate() {
            let cadre = self.actor(&format!("{cadre} {village}"));
            for who in [&officer, &cadre] {
                let sheet = SaveSheet {
                    key: self.stage.id(),
                    batch,
                    household: households[k],
                    scores: Scores::parse(FULL).expect("scores"),
                    remark: self.word(&format!("{village}#{}", k + 1), "sheet.remark"),
                    visited_on: Some(today),
                    opened_at: None,
                };
                self.asks(who, move |tx, who| app::scoring::save_sheet(tx, who, &sheet));
            }
        }
        let committee = self.of("village_committee", village);
        let kin = DeclareKinship {
            key: self.stage.id(),
            household: households[0],
            person: self.at("person", village),
            relation: self.word(&format!("{village}#1"), "kinship.relation"),
        };
        self.asks(&committee, move |tx, who| app::registry::declare_kinship(tx, who, &kin));
        let close = CloseScoring { key: self.stage.id(), batch, accept_missing: false };
        self.asks(&committee, move |tx, who| app::scoring::close_scoring(tx, who, &close));
        for (k, household) in households.into_iter().enumerate() {
            let settle = Settle {
                key: self.stage.id(),
                batch,
                household,
                outcome: Outcome::Assessed(Scores::parse(FULL).expect("scores")),
                note: self.word(&format!("{village}#{}", k + 1), "settlement.note"),
            };
            self.asks(&committee, move |tx, who| app::scoring::settle(tx, who, &settle));
        }
        let agree = AgreeWhereEqual { key: self.stage.id(), batch };
        self.asks(&committee, move |tx, who| app::scoring::agree_where_equal(tx, who, &agree));
        let finish = FinishReview { key: self.stage.id(), batch };
        self.asks(&committee, move |tx, who| app::scoring::finish_review(tx, who, &finish));
    }

    fn post(&mut self, village: &'static str) {
        let post = Post {
            key: self.record("posting", village),
            batch: self.at("batch", village),
            place: self.word(village, "posting.place"),
            contact: self.word(village, "posting.contact"),
            from: self.today,
        };
        let committee = self.of("village_committee", village);
        self.asks(&committee, move |tx, who| app::posting::post(tx, who, &post));
    }

    /// Two objections to the first row: one is answered, one is open.
    fn object(&mut self, village: &'static str) {
        let spot = format!("{village}#1");
        let now = self.stage.now();
        for kind in ["answered objection", "objection"] {
            let object = Object {
                key: self.record(kind, village),
                posting: self.at("posting", village),
                channel: Channel::Page,
                serial: Some(1),
                text: self.word(&spot, "objection.text"),
                by_name: Some(self.word(&spot, "objection.by_name")),
                contact: Some(self.word(&spot, "objection.contact")),
            };
            let filed = self
                .stage
                .write(move |tx| app::posting::object(tx, now, &object))
                .expect("an objection");
            self.codes.insert((kind, village.to_owned()), filed.code);
        }
        let answer = Answer {
            key: self.stage.id(),
            objection: self.at("answered objection", village),
            verdict: Verdict::Rejected,
            text: self.word(&spot, "objection.answer"),
            new_scores: None,
        };
        let officer = self.actor("zone_officer");
        self.asks(&officer, move |tx, who| app::posting::answer(tx, who, &answer));
    }

    // Stores and what they hand out.

    fn stores(&mut self) {
        let officer = self.actor("zone_officer");
        let goods = self
            .stage
            .read::<_, Never>(|tx| Ok(store::goods::all(tx)?))
            .expect("goods")
            .into_iter()
            .min_by_key(|good| good.points)
            .expect("goods");
        self.keep("good", ZONE, goods.goods);
        for path in [ZONE, TOWNSHIP, TOWNSHIPS[1], HAMLET].into_iter().chain(VILLAGES) {
            let open = OpenPlace {
                key: self.record("place", path),
                kind: "store".into(),
                name: self.word(path, "place.name"),
                area: self.at("area", path),
            };
            let receive = Receive {
                key: self.record("donation", path),
                donor: self.word(path, "donation.donor"),
                donor_public: true,
                place: open.key,
                received_on: self.today,
                money_fen: 100,
                note: self.word(path, "donation.note"),
                lines: vec![(
                    goods.goods,
                    50,
                    Some(self.today.saturating_add(jiff::Span::new().days(20))),
                )],
            };
            self.keep("lot", path, domain::id::derive(receive.key, "lot", 1));
            self.asks(&officer, move |tx, who| app::goods::open_place(tx, who, &open));
            self.asks(&officer, move |tx, who| app::goods::receive(tx, who, &receive));
        }
        let other = self.somebody(Role::StoreKeeper, TOWNSHIPS[1]);
        self.actors.insert("other keeper", other);
        for (keeper, path) in [("store_keeper", TOWNSHIP), ("other keeper", TOWNSHIPS[1])] {
            let place = self.at("place", path);
            let who = self.actors.get_mut(keeper).expect("a keeper");
            who.posts[0].place = Some(place);
            let person = who.person;
            self.write(move |tx| {
                let sql = "UPDATE post SET place = $2 WHERE person = $1";
                tx.exec(sql, &args![person, place]).map(drop)
            });
        }
    }

    /// An award, a market day, a card, goods handed over and taken back, a look at a sealed value.
    fn reward(&mut self, n: usize, village: &'static str) {
        let spot = format!("{village}#1");
        let (household, officer) = (self.at("household", village), self.actor("zone_officer"));
        let award = Award {
            key: self.stage.id(),
            household,
            event: "X1".into(),
            document: self.word(&spot, "bonus.document"),
            on_date: self.today,
        };
        self.asks(&officer, move |tx, who| app::redemption::award(tx, who, &award));
        let township = TOWNSHIPS[n / 2];
        let keeper = self.actor(["store_keeper", "other keeper"][n / 2]);
        let announce = Announce {
            key: self.record("market_day", village),
            place: self.at("place", township),
            village: self.at("area", village),
            on_date: self.today,
            spot: self.word(village, "market_day.spot"),
        };
        let day = announce.key;
        self.asks(&keeper, move |tx, who| app::goods::announce(tx, who, &announce));

        let committee = self.of("village_committee", village);
        for kind in ["frozen card", "card"] {
            let (key, random) = (self.record(kind, village), 1_000 + n as u64 * 10);
            let random = random + kind.len() as u64;
            let issue = IssueCard { key, household, random };
            let code =
                self.asks(&committee, move |tx, who| app::redemption::issue_card(tx, who, &issue));
            self.codes.insert((kind, village.to_owned()), code);
            if kind == "frozen card" {
                let reason = self.word(&spot, "card.frozen_reason");
                let freeze = FreezeCard { key: self.stage.id(), card: key, reason };
                self.asks(&committee, move |tx, who| {
                    app::redemption::freeze_card(tx, who, &freeze)
                });
            }
        }
        for kind in ["reversed redemption", "redemption"] {
            let redeem = Redeem {
                key: self.record(kind, village),
                by: By::Household(household),
                market_day: day,
                wishes: vec![Wish { goods: self.at("good", ZONE), quantity: 1 }],
                proxy: Some(Proxy {
                    name: self.word(&spot, "redemption.proxy_name"),
                    relation: "neighbour".into(),
                }),
            };
            let redemption = redeem.key;
            self.asks(&keeper, move |tx, who| app::redemption::redeem(tx, who, &redeem));
            if kind == "reversed redemption" {
                let reason = self.word(&spot, "redemption.reason");
                let reverse = Reverse { key: self.stage.id(), redemption, reason };
                self.asks(&keeper, move |tx, who| app::redemption::reverse(tx, who, &reverse));
            }
        }
        let reveal = Reveal {
            subject: household,
            what: Some(What::Phone),
            reason: Some(Reason::Visit),
            words: self.word(&spot, "audit_log.note"),
        };
        let officer = self.of("assistance_officer", village);
        self.asks(&officer, move |tx, who| app::privacy::reveal(tx, who, &reveal));
    }

    /// A list with sealed values, asked for by the area's own officer and allowed.
    fn ask_takeout(&mut self, path: &'static str) {
        let asker = match path {
            ZONE => self.actor("zone_officer"),
            TOWNSHIP | HAMLET => self.actor("township_reviewer"),
            VILLAGE => self.actor("village_committee"),
            _ if path.len() == TOWNSHIP.len() => self.somebody(Role::TownshipReviewer, path),
            _ => self.of("village_committee", path),
        };
        let ask = AskTakeout {
            key: self.record("takeout", path),
            path: path.to_owned(),
            columns: Column::ALL.to_vec(),
            reason: Some(Reason::Payment),
            words: self.word(path, "takeout.words"),
        };
        let allow = DecideTakeout {
            key: self.stage.id(),
            id: ask.key,
            allow: true,
            words: self.word(path, "takeout.answer"),
        };
        self.asks(&asker, move |tx, who| app::privacy::ask_takeout(tx, who, &ask).map(drop));
        let second = self.somebody(Role::ZoneOfficer, ZONE);
        self.asks(&second, move |tx, who| app::privacy::decide_takeout(tx, who, &allow).map(drop));
    }

    fn import(&mut self) {
        let (id, file_name) = (self.record("import", ZONE), self.word(ZONE, "import.file_name"));
        let person = self.actors["zone_officer"].person;
        self.write(move |tx| {
            let import = store::registry::NewImport {
                id,
                file_name: &file_name,
                file_digest: [0; 32],
                file: Some(b"PK"),
                state: "checked",
                person: Some(person),
                at: 0,
                report: "",
            };
            store::registry::record_import(tx, &import)
        });
    }

    // Posts that end.

    /// Somebody with the same post as the role's holder.
    pub fn another(&self, role: Role) -> Who {
        let who = &self.actors[role.code()];
        let path = who.posts[0].path.clone().unwrap_or_else(|| VILLAGE.to_owned());
        let another = self.somebody(role, &path);
        let (person, place) = (another.person, who.posts[0].place);
        self.write(move |tx| {
            let sql = "UPDATE post SET place = $2 WHERE person = $1";
            tx.exec(sql, &args![person, place]).map(drop)
        });
        another
    }

    pub fn end_posts(&self, who: &Who, on: Date) {
        let person = who.person;
        self.write(move |tx| {
            let sql = "UPDATE post SET to_date = $2 WHERE person = $1";
            tx.exec(sql, &args![person, on]).map(drop)
        });
    }

    pub fn nobody(&self) -> Who {
        let who = self.stage.person("Nobody", Role::VillageCommittee, Some(VILLAGE));
        let person = who.person;
        self.write(move |tx| {
            tx.exec("DELETE FROM post WHERE person = $1", &args![person]).map(drop)
        });
        Who { posts: Vec::<Held>::new(), ..who }
    }
}

/// A name for the length of the test.
fn leaked(name: String) -> &'static str {
    name.leak()
}
