//! The person who asks, as of this request.

use domain::access::{Permission, Post, Reach, Role, Scope};
use domain::{Date, Id, Millis};

use crate::Failure;

/// A signed-in person with today's posts. Made once for each request, never kept.
#[derive(Clone, Debug)]
pub struct Who {
    pub person: Id,
    pub name: String,
    pub posts: Vec<Post>,
    pub now: Millis,
}

impl Who {
    /// The zone's business day.
    pub fn today(&self) -> Date {
        domain::local_date(self.now)
    }

    /// What this person may see or do under `permission`; may be empty.
    pub fn scope(&self, permission: Permission) -> Scope {
        Scope::under(self.person, &self.posts, permission, self.today())
    }

    /// All that this person's posts let the database show.
    pub fn reach(&self) -> Reach {
        Reach::of(self.person, &self.posts, self.today())
    }

    /// Does any of today's posts carry `permission`, wherever it be?
    pub fn may(&self, permission: Permission) -> bool {
        let today = self.today();
        self.posts.iter().any(|p| p.is_held_on(today) && p.role.may(permission))
    }

    pub fn must<R>(&self, permission: Permission) -> Result<(), Failure<R>> {
        if self.may(permission) { Ok(()) } else { Err(Failure::NotAllowed) }
    }

    /// The scope under `permission`, or no at all.
    pub fn must_scope<R>(&self, permission: Permission) -> Result<Scope, Failure<R>> {
        self.must(permission)?;
        Ok(self.scope(permission))
    }

    /// The scope under `permission`, as far as this person may also take lists out of it.
    pub fn must_take_out<R>(&self, permission: Permission) -> Result<Scope, Failure<R>> {
        let shown = self.must_scope(permission)?;
        Ok(shown.and(&self.must_scope(Permission::Export)?))
    }

    /// May this person take lists out at all?
    pub fn must_export<R>(&self) -> Result<(), Failure<R>> {
        self.must(Permission::Export)
    }

    /// Does a post carry `permission` at this area path? Where not, the record is not there.
    pub fn must_cover<R>(&self, permission: Permission, path: &str) -> Result<(), Failure<R>> {
        self.must(permission)?;
        if self.scope(permission).covers(path) { Ok(()) } else { Err(Failure::NotFound) }
    }

    pub fn holds(&self, role: Role) -> bool {
        let today = self.today();
        self.posts.iter().any(|p| p.role == role && p.is_held_on(today))
    }
}
