//! Every paper, from the page that it belongs to.

use app::audit::Export;
use app::reports::papers::{self, Newest, Whose};
use app::{Failure, Never, Reach};
use axum::http::StatusCode;
use axum::response::Response;
use domain::Id;
use domain::access::Permission;
use domain::calendar::Month;
use print::{Roll, Sheet};
use store::access::Resource;

use crate::export::WHY_MAX;
use crate::{Ask, Needs, Problem, Route, Subject, paper};

pub fn routes() -> Vec<Route> {
    use Needs::{May, Nothing, SignedIn, TakeOut};
    use Permission::{ManageCards, ReadGoods, ReadHouseholds, ReceiveGoods, Redeem};
    use Subject::{One, Public, Within, Zone};
    let batch = One(Resource::Batch, "id");
    let places = Within(Resource::Place);
    vec![
        Route::get("/p/{id}/posting.pdf", row!("reports.print_posting"), Nothing, Public, posting)
            .takes(&["sheet"]),
        Route::get(
            "/cards/{id}/card.pdf",
            row!("reports.print_card"),
            May(ManageCards),
            One(Resource::Card, "id"),
            card,
        ),
        Route::post(
            "/cards/print",
            row!("reports.print_cards"),
            TakeOut(ManageCards),
            Within(Resource::Household),
            cards,
        )
        .takes(&["key", "why", "area"]),
        Route::get(
            "/receipts/{id}/receipt.pdf",
            row!("reports.print_receipt"),
            SignedIn,
            Zone,
            receipt,
        )
        .takes(&["sheet"]),
        Route::get(
            "/households/{id}/statement.pdf",
            row!("reports.print_statement"),
            May(ReadHouseholds),
            One(Resource::Household, "id"),
            statement,
        ),
        Route::get(
            "/market-days/{id}/list.pdf",
            row!("reports.print_market_day"),
            May(Redeem),
            One(Resource::MarketDay, "id"),
            market_day,
        ),
        Route::get(
            "/donations/{id}/thanks.pdf",
            row!("reports.print_acknowledgement"),
            May(ReadGoods),
            places,
            acknowledgement,
        ),
        Route::get(
            "/places/{id}/count.pdf",
            row!("reports.print_stock_count"),
            May(ReceiveGoods),
            One(Resource::Place, "id"),
            stock_count,
        ),
        Route::get(
            "/scheme/{id}/leaflet.pdf",
            row!("reports.print_leaflet"),
            SignedIn,
            Zone,
            leaflet,
        ),
        Route::get("/scheme/{id}/poster.pdf", row!("reports.print_poster"), SignedIn, Zone, poster),
        Route::get(
            "/batches/{id}/review.pdf",
            row!("reports.print_review"),
            May(ReadHouseholds),
            batch,
            review,
        ),
        Route::get(
            "/batches/{id}/notice.pdf",
            row!("reports.print_notice"),
            May(ReadHouseholds),
            batch,
            notice,
        )
        .takes(&["document"]),
        Route::get(
            "/bulletin.pdf",
            row!("reports.print_bulletin"),
            May(ReadHouseholds),
            Zone,
            bulletin,
        )
        .takes(&["month"]),
    ]
}

async fn posting(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let sheet = match ask.query("sheet") {
        None | Some("a4") => Sheet::A4,
        Some("a3") => Sheet::A3,
        Some(_) => return Err(Problem::field("sheet")),
    };
    let scope = ask.who.as_ref().map(|w| w.scope(Permission::ReadHouseholds));
    let found = ask
        .app()
        .read::<_, Never>(Reach::Public, move |tx| papers::poster(tx, scope.as_ref(), id, today))
        .await?;
    let url = format!("{}/p/{id}", ask.origin());
    paper::send(&ask, "paper-posting", print::posting(&found, sheet, &url)).await
}

async fn card(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let (zone, faces) = ask
        .read::<_, Never>(move |tx, who| {
            let scope = who.must_scope(Permission::ManageCards)?;
            let card = store::redemption::find_card(tx, id)?.ok_or(Failure::NotFound)?;
            let mut faces = papers::card_faces(tx, &scope, &Whose::Household(card.household))?;
            faces.retain(|face| face.code.to_string() == card.code);
            Ok((papers::zone_name(tx)?, faces))
        })
        .await?;
    if faces.is_empty() {
        return Err(Problem::new(StatusCode::CONFLICT, "paper-card-frozen"));
    }
    paper::send(&ask, "paper-cards", print::cards(&zone, &faces)).await
}

