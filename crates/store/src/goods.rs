//! The SQL of the goods room.
