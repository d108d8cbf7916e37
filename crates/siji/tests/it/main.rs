//! The program from outside, as it is typed.

mod backup;
mod import;
mod keys;
mod serve;
mod upload;
