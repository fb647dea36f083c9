//! Who asks, and what they may do.

use app::{
    api::ApiError,
    domain::{
        PersonId,
        permission::{Permission, grants},
        person::Email,
    },
};

use crate::store::people::{Membership, Project, Scope};

/// A person with a session, and the roles that they had when the request came in.
#[derive(Clone, Debug)]
pub struct Actor {
    pub person: PersonId,
    pub email: Email,
    pub super_admin: bool,
    pub memberships: Vec<Membership>,
}

impl Actor {
    /// The only door. Rights are the union of all grants; a role in the organization holds in its projects, and what belongs
    /// to the organization takes a role in it.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] without a right to view, [`ApiError::Forbidden`] with no more than that.
    pub fn may(&self, permission: Permission, project: &Project) -> Result<(), ApiError> {
        let mut here = self.memberships.iter().filter(|membership| match membership.scope {
            Scope::Organization(id) => id == project.organization,
            Scope::Project(id) => id == project.id,
        });
        let may = |permission| move |membership: &Membership| grants(&membership.role, permission);
        let counts = |membership: &&Membership| {
            !permission.is_of_organization() || matches!(membership.scope, Scope::Organization(_))
        };
        if self.super_admin || here.clone().filter(counts).any(may(permission)) {
            Ok(())
        } else if here.any(may(Permission::NetworkingRead)) {
            let scope = if permission.is_of_organization() {
                project.organization_name.clone()
            } else {
                project.name.to_string()
            };
            Err(ApiError::Forbidden { permission, scope })
        } else {
            Err(ApiError::NotFound)
        }
    }
}
