//! The use cases of the goods room.
