//! The use cases of the scheme room.
