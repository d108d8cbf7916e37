//! The use cases of the posting room.
