//! The use cases of the scoring room.
