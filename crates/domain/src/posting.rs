//! Public lists 公示: what may hang on the wall, the exact bytes of it, who may object and until when,
//! and when a batch may be certified. Knows nothing of goods and their redemption.
//!
//! Nothing personal can reach a posting by accident: a [`PostedRow`] is made of [`MaskedName`],
//! [`PublicText`], [`Serial`], small numbers and a [`PostedOutcome`], and none of them can be made
//! from, or hold, a citizen number, a phone, a bank account or a health field.
//!
//! ```compile_fail
//! // A plain text is no masked name, and no field of a row takes one.
//! let name: domain::posting::MaskedName = String::from("张三").into();
//! ```
//! ```compile_fail
//! // The inside of a masked name is private: only `MaskedName::of` makes one, and it masks.
//! let name = domain::posting::MaskedName(String::from("张三"));
//! ```
//! ```compile_fail
//! // A public text has passed its check or does not exist.
//! let village = domain::posting::PublicText(String::from("371502199001011234"));
//! ```
//! ```compile_fail
//! // A sum is a small number: a phone number does not fit.
//! let sum: domain::posting::Sum = 13800138000;
//! ```

pub mod answer;
pub mod body;
pub mod certify;
mod kept;
pub mod log;
pub mod merkle;
mod name;
pub mod object;
pub mod post;
pub mod seal;
#[cfg(test)]
mod tests;
mod text;

pub use body::{Body, Category, Header, PostedOutcome, PostedRow, Serial, Sum};
pub use kept::{Objection, Posting};
pub use name::MaskedName;
pub use text::{Contact, NotPublic, PublicText, digit_run_max};
