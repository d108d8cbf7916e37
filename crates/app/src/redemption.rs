//! The use cases of the redemption room.
