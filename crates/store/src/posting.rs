//! The SQL of the posting room.
