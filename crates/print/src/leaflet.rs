//! The scheme in plain words: the leaflet 明白纸, and the poster of it.

use app::reports::papers::Leaflet;
use domain::scheme::{Item, Scheme};
use serde_json::{Value, json};

use crate::press::{Paper, paper};
use crate::words::offered;

pub fn leaflet(l: &Leaflet) -> Paper {
    paper!("leaflet", data(l)).tagged()
}

pub fn poster(l: &Leaflet) -> Paper {
    paper!("poster", data(l)).tagged()
}

fn data(l: &Leaflet) -> Value {
    let s = &*l.scheme;
    let mut goods: Vec<_> = l.goods.iter().collect();
    goods.sort_by_key(|good| good.points);
    json!({
        "zone": l.zone,
        "code": s.code,
        "version": s.version,
        "title": s.title.zh,
        "monthly-max": s.monthly_max,
        "per-yuan": s.points_per_yuan,
        "annual-cap": s.annual_cap,
        "categories": s.categories.iter().map(|c| json!({
            "name": c.name.zh, "max": c.max,
            "items": s.items.iter().filter(|i| i.category == c.code).map(item).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "substitute": substitute(s),
        "bonuses": s.bonus_events.iter()
            .map(|b| json!({ "name": b.name.zh, "points": b.points })).collect::<Vec<_>>(),
        "publicity-days": s.publicity.days,
        "publicity-kind": s.publicity.kind.code(),
        "objection-days": s.objection.days,
        "objection-kind": s.objection.kind.code(),
        "goods": goods.into_iter().map(offered).collect::<Vec<_>>(),
        "adoption": l.adoption.as_ref().map(|a| json!({
            "resolved-on": a.resolved_on.to_string(), "number": a.number, "text": a.text,
            "from-month": a.from_month.to_string(),
        })),
    })
}

fn item(i: &Item) -> Value {
    let bands = i.bands.iter().map(|b| json!({ "words": b.words.zh, "score": b.score }));
    json!({ "name": i.name.zh, "max": i.max, "bands": bands.collect::<Vec<_>>() })
}

fn substitute(s: &Scheme) -> Option<Value> {
    let substitute = s.substitute.as_ref()?;
    let category = s.category(&substitute.category)?;
    let (name, max) = (&substitute.item.name.zh, substitute.item.max);
    Some(json!({ "category": category.name.zh, "name": name, "max": max }))
}
