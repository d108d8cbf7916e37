//! The SQL of the registry room.
