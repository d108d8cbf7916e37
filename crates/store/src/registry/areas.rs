//! The management tree.

use domain::registry::{Area, AreaKind};

use crate::{Broken, Result, Tx, Type, args};

/// Every area, in tree order.
pub fn areas(tx: &mut Tx) -> Result<Vec<Area>> {
    tx.all(
        "SELECT id, parent, path, kind, name, statutory_code FROM area ORDER BY path",
        &args![],
        |r| {
            let kind = r.text(3)?;
            Ok(Area {
                id: r.id(0)?,
                parent: r.opt_id(1)?,
                path: r.text(2)?,
                kind: AreaKind::from_code(&kind)
                    .ok_or_else(|| Broken::data(format!("unknown kind of area {kind}")))?,
                name: r.text(4)?,
                statutory_code: r.opt_text(5)?,
            })
        },
    )
}

/// Parents before children.
pub fn record_areas(tx: &mut Tx, areas: &[Area]) -> Result<()> {
    let columns = [
        ("id", Type::Id),
        ("parent", Type::Id),
        ("path", Type::Text),
        ("kind", Type::Text),
        ("name", Type::Text),
        ("statutory_code", Type::Text),
    ];
    let rows = areas.iter().map(|a| {
        args![a.id, a.parent, &a.path, a.kind.code(), &a.name, a.statutory_code.as_deref()]
    });
    tx.insert_all("area", &columns, "", rows)?;
    Ok(())
}

pub fn rename_area(tx: &mut Tx, id: domain::Id, name: &str) -> Result<()> {
    tx.exec("UPDATE area SET name = $2 WHERE id = $1", &args![id, name])?;
    Ok(())
}

pub fn area_name(tx: &mut Tx, id: domain::Id) -> Result<Option<String>> {
    tx.opt("SELECT name FROM area WHERE id = $1", &args![id], |r| r.text(0))
}
