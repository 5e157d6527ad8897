//! A version that was started and is not to serve: whatever refuses it, it goes one way.
#![forbid(unsafe_code)]

use super::Service;
use crate::error::{Error, Status};
use crate::loader::{PinKind, PinReason};
use crate::runtime::version::{Happening, Version};
use std::sync::Arc;

impl Service {
    /// Takes away a version that was started and is not to serve, because of `refusal`: it is stopped and unmapped, and
    /// where it has to stay mapped it is listed as pinned. One that crashed is only listed: what it was doing is left half
    /// done. Answers the refusal, with what there is to say of the rest.
    pub fn turn_away(&self, version: &Arc<Version>, refusal: &Error) -> Error {
        let left = if refusal.status() == Status::PluginCrashed {
            Err(PinReason::new(PinKind::Crash, refusal.message()).into())
        } else {
            version.abandon()
        };
        let Err(stays) = left else { return refusal.clone() };
        let message = format!("{}; the image stays mapped: {stays}", refusal.message());
        let pinned = self.pin(&mut self.admin.lock(), Arc::clone(version), stays);
        version.announce(Happening::Pinned(pinned.message()));
        Error::new(refusal.status(), message)
    }
}
