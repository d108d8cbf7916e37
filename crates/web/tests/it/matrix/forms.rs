//! What is sent to each route: where the record stands in its address, and a form good enough to
//! come to the use case.

use domain::Id;
use web::Route;

use super::house::{House, Record};

/// An address and the fields that go with it.
pub struct Sent {
    pub path: String,
    pub fields: Vec<(String, String)>,
}

/// The request about `record` (about nothing in particular: `None`).
pub fn sent(house: &House, route: &Route, record: Option<&Record>) -> Sent {
    let id = |kind: &'static str| {
        record.and_then(|r| r.find(house, kind)).unwrap_or_else(|| house.missing())
    };
    let parts = route.path.split('/').map(|part| match part {
        "{household}" => id("household").to_string(),
        "{batch}" => id("batch").to_string(),
        "{name}" => "style.css".to_owned(),
        "{*at}" => "0/000.p/1".to_owned(),
        "{id}" if route.name == "access.end_session_of" => id("person").to_string(),
        part if part.starts_with('{') => {
            record.map_or_else(|| house.missing(), |record| record.id).to_string()
        }
        part => part.to_owned(),
    });
    let mut path = parts.collect::<Vec<_>>().join("/");
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    let own = |kind: &'static str| house.zone.find(kind, super::zone::ZONE);
    let good = || own("good").map_or_else(String::new, |id| id.to_string());
    if route.takes.contains(&"key") {
        put("key", house.key().to_string());
    }
    if route.takes.contains(&"why") {
        put("kind", "csv".into());
        put("why", "for the meeting".into());
    }
    let about = || record.map_or_else(|| house.missing(), |record| record.id).to_string();
    match route.name {
        "access.sign_in" => {
            put("login", house.key().to_string());
            put("password", "not the password".into());
        }
        "access.finish" => {
            put("code", "a code".into());
            put("state", "a state".into());
        }
        "access.language" => path.push_str("?to=en"),
        "access.show_code" | "access.confirm_factor" => put("code", "000000".into()),
        "access.accept" => {
            put("code", house.key().to_string());
            put("password", "another password".into());
            put("again", "another password".into());
        }
        "access.change_password" => {
            put("old", "not the password".into());
            put("password", "another password".into());
            put("again", "another password".into());
        }
        "access.begin_factor" | "access.drop_own_factor" => {
            put("password", "not the password".into());
        }
        "access.set_rules" => {
            put("profile", "asvs".into());
            put("second_factor", "required".into());
        }
        "scoring.hand_over" => {
            let somebody = own("person").unwrap_or_else(|| house.missing()).to_string();
            put("from", somebody.clone());
            put("to", somebody);
        }
        "access.add_person" => put("name", "Somebody".into()),
        "access.invite" => put("login", format!("n{}", house.key().simple())),
        "access.give_post" => {
            put("role", "auditor".into());
            put("area", own("area").unwrap_or_else(|| house.missing()).to_string());
        }
        "access.disable" => put("off", "no".into()),
        "registry.declare_kinship" => {
            put("person", id("person").to_string());
            put("relation", "uncle".into());
        }
        "calendar.open_round" => {
            put("month", "2020-01".into());
            put("visits_from", "2020-01-01".into());
            put("visits_to", "2020-01-31".into());
        }
        "scheme.adopt" => {
            put("from_month", "2020-01".into());
            put("resolved_on", "2020-01-01".into());
            put("number", "1".into());
            put("text", "agreed".into());
        }
        "scoring.save_sheet" => put("scores", testkit::month::FULL.into()),
        // One sheet's own fields: they come as a batch of one.
        "scoring.save_sheets" => {
            put("key", house.key().to_string());
            put("batch", id("batch").to_string());
            put("household", id("household").to_string());
            put("scores", testkit::month::FULL.into());
        }
        "scoring.settle" => put("take", "officer".into()),
        "posting.post" => put("from", house.zone.today.to_string()),
        "posting.object" | "posting.record_objection" => {
            put("channel", "phone".into());
            put("serial", "1".into());
            put("text", "too few".into());
        }
        "posting.look_up" => {
            let code = record.map_or("NOBODYS", |record| &record.code);
            path.push_str(&format!("?code={code}"));
        }
        "posting.answer" => {
            put("verdict", "rejected".into());
            put("text", "looked at again".into());
        }
        "goods.edit" => {
            for (name, value) in [
                ("sku", ""),
                ("name_zh", "x"),
                ("name_en", "x"),
                ("measure", "x"),
                ("price_yuan", "1"),
                ("points", "1"),
                ("limit_month", "1"),
            ] {
                put(name, value.into());
            }
        }
        "goods.move_goods" => {
            put("from", about());
            put("to", about());
            put(&format!("lot-{}", id("lot")), "1000000".into());
        }
        "goods.write_off" => {
            put("place", about());
            put("reason", "expired".into());
            put("lot", id("lot").to_string());
            put("quantity", "1000000".into());
        }
        "goods.open_place" => {
            put("area", about());
            put("kind", "store".into());
            put("name", String::new());
        }
        "goods.receive" => {
            put("place", about());
            put("donor", String::new());
            put("goods-1", good());
            put("quantity-1", "1".into());
        }
        "goods.announce" => {
            put("place", about());
            put("village", house.village_near(record).to_string());
            put("on_date", "2020-01-01".into());
            put("spot", "square".into());
        }
        "redemption.counter" => {
            path.push_str(&format!("?household={}&day={}", about(), house.day_at_counter()));
        }
        "redemption.redeem" => {
            put("household", about());
            put("day", house.day_at_counter().to_string());
            put(&format!("goods-{}", good()), "1000000".into());
        }
        "redemption.reverse" | "redemption.freeze_card" => put("reason", String::new()),
        "redemption.award" => {
            put("event", "X1".into());
            put("document", "paper".into());
        }
        "privacy.find" => {
            let number = house.zone.codes.get(&("number", super::zone::VILLAGE.to_owned()));
            put("number", number.cloned().unwrap_or_default());
        }
        "privacy.reveal" => reveal(&mut put, "phone"),
        "privacy.reveal_objector" => reveal(&mut put, "contact"),
        "privacy.file" => {
            reveal(&mut put, "");
            put("in_clear", "1".into());
        }
        "privacy.ask_takeout" => {
            put("area", record.map_or_else(|| "001.999".to_owned(), |r| r.path.clone()));
            reveal(&mut put, "");
        }
        "privacy.decide_takeout" => {
            put("answer", "allow".into());
            put("words", "all right".into());
        }
        "privacy.take" => put("kind", "csv".into()),
        _ => {}
    }
    // What a route does not take is refused before anything else is looked at.
    fields.retain(|(name, _)| {
        takes_sheets(route)
            || route.takes.iter().any(|takes| match takes.split_once('<') {
                Some((family, _)) => name.starts_with(family),
                None => takes == name,
            })
    });
    Sent { path, fields }
}

/// Does it take sheets together, and answer each of them by itself?
pub fn takes_sheets(route: &Route) -> bool {
    route.takes == ["sheets"]
}

fn reveal(put: &mut impl FnMut(&str, String), field: &str) {
    put("field", field.into());
    put("reason", "visit".into());
    put("words", "before a visit".into());
}

/// The same request with another id in one of its places.
impl Sent {
    pub fn with(&self, old: Id, new: Id) -> Sent {
        let (old, new) = (old.to_string(), new.to_string());
        Sent {
            path: self.path.replace(&old, &new),
            fields: self
                .fields
                .iter()
                .map(|(name, value)| (name.replace(&old, &new), value.replace(&old, &new)))
                .collect(),
        }
    }
}
