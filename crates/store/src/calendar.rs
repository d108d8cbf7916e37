//! The SQL of the calendar room.
