//! Which schemes the trust document takes, and of which a service wants a signature.
#![forbid(unsafe_code)]

use super::list;
use crate::crypto::scheme::{Scheme, SchemeName};
use crate::document::Field;
use crate::error::{Error, Result, Status};
use std::fmt;

/// The most registered schemes of a document: as many as there are numbers for.
const MAX_REGISTERED: usize = 127;
/// The most groups of a service, and schemes of a group.
const MAX_GROUPED: usize = 16;

/// Groups of schemes; each stands for one kind of signature, such as an international one. No scheme is in two, so no
/// key answers for two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemeGroups(Vec<Vec<Scheme>>);

impl SchemeGroups {
    /// The first group of which no scheme is among those `found`, as people read it.
    pub fn unmet(&self, found: impl Iterator<Item = Scheme>) -> Option<impl fmt::Display> {
        if self.0.is_empty() {
            return None;
        }
        let found: Vec<Scheme> = found.collect();
        let unmet = self.0.iter().find(|group| !group.iter().any(|scheme| found.contains(scheme)))?;
        Some(unmet.iter().map(Scheme::name).collect::<Vec<_>>().join(" or "))
    }

    /// Every group.
    pub fn iter(&self) -> impl Iterator<Item = &[Scheme]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        let groups = Self(list(field, MAX_GROUPED, |group| {
            let schemes = list(group, MAX_GROUPED, scheme)?;
            if schemes.is_empty() { Err(group.error("expected at least one scheme")) } else { Ok(schemes) }
        })?);
        let all: Vec<Scheme> = groups.all().collect();
        for (i, scheme) in all.iter().enumerate() {
            if all.iter().take(i).any(|former| former == scheme) {
                return Err(field.error(format!("expected each scheme once, found {scheme} twice")));
            }
        }
        Ok(groups)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Scheme> {
        self.0.iter().flatten().copied()
    }
}

/// A scheme that may vouch for plugins.
pub(super) fn scheme(field: &Field<'_>) -> Result<Scheme> {
    let scheme = Scheme::from_name(field.text(64)?).map_err(|e| field.error(e.message()))?;
    if !scheme.is_asymmetric() {
        return Err(field.error(format!(
            "expected a scheme that vouches for plugins, found {scheme}, whose codes every verifier can make"
        )));
    }
    Ok(scheme)
}

/// The list of `registered_schemes`.
pub(super) fn registered(field: &Field<'_>) -> Result<Vec<SchemeName>> {
    list(field, MAX_REGISTERED, |name| SchemeName::new(name.text(64)?).map_err(|e| name.error(e.message())))
}

/// Refuses a registered scheme that the document does not name as one that counts.
pub(super) fn check_named(named: &[SchemeName], used: impl Iterator<Item = Scheme>) -> Result<()> {
    for scheme in used {
        if let Scheme::Registered(name) = scheme
            && !named.contains(&name)
        {
            return Err(Error::new(
                Status::TrustInvalid,
                format!("registered_schemes: expected {scheme}, which is used, to be named there"),
            ));
        }
    }
    Ok(())
}
