//! Access control: which caller may do what, and where.

use crate::delivery_log::named;
use crate::id::OrgId;

named! {
    /// What an API key may be used for.
    KeyScope {
        /// Calling inbound integrations.
        Runtime = "runtime",
        /// Reading configuration and logs.
        Read = "read",
        /// Changing configuration.
        Write = "write",
        /// Pushing events.
        Events = "events",
    }
}

named! {
    /// The role of a person on the platform.
    Role {
        /// Runs the platform: reaches every organisation, and what belongs to none.
        Admin = "ADMIN",
        /// Belongs to one organisation.
        User = "USER",
    }
}

named! {
    /// The access level of a person within their organisation.
    UserAccess {
        /// Reads everything and changes nothing.
        Read = "READ",
        /// Reads and changes everything.
        Write = "WRITE",
    }
}

named! {
    /// The right that a request requires of its caller.
    Right {
        /// Read configuration and logs.
        Read = "read",
        /// Change configuration, and send by hand.
        Write = "write",
        /// Push events.
        Events = "events",
        /// Call inbound integrations.
        Runtime = "runtime",
    }
}

/// How far a caller reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every organisation, and what belongs to none.
    Everything,
    /// One organisation.
    Org(OrgId),
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonRights {
    /// An administrator of the platform.
    Admin,
    /// They belong to one organisation.
    User {
        /// Their organisation.
        org: OrgId,
        /// How far they may go there.
        access: UserAccess,
    },
}

impl PersonRights {
    /// Their role on the platform.
    pub fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::User { .. } => Role::User,
        }
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A person who logged in.
    Person(PersonRights),
    /// A program with an API key.
    Key {
        /// How far the key reaches.
        reach: Reach,
        /// The scopes of the key.
        scopes: Vec<KeyScope>,
    },
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestScope {
    /// One organisation.
    Org(OrgId),
    /// The platform: what belongs to no organisation, or to all of them.
    Platform,
}

/// Why a caller may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It belongs to another organisation.
    #[error("This is another organisation's, which you may not enter")]
    OtherOrganization,
    /// It belongs to the platform.
    #[error("This is for administrators")]
    ForAdministrators,
    /// It requires a right that the caller lacks.
    #[error("This needs the right {:?}, which you do not have", .0.as_str())]
    Lacks(Right),
}

impl Holder {
    /// How far the caller reaches.
    pub fn reach(&self) -> Reach {
        match self {
            Self::Person(PersonRights::Admin) => Reach::Everything,
            Self::Person(PersonRights::User { org, .. }) => Reach::Org(*org),
            Self::Key { reach, .. } => *reach,
        }
    }

    /// Whether the caller has a right anywhere within its reach.
    pub fn has(&self, right: Right) -> bool {
        match self {
            Self::Person(PersonRights::Admin) => true,
            Self::Person(PersonRights::User { access, .. }) => *access == UserAccess::Write || right == Right::Read,
            Self::Key { scopes, .. } => scopes.contains(&required_scope(right)),
        }
    }

    /// Whether the caller may grant all that `other` has: at most what it has itself.
    pub fn may_grant(&self, other: &Self) -> Result<(), Refusal> {
        match (self.reach(), other.reach()) {
            (Reach::Org(_), Reach::Everything) => return Err(Refusal::ForAdministrators),
            (Reach::Org(own), Reach::Org(org)) if own != org => return Err(Refusal::OtherOrganization),
            (Reach::Org(_), Reach::Org(_)) | (Reach::Everything, _) => {}
        }
        let missing = Right::ALL.iter().find(|right| other.has(**right) && !self.has(**right));
        missing.map_or(Ok(()), |right| Err(Refusal::Lacks(*right)))
    }

    /// Whether the caller may use a right at a place.
    pub fn may(&self, right: Right, place: RequestScope) -> Result<(), Refusal> {
        match (self.reach(), place) {
            (Reach::Org(own), RequestScope::Org(org)) if own != org => return Err(Refusal::OtherOrganization),
            (Reach::Org(_), RequestScope::Platform) => return Err(Refusal::ForAdministrators),
            (Reach::Org(_), RequestScope::Org(_)) | (Reach::Everything, _) => {}
        }
        if self.has(right) { Ok(()) } else { Err(Refusal::Lacks(right)) }
    }
}

