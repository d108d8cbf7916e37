//! The program from outside, as it is typed.

mod import;
mod keys;
mod print;
mod serve;
mod upload;
