//! The guards between a request and its handler, by name, so that a test can take one away and see
//! that its absence is noticed. In the program they all stand, always.

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("guards can be taken away in tests alone");

use crate::Server;

/// What stands between a request and its handler, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A form from another site is turned away.
    Origin,
    /// Who must be known is known.
    SignedIn,
    /// One of today's posts carries the route's permission.
    Permission,
    /// Whoever acts on something grave has shown a second factor.
    SecondFactor,
    /// A form carries the token of the page it was filled in on.
    Token,
    /// The record that is asked for lies within the post's area.
    Area,
    /// The first wall: what use cases and queries are narrowed to.
    #[cfg(feature = "sabotage")]
    Scope,
    /// The second wall: what the database shows and takes.
    #[cfg(feature = "sabotage")]
    Reach,
}

#[cfg(not(feature = "sabotage"))]
impl Server {
    pub(crate) fn has(&self, _: Guard) -> bool {
        true
    }
    pub(crate) fn lift_first_wall(&self, _: &mut app::Who) {}
    pub(crate) fn without_second_wall(&self, reach: app::Reach) -> app::Reach {
        reach
    }
}

#[cfg(feature = "sabotage")]
impl Server {
    pub(crate) fn has(&self, guard: Guard) -> bool {
        !self.without.contains(&guard)
    }

    /// Without it, every post is held at the zone.
    pub(crate) fn lift_first_wall(&self, who: &mut app::Who) {
        if !self.has(Guard::Scope) {
            who.posts.iter_mut().for_each(|post| post.path = Some("001".to_owned()));
        }
    }

    /// Without it, the database shows everything.
    pub(crate) fn without_second_wall(&self, reach: app::Reach) -> app::Reach {
        if self.has(Guard::Reach) { reach } else { app::Reach::System }
    }
}
