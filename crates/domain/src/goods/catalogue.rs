//! What can be had for points, and for how many.

use crate::audit::Digest;
use crate::{Arg, Id, Millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// Stays the same through every edition; the unit of account of this good.
    pub goods: Id,
    pub sku: String,
    pub name_zh: String,
    pub name_en: String,
    pub category: String,
    /// What one of it is called: bag, bottle, bar.
    pub measure: String,
    pub price_fen: i64,
    pub points: i64,
    /// How many a household may have in a calendar month; 0 means no limit.
    pub limit_month: i64,
    pub active: bool,
}

/// One row of the catalogue. A change is a new edition; the old one stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    pub id: Id,
    pub good: Good,
    pub replaces: Option<Id>,
    pub person: Option<Id>,
    pub at: Millis,
}

impl Edition {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("goods")
            .id(self.id)
            .id(self.good.goods)
            .text(&self.good.sku)
            .text(&self.good.name_zh)
            .text(&self.good.name_en)
            .text(&self.good.category)
            .text(&self.good.measure)
            .number(self.good.price_fen)
            .number(self.good.points)
            .number(self.good.limit_month)
            .truth(self.good.active)
            .opt_id(self.replaces)
            .opt_id(self.person)
            .number(self.at)
            .finish()
    }
}

#[derive(Clone, Debug, Default)]
pub struct CatalogueFacts {
    /// The good that now bears the wished sku.
    pub bearer_of_sku: Option<Id>,
    /// The edition in force of the good to be changed.
    pub current: Option<Id>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogueRefusal {
    SkuMissing,
    SkuTaken,
    NameMissing,
    MeasureMissing,
    PointsNotPositive,
    PriceNegative,
    LimitNegative,
    /// Somebody else has changed the good since the page was opened.
    ChangedMeanwhile,
}

impl crate::Refusal for CatalogueRefusal {
    fn code(&self) -> &'static str {
        match self {
            CatalogueRefusal::SkuMissing => "goods-sku-missing",
            CatalogueRefusal::SkuTaken => "goods-sku-taken",
            CatalogueRefusal::NameMissing => "goods-name-missing",
            CatalogueRefusal::MeasureMissing => "goods-measure-missing",
            CatalogueRefusal::PointsNotPositive => "goods-points-not-positive",
            CatalogueRefusal::PriceNegative => "goods-price-negative",
            CatalogueRefusal::LimitNegative => "goods-limit-negative",
            CatalogueRefusal::ChangedMeanwhile => "goods-changed-meanwhile",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        Vec::new()
    }
}

pub fn decide_edition(facts: &CatalogueFacts, edition: &Edition) -> Result<(), CatalogueRefusal> {
    let good = &edition.good;
    if good.sku.trim().is_empty() {
        return Err(CatalogueRefusal::SkuMissing);
    }
    if facts.bearer_of_sku.is_some_and(|bearer| bearer != good.goods) {
        return Err(CatalogueRefusal::SkuTaken);
    }
    if good.name_zh.trim().is_empty() || good.name_en.trim().is_empty() {
        return Err(CatalogueRefusal::NameMissing);
    }
    if good.measure.trim().is_empty() {
        return Err(CatalogueRefusal::MeasureMissing);
    }
    if !(1..=super::QUANTITY_MAX).contains(&good.points) {
        return Err(CatalogueRefusal::PointsNotPositive);
    }
    if good.price_fen < 0 {
        return Err(CatalogueRefusal::PriceNegative);
    }
    if good.limit_month < 0 {
        return Err(CatalogueRefusal::LimitNegative);
    }
    if facts.current != edition.replaces {
        return Err(CatalogueRefusal::ChangedMeanwhile);
    }
    Ok(())
}
