//! The SQL of the scoring room.
