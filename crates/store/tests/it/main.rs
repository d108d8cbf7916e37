//! The store on both engines.

#[cfg(test)]
mod engines;
#[cfg(test)]
mod points;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod wall;
