//! The use cases of the points room.
