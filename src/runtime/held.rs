//! A lease of which this library itself takes care, and what may be touched under it.
#![allow(unsafe_code)]

use super::directory;
use super::lease::{Lease, Note, Outcome, Pending, leases};
use super::version::Version;
use super::{call, sync};
use crate::error::{Error, Result, Status};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use sync::{AtomicPtr, Ordering};

/// A lease that is released when the value is dropped, with the version that it is on.
#[derive(Debug)]
pub struct Held {
    lease: Lease,
    version: NonNull<Version>,
}

impl Held {
    /// Takes a slot, lets `choose` find a version in what `published` leads to, and holds that. `choose` answers a
    /// version that is loaded, the note for the release, and whatever else the caller wants to know.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "a function of its own would look up the thread's variables again"
    )]
    pub(super) fn choose<P, R, E: From<Error>>(
        published: &P,
        choose: impl for<'p> FnOnce(&'p P, &'p Pending<'static>) -> std::result::Result<(&'p Version, Note, R), E>,
    ) -> std::result::Result<(Self, R), E> {
        let pending = leases().begin().ok_or_else(too_many)?;
        let (version, note, rest) = choose(published, &pending)?;
        let (pointer, id) = (NonNull::from(version), version.id());
        let lease = pending.settle(id, note);
        Ok((Self { lease, version: pointer }, rest))
    }

    /// Holds the version that `lease` is on, whatever becomes of `lease`.
    pub(super) fn double(lease: Lease) -> Result<Self> {
        let (lease, id) = leases().double(lease).ok_or_else(|| match leases().version_of(lease) {
            Some(_) => too_many(),
            None => call::gone(),
        })?;
        match NonNull::new(directory::address(id)) {
            Some(version) => Ok(Self { lease, version }),
            None => Err(call::gone()),
        }
    }

    /// Releases it and says how the call went. One that is dropped says nothing.
    #[inline]
    pub(super) fn release(self, outcome: Outcome) {
        call::release_own(self.into_lease(), outcome);
    }

    /// Leaves the release to somebody else.
    pub(super) fn into_lease(self) -> Lease {
        std::mem::ManuallyDrop::new(self).lease
    }
}

impl Deref for Held {
    type Target = Version;

    #[inline]
    fn deref(&self) -> &Version {
        // SAFETY: the directory owns each version until it has drained, and it does not drain while this lease's slot
        // names it. When the slot was settled the version was alive: it was found in what is published, or under
        // another lease.
        unsafe { self.version.as_ref() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        call::release_own(self.lease, Outcome::Neutral);
    }
}

fn too_many() -> Error {
    Error::new(Status::LimitExceeded, "expected at most 65,536 leases in flight")
}

/// What belongs to a version: read under a lease on it, taken out once it has drained.
pub(super) struct Lent<T> {
    pointer: AtomicPtr<T>,
    owns: std::marker::PhantomData<Box<T>>,
}

/// Says that a version has drained: nobody is inside, and nobody will be.
#[derive(Debug)]
pub(super) struct Drained(());

impl Drained {
    /// The proof, if it is so. The caller has taken `version` out of everything that requests read.
    pub(super) fn proof(version: directory::VersionId) -> Option<Self> {
        leases().is_drained(version).then_some(Self(()))
    }
}

impl<T> Lent<T> {
    pub(super) fn new(value: T) -> Self {
        let pointer = AtomicPtr::new(Box::into_raw(Box::new(value)));
        Self { pointer, owns: std::marker::PhantomData }
    }

    /// The value; `None` once it was taken. `held` is on the version that this belongs to.
    #[inline]
    pub(super) fn get<'h>(&'h self, _held: &'h Held) -> Option<&'h T> {
        // SAFETY: the pointer is null or owns its value, which is taken only when no lease is on the version.
        unsafe { self.pointer.load(Ordering::Acquire).as_ref() }
    }

    /// Takes the value out. `_drained` is about the version that this belongs to.
    pub(super) fn take(&self, _drained: &Drained) -> Option<Box<T>> {
        let pointer = self.pointer.swap(std::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: the pointer is null or came from `Box::into_raw`, and the swap makes this its only holder; nobody
        // reads it, as the version has drained.
        (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
    }
}

impl<T> fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}
