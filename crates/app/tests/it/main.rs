//! The stories: a life in plain lines, told on SQLite and on PostgreSQL.

#[cfg(test)]
mod access;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod book;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod hand_over;
#[cfg(test)]
mod posting;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod redemption;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod schemes;
#[cfg(test)]
mod scoring;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod village;
