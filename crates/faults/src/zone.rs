//! The small zone that is played once and copied for every fault: its people signed in over HTTP,
//! and what they can do in it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::base::{Base, dashed};
use crate::dice::Dice;
use crate::http::{Asked, JSON};
use crate::journal::{Entry, Kind};
use crate::server::{Place, Server, Start};

const PASSWORD: &str = "siji-demo";
const LOGINS: [&str; 6] = ["office", "township", "village", "officer", "cadre", "store"];

/// A zone at rest, ready to be copied.
pub struct Zone {
    pub place: Place,
    pub cast: Cast,
}

/// Who can do what in it.
#[derive(Clone, Default)]
pub struct Cast {
    cookies: HashMap<&'static str, String>,
    /// A token that the office's forms carry.
    token: String,
    /// Login, batch and household, the sheet's fields but for its key.
    sheets: Vec<(&'static str, [String; 2], String)>,
    day: String,
    goods: Vec<String>,
    pub households: Vec<(String, i64)>,
    /// Lists on which somebody may still object.
    postings: Vec<String>,
    /// Objections without an answer, and months that can be certified after it.
    answers: Vec<String>,
    batches: Vec<String>,
    workbook: Vec<u8>,
    /// What stood before anybody worked.
    pub before: HashMap<&'static str, HashSet<String>>,
}

/// How a zone is played.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Lists hang, the store stops today.
    Now,
    /// A month ago: the lists' time is over, and months can be certified.
    LongAgo,
}

impl Zone {
    /// Plays it, signs everybody in, and leaves it at rest.
    pub fn play(
        start: &Start,
        place: Place,
        when: When,
        clock: Option<&Path>,
    ) -> anyhow::Result<Zone> {
        let mut playing = start.clone();
        if let (When::LongAgo, Some(clock)) = (when, clock) {
            playing = playing
                .with("LD_PRELOAD", clock.display())
                .with("FAKETIME", "-30d")
                .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let words = ["demo", "--no-serve", "--json", "--households", "40", "--months", "2"];
        let (status, said) = playing.run(&words, &place)?;
        ensure!(status.success(), "the demo zone was not played: {said}");
        let server = Server::start(start, &place)?;
        let mut cast = Cast::find(&server, &place)?;
        match when {
            When::Now => cast.hang_a_list(&server, &place)?,
            When::LongAgo => {
                cast.postings.clear();
                cast.announce(&server, &place)?;
            }
        }
        server.stop()?;
        Ok(Zone { place, cast })
    }

    /// A copy of it in a folder of its own.
    pub fn copy(&self, to: &Path) -> anyhow::Result<Place> {
        let Place::Folder(from) = &self.place else {
            anyhow::bail!("only a folder is copied");
        };
        let _ = std::fs::remove_dir_all(to);
        copy_folder(from, to)?;
        Ok(Place::Folder(to.to_path_buf()))
    }
}

/// Every file of a folder, and nothing else.
pub fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

impl Cast {
    pub fn find(server: &Server, place: &Place) -> anyhow::Result<Cast> {
        let mut cast = Cast::default();
        for login in LOGINS {
            cast.cookies.insert(login, sign_in(server, login)?);
        }
        cast.token = token(server, &cast.cookies["office"])?;
        let base = &mut Base::open(place)?;
        cast.sheets(base)?;
        cast.counter(base)?;
        cast.lists(base)?;
        cast.before = crate::check::standing(base)?;
        cast.workbook = std::fs::read(workbook())?;
        Ok(cast)
    }

    fn sheets(&mut self, base: &mut Base) -> anyhow::Result<()> {
        let rows = base.rows(
            "SELECT p.login, ID(s.batch)DI, ID(s.household)DI, s.scores, s.visited_on \
             FROM sheet s JOIN batch b ON b.id = s.batch JOIN person p ON p.id = s.person \
             WHERE s.current AND b.state = 'draft' AND p.login IN ('officer', 'cadre') \
             ORDER BY s.id",
        )?;
        for row in rows {
            let login = if row[0] == "officer" { "officer" } else { "cadre" };
            let of = [dashed(&row[1]), dashed(&row[2])];
            let fields = format!("\"scores\":\"{}\",\"visited_on\":\"{}\"", row[3], row[4]);
            self.sheets.push((login, of, fields));
        }
        Ok(())
    }

