//! The use cases of the calendar room.
