//! A zone in which every list has rows, in a village and in the one next to it. The rows are put in
//! as they stand: they are for reading, their fingerprints are empty.

use app::posting::Post;
use app::{Never, Who};
use domain::{Date, Id, Millis};
use store::registry::NewImport;
use store::{Tx, Val, args};

use crate::Stage;
use crate::month::Village;

/// Stands in every row of the village next door, and in no other.
pub const NEXT_DOOR: &str = "李庄";

pub struct Lists<'s> {
    pub village: Village<'s>,
    /// In the village and next door.
    pub market_days: [Id; 2],
    pub households: [Id; 2],
    pub batches: [Id; 2],
}

const NOBODY_S_DIGEST: [u8; 32] = [0; 32];

impl<'s> Lists<'s> {
    /// Market days and what expires stand on and around `today`.
    pub fn filled(stage: &'s Stage, today: Date) -> Lists<'s> {
        let village = Village::reviewed(stage, &["张三", "欧阳四海"]);
        let next = stage.household("001.001.002", "H9001", "李庄赵六", true);
        let mut lists = Lists {
            market_days: [stage.id(), stage.id()],
            households: [village.households[0], next],
            batches: [village.batch, stage.id()],
            village,
        };
        lists.next_door_s_batch();
        for (n, (path, name)) in
            [("001.001.001", "张庄村"), ("001.001.002", "李庄村")].into_iter().enumerate()
        {
            lists.objection(n, path, name);
            lists.counter(n, path, name, today);
        }
        lists.import();
        lists
    }

    /// The same with a posting that hangs from today, and every posting with its bytes.
    pub fn hanging(stage: &'s Stage, now: Millis) -> Lists<'s> {
        let today = domain::local_date(now);
        let lists = Lists::filled(stage, today);
        let who = Who { now, ..lists.village.committee.clone() };
        let post = Post {
            key: stage.id(),
            batch: lists.batches[0],
            place: "公示栏".into(),
            contact: "0635-8511234".into(),
            from: today,
        };
        stage.write(move |tx| app::posting::post(tx, &who, &post)).expect("a posting");
        lists.write(|tx| {
            // The lists' own postings are rows without a body; they get this one's.
            if tx.is_sqlite() {
                tx.exec("DROP TRIGGER posting_kept_update", &args![])?;
            } else {
                tx.exec("SET LOCAL ROLE NONE", &args![])?;
                tx.exec("SET LOCAL session_replication_role = replica", &args![])?;
            }
            let of_ours = |column: &str| {
                format!(
                    "{column} = (SELECT x.{column} FROM posting x WHERE x.place = '公示栏' \
                     AND x.contact <> '')"
                )
            };
            let sql = format!("UPDATE posting SET {}, {}", of_ours("body"), of_ours("root"));
            tx.exec(&sql, &args![]).map(drop)
        });
        lists
    }

    fn ids<const N: usize>(&self) -> [Id; N] {
        std::array::from_fn(|_| self.village.stage.id())
    }

    fn write(&self, mut work: impl FnMut(&mut Tx) -> Result<(), store::Broken> + Send + 'static) {
        self.village.stage.write::<_, Never>(move |tx| Ok(work(tx)?)).expect("rows");
    }

    fn next_door_s_batch(&mut self) {
        let ([here, next], household) = (self.batches, self.households[1]);
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO batch (id, round, village, path, state, households, officer_sheets, \
                 cadre_sheets) SELECT $1, b.round, a.id, a.path, b.state, 1, 0, 0 FROM batch b, area a \
                 WHERE b.id = $2 AND a.path = '001.001.002'",
                &args![next, here],
            )?;
            tx.exec(
                "INSERT INTO roster (batch, household, position, head_name, able_to_work, path) \
                 VALUES ($1, $2, 1, '李庄赵六', TRUE, '001.001.002')",
                &args![next, household],
            )?;
            Ok(())
        });
    }

    fn objection(&self, n: usize, path: &'static str, name: &'static str) {
        let (batch, [posting, objection]) = (self.batches[n], self.ids());
        let person = self.village.committee.person;
        self.write(move |tx| {
            tx.exec(
                "INSERT INTO posting (id, batch, place, contact, from_date, to_date, days, \
                 day_kind, rows, body, root, person, at, log_seal, log_head, digest) VALUES ($1, $2, \
                 '公示栏', '', '2026-11-22', '2026-11-29', 7, 'calendar', 1, $3, $3, $4, 0, 0, $3, $3)",
                &args![posting, batch, NOBODY_S_DIGEST, person],
            )?;
            tx.exec(
                "INSERT INTO objection (id, code, posting, batch, path, channel, text, filed_at, \
                 due_on, state, digest) VALUES ($1, $2, $3, $4, $5, 'phone', $6, $7, \
                 '2026-11-29', 'open', $8)",
                &args![
                    objection,
                    format!("QA{n}"),
                    posting,
                    batch,
                    path,
                    format!("=1+1 {name}"),
                    1_795_400_000_000_i64,
                    NOBODY_S_DIGEST
                ],
            )?;
            Ok(())
        });
    }

    /// A store, what came in, a market day, what went out, and a card.
    fn counter(&self, n: usize, path: &'static str, name: &'static str, today: Date) {
        let [place, donation, lot, account, redemption, card] = self.ids();
        let (market_day, household) = (self.market_days[n], self.households[n]);
        let person = self.village.zone_officer.person;
        self.write(move |tx| {
            let village: Id =
                tx.one("SELECT id FROM area WHERE path = $1", &args![path], |r| r.id(0))?;
            let goods: Id =
                tx.one("SELECT goods FROM goods WHERE current ORDER BY sku LIMIT 1", &[], |r| {
                    r.id(0)
                })?;
            let soon = today.saturating_add(jiff::Span::new().days(10));
            let rows: [(&str, Vec<(&str, Val)>); 8] = [
                (
                    "place",
                    vec![
                        ("id", place.into()),
                        ("kind", "store".into()),
                        ("name", format!("{name}超市").into()),
                        ("area", village.into()),
                        ("path", path.into()),
                    ],
                ),
                (
                    "donation",
                    vec![
                        ("id", donation.into()),
                        ("donor", format!("{name}粮油店").into()),
                        ("donor_public", true.into()),
                        ("place", place.into()),
                        ("received_on", today.into()),
                        ("money_fen", 12_345_i64.into()),
                        ("note", "".into()),
                        ("person", person.into()),
                        ("at", 0_i64.into()),
                    ],
                ),
                (
                    "lot",
                    vec![
                        ("id", lot.into()),
                        ("donation", donation.into()),
                        ("goods", goods.into()),
                        ("quantity", 5_i64.into()),
                        ("expires_on", soon.into()),
                    ],
                ),
                (
                    "account",
                    vec![
                        ("id", account.into()),
                        ("unit", goods.into()),
                        ("kind", "stock".into()),
                        ("owner", lot.into()),
                        ("place", place.into()),
                        ("debits_posted", 2_i64.into()),
                        ("credits_posted", 5_i64.into()),
                        ("debits_pending", 0_i64.into()),
                        ("credits_pending", 0_i64.into()),
                    ],
                ),
                (
                    "market_day",
                    vec![
                        ("id", market_day.into()),
                        ("place", place.into()),
                        ("village", village.into()),
                        ("path", path.into()),
                        ("on_date", today.into()),
                        ("spot", "文化广场".into()),
                        ("person", person.into()),
                        ("announced_at", 0_i64.into()),
                    ],
                ),
                (
                    "redemption",
                    vec![
                        ("id", redemption.into()),
                        ("receipt", format!("R{n}").into()),
                        ("household", household.into()),
                        ("market_day", market_day.into()),
                        ("place", place.into()),
                        ("points", 20_i64.into()),
                        ("path", path.into()),
                        ("person", person.into()),
                        ("on_date", today.into()),
                        ("at", 0_i64.into()),
                    ],
                ),
                (
                    "redemption_line",
                    vec![
                        ("redemption", redemption.into()),
                        ("line", 1_i64.into()),
                        ("goods", goods.into()),
                        ("lot", lot.into()),
                        ("quantity", 2_i64.into()),
                        ("points_each", 10_i64.into()),
                    ],
                ),
                (
                    "card",
                    vec![
                        ("id", card.into()),
                        ("household", household.into()),
                        ("code", domain::redemption::Code::new(n as u64).to_string().into()),
                        ("issued_at", 0_i64.into()),
                        ("issued_by", person.into()),
                    ],
                ),
            ];
            rows.into_iter().try_for_each(|(table, row)| insert(tx, table, row))
        });
    }

    fn import(&self) {
        let ([id], person) = (self.ids(), self.village.zone_officer.person);
        self.write(move |tx| {
            let import = NewImport {
                id,
                file_name: "台账.xlsx",
                file_digest: NOBODY_S_DIGEST,
                file: None,
                state: "checked",
                person: Some(person),
                at: 0,
                report: "",
            };
            store::registry::record_import(tx, &import)
        });
    }
}

/// One row; tables that keep a fingerprint get an empty one.
fn insert(tx: &mut Tx, table: &str, mut row: Vec<(&str, Val)>) -> Result<(), store::Broken> {
    if !["place", "account", "redemption_line"].contains(&table) {
        row.push(("digest", NOBODY_S_DIGEST.into()));
    }
    let columns: Vec<&str> = row.iter().map(|(column, _)| *column).collect();
    let places: Vec<String> = (1..=row.len()).map(|n| format!("${n}")).collect();
    let sql =
        format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
    let values: Vec<Val> = row.into_iter().map(|(_, value)| value).collect();
    tx.exec(&sql, &values)?;
    Ok(())
}
