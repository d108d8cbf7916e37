//! Counted from all the rooms; decides nothing.
