//! The SQL of the scheme room.
