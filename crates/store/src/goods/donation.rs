//! Goods that came in.

use domain::goods::{Donation, DonationDecision, Lot};
use domain::{Date, Id};

use super::one_of;
use crate::{Listing, Result, Row, Tx, Type, Val, args};

/// The donation and its lots; the goods themselves are moved by the ledger.
pub fn record_donation(tx: &mut Tx, decision: &DonationDecision) -> Result<()> {
    let d = &decision.donation;
    tx.exec(
        "INSERT INTO donation (id, donor, donor_public, place, received_on, money_fen, note, \
         person, at, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &args![
            d.id,
            &d.donor,
            d.donor_public,
            d.place,
            d.received_on,
            d.money_fen,
            &d.note,
            d.person,
            d.at,
            d.digest()
        ],
    )?;
    let rows = decision.lots.iter().map(|l| {
        vec![
            Val::Id(l.id),
            Val::Id(l.donation),
            Val::Id(l.goods),
            Val::Int(l.quantity),
            l.expires_on.into(),
            l.digest().into(),
        ]
    });
    let columns = [
        ("id", Type::Id),
        ("donation", Type::Id),
        ("goods", Type::Id),
        ("quantity", Type::Int),
        ("expires_on", Type::Text),
        ("digest", Type::Bytes),
    ];
    tx.insert_all("lot", &columns, "", rows)?;
    Ok(())
}

const DONATION: &str = "d.id, d.donor, d.donor_public, d.place, d.received_on, d.money_fen, \
                        d.note, d.person, d.at";

fn donation(r: &Row) -> Result<Donation> {
    Ok(Donation {
        id: r.id(0)?,
        donor: r.text(1)?,
        donor_public: r.bool(2)?,
        place: r.id(3)?,
        received_on: r.date(4)?,
        money_fen: r.int(5)?,
        note: r.text(6)?,
        person: r.id(7)?,
        at: r.int(8)?,
    })
}

pub fn find_donation(tx: &mut Tx, id: Id) -> Result<Option<Donation>> {
    tx.opt(&format!("SELECT {DONATION} FROM donation d WHERE d.id = $1"), &args![id], donation)
}

#[derive(Clone, Debug, Default)]
pub struct DonationFilter {
    /// In donor and note.
    pub search: String,
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub oldest_first: bool,
    pub offset: i64,
    pub limit: i64,
}

#[derive(Clone, Debug)]
pub struct DonationRow {
    pub donation: Donation,
    pub place: String,
    pub lots: i64,
    pub quantity: i64,
}

fn listing(places: &[Id], filter: &DonationFilter) -> Listing {
    let mut args: Vec<Val> = vec![format!("%{}%", filter.search.trim().to_lowercase()).into()];
    let (inside, ids) = one_of(places, 2);
    args.extend(ids);
    let mut from = format!(
        "FROM donation d JOIN place p ON p.id = d.place \
         WHERE d.place IN ({inside}) AND (lower(d.donor) LIKE $1 OR lower(d.note) LIKE $1)"
    );
    for (day, compared) in [(filter.from, ">="), (filter.to, "<=")] {
        if let Some(day) = day {
            args.push(day.into());
            from.push_str(&format!(" AND d.received_on {compared} ${}", args.len()));
        }
    }
    let way = if filter.oldest_first { "ASC" } else { "DESC" };
    Listing {
        select: format!(
            "{DONATION}, p.name, \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM lot l WHERE l.donation = d.id), \
             (SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM lot l \
              WHERE l.donation = d.id)"
        ),
        from,
        order: format!("d.received_on {way}, d.id {way}"),
        args,
        more: Vec::new(),
    }
}

fn row(r: &Row) -> Result<DonationRow> {
    Ok(DonationRow {
        donation: donation(r)?,
        place: r.text(9)?,
        lots: r.int(10)?,
        quantity: r.int(11)?,
    })
}

/// One page of what came in to these places, and how many match in all.
pub fn donations(
    tx: &mut Tx,
    places: &[Id],
    filter: &DonationFilter,
) -> Result<(Vec<DonationRow>, i64)> {
    let listing = listing(places, filter);
    let total = listing.total(tx)?;
    Ok((listing.page(tx, filter.offset, filter.limit, row)?, total))
}

/// The whole list, one donation after another.
pub fn each_donation(
    tx: &mut Tx,
    places: &[Id],
    filter: &DonationFilter,
    see: impl FnMut(DonationRow) -> Result<()>,
) -> Result<()> {
    listing(places, filter).each(tx, row, see)
}

/// One lot of a donation, and what became of it.
#[derive(Clone, Debug)]
pub struct LotRow {
    pub lot: Lot,
    pub name_zh: String,
    pub name_en: String,
    pub measure: String,
    pub left: i64,
    pub handed_out: i64,
}

#[derive(Clone, Debug)]
pub struct DonationPage {
    pub donation: Donation,
    pub place: String,
    pub lots: Vec<LotRow>,
}

pub fn donation_page(tx: &mut Tx, id: Id) -> Result<Option<DonationPage>> {
    let head = tx.opt(
        &format!(
            "SELECT {DONATION}, p.name FROM donation d JOIN place p ON p.id = d.place \
             WHERE d.id = $1"
        ),
        &args![id],
        |r| Ok((donation(r)?, r.text(9)?)),
    )?;
    let Some((donation, place)) = head else { return Ok(None) };
    let lots = tx.all(
        "SELECT l.id, l.goods, l.quantity, l.expires_on, g.name_zh, g.name_en, g.measure, \
         (SELECT CAST(COALESCE(SUM(a.credits_posted - a.debits_posted), 0) AS BIGINT) \
          FROM account a WHERE a.owner = l.id AND a.kind = 'stock'), \
         (SELECT CAST(COALESCE(SUM(CASE WHEN r.reverses IS NULL THEN x.quantity \
          ELSE -x.quantity END), 0) AS BIGINT) \
          FROM redemption_line x JOIN redemption r ON r.id = x.redemption WHERE x.lot = l.id) \
         FROM lot l JOIN goods g ON g.goods = l.goods AND g.current \
         WHERE l.donation = $1 ORDER BY g.sku, l.id",
        &args![id],
        |r| {
            Ok(LotRow {
                lot: Lot {
                    id: r.id(0)?,
                    donation: id,
                    goods: r.id(1)?,
                    quantity: r.int(2)?,
                    expires_on: r.opt_date(3)?,
                },
                name_zh: r.text(4)?,
                name_en: r.text(5)?,
                measure: r.text(6)?,
                left: r.int(7)?,
                handed_out: r.int(8)?,
            })
        },
    )?;
    Ok(Some(DonationPage { donation, place, lots }))
}