/// The cards of everybody at or below an area. A list of names leaves the house, so it is written
/// down first, with its reason.
async fn cards(ask: Ask) -> Result<Response, Problem> {
    let fields = ask.fields()?;
    let text = |name: &str| fields.get(name).map_or("", |s| s.trim()).to_owned();
    let key: Id = text("key").parse().map_err(|_| Problem::field("key"))?;
    let why = text("why");
    if why.is_empty() || why.chars().count() > WHY_MAX {
        return Err(Problem::field("why"));
    }
    let area = text("area");
    if !area.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(Problem::field("area"));
    }
    let path = Some(area.clone()).filter(|area| !area.is_empty());
    let (zone, faces) = ask
        .read::<_, Never>(move |tx, who| {
            let scope = who.must_take_out(Permission::ManageCards)?;
            let mut faces = Vec::new();
            let paths = match area.is_empty() {
                true => scope.paths.clone(),
                false => vec![area.clone()],
            };
            for path in paths {
                faces.extend(papers::card_faces(tx, &scope, &Whose::Area(path))?);
            }
            Ok((papers::zone_name(tx)?, faces))
        })
        .await?;
    if faces.is_empty() {
        return Err(Problem::new(StatusCode::CONFLICT, "paper-no-cards"));
    }
    let rows = i64::try_from(faces.len()).unwrap_or(i64::MAX);
    let export = Export { key, what: "cards.pdf".to_owned(), rows, why, path };
    ask.write::<_, Never>(move |tx, who| app::audit::export(tx, who, &export)).await?;
    paper::send_cards(&ask, zone, faces)
}

async fn receipt(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let on = match ask.query("sheet") {
        None | Some("a6") => Roll::A6,
        Some("roll") => Roll::Mm80,
        Some(_) => return Err(Problem::field("sheet")),
    };
    let found = ask
        .read::<_, Never>(move |tx, who| papers::receipt(tx, &app::redemption::readable(who), id))
        .await?;
    paper::send(&ask, "paper-receipt", print::receipt(&found, on)).await
}

async fn statement(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::statement(tx, &who.must_scope(Permission::ReadHouseholds)?, id)
        })
        .await?;
    paper::send(&ask, "paper-statement", print::statement(&found, today)).await
}

async fn market_day(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::market_list(tx, &who.must_scope(Permission::Redeem)?, id)
        })
        .await?;
    paper::send(&ask, "paper-market-day", print::market_day(&found)).await
}

async fn acknowledgement(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::acknowledgement(tx, &who.must_scope(Permission::ReadGoods)?, id)
        })
        .await?;
    let letter = print::acknowledgement(&found, id, today);
    paper::send(&ask, "paper-acknowledgement", letter).await
}

async fn stock_count(ask: Ask) -> Result<Response, Problem> {
    let (id, today) = (ask.id("id")?, ask.today());
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::stock_count(tx, &who.must_scope(Permission::ReceiveGoods)?, id)
        })
        .await?;
    paper::send(&ask, "paper-stock-count", print::stock_count(&found, today)).await
}

async fn rules(ask: &Ask) -> Result<papers::Leaflet, Problem> {
    let (id, month) = (ask.id("id")?, Month::of(ask.today()));
    ask.read::<_, Never>(move |tx, _| papers::leaflet(tx, Some(id), month)).await
}

async fn leaflet(ask: Ask) -> Result<Response, Problem> {
    let found = rules(&ask).await?;
    paper::send(&ask, "paper-leaflet", print::leaflet(&found)).await
}

async fn poster(ask: Ask) -> Result<Response, Problem> {
    let found = rules(&ask).await?;
    paper::send(&ask, "paper-poster", print::poster(&found)).await
}

async fn review(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::review(tx, &who.must_scope(Permission::ReadHouseholds)?, id)
        })
        .await?;
    paper::send(&ask, "paper-review", print::review(&found)).await
}

/// Longest number of a document, in characters.
const NUMBER_MAX: usize = 40;

async fn notice(ask: Ask) -> Result<Response, Problem> {
    let id = ask.id("id")?;
    let number = ask.query("document").unwrap_or("").to_owned();
    if number.chars().count() > NUMBER_MAX {
        return Err(Problem::field("document"));
    }
    let found = ask
        .read::<_, Never>(move |tx, who| {
            papers::notice(tx, &who.must_scope(Permission::ReadHouseholds)?, id)
        })
        .await?;
    let found =
        found.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "paper-notice-not-certified"))?;
    paper::send(&ask, "paper-notice", print::notice(&found, &number, found.certified_on)).await
}

async fn bulletin(ask: Ask) -> Result<Response, Problem> {
    let asked = ask.query("month").map(|m| Month::parse(m).ok_or_else(|| Problem::field("month")));
    let (asked, today) = (asked.transpose()?, ask.today());
    if asked.is_some_and(|month| month < papers::first_bulletin()) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "paper-bulletin-too-early"));
    }
    let found = ask
        .read::<_, Never>(move |tx, who| {
            let scope = who.must_scope(Permission::ReadHouseholds)?;
            let month = match asked {
                Some(month) => month,
                None => match papers::newest(tx, Newest::Certified) {
                    Ok(_) => papers::newest_month(tx)?,
                    Err(Failure::NotFound) => Month::of(today),
                    Err(failure) => return Err(failure),
                },
            };
            let stores = who.scope(Permission::ReadGoods);
            papers::bulletin(tx, &scope, &stores, month, Vec::new())
        })
        .await?;
    paper::send(&ask, "paper-bulletin", print::bulletin(&found)).await
}
