//! The SQL of the points room.
