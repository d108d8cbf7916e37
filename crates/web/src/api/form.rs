//! What the fields of the routes look like on the wire. A name means the same everywhere, or the
//! route is named; a name that stands nowhere here is a text.

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};

/// Everything is text on the wire; this is what it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Id,
    /// 2026-11-23
    Day,
    /// 2026-11
    Month,
    Number,
    /// Yuan with at most two digits behind the point.
    Yuan,
    /// The path of an area, `001.002`.
    Path,
    OneOf(&'static [&'static str]),
    Password,
    File,
}

const YES: Form = Form::OneOf(&["yes", ""]);

/// (route or `*`, field, form)
const FORMS: &[(&str, &str, Form)] = &[
    ("*", "key", Form::Id),
    ("*", "id", Form::Id),
    ("*", "batch", Form::Id),
    ("*", "household", Form::Id),
    ("*", "day", Form::Id),
    ("*", "place", Form::Id),
    ("*", "session", Form::Id),
    ("*", "village", Form::Id),
    ("*", "lot", Form::Id),
    ("*", "goods", Form::Id),
    ("*", "replaces", Form::Id),
    ("*", "goods-{n}", Form::Text),
    ("*", "goods-{id}", Form::Number),
    ("*", "lot-{id}", Form::Number),
    ("*", "page", Form::Number),
    ("*", "before", Form::Number),
    ("*", "serial", Form::Number),
    ("*", "quantity", Form::Number),
    ("*", "points", Form::Number),
    ("*", "limit_month", Form::Number),
    ("*", "opened_at", Form::Number),
    ("*", "fund", Form::Number),
    ("*", "price_yuan", Form::Yuan),
    ("*", "money_yuan", Form::Yuan),
    ("*", "from", Form::Day),
    ("*", "to", Form::Day),
    ("*", "by", Form::Day),
    ("*", "on_date", Form::Day),
    ("*", "visited_on", Form::Day),
    ("*", "received_on", Form::Day),
    ("*", "resolved_on", Form::Day),
    ("*", "visits_from", Form::Day),
    ("*", "visits_to", Form::Day),
    ("*", "month", Form::Month),
    ("*", "from_month", Form::Month),
    ("*", "area", Form::Path),
    ("*", "kind", Form::OneOf(&["xlsx", "csv"])),
    ("*", "file", Form::File),
    ("*", "password", Form::Password),
    ("*", "old", Form::Password),
    ("*", "again", Form::Password),
    ("*", "active", YES),
    ("*", "off", Form::OneOf(&["yes", "no"])),
    ("*", "donor_public", YES),
    ("*", "accept_missing", YES),
    ("access.give_post", "area", Form::Id),
    ("access.language", "to", Form::OneOf(&["zh", "en"])),
    ("access.set_rules", "second_factor", Form::OneOf(&["required", "offered"])),
    ("goods.move_form", "from", Form::Id),
    ("goods.move_form", "to", Form::Id),
    ("goods.move_goods", "from", Form::Id),
    ("goods.move_goods", "to", Form::Id),
    ("goods.open_place", "area", Form::Id),
    ("goods.open_place", "kind", Form::OneOf(&["warehouse", "store"])),
    ("scoring.hand_over", "from", Form::Id),
    ("scoring.hand_over", "to", Form::Id),
    ("scoring.hand_over_form", "from", Form::Id),
    ("posting.check", "p", Form::Id),
    ("posting.answer", "verdict", Form::OneOf(&["upheld", "rejected"])),
    ("privacy.decide_takeout", "answer", Form::OneOf(&["allow", "decline"])),
    ("registry.declare_kinship", "person", Form::Id),
    ("reports.export_log", "household", Form::Text),
    ("reports.log", "household", Form::Text),
    ("reports.print_posting", "sheet", Form::OneOf(&["a4", "a3"])),
    ("reports.print_receipt", "sheet", Form::OneOf(&["a6", "roll"])),
    ("scoring.export_review", "show", Form::OneOf(&["open", "differing", "one"])),
    ("scoring.review", "show", Form::OneOf(&["open", "differing", "one"])),
];

