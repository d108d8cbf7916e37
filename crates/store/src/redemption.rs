//! The SQL of the redemption room.
