//! Who makes a request: the bearer of a token, or whoever that one stands in for.

use crate::api::Request;
use crate::error::{About, ApiError};
use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

use super::rbac::{self, Attributes};

/// A user as authorisation sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
}

/// Members may do everything.
pub(crate) const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";

impl User {
    pub(crate) fn new(name: &str, groups: &[&str]) -> Self {
        Self { name: name.into(), uid: String::new(), groups: groups.iter().map(|group| (*group).into()).collect() }
    }

    fn administrator() -> Self {
        Self::new("kubernetes-admin", &[MASTERS, AUTHENTICATED])
    }

    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// Where there is no door to the outside, whoever asks is the administrator.
pub(crate) fn of(world: &World, request: &Request) -> Result<User, ApiError> {
    let real = match &world.config.token {
        None => User::administrator(),
        Some(token) => bearer(world, token, &request.authorization)?,
    };
    match &request.impersonated {
        None => Ok(real),
        Some(wanted) => impersonate(world, &real, wanted),
    }
}

fn bearer(world: &World, administrator: &str, header: &str) -> Result<User, ApiError> {
    let Some(token) = header.strip_prefix("Bearer ").map(str::trim) else {
        return if header.is_empty() {
            Ok(User::new("system:anonymous", &["system:unauthenticated"]))
        } else {
            Err(ApiError::unauthorized())
        };
    };
    if token == administrator {
        return Ok(User::administrator());
    }
    service_account(world, token).ok_or_else(ApiError::unauthorized)
}

/// The account that a token of the simulation was made for.
pub(crate) fn service_account(world: &World, token: &str) -> Option<User> {
    let uid = token.strip_prefix("sim.")?.rsplit_once('.')?.0;
    let (table, account) = world.store.by_uid(uid)?;
    if table != Table::SERVICE_ACCOUNTS {
        return None;
    }
    let namespace = account.namespace();
    let name = format!("system:serviceaccount:{namespace}:{}", account.name());
    let own = format!("system:serviceaccounts:{namespace}");
    Some(User { uid: uid.into(), ..User::new(&name, &["system:serviceaccounts", &own, AUTHENTICATED]) })
}

fn impersonate(world: &World, real: &User, wanted: &User) -> Result<User, ApiError> {
    let may = |resource: &str, name: &str| {
        let attributes = Attributes { verb: "impersonate", resource, name, ..Attributes::default() };
        if rbac::allows(world, real, &attributes) {
            return Ok(());
        }
        let why = format!(
            "User {:?} cannot impersonate resource {resource:?} in API group \"\" at the cluster scope",
            real.name
        );
        Err(ApiError::forbidden(About { group: "", plural: resource, kind: "" }, name, &why))
    };
    may("users", &wanted.name)?;
    for group in &wanted.groups {
        may("groups", group)?;
    }
    let mut user = wanted.clone();
    if wanted.name != "system:anonymous" && !user.groups.iter().any(|group| group == AUTHENTICATED) {
        user.groups.push(AUTHENTICATED.into());
    }
    Ok(user)
}