fn required_scope(right: Right) -> KeyScope {
    match right {
        Right::Read => KeyScope::Read,
        Right::Write => KeyScope::Write,
        Right::Events => KeyScope::Events,
        Right::Runtime => KeyScope::Runtime,
    }
}

named! {
    /// The kind of an actor.
    ActorKind {
        /// A person.
        User = "USER",
        /// A program with a key.
        ApiKey = "API_KEY",
        /// The platform itself.
        System = "SYSTEM",
    }
}

/// The author of a change, as history and audit name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// Its identifier.
    pub id: String,
    /// The e-mail address of a person, or the name of a key or service.
    pub name: String,
}

impl Actor {
    /// The platform itself, named by the component that acts.
    pub fn system(component: &str) -> Self {
        Self {
            kind: ActorKind::System,
            id: component.to_owned(),
            name: component.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: RequestScope = RequestScope::Org(OrgId(1));
    const OTHER: RequestScope = RequestScope::Org(OrgId(2));

    fn user(access: UserAccess) -> Holder {
        Holder::Person(PersonRights::User { org: OrgId(1), access })
    }

    fn key(reach: Reach, scopes: &[KeyScope]) -> Holder {
        let scopes = scopes.to_vec();
        Holder::Key { reach, scopes }
    }

    fn rights_at(holder: &Holder, place: RequestScope) -> Vec<Right> {
        let all = Right::ALL.iter().copied();
        all.filter(|right| holder.may(*right, place).is_ok()).collect()
    }

    #[test]
    fn every_caller_has_the_rights_of_the_table_and_no_others() {
        let own = Reach::Org(OrgId(1));
        let table = [
            (Holder::Person(PersonRights::Admin), Right::ALL, Right::ALL, Right::ALL),
            (user(UserAccess::Write), Right::ALL, &[], &[]),
            (user(UserAccess::Read), &[Right::Read], &[], &[]),
            (key(own, KeyScope::ALL), Right::ALL, &[], &[]),
            (key(own, &[KeyScope::Events]), &[Right::Events], &[], &[]),
            (key(own, &[]), &[], &[], &[]),
            (
                key(Reach::Everything, &[KeyScope::Read]),
                &[Right::Read],
                &[Right::Read],
                &[Right::Read],
            ),
        ];
        for (holder, in_own, in_other, on_platform) in table {
            assert_eq!(rights_at(&holder, OWN), in_own, "{holder:?}");
            assert_eq!(rights_at(&holder, OTHER), in_other, "{holder:?}");
            assert_eq!(rights_at(&holder, RequestScope::Platform), on_platform, "{holder:?}");
        }
    }

    #[test]
    fn a_grant_never_exceeds_the_rights_of_its_grantor() {
        let own = Reach::Org(OrgId(1));
        let writer = key(Reach::Everything, &[KeyScope::Write]);
        let admin = Holder::Person(PersonRights::Admin);
        let table = [
            (&writer, key(own, &[KeyScope::Write]), Ok(())),
            (
                &writer,
                key(Reach::Everything, KeyScope::ALL),
                Err(Refusal::Lacks(Right::Read)),
            ),
            (&writer, admin.clone(), Err(Refusal::Lacks(Right::Read))),
            (&writer, user(UserAccess::Read), Err(Refusal::Lacks(Right::Read))),
            (&admin, admin.clone(), Ok(())),
            (&admin, key(Reach::Everything, KeyScope::ALL), Ok(())),
            (&key(own, KeyScope::ALL), user(UserAccess::Write), Ok(())),
            (
                &key(own, KeyScope::ALL),
                key(Reach::Org(OrgId(2)), &[]),
                Err(Refusal::OtherOrganization),
            ),
            (&key(own, KeyScope::ALL), admin.clone(), Err(Refusal::ForAdministrators)),
        ];
        for (giver, given, expected) in table {
            assert_eq!(giver.may_grant(&given), expected, "{giver:?} {given:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_place_before_the_right() {
        let reader = user(UserAccess::Read);
        assert_eq!(reader.may(Right::Write, OTHER), Err(Refusal::OtherOrganization));
        assert_eq!(
            reader.may(Right::Write, RequestScope::Platform),
            Err(Refusal::ForAdministrators)
        );
        assert_eq!(reader.may(Right::Write, OWN), Err(Refusal::Lacks(Right::Write)));
    }
}
