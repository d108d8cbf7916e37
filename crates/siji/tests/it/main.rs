//! The program from outside, as it is typed.

mod backup;
mod canaries;
mod import;
mod keys;
mod log;
mod print;
mod serve;
mod upload;