    fn counter(&mut self, base: &mut Base) -> anyhow::Result<()> {
        let days = base.list("SELECT ID(id)DI FROM market_day ORDER BY on_date DESC, id")?;
        self.day = days.first().map(|id| dashed(id)).unwrap_or_default();
        self.goods = base.list(
            "SELECT ID(g.goods)DI FROM goods g WHERE g.current AND g.active AND EXISTS \
             (SELECT 1 FROM account a WHERE a.unit = g.goods AND a.kind = 'stock' \
              AND a.debits_posted + a.credits_posted > 0) ORDER BY g.points LIMIT 5",
        )?;
        let rows = base.rows(
            "SELECT ID(owner)DI, CAST(credits_posted - debits_posted AS text) FROM account \
             WHERE kind = 'household' ORDER BY 1",
        )?;
        self.households =
            rows.into_iter().map(|r| (r[0].clone(), r[1].parse().unwrap_or(0))).collect();
        Ok(())
    }

    fn lists(&mut self, base: &mut Base) -> anyhow::Result<()> {
        self.postings = base.list(
            "SELECT ID(p.id)DI FROM posting p JOIN batch b ON b.id = p.batch \
             WHERE b.state = 'in_publicity' ORDER BY p.id",
        )?;
        let within = "b.state = 'in_publicity' AND b.path LIKE '001.001.%'";
        self.batches = base.list(&format!("SELECT ID(b.id)DI FROM batch b WHERE {within}"))?;
        self.answers = base.list(&format!(
            "SELECT ID(o.id)DI FROM objection o JOIN batch b ON b.id = o.batch \
             WHERE o.state = 'open' AND {within}"
        ))?;
        Ok(())
    }

    /// The village settles its month and posts it today, so that somebody can object.
    fn hang_a_list(&mut self, server: &Server, place: &Place) -> anyhow::Result<()> {
        let base = &mut Base::open(place)?;
        let rows = base.rows(
            "SELECT ID(b.id)DI, ID(r.household)DI FROM batch b JOIN roster r ON r.batch = b.id \
             JOIN post q ON q.area = b.village JOIN person p ON p.id = q.person \
             WHERE b.state = 'scored' AND p.login = 'village'",
        )?;
        let batch = rows.first().map(|row| dashed(&row[0])).context("no month to settle")?;
        let mut dice = Dice::new(1);
        let mut ask = |path: String, fields: &str| -> anyhow::Result<()> {
            let entry = self.json(Kind::Sheet, "village", dice.key(), &path, fields);
            let answer = entry.asked.send(server.at)?;
            ensure!(answer.status == 200, "{path} answered {} {}", answer.status, answer.body);
            Ok(())
        };
        for row in &rows {
            let path = format!("/batches/{batch}/review/{}", dashed(&row[1]));
            ask(path, "\"take\":\"officer\",\"note\":\"as the officer saw it\"")?;
        }
        ask(format!("/batches/{batch}/finish"), "")?;
        let fields =
            format!("\"place\":\"the wall\",\"contact\":\"the office\",\"from\":\"{}\"", today());
        ask(format!("/batches/{batch}/posting"), &fields)?;
        self.postings = base.list(&format!(
            "SELECT ID(p.id)DI FROM posting p JOIN batch b ON b.id = p.batch \
             WHERE b.state = 'in_publicity' AND p.from_date = '{}'",
            today()
        ))?;
        ensure!(!self.postings.is_empty(), "no list hangs");
        Ok(())
    }

