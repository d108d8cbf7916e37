//! The use cases of the registry room.
