//! The paper edge: what hangs on the wall, lies in a hand or is put on file, as PDF. Typed data in,
//! bytes out; knows nothing of who asks, and reads nothing itself.
//!
//! A paper is one template in `templates/` and the data for it. The words of a paper stand in its
//! template: a paper is Chinese, whoever prints it. Typst sets the pages; it can read no file and
//! call nobody: its world is the template, the data and the fonts.
//!
//! What is posted publicly is made of [`domain::posting`]'s masked types and of nothing else, so a
//! citizen number, a telephone, an account or a health field cannot be handed to the press:
//!
//! ```compile_fail
//! // A name is masked or is no name of a posted row.
//! fn row(body: &mut domain::posting::Body) {
//!     body.rows[0].name = String::from("张三");
//! }
//! ```
//! ```compile_fail
//! // A register's row is no posted row.
//! fn poster(rows: Vec<app::reports::papers::CardFace>, head: domain::posting::Header) {
//!     let body = domain::posting::Body { header: head, rows };
//! }
//! ```
//! ```compile_fail
//! // There is no place for what the allow-list does not have.
//! fn row(row: &domain::posting::PostedRow) -> &str {
//!     &row.citizen_number
//! }
//! ```
//! ```compile_fail
//! // Honours on a bulletin: a masked name, or none.
//! fn honour() -> app::reports::papers::Honour {
//!     app::reports::papers::Honour { name: String::from("张三"), village: String::new() }
//! }
//! ```

mod bulletin;
mod cards;
mod fonts;
mod goods;
mod join;
mod leaflet;
mod notice;
mod posting;
mod press;
pub mod qr;
mod receipt;
mod review;
mod statement;
mod words;

pub use bulletin::bulletin;
pub use cards::{CARDS_PER_PART, all_cards, cards};
pub use fonts::official_faces_lacking;
pub use goods::{acknowledgement, market_day, stock_count};
pub use join::Joined;
pub use leaflet::{leaflet, poster};
pub use notice::notice;
pub use posting::{Sheet, posting};
pub use press::{Fault, Paper};
pub use receipt::{Roll, receipt};
pub use review::review;
pub use statement::statement;