    /// The store stops today as well.
    fn announce(&mut self, server: &Server, place: &Place) -> anyhow::Result<()> {
        let base = &mut Base::open(place)?;
        let (store, village) = (
            base.list("SELECT ID(id)DI FROM place WHERE kind = 'store'")?,
            base.list("SELECT ID(village)DI FROM market_day ORDER BY id LIMIT 1")?,
        );
        let (store, village) =
            (store.first().context("a store")?, village.first().context("a day")?);
        let fields = format!(
            "\"place\":\"{}\",\"village\":\"{}\",\"on_date\":\"{}\",\"spot\":\"here\"",
            dashed(store),
            dashed(village),
            today()
        );
        let entry = self.json(Kind::Sheet, "office", Dice::new(2).key(), "/market-days", &fields);
        self.day.clone_from(&entry.key);
        let answer = entry.asked.send(server.at)?;
        ensure!(answer.status == 200, "no market day: {} {}", answer.status, answer.body);
        Ok(())
    }

    /// Something that somebody might do now.
    pub fn command(&self, dice: &mut Dice, done: &[Entry]) -> Option<Entry> {
        match dice.below(100) {
            0..38 => self.sheet(dice),
            38..45 => self.phone(dice),
            45..70 => self.redeem(dice),
            70..82 => self.reverse(dice, done),
            82..94 => self.objection(dice),
            94..97 => self.certify(dice),
            _ => Some(self.import(dice)),
        }
    }

    fn json(&self, kind: Kind, login: &str, key: String, path: &str, fields: &str) -> Entry {
        let cookie = self.cookies.get(login).cloned().unwrap_or_default();
        let comma = if fields.is_empty() { "" } else { "," };
        let asked = Asked::post(path, &cookie, format!("{{\"key\":\"{key}\"{comma}{fields}}}"));
        let (keys, household) = (Vec::new(), String::new());
        Entry { kind, key, keys, household, asked, answer: None, clock: 0 }
    }

    pub fn sheet(&self, dice: &mut Dice) -> Option<Entry> {
        let (login, [batch, household], fields) = dice.pick(&self.sheets)?;
        let path = format!("/score/{batch}/{household}");
        let fields = format!("{fields},\"remark\":\"{}\"", dice.next());
        Some(self.json(Kind::Sheet, login, dice.key(), &path, &fields))
    }

    /// What somebody's phone has kept: some sheets, or as many as may come together, of a household
    /// now and then more than one.
    pub fn phone(&self, dice: &mut Dice) -> Option<Entry> {
        const MOST: usize = 50;
        let (login, ..) = dice.pick(&self.sheets)?;
        let own: Vec<_> = self.sheets.iter().filter(|sheet| sheet.0 == *login).collect();
        let count = if dice.below(2) == 0 { MOST } else { 1 + dice.below(MOST) };
        let keys: Vec<String> = (0..count).map(|_| dice.key()).collect();
        let mut sheet = |key: &String| {
            let (_, [batch, household], fields) = dice.pick(&own)?;
            let of = format!("\"batch\":\"{batch}\",\"household\":\"{household}\"");
            let remark = dice.next();
            Some(format!("{{\"key\":\"{key}\",{of},{fields},\"remark\":\"{remark}\"}}"))
        };
        let sheets: Vec<String> = keys.iter().filter_map(&mut sheet).collect();
        let key = keys.first()?.clone();
        let mut entry = self.json(Kind::Sheets, login, key, "/score", "");
        entry.asked.body = format!("{{\"sheets\":[{}]}}", sheets.join(",")).into_bytes();
        Some(Entry { keys, ..entry })
    }

    pub fn redeem(&self, dice: &mut Dice) -> Option<Entry> {
        let rich: Vec<&(String, i64)> = self.households.iter().filter(|h| h.1 >= 60).collect();
        let (household, goods) = (dice.pick(&rich)?.0.clone(), dice.pick(&self.goods)?);
        let fields = format!(
            "\"day\":\"{}\",\"household\":\"{}\",\"goods-{}\":\"1\"",
            self.day,
            dashed(&household),
            dashed(goods)
        );
        let entry = self.json(Kind::Redeem, "store", dice.key(), "/counter", &fields);
        Some(Entry { household, ..entry })
    }

