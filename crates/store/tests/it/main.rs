//! The store on both engines.

#[cfg(test)]
mod engines;
mod former;
#[cfg(test)]
mod points;
mod posting_log;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod wall;
#[cfg(test)]
mod writers;
