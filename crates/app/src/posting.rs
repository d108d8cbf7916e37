//! Postings, objections and certification: what a village hangs on the wall, what people say to it,
//! and how it becomes points.

mod certify;
mod log;
mod object;
mod post;

pub use certify::{BatchPart, Certified, Certify, CertifyRefusal, Forecast, certify, of_batch};
pub use log::{ProofFile, begin_log, checkpoint, log_keys, proof_file, tile};
pub use object::{
    Answer, AnswerRefusal, Answered, Filed, FoundAnswer, Object, ObjectionPage, answer,
    each_objection, look_up, object, objection, objections, record_objection,
};
pub use post::{
    Post, PostForm, Posted, PublicPosting, hanging, post, post_form, posting_text, public,
};

/// What `siji verify` reads a batch with.
pub(crate) mod verifying {
    pub(crate) use super::certify::latest_rows;
    pub(crate) use super::post::{Read, household_of, read_sums};
}