    fn reverse(&self, dice: &mut Dice, done: &[Entry]) -> Option<Entry> {
        let redeemed: Vec<&Entry> =
            done.iter().filter(|e| e.kind == Kind::Redeem && e.is_acked()).collect();
        let of = dice.pick(&redeemed)?;
        let path = format!("/receipts/{}/reverse", of.key);
        let entry =
            self.json(Kind::Reverse, "store", dice.key(), &path, "\"reason\":\"handed back\"");
        Some(Entry { household: of.household.clone(), ..entry })
    }

    fn objection(&self, dice: &mut Dice) -> Option<Entry> {
        let path = format!("/p/{}/objections", dashed(dice.pick(&self.postings)?));
        // No long number: a citizen's is refused.
        let words: String = dice.next().to_string().bytes().map(|b| char::from(b + 49)).collect();
        let fields = format!("\"text\":\"I do not agree: {words}\"");
        Some(self.json(Kind::Objection, "", dice.key(), &path, &fields))
    }

    /// An answer to an objection, or the month itself.
    fn certify(&self, dice: &mut Dice) -> Option<Entry> {
        if dice.below(2) == 0 {
            let path = format!("/objections/{}/answer", dashed(dice.pick(&self.answers)?));
            let fields = "\"verdict\":\"rejected\",\"text\":\"It was looked into and it stands.\"";
            return Some(self.json(Kind::Answer, "township", dice.key(), &path, fields));
        }
        let path = format!("/batches/{}/certification", dashed(dice.pick(&self.batches)?));
        Some(self.json(Kind::Certify, "township", dice.key(), &path, ""))
    }

    fn import(&self, dice: &mut Dice) -> Entry {
        let key = dice.key();
        let mut entry = self.json(Kind::Import, "office", key.clone(), "/import", "");
        const EDGE: &str = "siji-faults-edge";
        let mut body = Vec::new();
        for (name, value) in [("key", &key), ("csrf", &self.token)] {
            let part = format!(
                "--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.as_bytes());
        }
        let part = format!(
            "--{EDGE}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\
             content-type: text/csv\r\n\r\n"
        );
        body.extend(part.as_bytes());
        body.extend(&self.workbook);
        body.extend(format!("\r\n--{EDGE}--\r\n").as_bytes());
        entry.asked.body = body;
        entry.asked.kind = "multipart/form-data; boundary=siji-faults-edge";
        entry
    }

    /// A day's work in order, always the same, for faults that are counted.
    pub fn day(&self, dice: &mut Dice) -> Vec<Entry> {
        let mut day = Vec::new();
        for _ in 0..3 {
            day.extend(self.sheet(dice));
            day.extend(self.redeem(dice));
            day.extend(self.objection(dice));
        }
        day.extend(self.phone(dice));
        day.push(self.import(dice));
        day.extend(self.sheet(dice));
        day
    }
}

/// The day in the zone's calendar, which is China's.
fn today() -> String {
    let said = std::process::Command::new("date").env("TZ", "CST-8").arg("+%F").output();
    said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default()
}

/// A few lines of a register, some of them wrong: what an office sends in.
fn workbook() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/register.csv")
}

fn sign_in(server: &Server, login: &str) -> anyhow::Result<String> {
    let body = format!("{{\"login\":\"{login}\",\"password\":\"{PASSWORD}\"}}");
    let answer = Asked::post("/login", "", body).send(server.at)?;
    ensure!(answer.status < 400, "{login} could not sign in: {} {}", answer.status, answer.body);
    Ok(answer.cookies())
}

fn token(server: &Server, cookie: &str) -> anyhow::Result<String> {
    let mut page = Asked::get("/import", cookie);
    page.more = "x-page: 1\r\n".into();
    page.kind = "text/html";
    let page =
        String::from_utf8(page.bytes())?.replace(&format!("accept: {JSON}"), "accept: text/html");
    let mut stream = crate::http::connect(server.at)?;
    std::io::Write::write_all(&mut stream, page.as_bytes())?;
    let page = crate::http::receive(&mut stream)?;
    let found =
        page.body.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    Ok(found.context("no form token")?.0.to_owned())
}