/// (route, fields beside the key without which a request is refused for its form)
const NEEDED: &[(&str, &[&str])] = &[
    ("access.accept", &["code", "password", "again"]),
    ("access.add_person", &["name"]),
    ("access.begin_factor", &["password"]),
    ("access.change_password", &["old", "password", "again"]),
    ("access.confirm_factor", &["code"]),
    ("access.disable", &["off"]),
    ("access.drop_own_factor", &["password"]),
    ("access.finish", &["code", "state"]),
    ("access.give_post", &["role"]),
    ("access.invite", &["login"]),
    ("access.language", &["to"]),
    ("access.set_rules", &["profile", "second_factor"]),
    ("access.show_code", &["code"]),
    ("access.sign_in", &["login", "password"]),
    ("calendar.import_year", &["file"]),
    ("calendar.open_round", &["month", "visits_from", "visits_to"]),
    ("goods.announce", &["place", "village", "on_date", "spot"]),
    (
        "goods.edit",
        &["sku", "name_zh", "name_en", "measure", "price_yuan", "points", "limit_month"],
    ),
    ("goods.move_goods", &["from", "to"]),
    ("goods.open_place", &["kind", "name", "area"]),
    ("goods.receive", &["place"]),
    ("goods.write_off", &["place", "reason", "lot", "quantity"]),
    ("posting.answer", &["verdict"]),
    ("posting.post", &["place", "contact", "from"]),
    ("posting.record_objection", &["channel"]),
    ("privacy.decide_takeout", &["answer"]),
    ("privacy.take", &["kind"]),
    ("redemption.award", &["event", "document", "on_date"]),
    ("redemption.freeze_card", &["reason"]),
    ("redemption.redeem", &["day"]),
    ("redemption.reverse", &["reason"]),
    ("registry.declare_kinship", &["person", "relation"]),
    ("registry.receive", &["file"]),
    ("reports.print_cards", &["why"]),
    ("scoring.hand_over", &["from", "to"]),
    ("scheme.adopt", &["from_month", "resolved_on", "number", "text"]),
    ("scheme.upload", &["file"]),
];

/// Uploads make a key of their own where none is sent.
const KEYLESS: &str = "registry.receive";

impl Form {
    pub fn of(route: &str, field: &str) -> Form {
        let find = |at: &str| FORMS.iter().find(|(r, f, _)| *r == at && *f == field);
        find(route).or_else(|| find("*")).map_or(Form::Text, |(_, _, form)| *form)
    }

    pub fn schema(self) -> ObjectBuilder {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let format = |name: &str| Some(SchemaFormat::Custom(name.to_owned()));
        match self {
            Form::Text => text,
            Form::Id => text.format(format("uuid")),
            Form::Day => text.format(format("date")),
            Form::Month => text.pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$")),
            Form::Number => text.pattern(Some("^-?[0-9]{1,18}$")),
            Form::Yuan => text.pattern(Some("^[0-9]{1,12}(\\.[0-9]{1,2})?$")),
            Form::Path => text.pattern(Some("^[0-9]{3}(\\.[0-9]{3})*$")),
            Form::OneOf(words) => text.enum_values(Some(words.iter().copied())),
            Form::Password => text.format(format("password")),
            Form::File => text.format(format("binary")),
        }
    }
}

/// `item-<code>`, `goods-{id}`: as many fields as there are codes.
pub fn names_many(field: &str) -> bool {
    field.contains(['<', '{'])
}

pub fn is_needed(route: &str, field: &str) -> bool {
    let all_exports = field == "kind" || field == "why";
    (all_exports && route.contains(".export"))
        || (field == "key" && route != KEYLESS)
        || NEEDED.iter().any(|(r, fields)| *r == route && fields.contains(&field))
}

#[cfg(test)]
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let needed = NEEDED.iter().flat_map(|(route, fields)| fields.iter().map(move |f| (*route, *f)));
    FORMS.iter().map(|(route, field, _)| (*route, *field)).chain(needed)
}
