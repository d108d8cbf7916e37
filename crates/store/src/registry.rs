//! Areas, households, members, who stands for them, kinship, and the workbooks they came from.

mod areas;
mod assignments;
mod households;
mod imports;
mod kinship;
mod lists;
mod members;

pub use areas::{area_name, areas, record_areas, rename_area};
pub use assignments::{
    Assignment, Cadre, Officer, Somebody, assignments, cadre_of, cadre_posts, end_assignments,
    end_posts, everybody, officer_posts, officers_of, record_assignments, record_people,
    record_posts, set_units,
};
pub use households::{
    HouseholdRow, count, each_household, find, find_by_number, miscounted, record_households,
    update_households,
};
pub use imports::{
    Import, NewImport, each_import, find_import, find_import_file, list_imports, mark_applied,
    record_import, set_import,
};
pub use kinship::{Kinship, declared, each_kinship, kin, record_kinship, relatives_to_choose};
pub use lists::{Filter, Listed, Order, each_listed, list, places};
pub(crate) use members::citizen_hash;
pub use members::{
    each_member, find_by_citizen_number, free_numbers, members, record_members, update_members,
};
